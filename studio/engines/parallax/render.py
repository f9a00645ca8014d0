"""Draws frames on the processor: sheets seen by a camera, composed far to near, straight into Y, U and V planes.

Where a pixel looks (projection.py) is solved on a grid of a quarter of the frame, for disparity is smooth. A cell in
which one sheet is solid and covers all others takes that sheet's place; the grid is stretched to full size, with one
guard cell all round, so that the stretching is exact up to the border, and a `cv2.remap` of the stacked sheets does
brightness at full size, two do colour at half size. Only the cells along outlines look at every sheet and compose them.
Measured at 720p on one core: 1.6 + 0.8 ms for the three looks, against 2.1 ms a sheet for RGBA, 0.3 ms for its
conversion, and the error of OpenCV's BT.601 matrix. OpenCV weighs in floating point for 8-bit pixels of 1 and 4
channels; its ways for 2 and 3 are thrice as slow.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.base import Image
from studio.engines.parallax import outline, yuv
from studio.engines.parallax.camera_path import Pose, half_frame
from studio.engines.parallax.effects.particles import View
from studio.engines.parallax.projection import STEPS, Displacement, Field, Framing, homography, look, pull, rays, solve
from studio.engines.parallax.remap import look_up
from studio.engines.parallax.scene import Floats
from studio.engines.parallax.sheets import CELL, FINE, LEAP, PARTLY, SOLID, Sheet, Stack

NOWHERE = np.float32(
    -1e7
)  # where a cell looks for a sheet that is nowhere near: so far out that nothing near it mixes in

Owners = NDArray[np.uint8]
Aim = tuple[Field, Field]  # rays, and how far each is pulled per unit of disparity


class Ambience(Protocol):
    """What moves by itself, at a time t of the clip (0..1)."""

    def sheet(self, sheet: Sheet, t: float) -> Sheet:
        """The sheet with its texture as it is now."""
        ...

    def displace(self, sheet: Sheet, at: Field, t: float) -> Displacement:
        """Where to look for what has moved to `at`, a field of grid cells."""
        ...

    def hides(self) -> bool:
        """Whether anything hangs in the air behind the subject, so that `veil` needs to know where the subject is."""
        ...

    def veil(self, at: Field, t: float, frame: Image, subject: Image | None, view: View) -> None:
        """Lay what hangs in the air over the frame, I420. at: where the furthest sheet is looked at, for every cell.

        view: what the camera sees of things that hang at depths of their own. subject: (H, W) how much of every pixel
        is the subject, 0..255, in front of some of it.
        """
        ...


class Box(NamedTuple):
    """A part of the frame in cells: rows top..bottom, columns left..right."""

    top: int
    bottom: int
    left: int
    right: int


class Easel:
    """Room to stretch grids to the frame's own size, or to half of it, kept from frame to frame: new memory is not
    free.
    """

    def __init__(self, cells: Box, size: tuple[int, int], shrink: int) -> None:
        self._times = CELL // shrink
        self._size = (size[1] // shrink, size[0] // shrink)
        shape = ((cells.bottom + 2) * self._times, (cells.right + 2) * self._times)
        self._maps = tuple(np.empty(shape, np.float32) for _ in range(2))

    def stretch(self, grid: Floats, room: int) -> Floats:
        """A grid with guard cells at every pixel, in one of two rooms; the next stretch there writes over it."""
        full = self._maps[room]
        cv2.resize(grid, (full.shape[1], full.shape[0]), full, interpolation=cv2.INTER_LINEAR)
        return full[self._times : self._times + self._size[0], self._times : self._times + self._size[1]]

    def look(self, stacks: list[Stack], at: Field, planes: list[Image]) -> None:
        """The stacks' pictures at the places of a grid, each into a plane."""
        places = (self.stretch(at.x, 0), self.stretch(at.y, 1))
        for stack, plane in zip(stacks, planes, strict=True):
            look_up(stack.picture, *places, plane)


class Renderer:
    """Draws frames of one scene in one framing. Not for several threads at once."""

    def __init__(
        self, sheets: tuple[Sheet, ...], size: tuple[int, int], framing: Framing, ambience: Ambience | None = None,
        half: tuple[float, float] | None = None,
    ) -> None:  # fmt: skip
        """`size`: (width, height) of the frame. The sheets' textures are all of a size, and so are their disparity
        maps.

        half: half of what the sheets cover, in tangents; the frame's own where they cover what it shows.
        """
        self.width, self.height = size
        self.framing, self._sheets, self._ambience = framing, sheets, ambience
        self.half = half or half_frame(*size)
        self._all = Box(0, -(-self.height // CELL), 0, -(-self.width // CELL))
        (rows, columns), (rows2, columns2) = sheets[0].texture.shape[:2], sheets[0].chroma.shape[:2]
        self._luma = [Stack(len(sheets), rows, columns, 0)]
        self._chroma = [Stack(len(sheets), rows2, columns2, channel) for channel in (1, 2)]
        self._grids = (self._grid(CELL * LEAP, 0), self._grid(CELL, 1))
        self._easels = {shrink: Easel(self._all, size, shrink) for shrink in (1, 2)}

    def paint(self, pose: Pose, t: float) -> Image:
        """The frame of a pose at time t (0..1) of the clip: I420, (height * 3 // 2, width) uint8."""
        aims = self._cast_rays(pose)
        found = [self._find(sheet, pose, *aims) for sheet in self._sheets]
        whole = found[0]
        sheets, displaced = self._sheets, [Displacement(at) for at in found]
        if self._ambience:
            sheets = tuple(self._ambience.sheet(sheet, t) for sheet in sheets)
            displaced = [self._ambience.displace(sheet, at, t) for sheet, at in zip(sheets, found, strict=True)]
        for index, sheet in enumerate(sheets):
            for stack in self._luma:
                stack.hold(index, sheet.texture)
            for stack in self._chroma:
                stack.hold(index, sheet.chroma)
        owner, mixed = _find_owners(sheets, [one.at for one in displaced])
        out = np.empty((self.height * 3 // 2, self.width), np.uint8)
        self._weave(sheets, displaced, owner, out)
        cells = outline.Cells.of(mixed, self.width, self.height)
        cover = self._cover(owner) if self._ambience and self._ambience.hides() else None
        if len(cells):
            outline.compose(sheets, displaced, cells, out, cover)
        if self._ambience:
            view = View(pose, self.framing, self.half, (self.width, self.height))
            self._ambience.veil(Field(whole.x[1:-1, 1:-1], whole.y[1:-1, 1:-1]), t, out, cover, view)
        return out

    def _grid(self, cell: int, guard: int) -> tuple[Floats, Floats]:
        """Middles of cells of `cell` pixels that cover the frame, with a guard all round, in tangents: a row and a
        column.
        """
        steps = cell // CELL
        across = np.arange(-guard, -(-self._all.right // steps) + guard, dtype=np.float32)
        down = np.arange(-guard, -(-self._all.bottom // steps) + guard, dtype=np.float32)
        x = ((across + 0.5) * (2 * cell / self.width) - 1) * self.half[0]
        y = ((down + 0.5) * (2 * cell / self.height) - 1) * self.half[1]
        return x[None].astype(np.float32), y[:, None].astype(np.float32)

    def _cast_rays(self, pose: Pose) -> tuple[Aim, Aim]:
        """The rays of all rough cells, and of all cells with a guard: the same for every sheet, as their maps are of a
        size.
        """
        size = self._sheets[0].disparity.shape[::-1]
        turn = homography(pose, self.framing, self.half, (size[0], size[1]))
        rough, fine = (rays(turn, *grid) for grid in self._grids)
        return (rough, pull(pose.centre, rough, self.half, size)), (fine, pull(pose.centre, fine, self.half, size))

    def _find(self, sheet: Sheet, pose: Pose, rough_aim: Aim, aim: Aim) -> Field:
        """Where every cell looks for a sheet, with one guard cell all round: a rough solution, stretched, and one more
        step.

        Cells well away from what can be seen of the sheet look NOWHERE.
        """
        rough = solve(sheet.disparity, *rough_aim, None, STEPS - 1)
        box = self._all if sheet.near is None else self._find_visible(sheet.near, rough)
        if box is None:
            shape = (self._all.bottom + 2, self._all.right + 2)
            return Field(np.full(shape, NOWHERE), np.full(shape, NOWHERE))
        inside = np.s_[box.top : box.bottom + 2, box.left : box.right + 2]
        u, way = (
            Field(*(part[inside] if part.ndim == 2 and part.size > 1 else part for part in field)) for field in aim
        )
        if pose.centre.any():
            start = cv2.resize(look(sheet.disparity, rough), None, fx=LEAP, fy=LEAP, interpolation=cv2.INTER_LINEAR)
            start = cv2.copyMakeBorder(start, 1, 1 + LEAP, 1, 1 + LEAP, cv2.BORDER_REPLICATE)
            u = solve(sheet.disparity, u, way, start[inside], 1)
        if box == self._all:
            return Field(np.ascontiguousarray(u.x), np.ascontiguousarray(u.y))
        edges = (box.top, self._all.bottom - box.bottom, box.left, self._all.right - box.right)
        x, y = (cv2.copyMakeBorder(part, *edges, cv2.BORDER_CONSTANT, value=float(NOWHERE)) for part in u)
        return Field(x, y)

    def _find_visible(self, near: Floats, rough: Field) -> Box | None:
        """The cells within which a sheet can be seen."""
        seen = look(near, rough) > 0
        rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
        if not rows.size:
            return None
        top, bottom, left, right = (LEAP * int(end) for end in (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1))
        return Box(top, min(bottom, self._all.bottom), left, min(right, self._all.right))

    def _weave(self, sheets: tuple[Sheet, ...], displaced: list[Displacement], owner: Owners, out: Image) -> None:
        """Look at every cell's owner, at once for all sheets. What is along outlines comes out wrong and is composed
        later.
        """
        flowing = any(one.share is not None for one in displaced)
        share = (
            _merge([one.share if one.share is not None else np.zeros_like(one.at.x) for one in displaced], owner)
            if flowing
            else None
        )
        for shrink, stacks, planes in (
            (1, self._luma, [out[: self.height]]),
            (2, self._chroma, [*yuv.colour_planes(out)]),
        ):
            easel = self._easels[shrink]
            easel.look(stacks, _aim_tops(sheets, [one.at for one in displaced], owner, stacks[0], shrink), planes)
            if share is not None:
                others = [one.other or one.at for one in displaced]
                seconds = [np.empty_like(plane) for plane in planes]
                easel.look(stacks, _aim_tops(sheets, others, owner, stacks[0], shrink), seconds)
                part = np.ascontiguousarray(easel.stretch(share, 0))
                for first, second in zip(planes, seconds, strict=True):
                    first[:] = cv2.blendLinear(second, first, part, 1 - part)

    def _cover(self, owner: Owners) -> Image:
        """(H, W) 255 where the subject owns the cell."""
        subject = [index for index, sheet in enumerate(self._sheets) if sheet.name == "subject"]
        cells = np.isin(owner[1:-1, 1:-1], subject).astype(np.uint8) * np.uint8(255)
        return np.repeat(np.repeat(cells, CELL, 0), CELL, 1)[: self.height, : self.width].copy()


def _find_owners(sheets: tuple[Sheet, ...], at: list[Field]) -> tuple[Owners, NDArray[np.bool_]]:
    """Which sheet every cell looks at, guard cells counted, and which cells, not counted, need several composed."""
    owner = np.zeros(at[0].x.shape, np.uint8)
    mixed = np.zeros(owner.shape, bool)
    for index, (sheet, where) in enumerate(zip(sheets, at, strict=True)):
        if sheet.kind is None:
            continue
        fine = (part * np.float32(FINE) + np.float32(FINE / 2 - 0.5) for part in where)
        kind = look_up(sheet.kind, *fine, how=cv2.INTER_NEAREST)
        kind[where.x < -1e5] = 0
        solid = kind == SOLID
        owner[solid] = index
        mixed &= ~solid
        mixed |= kind == PARTLY
    square = np.ones((3, 3), np.uint8)
    seam = cv2.dilate(owner, square) != cv2.erode(owner, square)
    return owner, (mixed | seam)[1:-1, 1:-1]


def _merge(parts: list[Floats], owner: Owners) -> Floats:
    merged = parts[0]
    for index, part in enumerate(parts[1:], 1):
        merged = np.where(owner == index, part, merged)
    return merged


def _aim_tops(sheets: tuple[Sheet, ...], at: list[Field], owner: Owners, stack: Stack, shrink: int) -> Field:
    """Where every cell looks in the stack, by its owner."""
    scales = [outline.scale(field, sheet, shrink) for field, sheet in zip(at, sheets, strict=True)]
    merged = Field(_merge([one.x for one in at], owner), _merge([one.y for one in at], owner))
    shift = np.zeros((2, 256), np.float32)
    for index, one in enumerate(scales):
        left, top = stack.corner(index)
        shift[:, index] = one.x + left, one.y + top
    right, down = (np.asarray(cv2.LUT(owner, table), np.float32) for table in shift)
    return Field(merged.x * scales[0].across + right, merged.y * scales[0].down + down)
