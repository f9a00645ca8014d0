"""Measures of frames, for benches and tests: jitter, loop seam, flicker, banding, likeness (PSNR), motion by optical flow.

Frames are brightness, (H, W) uint8 or float32, all of a size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8] | NDArray[np.float32]
Floats = NDArray[np.float32]


class Seam(NamedTuple):
    """Mean absolute differences in grey levels: last to first frame, and the median and largest between neighbours."""

    seam: float
    median: float
    most: float

    @property
    def ratio(self) -> float:
        """The seam over the largest difference between neighbours; at most 1 for a seamless loop."""
        return self.seam / max(self.most, 1e-6)


class Flow(NamedTuple):
    """An affine fit of how the picture moved, in fractions of its diagonal: right, down, growth and clockwise turn
    (rad).
    """

    x: float
    y: float
    growth: float
    turn: float


class Flows(NamedTuple):
    """How parts of the picture moved: all of it, what lies at the depth kept, the nearest third, the furthest."""

    whole: Flow
    kept: Flow
    near: Flow
    far: Flow


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """10 log10(255^2 / mean squared difference), in decibels; 99 for equal pictures."""
    error = float(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2))
    return min(99.0, 10 * float(np.log10(255**2 / max(error, 1e-12))))


def edge(frame: Grey) -> float:
    """Where the one upright edge of a picture is, in pixels from its left: for brightness b that goes from b0 to b1
    once, the sum over columns of (b1 - b) / (b1 - b0), mean over rows. Exact to a hundredth of a pixel whatever the
    edge's blur."""
    rows = frame.astype(np.float64)
    b0, b1 = rows[:, :3].mean(), rows[:, -3:].mean()
    return float(((b1 - rows) / (b1 - b0)).sum(1).mean())


def unsteadiness(positions: Sequence[float]) -> float:
    """Standard deviation, in pixels per frame, of the steps between positions from a smooth path's (a quintic fit)."""
    steps = np.diff(np.asarray(positions, np.float64))
    t = np.linspace(-1, 1, len(steps))
    return float(np.std(steps - np.polyval(np.polyfit(t, steps, 5), t)))


def jitter(frames: Sequence[Grey]) -> float:
    """Unsteadiness of a picture, in pixels per frame: the median over 60 well-marked corners of that of their tracks.

    Corners are followed from frame to frame with Lucas-Kanade, windows of 31 pixels; those whose track ends are left
    out.
    """
    seen = [_shrink_to_grey(frame) for frame in frames]
    start = np.asarray(cv2.goodFeaturesToTrack(seen[0], 60, 0.02, 12))
    if start.ndim != 3:  # OpenCV found no corner
        return 0.0
    here, alive = start, np.ones(len(start), bool)
    path = [start[:, 0, 0]]
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 0.001)
    for before, after in pairwise(seen):
        here, found, _ = cv2.calcOpticalFlowPyrLK(before, after, here, None, winSize=(31, 31), maxLevel=2, criteria=stop)
        inside = (here[:, 0, 0] > 20) & (here[:, 0, 0] < before.shape[1] - 20)
        alive &= (found[:, 0] > 0) & inside & (here[:, 0, 1] > 20) & (here[:, 0, 1] < before.shape[0] - 20)
        path.append(here[:, 0, 0])
    tracks = np.stack(path, 1)[alive]
    return float(np.median([unsteadiness(list(track)) for track in tracks])) if len(tracks) else 0.0


def seam(frames: Sequence[Grey]) -> Seam:
    """How the last frame leads into the first, against how neighbours follow each other."""
    pairs = [_measure_difference(one, other) for one, other in pairwise(frames)]
    return Seam(_measure_difference(frames[-1], frames[0]), float(np.median(pairs)), max(pairs))


def steps(frames: Sequence[Grey]) -> NDArray[np.float64]:
    """How far each frame is from the one before it: mean absolute differences in grey levels. The first counts from the
    last, as a loop shows it."""
    return np.array(
        [_measure_difference(before, frame) for before, frame in zip((frames[-1], *frames[:-1]), frames, strict=True)]
    )


def pulse(frames: Sequence[Grey], at: Sequence[int]) -> float:
    """How much frames at these places (1..) stand out: the largest step into one of them, over the median step of the
    clip.

    About 1 where a clip runs evenly; a key frame that is drawn otherwise than the frames before it makes it 2 to 90.
    """
    each = steps(frames)
    return float(max(each[place] for place in at) / max(float(np.median(each[1:])), 1e-6))


def banding(frame: NDArray[np.uint8]) -> float:
    """How much of what is dark and smooth lies on the edge of a band, per mille, after CAMBI (Tandon et al. 2021) but
    simpler.

    Dark and smooth: within 5 pixels all levels lie within 4, and their mean is below 100. An edge: a step of one or two
    levels between four pixels of one level and four of another, across or down, in a line 16 pixels long or more. 0
    without such places.
    """
    square = np.ones((11, 11), np.uint8)
    even = cv2.subtract(cv2.dilate(frame, square), cv2.erode(frame, square)) <= 4
    dark = even & (cv2.blur(frame.astype(np.float32), (11, 11)) < 100)
    edges = (_band_edges(frame) | _band_edges(np.ascontiguousarray(frame.T)).T) & dark
    _, lines, measures, _ = cv2.connectedComponentsWithStats(edges.astype(np.uint8), connectivity=8)
    long = np.maximum(measures[:, cv2.CC_STAT_WIDTH], measures[:, cv2.CC_STAT_HEIGHT]) >= 16
    long[0] = False
    return 1000 * float(long[lines].sum()) / max(1, int(dark.sum()))


def _band_edges(frame: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a level that stayed for four pixels changes by one or two, to the right, and then stays for four."""
    run = np.ones((1, 4), np.uint8)
    before, after = (cv2.dilate(frame, run, anchor=at) == cv2.erode(frame, run, anchor=at) for at in ((3, 0), (0, 0)))
    step = cv2.absdiff(frame[:, 1:], frame[:, :-1])
    edges = np.zeros(frame.shape, np.bool_)
    edges[:, 1:] = (step >= 1) & (step <= 2) & before[:, :-1] & after[:, 1:]
    return edges


def flicker(frames: Sequence[Grey]) -> float:
    """Unsteadiness of the mean brightness, in grey levels per frame."""
    return unsteadiness([float(frame.mean()) for frame in frames])


def flow(one: Grey, other: Grey) -> Floats:
    """Dense flow from one frame to another, (H, W, 2) pixels (DIS, Kroeger et al. 2016, medium preset)."""
    return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(_shrink_to_grey(one), _shrink_to_grey(other), None)


def fit(field: Floats, weight: Floats) -> Flow:
    """The affine motion that fits a dense flow (H, W, 2) best, by least squares, where weight (H, W) is; outliers lose
    weight.

    dx = a + b x + c y, dy = d + e x + f y about the middle of the weight: growth is (b + f) / 2, turn is (e - c) / 2.
    """
    height, width = weight.shape
    y, x = np.mgrid[0:height:4, 0:width:4].astype(np.float64)
    dx, dy = (field[::4, ::4, axis].ravel().astype(np.float64) for axis in (0, 1))
    base = weight[::4, ::4].ravel().astype(np.float64) + 1e-9
    middle = (float(base @ x.ravel() / base.sum()), float(base @ y.ravel() / base.sum()))
    basis = np.stack([np.ones(x.size), x.ravel() - middle[0], y.ravel() - middle[1]], 1)
    trust, across, down = base, np.zeros(3), np.zeros(3)
    for _ in range(4):
        root = np.sqrt(trust)[:, None]
        across = np.linalg.lstsq(basis * root, dx * root[:, 0], rcond=None)[0]
        down = np.linalg.lstsq(basis * root, dy * root[:, 0], rcond=None)[0]
        miss = np.hypot(dx - basis @ across, dy - basis @ down)
        scale = float(np.sum(miss * base) / np.sum(base)) + 1e-6
        trust = base / (1 + (miss / scale) ** 2)
    diagonal = float(np.hypot(width, height))
    return Flow(
        float(across[0]) / diagonal,
        float(down[0]) / diagonal,
        float(across[1] + down[2]) / 2,
        float(down[1] - across[2]) / 2,
    )


_LEAST = 0.0015  # a movement smaller than this, in diagonals over the clip's middle third, is none

_Rule = Callable[[Flows, int], bool]
_AXES: dict[str, _Rule] = {
    "x": lambda f, way: way * f.whole.x < -_LEAST and way * (f.near.x - f.far.x) < _LEAST,
    "y": lambda f, way: way * f.whole.y < -_LEAST and way * (f.near.y - f.far.y) < _LEAST,
    "yaw": lambda f, way: -way * f.whole.x > max(_LEAST, 3 * abs(f.whole.y)),
    "pitch": lambda f, way: way * f.whole.y > max(_LEAST, 3 * abs(f.whole.x)),
    "roll": lambda f, way: -way * f.whole.turn > max(_LEAST, 2 * abs(f.whole.growth)),
    "lens": lambda f, way: way * f.whole.growth > max(_LEAST, 4 * abs(f.whole.turn)),
    "travel": lambda f, way: way * f.whole.growth > _LEAST,
    "circle": lambda f, way: way * (f.near.x - f.far.x) < -_LEAST,
    "vertigo": lambda f, way: way * f.far.growth < -_LEAST and abs(f.kept.growth) < abs(f.far.growth),
    "hand": lambda f, way: max(map(abs, f.whole)) < 0.02,
}
"""The sign and the shape of what a move along each axis does, over the middle third of a clip that does not loop."""


def flows(frames: Sequence[Grey], near: Floats, pivot: float) -> Flows:
    """How a clip moves over its middle third. near: (h, w) disparity of the picture; pivot: the disparity kept."""
    first, last = frames[len(frames) // 3], frames[2 * len(frames) // 3]
    field, texture = flow(first, last), _measure_texture(first)
    depth = cv2.resize(near, (texture.shape[1], texture.shape[0]), interpolation=cv2.INTER_LINEAR)
    low, high = np.percentile(depth, (33, 67))
    parts = (np.abs(depth - pivot) < 0.12, depth >= high, depth <= min(float(low), pivot - 0.1))
    return Flows(fit(field, texture), *(fit(field, texture * part) for part in parts))


def obeys_move(frames: Sequence[Grey], curve: Mapping[str, float], near: Floats, pivot: float) -> bool:
    """Whether a clip that does not loop moves as a camera move's curve says: how far it goes along each of `_AXES`,
    none to hold still. near, pivot: as for `flows`."""
    seen = flows(frames, near, pivot)
    if not curve:
        return max(map(abs, seen.whole)) < _LEAST
    ways = {axis: 1 if share > 0 else -1 for axis, share in curve.items()}
    alone = ways.get("circle", 0) if len(ways) == 1 else 0  # an orbit and no more turns the distance the way it goes
    return all(_AXES[axis](seen, way) for axis, way in ways.items()) and (not alone or alone * seen.far.x > _LEAST / 2)


def _measure_texture(frame: Grey) -> Floats:
    """How well flow can be known at each place: the smaller eigenvalue of the structure tensor, limited."""
    strength = cv2.cornerMinEigenVal(_shrink_to_grey(frame), 7)
    return np.minimum(strength, np.percentile(strength, 80)).astype(np.float32)


def _measure_difference(one: Grey, other: Grey) -> float:
    return float(np.mean(np.abs(one.astype(np.float32) - other.astype(np.float32))))


def _shrink_to_grey(frame: Grey) -> NDArray[np.uint8]:
    return np.clip(np.rint(frame), 0, 255).astype(np.uint8) if frame.dtype != np.uint8 else frame.astype(np.uint8, copy=False)
