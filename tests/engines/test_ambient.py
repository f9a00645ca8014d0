"""What moves by itself moves only where it should, loops, repeats for its seed, and says when it has nowhere to be."""

from __future__ import annotations

import base64
from dataclasses import replace

import cv2
import numpy as np
import pytest

from bench import frame_measures
from studio.engines.parallax import shot_setting
from studio.engines.parallax.effects import effect_masks
from studio.engines.parallax.effects.ambience import Ambient
from studio.engines.parallax.projection import Displacement, Field
from studio.engines.parallax.render import Renderer
from studio.engines.parallax.scene import Areas, Scene
from studio.nouns import Crop, Effect, EffectName, Leg, Move, Refusal
from studio.nouns import replace as changed
from tests.engines.made_scene import make, shot
from tests.rows import each_row


def brush(left: float, right: float) -> str:
    """A brush over the lower half, between two fractions of the width."""
    mask = np.zeros((64, 100), np.uint8)
    mask[32:, int(left * 100) : int(right * 100)] = 255
    return base64.b64encode(cv2.imencode(".png", mask)[1].tobytes()).decode()


WATER = brush(0.1, 0.5)
EVERY: dict[EffectName, Effect] = {
    "ripple": Effect("ripple", 0.8, brush=WATER), "flow": Effect("flow", 0.8, brush=WATER, direction=90.0),
    "wind": Effect("wind", 0.8), "hair": Effect("hair", 0.8), "clouds": Effect("clouds", 0.8), "fog": Effect("fog", 0.8),
    "rain": Effect("rain", 0.8), "snow": Effect("snow", 0.8), "dust": Effect("dust", 0.8), "embers": Effect("embers", 0.8),
    "shadow": Effect("shadow", 0.8), "grain": Effect("grain", 0.8), "steam": Effect("steam", 0.8),
    "light": Effect("light", 0.8), "focus": Effect("focus", 0.8),
}  # fmt: skip


def frames(
    effect: Effect, scene: Scene | None = None, loop: bool = True, seed: int = 3, move: str = "static"
) -> list[np.ndarray]:
    scene = scene or make()
    wanted = shot("static", effects=(effect,), loop=loop, seed=seed, seconds=2.0, fps=12)
    ambient = Ambient(scene, wanted)
    setting = shot_setting.place(scene, wanted, ambient.reaches, still=False)
    renderer = Renderer(setting.sheets, (scene.width, scene.height), setting.framing, ambient)
    return [renderer.paint(pose, index / 24) for index, pose in enumerate(setting.poses)]


def cloudy(ridge: bool = False) -> Scene:
    """A scene whose upper part is soft clouds; with a dark ridge and a wire before them, within the mask of the sky."""
    scene = make(subject=False)
    picture = scene.layers[0].texture.copy()
    soft = cv2.GaussianBlur(picture[..., :3], (0, 0), 7).astype(np.float32)
    picture[:70, :, :3] = np.clip((soft[:70] - 128) * 3 + 150, 0, 255)
    if ridge:
        for x in range(256):
            picture[round(52 + 5 * np.sin(x / 9) + 3 * np.sin(x / 3)) :, x, :3] = (40, 45, 40)
        cv2.line(picture, (0, 8), (255, 14), (20, 20, 20, 255), 2, cv2.LINE_AA)
    mask = (np.mgrid[0:80, 0:128][0] < (30 if ridge else 19)).astype(np.float32)
    return replace(scene, layers=(replace(scene.layers[0], texture=picture),), masks={**scene.masks, "sky": mask})


def test_clouds_never_drag_a_ridge_or_a_wire_along() -> None:
    scene = cloudy(ridge=True)
    for loop in (True, False):
        seen = frames(Effect("clouds", 1.0), scene, loop=loop)
        moved = changes(seen)
        dark = scene.layers[0].texture[..., :3].max(2) < 60
        beside = cv2.dilate(dark.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        assert moved[beside].max() <= 40
        assert moved[20:36].mean() > 1


def test_a_light_never_makes_a_sun_grow() -> None:
    scene = make(subject=False)
    picture = scene.layers[0].texture.copy()
    yy, xx = np.mgrid[0:160, 0:256].astype(np.float32)
    glow = np.clip(290 - 2.6 * np.hypot(xx - 128, yy - 50), 60, 255)
    picture[..., :3] = np.rint(glow[..., None] * np.float32([1, 0.97, 0.86])).astype(np.uint8)
    sunny = replace(scene, layers=(replace(scene.layers[0], texture=picture),))
    plain, lit = frames(Effect("light", 0.001), sunny)[0][:160], frames(Effect("light", 1.0), sunny)
    white = float((plain >= 225).mean())
    assert max(float((frame[:160] >= 225).mean()) for frame in lit) < 1.1 * white
    assert changes(lit)[100:140].mean() > 4


def changes(seen: list[np.ndarray], height: int = 160) -> np.ndarray:
    """How much brightness ranges over the clip at every pixel."""
    luma = np.stack([frame[:height] for frame in seen]).astype(int)
    return luma.max(0) - luma.min(0)


@each_row("name", EVERY)
def test_every_effect_moves_and_loops(name: EffectName) -> None:
    seen = [frame[:160] for frame in frames(EVERY[name])]
    seam = frame_measures.seam(seen)
    assert seam.median > 0.005
    assert seam.seam <= seam.most * 1.05 + 0.02


@each_row("name", EVERY)
def test_the_same_seed_gives_the_same_frames(name: EffectName) -> None:
    once, again = frames(EVERY[name]), frames(EVERY[name])
    assert all(np.array_equal(one, other) for one, other in zip(once, again, strict=True))
    if name not in ("focus", "clouds"):  # these have nothing that chance decides, or nearly
        assert any(not np.array_equal(one, other) for one, other in zip(once, frames(EVERY[name], seed=4), strict=True))


@each_row("name", ["ripple", "flow"])
def test_water_moves_only_where_it_is_painted(name: EffectName) -> None:
    moved = changes(frames(EVERY[name], make(subject=False)))
    assert moved[110:150, 40:110].mean() > 4
    assert moved[:60].max() <= 2
    assert moved[:, 160:].max() <= 2


def test_wind_leaves_the_subject_and_the_sky_alone() -> None:
    moved = changes(frames(EVERY["wind"]))
    assert moved[:40].max() <= 2
    assert moved[60:100, 110:146].max() <= 2
    assert moved[110:150].mean() > 1


def test_hair_stirs_the_edge_and_not_the_middle() -> None:
    moved = changes(frames(EVERY["hair"]))
    assert moved[70:90, 118:138].max() <= 2
    assert moved[:, 60:200].max() > 8


def test_fog_hides_the_far_and_stands_behind_the_subject() -> None:
    plain, foggy = frames(Effect("light", 0.001))[0], frames(EVERY["fog"])[0]
    apart = np.abs(plain[:160].astype(int) - foggy[:160])
    assert apart[:30].mean() > 8
    assert apart[70:90, 118:138].max() <= 4


def test_flow_runs_where_it_is_told() -> None:
    for direction, sign in ((0.0, 1), (180.0, -1)):
        effect = Effect("flow", 1.0, region="everywhere", direction=direction)
        scene = make(subject=False)
        still = replace(scene, disparity=np.full_like(scene.disparity, 0.5))
        seen = frames(effect, still)
        ways = [frame_measures.flow(seen[k][:160], seen[k + 1][:160])[40:-20, 30:-30, 0].mean() for k in range(0, 20, 3)]
        assert sign * float(np.median(ways)) > 0.05


def test_a_short_sky_that_need_not_loop_is_carried_in_one_piece() -> None:
    seen = frames(Effect("clouds", 1.0), cloudy(), loop=False)
    way = frame_measures.flow(seen[0][:160], seen[-1][:160])[5:30, 40:-40, 0]
    assert float(np.median(way)) > 2


def test_nothing_shows_a_border_when_the_picture_itself_moves() -> None:
    for effect in (Effect("ripple", 1.0, region="everywhere"), Effect("flow", 1.0, region="everywhere")):
        scene = make(subject=False)
        wanted = shot("static", effects=(effect,))
        ambient = Ambient(scene, wanted)
        setting = shot_setting.place(scene, wanted, ambient.reaches, still=False)
        assert setting.framing.crop > 1.002


@each_row("name", ["ripple", "flow"])
def test_water_that_nobody_painted_is_left_out_or_refused_where_nothing_else_moves(name: EffectName) -> None:
    with pytest.raises(Refusal, match="paint where the water is"):
        Ambient(make(), shot("static", effects=(Effect(name),)))
    (said,) = Ambient(make(), shot("dolly_in", effects=(Effect(name),))).choices
    assert said.value == "left out" and "paint where the water is" in said.reason


@each_row(("name", "missing"), [("clouds", "sky"), ("wind", "leaves"), ("hair", "stands out"), ("steam", "stands out")])
def test_an_effect_with_nowhere_to_be_is_left_out_or_refused_where_nothing_else_moves(name: EffectName, missing: str) -> None:
    scene = make()
    empty = replace(scene, masks={key: np.zeros_like(mask) for key, mask in scene.masks.items()})
    with pytest.raises(Refusal, match=missing) as refused:
        Ambient(empty, shot("static", effects=(Effect(name),)))
    assert refused.value.reason.startswith("Nothing would move.") and "Paint" in refused.value.remedy
    for moving in (shot("dolly_in", effects=(Effect(name),)), shot("static", effects=(Effect("fog"), Effect(name)))):
        (said,) = [choice for choice in Ambient(empty, moving).choices if choice.value == "left out"]
        assert missing in said.reason
    chosen = Effect(name, region="sky")
    (said,) = Ambient(empty, shot("dolly_in", effects=(chosen,))).choices
    assert said.value == "left out" and "no sky" in said.reason


def test_why_an_effect_has_no_place_is_a_value() -> None:
    areas = Areas({"sky": 0.0, "foliage": 0.0, "subject": 0.0, "background": 1.0}, "vague")
    away = brush(0.0, 0.3)
    effects = (Effect("clouds"), Effect("steam"), Effect("ripple"), Effect("flow", brush=away), Effect("fog"))
    wanted = shot("static", effects=effects)
    found = effect_masks.places(changed(wanted, crop=Crop(0.5, 0.0, 0.5, 1.0)), areas)
    assert [(one.effect, one.region, one.why) for one in found.unplaced] == [
        ("clouds", "sky", "absent"), ("steam", "subject", "vague"),
        ("ripple", "brush", "unpainted"), ("flow", "brush", "outside"),
    ]  # fmt: skip
    assert found.placed == ("fog",) and not found.camera and found.moves
    later = shot("static", effects=(Effect("clouds"),))
    then = changed(later.motion.camera, then=(Leg((Move("dolly_in"),)),))
    assert effect_masks.places(changed(later, motion=changed(later.motion, camera=then)), areas).moves
    assert not effect_masks.places(later, areas).moves


def test_a_brush_that_is_no_picture_or_outside_the_crop_is_refused() -> None:
    with pytest.raises(Refusal, match="can't be read"):
        Ambient(make(), shot("static", effects=(Effect("ripple", brush="AAAA"),)))
    away = changed(shot("static", effects=(Effect("ripple", brush=brush(0.0, 0.3)),)), crop=Crop(0.5, 0.0, 0.5, 1.0))
    with pytest.raises(Refusal, match="outside the crop"):
        Ambient(make(), away)


def test_a_brush_is_painted_on_the_photo_and_cropped_with_it() -> None:
    effect = Effect("ripple", brush=brush(0.5, 1.0))
    whole = effect_masks.read_brush(effect, shot("static"), (100, 64))
    assert whole[60, 20] < 0.01 < 0.99 < whole[60, 80]
    right = effect_masks.read_brush(effect, changed(shot("static"), crop=Crop(0.5, 0.5, 0.5, 0.5)), (100, 64))
    assert right.min() > 0.4


def test_effects_say_where_they_happen_and_none_at_amount_zero() -> None:
    ambient = Ambient(make(), shot("static", effects=(Effect("wind", 0.5), Effect("fog", 0.0))))
    assert [choice.what for choice in ambient.choices] == ["Wind in foliage"]
    assert not Ambient(make(), shot("static", effects=(Effect("fog", 0.0),)))


FLOW, CLOUDS = Effect("flow", 0.8, "everywhere", 0.0), Effect("clouds", 0.8, "everywhere", 200.0)


@pytest.mark.parametrize(
    ("first", "second"), [(FLOW, changed(FLOW, amount=0.5, direction=90.0)), (FLOW, CLOUDS), (CLOUDS, FLOW), (CLOUDS, CLOUDS)]
)
def test_two_flows_over_one_place_go_both_ways(first: Effect, second: Effect) -> None:
    """Their displacements add up, and what is faded over there is faded as one of them says."""
    scene = cloudy()
    moved: list[Displacement] = []
    for effects in ((first, changed(second, amount=0.0)), (changed(first, amount=0.0), second), (first, second)):
        wanted = shot("static", effects=effects, loop=False, seed=3, seconds=2.0, fps=12)
        sheet = shot_setting.place(scene, wanted, {}, still=False).sheets[0]
        y, x = np.mgrid[0 : sheet.disparity.shape[0], 0 : sheet.disparity.shape[1]].astype(np.float32)
        moved.append(Ambient(scene, wanted).displace(sheet, Field(x, y), 0.3))
    one, two, both = moved
    for start, parts, made in ((x, (one.at.x, two.at.x), both.at.x), (y, (one.at.y, two.at.y), both.at.y)):
        assert np.allclose(made - start, sum(part - start for part in parts), atol=0.02)
    assert np.hypot(both.at.x - x, both.at.y - y).max() > 0.1
    shares = [each.share for each in (one, two) if each.share is not None]
    if shares:
        assert both.share is not None
        assert np.min([np.abs(both.share - share) for share in shares], 0).max() < 1e-5
