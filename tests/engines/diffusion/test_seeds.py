"""A seed is the same clip on every device: all random numbers of a run come from one generator, and that is the processor's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from studio.cards import ModelCard
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.diffusion.families import seeded_noise
from studio.engines.diffusion.run import pipeline_run
from tests.fakes import faults, tiny

Tiny = Callable[[str], ModelCard]


class Draws(TorchDispatchMode):
    """Every operation that torch itself marks as random, where it drew, and whether that was from `generator`.

    Attention without dropout isn't random. A generator comes here as another object of Python's with the same state.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, torch.device, bool]] = []
        self.generator: torch.Generator | None = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if torch.Tag.nondeterministic_seeded in func.tags and "scaled_dot_product" not in str(func):
            given, own = (kwargs or {}).get("generator"), self.generator
            same = given is not None and own is not None and torch.equal(given.get_state(), own.get_state())
            self.seen.append((str(func), made.device, same))
        return made


@pytest.mark.parametrize("name", sorted(tiny.BUILDERS))
def test_all_is_drawn_from_the_one_generator(
    engine: DiffusionEngine, tiny: Tiny, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, draws = tiny(name), Draws()

    class Watched(pipeline_run.DeferredDecode):
        """The run's decode, in the same thread as the run."""

        def __init__(self, pipe: Any, generator: torch.Generator) -> None:
            super().__init__(pipe, generator)
            assert generator.device.type == "cpu" and draws.generator is None
            draws.generator = generator

        def convert(self, pieces: Any, count: int) -> Iterator[Any]:
            return iter(list(super().convert(pieces, count)))

    monkeypatch.setattr(pipeline_run, "DeferredDecode", Watched)
    with draws:
        faults.made(engine, card, quality="draft", steps=3)
    assert draws.seen and [one for one in draws.seen if not one[2]] == []


@pytest.mark.parametrize("draw", ["rand", "randn"])
def test_what_would_be_drawn_on_a_device_is_drawn_on_the_processor_and_moved(draw: str) -> None:
    """ "meta" stands for the device: torch itself won't draw there from a generator of the processor's."""
    import diffusers.pipelines.helios.pipeline_helios as drawing

    generator, same = (torch.Generator("cpu").manual_seed(3) for _ in range(2))
    with Draws() as draws, seeded_noise.draw_from(generator):
        there = getattr(drawing.torch, draw)((2, 3), device="meta", dtype=torch.bfloat16)
        here = getattr(drawing.torch, draw)(2, 3, device="cpu")
    assert there.device.type == "meta" and there.dtype == torch.bfloat16
    assert {device.type for _, device, _ in draws.seen} == {"cpu"}
    getattr(torch, draw)((2, 3), generator=same, dtype=torch.bfloat16)
    assert torch.equal(here, getattr(torch, draw)((2, 3), generator=same))
    assert isinstance(drawing.torch.zeros(1), torch.Tensor), "the rest of torch is as it was"


def test_two_threads_draw_from_their_own_generators() -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    from diffusers.utils.torch_utils import randn_tensor

    both = Barrier(2)

    def draw(seed: int) -> Any:
        with seeded_noise.draw_from(torch.Generator("cpu").manual_seed(seed)):
            both.wait()
            drawn = [randn_tensor((4,)) for _ in range(3)]
            both.wait()
        return torch.stack(drawn).numpy()

    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(draw, (1, 2))
    for seed, drawn in ((1, one), (2, other)):
        generator = torch.Generator("cpu").manual_seed(seed)
        assert np.array_equal(drawn, torch.stack([torch.randn(4, generator=generator) for _ in range(3)]).numpy())
