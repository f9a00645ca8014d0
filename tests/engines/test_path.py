"""The camera goes where its words say, loops without a step, and never jolts."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from studio.engines.parallax.camera_path import Pose, Stage, half_frame, travel
from studio.nouns import Camera, Ease, Move, MoveName, Speed
from tests.rows import each_row

HALF = half_frame(1280, 720)
STAGE = Stage(HALF, (0.1, -0.05, 1.25))
NAMES: tuple[MoveName, ...] = get_args(MoveName)


def path(*moves: MoveName, amount: float = 0.7, loop: bool = False, ease: Ease = "smooth", seed: int = 0) -> tuple[Pose, ...]:
    return travel(Camera(tuple(Move(move, amount) for move in moves), ease, loop), 48, 4.0, seed, STAGE)


def seen(pose: Pose, point: tuple[float, float, float]) -> tuple[float, float]:
    """Where a point of the scene is in the frame, in tangents: right and down."""
    x, y, z = pose.rotation.T @ (np.array(point) - pose.centre)
    return x / z * pose.zoom, y / z * pose.zoom


FAR, PIVOT, NEAR = (0.4, -0.2, 5.0), STAGE.pivot, (0.1, 0.05, 1.0)


@each_row(
    ("move", "axis", "sign"),
    [
        ("truck_left", 0, 1), ("truck_right", 0, -1), ("pan_left", 0, 1), ("pan_right", 0, -1),
        ("crane_up", 1, 1), ("crane_down", 1, -1), ("tilt_up", 1, 1), ("tilt_down", 1, -1),
    ],
)  # fmt: skip
def test_the_picture_moves_against_the_camera(move: MoveName, axis: int, sign: int) -> None:
    poses = path(move)
    for point in (FAR, NEAR):
        assert sign * (seen(poses[-1], point)[axis] - seen(poses[0], point)[axis]) > 0.005


@each_row("move", [name for name in NAMES if name != "static"])
def test_another_seed_is_another_path_of_the_same_move(move: MoveName) -> None:
    paths = [np.array([(*pose.centre, *pose.rotation.ravel(), pose.zoom) for pose in path(move, seed=n)]) for n in (0, 1, 2, 1)]
    assert np.array_equal(paths[1], paths[3])
    assert min(np.abs(paths[a] - paths[b]).max() for a, b in ((0, 1), (1, 2), (0, 2))) > 1e-4


@each_row(("move", "axis", "sign"), [("truck_left", 0, 1), ("pan_right", 0, -1), ("crane_up", 1, 1), ("tilt_down", 1, -1)])
def test_no_seed_turns_a_move_round(move: MoveName, axis: int, sign: int) -> None:
    for seed in range(40):
        poses = path(move, seed=seed)
        assert all(sign * (seen(poses[-1], point)[axis] - seen(poses[0], point)[axis]) > 0.002 for point in (FAR, NEAR))


def test_a_slower_camera_goes_less_far_and_a_faster_one_further_up_to_the_most() -> None:
    def way(amount: float, speed: Speed) -> tuple[Pose, ...]:
        return travel(Camera((Move("truck_right", amount),), speed=speed), 12, 2.0, 3, STAGE)

    def same(one: tuple[Pose, ...], other: tuple[Pose, ...]) -> bool:
        return all(
            np.array_equal(a.centre, b.centre) and np.array_equal(a.rotation, b.rotation) for a, b in zip(one, other, strict=True)
        )

    assert same(way(0.5, "slow"), way(0.5 * 0.6, "normal"))
    assert same(way(0.5, "fast"), way(0.5 * 1.4, "normal"))
    assert same(way(0.9, "fast"), way(1.0, "normal"))
    assert not same(way(0.5, "slow"), way(0.5, "normal"))


def test_no_seed_moves_a_camera_that_holds_still() -> None:
    assert all(np.array_equal(pose.rotation, np.eye(3)) for pose in path("truck_left", amount=0.0, seed=9))


@each_row(("move", "sign"), [("orbit_left", 1), ("orbit_right", -1)])
def test_an_orbit_keeps_its_pivot_and_parts_near_from_far(move: MoveName, sign: int) -> None:
    poses = path(move)
    for pose in poses:
        assert seen(pose, PIVOT) == pytest.approx(seen(poses[0], PIVOT), abs=1e-9)
    assert sign * (seen(poses[-1], FAR)[0] - seen(poses[0], FAR)[0]) < -0.01
    assert sign * (seen(poses[-1], NEAR)[0] - seen(poses[0], NEAR)[0]) > 0.001
    assert -sign * poses[-1].centre[0] > 0


@each_row(("move", "sign"), [("dolly_in", 1), ("zoom_in", 1), ("dolly_out", -1), ("zoom_out", -1)])
def test_in_expands_and_out_shrinks(move: MoveName, sign: int) -> None:
    poses = path(move)
    assert sign * (seen(poses[-1], FAR)[0] - seen(poses[0], FAR)[0]) > 0.003


def test_a_dolly_grows_the_near_faster_and_a_zoom_does_not() -> None:
    def growth(move: MoveName, point: tuple[float, float, float]) -> float:
        poses = path(move)
        return seen(poses[-1], point)[0] / seen(poses[0], point)[0]

    assert growth("dolly_in", NEAR) > growth("dolly_in", FAR) * 1.1
    assert growth("zoom_in", NEAR) == pytest.approx(growth("zoom_in", FAR))


@each_row(("move", "sign"), [("roll_left", 1), ("roll_right", -1)])
def test_roll_left_turns_the_picture_clockwise(move: MoveName, sign: int) -> None:
    poses = path(move)
    assert sign * (seen(poses[-1], (1.0, 0.0, 3.0))[1] - seen(poses[0], (1.0, 0.0, 3.0))[1]) > 0.01  # the right side goes down


@each_row(("move", "sign"), [("dolly_zoom_in", -1), ("dolly_zoom_out", 1)])
def test_a_dolly_zoom_keeps_the_subject_and_changes_the_world(move: MoveName, sign: int) -> None:
    poses = path(move)
    beside = (PIVOT[0] + 0.2, PIVOT[1], PIVOT[2])
    widths = [seen(pose, beside)[0] - seen(pose, PIVOT)[0] for pose in poses]
    assert max(widths) - min(widths) < 1e-9
    assert sign * (seen(poses[-1], FAR)[0] - seen(poses[0], FAR)[0]) > 0.005
    assert -sign * (poses[-1].centre[2] - poses[0].centre[2]) > 0


@each_row("ease", get_args(Ease))
@each_row("move", NAMES)
def test_a_loop_leads_from_its_last_frame_into_its_first(move: MoveName, ease: Ease) -> None:
    poses = path(move, loop=True, ease=ease)
    steps = [_apart(one, other) for one, other in zip(poses, (*poses[1:], poses[0]), strict=True)]
    assert steps[-1] <= max(steps[:-1]) + 1e-12
    assert move == "static" or max(steps) > 1e-4


@each_row("move", NAMES)
def test_amount_zero_is_no_movement(move: MoveName) -> None:
    for pose in path(move, amount=0.0):
        assert not pose.centre.any()
        assert np.array_equal(pose.rotation, np.eye(3))
        assert pose.zoom == 1


def test_moves_add_up() -> None:
    both = path("dolly_in", "orbit_left")
    assert both[-1].centre[2] > 0.1
    assert both[-1].centre[0] < path("dolly_in")[-1].centre[0] - 0.02


def test_several_dollies_stop_short_of_the_nearest_thing() -> None:
    assert path("dolly_in", "dolly_in", "push_orbit_left", amount=1.0)[-1].centre[2] < 0.55


def test_a_hand_is_smooth_and_the_seed_s_own() -> None:
    one, again, other = path("handheld"), path("handheld"), path("handheld", seed=2)
    assert all(_apart(a, b) == 0 for a, b in zip(one, again, strict=True))
    assert max(_apart(a, b) for a, b in zip(one, other, strict=True)) > 1e-3
    x = np.array([pose.centre[0] for pose in one])
    assert np.abs(np.diff(x, 2)).max() < np.abs(np.diff(x)).max()
    assert abs(x[:-1].mean()) < 0.1 * np.abs(x).max()


def _apart(one: Pose, other: Pose) -> float:
    return float(
        np.abs(one.centre - other.centre).max() + np.abs(one.rotation - other.rotation).max() + abs(one.zoom - other.zoom)
    )
