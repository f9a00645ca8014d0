"""Object selection by a click: the mask of what lies under it.

Saliency is looked at in windows of several widths around the click; the answer that holds together best is moved onto
the picture's edges (GrabCut).
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.photo.crop import Image
from studio.photo.downscale import fit_long_side
from studio.photo.saliency import look_at, run_saliency

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

LONG = 512
"""The long side of the working copy, in pixels."""

_WIDTHS = (0.62, 0.36)
"""How wide the closer looks are around the click, in long sides of the photo."""

_SURE = 0.5
"""The network's answer from which a place belongs to what draws the eye."""

_LEAST, _MOST = 0.0008, 0.8
"""The share of the photo that a thing may take."""

_CUT = 1.2
"""What it costs a look to cut through what it finds, against how sure it is of it: the share of the outline on its
border.
"""

_NEAR = 0.02
"""How far beside the thing a click may fall, in long sides."""

_ALIKE = 9.0
"""CIE 1976 difference between neighbours up to which a plain surface goes on, where no thing lies under the click."""


class _Candidate(NamedTuple):
    mask: Flags
    score: float


def select_at(image: Image, x: float, y: float) -> Floats:
    """The mask of what lies at a place of a photo, given in fractions: (h, w) 0..1 over the whole of it, at most 512
    px.

    `image` is (H, W, 3) uint8 RGB. Where no thing is found there, it is the surface of one colour around that place.
    About 0.6 s.
    """
    work = fit_long_side(image, LONG)
    height, width = work.shape[:2]
    at = min(max(int(x * width), 0), width - 1), min(max(int(y * height), 0), height - 1)
    lab = cv2.cvtColor(work.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    slope = np.asarray(cv2.magnitude(*(np.sum(_measure_slopes(lab, axis), axis=0) for axis in (0, 1))), np.float32)
    first = look_at(image, with_faces=False)  # as a rule it has been seen before, for the report or the crop
    seen = cv2.resize(first.map * np.float32(min(first.peak, 1.0)), (width, height), interpolation=cv2.INTER_LINEAR)
    found = [
        one
        for one in (_judge(seen, at, (0, 0), slope), *(_look_closer(work, at, share, slope) for share in _WIDTHS))
        if one
    ]
    best = max(found, key=lambda one: one.score, default=None)
    mask = _snap_to_edges(work, best.mask, at) if best else _grow_surface(work, at)
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)


def _measure_slopes(lab: Floats, axis: int) -> list[Floats]:
    dx, dy = (1, 0) if axis == 0 else (0, 1)
    return [
        np.abs(cv2.Sobel(np.ascontiguousarray(lab[..., band]), cv2.CV_32F, dx, dy, scale=1 / 8)) for band in range(3)
    ]


def _look_closer(work: Image, at: tuple[int, int], share: float, slope: Floats) -> _Candidate | None:
    """What a closer look finds at the click."""
    height, width = work.shape[:2]
    side = round(share * max(height, width))
    wide, tall = min(side, width), min(side, height)
    left = min(max(at[0] - wide // 2, 0), width - wide)
    top = min(max(at[1] - tall // 2, 0), height - tall)
    seen = cv2.resize(
        run_saliency(work[top : top + tall, left : left + wide]), (wide, tall), interpolation=cv2.INTER_LINEAR
    )
    return _judge(np.asarray(seen, np.float32), at, (left, top), slope)


def _judge(seen: Floats, at: tuple[int, int], corner: tuple[int, int], slope: Floats) -> _Candidate | None:
    """What a look with this upper left corner found at the click, and how well it holds together; None for nothing."""
    (height, width), (tall, wide), (left, top) = slope.shape, seen.shape, corner
    inside = _find_part_under(
        (seen > _SURE).astype(np.uint8), (at[0] - left, at[1] - top), round(_NEAR * max(height, width))
    )
    if inside is None or not _LEAST < inside.sum() / (height * width) < _MOST:
        return None
    ring = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    border = np.zeros((tall, wide), bool)  # of the look, where the photo goes on
    border[:, :2], border[:, -2:] = left > 0, left + wide < width
    border[:2] |= top > 0
    border[-2:] |= top + tall < height
    cut = float((inside & border).sum()) / max(int(ring.sum()), 1)
    drawn = float(np.clip(slope[top : top + tall, left : left + wide][ring] / 6, 0, 1).mean())
    mask = np.zeros((height, width), bool)
    mask[top : top + tall, left : left + wide] = inside
    return _Candidate(mask, float(seen[inside].mean()) + 0.5 * drawn - _CUT * cut)


def _find_part_under(sure: NDArray[np.uint8], at: tuple[int, int], reach: int) -> Flags | None:
    """The connected part that lies at a place, or nearest to it within reach."""
    _, labels = cv2.connectedComponents(sure, connectivity=4)
    x, y = at
    left, top = max(x - reach, 0), max(y - reach, 0)
    near = labels[top : y + reach + 1, left : x + reach + 1]
    rows, columns = np.nonzero(near)
    if not rows.size:
        return None
    nearest = int(((rows + top - y) ** 2 + (columns + left - x) ** 2).argmin())
    return np.asarray(labels == near[rows[nearest], columns[nearest]])


def _snap_to_edges(work: Image, mask: Flags, at: tuple[int, int]) -> Flags:
    """The mask moved onto the picture's edges (GrabCut), the part of it that lies under the click, without holes."""
    reach = max(round(0.025 * max(work.shape)), 4)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    plain = mask.astype(np.uint8)
    core, around = cv2.erode(plain, kernel, borderValue=1), cv2.dilate(plain, kernel)
    labels = np.where(mask, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[core > 0], labels[around == 0] = cv2.GC_FGD, cv2.GC_BGD
    if not (labels == cv2.GC_BGD).any():
        return mask
    cv2.circle(labels, at, 2, cv2.GC_FGD, -1)
    cv2.setRNGSeed(0)
    cv2.grabCut(
        np.ascontiguousarray(work), labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK
    )
    found = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    found = cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) | core
    kept = _find_part_under(found, at, reach)
    if kept is None or not 0.4 < kept.sum() / max(mask.sum(), 1) < 2.0:
        return mask
    return _fill_holes(kept)


def _fill_holes(mask: Flags) -> Flags:
    """A mask without the small holes in it."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    least = 0.02 * mask.sum()
    holes = [label for label in range(1, count) if stats[label][cv2.CC_STAT_AREA] < least]
    return np.asarray(mask | np.isin(labels, holes))


def _grow_surface(work: Image, at: tuple[int, int]) -> Flags:
    """The surface of one colour around a place: a sky, a wall, a lawn."""
    height, width = work.shape[:2]
    soft = cv2.bilateralFilter(work, 7, 30, 5)
    lab = cv2.cvtColor(soft, cv2.COLOR_RGB2LAB)
    mask = np.zeros((height + 2, width + 2), np.uint8)
    near = (_ALIKE,) * 3
    cv2.floodFill(lab, mask, at, 0, near, near, 4 | cv2.FLOODFILL_MASK_ONLY | (1 << 8))
    found = cv2.morphologyEx(mask[1:-1, 1:-1], cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    return _fill_holes(found > 0)
