"""Moves in sequence: each in its own part of the clip, through the joints without a stop or a jolt, there and back in a loop."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from bench import frame_measures
from studio.config import Settings
from studio.engines.parallax import framing, shot_setting
from studio.engines.parallax.camera_path import Pose, Stage, half_frame, travel
from studio.engines.parallax.parallax_engine import ParallaxEngine
from studio.engines.prepare import prepare
from studio.motion import camera_moves, easing
from studio.motion.camera_moves import goes
from studio.motion.variations import vary
from studio.nouns import Camera, Ease, Leg, Motion, Move, MoveName, Photo, Shot, Speed, replace
from tests.engines.made_scene import make, shot
from tests.engines.test_parallax_engine import CARD, ignore, load
from tests.engines.test_path_framing import edges
from tests.rows import each_row

STAGE = Stage(half_frame(1280, 720), (0.1, -0.05, 1.6))
MOVES: tuple[MoveName, ...] = get_args(MoveName)
PAIRS: tuple[tuple[MoveName, ...], ...] = (
    ("dolly_in", "orbit_left"), ("truck_right", "crane_up"), ("pan_left", "zoom_in"), ("dolly_in", "dolly_out"),
    ("orbit_right", "tilt_up", "dolly_in"), ("dolly_out", "roll_left"), ("crane_down", "dolly_zoom_out"),
    ("zoom_in", "static", "truck_left"), ("truck_left", "truck_right"),
)  # fmt: skip


def camera(*moves: MoveName, amount: float = 0.6, ease: Ease = "smooth", loop: bool = False, speed: Speed = "normal") -> Camera:
    """One move a leg, all alike."""
    legs = [(Move(move, amount),) for move in moves]
    return Camera(legs[0], ease, loop, speed, tuple(Leg(leg, speed) for leg in legs[1:]))


def numbers(poses: tuple[Pose, ...]) -> np.ndarray:
    return np.array([(*pose.centre, *pose.rotation.ravel(), pose.zoom) for pose in poses])


def path(moving: Camera, frames: int = 96, seed: int = 0) -> np.ndarray:
    return numbers(travel(moving, frames, 4.0, seed, STAGE))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ParallaxEngine:
    settings = Settings(tmp_path_factory.mktemp("home"))
    settings.prepare()
    return ParallaxEngine(settings)


@pytest.mark.parametrize("name", ["fig", "mountains"])
@pytest.mark.parametrize("moves", PAIRS, ids="-".join)
def test_each_leg_is_obeyed_in_its_own_part(
    engine: ParallaxEngine, samples: Path, name: str, moves: tuple[MoveName, ...]
) -> None:
    image = load(samples, name)
    photo = Photo("3" * 64, image.shape[1], image.shape[0])
    wanted = Shot(photo, motion=Motion(camera=camera(*moves)), size="240p", seconds=1.5 * len(moves), fps=12)
    frames = engine.animate(prepare(wanted, CARD), image, None, ignore)
    scene = engine.read(image, wanted)
    luma = [picture[: frames.height] for picture in frames.images]
    each = len(luma) // len(moves)
    for place, move in enumerate(moves):
        part = luma[place * each : (place + 1) * each]
        curve, shown = camera_moves.MOVES[move].curve, frame_measures.flows(part, scene.disparity, scene.pivot)
        assert frame_measures.obeys_move(part, curve, scene.disparity, scene.pivot), (move, shown)


@each_row("loop", [False, True])
@each_row("ease", get_args(Ease))
@each_row("moves", PAIRS)
def test_no_joint_has_a_jolt(moves: tuple[MoveName, ...], ease: Ease, loop: bool) -> None:
    """Where speed is continuous, halving the step quarters the largest change of it; at a jolt it only halves."""
    coarse, fine = (np.abs(np.diff(path(camera(*moves, ease=ease, loop=loop), n), 2, axis=0)).max() for n in (361, 721))
    assert fine < coarse / 3.4


@each_row("moves", [("truck_right", "crane_up"), ("dolly_in", "orbit_left"), ("pan_left", "tilt_up", "roll_left")])
def test_the_camera_never_stops_between_two_moves(moves: tuple[MoveName, ...]) -> None:
    each = np.stack([easing.progress(camera(*moves), t) for t in np.linspace(0, 1, 601)])
    speed = np.diff(each, axis=0).sum(1)
    eased = round(easing.ENDS["smooth"][0] * 600 / len(moves))
    inner = speed[eased:-eased]
    assert inner.min() > 0.6 * inner.max()
    steps = np.abs(np.diff(path(camera(*moves), 601), axis=0)).sum(1)
    joints = [round(600 * k / len(moves)) for k in range(1, len(moves))]
    assert all(steps[joint] > 0.25 * steps.max() for joint in joints)


def test_legs_share_the_time_equally_and_go_the_whole_way() -> None:
    for moves in PAIRS:
        moving, count = camera(*moves), len(moves)
        assert easing.progress(moving, 0.0) == pytest.approx(np.zeros(count))
        assert easing.progress(moving, 1.0) == pytest.approx(np.ones(count))
        for leg in range(count):
            before, after = easing.progress(moving, leg / count)[leg], easing.progress(moving, (leg + 1) / count)[leg]
            assert after - before > 0.85
        assert sum(easing.presence(moving, 0.37)) == pytest.approx(1)


def test_what_is_begun_where_the_other_has_ended() -> None:
    there, back = path(camera("dolly_in", "dolly_out"))[:, 2], path(camera("truck_left", "truck_right"))[:, 0]
    assert there[0] == pytest.approx(there[-1], abs=1e-9) and there[48] > 0.1 and there.min() > -1e-9
    assert back[0] == pytest.approx(back[-1], abs=1e-9) and abs(back[0]) < 1e-9 and back[48] < -0.04
    twice, once = path(camera("zoom_in", "zoom_in"))[:, -1], path(camera("zoom_in"))[:, -1]
    assert twice[-1] == pytest.approx(once[-1] ** 2)


def test_a_leg_has_its_own_speed() -> None:
    slow = Camera((Move("truck_right"),), then=(Leg((Move("crane_up"),), "slow"),))
    fast = Camera((Move("truck_right"),), then=(Leg((Move("crane_up"),), "fast"),))
    ways = [np.ptp(path(one)[:, :2], axis=0) for one in (slow, fast)]
    assert ways[0][0] == pytest.approx(ways[1][0])
    assert ways[0][1] * 2 < ways[1][1]


@each_row("moves", PAIRS)
def test_a_looped_sequence_comes_back_the_same_way(moves: tuple[MoveName, ...]) -> None:
    places = path(camera(*moves, loop=True), 97)
    steps = np.abs(np.diff(np.vstack([places, places[:1]]), axis=0)).sum(1)
    assert steps[-1] <= steps[:-1].max() + 1e-12
    if not any("orbit" in move for move in moves):  # which goes out on one side of its ellipse and comes back on the other
        assert places[1:49] == pytest.approx(places[:48:-1], abs=1e-9)


def test_a_hand_shakes_in_its_own_leg_only() -> None:
    first, second = (path(camera(*moves), 200) for moves in (("handheld", "static"), ("static", "handheld")))
    assert np.abs(np.diff(first[:60], axis=0)).max() > 1e-4 > 1e-12 > np.abs(np.diff(first[140:], axis=0)).max()
    assert np.abs(np.diff(second[140:], axis=0)).max() > 1e-4 > 1e-12 > np.abs(np.diff(second[:60], axis=0)).max()


@each_row("moves", PAIRS)
@each_row("seed", [0, 3])
def test_no_pose_of_any_leg_looks_past_the_photo(moves: tuple[MoveName, ...], seed: int) -> None:
    scene = make(to_edge=True)
    wanted = shot("static", fps=30, seed=seed)
    wanted = replace(wanted, motion=Motion(camera=camera(*moves, amount=1.0)))
    setting = shot_setting.place(scene, wanted, {}, still=False)
    past = framing.spill(edges(setting, scene), setting.poses, setting.framing, half_frame(scene.width, scene.height))
    assert past.worst < 0.25 * 2 * half_frame(scene.width, scene.height)[0] / scene.width


def test_four_pushes_stop_short_of_the_nearest_thing_and_still_go_on() -> None:
    z = path(camera("dolly_in", "dolly_in", "push_orbit_left", "dolly_in", amount=1.0))[:, 2]
    assert z.max() < 0.55
    assert all(later > earlier - 1e-9 for earlier, later in pairwise(z))


def test_a_camera_that_only_goes_later_is_no_still(engine: ParallaxEngine, samples: Path) -> None:
    late = camera("static", "truck_left")
    assert goes(late) and not goes(camera("static", "static")) and not goes(camera("truck_left", "pan_left", amount=0.0))
    image = load(samples, "fig")
    wanted = Shot(Photo("4" * 64, image.shape[1], image.shape[0]), motion=Motion(camera=late), size="240p", seconds=1, fps=12)
    frames = list(engine.animate(prepare(wanted, CARD), image, None, ignore).images)
    assert np.array_equal(frames[0], frames[2])
    assert not np.array_equal(frames[0], frames[-1])


def test_variations_keep_the_legs() -> None:
    motion = Motion(camera=camera("dolly_in", "orbit_left"))
    for axis in ("amount", "pace"):
        for one in vary(motion, axis, 3):
            assert (
                one.motion.camera.then == () if one.title == "Static" else [leg.moves[0].name for leg in one.motion.camera.then]
            )
    weaker = next(one.motion.camera for one in vary(motion, "amount", 3) if one.motion.camera.moves[0].amount < 0.6)
    assert weaker.then[0].moves[0].amount == pytest.approx(weaker.moves[0].amount)
