"""Exposure: highlights blown and shadows blocked in large parts, and contrast too flat.

Not minded is what is meant: a backdrop that goes round the whole picture, the sun, a lamp, a glint.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.nouns import Mend
from studio.photo.crop import Image
from studio.photo.findings import Finding, Remedy

BLOWN, CRUSHED = 0.145, 0.165
"""The share of the picture from which lost light is seen as lost. Measured: photographs up to 0.12 (snow, glare) and
0.13 (a studio's black cloth, black suits); exposed until a fifth is blown, or a quarter black, 0.17 upwards."""

FLAT = 140
"""The levels of 255, of all colours together, between the darkest and the brightest hundredth of the picture under
which it is flat. Measured: photographs 164 and up, most over 200; 45 % of a photo's contrast at most 119."""

_WHITE, _BLACK = 251, 4
_ROUND, _SIDE, _SOLID = 0.75, 0.3, 0.9
"""A backdrop takes this share of the picture's border, and at least the second of every side; and so much of it has no
holes: what was exposed away is speckled with what was not quite."""

_BORDER, _HOLE = 3, 4


class Lost(NamedTuple):
    """The share of the picture that is blown out, and that is black, 0..1; a backdrop counts as none."""

    white: float
    black: float


def judge_clipping(small: Image) -> Finding:
    """Whether light was lost in a meaningful part of a photo, (h, w, 3) uint8 RGB."""
    found = measure_lost(small)
    why = f"{found.white:.0%} of it is blown out, {found.black:.0%} is black; {BLOWN:.0%} and {CRUSHED:.0%} are much"
    if found.white < BLOWN and found.black < CRUSHED:
        return Finding("clipped", "fine", "The exposure keeps its light and its shadows.", why)
    white = found.white / BLOWN >= found.black / CRUSHED
    says = (
        "Large parts are blown out to white: nothing can move there, and no mend brings back what was not recorded."
        if white
        else "Large parts have gone black: nothing can move there, and no mend brings back what was not recorded."
    )
    hurts = min(0.8, 0.3 + 0.1 * max(found.white / BLOWN, found.black / CRUSHED))
    return Finding("clipped", "mind", says, why, hurts=hurts)


def measure_lost(small: Image) -> Lost:
    """How much of a picture is lost: where two of its colours are at their upper end, or all three at their lower."""
    low, middle, high = np.sort(small, axis=2).transpose(2, 0, 1)
    del low
    return Lost(_measure_unmeant(middle >= _WHITE), _measure_unmeant(high <= _BLACK))


def _measure_unmeant(mask: NDArray[np.bool_]) -> float:
    """The share of a mask; 0 for a backdrop, which reaches all sides and most of the border."""
    sides = (mask[:_BORDER], mask[-_BORDER:], mask[:, :_BORDER], mask[:, -_BORDER:])
    shares = [float(side.mean()) for side in sides]
    lengths = [mask.shape[1], mask.shape[1], mask.shape[0], mask.shape[0]]
    border, share = float(np.average(shares, weights=lengths)), float(mask.mean())
    if border < _ROUND or min(shares) < _SIDE:
        return share
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _HOLE + 1, 2 * _HOLE + 1))
    solid = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc)
    return 0.0 if float(solid.mean()) >= _SOLID * share else share


def judge_contrast(small: Image) -> Finding:
    """Whether a photo, (h, w, 3) uint8 RGB, lacks contrast."""
    found = measure_span(small)
    why = f"it spans {found:.0f} of 255 levels; under {FLAT} is flat"
    if found >= FLAT:
        return Finding("flat", "fine", "Its contrast is good.", why)
    says = "It is flat, as through haze; more contrast helps, and brings out noise and compression where there is any."
    remedies = (Remedy("More contrast", mends=(Mend("contrast", 0.6 if found > FLAT / 2 else 0.8),)),)
    return Finding("flat", "mend", says, why, remedies, hurts=min(0.8, 0.3 + 0.5 * (1 - found / FLAT)))


def measure_span(small: Image) -> float:
    """The levels between the darkest hundredth of any colour and the brightest of any: what is vivid is not flat."""
    red, green, blue = cv2.split(small)
    high, low = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    return float(np.quantile(high, 0.99) - np.quantile(low, 0.01))
