"""The plan: sizes, lengths and steps by each card's rules, said before anything runs, and nothing ever stretched."""

from __future__ import annotations

import numpy as np
import pytest

from studio import presets
from studio.cards import ModelCard
from studio.engines.plan import buckets, cut, cut_end, plan
from studio.nouns import Aspect, Crop, Photo, Quality, Refusal, Shot, Still, replace
from studio.photo.crop import RATIOS, find_largest
from tests.rows import each_row

DIFFUSION = [card for card in presets.cards() if card.checkpoint]
ASPECTS: list[Aspect] = [*RATIOS, "photo"]


def photo(width: int = 3000, height: int = 2000) -> Photo:
    return Photo("0" * 64, width, height)


def shot(aspect: Aspect = "photo", one: Photo | None = None, **changes: object) -> Shot:
    one = one or photo()
    return replace(Shot(one, find_largest(one, aspect)), **changes)


@each_row("quality", ["draft", "good", "best"])
@each_row("aspect", ASPECTS)
@each_row("card", DIFFUSION)
def test_every_plan_keeps_the_card_s_rules(card: ModelCard, aspect: Aspect, quality: Quality) -> None:
    checkpoint = card.checkpoint
    assert checkpoint is not None
    made = plan(shot(aspect, quality=quality), card)
    sizes, lengths, steps = checkpoint.sizes, checkpoint.lengths, checkpoint.steps
    assert made.width % sizes.step == made.height % sizes.step == 0
    if sizes.rule == "listed":
        assert (made.width, made.height) in sizes.native
    assert sizes.least <= min(made.width, made.height)
    assert max(made.width, made.height) <= max(sizes.most, sizes.bucket * 2)
    assert lengths.least <= made.num_frames <= lengths.most
    assert (made.num_frames - lengths.first) % lengths.step == 0
    assert steps.least <= made.steps <= steps.most
    assert card.fps[0] <= made.fps <= card.fps[1]
    assert [choice.what for choice in made.choices] == ["size", "length", "steps"]


@each_row("aspect", ASPECTS)
@each_row("card", presets.cards())
def test_nothing_is_stretched(card: ModelCard, aspect: Aspect) -> None:
    made = plan(shot(aspect), card)
    left, top, right, bottom = made.box
    assert 0 <= left < right <= 3000
    assert 0 <= top < bottom <= 2000
    across, down = made.width / (right - left), made.height / (bottom - top)
    assert across == pytest.approx(down, rel=2 / min(right - left, bottom - top) + 2 / min(made.width, made.height))


@each_row("aspect", ["16:9", "9:16", "1:1", "4:5"])
@each_row("card", DIFFUSION)
def test_little_of_a_posted_shape_falls_away(card: ModelCard, aspect: Aspect) -> None:
    """At most 7 % on a grid of 64 pixels (SVD, I2VGen-XL, Helios), at most 4.5 % on a finer one."""
    made = plan(shot(aspect), card)
    assert card.checkpoint is not None
    assert abs(made.width / made.height / RATIOS[aspect] - 1) < (0.07 if card.checkpoint.sizes.step == 64 else 0.045)


def test_a_native_size_is_taken_where_the_shape_allows() -> None:
    made = plan(shot("16:9"), presets.card("wan21-i2v-480p"))
    assert (made.width, made.height) == (832, 480)
    assert "trained at" in made.choices[0].reason
    assert "falls away" in made.choices[0].reason
    made = plan(shot("9:16"), presets.card("wan21-i2v-480p"))
    assert (made.width, made.height) == (480, 832)


def test_quality_chooses_among_the_sizes_the_model_was_trained_at() -> None:
    card = presets.card("wan22-i2v-a14b")
    sizes = {quality: plan(shot("16:9", quality=quality), card) for quality in ("draft", "good", "best")}
    assert {name: (made.width, made.height, made.steps) for name, made in sizes.items()} == {
        "draft": (832, 480, 16), "good": (832, 480, 40), "best": (1280, 720, 50),
    }  # fmt: skip
    assert sizes["draft"].num_frames < sizes["good"].num_frames == 81
    assert "draft" in sizes["draft"].choices[1].reason


def test_a_size_by_hand_is_honoured_up_to_what_the_model_makes() -> None:
    card = presets.card("wan22-i2v-a14b")
    made = plan(shot("16:9", size="720p"), card)
    assert (made.width, made.height) == (1280, 720)
    made = plan(shot("16:9", size="2160p"), card)
    assert (made.width, made.height) == (1280, 720)
    assert "largest" in made.choices[0].reason
    small = plan(shot("16:9", size="360p"), card)
    assert small.width * small.height < 832 * 480 * 0.75


@each_row(
    ("model", "seconds", "frames"),
    [
        ("wan21-i2v-480p", 5.0, 81), ("wan21-i2v-480p", 2.0, 33), ("wan21-i2v-480p", 60.0, 81), ("wan21-i2v-480p", 1.0, 17),
        ("wan22-ti2v-5b", 5.0, 121), ("ltx-2", 5.0, 121), ("ltx-2", 10.0, 241), ("ltx-098-13b-distilled", 3.0, 73),
        ("svd-xt", 5.0, 25), ("svd-xt", 2.0, 14), ("i2vgen-xl", 5.0, 16), ("cogvideox15-5b", 5.0, 81),
        ("framepack", 5.0, 145), ("framepack", 1.0, 37), ("helios-distilled", 5.0, 129), ("skyreels-v2-13b", 5.0, 97),
    ],
)  # fmt: skip
def test_lengths_are_the_nearest_the_model_makes(model: str, seconds: float, frames: int) -> None:
    made = plan(shot(seconds=seconds), presets.card(model))
    assert made.num_frames == frames
    assert f"{frames} frames, {frames / made.fps:.2f} s at {made.fps} fps" == made.choices[1].value


def test_hunyuan_s_own_rule_picks_what_was_planned() -> None:
    from diffusers.pipelines.hunyuan_video1_5.image_processor import HunyuanVideo15ImageProcessor

    theirs = HunyuanVideo15ImageProcessor(vae_scale_factor=16)
    sizes = buckets(640, 16)
    assert len(sizes) > 20
    for width, height in sizes:
        assert theirs.calculate_default_height_width(height, width, 640) == (height, width)


def test_steps_and_guidance_outside_the_card_are_refused() -> None:
    card = presets.card("wan22-i2v-a14b-fast")
    assert plan(shot(steps=6), card).steps == 6
    with pytest.raises(Refusal, match="4 to 8 steps, not 40"):
        plan(shot(steps=40), card)
    with pytest.raises(Refusal, match="guidance"):
        plan(shot(guidance=5.0), card)


def test_the_last_frame_is_cut_to_the_same_shape() -> None:
    card = presets.card("wan21-flf2v")
    other = Photo("1" * 64, 900, 1600)
    wanted = shot("16:9", end=Still(other, find_largest(other, "9:16")))
    made = plan(wanted, card)
    begin = cut(np.zeros((2000, 3000, 3), np.uint8), made)
    assert wanted.end is not None
    end = cut_end(np.zeros((1600, 900, 3), np.uint8), wanted.end, made)
    shape = made.width / made.height
    assert begin.shape[1] / begin.shape[0] == pytest.approx(shape, rel=0.002)
    assert end.shape[1] / end.shape[0] == pytest.approx(shape, rel=0.004)
    assert end.shape[1] == 900


def test_a_small_crop_says_that_it_is_enlarged() -> None:
    one = photo(640, 480)
    made = plan(Shot(one, Crop()), presets.card("wan22-ti2v-5b"))
    assert made.upscale > 1.5
    assert "enlarged" in made.choices[0].reason


def test_the_built_in_engine_s_plan_is_the_crop_s_own_size() -> None:
    made = plan(shot("16:9", size="720p", seconds=3.0, fps=30), presets.card("parallax"))
    assert (made.width, made.height, made.num_frames, made.fps, made.steps) == (1280, 720, 90, 30, 0)
