"""The camera path: position, rotation and zoom of the camera, frame by frame.

Axes: x right, y down, z into the picture; the photo was taken from the origin, looking along z. A thing of disparity d
lies at depth 1/d, so the nearest is at depth 1. Directions are in tangents: a pixel x pixels from the centre lies at x
/ focal. The focal length is 0.8 of the frame's diagonal, a 35 mm lens on a 36 x 24 mm picture: natural perspective,
little keystone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.motion.camera_moves import MOVES, Axis, is_moving, is_shaken
from studio.motion.easing import SPEEDS, along, presence, progress
from studio.nouns import Camera, Move, MoveName

Matrix = NDArray[np.float64]
Unrest = Callable[[float, int], float]

FOCAL = 0.8  # focal length over the frame's diagonal
LATERAL = 0.20  # how far a truck or a crane goes either side at amount 1, in mean half frames at the nearest depth
CIRCLE = 0.25  # the same for the sideways way of an orbit
GROWTH = (
    0.29  # how much larger a dolly makes what lies at the pivot at amount 1: at 0.6 by a sixth, which reads on a phone
)
MOST_DEPTH = 0.50  # how far all moves together may go, of the way to the nearest thing
VERTIGO = 0.34  # how far back a dolly zoom goes at amount 1, alike
TURN = 0.15  # how far a pan or a tilt turns either side at amount 1, in half frames
ROLL = 0.085  # radians either side at amount 1
ZOOM = 0.36  # how much larger the lens makes things at amount 1
ACCENT = 0.15  # how much further or less far a seed may take a move, as a share of it
DRIFT = 0.15  # how far a seed may let the gaze drift, of what a pan of the move's amount would turn
AXES = ("x", "y", "z", "yaw", "pitch", "roll", "lens", "circle", "vertigo")
"""What a path is laid out along: travel, turn, lens (a logarithm), the way round the pivot, and a dolly that the lens
undoes.
"""

HANDS = ((0.23, 1.0), (0.57, 0.45), (1.4, 0.10))  # a hand's drift, sway and tremor: hertz, share


class Pose(NamedTuple):
    """One frame's camera: centre (3,) in the units above, rotation (3, 3) from camera to scene, zoom of the lens.

    shift: how far the lens is shifted, right and down in tangents. tall: how much higher it sees than its width would
    have it.
    """

    centre: Matrix
    rotation: Matrix
    zoom: float
    shift: tuple[float, float] = (0.0, 0.0)
    tall: float = 1.0


class Stage(NamedTuple):
    """What a path is laid out in: half the frame in tangents, and the point that orbits look at, in scene units."""

    half: tuple[float, float]
    pivot: tuple[float, float, float]

    @property
    def mean(self) -> float:
        """The mean half frame: so that a move feels alike in every aspect."""
        return math.sqrt(self.half[0] * self.half[1])


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


def _measure_travel(name: MoveName, amount: float, stage: Stage) -> Matrix:
    """How far a move goes along each of AXES, from its beginning to its end; a hand goes nowhere."""
    side, lens = 2 * stage.mean * amount, math.log(1 + ZOOM * amount)
    turn, tilt = 2 * TURN * stage.half[0] * amount, 2 * TURN * stage.half[1] * amount
    z, closer = _solve_dolly(amount, stage)
    units: dict[Axis, dict[str, float]] = {
        "x": {"x": LATERAL * side}, "y": {"y": LATERAL * side}, "yaw": {"yaw": turn}, "pitch": {"pitch": tilt},
        "roll": {"roll": 2 * ROLL * amount}, "lens": {"lens": lens}, "circle": {"circle": CIRCLE * side},
        "vertigo": {"vertigo": VERTIGO * amount}, "travel": {"z": z, "lens": closer}, "hand": {},
    }  # fmt: skip
    curve = MOVES[name].curve
    return np.array([sum(share * units[axis].get(way, 0.0) for axis, share in curve.items()) for way in AXES], float)


def _round(name: MoveName) -> float:
    """How much of an orbit a move is, whichever way round."""
    return abs(MOVES[name].curve.get("circle", 0.0))


def _solve_dolly(amount: float, stage: Stage) -> tuple[float, float]:
    """How far to travel, and what the lens adds (a logarithm), for what lies at the pivot to grow by GROWTH times the
    amount.

    The lens helps only where the pivot is so far away that the nearest things would be run into.
    """
    grown, depth = 1 + GROWTH * amount, stage.pivot[2]
    z = min(depth * (1 - 1 / grown), MOST_DEPTH * amount)
    return z, math.log(grown * (1 - z / depth))


def _make_pose(at: Matrix, lift: float, shaken: Matrix, stage: Stage) -> Pose:
    """The pose at these places along AXES: round the pivot first, then along the turned axes, then the camera's own
    turn.

    lift: how far an orbit is up its ellipse. shaken: a hand's yaw, pitch, roll, x, y and z.
    """
    x, y, z, yaw, pitch, roll, lens, circle, vertigo = (float(place) for place in at)
    point = np.array(stage.pivot)
    turned = rotation(-circle / stage.pivot[2], -lift / stage.pivot[2])
    centre = point + turned @ (np.array([x, y, z + vertigo]) - point)
    own, held = rotation(yaw, pitch, roll), rotation(*(float(angle) for angle in shaken[:3]))
    return Pose(
        centre + turned @ own @ shaken[3:], turned @ own @ held, math.exp(lens) * (1 - vertigo / stage.pivot[2])
    )


def hand(seed: int, seconds: float) -> Unrest:
    """Unrest number k at time t, about -1 to 1: whole waves in the clip's length, so that it has no mean and always
    loops.
    """
    phases = np.random.default_rng(seed).uniform(0, 2 * math.pi, (6, len(HANDS)))

    def unrest(t: float, k: int) -> float:
        waves = (
            (share, max(1, round(hertz * seconds)) + k % 2, float(phases[k, j]))
            for j, (hertz, share) in enumerate(HANDS)
        )
        return sum(share * math.sin(2 * math.pi * cycles * t + phase) for share, cycles, phase in waves)

    return unrest


def _draw_accent(seed: int) -> tuple[float, float, float]:
    """What a seed changes in every move: how far it goes, and how far the gaze drifts right and up meanwhile (shares of
    TURN).

    Seed 0 is the plain move. Without this a variation of a dolly would be the same dolly.
    """
    if seed == 0:
        return 1.0, 0.0, 0.0
    chance = np.random.default_rng(seed)
    way = chance.uniform(0, 2 * math.pi)
    return float(chance.uniform(1 - ACCENT, 1 + ACCENT)), DRIFT * math.cos(way), DRIFT * math.sin(way)


def _adjust_legs(camera: Camera, seed: int) -> list[list[Move]]:
    """The moves of each leg, with the amounts that speed and seed make of them; without those that go nowhere."""
    further = _draw_accent(seed)[0]
    legs = [(camera.moves, camera.speed), *((leg.moves, leg.speed) for leg in camera.then)]
    return [
        [Move(one.name, min(1.0, further * min(1.0, SPEEDS[speed] * one.amount))) for one in moves if is_moving(one)]
        for moves, speed in legs
    ]


def _start(camera: Camera, ways: Matrix) -> tuple[Matrix, Matrix]:
    """Where on AXES a path of these ways (legs, axes) begins, and how much of each axis it may use.

    Travel begins at the photo's own view. Turns, round the pivot and on the spot, have that view in their middle, so
    that they look as little past either side as can be. It never backs away from the photo, nor widens the lens: what
    lies outside isn't there.
    """
    places = np.stack([along(camera, way) for way in np.linspace(0, 1, 16 * len(ways) + 1)]) @ ways
    low, high = places.min(0), places.max(0)
    start = -(low + high) / 2
    start[[AXES.index("x"), AXES.index("y")]] = 0.0
    for name, end in (("z", low), ("lens", low), ("vertigo", high)):
        start[AXES.index(name)] = -end[AXES.index(name)]
    share, deep = np.ones(len(AXES)), AXES.index("z")
    share[deep] = min(1.0, MOST_DEPTH / max(1e-9, float(high[deep] - low[deep])))
    return start * share, share


def travel(
    camera: Camera, num_frames: int, seconds: float, seed: int, stage: Stage, scale: float = 1.0
) -> tuple[Pose, ...]:
    """Every frame's pose. A looped path stops one step short of where it began, so the first frame follows the last.

    scale: 0..1, makes all moves smaller (when the frame can't hold them).
    """
    legs = [[Move(one.name, scale * one.amount) for one in leg] for leg in _adjust_legs(camera, seed)]
    ways = np.stack(
        [sum((_measure_travel(one.name, one.amount, stage) for one in leg), np.zeros(len(AXES))) for leg in legs]
    )
    ellipses = np.array(
        [sum(0.25 * CIRCLE * _round(one.name) * stage.mean * one.amount for one in leg) for leg in legs]
    )
    hands = np.array([sum(one.amount for one in leg if is_shaken(one.name)) for leg in legs])
    start, share = _start(camera, ways)
    unrest, (_, right, up) = hand(seed, seconds), _draw_accent(seed)
    drift = TURN * max((one.amount for leg in legs for one in leg), default=0.0)
    poses: list[Pose] = []
    for index in range(num_frames):
        t = index / (num_frames if camera.loop else num_frames - 1)
        done, here = progress(camera, t), presence(camera, t)
        at = start + (done @ ways) * share
        gaze = 2 * float(done.mean()) - 1
        at[AXES.index("yaw")] += right * drift * stage.half[0] * gaze
        at[AXES.index("pitch")] += up * drift * stage.half[1] * gaze
        lift = (
            float(here @ ellipses) * math.sin(2 * math.pi * t) if camera.loop else 0.0
        )  # so a looped orbit never stands still
        poses.append(_make_pose(at, lift, float(here @ hands) * shake(unrest, t, stage), stage))
    return tuple(poses)


def shake(unrest: Unrest, t: float, stage: Stage) -> Matrix:
    """What a hand of amount 1 does at time t: yaw, pitch and roll in radians, then x, y and z."""
    most = (0.020 * stage.mean, 0.020 * stage.mean, 0.006, 0.03 * stage.mean, 0.025 * stage.mean, 0.015)
    return np.array([far * unrest(t, k) for k, far in enumerate(most)])
