"""SkyReels-V2: what the plain pipeline does, and its blocks known to the caches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FirstBlockCacheConfig

from studio.cards import ModelCard
from tests.fakes.tiny_runs import bare, load, picture, request, run

Tiny = Callable[[str], ModelCard]


def test_the_frames_are_those_of_a_plain_call(pipeline: Callable[[str], tuple[Any, ModelCard]]) -> None:
    pipe, card = pipeline("skyreels_v2")
    plain = bare(
        pipe, image=picture(), prompt="the waves roll in", negative_prompt="blurry", height=64, width=64, num_frames=5,
        num_inference_steps=2, guidance_scale=5.0, generator=torch.Generator("cpu").manual_seed(7),
    )  # fmt: skip
    assert np.array_equal(run(pipe, card, request(card)).frames, plain)


def test_the_first_block_cache_finds_its_blocks_and_skips_the_rest(tiny: Tiny) -> None:
    card = tiny("skyreels_v2")
    pipe = load(card)
    asked = request(card, steps=4)
    plain = run(pipe, card, asked).frames
    pipe.transformer.enable_cache(FirstBlockCacheConfig(threshold=1e9))
    cached = run(pipe, card, asked).frames
    pipe.transformer.disable_cache()
    assert not np.array_equal(cached, plain)
    assert np.array_equal(run(pipe, card, asked).frames, plain)


def test_the_pipeline_itself_fails_on_an_end_frame_so_that_it_has_to_be_refused(tiny: Tiny) -> None:
    card = tiny("skyreels_v2")
    with pytest.raises(RuntimeError):
        bare(load(card), image=picture(), last_image=picture(flipped=True), prompt="", height=64, width=64, num_frames=5)
