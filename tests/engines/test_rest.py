"""The frame that stands for a clip is the one most nearly the photo."""

from __future__ import annotations

from typing import get_args

import numpy as np

from studio.engines.parallax.camera_path import Pose, Stage, half_frame, travel
from studio.engines.parallax.rest_pose import NEAR_ENOUGH, departure, nearest
from studio.nouns import Camera, Move, MoveName
from tests.rows import each_row

HALF = half_frame(1280, 720)
STAGE = Stage(HALF, (0.0, 0.0, 2.0))


def path(camera: Camera, num_frames: int = 25) -> tuple[Pose, ...]:
    return travel(camera, num_frames, 5.0, 0, STAGE)


@each_row("loop", [False, True])
@each_row("move", get_args(MoveName))
def test_no_frame_is_nearer_to_the_photo_than_the_poster(move: MoveName, loop: bool) -> None:
    poses = path(Camera((Move(move, 0.6),), loop=loop))
    far = [departure(pose, HALF) for pose in poses]
    shown = nearest(poses, HALF)
    assert far[shown] <= min(far) + NEAR_ENOUGH
    assert shown == 0 or far[0] > min(far) + NEAR_ENOUGH  # playing starts without a jump where that costs nothing


def test_an_orbit_is_shown_in_its_middle_and_a_dolly_at_its_beginning() -> None:
    assert nearest(path(Camera((Move("orbit_left", 0.6),))), HALF) == 12
    assert nearest(path(Camera((Move("dolly_in", 0.6),))), HALF) == 0
    assert nearest(path(Camera((Move("static", 0.0),))), HALF) == 0
    assert nearest(path(Camera((Move("handheld", 0.3),))), HALF) == 0


def test_every_way_of_leaving_the_photo_counts() -> None:
    at_rest, *_ = path(Camera((Move("static", 0.0),)))
    assert departure(at_rest, HALF) == 0
    for change in ({"zoom": 1.1}, {"shift": (0.05, 0.0)}, {"tall": 1.1}, {"centre": np.array([0.0, 0.0, 0.1])}):
        assert departure(at_rest._replace(**change), HALF) > NEAR_ENOUGH
