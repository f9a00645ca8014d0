"""Wan's four shapes of checkpoint: each run is what the plain pipeline makes of the same arguments, and each has its ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from studio.cards import Guidance, ModelCard
from studio.engines.diffusion.families import get_family
from tests.fakes.tiny_runs import bare, counted, load, picture, request, run, with_point

Pipeline = Callable[[str], tuple[Any, ModelCard]]


def seeded(seed: int = 7) -> torch.Generator:
    return torch.Generator("cpu").manual_seed(seed)


PLAIN = {
    "prompt": "the waves roll in", "negative_prompt": "blurry", "height": 64, "width": 64, "num_frames": 5,
    "num_inference_steps": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("wan21_i2v", {"guidance_scale": 5.0}),
        ("wan21_flf2v", {"guidance_scale": 5.5, "last_image": picture(flipped=True)}),
        ("wan22_a14b", {"guidance_scale": 3.5, "guidance_scale_2": 3.0}),
        ("wan22_ti2v_5b", {"guidance_scale": 5.0}),
    ],
)
def test_the_frames_are_those_of_a_plain_call(pipeline: Pipeline, name: str, own: dict[str, Any]) -> None:
    pipe, card = pipeline(name)
    plain = bare(pipe, image=picture(), generator=seeded(), **PLAIN, **own)
    ours = run(pipe, card, request(card, end=own.get("last_image")))
    assert np.array_equal(ours.frames, plain)


def test_words_are_mended_before_they_are_read(pipeline: Pipeline) -> None:
    pipe, card = pipeline("wan21_i2v")
    kind, point = get_family("wan"), card.checkpoint
    assert point is not None
    mended, broken, other = (
        kind.words(pipe, request(card, prompt=text), point)["prompt_embeds"]
        for text in ("the cafe's waves &c", "  the\tcafe\u2019s waves &amp;c ", "the cafe's waves")
    )
    assert torch.equal(mended, broken)
    assert not torch.equal(mended, other)


def test_both_denoisers_run_and_each_has_its_own_guidance(pipeline: Pipeline) -> None:
    pipe, card = pipeline("wan22_a14b")
    with counted(pipe.transformer) as high, counted(pipe.transformer_2) as low:
        plain = run(pipe, card, request(card, steps=4)).frames
    assert min(high[0], low[0]) > 0
    assert high[0] + low[0] == 8
    other = with_point(card, guidance=Guidance(default=3.5, least=1.0, most=10.0, second=1.5, shift=5.0))
    assert not np.array_equal(run(pipe, other, request(card, steps=4)).frames, plain)


def test_the_second_guidance_keeps_its_proportion_to_the_first(pipeline: Pipeline) -> None:
    pipe, card = pipeline("wan22_a14b")
    kind, point = get_family("wan"), card.checkpoint
    assert point is not None
    seconds = [kind.arguments(pipe, request(card, guidance=value), point)["guidance_scale_2"] for value in (3.5, 7.0, 1.0)]
    assert seconds == pytest.approx([3.0, 6.0, 1.0])


def test_one_denoiser_is_given_no_second_guidance(pipeline: Pipeline) -> None:
    pipe, card = pipeline("wan21_i2v")
    assert card.checkpoint is not None
    assert "guidance_scale_2" not in get_family("wan").arguments(pipe, request(card), card.checkpoint)


def test_the_card_decides_the_flow_shift(tiny: Callable[[str], ModelCard]) -> None:
    card = tiny("wan21_flf2v")
    assert load(card).scheduler.config.flow_shift == 16.0
    kept = with_point(card, guidance=Guidance(default=5.5, most=10.0))
    assert load(kept).scheduler.config.flow_shift == 3.0


def test_a_model_between_two_photos_comes_back_to_the_one_it_has_and_says_so(pipeline: Pipeline) -> None:
    pipe, card = pipeline("wan21_flf2v")
    kind, point = get_family("wan"), card.checkpoint
    assert point is not None
    alone, pair = request(card), request(card, end=picture(flipped=True))
    plain = bare(pipe, image=picture(), last_image=picture(), generator=seeded(), guidance_scale=5.5, **PLAIN)
    assert np.array_equal(run(pipe, card, alone).frames, plain)
    assert [choice.value for choice in kind.choices(pipe, alone, point)] == ["the photo itself"]
    assert kind.choices(pipe, pair, point) == ()


def test_the_photo_is_the_first_latent_frame_of_the_small_model(pipeline: Pipeline) -> None:
    pipe, card = pipeline("wan22_ti2v_5b")
    one, other = (run(pipe, card, request(card, image=image)).frames for image in (picture(), picture(flipped=True)))
    assert np.abs(one[0] - other[0]).mean() > 0.0
