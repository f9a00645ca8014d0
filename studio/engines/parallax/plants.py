"""Masks of whole plants: leaves by hue and texture, what grows out of them, and a subject that is one.

Lengths are fractions of the picture's long side.

Green alone is taken for leaves. The colour of straw is also that of wood, sand and rock: it counts only where it is
textured, mostly upright and near something green. What is thin, stands out from its surroundings and hangs together
with leaves grows from them: stems, ears and twigs before the sky or the sea, which colour alone would cut off along the
skyline.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.base import Image
from studio.engines.parallax.scene import Floats
from studio.photo.matte import smoothstep

Flags = NDArray[np.bool_]

_FINE = 1.4  # mean detail, in Lab lightness, past which straw-coloured matter may be grass
_UPRIGHT = 0.40  # share of its slopes that go across; ground, planks and rock lie below
_NEAR = 0.03  # share of green around it
_LEAST = 0.03  # share of green in the picture: a room or a beach has less
_ROUND = 0.87  # share of its hull that a flower's head fills, and an animal doesn't
_STANDS = 9.0  # how far in Lab a thin thing differs from its surroundings
_TWIGS = 0.22  # share of thin dark matter around dark matter that is a tree's, not a cable or a mast
_PETALS = 0.5  # share of a subject in leaf green, or in vivid colour, that makes it a plant
_AMONG = 0.35  # share of plants right around a flower
_STEM = 6.0  # how far in Lab a stem differs from what is left and right of it
_STEADY = 0.75  # and along how much of it


def find(picture: Image, cover: Floats, sky: Floats) -> Floats:
    """How much of every pixel is a plant, (h, w) 0..1. picture: (h, w, 3) uint8 RGB; cover, sky: (h, w) 0..1.

    The subject is in it where it is a plant itself, and not at all where it isn't.
    """
    rgb = picture.astype(np.float32) / 255
    hsv, lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV), cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
    leaves = _find_leaves(hsv, lab[..., 0]) * (1 - sky)
    grown = _find_stems(hsv, lab, leaves > 0.5, cover > 0.5)
    plants = np.maximum(leaves, grown)
    body = cover > 0.5
    if body.mean() > 0.001 and _is_plant(hsv, lab, plants, body):
        return np.maximum(plants * (1 - cover), cover).astype(np.float32)
    return (plants * (1 - cover)).astype(np.float32)


def _average_around(flags: NDArray[np.generic], side: float) -> Floats:
    """The mean within a square of this side about each pixel."""
    pixels = 2 * round(side * max(flags.shape[:2]) / 2) + 1
    return np.asarray(cv2.blur(flags.astype(np.float32), (pixels, pixels)), np.float32)


def _find_green(hsv: Floats) -> Flags:
    """Leaf green; the paler something is, the more colour it needs."""
    hue, full, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    return (hue > 60) & (hue < 170) & (full > 0.13 + 0.12 * value) & (value > 0.07)


def _find_straw(hsv: Floats) -> Flags:
    hue, full, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    return (hue > 22) & (hue <= 60) & (full > 0.22) & (value > 0.1)


def _find_leaves(hsv: Floats, light: Floats) -> Floats:
    """Leaves and grass by colour and texture, (h, w) 0..1 with soft edges."""
    green, straw = _find_green(hsv), _find_straw(hsv)
    detail = np.abs(light - cv2.GaussianBlur(light, (0, 0), 1.5))
    across, down = (cv2.Sobel(light, cv2.CV_32F, *way, scale=1 / 8) ** 2 for way in ((1, 0), (0, 1)))
    weight = straw.astype(np.float32)
    wide_across, wide_down = _average_around(across * weight, 0.2), _average_around(down * weight, 0.2)
    upright = wide_across > _UPRIGHT * (wide_across + wide_down + 1e-3)
    if float(green.mean()) < _LEAST:
        straw[:] = False
    grass = straw & (_average_around(detail, 0.03) > _FINE) & upright & (_average_around(green, 0.3) > _NEAR)
    soft = cv2.GaussianBlur((green | grass).astype(np.float32), (0, 0), light.shape[1] / 120)
    return smoothstep(0.35, 0.8, soft)


def _find_stems(hsv: Floats, lab: Floats, leaves: Flags, body: Flags) -> Floats:
    """What is thin and hangs together with leaves, with a little of what is around it, so that it moves as a whole."""
    long = max(leaves.shape)
    eight = np.clip(lab * np.float32([2.55, 1, 1]) + np.float32([0, 128, 128]), 0, 255).astype(np.uint8)
    size = 2 * round(long / 50) + 1
    plain = np.dstack([cv2.medianBlur(np.ascontiguousarray(eight[..., k]), size) for k in range(3)])
    apart = np.abs(eight.astype(np.float32) - plain) @ np.float32([0.4, 1, 1])
    hue, full, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    thin = (apart > _STANDS) & ~body
    coloured = (hue > 15) & (hue < 170) & (full > 0.15)
    twigs = (value < 0.35) & (_average_around(thin, 0.07) > _TWIGS)
    grows = thin & (coloured | twigs)
    joined = cv2.morphologyEx((grows | leaves).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    seeds = np.bincount(labels[leaves], minlength=count)
    keep = (seeds > 0.25 * stats[:, cv2.CC_STAT_AREA]) & (seeds > 0.002 * leaves.size)
    keep[0] = False
    around = 2 * round(long / 110) + 1
    shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (around, around))
    wide = cv2.dilate((grows & keep[labels]).astype(np.float32), shape)
    return np.asarray(cv2.GaussianBlur(wide, (0, 0), long / 220), np.float32)


def _is_plant(hsv: Floats, lab: Floats, plants: Floats, body: Flags) -> bool:
    """Whether a subject is a plant: green all over, a flower among plants, or a head that stands on a stem."""
    around = cv2.dilate(body.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    ring = around & ~body
    among = float(plants[ring].mean()) if ring.any() else 0.0
    if float(_find_green(hsv)[body].mean()) > _PETALS:
        return True
    if among < _AMONG:
        return False
    brown = (hsv[..., 0] > 8) & (hsv[..., 0] < 48) & (hsv[..., 2] < 0.55)
    vivid = body & (hsv[..., 1] > 0.6) & (hsv[..., 2] > 0.35) & ~brown
    if float(vivid.sum()) > _PETALS * float(body.sum()):
        return True
    outlines, _ = cv2.findContours(body.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(outlines, key=cv2.contourArea)
    hull = cv2.contourArea(cv2.convexHull(largest))
    return cv2.contourArea(largest) > _ROUND * max(hull, 1.0) and _stands_on_stem(lab, body)


def _stands_on_stem(lab: Floats, body: Flags) -> bool:
    """Whether something thin, unlike what is to its left and right, goes on below the middle of a body."""
    rows, columns = np.flatnonzero(body.any(1)), np.flatnonzero(body.any(0))
    height, width = body.shape
    top, tall, wide = rows[-1] + 2, rows.size, columns.size
    bottom = min(height, top + max(8, tall // 2))
    if bottom - top < 0.2 * tall or wide > 0.6 * width:
        return False
    away = max(4, wide // 8)
    thin = cv2.blur(lab, (max(1, away // 2) | 1, 1))
    y = np.arange(top, bottom)
    best = 0.0
    for lean in (-0.3, -0.15, 0.0, 0.15, 0.3):
        for x in range(columns[0] + wide // 4, columns[-1] - wide // 4 + 1, 2):
            place = np.rint(x + lean * (y - top)).astype(int)
            if place.min() < away or place.max() >= width - away:
                continue
            beside = [thin[y, place] - thin[y, place + side] for side in (-away, away)]
            means = [one.mean(0) for one in beside]
            norms = [max(float(np.linalg.norm(mean)), 1e-6) for mean in means]
            steady = [
                float(((one @ mean) > 0.4 * norm**2).mean())
                for one, mean, norm in zip(beside, means, norms, strict=True)
            ]
            if means[0] @ means[1] > 0.3 * norms[0] * norms[1] and min(steady) > _STEADY:
                best = max(best, min(norms))
    return best > _STEM
