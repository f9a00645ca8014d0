"""A scene's layers prepared for drawing: Y, U, V and alpha planes, and where each sheet is seen and solid."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.base import Image
from studio.engines.parallax import yuv
from studio.engines.parallax.remap import MOST_SIDE
from studio.engines.parallax.scene import Floats, Layer

CELL = 4  # pixels of the frame to one cell of the grid on which places are solved
FINE = 2  # places of a sheet's kind to one of its disparity: the finer, the fewer cells are composed for nothing
LEAP = 4  # cells to one of the first, rough solution
GUARD = 2  # rows repeated between sheets that are stacked

UNSEEN, PARTLY, SOLID = 0, 1, 2


@dataclass(frozen=True)
class Sheet:
    """One layer. texture: (TH, TW, 4) premultiplied Y, U, V, A; chroma: (TH // 2, TW // 2, 4) the same at half size.

    disparity: (h, w) in the camera's depth. kind: (FINE h, FINE w) UNSEEN, PARTLY or SOLID, with a margin of a cell, so
    that a cell whose middle is UNSEEN or SOLID is so all over. near: (h, w) 1 within a rough cell of anything seen. The
    furthest sheet has neither.
    """

    name: str
    texture: Image
    chroma: Image
    disparity: Floats
    kind: NDArray[np.uint8] | None = None
    near: Floats | None = None


def prepare(layer: Layer, disparity: Floats, furthest: bool, width: int) -> Sheet:
    """A scene's layer as a sheet for frames `width` pixels wide."""
    texture = yuv.to_yuva(layer.texture)
    chroma = halve(texture)
    if furthest:
        return Sheet(layer.name, texture, chroma, disparity)
    rows, columns = disparity.shape
    alpha = cv2.resize(
        layer.texture[..., 3].astype(np.float32), (FINE * columns, FINE * rows), interpolation=cv2.INTER_AREA
    )
    cell = CELL * columns / width
    margin = _square(0.75 * cell * FINE + 1.5)
    seen = cv2.dilate((alpha > 0).astype(np.uint8), margin)
    solid = cv2.erode((alpha > 254.5).astype(np.uint8), margin)
    any_seen = cv2.resize(seen.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA) > 0
    near = cv2.dilate(any_seen.astype(np.uint8), _square(0.75 * cell * LEAP + 1)).astype(np.float32)
    return Sheet(layer.name, texture, chroma, disparity, np.asarray(seen + solid, np.uint8), near)


def halve(texture: Image) -> Image:
    """A texture at half its size, (H // 2, W // 2, 4)."""
    size = (max(1, texture.shape[1] // 2), max(1, texture.shape[0] // 2))
    return np.asarray(cv2.resize(texture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _square(radius: float) -> NDArray[np.uint8]:
    return np.ones((2 * int(np.ceil(radius)) + 1,) * 2, np.uint8)


class Stack:
    """One channel of sheets of one size in one picture, so that one look serves pixels of all of them.

    They lie under each other, and side by side as well where that would be taller than a look can take.
    """

    def __init__(self, count: int, height: int, width: int, channel: int) -> None:
        """`channel` of the sheets' four is kept, as (rows, W)."""
        self._channel, self._height, self._width = channel, height, width
        self._deep = min(count, max(1, MOST_SIDE // (height + 2 * GUARD)))
        wide = -(-count // self._deep)
        beside = 2 * GUARD if wide > 1 else 0
        self.picture: Image = np.zeros((self._deep * (height + 2 * GUARD), wide * (width + beside)), np.uint8)
        self._beside = beside
        self._held: list[Image | None] = [None] * count

    def corner(self, index: int) -> tuple[int, int]:
        """The column and the row of the stack at which a sheet begins."""
        column, row = divmod(index, self._deep)
        return column * (self._width + self._beside) + self._beside // 2, row * (self._height + 2 * GUARD) + GUARD

    def hold(self, index: int, texture: Image) -> None:
        """Put a sheet's texture in its place, unless it is there."""
        if self._held[index] is texture:
            return
        plain = cv2.extractChannel(texture, self._channel)
        (left, top), side = self.corner(index), self._beside // 2
        rows, columns = slice(top - GUARD, top + self._height + GUARD), slice(left - side, left + self._width + side)
        self.picture[rows, columns] = cv2.copyMakeBorder(plain, GUARD, GUARD, side, side, cv2.BORDER_REPLICATE)
        self._held[index] = texture
