"""Text detection: print, captions, watermarks and signs, found by their rows of strokes and left unread.

Thin marks of one colour (top-hat) are strung into rows; a plain look at each row, then a small network at what is
left, decide which rows are letters. Rows of windows, bricks, petals and spots are what it must not fall for.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.config import ASSETS
from studio.photo.crop import Image
from studio.photo.findings import Box

Floats = NDArray[np.float32]

SHORT = 720
"""The short side, in pixels, of the copy that is searched: letters set in 2.5 % of it are 18 px high, their strokes 2.
"""

_LONG = 1600
_SMALLEST = 60
"""The long side of that copy at most, and the shortest side of its halvings, which show ever larger letters."""

_WIDE, _HIGH = 48, 16
"""What the network sees of a row at once, in pixels: a letter and its neighbours, as high as 1.5 of their heights."""

_VIEWS = 4
"""How many places of a row are looked at, at most."""

_WEIGHTS = (1.07, -2.87, -3.79, -17.2, 1.59, -0.48)
"""What speaks for a row, fitted by logistic regression (assets/weights/PROVENANCE.md): the logarithm of its marks'
number, the spread of their heights, colours and grain, their contrast, the spread of their strokes."""

LIKELY = -0.5
"""The plain score from which the network is asked about a row."""

ODDS = 2.0
"""The network's log-odds, meant over its views, from which a row of four marks is lettering; chance likenesses are
short.
"""

_LENGTH = 3.0
"""What a row's length adds to its log-odds: this times the logarithm of its marks, up to eight, over four."""

_VARIED = 0.05
"""Marks that differ less than this in width and area are panes, pickets or squares: letters are not all one."""

_MOST = 60
"""Rows the network is asked about at most, the likeliest first."""


class Lettering(NamedTuple):
    """A row of lettering: its box in fractions of the photo, and how sure that is, 0..1."""

    box: Box
    sure: float


class Row(NamedTuple):
    """A row that may be lettering: its box in pixels of the copy (left, top, right, bottom), its plain score, its
    marks, the brightness they were found in, and whether they are darker than their ground and run downwards."""

    box: tuple[float, float, float, float]
    plain: float
    marks: StrokeMarks
    grey: Image
    dark: bool
    turned: bool


@cache
def _load_weights() -> dict[str, Floats]:
    """Three layers of 3x3 convolution, each halved by its maximum, and two full ones; as float16 in the file."""
    with np.load(ASSETS / "weights" / "lettering.npz") as file:
        return {name: file[name].astype(np.float32) for name in file.files}


def find_lettering(image: Image, short: int = SHORT) -> tuple[Lettering, ...]:
    """The lettering in a photo, (H, W, 3) uint8 RGB at any size, the surest first. About 0.06 s; safe to call from any
    thread. short: the short side of the copy that is searched, in pixels; half of it takes a third of the time and
    finds letters twice as high.
    """
    found, (height, width) = find_candidates(image, short)
    sure = [(row.box, answer) for row, answer in zip(found, score_rows(found), strict=True) if answer >= 0.5]
    return tuple(
        Lettering(_to_fractions(box, width, height), answer)
        for box, answer in _drop_doubles(sorted(sure, key=lambda one: -one[1]))
    )


def find_candidates(image: Image, short: int = SHORT) -> tuple[list[Row], tuple[int, int]]:
    """The rows that the network is asked about, likeliest first, and the height and width of the copy they lie in."""
    copy = _resize(image, short)
    found: list[Row] = []
    scale = 1.0
    level = copy
    while min(level.shape[:2]) >= _SMALLEST:
        found += [row._replace(box=_scale_box(row.box, scale)) for row in _find_rows(level)]
        level = np.asarray(cv2.resize(level, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
        scale *= 2
    return sorted(found, key=lambda row: -row.plain)[:_MOST], (copy.shape[0], copy.shape[1])


def _resize(image: Image, short: int) -> Image:
    """The copy that is searched; a smaller image is enlarged, so that strokes are as thick as elsewhere."""
    height, width = image.shape[:2]
    scale = min(short / min(height, width), _LONG / max(height, width))
    if abs(scale - 1) < 0.01:
        return image
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8)


def _find_rows(level: Image) -> list[Row]:
    """The likely rows of one scale: level and upright ones, of both polarities."""
    grey = np.asarray(cv2.cvtColor(level, cv2.COLOR_RGB2GRAY), np.uint8)
    found: list[Row] = []
    for dark in (False, True):
        strokes = find_strokes(level, grey, dark)
        for turned in (False, True):
            strung = string_rows(strokes.transpose() if turned else strokes)
            for row, plain in zip(strung, _score_plainly(strung), strict=True):
                if plain > LIKELY:
                    found.append(Row(_surround(row, turned), plain, row, grey, dark, turned))
    return found


def _score_plainly(strung: list[StrokeMarks]) -> list[float]:
    """How much the marks of each row are of one kind: above LIKELY it may be lettering."""
    if not strung:
        return []
    number = np.array([len(row.left) for row in strung])
    starts = np.cumsum(number) - number
    wide, high, area, grain, contrast, stroke = (
        np.concatenate([getattr(row, name) for row in strung])
        for name in ("wide", "high", "area", "grain", "contrast", "stroke")
    )
    colour = np.concatenate([row.colour for row in strung])

    def mean(values: Floats) -> Floats:
        return (np.add.reduceat(values, starts) / (number if values.ndim == 1 else number[:, None])).astype(np.float32)

    def spread(values: Floats) -> Floats:
        return np.sqrt(np.maximum(mean(values * values) - mean(values) ** 2, 0))

    strength = mean(contrast)
    alike = (spread(wide) < _VARIED * mean(wide)) & (spread(area) < _VARIED * mean(area))
    strays = np.abs(colour - np.repeat(mean(colour), number, axis=0)).sum(axis=1).astype(np.float32)
    apart = mean(strays) / (strength + 10)
    told = (
        np.log(number),
        spread(high) / mean(high),
        apart,
        mean(grain / (contrast + 5)),
        strength / 50,
        spread(np.log(stroke)),
    )
    scores = np.where(alike, -np.inf, np.array(_WEIGHTS) @ np.array(told))
    return [float(value) for value in scores]


def _surround(row: StrokeMarks, turned: bool) -> tuple[float, float, float, float]:
    left, top = float(row.left.min()), float(row.top.min())
    right, bottom = float((row.left + row.wide).max()), float((row.top + row.high).max())
    return (top, left, bottom, right) if turned else (left, top, right, bottom)


def cut_views(found: Row) -> list[Floats]:
    """What the network is shown of a row: (16, 48) along the row, light on dark, of mean 0 and deviation 1."""
    row = found.marks
    x, y = row.left + row.wide / 2, row.top + row.high / 2
    one, two = np.triu_indices(len(x), 1)
    slope = float(
        np.median((y[two] - y[one]) / np.maximum(x[two] - x[one], 1))
    )  # Theil-Sen: one odd mark doesn't turn it
    rise = float(np.median(y - slope * x))
    step = float(np.percentile(row.high, 75)) * 1.5 / _HIGH
    along = np.array([1, slope]) * step / np.hypot(1, slope)
    down = np.array([-along[1], along[0]])
    seen: list[Floats] = []
    for place in np.unique(np.linspace(0, len(x) - 1, min(len(x), _VIEWS)).round().astype(int)):
        corner = np.array([x[place], slope * x[place] + rise]) - along * (_WIDE - 1) / 2 - down * (_HIGH - 1) / 2
        matrix = np.column_stack([along, down, corner])
        matrix = matrix[::-1].copy() if found.turned else matrix
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        view = cv2.warpAffine(found.grey, matrix, (_WIDE, _HIGH), flags=flags, borderMode=cv2.BORDER_REPLICATE).astype(
            np.float32
        )
        view = (view - view.mean()) / (view.std() + 8)
        seen.append(-view if found.dark else view)
    return seen


def score_rows(found: list[Row]) -> list[float]:
    """How sure it is that each row is lettering, 0..1: at 0.5 its odds are those of ODDS."""
    if not found:
        return []
    seen = [cut_views(row) for row in found]
    logits = run_network(np.stack([view for each in seen for view in each]))
    ends = np.cumsum([len(each) for each in seen])
    means = np.array([part.mean() for part in np.split(logits, ends[:-1])])
    lengths = np.log(np.minimum([len(row.marks.left) for row in found], 8) / 4)
    return [float(answer) for answer in 1 / (1 + np.exp(ODDS - means - _LENGTH * lengths))]


def run_network(views: Floats) -> Floats:
    """How much each view, (N, 16, 48), is of lettering: N log-odds. About 0.03 s for 300 views."""
    weights = _load_weights()
    layer = views[..., None]
    for number in (1, 2, 3):
        kernel, bias = weights[f"conv{number}"], weights[f"bias{number}"]
        padded = np.pad(layer, ((0, 0), (1, 1), (1, 1), (0, 0)))
        around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))  # (N, h, w, channels, 3, 3)
        count, height, width = around.shape[:3]
        columns = around.reshape(count * height * width, -1)
        made = np.maximum(columns @ kernel.reshape(len(kernel), -1).T + bias, 0)
        layer = made.reshape(count, height // 2, 2, width // 2, 2, -1).max(axis=(2, 4))
    flat = layer.transpose(0, 3, 1, 2).reshape(len(layer), -1)
    hidden = np.maximum(flat @ weights["full1"].T + weights["full_bias1"], 0)
    return np.asarray(hidden @ weights["full2"].T + weights["full_bias2"], np.float32).ravel()


def _scale_box(box: tuple[float, float, float, float], scale: float) -> tuple[float, float, float, float]:
    return box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale


def _to_fractions(box: tuple[float, float, float, float], width: int, height: int) -> Box:
    left, top = max(box[0] / width, 0.0), max(box[1] / height, 0.0)
    return left, top, min(box[2] / width, 1.0) - left, min(box[3] / height, 1.0) - top


def _drop_doubles(
    found: list[tuple[tuple[float, float, float, float], float]],
) -> list[tuple[tuple[float, float, float, float], float]]:
    """The rows without those that lie mostly within a surer one."""
    kept: list[tuple[tuple[float, float, float, float], float]] = []
    for box, answer in found:
        if all(_measure_within(box, other) < 0.5 and _measure_within(other, box) < 0.8 for other, _ in kept):
            kept.append((box, answer))
    return kept


def _measure_within(box: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    across = min(box[2], other[2]) - max(box[0], other[0])
    down = min(box[3], other[3]) - max(box[1], other[1])
    return max(across, 0.0) * max(down, 0.0) / max((box[2] - box[0]) * (box[3] - box[1]), 1e-9)


Floats = NDArray[np.float32]
Whole = NDArray[np.int64]

SPAN = 11
"""Pixels: a mark whose strokes are thinner than this is parted from its ground (Serra's top-hat, for both polarities).
"""

LEAST, MOST = 8, 34
"""The heights of letters that are looked for at one scale, in pixels; the next scale is half as large."""

_CONTRAST = 22
"""Grey levels that a stroke must lie above its ground, or below it: less can't be read at a glance."""

_REACH = 100
"""The farthest that the middles of two neighbours may lie apart, in pixels: the widest letter, the widest gap."""


class StrokeMarks(NamedTuple):
    """Marks of one polarity, one element each. Pixels of the scale they were found at.

    left, top, wide, high: their boxes; colour (N, 3) and grain: mean colour and deviation of brightness inside;
    contrast: how far above (or below) the ground in grey levels; stroke: the mean width of their strokes; area.
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

    def pick(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> StrokeMarks:
        """Some of them, in the order given."""
        return StrokeMarks(*(values[index] for values in self))

    def transpose(self) -> StrokeMarks:
        """The same marks with across and down exchanged: a column becomes a row."""
        return self._replace(left=self.top, top=self.left, wide=self.high, high=self.wide)


def find_strokes(rgb: Image, grey: Image, dark: bool) -> StrokeMarks:
    """The marks of letters' size in a picture, (H, W, 3) RGB and its (H, W) brightness: darker than their ground, or
    lighter.

    A pixel belongs to a mark when it reaches half of the strongest contrast near it, so that strokes stay apart. Marks
    that are grainy or thick for their size are left out.
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
    contrast, stroke = (
        mean(hat.ravel()[places]),
        np.maximum(4 * mean(depth) - 1, 1),
    )  # a bar's mean depth: a quarter of its width
    chosen = np.flatnonzero(fits & (grain < 0.6 * contrast + 6) & (stroke < 0.6 * np.maximum(wide, high)))
    colour = _sum_colours(rgb.reshape(-1, 3), places, owner, chosen, count) / area[chosen, None].astype(np.float32)
    left, top, wide, high, size = (values[chosen].astype(np.float32) for values in (left, top, wide, high, area))
    return StrokeMarks(left, top, wide, high, size, colour, grain[chosen], contrast[chosen], stroke[chosen])


def _sum_colours(pixels: Image, places: Whole, owner: NDArray[np.int32], chosen: Whole, count: int) -> Floats:
    """The summed colour of the chosen marks' pixels, (N, 3)."""
    wanted = np.zeros(count, bool)
    wanted[chosen] = True
    ours = wanted[owner]
    inside, whose = pixels[places[ours]], owner[ours]
    sums = [np.bincount(whose, inside[:, channel], count)[chosen] for channel in range(3)]
    return np.stack(sums, axis=1).astype(np.float32)


def string_rows(found: StrokeMarks) -> list[StrokeMarks]:
    """The marks strung into rows of three and more, each from left to right: each mark's nearest likeness on its right,
    where the mark is also the nearest on that one's left. Alike are those of one height, colour and stroke, side by
    side.
    """
    found = found.pick((found.high >= LEAST) & (found.high <= MOST))
    one, two, far = _pair_neighbours(found)
    order = np.argsort(-far)  # of several the last one stays: the nearest
    count = len(found.left)
    after, before = np.full(count, -1), np.full(count, -1)
    after[one[order]], before[two[order]] = two[order], one[order]
    mutual = (after >= 0) & (before[after] == np.arange(count))
    headed = np.zeros(count, bool)
    headed[after[mutual]] = True
    strung: list[StrokeMarks] = []
    for first in np.flatnonzero(mutual & ~headed):
        row = [int(first)]
        while mutual[row[-1]]:
            row.append(int(after[row[-1]]))
        if len(row) >= 3:
            strung.append(found.pick(np.array(row)))
    return strung


def _pair_neighbours(found: StrokeMarks) -> tuple[Whole, Whole, Floats]:
    """Every two marks that may be neighbours in a row, the left one first, and how far apart they are, in pixels and
    unlikeness.

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
