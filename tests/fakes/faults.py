"""How a test drives the diffusion engine: a machine of a fixed size, shots of a sample photo, ticks that stop, parts that fail.

The machine is a stand-in: it has a processor and the memory a test gives it. Faults are real forward hooks on real modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studio.cards import ModelCard
from studio.config import ASSETS
from studio.engines.base import Stopped
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.prepare import prepare
from studio.frames import Frames
from studio.nouns import Crop, Motion, Photo, Progress, Shot

GB = 1_000_000_000


def machine(free: Callable[[], int] = lambda: 12 * GB) -> Machine:
    """A processor with 16 GB of memory, of which `free()` bytes are free."""
    return Machine("cpu", "a stand-in processor", 0, 16 * GB, free_ram=free, note="this test has no GPU")


@cache
def photo(name: str = "dogs") -> NDArray[np.uint8]:
    """A sample photograph, made small so that tests are quick; one array for all, which can't be written."""
    with Image.open(ASSETS / "samples" / f"{name}.jpg") as picture:
        small = picture.convert("RGB")
        small.thumbnail((480, 480))
        array = np.array(small)
        array.setflags(write=False)
        return array


def shot(image: NDArray[np.uint8], card: ModelCard, **changes: Any) -> Shot:
    """A shot of a card's shortest clips: a square in the middle of the photo, one second long."""
    taken = Photo("0" * 64, image.shape[1], image.shape[0])
    fields: dict[str, Any] = {
        "crop": Crop(0.2, 0.2, 0.6, 0.6, "1:1"), "motion": Motion(prompt="the dogs run"), "seconds": 1.0, "seed": 5,
    }  # fmt: skip
    return Shot(taken, model=card.id, **{**fields, **changes})


def made(engine: DiffusionEngine, card: ModelCard, tick: Callable[[Progress], None] | None = None, **changes: Any) -> Frames:
    """A clip of the sample photograph, made to the end: its frames are all there."""
    image = photo()
    return read(engine.animate(prepare(shot(image, card, **changes), card), image, None, tick or (lambda progress: None)))


def read(frames: Frames) -> Frames:
    """The same frames, all of them decoded."""
    return replace(frames, images=iter(list(frames.images)))


def pixels(frames: Frames) -> NDArray[np.uint8]:
    """All frames, (T, H, W, 3)."""
    return np.stack(list(frames.images))


class Stop:
    """A tick that stops at the `count`-th progress of a stage, and goes on raising as the studio's does. `seen` is all of it."""

    def __init__(self, stage: str, count: int = 1) -> None:
        self.stage, self.count = stage, count
        self.seen: list[Progress] = []

    def __call__(self, progress: Progress) -> None:
        self.seen.append(progress)
        if sum(one.stage == self.stage for one in self.seen) >= self.count:
            raise Stopped


@contextmanager
def failing(module: Any, error: Callable[[], Exception], times: int = 1, after: int = 0) -> Iterator[list[int]]:
    """A module that raises at the end of its next `times` calls, after `after` good ones. Yields them, 1 for one that failed."""
    calls: list[int] = []

    def hook(*_: Any) -> None:
        fails = after <= len(calls) < after + times
        calls.append(int(fails))
        if fails:
            raise error()

    handle = module.register_forward_hook(hook)
    try:
        yield calls
    finally:
        handle.remove()


@contextmanager
def counted(*modules: Any) -> Iterator[list[Any]]:
    """The calls of some modules that were finished."""
    calls: list[Any] = []
    handles = [module.register_forward_hook(lambda module, given, out: calls.append(module)) for module in modules]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def pipe_of(engine: DiffusionEngine, card: ModelCard) -> Any:
    """The loaded pipeline of a card; it is loaded when it isn't."""
    with engine.manager.use(card, lambda progress: None) as loaded:
        return loaded.pipe
