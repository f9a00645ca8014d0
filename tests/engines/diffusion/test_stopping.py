"""Stopping a run: at once, leaving nothing behind, and the next run is bit for bit what it would have been."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.base import Stopped
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.prepare import prepare
from studio.frames import Frames
from studio.nouns import SpeedUp
from tests.fakes import faults, tiny

Tiny = Callable[[str], ModelCard]

CACHED: list[tuple[str, SpeedUp]] = [
    ("wan21_i2v", "first_block_cache"), ("wan22_a14b", "first_block_cache"), ("ltx_i2v", "first_block_cache"),
    ("skyreels_v2", "first_block_cache"), ("wan21_i2v", "taylorseer"),
    ("ltx_i2v", "taylorseer"),
]  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiffusionEngine]:
    """One engine, whose models are run, stopped and run again."""
    settings = Settings(tmp_path_factory.mktemp("home"))
    settings.prepare()
    made = DiffusionEngine(settings, faults.machine())
    yield made
    made.close()


def short(engine: DiffusionEngine, card: ModelCard, tick: Any = None, **changes: Any) -> Frames:
    """A clip of a few frames."""
    return faults.made(engine, card, tick, **{"quality": "draft", "steps": 3, **changes})


def untouched(pipe: Any, card: ModelCard) -> bool:
    """Whether nothing of a run is left on a pipeline."""
    assert card.checkpoint
    denoisers = [getattr(pipe, name) for name in card.checkpoint.denoisers]
    vae = pipe.vae
    return (
        all(not denoiser._forward_pre_hooks and not denoiser._forward_hooks for denoiser in denoisers)
        and all(not getattr(denoiser, "_cache_config", None) for denoiser in denoisers)
        and not {"progress_bar"} & set(vars(pipe))
        and not {"decode"} & set(vars(vae))
        and not vae.decoder._forward_pre_hooks
        and not getattr(vae, "use_tiling", False)
        and not getattr(vae, "use_slicing", False)
    )


@pytest.mark.parametrize("name", sorted(tiny.BUILDERS))
def test_stopped_in_mid_step_the_next_run_is_as_if_nothing_had_been(engine: DiffusionEngine, tiny: Tiny, name: str) -> None:
    card = tiny(name)
    steps = 3
    whole: list[Any] = []
    expected = faults.pixels(short(engine, card, whole.append, steps=steps))
    pipe = faults.pipe_of(engine, card)
    assert untouched(pipe, card)
    # Every denoiser call tells how far it is, and so does the end of every step: this is a call in the middle.
    middle = max(2, sum(progress.stage == "denoise" for progress in whole) // 2)
    stop = faults.Stop("denoise", middle)
    with pytest.raises(Stopped):
        short(engine, card, stop, steps=steps)
    assert untouched(pipe, card)
    assert np.array_equal(faults.pixels(short(engine, card, steps=steps)), expected)
    assert untouched(pipe, card)


@pytest.mark.parametrize(("name", "speedup"), CACHED)
def test_with_a_cache_on_as_well(engine: DiffusionEngine, tiny: Tiny, name: str, speedup: SpeedUp) -> None:
    card, pipe = tiny(name), faults.pipe_of(engine, tiny(name))
    plain = faults.pixels(short(engine, card, steps=6))
    expected = faults.pixels(short(engine, card, steps=6, speedups=(speedup,)))
    with pytest.raises(Stopped):
        short(engine, card, faults.Stop("denoise", 8), steps=6, speedups=(speedup,))
    assert untouched(pipe, card)
    assert np.array_equal(faults.pixels(short(engine, card, steps=6, speedups=(speedup,))), expected)
    with pytest.raises(Stopped):
        short(engine, card, faults.Stop("denoise", 8), steps=6, speedups=(speedup,))
    assert np.array_equal(faults.pixels(short(engine, card, steps=6)), plain), "and off again nothing is left of it"


@pytest.mark.parametrize("name", ["wan21_i2v", "wan22_a14b", "ltx2_i2v", "hunyuan15_i2v", "i2vgen_xl", "framepack", "svd"])
def test_a_stop_acts_within_one_denoiser_call(engine: DiffusionEngine, tiny: Tiny, name: str) -> None:
    card, pipe = tiny(name), faults.pipe_of(engine, tiny(name))
    assert card.checkpoint
    denoisers = [getattr(pipe, one) for one in card.checkpoint.denoisers]
    for allowed in (1, 2, 3):
        asked: list[bool] = []

        def tick(progress: Any, asked: list[bool] = asked) -> None:
            if asked:
                raise Stopped

        with faults.counted(*denoisers) as calls:
            handles = [
                denoiser.register_forward_hook(lambda *_: asked.append(True) if len(calls) + 1 >= allowed else None)  # noqa: B023
                for denoiser in denoisers
            ]
            with pytest.raises(Stopped):
                short(engine, card, tick, steps=4)
            for handle in handles:
                handle.remove()
            assert len(calls) <= allowed + 1, "the stop was asked for during a call, and no other was finished"


@pytest.mark.parametrize("name", ["wan21_i2v", "hunyuan15_i2v", "framepack", "svd", "ltx2_i2v"])
def test_stopped_while_decoding(engine: DiffusionEngine, tiny: Tiny, name: str) -> None:
    card = tiny(name)
    expected = faults.pixels(short(engine, card))
    with pytest.raises(Stopped):
        short(engine, card, faults.Stop("decode", 2))
    assert untouched(faults.pipe_of(engine, card), card)
    assert np.array_equal(faults.pixels(short(engine, card)), expected)


def test_stopped_while_reading(engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny("wan21_i2v")
    for count in (1, 2):
        stop = faults.Stop("read", count)
        with pytest.raises(Stopped):
            short(engine, card, stop)
        assert all(progress.stage in ("load", "read") for progress in stop.seen)
    assert short(engine, card).num_frames == 5


def test_stopped_while_loading_it_can_be_begun_again(tiny: Tiny, settings: Settings) -> None:
    engine = DiffusionEngine(settings, faults.machine())
    card = tiny("wan22_ti2v_5b")
    with pytest.raises(Stopped):
        short(engine, card, faults.Stop("load", 1))
    assert short(engine, card).num_frames == 5
    engine.close()


def test_what_ends_a_run_for_another_reason_leaves_nothing_behind_either(engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny("wan21_i2v")
    expected, pipe = faults.pixels(short(engine, card)), faults.pipe_of(engine, card)
    with (
        faults.failing(pipe.transformer.blocks[1], lambda: ZeroDivisionError("a fault of the test's"), after=2),
        pytest.raises(ZeroDivisionError),
    ):
        short(engine, card)
    assert untouched(pipe, card)
    assert np.array_equal(faults.pixels(short(engine, card)), expected)


def test_another_job_may_follow_on_another_model(engine: DiffusionEngine, tiny: Tiny) -> None:
    one, other = tiny("wan21_i2v"), tiny("wan22_a14b")
    expected = faults.pixels(short(engine, other))
    with pytest.raises(Stopped):
        short(engine, one, faults.Stop("denoise", 2))
    assert np.array_equal(faults.pixels(short(engine, other)), expected)


def test_photos_may_come_from_memory_that_is_not_ours(engine: DiffusionEngine, tiny: Tiny) -> None:
    """The photo is read and never written to."""
    card, image = tiny("svd"), faults.photo().copy()
    before = image.copy()
    image.flags.writeable = False
    engine.animate(prepare(msgspec.structs.replace(faults.shot(image, card)), card), image, None, lambda progress: None)
    assert np.array_equal(image, before)
