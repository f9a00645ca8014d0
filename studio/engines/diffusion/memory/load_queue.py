"""The queue of loads: each in a background thread of its own, one at a time, watched and stopped from anywhere.

One at a time in the whole process, also where several GPUs have a queue each: transformers, diffusers and accelerate
switch process-wide defaults (the dtype, where parameters are made) while they build a model, and two loads at once
would each count on the same free memory. What a load does is the model manager's: see model_manager.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from studio.cards import ModelCard
from studio.engines.base import Stopped, Tick
from studio.engines.diffusion.memory.memory_errors import empty_frames
from studio.engines.diffusion.memory.placement import Fit
from studio.hung_threads import WorkLock, leave_thread
from studio.nouns import Progress, Refusal

POLL = 0.1
"""Seconds between two looks of whoever waits: how late a stop can act."""

HUNG_SECONDS = 600.0
"""How long a load that was stopped may take to end: a component of 20 GB comes from a disk of 50 MB/s meanwhile. One
that takes longer is left behind, and the next begins."""

_loading = WorkLock()
_now: list[Load] = []
"""The load that holds the lock."""


class Load:
    """A load under way, or in line. `hint`: nobody asked for it, so nobody is told when it fails."""

    def __init__(self, card: ModelCard, fit: Fit, hint: bool) -> None:
        self.card, self.fit, self.hint = card, fit, hint
        self.progress = Progress("load", note="Waiting for its turn to load")
        self.error: BaseException | None = None
        self._stop, self._done = threading.Event(), threading.Event()
        self._stopped_at = 0.0
        self.thread: threading.Thread | None = None

    def stop(self) -> None:
        """End before the next component; what was read is let go of."""
        if not self._stop.is_set():
            self._stopped_at = time.monotonic()
        self._stop.set()

    @property
    def is_hung(self) -> bool:
        """Whether it was stopped and hasn't ended for too long."""
        return self._stop.is_set() and time.monotonic() - self._stopped_at > HUNG_SECONDS and not self._done.is_set()

    def tick(self, progress: Progress) -> None:
        """Where the loader is. Raises `Stopped` once it was stopped."""
        self.progress = progress
        if self._stop.is_set():
            raise Stopped

    def finish(self) -> None:
        """Say that it is over, however it ended."""
        self._done.set()

    def wait(self, tick: Tick) -> None:
        """Wait for its end, handing on where it is; what `tick` raises comes out, and the load goes on."""
        tick(self.progress)
        while not self._done.wait(POLL):
            tick(self.progress)
        tick(self.progress)

    def join(self, seconds: float) -> bool:
        """Wait for its end, so long at most; returns whether it is over."""
        return self._done.wait(seconds)


class LoadQueue:
    """All loads under way or in line. `work` does one: it caches what it has loaded before it returns. Any thread may
    call.
    """

    def __init__(self, work: Callable[[Load], None]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._under_way: dict[str, Load] = {}
        self._problems: dict[str, str] = {}
        self._closed = False

    def start(self, card: ModelCard, fit: Fit, hint: bool = False) -> tuple[Load, bool]:
        """The card's load, and whether this call began it."""
        with self._lock:
            if self._closed:
                raise Refusal("Stir is closing.", "Start it again.")
            there = self._under_way.get(card.id)
            if there is not None and not there.is_hung:
                there.hint = there.hint and hint
                return there, False
            load = self._under_way[card.id] = Load(card, fit, hint)
            self._problems.pop(card.id, None)
        load.thread = threading.Thread(target=self._run, args=(load,), name=f"load {card.id}", daemon=True)
        load.thread.start()
        return load, True

    def get(self, card: str) -> Load | None:
        """The load of a card that is under way or in line."""
        with self._lock:
            return self._under_way.get(card)

    @property
    def is_busy(self) -> bool:
        """Whether any load is under way or in line."""
        with self._lock:
            return bool(self._under_way)

    def find_problem(self, card: str) -> str:
        """What went wrong with a card's last load, in the user's words; empty when nothing did."""
        with self._lock:
            return self._problems.get(card, "")

    def close(self, seconds: float = 10.0) -> None:
        """Stop all of them and wait for their ends, so long at most each; begin no more."""
        with self._lock:
            self._closed = True
            left = list(self._under_way.values())
        for load in left:
            load.stop()
        for load in left:
            load.join(seconds)

    def _run(self, load: Load) -> None:
        try:
            while (turn := _loading.take(POLL)) is None:
                _leave_hung()
                load.tick(load.progress)
            try:
                _now[:] = [load]
                load.tick(load.progress)
                self._work(load)
            finally:
                _loading.give_back(turn)
        except BaseException as error:  # whoever waits raises it again; a thread has nobody else to tell
            empty_frames(error)
            load.error = error
        with self._lock:
            if self._under_way.get(load.card.id) is load:
                del self._under_way[load.card.id]
            if load.error is not None and not load.hint and not isinstance(load.error, Stopped):
                self._problems[load.card.id] = describe_failure(load)
        load.finish()


def _leave_hung() -> None:
    """Leave the load behind that is under way and hangs."""
    for load in _now:
        if load.is_hung and load.thread:
            leave_thread(load.thread)


def describe_failure(load: Load) -> str:
    """A failed load in the user's words."""
    error = load.error
    if isinstance(error, Refusal):
        return str(error)
    if isinstance(error, MemoryError):
        return (
            f"There was not enough memory to load {load.card.title}. "
            "Close other programs, or choose a model that needs less."
        )
    return f"{load.card.title} can't be loaded ({type(error).__name__}: {str(error)[:160]})."
