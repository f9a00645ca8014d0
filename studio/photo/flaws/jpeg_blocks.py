"""JPEG blocking: the squares of 8 by 8 pixels that strong compression leaves.

Looked for in the pixels, not in the file: what was saved again, cut or resized a little still shows its squares,
elsewhere and of another size. The excess of each step over its neighbours is averaged along the grid (blockiness as
in Wang, Sheikh and Bovik, "No-reference perceptual quality assessment of JPEG compressed images", 2002); its spectrum
then shows a comb at one over the side of a square.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.nouns import Mend
from studio.photo.crop import Image
from studio.photo.findings import Finding, Remedy
from studio.photo.flaws.photo_sample import Floats

SEEN = 0.32
"""From here on squares are seen: the geometric mean of their step in levels and of that step against all others.
Measured: of the JPEGs of quality 85 and up, 97 % under 0.28; of those of quality 18, or 10 and resized, 97 % over 0.40.
"""

_PERIODS: NDArray[np.float64] = np.arange(5.0, 13.01, 0.05)
"""The sides looked for, in pixels: 8, and what becomes of it between 0.63 and 1.6 times the size."""

_SIDE, _OFF = 8.0, 0.1
"""The side of a square as it was written, and how far off it may be measured."""

_STEP = 6.0
"""Steps beyond this many levels are edges of things, and count as this much."""

_WINDOW, _ACROSS = 512, 3
_UNSEEN = 1.5
"""Steps up to this many levels are not seen, and don't count: good JPEGs of smooth skies are full of them."""

_FLOOR = 0.1
"""Added to all steps, in levels: in a picture without any, nothing is told by a ratio."""

_POINTS = 8192


class Squares(NamedTuple):
    """How strongly squares are seen (see SEEN), and their side in pixels."""

    seen: float
    side: float


def judge_blocks(image: Image) -> Finding:
    """Whether a photo, uint8 (H, W, 3) RGB in its own pixels, shows the squares of compression."""
    found = measure_squares(image)
    why = f"steps every {found.side:.1f} px, {found.seen / SEEN:.1f} times what is seen"
    if found.seen < SEEN:
        why = f"steps between blocks reach {found.seen / SEEN:.0%} of what is seen"
        return Finding("blocks", "fine", "Compression left no marks that show.", why)
    resized = abs(found.side - _SIDE) > _OFF
    cost = (
        "softens them only, as they were resized since"
        if resized
        else "smooths them, and a little fine detail with them"
    )
    says = f"Compression left squares that will shimmer in motion; deblocking {cost}."
    remedies = (Remedy("Deblock", mends=(Mend("deblock", 1.0 if resized else 0.5),)),)
    return Finding("blocks", "mend", says, why, remedies, hurts=min(0.9, 0.4 + 0.1 * found.seen / SEEN))


def measure_squares(image: Image) -> Squares:
    """The squares of an image: along and across alike, as only those of compression are."""
    excess: list[NDArray[np.float64]] = []
    steps: list[float] = []
    for window in _cut_windows(image):
        grey = np.asarray(cv2.cvtColor(window, cv2.COLOR_RGB2GRAY), np.float32)
        (one, busy), (other, busier) = _measure_comb(grey), _measure_comb(np.ascontiguousarray(grey.T))
        excess.append(np.minimum(one, other))
        steps.append((busy + busier) / 2)
    if not excess:
        return Squares(0.0, _SIDE)
    mean = np.mean(excess, axis=0)
    best = int(mean.argmax())
    step = max(float(mean[best]), 0.0)
    return Squares(step / float(np.mean(steps) + _FLOOR) ** 0.5, float(_PERIODS[best]))


def _cut_windows(image: Image) -> list[Image]:
    """Up to nine windows of the photo's own pixels, spread evenly."""
    height, width = image.shape[:2]
    if min(height, width) < 64:
        return []

    def starts(length: int) -> list[int]:
        count = min(_ACROSS, -(-length // _WINDOW))
        return [max(0, round((length - _WINDOW) * one / max(count - 1, 1))) for one in range(count)]

    return [image[top : top + _WINDOW, left : left + _WINDOW] for top in starts(height) for left in starts(width)]


def _measure_comb(grey: Floats) -> tuple[NDArray[np.float64], float]:
    """For each period, how far steps at its multiples exceed the others, in levels; and the mean step."""
    step = np.clip(np.abs(np.diff(grey, axis=1)), _UNSEEN, 2 * _STEP) - _UNSEEN
    excess = np.clip(step[:, 1:-1] - (step[:, :-2] + step[:, 2:]) / 2, -_STEP, _STEP).mean(axis=0)
    shape = np.hanning(excess.size)
    spectrum = np.abs(np.fft.rfft((excess - excess.mean()) * shape / shape.sum(), _POINTS))
    pitch = np.arange(spectrum.size) / _POINTS
    teeth = np.zeros(_PERIODS.size)
    for harmonic in (1, 2, 3):
        at = harmonic / _PERIODS
        teeth += np.where(at < 0.5, np.interp(at, pitch, spectrum), 0.0)
    return 2 * (teeth - np.median(teeth)), float(np.minimum(step, _STEP).mean())
