"""Frames show what the geometry says, whole sheets and outlines alike, in the encoder's own colours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bench import frame_measures
from studio.engines.parallax import shot_setting, yuv
from studio.engines.parallax.camera_path import Pose, half_frame
from studio.engines.parallax.projection import Field, Framing, homography, pull, rays, solve
from studio.engines.parallax.render import Renderer
from studio.engines.parallax.scene import Layer, Scene
from studio.engines.parallax.sheets import Sheet
from tests.engines.made_scene import make, shot, texture


def painter(scene: Scene, *moves: str, **options: float) -> tuple[shot_setting.Setting, Renderer]:
    setting = shot_setting.place(scene, shot(*moves, **options), {}, still=False)
    return setting, Renderer(setting.sheets, (scene.width, scene.height), setting.framing)


def slowly(sheets: tuple[Sheet, ...], size: tuple[int, int], framing: Framing, pose: Pose) -> np.ndarray:
    """Brightness of a frame the plain way: every sheet solved at every pixel, in floating point, composed in order."""
    width, height = size
    half = half_frame(width, height)
    x = (((np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1) * half[0])[None]
    y = (((np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1) * half[1])[:, None]
    total = np.zeros((height, width), np.float32)
    for sheet in sheets:
        rows, columns = sheet.disparity.shape
        u = rays(homography(pose, framing, half, (columns, rows)), x, y)
        at = solve(sheet.disparity, u, pull(pose.centre, u, half, (columns, rows)), steps=12)
        tall, wide = sheet.texture.shape[:2]
        there = Field((at.x + 0.5) * (wide / columns) - 0.5, (at.y + 0.5) * (tall / rows) - 0.5)
        border = cv2.BORDER_REPLICATE if sheet.kind is None else cv2.BORDER_CONSTANT
        seen = cv2.remap(
            sheet.texture.astype(np.float32), there.x.astype(np.float32), there.y.astype(np.float32), 1, None, border
        )
        total = total * (1 - seen[..., 3] / 255) + seen[..., 0]
    return total


@pytest.mark.parametrize("move", ["orbit_left", "truck_right", "dolly_in", "crane_up", "push_orbit_right", "roll_left"])
def test_fast_frames_equal_plain_ones(move: str) -> None:
    scene = make(250, 158)  # not whole cells
    setting, renderer = painter(scene, move)
    for pose in (setting.poses[0], setting.poses[9], setting.poses[-1]):
        fast = renderer.paint(pose, 0.0)[: scene.height].astype(np.float32)
        plain = slowly(setting.sheets, (scene.width, scene.height), setting.framing, pose)
        assert np.abs(fast - plain).mean() < 0.6
        assert np.percentile(np.abs(fast - plain), 99.9) < 6


def test_a_camera_that_only_turns_sees_one_flat_sheet() -> None:
    scene = make()
    setting = shot_setting.place(scene, shot("pan_left"), {}, still=True)
    assert len(setting.sheets) == 1
    layered, renderer = painter(scene, "pan_left")
    flat = Renderer(setting.sheets, (scene.width, scene.height), setting.framing)
    assert len(layered.sheets) == 2
    assert frame_measures.psnr(flat.paint(setting.poses[5], 0.0), renderer.paint(layered.poses[5], 0.0)) > 40


def test_standing_still_shows_the_photo() -> None:
    scene = make()
    setting, renderer = painter(scene, "static")
    one = shot_setting.flat(scene).texture[..., :3]
    assert frame_measures.psnr(renderer.paint(setting.poses[0], 0.0)[: scene.height], yuv.from_rgb(one)[: scene.height]) > 45


def test_colours_are_bt709_limited_range_and_come_back() -> None:
    for rgb, planes in [((255, 255, 255), (235, 128, 128)), ((0, 0, 0), (16, 128, 128)), ((255, 0, 0), (63, 102, 240))]:
        frame = yuv.from_rgb(np.full((8, 12, 3), rgb, np.uint8))
        assert tuple(int(v) for v in (frame[0, 0], *yuv.colour_planes(frame)[:, 0, 0])) == planes  # BT.709's own colour bars
        assert np.abs(yuv.to_rgb(frame).astype(int) - rgb).max() <= 2
    picture = cv2.GaussianBlur(texture(64, 48), (0, 0), 3)
    assert frame_measures.psnr(yuv.to_rgb(yuv.from_rgb(picture)), picture) > 40


def test_colour_sits_on_its_brightness() -> None:
    """A sharp coloured edge keeps its colour in place while the camera trucks past it."""
    picture = np.zeros((96, 160, 3), np.uint8)
    picture[:, :80], picture[:, 80:] = (200, 40, 40), (40, 40, 200)
    picture = cv2.GaussianBlur(picture, (0, 0), 1.5)
    depth = np.full((48, 80), 0.5, np.float32)
    layer = Layer("background", np.dstack([picture, np.full((96, 160), 255, np.uint8)]), depth)
    scene = Scene(160, 96, (layer,), depth, {}, 0.5, 1.0, 0.2)
    setting, renderer = painter(scene, "truck_left", amount=0.5)
    for pose in setting.poses[::6]:
        frame = renderer.paint(pose, 0.0)
        u, _ = yuv.colour_planes(frame)
        seen = 2 * frame_measures.edge(u) - 0.5  # sample i lies at pixel 2 i
        assert seen == pytest.approx(frame_measures.edge(frame[:96]), abs=0.2)


@pytest.mark.parametrize("move", ["truck_left", "pan_left", "dolly_in", "orbit_left", "zoom_in"])
def test_an_edge_moves_steadily(move: str) -> None:
    across = np.arange(320, dtype=np.float32)
    bright = 255 * (0.15 + 0.7 / (1 + np.exp(-np.clip((across - 210) / 1.2, -50, 50))))
    picture = np.repeat(np.repeat(bright[None], 180, 0)[..., None], 3, 2).astype(np.uint8)
    depth = np.repeat(np.linspace(0.1, 0.9, 90, dtype=np.float32)[:, None], 160, 1)
    layer = Layer("background", np.dstack([picture, np.full((180, 320), 255, np.uint8)]), depth)
    scene = Scene(320, 180, (layer,), depth, {}, 0.3, 1.0, 0.2)
    setting, renderer = painter(scene, move, amount=0.3, seconds=4.0, fps=24)
    where = [frame_measures.edge(renderer.paint(pose, 0.0)[88:92]) for pose in setting.poses]
    assert max(where) - min(where) > 1
    assert frame_measures.unsteadiness(where) < 0.05


def test_frames_are_new_and_the_same_every_time() -> None:
    scene = make()
    setting, renderer = painter(scene, "orbit_left")
    first = renderer.paint(setting.poses[0], 0.0)
    kept = first.copy()
    other = renderer.paint(setting.poses[-1], 0.5)
    assert not np.array_equal(kept, other)
    assert np.array_equal(first, kept)
    assert np.array_equal(renderer.paint(setting.poses[0], 0.0), kept)
