"""CogVideoX: dynamic guidance by scheduler, 1.0's one size, and 1.5's padding and offset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from studio.cards import Checkpoint, ModelCard
from studio.engines.diffusion.families import get_family
from tests.fakes.tiny_runs import load, request, run, with_point

Pipeline = Callable[[str], tuple[Any, ModelCard]]


def of(card: ModelCard) -> Checkpoint:
    assert card.checkpoint is not None
    return card.checkpoint


def test_guidance_is_dynamic_with_dpm_and_plain_with_ddim_unless_a_card_says(tiny: Callable[[str], ModelCard]) -> None:
    from diffusers import CogVideoXDDIMScheduler

    card = tiny("cogvideox_i2v")
    pipe = load(card)
    kind = get_family("cogvideox")
    assert kind.arguments(pipe, request(card), of(card))["use_dynamic_cfg"] is True
    own = with_point(card, arguments={"use_dynamic_cfg": False})
    assert not np.array_equal(run(pipe, card, request(card)).frames, run(pipe, own, request(own)).frames)
    pipe.scheduler = CogVideoXDDIMScheduler.from_config(pipe.scheduler.config)
    assert kind.arguments(pipe, request(card), of(card))["use_dynamic_cfg"] is False


def test_the_older_one_makes_one_size_only(pipeline: Pipeline) -> None:
    pipe, card = pipeline("cogvideox_i2v")
    assert of(card).sizes.rule == "listed"
    with pytest.raises(ValueError, match="resolution"):
        run(pipe, card, request(card, width=96))


def test_the_newer_one_gets_its_offset_and_shows_no_padding(pipeline: Pipeline) -> None:
    pipe, card = pipeline("cogvideox15_i2v")
    offsets: list[Any] = []
    hook = pipe.transformer.register_forward_pre_hook(lambda _, given, named: offsets.append(named["ofs"]), with_kwargs=True)
    padded: list[int] = []
    shown: list[int] = []

    def watch(_: Any, step: int, time: Any, kept: dict[str, Any]) -> dict[str, Any]:
        padded.append(kept["latents"].shape[1])
        shown.append(get_family("cogvideox").picture_latents(pipe, kept["latents"], asked).shape[1])
        return kept

    asked = request(card, num_frames=17)
    run(pipe, card, asked, callback_on_step_end=watch)
    hook.remove()
    assert offsets
    assert all(offset is not None and float(offset[0]) == 2.0 for offset in offsets)
    assert set(padded) == {6}
    assert set(shown) == {5}
