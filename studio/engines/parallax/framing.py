"""Framing: the smallest crop-in for which no pose of a path ever looks past the edge of the photo.

Only the frame's border has to be checked: what a pixel shows moves continuously across a layer, so if the border of the
frame looks inside the photo, so does everything within it.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from studio.engines.parallax.camera_path import Pose
from studio.engines.parallax.projection import Field, Framing, homographies, pull, rays, solve
from studio.engines.parallax.remap import look_up
from studio.engines.parallax.scene import Floats

MOST_CROP = 1.5
"""Beyond this a move costs more of the picture than it is worth, and is made smaller instead."""

_RAYS = 21  # along each side of the frame
_POSES = 40  # of the path: it is smooth, and a border pixel's centre is half a pixel inside the border checked here
_CUT = 10  # halvings of the crop: to 1/2000
TOLERANCE = 1e-4  # of half the frame's width, a sixteenth of a pixel at 720p


class Sheet(NamedTuple):
    """What a layer means to the border. disparity: (h, w). alpha: (h, w) 0..1 where it can be seen, None for
    everywhere.

    reach: how far ambient motion may carry the layer's border, in fractions of its width and height.
    """

    disparity: Floats
    alpha: Floats | None
    reach: tuple[float, float] = (0.0, 0.0)


class Spill(NamedTuple):
    """How far past each edge of the photo the frame looks, in tangents; negative is room to spare."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def worst(self) -> float:
        """The furthest of the four; at most 0 when nothing spills."""
        return max(self)


def border(half: tuple[float, float]) -> tuple[Floats, Floats]:
    """Places along the frame's border in tangents, two (1, n) arrays."""
    line = np.linspace(-1, 1, _RAYS, dtype=np.float32)
    edge = np.ones_like(line)
    x = np.concatenate([line, line, -edge, edge])[None] * np.float32(half[0])
    y = np.concatenate([-edge, edge, line, line])[None] * np.float32(half[1])
    return x, y


def spill(sheets: tuple[Sheet, ...], poses: tuple[Pose, ...], framing: Framing, half: tuple[float, float]) -> Spill:
    """How far the frame's border looks past the photo's, over all poses and every sheet that can be seen there."""
    x, y = border(half)
    centres = np.stack([pose.centre for pose in poses])
    found: list[Spill] = []
    for sheet in sheets:
        size = (sheet.disparity.shape[1], sheet.disparity.shape[0])
        u = rays(homographies(poses, framing, half, size), x, y)
        found.append(_measure_spill(solve(sheet.disparity, u, pull(centres, u, half, size)), sheet, half))
    return Spill(*(max(side) for side in zip(*found, strict=True)))


def _measure_spill(at: Field, sheet: Sheet, half: tuple[float, float]) -> Spill:
    height, width = sheet.disparity.shape
    left, right = -0.5 + sheet.reach[0] * width - at.x, at.x - (width - 0.5 - sheet.reach[0] * width)
    top, bottom = -0.5 + sheet.reach[1] * height - at.y, at.y - (height - 0.5 - sheet.reach[1] * height)
    if sheet.alpha is not None:
        seen = np.asarray(look_up(sheet.alpha, at.x, at.y, how=cv2.INTER_NEAREST), np.float32) > 0.02
        left, top, right, bottom = (np.where(seen, side, -np.inf) for side in (left, top, right, bottom))
    sx, sy = 2 * half[0] / width, 2 * half[1] / height
    return Spill(float(left.max()) * sx, float(top.max()) * sy, float(right.max()) * sx, float(bottom.max()) * sy)


def _move(low: float, high: float) -> float:
    """How far to move the window towards the higher end: as far as need be, never past the middle of the room."""
    if low > 0 and low > high:
        return min(low, (low - high) / 2)
    if high > 0 and high > low:
        return -min(high, (high - low) / 2)
    return 0.0


def _settle(
    sheets: tuple[Sheet, ...], poses: tuple[Pose, ...], start: Framing, half: tuple[float, float]
) -> Framing | None:
    """The framing of this crop that looks nowhere past the photo, its window moved as little as will do; None without
    one.
    """
    framing = start
    for _ in range(4):
        past = spill(sheets, poses, framing, half)
        if past.worst <= TOLERANCE * half[0]:
            return framing
        framing = framing._replace(
            x=framing.x + _move(past.left, past.right), y=framing.y + _move(past.top, past.bottom)
        )
    return None


def fit(sheets: tuple[Sheet, ...], poses: tuple[Pose, ...], half: tuple[float, float]) -> Framing | None:
    """The smallest crop-in, with the window moved to use the room on both sides; None when MOST_CROP isn't enough."""
    stride = max(1, len(poses) // _POSES)
    some = (*poses[::stride], poses[-1])
    best = _settle(sheets, some, Framing(), half)
    if best is not None:
        return best
    best = _settle(sheets, some, Framing(MOST_CROP), half)
    if best is None:
        return None
    low, high = 1.0, MOST_CROP
    for _ in range(_CUT):
        middle = (low + high) / 2
        found = _settle(sheets, some, best._replace(crop=middle), half)
        low, high, best = (low, middle, found) if found else (middle, high, best)
    return best
