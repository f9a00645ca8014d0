"""HunyuanVideo 1.5: sizes that are the photo's, guidance by guider, words in quotation marks, and caches that find its blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from studio.cards import Checkpoint, ModelCard
from studio.engines.diffusion.families import get_family
from tests.fakes.tiny_runs import counted, load, request, run

Pipeline = Callable[[str], tuple[Any, ModelCard]]


def of(card: ModelCard) -> Checkpoint:
    assert card.checkpoint is not None
    return card.checkpoint


def test_a_photo_cut_to_any_bucket_comes_out_at_that_size(pipeline: Pipeline) -> None:
    from diffusers.pipelines.hunyuan_video1_5.image_processor import HunyuanVideo15ImageProcessor, generate_crop_size_list

    pipe, card = pipeline("hunyuan15_i2v")
    own = HunyuanVideo15ImageProcessor(vae_scale_factor=8)
    buckets = set(generate_crop_size_list(pipe.target_size, 8))
    astray = {size for size in buckets if own.calculate_default_height_width(*size, target_size=64) != size}
    assert astray, "upstream picks every bucket for itself now: drop own_size"
    for height, width in [*sorted(astray)[:3], (48, 80), (64, 64)]:
        asked = request(card, width=width, height=height, num_frames=5, steps=1, guidance=1.0)
        assert run(pipe, card, asked).frames.shape == (5, height, width, 3)


def test_guidance_goes_through_the_guider_and_leaves_nothing_behind(pipeline: Pipeline) -> None:
    pipe, card = pipeline("hunyuan15_i2v")
    strong, weak, off, again = (
        run(pipe, card, request(card, num_frames=5, guidance=scale)).frames for scale in (9.0, 2.0, 1.0, 9.0)
    )
    assert np.array_equal(strong, again)
    assert not np.array_equal(strong, weak)
    assert not np.array_equal(weak, off)
    get_family("hunyuan15").arguments(pipe, request(card, guidance=0.0), of(card))
    assert pipe.guider.guidance_scale == 1.0


def test_words_in_quotation_marks_are_read_letter_by_letter(pipeline: Pipeline) -> None:
    pipe, card = pipeline("hunyuan15_i2v")
    for prompt, expected in (("a sign", 0), ('a sign says "open"', 1)):
        with counted(pipe.text_encoder_2) as read:
            words = get_family("hunyuan15").words(pipe, request(card, prompt=prompt, guidance=1.0), of(card))
        assert read == [expected]
        assert bool(words["prompt_embeds_mask_2"].any()) is bool(expected)


def test_no_callback_is_taken_and_the_latents_are_the_denoisers_first_channels(pipeline: Pipeline) -> None:
    pipe, card = pipeline("hunyuan15_i2v")
    given: list[Any] = []
    hook = pipe.transformer.register_forward_pre_hook(lambda _, a, named: given.append(named["hidden_states"]), with_kwargs=True)
    run(pipe, card, request(card))
    hook.remove()
    seen = [get_family("hunyuan15").picture_latents(pipe, latents, request(card)) for latents in given]
    assert all(latents.shape == (4, 2, 8, 8) for latents in seen)
    assert not np.array_equal(seen[0], seen[-1])
    with pytest.raises(TypeError, match="callback_on_step_end"):
        run(pipe, card, request(card), callback_on_step_end=lambda *_: {})


def test_a_cache_finds_its_blocks_and_is_gone_when_switched_off(tiny: Callable[[str], ModelCard]) -> None:
    from diffusers import FirstBlockCacheConfig

    card = tiny("hunyuan15_i2v")
    pipe = load(card)
    asked = request(card, steps=4, num_frames=5)
    plain = run(pipe, card, asked).frames
    pipe.transformer.enable_cache(FirstBlockCacheConfig(threshold=1e9))
    with (
        counted(pipe.transformer.transformer_blocks[0].attn) as first,
        counted(pipe.transformer.transformer_blocks[1].attn) as rest,
    ):
        cached = run(pipe, card, asked).frames
    assert rest[0] < first[0]
    assert not np.array_equal(cached, plain)
    pipe.transformer.disable_cache()
    assert np.array_equal(run(pipe, card, asked).frames, plain)
