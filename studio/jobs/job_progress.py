"""The progress of a running job: its clock, what reaches the database and how often, and how the job is stopped."""

from __future__ import annotations

import contextlib
import threading
import time

from studio.engines.base import Stopped
from studio.library.queue import Queue
from studio.nouns import Job, Progress, Refusal, Running, Stage, replace

WRITE_SECONDS = 0.5
"""How often progress reaches the database; in memory it is there at every tick."""

RANKS: dict[Stage, int] = {
    "wait": 0,
    "load": 0,
    "read": 0,
    "denoise": 0,
    "decode": 0,
    "paint": 1,
    "encode": 2,
    "keep": 3,
}
"""What lies behind stays behind. Before the first frame an engine may go back: it loads again when memory ran out."""

LOADING: tuple[Stage, ...] = ("wait", "load")
"""Stages in which a job waits for its photo and its model: the next clip of the same model needn't."""

COUNTED: tuple[Stage, ...] = ("denoise", "paint")
"""Stages whose pieces take about equally long, so that what is left can be told from what is done."""


class JobProgress:
    """A running job as others see it, and the way it is stopped. Safe to use from any thread.

    `loading` is how many seconds of it went into waiting and loading; `beats` counts signs of life, ticks that say
    something new or that it waits its turn, and `stage` is that of the last one.
    """

    def __init__(self, job: Job, queue: Queue) -> None:
        self.job = job
        self.progress = Progress()
        self.began = time.monotonic()
        self.loading = 0.0
        self.beats = 0
        self.stage: Stage = "load"
        self._said: tuple[object, ...] = ()
        self._queue = queue
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._written = self.began
        self._stage = (self.began, 0)

    def stop(self) -> None:
        """Make the next tick raise."""
        self._stopped.set()

    @property
    def is_stopped(self) -> bool:
        """Whether the next tick raises."""
        return self._stopped.is_set()

    def require_life(self) -> None:
        """Raises `Stopped` where it was stopped: the job may be another thread's by now."""
        if self._stopped.is_set():
            raise Stopped

    def tick(self, progress: Progress) -> None:
        """Note how far the job is. Raises `Stopped` when it was cancelled, here or in another process."""
        self.require_life()
        with self._lock:
            now = time.monotonic()
            self._note_life(progress)
            self.progress = self._add_times(progress, now)
            due = now - self._written >= WRITE_SECONDS or progress.stage == "keep"
            if due:
                self._written = now
        if due and not self._write():
            self._stopped.set()
            raise Stopped

    def show(self, progress: Progress) -> None:
        """Note how far the job is for those who watch it here, where it can't be written. Never raises."""
        with self._lock:
            self._note_life(progress)
            self.progress = self._add_times(progress, time.monotonic())
        self._queue.unwritten += 1

    def _note_life(self, progress: Progress) -> None:
        said = progress.stage, progress.done, progress.total, progress.note
        self.beats += said != self._said or progress.stage == "wait"
        self._said, self.stage = said, progress.stage

    def ask(self) -> None:
        """Stop where the job was cancelled in another process: an engine that gives no sign of life doesn't ask."""
        with contextlib.suppress(Refusal):
            if not isinstance(self._queue.get(self.job.id).state, Running):
                self.stop()

    def _add_times(self, progress: Progress, now: float) -> Progress:
        """The progress with the job's own clock; a stage that lies behind stays behind, as does the last preview."""
        last = self.progress
        if last.stage in LOADING:
            self.loading += now - self.began - last.elapsed
        if RANKS[progress.stage] < RANKS[last.stage]:
            progress = last
        if progress.stage != last.stage or progress.done < last.done:
            self._stage = (now, progress.done)
        left = self._estimate_left(progress, now)
        seen = progress.preview or last.preview
        return Progress(progress.stage, progress.done, progress.total, progress.note, now - self.began, left, seen)

    def _estimate_left(self, progress: Progress, now: float) -> float | None:
        """Seconds until this stage is over: the engine knows best of its steps, the clock of everything else."""
        if progress.stage == "denoise" and progress.remaining is not None:
            return progress.remaining
        since, first = self._stage
        fresh = progress.done - first
        if fresh > 1 and progress.stage in COUNTED:
            return (now - since) / fresh * max(0, progress.total - progress.done)
        return None

    def _write(self) -> bool:
        try:
            return self._queue.become(self.job.id, Running(replace(self.progress, preview="")))
        except Refusal:
            return True  # progress that can't be written is no reason to stop
