"""LTX-Video: distilled schedules, conditions at any frame, and how a VAE that knows timesteps is told to decode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from studio.cards import Checkpoint, ModelCard, Steps
from studio.engines.diffusion.families import get_family
from studio.nouns import Refusal
from tests.fakes.tiny_runs import counted, load, picture, request, run, with_point

Pipeline = Callable[[str], tuple[Any, ModelCard]]
DISTILLED = (1000.0, 993.0, 987.0, 981.0, 975.0, 909.0, 725.0, 0.03)
"""The schedule of 0.9.8 13B distilled, as diffusers documents it."""


def of(card: ModelCard) -> Checkpoint:
    assert card.checkpoint is not None
    return card.checkpoint


@pytest.fixture
def distilled(tiny: Callable[[str], ModelCard]) -> ModelCard:
    return with_point(tiny("ltx_condition"), steps=Steps(default=8, least=4, most=12, draft=4, best=12, timesteps=DISTILLED))


def test_a_distilled_schedule_is_run_as_it_stands_even_by_a_scheduler_that_bends(distilled: ModelCard) -> None:
    pipe = load(distilled)
    pipe.scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config, use_dynamic_shifting=True, shift_terminal=0.1)
    get_family("ltx").prepare(pipe, of(distilled))
    times: list[float] = []

    def watch(_: Any, step: int, time: Any, kept: dict[str, Any]) -> dict[str, Any]:
        times.append(float(time))
        return kept

    with counted(pipe.transformer) as calls:
        run(pipe, distilled, request(distilled, guidance=1.0), callback_on_step_end=watch)
    assert times == pytest.approx(DISTILLED, abs=1e-3)
    assert calls == [8]


def test_another_number_of_steps_follows_the_same_curve(distilled: ModelCard, pipeline: Pipeline) -> None:
    pipe, _ = pipeline("ltx_condition")
    for steps in (4, 8, 12):
        asked = request(distilled, steps=steps, own_steps=False)
        times = get_family("ltx").arguments(pipe, asked, of(distilled))["timesteps"]
        assert len(times) == steps == get_family("ltx").steps_in_all(pipe, asked, of(distilled))
        assert times[0] == 1000.0
        assert times == sorted(times, reverse=True)
    assert get_family("ltx").arguments(pipe, request(distilled, steps=4, own_steps=False), of(distilled))[
        "timesteps"
    ] == pytest.approx([1000.0, 987.0, 975.0, 725.0])


def test_a_class_that_cannot_take_the_schedule_says_so_before_a_run(
    distilled: ModelCard, tiny: Callable[[str], ModelCard]
) -> None:
    card = with_point(tiny("ltx_i2v"), steps=of(distilled).steps)
    with pytest.raises(Refusal, match="LTXConditionPipeline"):
        load(card)


def test_an_end_frame_is_a_condition_at_the_last_frame(pipeline: Pipeline) -> None:
    pipe, card = pipeline("ltx_condition")
    asked = request(card, num_frames=17, end=picture(flipped=True))
    first, last = get_family("ltx").arguments(pipe, asked, of(card))["conditions"]
    assert (first.frame_index, last.frame_index) == (0, 16)
    assert (first.image, last.image) == (asked.image, asked.end)


def test_decoding_is_told_a_timestep_only_where_the_vae_knows_them_and_a_card_decides(pipeline: Pipeline) -> None:
    pipe, card = pipeline("ltx_condition")
    kind, asked = get_family("ltx"), request(card)
    assert kind.arguments(pipe, asked, of(card))["decode_timestep"] == 0.05
    own = with_point(card, arguments={"decode_timestep": 0.1, "image_cond_noise_scale": 0.0})
    made = kind.arguments(pipe, asked, of(own))
    assert (made["decode_timestep"], made["decode_noise_scale"], made["image_cond_noise_scale"]) == (0.1, 0.025, 0.0)
    plain, plain_card = pipeline("ltx_i2v")
    made = kind.arguments(plain, request(plain_card, fps=30), of(plain_card))
    assert "decode_timestep" not in made
    assert made["frame_rate"] == 30


def test_a_seed_means_its_frames_even_where_the_vae_adds_noise_of_its_own(tiny: Callable[[str], ModelCard]) -> None:
    card = tiny("ltx_i2v")
    pipe = load(card)
    torch.manual_seed(0)
    noisy = {**pipe.vae.config, "decoder_inject_noise": (True,) * 5, "timestep_conditioning": True}
    pipe.vae = type(pipe.vae).from_config(noisy).eval()
    for name, weights in pipe.vae.named_parameters():
        if "per_channel_scale" in name:  # zero in a VAE that has learnt nothing
            torch.nn.init.ones_(weights)
    made: list[Any] = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        made.append(run(pipe, card, request(card)).frames)
    assert np.array_equal(*made)
    assert not np.array_equal(made[0], run(pipe, card, request(card, seed=8)).frames)
