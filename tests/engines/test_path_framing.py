"""No border ever shows, and no more is cropped away than that takes."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from studio.engines.parallax import framing, shot_setting
from studio.engines.parallax.camera_path import half_frame
from studio.engines.parallax.projection import Framing, homographies, homography
from studio.engines.parallax.scene import Scene
from studio.nouns import MoveName
from tests.engines.made_scene import make, shot
from tests.rows import each_row

MOVES: tuple[MoveName, ...] = get_args(MoveName)


def edges(setting: shot_setting.Setting, scene: Scene) -> tuple[framing.Sheet, ...]:
    """The border of every sheet, at the depth the stage gives it."""
    return tuple(
        framing.Sheet(sheet.disparity, None if index == 0 else shot_setting.cover(layer))
        for index, (sheet, layer) in enumerate(zip(setting.sheets, scene.layers, strict=True))
    )


@each_row("to_edge", [False, True])
@each_row("move", MOVES)
def test_no_pose_looks_past_the_photo(move: MoveName, to_edge: bool) -> None:
    scene = make(to_edge=to_edge)
    setting = shot_setting.place(scene, shot(move, amount=1.0, fps=30), {}, still=False)
    past = framing.spill(edges(setting, scene), setting.poses, setting.framing, half_frame(scene.width, scene.height))
    assert past.worst < 0.25 * 2 * half_frame(scene.width, scene.height)[0] / scene.width  # a quarter of a pixel


def test_a_path_is_turned_at_once_as_pose_by_pose() -> None:
    scene = make()
    half, framed = half_frame(scene.width, scene.height), Framing(1.2, 0.01, -0.02)
    one = shot_setting.place(scene, shot("orbit_right"), {}, still=False).poses[2]
    poses = (one, one._replace(zoom=1.3, shift=(0.1, -0.05), tall=0.9))
    single = [homography(pose, framed, half, (64, 36)) for pose in poses]
    assert homographies(poses, framed, half, (64, 36)) == pytest.approx(np.stack(single), rel=1e-12)


@each_row("move", ["truck_left", "orbit_right", "roll_left", "pan_left", "crane_up"])
def test_a_smaller_crop_would_show_a_border(move: MoveName) -> None:
    scene = make()
    setting = shot_setting.place(scene, shot(move), {}, still=False)
    half = half_frame(scene.width, scene.height)
    closer = setting.framing._replace(crop=setting.framing.crop - 0.01)
    assert setting.framing.crop > 1.01
    assert framing.spill(edges(setting, scene), setting.poses, closer, half).worst > 0


@each_row("move", ["static", "dolly_in", "dolly_out", "zoom_in", "zoom_out"])
def test_what_needs_no_room_keeps_the_framing(move: MoveName) -> None:
    assert shot_setting.place(make(), shot(move), {}, still=False).framing == (1.0, 0.0, 0.0)


def test_the_window_moves_to_where_there_is_room() -> None:
    """A truck begins on the photo and looks past one side of it only."""
    scene = make(to_edge=True)
    setting = shot_setting.place(scene, shot("truck_right"), {}, still=False)
    assert setting.framing.x < -0.002
    middle = setting.framing._replace(x=0.0)
    assert framing.spill(edges(setting, scene), setting.poses, middle, half_frame(scene.width, scene.height)).worst > 0.001


def test_too_much_movement_is_made_smaller_and_says_so() -> None:
    setting = shot_setting.place(make(), shot("pan_left", "truck_left", "roll_left", "orbit_right", amount=1.0), {}, still=False)
    assert setting.framing.crop <= framing.MOST_CROP
    moves = shot_setting.place(make(), shot(*(["pan_left"] * 6), amount=1.0), {}, still=False)
    assert moves.framing.crop <= framing.MOST_CROP
    assert "as far as asked" in moves.choice.reason


def test_ambient_motion_at_the_border_is_given_room() -> None:
    plain = shot_setting.place(make(), shot("static"), {}, still=False).framing
    stirred = shot_setting.place(make(), shot("static"), {"background": (0.01, 0.0)}, still=False).framing
    assert plain.crop == 1
    assert 1.015 < stirred.crop < 1.03
    assert np.isclose(stirred.x, 0, atol=1e-6)
