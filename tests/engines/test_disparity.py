"""Sheets that stay together are the photo, whatever the camera does; nothing is stretched further than it bears."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pictures

from bench import coherence
from studio.config import Settings
from studio.engines.parallax import disparity, layers, shot_setting, yuv
from studio.engines.parallax.disparity import STRETCH, Bearing
from studio.engines.parallax.parallax_engine import ParallaxEngine
from studio.engines.parallax.render import Renderer
from studio.engines.prepare import prepare
from studio.nouns import Camera, Effect, Motion, Move, MoveName, Photo, Shot, replace
from studio.presets import card
from tests.engines.made_scene import make, shot, texture

EVEN = np.eye(2, dtype=np.float32) / 2


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ParallaxEngine:
    """One engine for all, so that every photo is read once."""
    settings = Settings(tmp_path_factory.mktemp("home"))
    settings.prepare()
    return ParallaxEngine(settings)


def steepest(map_: np.ndarray) -> float:
    return max(float(np.abs(np.diff(map_, axis=axis)).max()) for axis in (0, 1))


def test_no_slope_is_steeper_than_the_bearing_and_the_near_keeps_its_own() -> None:
    step = np.zeros((90, 160), np.float32)
    step[30:60, 60:100] = 0.8
    found = disparity.limit(step, Bearing(0.02 / STRETCH, EVEN))
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
    lines = disparity.find_detail(picture)
    aside = disparity.limit(step, Bearing(0.02 / STRETCH, np.array([[1, 0], [0, 0]], np.float32)), lines)
    up = disparity.limit(step, Bearing(0.02 / STRETCH, np.array([[0, 0], [0, 1]], np.float32)), lines)
    assert np.ptp(aside[52:108, 61]) < 0.7 * np.ptp(up[52:108, 61])  # sideways, the upright line would bend
    assert np.ptp(up[61, 52:108]) < 0.7 * np.ptp(aside[61, 52:108])


def test_a_longer_way_bears_less_slope() -> None:
    ways = [shot_setting.place(make(), shot("truck_right", amount=amount), {}, still=False).poses for amount in (0.3, 0.9)]
    near, far = (disparity.bear(poses, (0.5, 0.3), (128, 80)) for poses in ways)
    assert 2.5 < near.slope / far.slope < 3.5
    assert far.bends[0, 0] > 0.99


def test_sheets_that_may_not_part_are_drawn_as_the_photo_in_one_piece() -> None:
    scene = make()
    setting = shot_setting.place(scene, shot("orbit_left", amount=1.0), {}, still=False)
    assert np.array_equal(setting.sheets[0].disparity, setting.sheets[1].disparity)
    whole = shot_setting.flat(scene)
    level = shot_setting.replace(whole, disparity=np.zeros_like(scene.disparity))
    alone = Renderer(
        (shot_setting.prepare(level, setting.sheets[0].disparity, True, 256),),
        (256, 160), setting.framing,
    )  # fmt: skip
    layered = Renderer(setting.sheets, (256, 160), setting.framing)
    for pose in (setting.poses[0], setting.poses[-1]):
        one, two = (renderer.paint(pose, 0.0)[:160].astype(int) for renderer in (alone, layered))
        assert np.abs(one - two).mean() < 0.5


def test_where_there_is_nothing_to_see_the_near_parts_within_fewer_pixels() -> None:
    step = np.zeros((160, 256), np.float32)
    step[60:100, 100:150] = 0.5
    busy = cv2.resize(texture(128, 80), (256, 160), interpolation=cv2.INTER_NEAREST)
    wide = {}
    for name, picture in (("plain", np.full((160, 256, 3), 90, np.uint8)), ("busy", busy)):
        found = disparity.limit(step, Bearing(0.02 / STRETCH, EVEN), disparity.find_detail(picture))
        wide[name] = int((found > 0.05).sum() - (step > 0).sum())
    assert wide["plain"] < 0.6 * wide["busy"]


def test_a_shot_in_which_nothing_moves_by_itself_is_read_as_one_sheet(settings: Settings, samples: Path) -> None:
    image = np.asarray(Pictures.open(samples / "dandelion.jpg"))
    wanted = Shot(Photo("0" * 64, image.shape[1], image.shape[0]), size="240p")
    plain = layers.read_scene(image, wanted, settings, lambda progress: None)
    stirred = replace(wanted, motion=Motion(effects=(Effect("fog", 0.5),)))
    sheets = layers.read_scene(image, stirred, settings, lambda progress: None)
    assert len(plain.layers) == 1 < len(sheets.layers)
    assert plain.layers[0].disparity[sheets.masks["subject"] > 0.9].mean() > 0.4
    assert np.array_equal(plain.disparity, sheets.disparity)


def test_an_effect_gets_its_sheets_where_the_photo_was_read_without(engine: ParallaxEngine, samples: Path) -> None:
    image = np.asarray(Pictures.open(samples / "dandelion.jpg"))
    plain = Shot(Photo("6" * 64, image.shape[1], image.shape[0]), size="240p")
    stirred = replace(plain, motion=Motion(effects=(Effect("fog", 0.5),)))
    assert [len(engine.read(image, one).layers) > 1 for one in (plain, stirred, plain)] == [False, True, False]


@pytest.mark.parametrize("move", ["orbit_left", "truck_right"])
def test_every_frame_is_made_of_the_photo(engine: ParallaxEngine, samples: Path, move: MoveName) -> None:
    """What a frame shows is found in the photo, along soft and clear outlines too: a cut left 2 to 9 per mille that wasn't."""
    for name in ("dogs", "fig", "dandelion"):
        image = np.asarray(Pictures.open(samples / f"{name}.jpg"))
        wanted = Shot(
            Photo("5" * 64, image.shape[1], image.shape[0]),
            motion=Motion(camera=Camera((Move(move, 0.6),))),
            size="360p",
            seconds=2,
            fps=12,
        )
        frames = engine.animate(prepare(wanted, card("parallax")), image, None, lambda progress: None)
        photo = coherence.prepare(image, frames.width, frames.height)
        shown = [yuv.to_rgb(frame) for index, frame in enumerate(frames.images) if index in (0, wanted.num_frames - 1)]
        assert max(coherence.excess(frame, photo) for frame in shown) < 4, name


def test_a_truck_begins_on_the_photo_and_an_orbit_passes_through_it() -> None:
    there = shot_setting.place(make(), shot("truck_right"), {}, still=False).poses
    assert np.allclose(there[0].centre, 0) and np.allclose(there[0].rotation, np.eye(3))
    round_ = shot_setting.place(make(), shot("orbit_left", fps=12), {}, still=False).poses
    ways = [float(np.abs(pose.centre).max()) for pose in round_]
    assert int(np.argmin(ways)) in (len(ways) // 2 - 1, len(ways) // 2)
