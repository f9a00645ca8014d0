"""How one frame lies in another: dense flow, warping by it, likeness after it, and the motion of all in six numbers.

Frames are brightness, (h, w) uint8, all of a size. Flow is DIS (Kroeger et al. 2016), (h, w, 2) pixels.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

PATCH = 7
"""Side in pixels of the patches whose likeness is compared."""

FLAT = 2.5
"""Deviation in grey levels up to which a patch shows nothing that could be compared."""

_SCALES = (1.0, 1.16, 1 / 1.16, 1.34, 1 / 1.34)
"""Sizes that are tried where a frame isn't found in another as it is."""

_FOUND = 0.75
"""From this likeness on another size isn't tried."""


def halve(frame: Grey) -> Grey:
    """A frame at half its size, by area."""
    size = (frame.shape[1] // 2, frame.shape[0] // 2)
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


class Match(NamedTuple):
    """One frame found in another. flow: from the first to the other. seen: (h, w) bool, what of the first lies within
    the other. likeness: (h, w) 0..1, the correlation of patches after warping; weight: (h, w), how much there is to be
    compared. share: the weighted mean of the likeness, 0..1."""

    flow: Floats
    seen: NDArray[np.bool_]
    likeness: Floats
    weight: Floats
    share: float


class Shift(NamedTuple):
    """How the picture moved between two frames, robustly: right and down in fractions of its diagonal, growth,
    clockwise turn in radians, and how much further right and down what is near went than what is far."""

    x: float
    y: float
    growth: float
    turn: float
    near_x: float
    near_y: float


@lru_cache(4)
def _grid(height: int, width: int) -> tuple[Floats, Floats]:
    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return across, down


def find_flow(one: Grey, other: Grey) -> Floats:
    """Dense flow from one frame to the next: the fast preset, 0.7 ms at 320 x 180. The ultrafast one takes heavy snow
    for a cut."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(search.calc(one, other, None), np.float32)


def _search(one: Grey, other: Grey, start: Floats | None) -> Floats:
    """Flow between frames far apart, begun from `start` where that is given: the medium preset."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(search.calc(one, other, None if start is None else start.copy()), np.float32)


def warp(other: NDArray[Any], flow: Floats) -> NDArray[Any]:
    """The other frame as the first one sees it."""
    across, down = _grid(*flow.shape[:2])
    return np.asarray(
        cv2.remap(other, across + flow[..., 0], down + flow[..., 1], cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    )


def warp_half(other: Grey, flow: Floats) -> Floats:
    """Every second pixel of the other frame as the first one sees it, unrounded."""
    across, down = (axis[::2, ::2] for axis in _grid(*flow.shape[:2]))
    half = flow[::2, ::2]
    return np.asarray(
        cv2.remap(other.astype(np.float32), across + half[..., 0], down + half[..., 1], cv2.INTER_LINEAR), np.float32
    )


def look_inside(flow: Floats) -> NDArray[np.bool_]:
    """What of a frame lies within the other one, (h, w)."""
    across, down = _grid(*flow.shape[:2])
    x, y = across + flow[..., 0], down + flow[..., 1]
    return (x >= 0) & (y >= 0) & (x <= flow.shape[1] - 1) & (y <= flow.shape[0] - 1)


def compare(one: Grey, other: Grey, flow: Floats) -> Match:
    """How alike two frames are once the other is warped by the flow: correlation of patches, 1 for equal up to gain."""
    likeness, contrast = _correlate_patches(one, warp(other, flow))
    seen = look_inside(flow)
    weight = contrast * seen
    return Match(flow, seen, likeness, weight, _average(likeness, weight))


def correlate(one: Grey, other: Grey) -> float:
    """How alike two pictures are that lie on each other: the weighted mean of the correlation of patches, 0..1."""
    return _average(*_correlate_patches(one, other))


def _correlate_patches(one: Grey, other: Grey) -> tuple[Floats, Floats]:
    """Likeness and weight of the patch round each pixel."""
    a, b = one.astype(np.float32), other.astype(np.float32)
    size = (PATCH, PATCH)
    mean_a, mean_b = cv2.blur(a, size), cv2.blur(b, size)
    vary_a = np.maximum(cv2.blur(a * a, size) - mean_a * mean_a, 0)
    vary_b = np.maximum(cv2.blur(b * b, size) - mean_b * mean_b, 0)
    both = cv2.blur(a * b, size) - mean_a * mean_b
    likeness = np.clip((both + 2) / (np.sqrt(vary_a * vary_b) + 2), 0, 1).astype(np.float32)
    return likeness, np.minimum(np.maximum(np.sqrt(vary_a) - FLAT, 0), 20).astype(np.float32)


def _average(likeness: Floats, weight: Floats) -> float:
    total = float(weight.sum())
    return float((weight * likeness).sum()) / total if total > 0 else 1.0


def match(one: Grey, other: Grey, start: Floats | None = None) -> Match:
    """Find one frame in another, smaller or larger if need be."""
    best = compare(one, other, _search(one, other, start))
    for scale in _SCALES if best.share < _FOUND else ():
        found = compare(one, other, _search(one, other, _zoom(one.shape, scale)))
        best = found if found.share > best.share else best
        if best.share >= _FOUND:
            break
    return best


def _zoom(shape: tuple[int, ...], scale: float) -> Floats:
    """The flow of a picture that grows about its middle."""
    across, down = _grid(*shape[:2])
    middle = ((shape[1] - 1) / 2, (shape[0] - 1) / 2)
    return np.stack([(across - middle[0]) * (scale - 1), (down - middle[1]) * (scale - 1)], -1).astype(np.float32)


class Fitter:
    """Fits the motion of all to flows of one size. near: (h, w) 0..1, how near things are; texture: (h, w), how well
    flow can be known there.

    dx = a + s x - r y + p n, dy = d + r x + s y + q n about the middle, n being how near: s is growth, r the turn. Both
    in one, because ground that comes nearer downwards, seen from the side, shears as a turn would. Least squares, in
    which what doesn't fit loses weight (Cauchy), on every twelfth pixel.
    """

    def __init__(self, texture: Floats, near: Floats | None) -> None:
        height, width = texture.shape
        down, across = (axis.astype(np.float64).ravel() for axis in np.mgrid[6:height:12, 6:width:12])
        self._base = texture[6::12, 6::12].astype(np.float64).ravel() + 1e-6
        self._diagonal = math.hypot(width, height)
        x, y = (across - (width - 1) / 2) / self._diagonal, (down - (height - 1) / 2) / self._diagonal
        one, none = np.ones_like(x), np.zeros_like(x)
        columns = [(one, none), (none, one), (x, y), (-y, x)]
        if near is not None:
            depth = near[6::12, 6::12].astype(np.float64).ravel()
            depth = depth - float(np.average(depth, weights=self._base))
            columns += [(depth, none), (none, depth)]
        self._basis = np.stack([np.stack(column) for column in columns], -1)  # (2, points, unknowns)

    def fit(self, flow: Floats) -> Shift:
        """The motion of a flow."""
        field = flow[6::12, 6::12].astype(np.float64).reshape(-1, 2).T / self._diagonal
        trust, count = self._base, self._basis.shape[2]
        flat, aims = self._basis.reshape(-1, count), field.ravel()
        found = np.zeros(count)
        for _ in range(3):
            weighted = flat * np.tile(trust, 2)[:, None]
            found = np.linalg.solve(flat.T @ weighted + 1e-9 * np.eye(count), weighted.T @ aims)
            miss = np.hypot(*(field - self._basis @ found))
            scale = float(self._base @ miss / self._base.sum()) + 1e-5
            trust = self._base / (1 + (miss / scale) ** 2)
        return Shift(*map(float, (*found, 0.0, 0.0)[:6]))


def measure_texture(frame: Grey) -> Floats:
    """How well flow can be known at each place: the smaller eigenvalue of the structure tensor, limited; 0..1."""
    strength = np.sqrt(np.maximum(cv2.cornerMinEigenVal(cv2.GaussianBlur(frame, (0, 0), 1), 7), 0))
    most = float(np.percentile(strength[::4, ::4], 80)) + 1e-9
    return np.minimum(strength / most, 1).astype(np.float32)
