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

    A pixel belongs to a mark when it reaches half of the strongest contrast near it, so that strokes stay apart.
    """
    kind = cv2.MORPH_BLACKHAT if dark else cv2.MORPH_TOPHAT
    hat = np.asarray(cv2.morphologyEx(grey, kind, np.ones((SPAN, SPAN), np.uint8)), np.uint8)
    peak = np.asarray(cv2.dilate(hat, np.ones((SPAN + 2, SPAN + 2), np.uint8)), np.uint8)
    on = ((hat > _CONTRAST) & (hat > peak // 2)).astype(np.uint8)
    count, found, stats, _ = cv2.connectedComponentsWithStats(on, connectivity=8)
    labels = np.asarray(found, np.int32)
    wide, high, area = (stats[:, column] for column in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA))
    upright = (high >= LEAST) & (high <= MOST) & (wide <= 80)
    lying = (wide >= LEAST) & (wide <= MOST) & (high <= 80)
    fits = (upright | lying) & (area >= 18)
    fits[0] = False
    chosen = np.flatnonzero(fits)
    order = np.zeros(count, np.int32)
    order[chosen] = np.arange(1, chosen.size + 1)
    places = np.flatnonzero(on)
    index = order[labels.ravel()[places]] - 1
    places, index = places[index >= 0], index[index >= 0]
    kept = np.zeros(grey.size, np.uint8)
    kept[places] = 1
    depth = np.asarray(cv2.distanceTransform(kept.reshape(grey.shape), cv2.DIST_L2, 3), np.float32).ravel()[places]

    sizes = area[chosen]

    def mean(values: NDArray[np.generic]) -> Floats:
        return (np.bincount(index, values, chosen.size) / np.maximum(sizes, 1)).astype(np.float32)

    light = grey.ravel()[places].astype(np.float32)
    inside = rgb.reshape(-1, 3)[places]
    colour = np.stack([mean(inside[:, channel]) for channel in range(3)], axis=1)
    grain = np.sqrt(np.maximum(mean(light * light) - mean(light) ** 2, 0))
    left, top, *_ = (stats[chosen, column].astype(np.float32) for column in (cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP))
    wide, high, area = (values[chosen].astype(np.float32) for values in (wide, high, area))
    stroke = np.maximum(4 * mean(depth) - 1, 1)  # across a bar the mean distance to its edge is a quarter of its width
    return Marks(left, top, wide, high, area, colour, grain, mean(hat.ravel()[places]), stroke)


def rows(found: Marks) -> list[Marks]:
    """The marks strung into rows of three and more, each from left to right: each mark's nearest likeness on its right, where
    the mark is also the nearest on that one's left. Alike are those of one height, colour and stroke, side by side.
    """
    solid = (found.grain < 0.6 * found.contrast + 6) & (found.stroke < 0.6 * np.maximum(found.wide, found.high))
    found = found.pick(solid & (found.high >= LEAST) & (found.high <= MOST))
    found = found.pick(np.argsort(found.left + found.wide / 2))
    after, before = _neighbours(found)
    count = len(after)
    mutual = np.array([after[one] >= 0 and before[after[one]] == one for one in range(count)], bool)
    headed = np.zeros(count, bool)
    headed[after[mutual]] = True
    strung: list[Marks] = []
    for one in np.flatnonzero(mutual & ~headed):
        row = [int(one)]
        while mutual[row[-1]]:
            row.append(int(after[row[-1]]))
        if len(row) >= 3:
            strung.append(found.pick(np.array(row)))
    return strung


def _neighbours(found: Marks) -> tuple[Whole, Whole]:
    """For each mark, sorted by its middle, the nearest that is like it on the right, and on the left; -1 for none."""
    count = len(found.left)
    middle, centre = found.left + found.wide / 2, found.top + found.high / 2
    after, before = np.full(count, -1), np.full(count, -1)
    near_after, near_before = np.full(count, np.inf, np.float32), np.full(count, np.inf, np.float32)
    for step in range(1, count):
        one = np.flatnonzero(middle[step:] - middle[:-step] < _REACH)
        if not one.size:
            break
        two = one + step
        tall, low = np.maximum(found.high[one], found.high[two]), np.minimum(found.high[one], found.high[two])
        gap = found.left[two] - found.left[one] - found.wide[one]
        good = (gap < 1.1 * tall) & (gap > -0.35 * tall) & (tall < 2.3 * low)
        one, two, tall, low, gap = one[good], two[good], tall[good], low[good], gap[good]
        foot = np.minimum(found.top[one] + found.high[one], found.top[two] + found.high[two])
        colour = np.abs(found.colour[one] - found.colour[two]).sum(axis=1)
        good = foot - np.maximum(found.top[one], found.top[two]) > 0.45 * low
        good &= colour < 30 + 0.5 * np.minimum(found.contrast[one], found.contrast[two])
        good &= np.maximum(found.stroke[one], found.stroke[two]) < 2.2 * np.minimum(found.stroke[one], found.stroke[two])
        one, two, tall, gap, colour = one[good], two[good], tall[good], gap[good], colour[good]
        drop = np.maximum(np.abs(centre[one] - centre[two]) - 0.3 * tall, 0)
        far = np.maximum(gap, 0) + 1.2 * drop + 0.15 * colour
        closer = far < near_after[one]
        near_after[one[closer]], after[one[closer]] = far[closer], two[closer]
        closer = far < near_before[two]
        near_before[two[closer]], before[two[closer]] = far[closer], one[closer]
    return after, before
