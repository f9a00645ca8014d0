"""Kandinsky 5: what it avoids when nothing is said, and the length below which it has no picture to give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from studio.cards import Checkpoint, ModelCard
from studio.engines.diffusion.families import get_family
from studio.engines.diffusion.families.kandinsky5 import NEGATIVE
from tests.fakes.tiny_runs import bare, request, run

Pipeline = Callable[[str], tuple[Any, ModelCard]]


def of(card: ModelCard) -> Checkpoint:
    assert card.checkpoint is not None
    return card.checkpoint


def test_nothing_said_is_the_models_own_and_something_said_counts(pipeline: Pipeline) -> None:
    pipe, card = pipeline("kandinsky5_i2v")
    asked = request(card, negative=" ")
    assert get_family("kandinsky5").prompts(asked, of(card))[1] == NEGATIVE
    plain = bare(
        pipe, image=asked.image, prompt=asked.prompt, width=64, height=64, num_frames=17, num_inference_steps=2,
        generator=get_family("kandinsky5").generator(pipe, asked), max_sequence_length=1024,
    )  # fmt: skip
    assert np.array_equal(run(pipe, card, asked).frames, plain)
    said, own = (get_family("kandinsky5").words(pipe, one, of(card)) for one in (request(card, negative="blurry"), asked))
    assert not torch.equal(said["negative_prompt_embeds_clip"], own["negative_prompt_embeds_clip"])
    assert torch.equal(said["prompt_embeds_clip"], own["prompt_embeds_clip"])


def test_four_latent_frames_are_too_few_to_be_evened_out(pipeline: Pipeline) -> None:
    pipe, card = pipeline("kandinsky5_i2v")
    short = run(pipe, card, request(card, num_frames=13, steps=1, guidance=1.0)).frames
    assert not np.isfinite(short).all(), "mended upstream: shorter clips can be allowed"
    assert of(card).lengths.least == 17
