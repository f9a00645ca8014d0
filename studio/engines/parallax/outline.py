"""Compositing of the cells along outlines, where several sheets meet, far to near.

A cell's pixels lie between its middle and its neighbours', with the same weights in every cell, so the places of all
pixels of all chosen cells are one matrix product: (n, 9) neighbours times (9, pixels of a cell).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.base import Image
from studio.engines.parallax import yuv
from studio.engines.parallax.projection import Displacement, Field
from studio.engines.parallax.remap import look_up
from studio.engines.parallax.scene import Floats
from studio.engines.parallax.sheets import CELL, Sheet


def _make_weights(pixels: int) -> Floats:
    """(9, pixels * pixels): each pixel of a cell between the middles of the cell and its eight neighbours, bilinear."""
    place = (np.arange(pixels) + 0.5) / pixels - 0.5
    line = np.stack([np.maximum(-place, 0), 1 - np.abs(place), np.maximum(place, 0)])
    return np.einsum("iy,jx->ijyx", line, line).reshape(9, pixels * pixels).astype(np.float32)


_WEIGHTS = {1: _make_weights(CELL), 2: _make_weights(CELL // 2)}


@dataclass(frozen=True)
class Cells:
    """Chosen cells of a frame: rows and columns (n,), and the frame's width and height in pixels."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    width: int
    height: int

    @classmethod
    def of(cls, chosen: NDArray[np.bool_], width: int, height: int) -> Cells:
        """The cells where `chosen` (rows, columns) is true."""
        rows, columns = np.nonzero(chosen)
        return cls(rows, columns, width, height)

    def __len__(self) -> int:
        return len(self.rows)

    def pixels(self, shrink: int) -> NDArray[np.intp]:
        """(n, k) the flat places of their pixels in a plane of the frame's size over `shrink`; -1 for those past its
        edge.
        """
        side, width, height = CELL // shrink, self.width // shrink, self.height // shrink
        inside = np.arange(side)
        if not (width % side or height % side):
            first = self.rows * (side * width) + self.columns * side
            return first[:, None] + (inside[:, None] * width + inside).ravel()
        down, across = self.rows[:, None] * side + inside, self.columns[:, None] * side + inside
        flat = down[:, :, None] * width + across[:, None, :]
        flat[(down >= height)[:, :, None] | (across >= width)[:, None, :]] = -1
        return flat.reshape(len(self), -1)

    def put(self, plane: Image, values: Image, pixels: NDArray[np.intp]) -> None:
        """Write values (n, k) to a contiguous plane, at the places that `pixels` found."""
        if pixels.min() < 0:
            inside = pixels >= 0
            pixels, values = pixels[inside], values[inside]
        plane.reshape(-1)[pixels] = values

    def near(self, grid: Floats) -> Floats:
        """(n, 9) a grid with guard cells at the middles of the cells and of their eight neighbours."""
        return grid.take(self._around)

    @cached_property
    def _around(self) -> NDArray[np.intp]:
        """(n, 9) the flat places of the cells and their neighbours in a grid with guard cells."""
        columns = -(-self.width // CELL) + 2
        steps = (np.arange(3)[:, None] * columns + np.arange(3)).ravel()
        return (self.rows * columns + self.columns)[:, None] + steps


class Scale(NamedTuple):
    """From a sheet's disparity map to its texture or chroma, in pixels: place = at * (across, down) + (x, y)."""

    across: np.float32
    x: np.float32
    down: np.float32
    y: np.float32


def scale(at: Field, sheet: Sheet, shrink: int) -> Scale:
    """To the texture, or to the chroma when `shrink` is 2: colour lies half a pixel of the frame left (colour.py)."""
    rows, columns = sheet.disparity.shape
    height, width = (sheet.texture if shrink == 1 else sheet.chroma).shape[:2]
    across, down, half = np.float32(width / columns), np.float32(height / rows), np.float32(0.5)
    lean = np.float32(0.0)
    if shrink == 2:
        middle = at.x[at.x.shape[0] // 2]
        inside = np.flatnonzero(middle > -1e5)
        if inside.size > 1:
            first, last = inside[0], inside[-1]
            lean = half * (middle[last] - middle[first]) / np.float32(CELL * (last - first))
    return Scale(across, (half - lean) * across - half, down, half * down - half)


def compose(
    sheets: Sequence[Sheet], displaced: Sequence[Displacement], cells: Cells, out: Image, cover: Image | None
) -> None:
    """Compose all sheets in the chosen cells of an I420 frame, in place; how much is subject into `cover` (H, W)."""
    planes = yuv.colour_planes(out)
    views = [_View(sheet, one, cells) for sheet, one in zip(sheets, displaced, strict=True)]
    for shrink in (1, 2):
        total: Image | None = None
        subject: Image | None = None
        for sheet, view in zip(sheets, views, strict=True):
            seen = view.look(shrink)
            total = seen if total is None else _compose_over(total, seen)
            if sheet.name == "subject":
                subject = seen[..., 3]
        assert total is not None
        pixels = cells.pixels(shrink)
        if shrink == 1:
            cells.put(out, total[..., 0], pixels)
            if cover is not None and subject is not None:
                cells.put(cover, subject, pixels)
        else:
            for plane, channel in zip(planes, (1, 2), strict=True):
                cells.put(plane, total[..., channel], pixels)


class _View:
    """What one sheet shows in chosen cells."""

    def __init__(self, sheet: Sheet, one: Displacement, cells: Cells) -> None:
        self._sheet = sheet
        self._border = cv2.BORDER_REPLICATE if sheet.kind is None else cv2.BORDER_CONSTANT
        self._looks = [(at, cells.near(at.x), cells.near(at.y)) for at in (one.at, one.other) if at is not None]
        self._share = None if one.share is None else cells.near(one.share)

    def look(self, shrink: int) -> Image:
        """(n, k, 4) in every pixel of the cells."""
        first, *others = (self._upscale_field(at, x, y, shrink) for at, x, y in self._looks)
        if not others or self._share is None:
            return first
        share = self._share @ _WEIGHTS[shrink]
        return np.asarray(cv2.blendLinear(others[0], first, share, 1 - share), np.uint8)

    def _upscale_field(self, at: Field, x: Floats, y: Floats, shrink: int) -> Image:
        to, weights = scale(at, self._sheet, shrink), _WEIGHTS[shrink]
        across, down = x @ (weights * to.across), y @ (weights * to.down)
        across += to.x
        down += to.y
        texture = self._sheet.texture if shrink == 1 else self._sheet.chroma
        return np.asarray(look_up(texture, across, down, border=self._border), np.uint8)


def _compose_over(below: Image, above: Image) -> Image:
    """Premultiplied over: below (1 - alpha) + above; the result's own alpha means nothing."""
    clear = cv2.bitwise_not(cv2.extractChannel(above, 3))
    return np.asarray(cv2.add(cv2.multiply(below, cv2.merge([clear] * 4), scale=1 / 255), above), np.uint8)
