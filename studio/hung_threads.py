"""Threads that were left behind because what they do hangs, and locks that such a thread doesn't keep from others.

Python can't end a thread. One that gives no sign of life is left to itself: whatever it brings is dropped by whoever
left it, and a `WorkLock` that it or one of its helpers (helper_threads.py) holds is free for the next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from weakref import WeakKeyDictionary, WeakSet

MOST_LEFT = 4
"""Threads that may hang at a time: each keeps its memory. With so many nothing new is begun until one ends, or Stir is
started again."""

_LOOK = 0.5
"""Seconds between two looks of whoever waits for a lock at the thread that holds it."""

_left: WeakSet[threading.Thread] = WeakSet()
_masters: WeakKeyDictionary[threading.Thread, threading.Thread] = WeakKeyDictionary()
"""Of each helper the thread that it works for."""

_signs: WeakKeyDictionary[threading.Thread, Callable[[int], None]] = WeakKeyDictionary()
"""Of each thread that is watched at its work what takes its signs of life."""

_in_line: dict[threading.Thread, WorkLock] = {}
"""What each thread waits for at this moment."""


def find_master(thread: threading.Thread | None = None) -> threading.Thread:
    """The thread that a helper works for in the end; any other thread itself. None: the thread that asks."""
    found = thread or threading.current_thread()
    while (master := _masters.get(found)) is not None:
        found = master
    return found


def give_master(helper: threading.Thread) -> None:
    """Have a thread work for the one that asks."""
    _masters[helper] = threading.current_thread()


def leave_thread(thread: threading.Thread) -> None:
    """Leave a thread behind, and its helpers with it."""
    _left.add(thread)


def is_left(thread: threading.Thread | None = None) -> bool:
    """Whether a thread was left behind: what it begins now, nobody waits for. None: the thread that asks."""
    return find_master(thread) in _left


def count_hung() -> int:
    """How many threads that were left behind still hang."""
    return sum(thread.is_alive() for thread in list(_left))


# Signs of life --------------------------------------------------------------------------------------------------------


@contextmanager
def take_signs(sign: Callable[[int], None]) -> Generator[None]:
    """While this thread is at one piece of work, have `sign` take how many signs of life it gives; what that raises
    ends the work."""
    thread = threading.current_thread()
    _signs[thread] = sign
    try:
        yield
    finally:
        _signs.pop(thread, None)


def show_life(signs: int = 1) -> None:
    """Say that work goes on, where there is no tick at hand; with 0, ask only whether it still is to. Raises `Stopped`
    where it was stopped. Nothing where nobody watches.
    """
    sign = _signs.get(find_master())
    if sign is not None:
        sign(signs)


def waits_in_line(thread: threading.Thread) -> bool:
    """Whether a thread waits for a lock of another that is watched as well: then that one's silence counts."""
    seen: set[threading.Thread] = set()
    while (lock := _in_line.get(thread)) is not None and thread not in seen:
        seen.add(thread)
        holder = lock.holder
        if holder is None:
            return True
        thread = find_master(holder)
    return bool(seen) and thread not in seen and thread in _signs and thread not in _left


# Locks ----------------------------------------------------------------------------------------------------------------


class Turn:
    """One thread's turn with a lock; `depth`: how often it has entered it."""

    def __init__(self) -> None:
        self.thread, self.depth = threading.current_thread(), 1

    @property
    def is_lost(self) -> bool:
        """Whether its thread hangs, or has ended without giving it back."""
        return is_left(self.thread) or not self.thread.is_alive()


class WorkLock:
    """A lock for work that takes long; the thread that holds it may enter it again. One that a thread holds which was
    left behind goes to whoever waits, and is not given back by that thread later."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._turn: Turn | None = None

    def take(self, seconds: float | None = None) -> Turn | None:
        """Take the lock, waiting as long as it takes, or so many seconds at most: None where it isn't free by then.
        Raises `Stopped` where the work that waits is stopped.
        """
        with self._changed:
            if not self._wait(seconds):
                return None
            self._turn = Turn()
            return self._turn

    def _wait(self, seconds: float | None) -> bool:
        """Wait until it is free; whether it is."""
        waited, waits = 0.0, find_master()
        try:
            while self._turn is not None and not self._turn.is_lost:
                if seconds is not None and waited >= seconds:
                    return False
                _in_line[waits] = self
                pause = _LOOK if seconds is None else min(_LOOK, seconds - waited)
                self._changed.wait(pause)
                waited += pause
                show_life(0)
            return True
        finally:
            _in_line.pop(waits, None)

    def give_back(self, turn: Turn) -> None:
        """The work is done; nothing where the lock has gone to another."""
        with self._changed:
            if self._turn is turn:
                turn.depth -= 1
                if not turn.depth:
                    self._turn = None
                    self._changed.notify()

    def is_held_by(self, turn: Turn) -> bool:
        """Whether the lock hasn't gone to another."""
        return self._turn is turn

    def __enter__(self) -> None:
        turn = self._turn
        if turn is not None and turn.thread is threading.current_thread() and not turn.is_lost:
            turn.depth += 1
        else:
            self.take()

    def __exit__(self, *_: object) -> None:
        turn = self._turn
        if turn is not None and turn.thread is threading.current_thread():
            self.give_back(turn)

    @property
    def is_taken(self) -> bool:
        """Whether somebody works."""
        return self._turn is not None and not self._turn.is_lost

    @property
    def holder(self) -> threading.Thread | None:
        """Whose turn it is."""
        return self._turn.thread if self._turn is not None else None
