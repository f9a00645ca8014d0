"""Fog passes in depth, steam rises from an opening, a ripple shows on smooth water, and hair stirs without what is behind it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from bench import frame_measures
from studio.engines.parallax.camera_path import Pose, half_frame
from studio.engines.parallax.effects import effect_masks, steam, sway
from studio.engines.parallax.effects.fog import Fog, plane, sight
from studio.engines.parallax.effects.glitter import Glitter
from studio.engines.parallax.effects.particles import View
from studio.engines.parallax.projection import Framing
from studio.engines.parallax.scene import Scene
from studio.nouns import Effect, EffectName
from tests.engines.made_scene import make
from tests.engines.test_ambient import brush, changes, frames


def flat(level: int = 110) -> Scene:
    """A scene of one plain colour, with a lighter sky."""
    scene = make(subject=False)
    picture = scene.layers[0].texture.copy()
    picture[..., :3] = level
    picture[:30, :, :3] = 210
    return replace(scene, layers=(replace(scene.layers[0], texture=picture),))


@pytest.mark.parametrize("scene", [flat(), make(subject=False)], ids=["smooth", "rough"])
def test_a_ripple_shows_on_smooth_water_as_on_rough(scene: Scene) -> None:
    moved = changes(frames(Effect("ripple", 0.8, brush=brush(0.0, 1.0)), scene))
    assert moved[90:150].mean() > 3
    assert moved[:60].max() <= 2


def test_ripples_are_finer_towards_the_horizon() -> None:
    water = (np.mgrid[0:80, 0:128][0] > 30).astype(np.float32)
    glitter = Glitter(water, flat(), Effect("ripple", 1.0), 4.0, np.random.default_rng(0))
    _, cos, sin = glitter._waves[0]
    steps = np.abs(np.angle(np.exp(1j * np.diff(np.unwrap(np.arctan2(sin, cos), axis=0), axis=0))))
    rows = len(steps)
    far, near = np.median(steps[round(0.15 * rows) : round(0.3 * rows)]), np.median(steps[round(0.75 * rows) : -4])
    assert far > 1.8 * near > 0


def test_each_bank_of_fog_has_its_own_parallax() -> None:
    half = half_frame(256, 160)
    pose = Pose(np.array([0.05, 0.0, 0.0]), np.eye(3), 1.0)
    view = View(pose, Framing(), half, (256, 160))
    fog = Fog(np.ones((80, 128), np.float32), make(), Effect("fog", 0.8), 4.0, np.random.default_rng(0))
    u, way = sight(view, (20, 32), (128, 80))
    shifts = [float(np.abs(plane(u, way, deep).x - u.x).mean()) for deep in fog._planes]
    assert len(shifts) >= 3 and all(1.05 * far < near for far, near in pairwise(shifts))


def test_what_is_near_stands_clear_before_a_bank_of_fog() -> None:
    scene = make(subject=False)
    steps = np.full((80, 128), 0.12, np.float32)
    steps[30:, 40:60] = 0.7  # a tree before the far
    steps[60:] = 0.4
    stood = replace(scene, disparity=steps, layers=(replace(scene.layers[0], disparity=steps),))
    plain, foggy = frames(Effect("light", 0.001), stood)[0], frames(Effect("fog", 1.0), stood)[0]
    apart = np.abs(plain[:160].astype(int) - foggy[:160])
    assert apart[70:110, 92:108].mean() < 0.25 * apart[70:110, 140:200].mean()


def test_steam_rises_from_an_opening_and_dissolves() -> None:
    cup = np.zeros((160, 256), np.float32)
    cv2.ellipse(cup, (128, 70), (50, 16), 0, 0, 360, 1.0, -1)
    cup[70:140, 78:179] = 1
    found = steam.mouth(cup)
    rows = found.sum(1)
    assert 60 < float(rows @ np.arange(160) / rows.sum()) < 80
    assert found[95:].max() == 0 and found[66:76, 110:146].min() > 0.9
    scene = make()
    scene = replace(scene, masks={**scene.masks, "subject": cv2.resize(cup, (128, 80), interpolation=cv2.INTER_AREA)})
    moved = changes(frames(Effect("steam", 0.9), scene))
    assert moved[40:75, 90:166].mean() > 3 * max(moved[:25].mean(), 1e-6)
    assert moved[85:].max() <= 2 and moved[50:70, 100:156].mean() > 1.5
    seen = [frame[:160] for frame in frames(Effect("steam", 1.0), scene)]
    up = np.mean([np.median(frame_measures.flow(a, b)[45:70, 100:156, 1]) for a, b in pairwise(seen[:9])])
    assert float(up) < 0


def test_hair_never_bends_what_is_behind_it() -> None:
    scene = make()
    for effect in (Effect("hair"), Effect("hair", brush=brush(0.0, 1.0), region="brush"), Effect("hair", region="everywhere")):
        assert effect_masks.sheets(effect, scene) == {"subject"}
    framed = scene.layers[0].texture.copy()
    framed[..., :3] = 120
    calm = replace(scene, layers=(replace(scene.layers[0], texture=framed.copy()), scene.layers[1]))
    framed[:, 124:130, :3] = 20  # a door frame behind the middle
    door = replace(scene, layers=(replace(scene.layers[0], texture=framed), scene.layers[1]))
    stirs = []
    for one in (calm, door):
        waves = sway.hair(one.masks["subject"], one, Effect("hair", 1.0), 4.0, np.random.default_rng(1))
        stirs.append(np.sqrt(sum(wave.x_cos**2 + wave.x_sin**2 for wave in waves)))
    middle, side = np.s_[:, 106:118], np.s_[:, :90]
    assert stirs[1][middle].max() < 0.4 * stirs[0][middle].max()
    assert stirs[1][side].max() > 0.8 * stirs[0][side].max()


@pytest.mark.parametrize("name", ["ripple", "flow"])
def test_what_stands_in_painted_water_stands_still(name: EffectName) -> None:
    moved = changes(frames(Effect(name, 0.8, brush=brush(0.0, 1.0))))
    assert moved[84:104, 114:142].max() <= 2
    assert moved[100:150, 20:80].mean() > 3
