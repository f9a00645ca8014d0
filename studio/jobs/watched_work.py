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
from typing import TYPE_CHECKING, Protocol, TypeVar

from studio.clip.child_processes import end_children
from studio.engines.base import Stopped, Tick
from studio.helper_threads import Works, do_works
from studio.hung_threads import MOST_LEFT, count_hung, is_left, leave_thread, show_life, take_signs, waits_in_line
from studio.jobs.deadlines import PHOTO_TIMES, Deadlines, choose_deadlines
from studio.nouns import Progress, Refusal, Stage

if TYPE_CHECKING:
    from studio.photo.photo_store import Watched

LOOK_SECONDS = 0.25
"""Seconds between two looks at what is at work. Silence is counted in looks: while the computer or this process sleeps,
none is counted."""

ASK_LOOKS = 8
"""Looks without a sign of life after which it is asked whether the work was cancelled elsewhere."""

END_SECONDS = 1.0
"""How long work that was stopped may take before its programs are ended, and before it is left behind after that."""

OWN_LINES = 2
"""Lines of a thread and of its watch, above those of its work in a traceback."""

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
    """The watch of work that is no job, which begins at `stage`. `tell` hears of every tick, and may raise."""

    def __init__(self, tell: Tick = lambda progress: None, stage: Stage = "load") -> None:
        self.beats = 0
        self.stage: Stage = stage
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
        self._works: Works = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, work: Callable[[], T], watch: Watch, deadlines: Deadlines) -> T:
        """Have it done, and wait. Raises what it raises; `Stopped` where it was stopped and doesn't notice, `Refusal`
        where it hangs: then it is left behind.
        """
        if self._thread is None:
            self._works = queue.SimpleQueue()
            self._thread = threading.Thread(target=do_works, args=(self._works,), name=self._name, daemon=True)
            self._thread.start()
        future: Future[T] = Future()

        def sign(signs: int) -> None:
            if watch.is_stopped:
                raise Stopped
            watch.beats += signs

        def work_watched() -> T:
            with take_signs(sign):
                return work()

        self._works.put((future, work_watched))
        try:
            return self._wait(future, watch, deadlines, self._thread)
        except BaseException:
            if not future.done():  # left behind, or whoever waits was interrupted
                if not is_left(self._thread):
                    _end_work(future, watch, self._thread)
                self.close()
            raise

    def close(self) -> None:
        """End the thread once it has done its work."""
        self._works.put(None)
        self._thread = None

    def _wait(self, future: Future[T], watch: Watch, deadlines: Deadlines, thread: threading.Thread) -> T:
        beats, silence, stopped = watch.beats, 0.0, 0.0
        while not wait([future], LOOK_SECONDS).done:
            if watch.beats != beats:
                silence, beats = 0.0, watch.beats
                show_life()  # of whoever waits here: it may be watched itself
            elif not waits_in_line(thread):
                silence += LOOK_SECONDS
            show_life(0)
            if silence and silence % (ASK_LOOKS * LOOK_SECONDS) == 0:
                watch.ask()
            stopped += LOOK_SECONDS * watch.is_stopped
            if stopped >= END_SECONDS:
                end_children(thread)
            if stopped >= deadlines.notice or silence >= deadlines.find_silence(watch.stage):
                return self._give_up(future, watch, deadlines, thread)
        error = future.exception()
        show_life()
        if error is None:
            return future.result()
        if watch.is_stopped:
            raise Stopped from error  # the end of its programs is no fault
        raise error.with_traceback(_skip_own(error))

    def _give_up(self, future: Future[T], watch: Watch, deadlines: Deadlines, thread: threading.Thread) -> T:
        """End its programs; where that wakes it, it ends by itself, else it is left behind. Raises `Stopped` or
        `Refusal`, whatever it brings."""
        was_stopped, stage, where = watch.is_stopped, watch.stage, _describe_place(thread)
        ended = _end_work(future, watch, thread)
        if future.done() and future.exception() is None:
            return future.result()  # it was done at the last moment
        if self._log:
            how = f"left behind, {count_hung()} hang" if not future.done() else f"ended with {ended} programs of it"
            what = "noticed no stop" if was_stopped else "gave no sign of life"
            self._log.error("%s %s while it was at %s: %s\n%s", self._name, what, stage, how, where)
        raise Stopped if was_stopped else deadlines.explain(stage)


def _end_work(future: Future[T], watch: Watch, thread: threading.Thread) -> int:
    """Stop work and end its programs; where it doesn't end then, it is left behind. How many programs it had."""
    watch.stop()
    ended = end_children(thread)
    if not wait([future], END_SECONDS).done:
        leave_thread(thread)
    return ended


def _skip_own(error: BaseException) -> TracebackType | None:
    """Where an error came from, without the thread's own lines."""
    found = error.__traceback__
    for _ in range(OWN_LINES):
        found = found.tb_next if found else None
    return found


def _describe_place(thread: threading.Thread) -> str:
    """Where a thread is in the program, the innermost lines last."""
    frame = sys._current_frames().get(thread.ident or 0)  # pyright: ignore
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


def watch_photos(seconds: float, log: logging.Logger) -> Watched:
    """What opens photos: each is decoded in one go, and may take several times as long as the studio's other work."""

    def open_photo(work: Callable[[], T]) -> T:
        return run_watched("a photo", lambda tick: work(), seconds * PHOTO_TIMES, log=log, watch=Pulse(stage="read"))

    return open_photo
