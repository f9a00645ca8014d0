"""Frames painted through torch are the processor's frames; the GPU is used only where that has been seen."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np

from studio.engines.parallax import render_torch, shot_setting
from studio.engines.parallax.render import Renderer
from studio.engines.parallax.render_torch import LEAST_LIKENESS, TorchRenderer, likeness
from studio.engines.parallax.scene import Layer, Scene
from studio.nouns import MoveName
from tests.engines.made_scene import make, shot, texture
from tests.rows import each_row


def with_sky(scene: Scene) -> Scene:
    """The scene with a third sheet behind it: its ground ends in a soft slope."""
    ground, *rest = scene.layers
    height, width = ground.texture.shape[:2]
    alpha = np.clip((np.arange(height)[:, None] - 0.3 * height + 0.05 * np.arange(width)) / 4, 0, 1)
    land = np.rint(ground.texture * alpha[..., None]).astype(np.uint8)
    heaven = np.dstack([texture(width, height, 2), np.full((height, width), 255, np.uint8)])
    sheets = (Layer("sky", heaven, np.zeros_like(ground.disparity)), replace(ground, texture=land), *rest)
    return replace(scene, layers=sheets)


SCENES = {1: make(256, 160, subject=False), 2: make(250, 158), 3: with_sky(make(256, 160, to_edge=True))}


def laid_out(sheets: int, move: MoveName) -> tuple[shot_setting.Setting, Renderer, tuple[int, int]]:
    scene = SCENES[sheets]
    setting = shot_setting.place(scene, shot(move, amount=0.9), {}, still=False)
    size = (scene.width, scene.height)
    return setting, Renderer(setting.sheets, size, setting.framing), size


@each_row("sheets", SCENES)
@each_row("move", get_args(MoveName))
def test_a_frame_is_the_processors(move: MoveName, sheets: int) -> None:
    setting, slow, size = laid_out(sheets, move)
    assert len(setting.sheets) == sheets
    fast = TorchRenderer(setting.sheets, size, setting.framing, "cpu")
    for pose in (setting.poses[0], setting.poses[7], setting.poses[-1]):
        assert likeness(fast.paint(pose, 0), slow.paint(pose, 0)) >= LEAST_LIKENESS


def test_a_frame_stays_when_the_next_is_painted() -> None:
    setting, _, size = laid_out(2, "orbit_right")
    fast = TorchRenderer(setting.sheets, size, setting.framing, "cpu")
    first = fast.paint(setting.poses[0], 0)
    before = first.copy()
    assert not np.array_equal(fast.paint(setting.poses[-1], 0), first) and np.array_equal(first, before)


class Elsewhere:
    """A painter of another picture."""

    def paint(self, pose: object, t: float) -> np.ndarray:
        del pose, t
        return np.full((158 * 3 // 2, 250), 90, np.uint8)


def test_a_device_is_used_only_where_its_frame_is_right() -> None:
    setting, slow, size = laid_out(2, "truck_left")
    chosen, (choice,) = render_torch.renderer(slow, setting, size, stirred=False, device="cpu")
    assert isinstance(chosen, TorchRenderer) and choice.value == "GPU"
    other = Elsewhere()
    chosen, (choice,) = render_torch.renderer(other, setting, size, stirred=False, device="cpu")
    assert chosen is other and choice.value == "processor" and "dB" in choice.reason
    chosen, (choice,) = render_torch.renderer(slow, setting, size, stirred=True, device="cpu")
    assert chosen is slow and choice.value == "processor"
    chosen, (choice,) = render_torch.renderer(slow, setting, size, stirred=False, device="meta")
    assert chosen is slow and choice.value == "processor"


def test_small_frames_wake_no_gpu() -> None:
    setting, slow, size = laid_out(1, "pan_left")
    assert render_torch.renderer(slow, setting, size, stirred=False) == (slow, ())
