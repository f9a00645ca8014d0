"""Noise: grain that crawls or flickers once the picture moves.

The deviation comes from a mask that is blind to edges and slopes (Immerkær, "Fast noise variance estimation", 1996),
block by block, so that the quietest blocks tell: noise is everywhere, texture (grass, gravel, bark) hardly ever is.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from studio.nouns import Mend
from studio.photo.findings import Finding, Remedy
from studio.photo.flaws.photo_sample import Floats

FINE, COARSE = 2.7, 3.6
"""The deviation, in levels of 255 at 1080p, from which noise is seen: in the finest detail, and in detail twice as
coarse, where noise that was developed or compressed lives. Measured: photographs up to 1.07 and 2.16, a wood in crops
3.5; a noise of 12 3.3 upwards in the one, coarse noise of 16 4.1 upwards in the other."""

_LEVEL = 1.15
"""How much more may vary at twice the coarseness again: noise 0.5 to 1.13, grass 1.25, leaves 1.35, gravel 1.42, stars
1.17. The detail of things grows with its size; that of noise does not."""

_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) * np.float32(np.sqrt(np.pi / 2) / 6)
_QUIETEST = 0.05
_SIDES = (16, 12, 8)
"""The sides of the blocks, in pixels of the copy, of one of half the size, and of one of a quarter."""

_DARK, _LIGHT = 18, 237
_ENOUGH = 20


class Noise(NamedTuple):
    """Deviations in levels at 1080p, in the finest detail, twice and four times as coarse; 0 where none can be told."""

    fine: float
    coarse: float
    coarser: float


def judge_noise(luma: Floats) -> Finding:
    """Whether the noise of a photo's copy, (h, w) float32 0..255, will be seen."""
    found = measure_noise(luma)
    seen = max(found.fine / FINE, found.coarse / COARSE)
    fine, coarse = f"{found.fine:.1f} of 255 levels ({FINE:g} is seen)", f"{found.coarse:.1f} ({COARSE:g})"
    why = f"where it is flat, it varies by {fine}; coarsely by {coarse}"
    if seen < 1 or found.coarser > _LEVEL * found.coarse:
        return Finding("noise", "fine", "Its flat parts are clean.", why)
    says = "There is noise, which will crawl as the picture moves; denoising it costs a little of its finest texture."
    amount = 0.5 if seen < 4 else 0.7
    remedies = (Remedy("Denoise", mends=(Mend("denoise", amount),)),)
    return Finding("noise", "mend", says, why, remedies, hurts=min(0.9, 0.35 + 0.1 * seen))


def measure_noise(luma: Floats) -> Noise:
    """The noise of a copy, (h, w) float32 0..255."""
    found: list[float] = []
    for side in _SIDES:
        found.append(_measure_quietest(luma, side))
        size = (max(1, luma.shape[1] // 2), max(1, luma.shape[0] // 2))
        luma = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.float32)
    return Noise(*found)


def _measure_quietest(luma: Floats, side: int) -> float:
    """The noise of the quietest blocks; 0 where too little is neither black nor white."""
    rows, columns = luma.shape[0] // side, luma.shape[1] // side
    if rows * columns < _ENOUGH:
        return 0.0

    def means(plane: Floats) -> Floats:
        whole = plane[: rows * side, : columns * side]
        return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)

    deviation, level = means(np.abs(cv2.filter2D(luma, cv2.CV_32F, _MASK))), means(luma)
    usable = (level > _DARK) & (level < _LIGHT) & (deviation > 0.05)
    return float(np.quantile(deviation[usable], _QUIETEST)) if usable.sum() >= _ENOUGH else 0.0
