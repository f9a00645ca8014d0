"""A clip whose frames wouldn't fit in this machine's memory is known before it runs: made shorter if allowed, else refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from studio import presets
from studio.cards import ModelCard
from studio.config import Settings
from studio.engines import plan as planning
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.diffusion.run import out_of_memory
from studio.engines.prepare import prepare
from studio.nouns import Refusal
from studio.preferences import Preferences
from tests.fakes import faults

Tiny = Callable[[str], ModelCard]


def of_size(settings: Settings, card: ModelCard, free: int) -> DiffusionEngine:
    """An engine on a machine that has so many bytes free once a model is loaded."""
    now = [12 * faults.GB]
    engine = DiffusionEngine(settings, faults.machine(lambda: now[0]), preferences=lambda: Preferences(preview=False))
    faults.pipe_of(engine, card)
    now[0] = free
    return engine


@pytest.mark.parametrize("name", ["framepack", "helios", "wan21_i2v"])
def test_a_clip_that_is_too_long_is_refused_before_it_runs(tiny: Tiny, settings: Settings, name: str) -> None:
    card, image = tiny(name), faults.photo()
    sizes = [planning.plan(faults.shot(image, card, seconds=seconds), card) for seconds in (1.0, card.seconds[1])]
    assert sizes[0].num_frames < sizes[1].num_frames
    engine = of_size(settings, card, out_of_memory.estimate_frame_bytes(sizes[0], faults.machine()))
    pipe = faults.pipe_of(engine, card)
    with faults.counted(pipe.transformer) as calls, pytest.raises(Refusal) as told:
        faults.made(engine, card, seconds=card.seconds[1])
    assert not calls, "nothing was made"
    assert f"{sizes[1].num_frames} frames" in told.value.reason and "this machine's memory" in told.value.reason
    verb, seconds, *rest = told.value.remedy.split()
    assert verb == "Choose" and rest[0].startswith("second") and " ".join(rest[1:]).startswith("or less")
    assert faults.made(engine, card, seconds=float(seconds)).num_frames == sizes[0].num_frames, "what the remedy says does fit"
    engine.close()


def test_it_is_made_shorter_where_that_is_allowed(tiny: Tiny, settings: Settings) -> None:
    card, image = tiny("framepack"), faults.photo()
    shot = faults.shot(image, card, seconds=card.seconds[1], may_shrink=True)
    less = next(out_of_memory.list_smaller(prepare(shot, card))).plan
    engine = of_size(settings, card, out_of_memory.estimate_frame_bytes(less, faults.machine()))
    frames = engine.animate(prepare(shot, card), image, None, lambda progress: None)
    assert frames.num_frames == less.num_frames
    said = [choice for choice in frames.choices if choice.what == "memory"]
    assert [choice.value.split(":")[0] for choice in said] == ["freed what was idle", "shorter"]
    assert said[0].reason.startswith("the frames wouldn't have fitted")
    engine.close()


def test_where_nothing_fits_it_ends_in_words(tiny: Tiny, settings: Settings) -> None:
    card = tiny("framepack")
    engine = of_size(settings, card, 1000)
    for may_shrink in (False, True):
        with pytest.raises(Refusal) as told:
            faults.made(engine, card, may_shrink=may_shrink)
        assert told.value.remedy and "or less" not in told.value.remedy
    engine.close()


def test_a_minute_of_framepack_is_counted_and_the_longest_that_fits_is_named() -> None:
    card = next(card for card in presets.cards() if card.checkpoint and card.checkpoint.family == "framepack")
    shot = faults.shot(faults.photo(), card, seconds=60.0, fps=30)
    here = replace(faults.machine(lambda: 8 * faults.GB), device="cuda:0")
    now = planning.plan(shot, card)
    whole = now.num_frames * now.width * now.height * 3 * 4
    assert 2.0 * whole < out_of_memory.estimate_frame_bytes(now, here) < 2.5 * whole
    assert 3.0 * whole < out_of_memory.estimate_frame_bytes(now, faults.machine())
    with pytest.raises(out_of_memory.TooLong):
        out_of_memory.check_frames_fit(now, here)
    told = out_of_memory.refuse_too_long(prepare(shot, card), here)
    seconds = int(told.remedy.split()[1])
    assert told.remedy.startswith(f"Choose {seconds} seconds or less") and 5 < seconds < 60
    fits, over = (
        planning.plan(faults.shot(faults.photo(), card, seconds=float(one), fps=30), card) for one in (seconds, seconds + 2)
    )
    assert out_of_memory.estimate_frame_bytes(fits, here) <= 8 * faults.GB < out_of_memory.estimate_frame_bytes(over, here)
