"""Vignetting: corners darkened by a lens or a filter.

Seen from the middle outwards, a scene grows brighter as often as darker, so that the middle value of its slopes is
nought on every ring; a vignette tilts it (Zheng, Yu, Kang, Lin and Kambhamettu, "Single-image vignetting correction
using radial gradient symmetry", 2008). Summed over the rings, the tilt is the fall of light. A scene that is dark by
itself falls in steps, on some sides.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from studio.nouns import Crop, Photo
from studio.photo.crop import Image, settle_crop
from studio.photo.findings import Finding, Remedy
from studio.photo.flaws.photo_sample import Floats

STRONG = 0.575
"""The share of light left at the corners, against half way there, under which a vignette is strong. Measured:
photographs 0.62 and up (a rocket's glow at night), most over 0.8, one leaf before dark grass 0.56; corners darkened to
a third 0.25 to 0.59."""

_START, _RINGS = 0.55, 9
_OFFSET = 8.0
"""Added to brightness before its logarithm: in the dark, a level more or less is chance."""

_DARK, _LIGHT = 10, 250
_ENOUGH = 25
_LEFT = 0.85
"""What a crop that leaves the dark corners out should keep of the light."""

_KEPT = 0.45
"""The least share of the picture that such a crop may keep."""


class Fall(NamedTuple):
    """The share of light left at each distance from the middle: distances in half diagonals, 0.55 to 1, and shares
    0..1.
    """

    distances: Floats
    left: Floats


def judge_vignette(tiny: Image, photo: Photo, crop: Crop) -> Finding:
    """Whether a crop shows dark corners. `tiny` is the full photo, (h, w, 3) uint8 RGB: light falls from its middle."""
    fall = measure_fall(tiny)
    left = float(np.interp(_measure_corner(photo, crop), fall.distances, fall.left))
    why = f"{min(left, 1):.0%} of the light is left at its corners; under {STRONG:.0%} is strong"
    if left >= STRONG:
        return Finding("vignette", "fine", "Its light is even towards the corners.", why)
    remedies = _find_tighter(fall, photo, crop)
    advice = (
        "a tighter crop leaves them out, and some of the scene" if remedies else "moves near the middle hide them best"
    )
    says = f"Its corners are dark, and a moving camera drags them along; {advice}."
    return Finding(
        "vignette", "mend" if remedies else "mind", says, why, remedies, hurts=min(0.7, 0.3 + 0.6 * (STRONG - left))
    )


def measure_fall(tiny: Image) -> Fall:
    """The fall of light in a whole photo."""
    grey = np.asarray(cv2.cvtColor(tiny, cv2.COLOR_RGB2GRAY), np.float32)
    height, width = grey.shape
    light = np.asarray(cv2.GaussianBlur(np.log(grey + _OFFSET), (0, 0), 1.5), np.float32)
    right = cv2.Sobel(light, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(light, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    y, x = (
        np.mgrid[0:height, 0:width].astype(np.float32)
        - np.array([height - 1, width - 1], np.float32).reshape(2, 1, 1) / 2
    )
    far = np.hypot(x, y)
    outwards = (right * x + down * y) / np.maximum(far, 1)
    diagonal = float(far.max())
    usable = (grey > _DARK) & (grey < _LIGHT)
    rings = np.linspace(_START, 1, _RINGS + 1)
    tilts = [0.0]
    for start, end in pairwise(rings):
        ring = outwards[usable & (far >= start * diagonal) & (far < end * diagonal)]
        tilts.append(float(np.median(ring)) * (end - start) * diagonal if ring.size > _ENOUGH else 0.0)
    return Fall(rings.astype(np.float32), np.exp(np.cumsum(tilts)).astype(np.float32))


def _measure_corner(photo: Photo, crop: Crop) -> float:
    """How far the crop's furthest corner is from the photo's middle, in half diagonals."""
    wide = max(abs(crop.x - 0.5), abs(crop.x + crop.w - 0.5)) * photo.width
    high = max(abs(crop.y - 0.5), abs(crop.y + crop.h - 0.5)) * photo.height
    return float(np.hypot(wide, high) / (np.hypot(photo.width, photo.height) / 2))


def _find_tighter(fall: Fall, photo: Photo, crop: Crop) -> tuple[Remedy, ...]:
    """The crop shrunk towards the photo's middle until its corners are light, where enough of it is left."""
    for share in np.arange(0.95, _KEPT**0.5, -0.05):
        x = min(max(0.5 - crop.w * share / 2, crop.x), crop.x + crop.w * (1 - share))
        y = min(max(0.5 - crop.h * share / 2, crop.y), crop.y + crop.h * (1 - share))
        tried = settle_crop(photo, Crop(float(x), float(y), float(crop.w * share), float(crop.h * share), crop.aspect))
        if float(np.interp(_measure_corner(photo, tried), fall.distances, fall.left)) >= _LEFT:
            return (Remedy("Crop the dark corners off", crop=tried),)
    return ()
