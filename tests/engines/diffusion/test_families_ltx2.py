"""LTX-2: sound, three kinds of guidance, the distilled schedule, and motion strength as motion speed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from studio.cards import Checkpoint, Guidance, ModelCard, Steps
from studio.engines.diffusion.families import get_family
from studio.engines.diffusion.families.ltx2 import find_motion_speed
from tests.fakes.tiny_runs import bare, counted, load, picture, request, run, with_point

Pipeline = Callable[[str], tuple[Any, ModelCard]]
both = pytest.mark.parametrize("name", ("ltx2_i2v", "ltx2_condition"))


def of(card: ModelCard) -> Checkpoint:
    assert card.checkpoint is not None
    return card.checkpoint


@both
def test_sound_comes_at_the_vocoders_rate_as_long_as_the_picture(pipeline: Pipeline, name: str) -> None:
    pipe, card = pipeline(name)
    for count in (9, 17):
        sound = run(pipe, card, request(card, num_frames=count)).sound
        assert sound is not None
        assert sound.rate == pipe.vocoder.config.output_sampling_rate == 16000
        assert sound.samples.dtype == np.float32
        assert sound.samples.shape[0] == 2
        assert np.abs(sound.samples).max() <= 1.0
        assert sound.samples.shape[1] / sound.rate == pytest.approx(count / card.fps[0], abs=0.08)
    assert run(pipe, card, request(card, sound=False)).sound is None


@both
def test_every_kind_of_guidance_has_its_call_and_none_is_left_when_guidance_is_off(pipeline: Pipeline, name: str) -> None:
    pipe, card = pipeline(name)
    kind = get_family("ltx2")
    lean: dict[str, Any] = {"stg_scale": 0.0}  # and the sound's with it
    for arguments, guidance, expected in (({}, 3.0, 3), (lean, 3.0, 2), ({"stg_scale": 2.0}, 1.0, 1)):
        own = with_point(card, arguments=arguments)
        asked = request(own, guidance=guidance)
        with counted(pipe.transformer) as calls:
            run(pipe, own, asked)
        assert calls == [asked.steps * expected]
        assert kind.calls_per_step(pipe, asked, of(own)) == expected  # type: ignore[call-arg]


def test_the_guided_run_is_the_pipelines_own_default(pipeline: Pipeline) -> None:
    pipe, card = pipeline("ltx2_i2v")
    asked = request(card, fps=24)
    plain = bare(
        pipe, image=asked.image, prompt=asked.prompt, negative_prompt=asked.negative, width=64, height=64, num_frames=9,
        num_inference_steps=2, generator=get_family("ltx2").generator(pipe, asked),
    )  # fmt: skip
    assert np.array_equal(run(pipe, card, asked).frames, plain)


@both
def test_a_distilled_card_runs_its_sigmas_in_one_call_each(tiny: Callable[[str], ModelCard], name: str) -> None:
    from diffusers.pipelines.ltx2.utils import DISTILLED_SIGMA_VALUES

    steps = Steps(default=8, least=4, most=8, draft=4, best=8, sigmas=tuple(DISTILLED_SIGMA_VALUES))
    card = with_point(tiny(name), steps=steps, guidance=Guidance(default=1.0))
    pipe = load(card)
    pipe.scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config, use_dynamic_shifting=True, shift_terminal=0.1)
    get_family("ltx2").prepare(pipe, of(card))
    times: list[float] = []

    def watch(_: Any, step: int, time: Any, kept: dict[str, Any]) -> dict[str, Any]:
        times.append(float(time) / 1000)
        return kept

    for own, count in ((True, 8), (False, 4)):
        times.clear()
        with counted(pipe.transformer) as calls:
            made = run(pipe, card, request(card, steps=count, own_steps=own), callback_on_step_end=watch)
        assert calls == [count]
        assert np.isfinite(made.frames).all()
        assert times == pytest.approx(DISTILLED_SIGMA_VALUES if own else DISTILLED_SIGMA_VALUES[::2], abs=1e-5)


@both
def test_motion_strength_is_motion_speed_and_the_middle_is_the_default(pipeline: Pipeline, name: str) -> None:
    pipe, card = pipeline(name)
    assert [find_motion_speed(strength) for strength in (0.0, 0.5, 1.0)] == [0.5, 1.0, 1.5]
    slow, own, fast = (run(pipe, card, request(card, strength=strength)).frames for strength in (0.0, 0.5, 1.0))
    assert not np.array_equal(slow, own)
    assert not np.array_equal(own, fast)


def test_an_end_frame_is_the_last_latent_and_a_block_number_becomes_a_list(pipeline: Pipeline) -> None:
    pipe, card = pipeline("ltx2_condition")
    own = with_point(card, arguments={"spatio_temporal_guidance_blocks": 29, "use_cross_timestep": False})
    made = get_family("ltx2").arguments(pipe, request(own, end=picture(flipped=True)), of(own))
    assert [condition.index for condition in made["conditions"]] == [0, -1]
    assert (made["spatio_temporal_guidance_blocks"], made["use_cross_timestep"]) == ([29], False)
    assert made["audio_guidance_scale"] == 7.0


def test_remembered_words_are_padded_on_the_side_they_were_read_with(tiny: Callable[[str], ModelCard]) -> None:
    card = tiny("ltx2_i2v")
    pipe = load(card)
    words = get_family("ltx2").words(pipe, request(card), of(card))
    fresh = load(card)
    fresh.tokenizer.padding_side = "right"
    get_family("ltx2").prepare(fresh, of(card))
    assert np.array_equal(run(fresh, card, request(card), words).frames, run(pipe, card, request(card)).frames)
    fresh.tokenizer.padding_side = "right"
    assert not np.array_equal(run(fresh, card, request(card), words).frames, run(pipe, card, request(card)).frames)
