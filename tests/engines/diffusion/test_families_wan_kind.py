"""What holds for every family of the Wan kind: true lengths and sizes, seeds that mean something, words read once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from studio.cards import Checkpoint, ModelCard
from studio.engines.diffusion.families import NAMES, family, get_family
from studio.nouns import Refusal
from tests.fakes.tiny_runs import counted, load, picture, request, run, stepped, with_point

Pipeline = Callable[[str], tuple[Any, ModelCard]]
CHECKPOINTS = (
    "wan21_i2v", "wan21_flf2v", "wan22_a14b", "wan22_ti2v_5b", "skyreels_v2", "helios", "helios_pyramid", "framepack",
    "framepack_f1",
)  # fmt: skip
every = pytest.mark.parametrize("name", CHECKPOINTS)
First = Callable[[str], NDArray[np.float32]]


@pytest.fixture(scope="module")
def first(pipeline: Pipeline) -> First:
    """The frames of a card's default run, made once."""

    @cache
    def frames(name: str) -> NDArray[np.float32]:
        return run(*pipeline(name), request(pipeline(name)[1])).frames

    return frames


def of(card: ModelCard) -> Checkpoint:
    assert card.checkpoint is not None
    return card.checkpoint


def denoisers(pipe: Any, card: ModelCard) -> list[Any]:
    return [getattr(pipe, name) for name in of(card).denoisers]


def encoders(pipe: Any, card: ModelCard) -> list[Any]:
    return [getattr(pipe, name) for name in of(card).encoders]


@every
def test_the_class_the_card_names_makes_as_many_frames_as_its_lengths_say(pipeline: Pipeline, name: str) -> None:
    pipe, card = pipeline(name)
    lengths = of(card).lengths
    for count in (lengths.least, lengths.least + lengths.step):
        frames = run(pipe, card, request(card, num_frames=count, steps=of(card).steps.least)).frames
        assert frames.shape == (count, 64, 64, 3)
        assert frames.dtype == np.float32
        assert frames.min() >= 0.0
        assert frames.max() <= 1.0
        assert np.isfinite(frames).all()


@every
def test_wide_and_tall_frames_come_out_as_asked(pipeline: Pipeline, name: str) -> None:
    pipe, card = pipeline(name)
    for width, height in of(card).sizes.native[1:]:
        asked = request(card, width=width, height=height, num_frames=of(card).lengths.least, steps=of(card).steps.least)
        assert run(pipe, card, asked).frames.shape[1:3] == (height, width)


@every
def test_a_seed_means_its_frames_and_another_seed_means_others(pipeline: Pipeline, first: First, name: str) -> None:
    pipe, card = pipeline(name)
    assert np.array_equal(run(pipe, card, request(card)).frames, first(name))
    assert not np.array_equal(run(pipe, card, request(card, seed=8)).frames, first(name))


@every
def test_another_prompt_makes_other_frames(pipeline: Pipeline, first: First, name: str) -> None:
    pipe, card = pipeline(name)
    assert not np.array_equal(run(pipe, card, request(card, prompt="a bird flies up")).frames, first(name))


@every
def test_remembered_words_need_no_encoder_and_change_nothing(tiny: Callable[[str], ModelCard], first: First, name: str) -> None:
    card = tiny(name)
    pipe, asked = load(card), request(card)
    words = get_family(of(card).family).words(pipe, asked, of(card))
    assert all(value.device.type == "cpu" and not value.requires_grad for value in words.values())
    with counted(*encoders(pipe, card)) as read:
        assert np.array_equal(run(pipe, card, asked, words).frames, first(name))
    assert read == [0]
    for component in of(card).encoders:
        setattr(pipe, component, None)
    assert np.array_equal(run(pipe, card, asked, words).frames, first(name))


@every
def test_steps_and_the_denoiser_calls_in_each_are_as_announced(pipeline: Pipeline, name: str) -> None:
    pipe, card = pipeline(name)
    kind = get_family(of(card).family)
    for guidance in (of(card).guidance.default, 1.0):
        asked = request(card, guidance=guidance, num_frames=of(card).lengths.least + of(card).lengths.step)
        with counted(*denoisers(pipe, card)) as calls:
            steps = stepped(pipe, card, asked)
        assert steps == kind.steps_in_all(pipe, asked, of(card))
        assert calls == [steps * kind.calls_per_step(pipe, asked)]


@every
def test_without_guidance_no_negative_prompt_is_read(pipeline: Pipeline, name: str) -> None:
    pipe, card = pipeline(name)
    words = get_family(of(card).family).words(pipe, request(card, guidance=1.0), of(card))
    assert set(words) <= {"prompt_embeds", "pooled_prompt_embeds", "prompt_attention_mask"}


@every
def test_a_step_shows_latents_in_the_denoisers_own_space(pipeline: Pipeline, name: str) -> None:
    pipe, card = pipeline(name)
    kind, asked = get_family(of(card).family), request(card)
    seen: list[Any] = []

    def watch(_: Any, step: int, time: Any, kept: dict[str, Any]) -> dict[str, Any]:
        seen.append(kind.picture_latents(pipe, kept["latents"], asked))
        return kept

    run(pipe, card, asked, callback_on_step_end=watch)
    last = seen[-1]
    encoded = pipe.vae.encode(torch.rand(1, 3, 9, 64, 64) * 2 - 1).latent_dist.mode()
    assert last.ndim == 4
    assert last.shape[0] == encoded.shape[1]
    assert last.shape[2:] == encoded.shape[3:]
    assert kind.normalise_latents(pipe, encoded).shape == encoded.shape


def test_a_picture_that_went_to_the_denoisers_space_comes_back(pipeline: Pipeline) -> None:
    pipe, card = pipeline("wan21_i2v")
    encoded = torch.randn(1, 16, 2, 4, 4)
    mean, std = (torch.tensor(pipe.vae.config[name]).view(1, 16, 1, 1, 1) for name in ("latents_mean", "latents_std"))
    there = get_family(of(card).family).normalise_latents(pipe, encoded)
    assert torch.allclose(there * std + mean, encoded, atol=1e-5)


def test_a_shift_changes_the_schedule_and_preparing_twice_changes_nothing(tiny: Callable[[str], ModelCard]) -> None:
    card = tiny("wan21_i2v")
    pipe = load(card)
    assert pipe.scheduler.config.flow_shift == 3.0
    family.shift_schedule(pipe, 16.0)
    pipe.scheduler.set_timesteps(4)
    far = pipe.scheduler.timesteps.clone()
    get_family("wan").prepare(pipe, of(card))
    get_family("wan").prepare(pipe, of(card))
    pipe.scheduler.set_timesteps(4)
    assert pipe.scheduler.config.flow_shift == 3.0
    assert not torch.equal(far, pipe.scheduler.timesteps)


def test_a_distilled_schedule_stands_only_while_its_own_number_of_steps_does(pipeline: Pipeline) -> None:
    pipe, card = pipeline("framepack")
    steps = of(card).steps
    point = of(with_point(card, steps=type(steps)(default=2, least=1, most=8, draft=1, best=3, sigmas=(1.0, 0.7, 0.3))))
    kind = get_family("framepack")
    own, users = (request(card, own_steps=own) for own in (True, False))
    assert kind.arguments(pipe, own, point)["sigmas"] == [1.0, 0.7, 0.3]
    assert "sigmas" not in kind.arguments(pipe, users, point)
    assert (kind.steps_in_all(pipe, own, point), kind.steps_in_all(pipe, users, point)) == (3, 2)


def test_a_constant_the_pipeline_does_not_take_is_refused(pipeline: Pipeline) -> None:
    pipe, card = pipeline("wan21_i2v")
    point = of(with_point(card, arguments={"speed_of_light": 3.0}))
    with pytest.raises(Refusal, match="speed_of_light"):
        get_family("wan").arguments(pipe, request(card), point)


def test_an_end_frame_is_refused_where_it_would_do_nothing(pipeline: Pipeline) -> None:
    for name in ("wan21_i2v", "wan22_ti2v_5b", "skyreels_v2", "helios", "helios_pyramid", "framepack_f1"):
        pipe, card = pipeline(name)
        with pytest.raises(Refusal, match="how a clip ends"):
            get_family(of(card).family).arguments(pipe, request(card, end=picture(flipped=True)), of(card))


def test_an_end_frame_changes_the_frames_where_the_card_supports_it(pipeline: Pipeline, first: First) -> None:
    for name in ("wan21_flf2v", "wan22_a14b", "framepack"):
        pipe, card = pipeline(name)
        assert "end_frame" in card.supports
        to_one, to_another = (
            run(pipe, card, request(card, end=end)).frames for end in (picture(flipped=True), picture().rotate(90))
        )
        assert to_one.shape == first(name).shape
        assert not np.array_equal(first(name), to_one)
        assert not np.array_equal(to_one, to_another)


def test_an_unknown_family_is_refused_and_every_named_one_is_a_module() -> None:
    with pytest.raises(Refusal, match="zeppelin"):
        get_family("zeppelin")
    for name in NAMES:
        assert type(get_family(name)).__module__.endswith(f".{name}")
        assert get_family(name) is get_family(name)
