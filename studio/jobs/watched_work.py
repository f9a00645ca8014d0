"""Work in a thread of its own, watched by whoever waits for it: what gives no sign of life for too long is left behind.

Then the programs it has started are ended, which wakes most of what hangs; what still doesn't end keeps its thread and
its memory, and what it brings later is dropped. How long that is: deadlines.py. The locks it holds: hung_threads.py.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TypeVar

from studio.clip.child_processes import end_children
from studio.engines.base import Stopped, Tick
from studio.hung_threads import MOST_LEFT, count_hung, leave_thread
from studio.jobs.deadlines import Deadlines, choose_deadlines
from studio.nouns import Progress, Refusal, Stage

LOOK_SECONDS = 0.25
"""Seconds between two looks at what is at work. Silence is counted in looks: while the computer or this process sleeps,
none is counted."""

ASK_LOOKS = 8
"""Looks without a sign of life after which it is asked whether the work was cancelled elsewhere."""

END_SECONDS = 1.0
"""How long work that was stopped may take before its programs are ended, and before it is left behind after that."""

T = TypeVar("T")

TOO_MANY = Refusal(f"{MOST_LEFT} pieces of work hang in Stir.", "Start Stir again: nothing that waits is lost.")


class Watch(Protocol):
    """Signs of life, and the way to stop. `beats` counts signs; `stage` is that of the last one."""

    beats: int
    stage: Stage

    def stop(self) -> None:
        """Make the next tick raise `Stopped`."""
        ...

    @property
    def is_stopped(self) -> bool:
        """Whether it was stopped."""
        ...

    def ask(self) -> None:
        """Stop where the work was cancelled in another process."""
        ...


class TickedWatch(Watch, Protocol):
    """A watch that work ticks itself."""

    def tick(self, progress: Progress) -> None:
        """Note how far it is. Raises `Stopped`."""
        ...


class Pulse:
    """The watch of work that is no job. `tell` hears of every tick, and may raise."""

    def __init__(self, tell: Tick = lambda progress: None) -> None:
        self.beats = 0
        self.stage: Stage = "load"
        self._tell = tell
        self._last: tuple[object, ...] = ()
        self._stopped = threading.Event()

    def tick(self, progress: Progress) -> None:
        """Note how far it is. Raises `Stopped`, and what `tell` raises."""
        if self._stopped.is_set():
            raise Stopped
        now = progress.stage, progress.done, progress.total, progress.note
        self.beats += now != self._last or progress.stage == "wait"
        self._last, self.stage = now, progress.stage
        self._tell(progress)

    def stop(self) -> None:
        """Make the next tick raise `Stopped`."""
        self._stopped.set()

    @property
    def is_stopped(self) -> bool:
        """Whether it was stopped."""
        return self._stopped.is_set()

    def ask(self) -> None:
        """Nobody else can stop it."""


class WatchedThread:
    """A thread that does one piece of work after another. When one is left behind, the next has a thread of its own.
    One caller at a time.
    """

    def __init__(self, name: str, log: logging.Logger | None = None) -> None:
        self._name, self._log = name, log
        self._works: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, work: Callable[[], T], watch: Watch, deadlines: Deadlines) -> T:
        """Have it done, and wait. Raises what it raises; `Stopped` where it was stopped and doesn't notice, `Refusal`
        where it hangs: then it is left behind.
        """
        if self._thread is None:
            self._works = queue.SimpleQueue()
            self._thread = threading.Thread(target=_work, args=(self._works,), name=self._name, daemon=True)
            self._thread.start()
        future: Future[T] = Future()
        self._works.put((future, work))
        try:
            return self._wait(future, watch, deadlines, self._thread)
        except BaseException:
            if not future.done():  # left behind, or whoever waits was interrupted
                watch.stop()
                end_children(self._thread)
                self.close()
            raise

    def close(self) -> None:
        """End the thread once it has done its work."""
        self._works.put(None)
        self._thread = None

    def _wait(self, future: Future[T], watch: Watch, deadlines: Deadlines, thread: threading.Thread) -> T:
        beats, silence, stopped = watch.beats, 0.0, 0.0
        while not wait([future], LOOK_SECONDS).done:
            silence = silence + LOOK_SECONDS if watch.beats == beats else 0.0
            beats = watch.beats
            if silence and silence % (ASK_LOOKS * LOOK_SECONDS) == 0:
                watch.ask()
            stopped += LOOK_SECONDS * watch.is_stopped
            if stopped >= END_SECONDS:
                end_children(thread)
            if stopped >= deadlines.notice or silence >= deadlines.find_silence(watch.stage):
                return self._give_up(future, watch, deadlines, thread)
        error = future.exception()
        if error is None:
            return future.result()
        if watch.is_stopped:
            raise Stopped from error  # the end of its programs is no fault
        raise error.with_traceback(_skip_first(error))

    def _give_up(self, future: Future[T], watch: Watch, deadlines: Deadlines, thread: threading.Thread) -> T:
        """End its programs; where that wakes it, it ends by itself, else it is left behind. Raises `Stopped` or
        `Refusal`, whatever it brings."""
        was_stopped, stage, where = watch.is_stopped, watch.stage, _describe_place(thread)
        watch.stop()
        ended = end_children(thread)
        if not wait([future], END_SECONDS).done:
            leave_thread(thread)
        elif future.exception() is None:
            return future.result()  # it was done at the last moment
        if self._log:
            how = f"left behind, {count_hung()} hang" if not future.done() else f"ended with {ended} programs of it"
            self._log.error("%s gave no sign of life while it was at %s: %s\n%s", self._name, stage, how, where)
        raise Stopped if was_stopped else deadlines.explain(stage)


def _work(works: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]) -> None:
    while found := works.get():
        future, work = found
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
        del found, future, work  # else what was made stays until the next comes


def _skip_first(error: BaseException) -> TracebackType | None:
    """Where an error came from, without the thread's own line."""
    return error.__traceback__.tb_next if error.__traceback__ else None


def _describe_place(thread: threading.Thread) -> str:
    """Where a thread is in the program, the innermost lines last."""
    frame = sys._current_frames().get(thread.ident or 0)
    lines = traceback.extract_stack(frame)[-8:] if frame else []
    return "\n".join(f"  {'/'.join(Path(one.filename).parts[-3:])}:{one.lineno} in {one.name}" for one in lines)


def run_watched(
    name: str, work: Callable[[Tick], T], seconds: float, *, log: logging.Logger | None = None,
    watch: TickedWatch | None = None,
) -> T:  # fmt: skip
    """Do the studio's own work in a thread for it, and wait. `seconds` is the studio's deadline, 0 for none. Raises
    what it raises; `Stopped` where `watch` was stopped, `Refusal` where it hangs, and where too much hangs already.
    """
    if count_hung() >= MOST_LEFT:
        raise TOO_MANY
    pulse, hand = watch or Pulse(), WatchedThread(name, log)
    try:
        return hand.do(lambda: work(pulse.tick), pulse, choose_deadlines(seconds, False))
    finally:
        hand.close()
