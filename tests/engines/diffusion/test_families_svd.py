"""SVD: no words, motion strength as its two numbers, and guidance that grows along the clip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from studio.cards import Checkpoint, ModelCard
from studio.engines.diffusion.families import get_family
from studio.engines.diffusion.families.svd import choose_motion
from tests.fakes.tiny_runs import bare, request, run, with_point

Pipeline = Callable[[str], tuple[Any, ModelCard]]


def of(card: ModelCard) -> Checkpoint:
    assert card.checkpoint is not None
    return card.checkpoint


def test_it_reads_no_words(pipeline: Pipeline) -> None:
    pipe, card = pipeline("svd")
    assert get_family("svd").words(pipe, request(card), of(card)) == {}
    one, another = (run(pipe, card, request(card, prompt=prompt)).frames for prompt in ("waves", "wind"))
    assert np.array_equal(one, another)


def test_motion_strength_has_its_default_in_the_middle_and_never_loses_the_photo() -> None:
    assert choose_motion(0.5) == {"motion_bucket_id": 127, "noise_aug_strength": 0.02}
    assert choose_motion(0.0) == {"motion_bucket_id": 0, "noise_aug_strength": 0.02}
    assert choose_motion(1.0) == {"motion_bucket_id": 254, "noise_aug_strength": pytest.approx(0.1)}
    rising = [choose_motion(strength / 10) for strength in range(11)]
    assert rising == sorted(rising, key=lambda both: (both["motion_bucket_id"], both["noise_aug_strength"]))


def test_strength_and_rate_are_conditions_and_the_default_run_is_the_pipelines_own(pipeline: Pipeline) -> None:
    pipe, card = pipeline("svd")
    asked = request(card)
    own = run(pipe, card, asked).frames
    generator = get_family("svd").generator(pipe, asked)
    plain = bare(pipe, image=asked.image, width=64, height=64, num_frames=4, num_inference_steps=2, fps=7, generator=generator)
    assert np.array_equal(own, plain)
    assert not np.array_equal(run(pipe, card, request(card, strength=0.9)).frames, own)
    assert not np.array_equal(run(pipe, card, request(card, fps=14)).frames, own)


def test_guidance_is_the_last_frames_and_a_card_decides_on_the_first(pipeline: Pipeline) -> None:
    pipe, card = pipeline("svd")
    kind = get_family("svd")
    made = kind.arguments(pipe, request(card, guidance=2.5), of(card))
    assert (made["min_guidance_scale"], made["max_guidance_scale"]) == (1.0, 2.5)
    own = with_point(card, arguments={"min_guidance_scale": 1.5, "decode_chunk_size": 2, "motion_bucket_id": 40})
    made = kind.arguments(pipe, request(own), of(own))
    assert (made["min_guidance_scale"], made["decode_chunk_size"], made["motion_bucket_id"]) == (1.5, 2, 40)
    assert np.isfinite(run(pipe, own, request(own)).frames).all()


def test_a_preview_of_early_steps_is_not_drowned_in_their_noise(pipeline: Pipeline) -> None:
    pipe, card = pipeline("svd")
    asked = request(card, steps=4)
    spreads: list[float] = []

    def watch(_: Any, step: int, time: Any, kept: dict[str, Any]) -> dict[str, Any]:
        spreads.append(float(get_family("svd").picture_latents(pipe, kept["latents"], asked).std()))
        return kept

    run(pipe, card, asked, callback_on_step_end=watch)
    assert max(spreads) < 5.0
