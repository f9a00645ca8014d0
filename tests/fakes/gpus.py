"""A machine with several GPUs, pretended: the real shelf over stand-ins that sleep as a GPU works, each with its own models."""

from __future__ import annotations

import threading
import time

from studio.cards import ModelCard
from studio.engines.base import Image, Tick
from studio.engines.diffusion.gpu_shelf import GpuShelf
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.prepare import Prepared
from studio.frames import Frames
from tests.fakes.shelf import ShelfEngine


class Gpu(ShelfEngine):
    """One GPU. `most` is how many of its jobs ever ran at once, `spans` when each began and ended; `small` doesn't fit."""

    def __init__(self, pace: float = 0.0, small: tuple[str, ...] = ()) -> None:
        super().__init__(pace)
        self.machine = Machine("cuda:0", "Pretend 9000", 24 * 10**9, 64 * 10**9)
        self.small = small
        self.most = self._now = 0
        self.spans: list[tuple[float, float]] = []
        self._counting = threading.Lock()

    @property
    def devices(self) -> tuple[Gpu, ...]:
        return (self,)

    def state(self, card: ModelCard):
        import msgspec

        stands = super().state(card)
        return msgspec.structs.replace(stands, fits="no", reason="too small") if card.id in self.small else stands

    def animate(self, prepared: Prepared, image: Image, end: Image | None, tick: Tick) -> Frames:
        with self._counting:
            self._now += 1
            self.most = max(self.most, self._now)
        began = time.monotonic()
        try:
            return super().animate(prepared, image, end, tick)
        finally:
            with self._counting:
                self._now -= 1
            self.spans.append((began, time.monotonic()))


def join(*gpus: Gpu) -> GpuShelf:
    """The shelf over these."""
    return GpuShelf(gpus)  # type: ignore[arg-type]
