"""Sky mask and horizon height, from colour and smoothness alone."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.parallax.scene import Floats
from studio.photo.matte import smoothstep, sum_squares

LEAST = 0.03  # a smaller share of the picture than this is not worth calling a sky
WALL = 0.3  # ending on land in fewer columns than this, it is a wall or a backdrop
LOW = 0.72  # of the height: a pale sky without a colour doesn't reach further down
ROUGH = 0.06  # mean slope of brightness past which it is a surface, not air


class Sky(NamedTuple):
    """The sky of a photo: `soft` (h, w) float32 0..1, its `share` of the picture, and the `horizon` as a fraction from
    the top.

    apart: whether it is plain enough to become a sheet of its own.
    """

    soft: Floats
    share: float
    horizon: float
    apart: bool


def _measure_sky_colour(rgb: Floats) -> Floats:
    """How sky-coloured each pixel is (0..1): blue, bright and pale, or the warm glow of a low sun."""
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)  # float32: hue in degrees, saturation and value 0..1
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    blue = ((hue > 170) & (hue < 265) & (value > 0.18)) * np.clip(saturation * 3, 0, 1)
    pale = ((value > 0.72) & (saturation < 0.35)).astype(np.float32)
    warm = ((hue < 65) & (value > 0.6) & (saturation < 0.7)) * np.float32(0.6)
    return np.asarray(cv2.blur(np.maximum(np.maximum(blue, pale), warm).astype(np.float32), (5, 5)), np.float32)


def _measure_slope(rgb: Floats) -> Floats:
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    across, down = cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1)
    return np.asarray(cv2.blur(cv2.magnitude(across, down), (5, 5)), np.float32)


def find(rgb: Floats, subject: Floats) -> Sky:
    """The sky in a photo. rgb: (h, w, 3) float32 0..1 at the working size; subject: (h, w) 0..1, never sky.

    A region counts when it is smooth, sky-coloured, hangs from the top edge and ends above the bottom.
    """
    height, width = subject.shape
    slope = _measure_slope(rgb)
    smooth = ((slope < 0.09) & (_measure_sky_colour(rgb) > 0.35)).astype(np.uint8)
    smooth = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(smooth, connectivity=4)
    keep = np.zeros(count, bool)
    for label in np.unique(labels[0 : max(2, height // 100)]):
        wide = float((labels[0] == label).mean()) > 0.12
        keep[label] = bool(label) and wide and stats[label, cv2.CC_STAT_AREA] > 0.02 * height * width
    hard = cv2.morphologyEx(keep[labels].astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    rows = np.arange(height, dtype=np.float32)
    middle = float((hard.sum(1) * rows).sum() / max(1, int(hard.sum())) / height)
    nothing = Sky(np.zeros((height, width), np.float32), 0.0, 0.12, False)
    if hard.mean() < LEAST or middle > 0.55 or hard[-1].mean() > 0.3:
        return nothing
    rough = float(slope[hard > 0].mean())
    hard = _with_clouds(rgb, slope, hard)
    soft = _refine_skyline(rgb, hard) * (1 - smoothstep(0.3, 0.7, subject))
    share = float(soft.mean())
    landed = _land_share(soft, subject)
    if share < LEAST or landed < WALL or rough > ROUGH or _is_wall(rgb, soft):
        return nothing
    lowest = (soft * (rows / height)[:, None]).max(0)
    horizon = float(np.clip(np.percentile(lowest[lowest > 0], 60), 0.1, 0.75))
    apart = landed >= 0.5 and share >= 2 * LEAST and float(soft[-1].mean()) < 0.02
    return Sky(soft, share, horizon, apart)


def _is_wall(rgb: Floats, soft: Floats) -> bool:
    """Whether it is a pale wall: without a colour of the sky, and not the brightest thing there is, or reaching the
    ground.
    """
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    there, elsewhere = soft > 0.5, soft < 0.05
    hue, saturation = hsv[..., 0][there], hsv[..., 1][there]
    coloured = ((hue > 170) & (hue < 265) & (saturation > 0.08)) | ((hue < 65) & (saturation > 0.12))
    if float(coloured.mean()) > 0.08:
        return False
    brightness = rgb.mean(2)
    brighter = float((brightness[elsewhere] > np.median(brightness[there])).mean()) if elsewhere.any() else 1.0
    return brighter > 0.05 or float(there[int(LOW * len(there)) :].any(0).mean()) > 0.04


def _refine_skyline(rgb: Floats, sky: NDArray[np.uint8]) -> Floats:
    """The sky's edge set right: near it, each pixel is sky as far as its colour lies towards the sky's there."""
    sure = cv2.erode(sky, np.ones((5, 5), np.uint8), borderValue=1).astype(np.float32)
    land = (cv2.dilate(sky, np.ones((13, 13), np.uint8)) == 0).astype(np.float32)
    window = (41, 41)
    near_sky, near_land = cv2.blur(sure, window)[..., None], cv2.blur(land, window)[..., None]
    above = cv2.blur(rgb * sure[..., None], window) / (near_sky + 1e-4)
    below = cv2.blur(rgb * land[..., None], window) / (near_land + 1e-4)
    apart = above - below
    contrast = sum_squares(apart)
    towards = np.einsum("ijk,ijk->ij", rgb - below, apart) / (contrast + 1e-4)
    known = (contrast > 0.01) & (near_sky[..., 0] > 0.01) & (near_land[..., 0] > 0.01)
    found = np.where(known, smoothstep(0.35, 0.75, towards), sky.astype(np.float32))
    return np.maximum(np.where(land > 0, 0, found), sure).astype(np.float32)


def _with_clouds(rgb: Floats, slope: Floats, sky: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The sky and the bright, pale, soft-edged shapes that touch it for long and end above its foot."""
    height, width = sky.shape
    top, low = rgb.max(2), rgb.min(2)
    pale = (top > 0.62) & (low > 0.6 * top) & (low > np.percentile(low[sky > 0], 50)) & (sky == 0)
    calm = cv2.morphologyEx((pale & (slope < 0.4)).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    pale = (cv2.dilate(calm, np.ones((17, 17), np.uint8)) & pale).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(pale, connectivity=4)
    rim = cv2.dilate(sky, np.ones((9, 9), np.uint8)) > 0
    foot = int(1.8 * np.flatnonzero(sky.any(1)).max())
    for label in range(1, count):
        here = labels == label
        outline = here & (cv2.erode(here.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
        ends = stats[label, cv2.CC_STAT_TOP] + stats[label, cv2.CC_STAT_HEIGHT]
        if (
            stats[label, cv2.CC_STAT_AREA] > 0.0005 * height * width
            and ends <= foot
            and (outline & rim).sum() > 0.12 * outline.sum()
        ):
            sky = sky | here.astype(np.uint8)
    return np.asarray(cv2.morphologyEx(sky, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)), np.uint8)


def _land_share(soft: Floats, subject: Floats) -> float:
    """The share of the picture's columns in which the sky ends on land: a backdrop ends on the person before it."""
    height, width = soft.shape
    there = soft > 0.5
    last = height - 1 - there[::-1].argmax(0)
    below = np.minimum(height - 1, last + 3)
    body = cv2.dilate((subject > 0.3).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return float((there.any(0) & (last < height - 4) & ~body[below, np.arange(width)]).mean())
