"""SANA-Video: motion strength as a score in the prompt, the instruction before it, and sizes that are not binned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from studio.cards import Checkpoint, ModelCard
from studio.engines.diffusion.families import get_family
from tests.fakes.tiny_runs import bare, request, run

Pipeline = Callable[[str], tuple[Any, ModelCard]]


def of(card: ModelCard) -> Checkpoint:
    assert card.checkpoint is not None
    return card.checkpoint


def test_motion_strength_is_a_score_in_the_prompt(pipeline: Pipeline) -> None:
    pipe, card = pipeline("sana_i2v")
    said = [
        get_family("sana").prompts(request(card, prompt="waves. ", strength=strength), of(card))[0]
        for strength in (0.0, 0.5, 1.0)
    ]
    assert said == [f"waves. motion score: {score}." for score in (0, 30, 60)]
    calm, wild = (run(pipe, card, request(card, strength=strength)).frames for strength in (0.1, 0.9))
    assert not np.array_equal(calm, wild)


def test_the_run_is_the_pipelines_own_but_for_the_bins(pipeline: Pipeline) -> None:
    pipe, card = pipeline("sana_i2v")
    asked = request(card, width=96)
    plain: dict[str, Any] = {
        "image": asked.image, "prompt": "the waves roll in motion score: 30.", "negative_prompt": asked.negative, "width": 96,
        "height": 64, "frames": 5, "num_inference_steps": 2,
    }  # fmt: skip
    generators = (get_family("sana").generator(pipe, asked) for _ in range(2))
    ours = run(pipe, card, asked).frames
    assert np.array_equal(ours, bare(pipe, generator=next(generators), use_resolution_binning=False, **plain))
    shapes: list[tuple[int, ...]] = []
    hook = pipe.transformer.register_forward_pre_hook(lambda _, given: shapes.append(tuple(given[0].shape[-2:])))
    run(pipe, card, asked)
    hook.remove()
    assert set(shapes) == {(8, 12)}
