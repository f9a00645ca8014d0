"""Whether the camera went where it was asked to: the motion of the picture against the curves of the camera's moves.

A move's curve (studio/motion/words/camera_moves.toml) says how far it goes along each axis, easing how far along it is
at each moment. What an axis does to the picture is known in its sign, and roughly in its size: that of the built-in
engine's camera (studio/engines/parallax/camera_path.py), which other models follow more or less.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.motion.camera_moves import MOVES, Axis, goes, is_moving
from studio.motion.easing import SPEEDS, progress
from studio.nouns import Camera, Shot
from studio.score.steadiness import Pairs, Reading

Table = NDArray[np.float64]

CHANNELS = ("x", "y", "growth", "turn", "near_x", "near_y")
"""What of a `Shift` is compared, each weighed so that it stands for a way in diagonals of the frame."""

_WEIGHTS = np.array([1.0, 1.0, 0.3, 0.3, 0.35, 0.35])

_SIDE, _UP, _TRUCK, _CIRCLE = 0.13, 0.075, 0.13, 0.16
_EFFECT: dict[Axis, dict[str, float]] = {
    "x": {"x": -_TRUCK / 2, "near_x": -_TRUCK}, "y": {"y": -_TRUCK / 2, "near_y": -_TRUCK},
    "yaw": {"x": -_SIDE}, "pitch": {"y": _UP}, "roll": {"turn": -0.17}, "lens": {"growth": 0.3},
    "travel": {"growth": 0.25}, "circle": {"near_x": -_CIRCLE}, "vertigo": {"growth": -0.1}, "hand": {},
}  # fmt: skip
"""What a move of amount 1 along an axis does to the picture from beginning to end, in the units of `Shift`."""

_UNSURE: dict[Axis, tuple[str, ...]] = {
    "circle": ("x", "y", "growth", "near_y"), "travel": ("x", "y", "near_x", "near_y"), "x": ("growth",),
    "y": ("growth",),
    "vertigo": ("x", "y", "near_x", "near_y"), "yaw": ("near_x", "near_y"), "pitch": ("near_x", "near_y"),
}  # fmt: skip
"""What an axis also does, one way or the other, as the photo's depth has it: nothing is said of that."""

PART = 0.6
"""The share of the way from which one channel is looked at by itself."""

_SEGMENTS = 8
"""Parts of a clip in which the way there is compared; a loop goes back in the second half."""


class Way(NamedTuple):
    """What was asked and what was seen, (segments, channels) each in diagonals; `sure`: (channels,) which count."""

    asked: Table
    seen: Table
    sure: NDArray[np.bool_]


def is_judged(shot: Shot) -> bool:
    """Whether a shot says where the camera goes; a hand's unrest has no direction, and boxes say more than moves."""
    legs = (shot.motion.camera.moves, *(leg.moves for leg in shot.motion.camera.then))
    return shot.end is None and any(legs)


def lay_out(camera: Camera, times: Table) -> Table:
    """What was asked: how far along each channel the picture is at these times (0..1 of the clip), (T, channels)."""
    legs = [(camera.moves, camera.speed), *((leg.moves, leg.speed) for leg in camera.then)]
    ways = np.zeros((len(legs), len(CHANNELS)))
    for at, (moves, speed) in enumerate(legs):
        for move in moves:
            for axis, share in MOVES[move.name].curve.items() if is_moving(move) else ():
                for channel, far in _EFFECT[axis].items():
                    amount = min(1.0, SPEEDS[speed] * move.amount)
                    ways[at, CHANNELS.index(channel)] += share * far * amount
    return np.stack([progress(camera, float(time)) for time in times]) @ ways * _WEIGHTS


def _list_axes(camera: Camera) -> set[Axis]:
    legs = (camera.moves, *(leg.moves for leg in camera.then))
    return {axis for moves in legs for move in moves if is_moving(move) for axis in MOVES[move.name].curve}


def compare_ways(shot: Shot, pairs: Pairs, has_depth: bool) -> Way:
    """The way that was asked for and the one that was seen, part by part."""
    camera = shot.motion.camera
    ends = np.linspace(0, 1, _SEGMENTS + 1)
    asked = np.diff(lay_out(camera, ends), axis=0)
    steps = np.array([[getattr(shift, name) for name in CHANNELS] for shift in pairs.shifts]) * _WEIGHTS
    path = np.concatenate([np.zeros((1, len(CHANNELS))), np.cumsum(steps, 0)])
    times = np.concatenate([[0.0], pairs.at]) / max(float(pairs.at[-1]), 1e-6)
    seen = np.diff(np.stack([np.interp(ends, times, column) for column in path.T], 1), axis=0)
    axes = _list_axes(camera)
    wanted = {channel for axis in axes for channel in _EFFECT[axis]}
    unsure = {channel for axis in axes for channel in _UNSURE.get(axis, ())} - wanted
    if not has_depth:
        unsure |= {"near_x", "near_y"}
    return Way(asked, seen, np.array([channel not in unsure for channel in CHANNELS]))


def measure_camera(way: Way) -> Reading | None:
    """How far the picture went the way it was asked to: the cosine between both, -1 (the opposite) to 1, or that of the
    one part of the way, such as the circle of a push and orbit, that went least as asked; None where nothing was asked
    that can be told."""
    asked, seen = way.asked[:, way.sure], way.seen[:, way.sure]
    far, went = float(np.linalg.norm(asked)), float(np.linalg.norm(seen))
    if far < 1e-4:
        return None
    along = np.sum(asked * seen, 0)
    parts = np.linalg.norm(asked, axis=0)
    cosines = [float(np.sum(along)) / far / max(went, 0.05 * far)]
    for part, mine, column in zip(parts, along, seen.T, strict=True):
        if part > PART * far:
            cosines.append(float(mine) / part / max(float(np.linalg.norm(column)), 0.15 * part))
    return Reading(min(cosines))


def measure_amount(way: Way) -> Reading | None:
    """How much moved along what was asked, over what was asked: 1 as asked, by the built-in engine's camera."""
    moved = np.any(np.abs(way.asked) > 1e-6, axis=0) & way.sure
    far = float(np.linalg.norm(way.asked[:, moved]))
    return Reading(float(np.linalg.norm(way.seen[:, moved])) / far) if far > 1e-4 else None


def measure_drift_of_still(way: Way) -> Reading:
    """How far the picture of a camera that was to hold still went, at the most, in diagonals of the frame."""
    return Reading(float(np.max(np.hypot(*np.cumsum(way.seen[:, :2], 0).T))))


def foretell_way(shot: Shot, begun: float, ended: float, seconds: float) -> float:
    """How far the picture should have gone between two seconds of a clip, in diagonals; 0 where that isn't known."""
    if not goes(shot.motion.camera) or shot.end is not None:
        return 0.0
    times = np.linspace(begun / seconds, min(1.0, ended / seconds), 9)
    steps = np.diff(lay_out(shot.motion.camera, times), axis=0)
    if _list_axes(shot.motion.camera) == {"vertigo"}:  # where all lies equally far, a dolly zoom shows nothing
        return 0.0
    return float(np.sum(np.sqrt(np.sum(steps**2, 1)))) + _foretell_unrest(shot) * (ended - begun)


def goes_on(shot: Shot, begun: float, ended: float, seconds: float) -> bool:
    """Whether the picture should go on between two seconds of a clip as it does right before and after them: at least
    half as fast, from end to end, so that neither a pause nor the turn of a loop counts."""
    if _foretell_unrest(shot):
        return True
    length = ended - begun
    times = np.clip(np.array([begun - length, begun, ended, ended + length]) / seconds, 0, 1)
    before, within, after = np.linalg.norm(np.diff(lay_out(shot.motion.camera, times), axis=0), axis=1)
    return bool(within > 0.25 * (before + after) > 0)


def _foretell_unrest(shot: Shot) -> float:
    """How far a hand's unrest goes in a second, in diagonals, at least."""
    moves = (*shot.motion.camera.moves, *(move for leg in shot.motion.camera.then for move in leg.moves))
    return 0.004 * math.fsum(move.amount for move in moves if "hand" in MOVES[move.name].curve)
