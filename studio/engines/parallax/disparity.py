"""The disparity that sheets are drawn with: never steeper than a camera's way bears, and continuous where sheets may not part.

A sheet that moves apart from the one behind it shows what the photo never showed. Where that isn't safe both are given one
disparity, so that drawn over each other they stay the photo, and what lies around the nearer one is stretched a little instead.
Straight lines would show that as bends, so the stretch falls off slower along them than across.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from studio.engines.base import Image
from studio.engines.parallax.lookup import look_up
from studio.engines.parallax.path import Pose
from studio.engines.parallax.project import Field, pull
from studio.engines.parallax.scene import Floats, Lines

STRETCH = 0.33
"""How much a neighbourhood may be stretched or squeezed, of 1, when the camera is furthest from where the photo was taken."""

STRAIGHT = 0.2
"""How steep it may be along a line that would bend, of what it may be elsewhere."""

SEEN = 0.02
"""Cover, 0..1, from which on a place belongs to the nearer sheet: the whole of a soft edge goes with it."""

ROUNDED = 3.0  # pixels of the map over which the ends of a slope are rounded
LINE = 2.0  # pixels of the map over which the direction of a line is told
FAINT, PLAIN = 300.0, 2300.0  # squared grey levels a pixel between which a line begins to count


class Bearing(NamedTuple):
    """What a camera's way asks of a map: how steep it may be, per pixel, and (2, 2) how much each way across a line bends it."""

    slope: float
    bends: Floats


def bear(poses: Sequence[Pose], half: tuple[float, float], size: tuple[int, int]) -> Bearing:
    """What these poses ask of a map of `size` (w, h), in the camera's disparity. half: what it covers, in tangents.

    A point of disparity d moves by d times the pull of a pose, so a slope s stretches what lies there by s times the pull.
    """
    x = np.array([-0.5, size[0] - 0.5, -0.5, size[0] - 0.5, size[0] / 2], np.float32)
    y = np.array([-0.5, -0.5, size[1] - 0.5, size[1] - 0.5, size[1] / 2], np.float32)
    ways = [pull(pose.centre, Field(x, y), half, size) for pose in poses]
    across, down = (np.stack([np.broadcast_to(part, x.shape) for part in parts]).ravel() for parts in zip(*ways, strict=True))
    most = float(np.hypot(across, down).max())
    spread = np.array([[across @ across, across @ down], [across @ down, down @ down]], np.float32)
    return Bearing(STRETCH / max(most, 1e-6), spread / max(float(np.trace(spread)), 1e-9))


def find_lines(picture: Image) -> Lines:
    """The lines of a picture, (h, w, 3) uint8 RGB, by its structure tensor (Bigun and Granlund, 1987)."""
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.8)
    gx, gy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    xx, xy, yy = (cv2.GaussianBlur(part, (0, 0), LINE) for part in (gx * gx, gx * gy, gy * gy))
    root = cv2.magnitude(xx - yy, 2 * xy)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    sure = root / (xx + yy + 1e-3) * np.clip((root - FAINT) / (PLAIN - FAINT), 0, 1)
    return Lines(np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32), sure.astype(np.float32))


def limit(disparity: Floats, bearing: Bearing, lines: Lines | None = None) -> Floats:
    """The least map above `disparity` (h, w) that nowhere rises more steeply than the bearing allows: near things keep their own.

    The upper Lipschitz envelope, max over q of d(q) - slope |p - q|, by doubling steps along eight ways: an octagon for a circle.
    """
    top = _envelope(disparity, bearing.slope)
    if lines is not None:
        top = _envelope(_along(top, bearing, lines), bearing.slope)
    return np.asarray(cv2.GaussianBlur(top, (0, 0), ROUNDED), np.float32)


def _envelope(disparity: Floats, slope: float) -> Floats:
    top = disparity.copy()
    reach = (float(top.max()) - float(top.min())) / max(slope, 1e-9)
    step = 1
    while step <= min(reach, max(top.shape) - 1):
        for down, across in ((0, 1), (1, 0), (1, 1), (1, -1)):
            fall = np.float32(slope * step * math.hypot(down, across))
            one, other = _windows(top.shape, down * step, across * step)
            raised = np.maximum(top[one], top[other] - fall)
            np.maximum(top[other], top[one] - fall, out=top[other])
            np.maximum(top[one], raised, out=top[one])
        step *= 2
    return top


def _along(disparity: Floats, bearing: Bearing, lines: Lines) -> Floats:
    """The map raised along lines, so that one that passes near a near thing goes with it for longer than it lies beside it."""
    rows, columns = disparity.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    (xx, xy), (_, yy) = bearing.bends
    bent = np.sqrt(np.maximum(xx * lines.x**2 + 2 * xy * lines.x * lines.y + yy * lines.y**2, 0))
    fall = (bearing.slope * (1 - (1 - STRAIGHT) * np.minimum(1, 2 * bent) * lines.sure)).astype(np.float32)
    top, step = disparity, 1
    while step <= max(rows, columns) // 6:
        ends = (look_up(top, x - way * lines.y, y + way * lines.x) for way in (np.float32(step), np.float32(-step)))
        top = np.maximum(top, np.maximum(*ends) - fall * np.float32(step))
        step *= 2
    return np.asarray(top, np.float32)


def _windows(shape: tuple[int, ...], down: int, across: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Two windows of an array, the second `down` (>= 0) and `across` from the first."""
    height, width = shape
    down, aside = min(down, height), min(abs(across), width)
    rows, lower = slice(0, height - down), slice(down, height)
    left, right = slice(0, width - aside), slice(aside, width)
    return ((rows, left), (lower, right)) if across >= 0 else ((rows, right), (lower, left))


def tie(
    maps: Sequence[Floats], covers: Sequence[Floats], opening: Floats | None, bearing: Bearing, lines: Lines | None = None
) -> tuple[Floats, ...]:
    """The maps of sheets, far to near, (h, w) each, tied together and limited in slope.

    covers: how much each sheet covers, (h, w) 0..1; the first covers all. opening: (h, w) 0..1 how far the nearest sheet may part
    from those behind it, None for nowhere. Those behind it never part from each other.
    """
    joined = maps[0]
    for layer, cover in zip(maps[1:-1], covers[1:-1], strict=True):
        joined = join(joined, layer, cover)
    if len(maps) > 1:
        behind, joined = joined, join(joined, maps[-1], covers[-1])
    tied = limit(joined, bearing, lines)
    if opening is None or len(maps) == 1:
        return (tied,) * len(maps)
    back = limit(behind, bearing, lines) * opening + tied * (1 - opening)
    return (*(back for _ in maps[:-1]), limit(maps[-1], bearing) * opening + tied * (1 - opening))


def join(back: Floats, front: Floats, cover: Floats) -> Floats:
    """One map of two, (h, w): the front's wherever any of it is seen."""
    return np.where(cv2.dilate(cover, np.ones((3, 3), np.uint8)) > SEEN, front, back)
