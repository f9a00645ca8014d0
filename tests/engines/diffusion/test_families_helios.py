"""Helios, plain and in a pyramid: sections, steps by stage, and its blocks known to the caches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FirstBlockCacheConfig

from studio.cards import ModelCard
from studio.engines.diffusion.families import get_family
from studio.engines.diffusion.families.family import count_pipeline_frames, count_sections
from tests.fakes.tiny_runs import bare, load, picture, request, run, stepped, with_point

Pipeline = Callable[[str], tuple[Any, ModelCard]]
PLAIN = {"prompt": "the waves roll in", "negative_prompt": "blurry", "height": 64, "width": 64, "num_frames": 33}


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("helios", {"guidance_scale": 5.0, "num_inference_steps": 2}),
        ("helios_pyramid", {"guidance_scale": 1.0, "pyramid_num_inference_steps_list": [1, 1, 1]}),
    ],
)
def test_the_frames_are_those_of_a_plain_call(pipeline: Pipeline, name: str, own: dict[str, Any]) -> None:
    pipe, card = pipeline(name)
    plain = bare(pipe, image=picture(), generator=torch.Generator("cpu").manual_seed(7), **PLAIN, **own)
    assert np.array_equal(run(pipe, card, request(card)).frames, plain)


def test_sections_are_asked_for_by_33_and_come_out_by_32(pipeline: Pipeline) -> None:
    _, card = pipeline("helios")
    point = card.checkpoint
    assert point is not None
    assert [(count_sections(n, point), count_pipeline_frames(n, point)) for n in (33, 65, 97, 129)] == [
        (1, 33),
        (2, 66),
        (3, 99),
        (4, 132),
    ]


def test_steps_are_shared_out_over_the_pyramid(pipeline: Pipeline) -> None:
    pipe, card = pipeline("helios_pyramid")
    kind, point = get_family("helios"), card.checkpoint
    assert point is not None
    shared = [kind.arguments(pipe, request(card, steps=n), point)["pyramid_num_inference_steps_list"] for n in (1, 3, 4, 6, 8)]
    assert shared == [[1, 1, 1], [1, 1, 1], [2, 1, 1], [2, 2, 2], [3, 3, 2]]


def test_an_amplified_first_section_is_counted_twice(pipeline: Pipeline) -> None:
    pipe, card = pipeline("helios_pyramid")
    amplified = with_point(card, arguments={"is_amplify_first_chunk": True})
    assert amplified.checkpoint is not None
    wanted = request(amplified, num_frames=65)
    assert stepped(pipe, amplified, wanted) == get_family("helios").steps_in_all(pipe, wanted, amplified.checkpoint) == 9


def test_the_first_block_cache_finds_its_blocks(tiny: Callable[[str], ModelCard]) -> None:
    card = tiny("helios")
    pipe = load(card)
    wanted = request(card, steps=3)
    plain = run(pipe, card, wanted).frames
    pipe.transformer.enable_cache(FirstBlockCacheConfig(threshold=1e9))
    cached = run(pipe, card, wanted).frames
    pipe.transformer.disable_cache()
    assert not np.array_equal(cached, plain)
    assert np.array_equal(run(pipe, card, wanted).frames, plain)
