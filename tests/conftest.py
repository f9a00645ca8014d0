"""What every test shares: a studio home of its own, and the photographs that ship."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio.config import ASSETS, Settings
from tests.fakes.priority import is_ordinary

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from studio.studio import Studio

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
"""Compiled modules are kept: else each process that a test starts compiles Stir, and every worker all tests too."""
os.environ.setdefault("OMP_NUM_THREADS", "1")
"""Read by torch and NumPy's BLAS when they are loaded, here and in the processes that tests start: at the sizes of the tests, and
with a worker on every core, threads of one computation wait for each other for most of the time."""


def pytest_configure(config: pytest.Config) -> None:
    """Before workers start, the tests' modules are compiled and kept for them: else each compiles them all, at the same time."""
    if not getattr(config.option, "numprocesses", None) or hasattr(config, "workerinput"):
        return
    rewrite = next(hook for hook in sys.meta_path if type(hook).__name__ == "AssertionRewritingHook")
    for file in sorted(Path(__file__).parent.rglob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"compiled.{file.stem}", file)
        assert spec
        module = importlib.util.module_from_spec(spec)
        module.__dict__["__builtins__"] = {}  # so that it is compiled, and ends at its first import
        with suppress(ImportError):
            rewrite.exec_module(module)  # pyright: ignore


@pytest.fixture(scope="module", autouse=True)
def frozen_heap() -> None:
    """What is in memory when a module begins is left out of garbage collection, which the engine asks for often: with torch and
    diffusers loaded that took half of the time of its tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def seen_photos() -> None:
    """What a network has seen in a photo is remembered for more photos than a page needs: many tests look at the same ones."""
    from studio.photo import matte, photo_scene, saliency

    saliency._REMEMBERED = photo_scene._REMEMBERED = matte.REMEMBERED = 64


@pytest.fixture(autouse=True)
def kept_priority() -> Iterator[None]:
    """No test leaves its thread with a real-time priority: all later ones, their encoders and browsers would starve others."""
    yield
    assert is_ordinary(), "this test left a real-time priority behind"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a process: Playwright can't be started twice in a thread."""
    from playwright.sync_api import sync_playwright

    from tests.ui.conftest import CHROMIUM, FLAGS

    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}; name one with STIR_CHROMIUM")
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a fresh home folder, its folders made."""
    made = Settings(tmp_path / "home")
    made.prepare()
    return made


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample photographs that ship with Stir."""
    return ASSETS / "samples"


@pytest.fixture
def stir(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Run a command with a home of its own; returns exit code, stdout and stderr."""
    from studio.cli.main import main

    monkeypatch.setenv("STIR_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(word) for word in words])
        said = capfd.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def opened(settings: Settings) -> Iterator[Callable[..., Studio]]:
    """Opens studios on one home folder with the stand-in at a pace (seconds a frame), and closes them all; none scores its clips,
    as test_scores.py does."""
    from studio.studio import Studio
    from tests.fakes.gradient import CARD, Gradient, finder

    made: list[Studio] = []

    def make(pace: float = 0.0, start: bool = True) -> Studio:
        studio = Studio(settings, (CARD,), finder(Gradient(pace)))
        made.append(studio)
        if start:
            studio.start(score=False)
        return studio

    yield make
    for studio in made:
        studio.close()
