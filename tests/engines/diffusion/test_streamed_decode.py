"""Frames that are decoded while they are read are bit for bit those that diffusers decodes in one go, in every family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.diffusion.families import get_family, seeded_noise
from studio.engines.diffusion.families.family import move_to_device
from studio.engines.diffusion.run.generation import Generation
from studio.engines.prepare import prepare
from studio.preferences import Preferences
from tests.fakes import faults, tiny

Tiny = Callable[[str], ModelCard]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiffusionEngine]:
    settings = Settings(tmp_path_factory.mktemp("home"))
    settings.prepare()
    made = DiffusionEngine(settings, faults.machine(), preferences=lambda: Preferences(preview=False))
    yield made
    made.close()


def decode_in_one_go(engine: DiffusionEngine, card: ModelCard, **changes: Any) -> Any:
    """The same shot by a plain call of the pipeline, which decodes and joins all by itself: uint8 (T, H, W, 3)."""
    checkpoint, image = card.checkpoint, faults.photo()
    assert checkpoint is not None
    prepared = prepare(faults.shot(image, card, **changes), card)
    request = Generation(engine._tools, prepared, image, None, lambda progress: None).build_request()
    kind, pipe = get_family(checkpoint.family), faults.pipe_of(engine, card)
    words = kind.words(pipe, request, checkpoint)
    arguments = {**kind.arguments(pipe, request, checkpoint), "output_type": "np"}
    with seeded_noise.draw_from(arguments["generator"]):
        output = pipe(**arguments, **move_to_device(pipe, words))
    frames = np.asarray(output.frames[0], np.float32)[: request.num_frames]
    return (np.clip(frames, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


@pytest.mark.parametrize("name", sorted(tiny.BUILDERS))
def test_streamed_frames_are_those_of_a_decode_in_one_go(engine: DiffusionEngine, tiny: Tiny, name: str) -> None:
    card = tiny(name)
    longest = {"seconds": min(3.0, card.seconds[1])}
    streamed = faults.pixels(faults.made(engine, card, steps=3, **longest))
    expected = decode_in_one_go(engine, card, steps=3, **longest)
    assert streamed.shape == expected.shape
    assert np.array_equal(streamed, expected)
