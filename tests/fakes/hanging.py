"""The stand-in engine, which hangs where the prompt says: until it is let go, without a tick, holding a lock."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from studio.engines.base import Image, Tick
from studio.engines.prepare import Prepared
from studio.frames import Frames
from studio.hung_threads import WorkLock
from studio.nouns import Progress
from tests.fakes.gradient import Gradient


class Hanging(Gradient):
    """Hangs before the first frame ("hang at first"), or in mid-clip ("hang in the middle"). `go_on` lets it go; `late` are what
    became of its ticks after that."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on, self.hangs = threading.Event(), threading.Event()
        self.one_at_a_time = WorkLock()
        self.late: list[str] = []

    def animate(self, prepared: Prepared, image: Image, end: Image | None, tick: Tick) -> Frames:
        with self.one_at_a_time:
            if prepared.shot.motion.prompt == "hang at first":
                self._hang(tick)
        frames = super().animate(prepared, image, end, tick)
        if prepared.shot.motion.prompt == "hang in the middle":
            return dataclasses.replace(frames, images=self._hang_within(frames.images, tick))
        return frames

    def _hang_within(self, images: Iterator[NDArray[np.uint8]], tick: Tick) -> Iterator[NDArray[np.uint8]]:
        yield next(images)
        with self.one_at_a_time:
            self._hang(tick)
        yield from images

    def _hang(self, tick: Tick) -> None:
        self.hangs.set()
        self.go_on.wait()
        try:
            tick(Progress("paint", 1, 2))
            self.late.append("went on")
        except BaseException as error:
            self.late.append(type(error).__name__)
            raise
