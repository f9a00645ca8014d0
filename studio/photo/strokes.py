"""Strokes: thin marks of one colour, and rows of them, which is what print looks like before it is read.

Knows how marks are parted from what they lie on and strung into rows. Refuses to judge whether a row is lettering (lettering.py).
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.photo.crop import Image

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]

SPAN = 11
"""Pixels: a mark whose strokes are thinner than this is parted from its ground (Serra's top-hat, for both polarities)."""

LEAST, MOST = 8, 34
"""The heights of letters that are looked for at one scale, in pixels; the next scale is half as large."""

_CONTRAST = 22
"""Grey levels that a stroke must lie above its ground, or below it: less can't be read at a glance."""

_REACH = 100
"""The farthest that the middles of two neighbours may lie apart, in pixels: the widest letter, the widest gap."""


class Marks(NamedTuple):
    """Marks of one polarity, one element each. Pixels of the scale they were found at.

    left, top, wide, high: their boxes; colour (N, 3) and grain: mean colour and deviation of brightness inside; contrast: how
    far above (or below) the ground in grey levels; stroke: the mean width of their strokes; area.
    """

    left: Floats
    top: Floats
    wide: Floats
    high: Floats
    area: Floats
    colour: Floats
    grain: Floats
    contrast: Floats
    stroke: Floats

    def pick(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Marks:
        """Some of them, in the order given."""
        return Marks(*(values[index] for values in self))

    def turned(self) -> Marks:
        """The same marks with across and down exchanged: a column becomes a row."""
        return self._replace(left=self.top, top=self.left, wide=self.high, high=self.wide)


def marks(rgb: Image, grey: Image, dark: bool) -> Marks:
    """The marks of letters' size in a picture, (H, W, 3) RGB and its (H, W) brightness: darker than their ground, or lighter.

    A pixel belongs to a mark when it reaches half of the strongest contrast near it, so that strokes stay apart. Marks that are
    grainy or thick for their size are left out.
    """
    kind = cv2.MORPH_BLACKHAT if dark else cv2.MORPH_TOPHAT
    hat = np.asarray(cv2.morphologyEx(grey, kind, np.ones((SPAN, SPAN), np.uint8)), np.uint8)
    peak = np.asarray(cv2.dilate(hat, np.ones((SPAN + 2, SPAN + 2), np.uint8)), np.uint8)
    on = ((hat > _CONTRAST) & (hat > peak // 2)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(on, connectivity=8)
    left, top, wide, high, area = stats.T
    upright = (high >= LEAST) & (high <= MOST) & (wide <= 80)
    lying = (wide >= LEAST) & (wide <= MOST) & (high <= 80)
    fits = (upright | lying) & (area >= 18)
    fits[0] = False
    places = np.flatnonzero(on)
    owner = np.asarray(labels, np.int32).ravel()[places]
    places, owner = places[fits[owner]], owner[fits[owner]]

    def mean(values: NDArray[np.generic]) -> Floats:
        return (np.bincount(owner, values, count) / np.maximum(area, 1)).astype(np.float32)

    kept = np.zeros(grey.size, np.uint8)
    kept[places] = 1
    depth = np.asarray(cv2.distanceTransform(kept.reshape(grey.shape), cv2.DIST_L2, 3), np.float32).ravel()[places]
    light = grey.ravel()[places].astype(np.float32)
    grain = np.sqrt(np.maximum(mean(light * light) - mean(light) ** 2, 0))
    contrast, stroke = mean(hat.ravel()[places]), np.maximum(4 * mean(depth) - 1, 1)  # a bar's mean depth: a quarter of its width
    chosen = np.flatnonzero(fits & (grain < 0.6 * contrast + 6) & (stroke < 0.6 * np.maximum(wide, high)))
    colour = _colours(rgb.reshape(-1, 3), places, owner, chosen, count) / area[chosen, None].astype(np.float32)
    left, top, wide, high, size = (values[chosen].astype(np.float32) for values in (left, top, wide, high, area))
    return Marks(left, top, wide, high, size, colour, grain[chosen], contrast[chosen], stroke[chosen])


def _colours(pixels: Image, places: Whole, owner: NDArray[np.int32], chosen: Whole, count: int) -> Floats:
    """The summed colour of the chosen marks' pixels, (N, 3)."""
    wanted = np.zeros(count, bool)
    wanted[chosen] = True
    ours = wanted[owner]
    inside, whose = pixels[places[ours]], owner[ours]
    sums = [np.bincount(whose, inside[:, channel], count)[chosen] for channel in range(3)]
    return np.stack(sums, axis=1).astype(np.float32)


def rows(found: Marks) -> list[Marks]:
    """The marks strung into rows of three and more, each from left to right: each mark's nearest likeness on its right, where
    the mark is also the nearest on that one's left. Alike are those of one height, colour and stroke, side by side.
    """
    found = found.pick((found.high >= LEAST) & (found.high <= MOST))
    one, two, far = _pairs(found)
    order = np.argsort(-far)  # of several the last one stays: the nearest
    count = len(found.left)
    after, before = np.full(count, -1), np.full(count, -1)
    after[one[order]], before[two[order]] = two[order], one[order]
    mutual = (after >= 0) & (before[after] == np.arange(count))
    headed = np.zeros(count, bool)
    headed[after[mutual]] = True
    strung: list[Marks] = []
    for first in np.flatnonzero(mutual & ~headed):
        row = [int(first)]
        while mutual[row[-1]]:
            row.append(int(after[row[-1]]))
        if len(row) >= 3:
            strung.append(found.pick(np.array(row)))
    return strung


def _pairs(found: Marks) -> tuple[Whole, Whole, Floats]:
    """Every two marks that may be neighbours in a row, the left one first, and how far apart they are, in pixels and unlikeness.

    Marks are sorted into level bands as high as two can lie apart, so that only nearby ones are compared.
    """
    middle, centre = found.left + found.wide / 2, found.top + found.high / 2
    band = centre // (MOST - LEAST // 2)
    key = band.astype(np.float64) * 1e5 + middle
    order = np.argsort(key)
    ranked = key[order]
    ones: list[Whole] = []
    twos: list[Whole] = []
    for near in (-1e5, 0.0, 1e5):
        low, high = np.searchsorted(ranked, key + near, "right"), np.searchsorted(ranked, key + near + _REACH)
        counts = np.maximum(high - low, 0)
        starts = np.repeat(low - np.cumsum(counts) + counts, counts)
        ones.append(np.repeat(np.arange(len(key)), counts))
        twos.append(order[starts + np.arange(counts.sum())])
    one, two = np.concatenate(ones), np.concatenate(twos)
    tall, low = np.maximum(found.high[one], found.high[two]), np.minimum(found.high[one], found.high[two])
    gap = found.left[two] - found.left[one] - found.wide[one]
    foot = np.minimum(found.top[one] + found.high[one], found.top[two] + found.high[two])
    beside = foot - np.maximum(found.top[one], found.top[two]) > 0.45 * low
    thick, thin = np.maximum(found.stroke[one], found.stroke[two]), np.minimum(found.stroke[one], found.stroke[two])
    colour = np.abs(found.colour[one] - found.colour[two]).sum(axis=1)
    good = beside & (gap < 1.1 * tall) & (gap > -0.35 * tall) & (tall < 2.3 * low) & (thick < 2.2 * thin)
    good &= colour < 30 + 0.5 * np.minimum(found.contrast[one], found.contrast[two])
    drop = np.maximum(np.abs(centre[one] - centre[two]) - 0.3 * tall, 0)
    return one[good], two[good], (np.maximum(gap, 0) + 1.2 * drop + 0.15 * colour)[good]
