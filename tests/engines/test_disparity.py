"""Sheets that stay together are the photo, whatever the camera does; nothing is stretched further than it bears."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.engines.parallax import disparity, opening, stage
from studio.engines.parallax.disparity import Bearing
from studio.engines.parallax.render import Renderer
from studio.nouns import Choice
from tests.engines.made_scene import make, shot, texture

LAYERS = Choice("layers", "subject and background", "the subject stands clear of its background")
EVEN = np.eye(2, dtype=np.float32) / 2


def steepest(map_: np.ndarray) -> float:
    return max(float(np.abs(np.diff(map_, axis=axis)).max()) for axis in (0, 1))


def test_no_slope_is_steeper_than_the_bearing_and_the_near_keeps_its_own() -> None:
    step = np.zeros((90, 160), np.float32)
    step[30:60, 60:100] = 0.8
    found = disparity.limit(step, Bearing(0.02, EVEN))
    assert steepest(found) <= 0.02 * 1.05
    assert found[45, 80] == pytest.approx(0.8, abs=1e-3)
    assert found[2, 2] < 0.05
    assert (found > step - 0.06).all()


def test_a_line_that_would_bend_goes_on_with_what_it_passes_and_one_that_would_not_does_not() -> None:
    picture = np.full((160, 160, 3), 200, np.uint8)
    picture[:, 60:63] = 20
    picture[60:63] = 20
    step = np.zeros((160, 160), np.float32)
    step[70:90, 70:90] = 0.5
    lines = disparity.find_lines(picture)
    aside = disparity.limit(step, Bearing(0.02, np.array([[1, 0], [0, 0]], np.float32)), lines)
    up = disparity.limit(step, Bearing(0.02, np.array([[0, 0], [0, 1]], np.float32)), lines)
    assert np.ptp(aside[52:108, 61]) < 0.7 * np.ptp(up[52:108, 61])  # sideways, the upright line would bend
    assert np.ptp(up[61, 52:108]) < 0.7 * np.ptp(aside[61, 52:108])


def test_a_longer_way_bears_less_slope() -> None:
    ways = [stage.place(make(), shot("truck_right", amount=amount), {}, still=False).poses for amount in (0.3, 0.9)]
    near, far = (disparity.bear(poses, (0.5, 0.3), (128, 80)) for poses in ways)
    assert 2.5 < near.slope / far.slope < 3.5
    assert far.bends[0, 0] > 0.99


def test_sheets_that_may_not_part_are_drawn_as_the_photo_in_one_piece() -> None:
    scene = make()
    setting = stage.place(scene, shot("orbit_left", amount=1.0), {}, still=False)
    assert np.array_equal(setting.sheets[0].disparity, setting.sheets[1].disparity)
    whole = stage.flat(scene)
    alone = Renderer(
        (stage.prepare(stage.replace(whole, disparity=np.zeros_like(scene.disparity)), setting.sheets[0].disparity, True, 256),),
        (256, 160), setting.framing,
    )  # fmt: skip
    layered = Renderer(setting.sheets, (256, 160), setting.framing)
    for pose in (setting.poses[0], setting.poses[-1]):
        one, two = (renderer.paint(pose, 0.0)[:160].astype(int) for renderer in (alone, layered))
        assert np.abs(one - two).mean() < 0.5


def test_a_subject_that_may_part_still_goes_its_own_way() -> None:
    scene = stage.replace(make(), opening=np.ones((80, 128), np.float32))
    back, front = (sheet.disparity for sheet in stage.place(scene, shot("orbit_left"), {}, still=False).sheets)
    assert front[40, 64] - back[40, 64] > 0.2


def disc(radius: int) -> np.ndarray:
    alpha = np.zeros((200, 300), np.uint8)
    return cv2.GaussianBlur(cv2.circle(alpha, (150, 100), radius, 255, -1), (0, 0), 0.8)


def test_a_clean_subject_before_a_plain_wall_may_part() -> None:
    alpha = disc(50)
    cover = (alpha / 255.0)[..., None]
    picture = (texture(300, 200) * cover * 0.4 + 190 * (1 - cover)).astype(np.uint8)
    found = opening.find(picture, alpha, LAYERS)
    assert found.opening is not None and found.choice.value == "subject and background"
    assert found.opening[100, 98:103].min() > 0.8


def test_a_matte_that_leaves_half_of_it_behind_keeps_it_there_and_says_why() -> None:
    alpha = disc(50)
    picture = np.where(disc(56)[..., None] > 127, (40, 60, 200), (190, 190, 190)).astype(np.uint8)
    found = opening.find(picture, alpha, LAYERS)
    assert found.opening is None
    assert found.choice.value == "one" and "ghost" in found.choice.reason


def test_thin_things_are_not_parted() -> None:
    picture, alpha = np.full((200, 300, 3), 190, np.uint8), np.zeros((200, 300), np.uint8)
    for end in ((20, 30), (280, 60), (150, 190)):
        cv2.line(alpha, (150, 100), end, 255, 3, cv2.LINE_AA)
    picture[alpha > 127] = 30
    assert opening.find(picture, alpha, LAYERS).opening is None
