"""Disparity: one map for all sheets, its slope nowhere steeper than the camera's way bears.

A sheet that moves apart from the one behind it shows what the photo never showed: ghosts, rims and breaks along every
outline that isn't known to the pixel. With one disparity the sheets stay the photo, however thin, soft or clear the
subject's edge is; what lies around a nearer thing is stretched a little instead. Where there is nothing to see, that
may be within a few pixels, as if it were cut; straight lines would show it as bends, so along them it takes a longer
way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from studio.engines.base import Image
from studio.engines.parallax.camera_path import Pose
from studio.engines.parallax.projection import Field, pull
from studio.engines.parallax.remap import look_up
from studio.engines.parallax.scene import Detail, Floats

STRETCH = 0.36
"""How much a neighbourhood may be stretched or squeezed, of 1, when the camera is furthest from where the photo was
taken.
"""

BEARS = ((1.5, 0.85), (5.0, STRETCH), (12.0, STRETCH), (30.0, 0.18))
"""The same by what there is to see, in grey levels a pixel on average: next to nothing, texture, and strong edges."""

STRAIGHT = 0.2
"""How steep it may be along a line that would bend, of what it may be elsewhere."""

SEEN = 0.02
"""Cover, 0..1, from which on a place belongs to the nearer sheet: the whole of a soft edge goes with it."""

ROUNDED = 3.0  # pixels of the map over which the ends of a slope are rounded
LINE = 2.0  # pixels of the map over which the direction of a line is told
FAINT, CLEAR = 4.7, 36.0  # squared grey levels a pixel between which a line begins to count


class Bearing(NamedTuple):
    """What a camera's way asks of a map: the slope, per pixel, that stretches by all, and (2, 2) how much which line
    bends.
    """

    slope: float
    bends: Floats


def bear(poses: Sequence[Pose], half: tuple[float, float], size: tuple[int, int]) -> Bearing:
    """What these poses ask of a map of `size` (w, h), in the camera's disparity. half: what it covers, in tangents.

    A point of disparity d moves by d times the pull of a pose, so a slope s stretches what lies there by s times the
    pull.
    """
    x = np.array([-0.5, size[0] - 0.5, -0.5, size[0] - 0.5, size[0] / 2], np.float32)
    y = np.array([-0.5, -0.5, size[1] - 0.5, size[1] - 0.5, size[1] / 2], np.float32)
    ways = [pull(pose.centre, Field(x, y), half, size) for pose in poses]
    across, down = (
        np.stack([np.broadcast_to(part, x.shape) for part in parts]).ravel() for parts in zip(*ways, strict=True)
    )
    most = float(np.hypot(across, down).max())
    spread = np.array([[across @ across, across @ down], [across @ down, down @ down]], np.float32)
    return Bearing(1 / max(most, 1e-6), spread / max(float(np.trace(spread)), 1e-9))


def find_detail(picture: Image) -> Detail:
    """What would show a stretch in a picture, (h, w, 3) uint8 RGB, by structure tensor (Bigun and Granlund, 1987)."""
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.8)
    gx, gy = (cv2.Sobel(grey, cv2.CV_32F, across, 1 - across, scale=1 / 8) for across in (1, 0))
    xx, xy, yy = (cv2.GaussianBlur(part, (0, 0), LINE) for part in (gx * gx, gx * gy, gy * gy))
    root = cv2.magnitude(xx - yy, 2 * xy)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    sure = root / (xx + yy + 1e-3) * np.clip((root - FAINT) / (CLEAR - FAINT), 0, 1)
    bears = np.interp(np.sqrt(xx + yy), *zip(*BEARS, strict=True))
    return Detail(*(part.astype(np.float32) for part in (np.cos(angle), np.sin(angle), sure, bears)))


def limit(disparity: Floats, bearing: Bearing, detail: Detail | None = None) -> Floats:
    """The least map above `disparity` (h, w) that nowhere rises more steeply than the bearing allows: the near keeps
    its own.
    """
    bears = np.full_like(disparity, STRETCH) if detail is None else detail.bears
    steep = np.float32(bearing.slope) * bears
    top = _compute_envelope(disparity, steep)
    if detail is not None:
        top = _compute_envelope(_raise_along_lines(top, bearing, detail), steep)
    return np.asarray(cv2.GaussianBlur(top, (0, 0), ROUNDED), np.float32)


def _compute_envelope(disparity: Floats, steep: Floats) -> Floats:
    """The upper Lipschitz envelope, max over q of d(q) - slope |p - q|, by doubling steps along eight ways.

    steep: (h, w) the slope at every place; a step goes by the least of those around it.
    """
    top, reach = disparity.copy(), float(np.ptp(disparity)) / max(float(steep.min()), 1e-9)
    stride = 1
    while stride <= min(reach, max(top.shape) - 1):
        least = cv2.erode(steep, np.ones((min(2 * stride + 1, 65),) * 2, np.uint8))
        for down, across in ((0, 1), (1, 0), (1, 1), (1, -1)):
            far = np.float32(stride * math.hypot(down, across))
            one, other = _slice_windows(top.shape, down * stride, across * stride)
            raised = np.maximum(top[one], top[other] - far * least[one])
            np.maximum(top[other], top[one] - far * least[other], out=top[other])
            np.maximum(top[one], raised, out=top[one])
        stride *= 2
    return top


def _raise_along_lines(disparity: Floats, bearing: Bearing, detail: Detail) -> Floats:
    """The map raised along lines, so that one that passes near a near thing goes with it for longer than it lies beside
    it.
    """
    rows, columns = disparity.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    (xx, xy), (_, yy) = bearing.bends
    bent = np.sqrt(np.maximum(xx * detail.x**2 + 2 * xy * detail.x * detail.y + yy * detail.y**2, 0))
    fall = (bearing.slope * STRETCH * (1 - (1 - STRAIGHT) * np.minimum(1, 2 * bent) * detail.sure)).astype(np.float32)
    top, stride = disparity, 1
    while stride <= max(rows, columns) // 6:
        ends = (
            look_up(top, x - way * detail.y, y + way * detail.x) for way in (np.float32(stride), np.float32(-stride))
        )
        top = np.maximum(top, np.maximum(*ends) - fall * np.float32(stride))
        stride *= 2
    return np.asarray(top, np.float32)


def _slice_windows(shape: tuple[int, ...], down: int, across: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Two windows of an array, the second `down` (>= 0) and `across` from the first."""
    height, width = shape
    down, aside = min(down, height), min(abs(across), width)
    rows, lower = slice(0, height - down), slice(down, height)
    left, right = slice(0, width - aside), slice(aside, width)
    return ((rows, left), (lower, right)) if across >= 0 else ((rows, right), (lower, left))


def tie(maps: Sequence[Floats], covers: Sequence[Floats], bearing: Bearing, detail: Detail | None = None) -> Floats:
    """One map for sheets far to near, (h, w): everywhere that of the nearest sheet seen there, limited in slope.

    covers: how much each sheet covers, (h, w) 0..1; the first covers all.
    """
    joined = maps[0]
    for one, cover in zip(maps[1:], covers[1:], strict=True):
        joined = join(joined, one, cover)
    return limit(joined, bearing, detail)


def join(back: Floats, front: Floats, cover: Floats, around: int = 3) -> Floats:
    """The map of two sheets, (h, w): the front's wherever any of it is seen within a square of `around` pixels."""
    return np.where(cv2.dilate(cover, np.ones((around, around), np.uint8)) > SEEN, front, back)
