"""What holds for LTX, LTX-2, SVD, I2VGen-XL, CogVideoX, HunyuanVideo 1.5, Kandinsky 5 and SANA-Video alike.

Each through the real class and a tiny checkpoint: lengths and sizes, seeds that mean something, words read once, calls counted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from studio.cards import Checkpoint, ModelCard
from studio.engines.diffusion.families import get_family
from studio.engines.diffusion.families.family import Family
from studio.engines.diffusion.families.seeded_noise import draw_from
from studio.nouns import Refusal
from tests.fakes.tiny_runs import counted, load, picture, request, run

Pipeline = Callable[[str], tuple[Any, ModelCard]]
Usual = Callable[[str], NDArray[np.float32]]
READERS = (
    "ltx_i2v", "ltx_condition", "ltx2_i2v", "ltx2_condition", "i2vgen_xl", "cogvideox_i2v", "cogvideox15_i2v", "hunyuan15_i2v",
    "kandinsky5_i2v", "sana_i2v",
)  # fmt: skip
SILENT = ("i2vgen_xl", "hunyuan15_i2v")
"""Those without a callback: what they are making is seen in what their denoiser is given."""

every = pytest.mark.parametrize("name", (*READERS, "svd"))
reading = pytest.mark.parametrize("name", READERS)


@pytest.fixture(scope="module")
def usual(pipeline: Pipeline) -> Callable[[str], NDArray[np.float32]]:
    """`usual(name)` are the frames of a card's default run, made once."""

    @cache
    def get(name: str) -> NDArray[np.float32]:
        pipe, card = pipeline(name)
        return run(pipe, card, request(card)).frames

    return get


def of(card: ModelCard) -> Checkpoint:
    assert card.checkpoint is not None
    return card.checkpoint


def kind_of(card: ModelCard) -> Family:
    return get_family(of(card).family)


def parts(pipe: Any, names: tuple[str, ...]) -> list[Any]:
    return [getattr(pipe, name) for name in names]


@every
def test_the_class_the_card_names_makes_as_many_frames_as_its_lengths_say(pipeline: Pipeline, name: str) -> None:
    pipe, card = pipeline(name)
    lengths = of(card).lengths
    for count in {max(2, lengths.least), min(lengths.least + lengths.step, lengths.most), lengths.default}:
        frames = run(pipe, card, request(card, num_frames=count, steps=1, own_steps=False)).frames
        assert frames.shape == (count, 64, 64, 3)
        assert frames.dtype == np.float32
        assert np.isfinite(frames).all()
        assert 0.0 <= frames.min() <= frames.max() <= 1.0


@every
def test_wide_and_tall_frames_come_out_as_asked(pipeline: Pipeline, name: str) -> None:
    pipe, card = pipeline(name)
    for width, height in of(card).sizes.native[1:]:
        asked = request(card, width=width, height=height, steps=1, own_steps=False)
        assert run(pipe, card, asked).frames.shape[1:3] == (height, width)


@every
def test_a_seed_means_its_frames_and_another_seed_means_others(pipeline: Pipeline, usual: Usual, name: str) -> None:
    pipe, card = pipeline(name)
    assert not np.array_equal(run(pipe, card, request(card, seed=3)).frames, usual(name))
    assert np.array_equal(run(pipe, card, request(card)).frames, usual(name))


@every
def test_a_fresh_pipeline_with_remembered_words_makes_the_same_frames(pipeline: Pipeline, usual: Usual, name: str) -> None:
    pipe, card = pipeline(name)
    asked = request(card)
    words = kind_of(card).words(pipe, asked, of(card))
    assert np.array_equal(run(load(card), card, asked, words).frames, usual(name))


@every
def test_the_photo_matters_and_preparing_twice_changes_nothing(pipeline: Pipeline, usual: Usual, name: str) -> None:
    pipe, card = pipeline(name)
    kind_of(card).prepare(pipe, of(card))
    assert not np.array_equal(run(pipe, card, request(card, image=picture(flipped=True))).frames, usual(name))
    assert np.array_equal(run(pipe, card, request(card)).frames, usual(name))


@reading
def test_remembered_words_skip_the_encoders_and_give_what_a_plain_prompt_gives(pipeline: Pipeline, name: str) -> None:
    pipe, card = pipeline(name)
    for guidance in (of(card).guidance.default, 1.0):
        asked = request(card, guidance=guidance, prompt='A sign says "open"')
        prompt, negative = kind_of(card).prompts(asked, of(card))
        plain = {**kind_of(card).arguments(pipe, asked, of(card)), "prompt": prompt, "negative_prompt": negative}
        with counted(*parts(pipe, of(card).encoders)) as read, draw_from(plain["generator"]):
            fresh = np.asarray(pipe(**plain).frames[0])
        assert read[0] > 0
        words = kind_of(card).words(pipe, asked, of(card))
        assert all(value.device.type == "cpu" and not value.requires_grad for value in words.values())
        assert set(words) <= set(kind_of(card).words_arguments)
        with counted(*parts(pipe, of(card).encoders)) as read:
            assert np.array_equal(run(pipe, card, asked, words).frames, fresh)
        assert read == [0]


@reading
def test_words_matter_and_a_negative_prompt_is_read_only_under_guidance(pipeline: Pipeline, usual: Usual, name: str) -> None:
    pipe, card = pipeline(name)
    assert not np.array_equal(run(pipe, card, request(card, prompt="a red sail")).frames, usual(name))
    words = kind_of(card).words(pipe, request(card), of(card))
    assert set(words) == set(kind_of(card).words_arguments)
    with counted(*parts(pipe, of(card).encoders)) as read:
        unguided = kind_of(card).words(pipe, request(card, guidance=1.0), of(card))
    assert set(unguided) == {name for name in words if not name.startswith("negative")}
    assert read[0] <= len(of(card).encoders)


@every
def test_steps_and_the_denoiser_calls_in_each_are_as_announced(pipeline: Pipeline, name: str) -> None:
    pipe, card = pipeline(name)
    for guidance in (of(card).guidance.default, 1.0):
        asked = request(card, guidance=guidance, steps=3, own_steps=False)
        with counted(*parts(pipe, of(card).denoisers)) as calls:
            run(pipe, card, asked)
        assert kind_of(card).steps_in_all(pipe, asked, of(card)) == 3
        assert calls == [3 * kind_of(card).calls_per_step(pipe, asked)]


@every
def test_a_step_shows_latents_in_the_denoisers_own_space(pipeline: Pipeline, name: str) -> None:
    pipe, card = pipeline(name)
    asked = request(card, end=picture(flipped=True) if "end_frame" in card.supports else None)
    seen: list[Any] = []

    def watch(_: Any, step: int, time: Any, kept: dict[str, Any]) -> dict[str, Any]:
        seen.append(kind_of(card).picture_latents(pipe, kept["latents"], asked))
        return kept

    def peek(_: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        seen.append(kind_of(card).picture_latents(pipe, named.get("hidden_states", given[0] if given else None), asked))

    if name in SILENT:
        hook = getattr(pipe, of(card).denoisers[0]).register_forward_pre_hook(peek, with_kwargs=True)
        run(pipe, card, asked)
        hook.remove()
    else:
        run(pipe, card, asked, callback_on_step_end=watch)
    flat = name in ("svd", "i2vgen_xl")
    video = torch.rand(1, 3, *(() if flat else (asked.num_frames,)), 64, 64) * 2 - 1
    encoded = pipe.vae.encode(video).latent_dist.mode()
    assert kind_of(card).normalise_latents(pipe, encoded).shape == encoded.shape
    frames = asked.num_frames if flat else encoded.shape[2]
    assert len(seen) >= asked.steps
    for latents in seen:
        assert latents.shape == (encoded.shape[1], frames, *encoded.shape[-2:])
        assert torch.isfinite(latents).all()


@every
def test_an_end_frame_is_refused_or_followed_as_the_card_says(pipeline: Pipeline, usual: Usual, name: str) -> None:
    pipe, card = pipeline(name)
    ends = (picture(flipped=True), picture().rotate(90))
    if "end_frame" not in card.supports:
        with pytest.raises(Refusal, match="how a clip ends"):
            kind_of(card).arguments(pipe, request(card, end=ends[0]), of(card))
        return
    one, another = (run(pipe, card, request(card, end=end)).frames for end in ends)
    assert usual(name).shape == one.shape == another.shape
    assert not np.array_equal(usual(name), one)
    assert not np.array_equal(one, another)


@reading
def test_half_precision_is_kept_all_the_way(tiny: Callable[[str], ModelCard], name: str) -> None:
    import diffusers

    card = tiny(name)
    point = of(card)
    types = {part: getattr(torch, kind) for part, kind in {"default": "bfloat16", **point.dtypes}.items()}
    pipe = getattr(diffusers, point.pipeline).from_pretrained(point.repo, local_files_only=True, dtype=types)
    pipe.set_progress_bar_config(disable=True)
    kind_of(card).prepare(pipe, point)
    words = kind_of(card).words(pipe, asked := request(card, steps=1, own_steps=False), point)
    assert any(value.dtype == torch.bfloat16 for value in words.values())
    assert np.isfinite(run(pipe, card, asked, words).frames).all()
