"""The camera's path: where the camera stands, how it is turned and how far its lens is zoomed, frame by frame.

Knows geometry and time. Refuses to know pixels, layers and effects.

Axes: x right, y down, z into the picture; the photo was taken from the origin, looking along z. A thing of disparity d lies at
depth 1/d, so the nearest is at depth 1. Directions are in tangents: a pixel x pixels from the centre lies at x / focal.
The focal length is 0.8 of the frame's diagonal, a 35 mm lens on a 36 x 24 mm picture: natural perspective, little keystone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.nouns import Camera, Ease, Move, MoveName, Speed

Matrix = NDArray[np.float64]

FOCAL = 0.8  # focal length over the frame's diagonal
LATERAL = 0.20  # how far a truck or a crane goes either side at amount 1, in mean half frames at the nearest depth
CIRCLE = 0.25  # the same for the sideways way of an orbit
DEPTH = 0.34  # how far a dolly goes at amount 1, of the way to the nearest thing
MOST_DEPTH = 0.50  # and how far several together may go
TURN = 0.15  # how far a pan or a tilt turns either side at amount 1, in half frames
ROLL = 0.085  # radians either side at amount 1
ZOOM = 0.36  # how much larger the lens makes things at amount 1
ACCENT = 0.15  # how much further or less far a seed may take a move, as a share of it
DRIFT = 0.15  # how far a seed may let the gaze drift, of what a pan of the move's amount would turn
SPEEDS: dict[Speed, float] = {"slow": 0.6, "normal": 1.0, "fast": 1.4}  # how far a move goes in the same time, of its amount
HANDS = ((0.23, 1.0), (0.57, 0.45), (1.4, 0.10))  # a hand's drift, sway and tremor: hertz, share


class Pose(NamedTuple):
    """One frame's camera: centre (3,) in the units above, rotation (3, 3) from camera to scene, zoom of the lens."""

    centre: Matrix
    rotation: Matrix
    zoom: float


class Stage(NamedTuple):
    """What a path is laid out in: half the frame in tangents, and the point that orbits look at, in scene units."""

    half: tuple[float, float]
    pivot: tuple[float, float, float]

    @property
    def mean(self) -> float:
        """The mean half frame: so that a move feels alike in every aspect."""
        return math.sqrt(self.half[0] * self.half[1])


class _Moment(NamedTuple):
    """Where in its way a move is: e runs 0 to 1, s runs -1 to 1, `turn` is the loop's angle, `hand` the hand's unrest."""

    e: float
    turn: float
    looped: bool
    hand: Callable[[int], float]

    @property
    def s(self) -> float:
        return 2 * self.e - 1


_Step = Callable[[float, _Moment, Stage], Pose]


def half_frame(width: int, height: int) -> tuple[float, float]:
    """Half the frame in tangents, across and down."""
    focal = FOCAL * math.hypot(width, height)
    return width / 2 / focal, height / 2 / focal


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Matrix:
    """From camera to scene, in radians: yaw turns the camera right, pitch turns it up, roll tips it right."""
    cy, sy, cp, sp, cr, sr = (f(v) for v in (yaw, pitch, roll) for f in (math.cos, math.sin))
    across = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    up = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    tip = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return across @ up @ tip


def ease(kind: Ease, x: float) -> float:
    """How far along at time x, both 0..1."""
    if kind == "linear":
        return x
    if kind == "ease_in":
        return x * x
    if kind == "ease_out":
        return x * (2 - x)
    return x * x * (3 - 2 * x)


def sway(kind: Ease, t: float) -> float:
    """How far along at time t (0..1) of a loop: there by the middle, back by the end, never with a jolt."""
    swing = (1 - math.cos(2 * math.pi * t)) / 2
    if kind == "linear":  # a triangle with rounded corners
        return 0.5 - math.asin(0.95 * math.cos(2 * math.pi * t)) / (2 * math.asin(0.95))
    power = {"ease_in": 1.5, "ease_out": 0.75}.get(kind, 1.0)
    return swing**power


def _shift(x: float = 0.0, y: float = 0.0, z: float = 0.0, turned: Matrix | None = None, zoom: float = 1.0) -> Pose:
    return Pose(np.array([x, y, z]), np.eye(3) if turned is None else turned, zoom)


def _orbit(side: float, reach: float) -> _Step:
    """Turn the whole camera about the pivot: what is there stays where it is, the near and the far go opposite ways."""

    def step(amount: float, now: _Moment, stage: Stage) -> Pose:
        way = reach * CIRCLE * stage.mean * amount
        lift = 0.25 * way * math.sin(now.turn) if now.looped else 0.0  # a looped orbit is a slim ellipse: it never stands still
        turned = rotation(-side * way * now.s / stage.pivot[2], -lift / stage.pivot[2])
        point = np.array(stage.pivot)
        return Pose(point - turned @ point, turned, 1.0)

    return step


def _pushed(side: float) -> _Step:
    orbit = _orbit(side, 0.75)

    def step(amount: float, now: _Moment, stage: Stage) -> Pose:
        return _join([orbit(amount, now, stage), _shift(z=0.75 * DEPTH * amount * now.e)])

    return step


def _vertigo(closing: bool) -> _Step:
    """Dolly one way, zoom the other, so that things at the pivot keep their size: zoom = 1 - z / pivot depth."""

    def step(amount: float, now: _Moment, stage: Stage) -> Pose:
        z = -DEPTH * amount * (now.e if closing else 1 - now.e)
        return _shift(z=z, zoom=1 - z / stage.pivot[2])

    return step


def _handheld(amount: float, now: _Moment, stage: Stage) -> Pose:
    unrest = [amount * now.hand(k) for k in range(6)]
    turned = rotation(0.020 * stage.mean * unrest[0], 0.020 * stage.mean * unrest[1], 0.006 * unrest[2])
    return _shift(0.03 * stage.mean * unrest[3], 0.025 * stage.mean * unrest[4], 0.015 * unrest[5], turned)


_STEPS: dict[MoveName, _Step] = {
    "static": lambda a, now, stage: _shift(),
    "dolly_in": lambda a, now, stage: _shift(z=DEPTH * a * now.e),
    "dolly_out": lambda a, now, stage: _shift(z=DEPTH * a * (1 - now.e)),
    "truck_left": lambda a, now, stage: _shift(x=-LATERAL * stage.mean * a * now.s),
    "truck_right": lambda a, now, stage: _shift(x=LATERAL * stage.mean * a * now.s),
    "crane_up": lambda a, now, stage: _shift(y=-LATERAL * stage.mean * a * now.s),
    "crane_down": lambda a, now, stage: _shift(y=LATERAL * stage.mean * a * now.s),
    "pan_left": lambda a, now, stage: _shift(turned=rotation(yaw=-TURN * stage.half[0] * a * now.s)),
    "pan_right": lambda a, now, stage: _shift(turned=rotation(yaw=TURN * stage.half[0] * a * now.s)),
    "tilt_up": lambda a, now, stage: _shift(turned=rotation(pitch=TURN * stage.half[1] * a * now.s)),
    "tilt_down": lambda a, now, stage: _shift(turned=rotation(pitch=-TURN * stage.half[1] * a * now.s)),
    "orbit_left": _orbit(-1.0, 1.0),
    "orbit_right": _orbit(1.0, 1.0),
    "zoom_in": lambda a, now, stage: _shift(zoom=(1 + ZOOM * a) ** now.e),
    "zoom_out": lambda a, now, stage: _shift(zoom=(1 + ZOOM * a) ** (1 - now.e)),
    "roll_left": lambda a, now, stage: _shift(turned=rotation(roll=-ROLL * a * now.s)),
    "roll_right": lambda a, now, stage: _shift(turned=rotation(roll=ROLL * a * now.s)),
    "dolly_zoom_in": _vertigo(closing=False),
    "dolly_zoom_out": _vertigo(closing=True),
    "handheld": _handheld,
    "push_orbit_left": _pushed(-1.0),
    "push_orbit_right": _pushed(1.0),
}
_ROUND: frozenset[MoveName] = frozenset({"orbit_left", "orbit_right", "push_orbit_left", "push_orbit_right"})
_DEEP: frozenset[MoveName] = frozenset(name for name in _STEPS if "dolly" in name or "push" in name)


def _join(poses: list[Pose]) -> Pose:
    """Several moves as one, each in the frame of the one before it: circle first, then travel along the turned axes."""
    centre, turned, zoom = np.zeros(3), np.eye(3), 1.0
    for pose in poses:
        centre = centre + turned @ pose.centre
        turned = turned @ pose.rotation
        zoom *= pose.zoom
    return Pose(centre, turned, zoom)


def _hand(seed: int, seconds: float) -> Callable[[float, int], float]:
    """Unrest number k at time t, about -1 to 1: whole waves in the clip's length, so that it has no mean and always loops."""
    phases = np.random.default_rng(seed).uniform(0, 2 * math.pi, (6, len(HANDS)))

    def unrest(t: float, k: int) -> float:
        waves = ((share, max(1, round(hertz * seconds)) + k % 2, float(phases[k, j])) for j, (hertz, share) in enumerate(HANDS))
        return sum(share * math.sin(2 * math.pi * cycles * t + phase) for share, cycles, phase in waves)

    return unrest


def _accent(seed: int) -> tuple[float, float, float]:
    """What a seed changes in every move: how far it goes, and how far the gaze drifts right and up meanwhile (shares of TURN).

    Seed 0 is the plain move. Without this a variation of a dolly would be the same dolly.
    """
    if seed == 0:
        return 1.0, 0.0, 0.0
    chance = np.random.default_rng(seed)
    way = chance.uniform(0, 2 * math.pi)
    return float(chance.uniform(1 - ACCENT, 1 + ACCENT)), DRIFT * math.cos(way), DRIFT * math.sin(way)


def travel(camera: Camera, num_frames: int, seconds: float, seed: int, stage: Stage, scale: float = 1.0) -> tuple[Pose, ...]:
    """Every frame's pose. A looped path stops one step short of where it began, so the first frame follows the last.

    scale: 0..1, makes all moves smaller (when the frame can't hold them).
    """
    quick = SPEEDS[camera.speed]
    moves = [Move(move.name, min(1.0, quick * move.amount)) for move in camera.moves if move.name != "static" and move.amount > 0]
    moves.sort(key=lambda move: move.name not in _ROUND)
    deep = sum(move.amount for move in moves if move.name in _DEEP) * DEPTH
    crowd = max(1.0, deep / MOST_DEPTH)
    unrest = _hand(seed, seconds)
    further, right, up = _accent(seed)
    drift = scale * max((move.amount for move in moves), default=0.0) * TURN
    poses: list[Pose] = []
    for index in range(num_frames):
        t = index / (num_frames if camera.loop else num_frames - 1)
        e = sway(camera.ease, t) if camera.loop else ease(camera.ease, t)
        now = _Moment(e, 2 * math.pi * t, camera.loop, partial(unrest, t))
        amounts = [scale * min(1.0, further * move.amount) / (crowd if move.name in _DEEP else 1.0) for move in moves]
        steps = [_STEPS[move.name](amount, now, stage) for move, amount in zip(moves, amounts, strict=True)]
        gaze = rotation(right * drift * stage.half[0] * now.s, up * drift * stage.half[1] * now.s)
        poses.append(_join([*steps, _shift(turned=gaze)]))
    return tuple(poses)
