"""Rain, snow, dust, embers, a cloud's shadow and grain: where they are, how they go, and that they keep to the photo's light."""

from __future__ import annotations

import base64
import itertools
from dataclasses import replace

import cv2
import numpy as np
import pytest

from bench import frame_measures
from studio.engines.parallax import shot_setting
from studio.engines.parallax.camera_path import Pose, rotation
from studio.engines.parallax.effects import particles
from studio.engines.parallax.effects.ambience import Ambient
from studio.engines.parallax.effects.grain import Grain
from studio.engines.parallax.effects.particles import Swarm, View, Ways
from studio.engines.parallax.effects.sprites import Strokes, dots, streaks
from studio.engines.parallax.projection import Framing
from studio.engines.parallax.render import Renderer
from studio.engines.parallax.scene import Layer, Scene
from studio.engines.parallax.yuv import colour_planes, from_rgb
from studio.nouns import Effect, EffectName
from tests.engines.made_scene import make, shot
from tests.rows import each_row

FALLS: tuple[EffectName, ...] = ("rain", "snow", "dust", "embers")
ALL: tuple[EffectName, ...] = (*FALLS, "shadow", "grain")


def plain(level: float, subject: bool = True, size: tuple[int, int] = (256, 160)) -> Scene:
    """The made scene in one grey all over, so that whatever shows was added."""
    scene = make(*size, subject=subject)
    layers = []
    for one in scene.layers:
        alpha = one.texture[..., 3]
        grey = np.rint(alpha * level).astype(np.uint8)
        layers.append(Layer(one.name, np.dstack([grey, grey, grey, alpha]), one.disparity))
    return replace(scene, layers=tuple(layers))


def frames(
    scene: Scene, *effects: Effect, count: int = 4, move: str = "static", seed: int = 3, start: int = 0
) -> list[np.ndarray]:
    """Frames of a looped shot of two seconds, I420."""
    wanted = shot(move, effects=effects, loop=True, seed=seed, fps=12, size=(scene.width, scene.height))
    ambient = Ambient(scene, wanted)
    setting = shot_setting.place(scene, wanted, ambient.reaches, still=False)
    renderer = Renderer(setting.sheets, (scene.width, scene.height), setting.framing, ambient)
    return [renderer.paint(setting.poses[index], index / 24) for index in range(start, start + count)]


def luma(frame: np.ndarray) -> np.ndarray:
    return frame[: frame.shape[0] * 2 // 3].astype(int)


@each_row("name", ["rain", "snow", "embers"])
def test_most_of_what_falls_is_behind_the_subject(name: EffectName) -> None:
    """The subject of the made scene is nearer than most of it: less of it shows there than where nothing stands."""
    there = np.s_[60:100, 108:148]
    changed = {}
    for stands in (True, False):
        seen = [luma(frame)[there] for frame in frames(plain(0.3, stands), Effect(name, 1.0), count=16)]
        changed[stands] = np.clip(np.stack(seen) - (16 + 219 * 0.3) - 1, 0, None).mean()
    assert 0 < changed[True] < 0.75 * changed[False]


@each_row("name", ALL)
@each_row("level", [0.04, 0.5, 0.97])
def test_no_picture_is_burnt_out_or_drowned(name: EffectName, level: float) -> None:
    before, after = 16 + 219 * level, luma(frames(plain(level, False), Effect(name, 1.0), count=1)[0])
    assert after.max() <= 235 and after.min() >= 10
    assert abs(float(after.mean()) - before) < (70 if name == "shadow" else 34)
    if name != "embers":
        assert after.max() <= max(before + 60, 120), "nothing is brighter than the photo's own light"


def test_embers_shine_less_in_daylight() -> None:
    night, day = (
        luma(frames(plain(level, False), Effect("embers", 1.0), count=1)[0]).max() - (16 + 219 * level) for level in (0.05, 0.6)
    )
    assert night > 1.5 * day > 20


def test_effects_leave_a_frame_alone_at_amount_zero() -> None:
    for name in ALL:
        assert not Ambient(plain(0.3), shot("static", effects=(Effect(name, 0.0),)))


@each_row(("name", "sign"), [("rain", 1), ("snow", 1), ("embers", -1)])
def test_what_falls_goes_down_and_what_rises_up_and_where_the_wind_drives_it(name: EffectName, sign: int) -> None:
    for direction, aside in ((0.0, 1), (90.0, 0), (180.0, -1)):
        found = Ambient(plain(0.3), shot("static", effects=(Effect(name, 0.8, direction=direction),)))
        (thing,) = found._airborne  # what is asked is how its things go, which no frame says exactly
        right, down = thing._flock.swarm.pace(0.0)
        right = np.mean([thing._flock.swarm.pace(t)[0].mean() for t in np.linspace(0, 1, 32, endpoint=False)])
        assert sign * down.mean() > 0
        assert (abs(right) < 0.1 * abs(down.mean())) if aside == 0 else (aside * right > 0.1 * abs(down.mean()))


def test_a_shadow_goes_along_its_direction() -> None:
    for direction, axis, sign in ((0.0, 0, 1), (180.0, 0, -1), (90.0, 1, 1)):
        scene = plain(0.5, subject=False)
        scene = replace(scene, masks={**scene.masks, "sky": np.zeros_like(scene.disparity)})
        seen = frames(scene, Effect("shadow", 1.0, direction=direction), count=8, seed=5)
        ways = [frame_measures.flow(one[:160], next_[:160])[90:, 20:-20, axis] for one, next_ in itertools.pairwise(seen)]
        assert sign * float(np.mean(ways)) > 0.05


def test_a_shadow_darkens_the_land_and_never_the_sky() -> None:
    scene = plain(0.5)
    seen = np.stack([luma(frame) for frame in frames(scene, Effect("shadow", 1.0), count=24)[::3]])
    level = round(16 + 219 * 0.5)
    assert (level - seen[:, 110:]).max() > 30
    assert np.abs(seen[:, :32, :60] - level).max() <= 3
    assert seen.max() <= level + 2


def test_grain_lies_where_it_was_painted_and_is_as_large_in_a_large_frame() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[:, :32] = 255
    painted = base64.b64encode(cv2.imencode(".png", mask)[1].tobytes()).decode()
    (seen,) = frames(plain(0.5, False), Effect("grain", 1.0, "brush", brush=painted), count=1)
    left, right = np.split(luma(seen).astype(float), 2, 1)
    assert left[:, :-8].std() > 4 * max(right[:, 8:].std(), 0.2)
    grain = Grain(np.ones((4, 4), np.float32), plain(0.5, False), Effect("grain", 1.0), 1.0, np.random.default_rng(0))
    likeness = [
        float(np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1])
        for noise in (grain._make_grain(270, 480).astype(float), grain._make_grain(1080, 1920).astype(float))
    ]
    assert abs(likeness[0]) < 0.05, "a grain of a small frame is smaller than a pixel"
    assert likeness[1] > 0.4, "one of a large frame is larger"


def test_grain_is_strongest_in_mid_tones_and_new_in_every_frame() -> None:
    deviation = [luma(frames(plain(level, False), Effect("grain", 1.0), count=1)[0]).std() for level in (0.02, 0.5, 0.98)]
    assert deviation[1] > 2 * deviation[0] and deviation[1] > 2 * deviation[2] and deviation[1] < 12
    one, other = (luma(frame) for frame in frames(plain(0.5, False), Effect("grain", 1.0), count=2))
    assert abs(float(np.corrcoef(one.ravel(), other.ravel())[0, 1])) < 0.05
    assert len(np.unique(one)) > 20, "no bands"


def test_dust_is_seen_where_the_light_is() -> None:
    scene = plain(0.15, subject=False)
    lit = scene.layers[0].texture.copy()
    lit[:, :100, :3] = 150
    scene = replace(scene, layers=(Layer("background", lit, scene.disparity),))
    still = luma(frames(scene, Effect("fog", 0.0001), count=1)[0])
    seen = np.mean([np.abs(luma(frame) - still) > 4 for frame in frames(scene, Effect("dust", 1.0), count=4)], 0)
    assert seen[:, :110].mean() > 3 * seen[:, 190:].mean()


def test_a_small_frame_looks_as_a_large_one_does() -> None:
    """How much of the picture is covered doesn't depend on its size."""
    for name in ("rain", "snow", "dust"):
        small, large = (
            np.clip(luma(frames(plain(0.1, False, size), Effect(name, 1.0), count=1)[0]) - 38, 0, None).mean()
            for size in ((256, 160), (768, 480))
        )
        assert 0.75 < small / large < 1.33, name


def test_near_things_pass_further_than_far_ones_as_the_camera_moves() -> None:
    d = np.array([0.2, 1.0], np.float32)
    zero = np.zeros(2, np.float32)
    rest, moved = (View(Pose(np.array([x, 0.0, 0.0]), rotation(), 1.0), Framing(), (0.4, 0.25), (640, 400)) for x in (0.0, 0.05))
    shift = moved.see(zero, zero, d)[0] - rest.see(zero, zero, d)[0]
    assert shift[1] == pytest.approx(5 * shift[0], rel=1e-4) and shift[0] < 0
    assert rest.see(zero, zero, d)[0][0] == pytest.approx(319.5)
    x, y = moved.middle(d)
    assert np.allclose(moved.see(x, y, d)[0], 319.5, atol=1e-3)


@each_row("speed", [0.05, 3.0])
def test_a_swarm_is_back_where_it_was_after_the_clip(speed: float) -> None:
    rng = np.random.default_rng(1)
    d = particles.depths(rng, 300, 0.2, 1.5, 1.5)
    ways = Ways(d, 0.3 * speed * d, speed * d, 0.01 * d, np.full(300, 2.0, np.float32))
    things = Swarm(ways, (0.4, 0.25), 4.0, rng)
    view = View(Pose(np.zeros(3), rotation(), 1.0), Framing(), (0.4, 0.25), (640, 400))
    (x, y, there), (x2, y2, there2) = things.at(0.0, view), things.at(1.0, view)
    seen = there > 0.01
    assert np.abs(x - x2)[seen].max() < 2e-3 and np.abs(y - y2)[seen].max() < 2e-3 and np.abs(there - there2).max() < 1e-3
    later = things.at(0.5, view)[1]
    assert np.abs(later - y).max() > 0.005


def test_what_is_drawn_covers_what_it_should() -> None:
    canvas = np.zeros((60, 80), np.float32)
    one = np.ones(1, np.float32)
    dots(canvas, Strokes(40.3 * one, 30.6 * one, 0 * one, 0 * one, 5 * one, one))
    assert canvas.sum() == pytest.approx(np.pi * 25, rel=0.2)
    y, x = np.mgrid[0:60, 0:80]
    assert (canvas * x).sum() / canvas.sum() == pytest.approx(40.3, abs=0.1)
    assert (canvas * y).sum() / canvas.sum() == pytest.approx(30.6, abs=0.1)
    canvas[:] = 0
    streaks(canvas, Strokes(20 * one, 10 * one, 8 * one, 30 * one, 0.5 * one, one))
    assert canvas[25].argmax() == pytest.approx(24, abs=1) and canvas[:9].max() == 0 and canvas[43:].max() == 0
    assert canvas[25].sum() == pytest.approx(1, abs=0.05)
    assert cv2.countNonZero(canvas) < 120


@each_row("name", ["rain", "snow", "dust"])
def test_what_is_in_the_air_has_the_colour_of_the_photo_s_light(name: EffectName) -> None:
    scene = plain(1.0, subject=False)
    seen = {}
    for light in ((200, 120, 50), (60, 120, 200)):
        lit = scene.layers[0].texture.copy()
        lit[..., :3] = np.array(light) // 3
        lit[:40, :, :3] = light
        frame = frames(replace(scene, layers=(Layer("background", lit, scene.disparity),)), Effect(name, 1.0), count=1)[0]
        seen[light] = colour_planes(frame)[:, 30:].astype(int)
        still = colour_planes(from_rgb(lit[..., :3]))[:, 30:].astype(int)
        assert np.sign(seen[light] - 128).mean((1, 2)) == pytest.approx(np.sign(still - 128).mean((1, 2)), abs=0.1)
