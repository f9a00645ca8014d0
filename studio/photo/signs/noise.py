"""Noise: grain that crawls or flickers once the picture moves.

Knows what varies where a picture is flat. Refuses to mind texture: grass, gravel and bark vary coarsely too.

The deviation comes from a mask that is blind to edges and slopes (Immerkær, "Fast noise variance estimation", 1996), block by
block, so that the quietest blocks tell: noise is everywhere, texture hardly ever is.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from studio.nouns import Mend
from studio.photo.report import Finding, Remedy
from studio.photo.signs.sample import Floats

FINE, COARSE = 2.7, 2.5
"""The deviation, in levels of 255 at 1080p, from which noise is seen: in the finest detail, and in detail twice as coarse,
where noise that was developed or compressed lives. Measured: photographs up to 1.07 and 2.16; a noise of 12 3.3 up."""

_PLAIN = 2.9
"""How much all that varies in a quiet block may exceed its coarse noise: noise 1.0 to 2, gravel 4.6, grass 3.4, stars 12."""

_FINER = 1.2
"""Where nothing is flat: noise varies this much more in the finest detail than in the coarser; texture does less."""

_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) * np.float32(np.sqrt(np.pi / 2) / 6)
_QUIETEST = 0.05
_SIDES = (16, 12)
_DARK, _LIGHT = 18, 237
_ENOUGH = 20


class Noise(NamedTuple):
    """Deviations in levels at 1080p, in the finest detail and twice as coarse; `plain`: whether its flat parts hold only that."""

    fine: float
    coarse: float
    plain: bool


def noise(luma: Floats) -> Finding:
    """Whether the noise of a photo's copy, (h, w) float32 0..255, will be seen."""
    found = measured(luma)
    seen = max(found.fine / FINE, found.coarse / COARSE)
    why = f"it varies by {max(found.fine, found.coarse):.1f} of 255 levels where it is flat; {FINE:g} is seen"
    if seen < 1 or not found.plain:
        return Finding("noise", "fine", "Its flat parts are clean.", why)
    says = "There is noise, which will crawl as the picture moves; denoising it costs a little of its finest texture."
    amount = 0.5 if seen < 4 else 0.7
    remedies = (Remedy("Denoise", mends=(Mend("denoise", amount),)),)
    return Finding("noise", "mend", says, why, remedies, hurts=min(0.9, 0.35 + 0.1 * seen))


def measured(luma: Floats) -> Noise:
    """The noise of a copy, (h, w) float32 0..255."""
    if min(luma.shape) < 2 * _SIDES[1]:
        return Noise(0.0, 0.0, False)
    half = np.asarray(cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float32)
    fine, _ = _quiet(luma, _SIDES[0])
    coarse, spread = _quiet(half, _SIDES[1])
    return Noise(fine, coarse, spread <= _PLAIN * coarse or fine >= _FINER * coarse)


def _quiet(luma: Floats, side: int) -> tuple[float, float]:
    """The noise of the quietest blocks, and all that varies in them; 0 where too little is neither black nor white."""
    rows, columns = luma.shape[0] // side, luma.shape[1] // side
    if rows * columns < _ENOUGH:
        return 0.0, 0.0

    def means(plane: Floats) -> Floats:
        return np.asarray(
            cv2.resize(plane[: rows * side, : columns * side], (columns, rows), interpolation=cv2.INTER_AREA), np.float32
        )

    deviation, level = means(np.abs(cv2.filter2D(luma, cv2.CV_32F, _MASK))), means(luma)
    spread = np.sqrt(np.maximum(means(luma * luma) - level**2, 0))
    usable = (level > _DARK) & (level < _LIGHT) & (deviation > 0.05)
    if usable.sum() < _ENOUGH:
        return 0.0, 0.0
    deviation, spread = deviation[usable], spread[usable]
    least = float(np.quantile(deviation, _QUIETEST))
    return least, float(np.median(spread[deviation <= np.quantile(deviation, 1.6 * _QUIETEST)]))
