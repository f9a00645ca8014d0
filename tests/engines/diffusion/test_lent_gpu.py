"""A GPU that is lent for one call: the real package `spaces`, whose decorator is none outside of ZeroGPU, and a real fork."""

from __future__ import annotations

import importlib
import multiprocessing
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.base import Stopped
from studio.engines.diffusion import lent_gpu
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.prepare import Prepared, prepare
from studio.nouns import Motion, Photo, Progress, Refusal, Shot
from tests.fakes import faults
from tests.fakes.gradient import CARD, Gradient

IMAGE = np.full((240, 320, 3), 90, np.uint8)


@pytest.fixture
def lent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module as it is where `spaces` was imported before."""
    spaces = pytest.importorskip("spaces", reason="pip install -r requirements-dev.txt")
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    yield importlib.reload(lent_gpu)
    monkeypatch.undo()
    sys.modules.pop("spaces", None)
    importlib.reload(lent_gpu)


def prepare_shot(prompt: str = "") -> Prepared:
    return prepare(Shot(Photo("0" * 64, 320, 240), motion=Motion(prompt=prompt), seconds=1, fps=8, size="240p"), CARD)


def test_without_the_package_nothing_is_lent() -> None:
    assert not lent_gpu.is_lent() and lent_gpu.lent is lent_gpu.run_lent
    assert [lent_gpu.choose_seconds(one) for one in (None, 0.0, 20.0, 9e9)] == [120.0, 30.0, 60.0, 600.0]


def test_a_model_runs_in_the_lent_call_and_makes_the_same_frames(
    lent: Any, tiny: Callable[[str], ModelCard], tmp_path: Path
) -> None:
    settings = Settings(tmp_path)
    settings.prepare()
    card, threads = tiny("wan21_i2v"), set[str]()

    def make(tick: Any = None) -> list[Any]:
        engine = DiffusionEngine(settings, faults.machine())
        try:
            return list(faults.made(engine, card, tick, quality="draft", steps=2).images)
        finally:
            engine.close()

    def note(progress: Progress) -> None:
        threads.update(one.name for one in threading.enumerate())

    through = make(note)
    assert "stir-lent-gpu" in threads, "it ran where spaces lends the GPU"
    sys.modules.pop("spaces")
    assert not lent.is_lent()
    here = make()
    assert len(here) == len(through) > 2
    assert all(np.array_equal(one, other) for one, other in zip(here, through, strict=True))


def test_refusals_faults_and_stops_come_through(lent: Any) -> None:
    number = lent.register(Gradient(0.0).animate)
    for prompt, kind, says in (("refuse", Refusal, "told to refuse"), ("break", RuntimeError, "Error: ")):
        with pytest.raises(kind, match=says):
            list(lent.animate(number, prepare_shot(prompt), IMAGE, None, lambda progress: None, None).images)

    def stop(progress: Progress) -> None:
        if progress.stage == "paint" and progress.done > 1:
            raise Stopped

    frames = lent.animate(number, prepare_shot(), IMAGE, None, stop, None)
    with pytest.raises(Stopped):
        list(frames.images)
    left = lent.animate(number, prepare_shot(), IMAGE, None, lambda progress: None, None)
    next(left.images)
    left.images.close()
    assert not any(one.name == "stir-lent-gpu" for one in threading.enumerate()), "nothing works on"


def run_forked(number: int, given: bytes, sink: Any) -> None:
    for event in lent_gpu.run_lent(number, *pickle.loads(given)):
        sink.send(event)
    sink.close()


@pytest.mark.skipif(sys.platform != "linux", reason="ZeroGPU forks")
def test_a_forked_process_makes_the_clip_and_all_of_it_can_be_pickled() -> None:
    """As spaces does it: the process that is forked finds the engine, and everything goes through pipes."""
    number = lent_gpu.register(Gradient(0.0).animate)
    given = pickle.dumps((prepare_shot(), IMAGE, None, 60.0))
    context = multiprocessing.get_context("fork")
    source, sink = context.Pipe(duplex=False)
    process = context.Process(target=run_forked, args=(number, given, sink), daemon=True)
    process.start()
    sink.close()
    events: list[Any] = []
    try:
        while True:
            events.append(source.recv())
    except EOFError:
        process.join(10)
    kinds = [type(event).__name__ for event in events]
    assert kinds[-1] == "_End" and kinds.count("ndarray") == 8 and "Progress" in kinds
    assert [one.what for one in events[-1].choices] == ["engine"]
