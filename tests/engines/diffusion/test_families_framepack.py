"""FramePack, backwards from the end and forwards: sections and plain calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from studio.cards import Lengths, ModelCard
from studio.engines.diffusion.families import get_family
from studio.engines.diffusion.families.family import count_pipeline_frames, count_sections
from tests.fakes.tiny_runs import bare, picture, request, run, with_point

Pipeline = Callable[[str], tuple[Any, ModelCard]]


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("framepack", {"sampling_type": "inverted_anti_drifting"}),
        ("framepack", {"sampling_type": "inverted_anti_drifting", "last_image": picture(flipped=True)}),
        ("framepack_f1", {"sampling_type": "vanilla"}),
    ],
)
def test_the_frames_are_those_of_a_plain_call(pipeline: Pipeline, name: str, own: dict[str, Any]) -> None:
    pipe, card = pipeline(name)
    plain = bare(
        pipe, image=picture(), prompt="the waves roll in", height=64, width=64, num_frames=9, latent_window_size=3,
        num_inference_steps=2, guidance_scale=9.0, generator=torch.Generator("cpu").manual_seed(7), **own,
    )  # fmt: skip
    assert np.array_equal(run(pipe, card, request(card, end=own.get("last_image"))).frames, plain)


def test_the_published_window_gives_36_frames_a_section_and_one_more(pipeline: Pipeline) -> None:
    pipe, card = pipeline("framepack")
    published = with_point(
        card, arguments={}, lengths=Lengths(step=36, first=1, least=37, most=1801, default=37, ask_step=33, ask_first=0)
    )
    assert published.checkpoint is not None
    assert [(count_sections(n, published.checkpoint), count_pipeline_frames(n, published.checkpoint)) for n in (37, 73, 145)] == [
        (1, 33),
        (2, 66),
        (4, 132),
    ]
    assert len(run(pipe, published, request(published, num_frames=73, steps=1)).frames) == 73


def test_guidance_is_a_number_the_denoiser_reads_and_not_a_second_pass(pipeline: Pipeline) -> None:
    pipe, card = pipeline("framepack")
    low, high = (run(pipe, card, request(card, guidance=value)).frames for value in (1.0, 12.0))
    assert not np.array_equal(low, high)
    assert get_family("framepack").calls_per_step(pipe, request(card, guidance=12.0)) == 1


def test_the_negative_prompt_is_no_part_of_what_is_read(pipeline: Pipeline) -> None:
    _, card = pipeline("framepack")
    assert card.checkpoint is not None
    assert get_family("framepack").prompts(request(card), card.checkpoint) == ("the waves roll in", "")
