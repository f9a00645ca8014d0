"""Sharpness: a photo that is sharp nowhere, by focus or by shake (its sharpest part counts, not the background).

How wide an edge is follows from how much its steepness falls when it is blurred once more (Zhuo and Sim, "Defocus map
estimation from a single image", 2011): at two blurs a < b the ratio of steepness is sqrt((s² + b²) / (s² + a²)) for
an edge of deviation s. Shake widens edges across its direction only, so that each direction is judged for itself.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.nouns import Size
from studio.photo.crop import SHORT_SIDES
from studio.photo.findings import Finding, Remedy
from studio.photo.flaws.photo_sample import COPY, Floats

SOFT, SHAKEN = 1.3, 1.85
"""The deviation, in pixels at 1080p, of the sharpest twentieth of all edges, and of those of the worst direction, from
which a photo is soft. Measured: shallow close-ups and their crops up to 1.25 and 1.82, most photographs under 0.7; a
blur of 2.5 px 1.36 upwards, a shake of 24 px 1.9 upwards in that direction (one of fifteen 1.39)."""

_A, _B = 1.0, 2.0
_DIRECTIONS = 8
_SHARPEST = 0.05
_STRONG, _LEAST, _MOST = 0.35, 1.2, 9.0
"""An edge is as steep as this share of the steepest five hundredth, in levels a pixel after the wider blur, within
bounds.
"""

_ENOUGH = 60
"""Edges that a direction needs, to be judged."""

_ENLARGED = 1.5
"""How far a photo of fewer lines than 1080 is thought enlarged to them: beyond that, it is small before it is soft."""

_JUDGED = 720
"""A clip of fewer lines shows less of it, in proportion."""


class Edges(NamedTuple):
    """The deviation of the sharpest edges in pixels at 1080p, of all and of the worst direction; 0 where too few are
    there.
    """

    all: float
    worst: float


def judge_sharpness(luma: Floats, size: Size = "auto") -> Finding:
    """Whether a photo's copy, (h, w) float32 0..255, is sharp nowhere, for a clip of a size."""
    edges = measure_edges(luma)
    share = min(1.0, SHORT_SIDES.get(size, _JUDGED) / _JUDGED)
    wide, worst = edges.all * share, edges.worst * share
    why = f"its sharpest edges are {2 * wide:.1f} px wide at 1080p; {2 * SOFT:.1f} is soft"
    if wide < SOFT and worst < SHAKEN:
        return Finding("soft", "fine", "It is sharp where it matters.", why)
    shaken = wide < SOFT
    if shaken:
        why = f"edges in one direction are {2 * worst:.1f} px wide at 1080p, against {2 * wide:.1f} px for the sharpest"
    says = (
        "The camera seems to have moved: fine detail is smeared one way, and a clip will not bring it back."
        if shaken
        else "Nothing in it is quite sharp: a smaller clip shows it less, and a camera that stays wide suits it best."
    )
    remedies = _find_smaller(edges, SHORT_SIDES.get(size, _JUDGED))
    hurts = min(0.9, 0.4 + 0.15 * max(wide / SOFT, worst / SHAKEN))
    return Finding("soft", "mend" if remedies else "mind", says, why, remedies, hurts=hurts)


def measure_edges(luma: Floats) -> Edges:
    """How wide the edges of a copy, (h, w) float32 0..255, are at 1080p."""
    if min(luma.shape) < 16:
        return Edges(0.0, 0.0)
    once, twice = (np.asarray(cv2.GaussianBlur(luma, (0, 0), blur), np.float32) for blur in (_A, _B))
    right, down = (cv2.Sobel(twice, cv2.CV_32F, *way, ksize=3, scale=1 / 8) for way in ((1, 0), (0, 1)))
    coarse = np.asarray(cv2.magnitude(right, down), np.float32)
    least = float(np.clip(_STRONG * np.quantile(coarse[::3, ::3], 0.998), _LEAST, _MOST))
    y, x = np.nonzero(coarse[1:-1, 1:-1] > least)
    at = (y + 1) * luma.shape[1] + x + 1
    right, down, coarse = right.ravel(), down.ravel(), coarse.ravel()
    aside = np.where(np.abs(right[at]) >= np.abs(down[at]), 1, luma.shape[1])
    at = at[(coarse[at] >= coarse[at - aside]) & (coarse[at] >= coarse[at + aside])]  # the ridge of each edge
    ratio = np.clip(_measure_steepness(once, at) / coarse[at], 1.0001, 1.999)
    wide = np.sqrt((_B**2 - ratio**2 * _A**2) / (ratio**2 - 1))
    turn = np.arctan2(down[at], right[at]) % np.pi / np.pi * _DIRECTIONS
    direction = (turn + 0.5).astype(int) % _DIRECTIONS
    every = [wide[direction == one] for one in range(_DIRECTIONS)]
    shown = min(COPY / min(luma.shape), _ENLARGED)
    return Edges(shown * _find_sharpest(wide), shown * max(_find_sharpest(one) for one in every))


def _measure_steepness(luma: Floats, at: NDArray[np.int64]) -> Floats:
    """How steep a picture is at some of its pixels, none at its border, in levels a pixel (Sobel)."""
    flat, row = luma.ravel(), luma.shape[1]

    def side(middle: int, along: int) -> Floats:
        return flat[at + middle - along] + 2 * flat[at + middle] + flat[at + middle + along]

    return np.asarray(np.hypot(side(1, row) - side(-1, row), side(row, 1) - side(-row, 1)) / 8, np.float32)


def _find_sharpest(wide: NDArray[np.float32]) -> float:
    return float(np.quantile(wide, _SHARPEST)) if wide.size >= _ENOUGH else 0.0


def _find_smaller(edges: Edges, now: int) -> tuple[Remedy, ...]:
    """The largest clip in which it is sharp, where that is one to watch."""
    share = 0.98 * min(SOFT / max(edges.all, 1e-3), SHAKEN / max(edges.worst, 1e-3))
    fits: list[Size] = [size for size, short in SHORT_SIDES.items() if 360 <= short < now and short <= share * _JUDGED]
    return (Remedy(f"Make it {fits[-1]}", size=fits[-1]),) if fits else ()
