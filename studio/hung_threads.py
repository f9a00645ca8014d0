"""Threads that were left behind because what they do hangs, and locks that such a thread doesn't keep from others.

Python can't end a thread. One that gives no sign of life is left to itself: whatever it brings is dropped by whoever
left it, and a `WorkLock` that it holds is free for the next.
"""

from __future__ import annotations

import threading
from weakref import WeakSet

MOST_LEFT = 4
"""Threads that may hang at a time: each keeps its memory. With so many nothing new is begun until one ends, or Stir is
started again."""

_LOOK = 0.5
"""Seconds between two looks of whoever waits for a lock at the thread that holds it."""

_left: WeakSet[threading.Thread] = WeakSet()


def leave_thread(thread: threading.Thread) -> None:
    """Leave a thread behind."""
    _left.add(thread)


def is_left() -> bool:
    """Whether the thread that asks was left behind: what it begins now, nobody waits for."""
    return threading.current_thread() in _left


def count_hung() -> int:
    """How many threads that were left behind still hang."""
    return sum(thread.is_alive() for thread in list(_left))


class Turn:
    """One thread's turn with a lock."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()

    @property
    def is_lost(self) -> bool:
        """Whether its thread hangs, or has ended without giving it back."""
        return self.thread in _left or not self.thread.is_alive()


class WorkLock:
    """A lock for work that takes long. One that a thread holds which was left behind goes to whoever waits, and is
    not given back by that thread later."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._turn: Turn | None = None

    def take(self, seconds: float | None = None) -> Turn | None:
        """Take the lock, waiting as long as it takes, or so many seconds at most: None where it isn't free by then."""
        waited = 0.0
        with self._changed:
            while self._turn is not None and not self._turn.is_lost:
                if seconds is not None and waited >= seconds:
                    return None
                pause = _LOOK if seconds is None else min(_LOOK, seconds - waited)
                self._changed.wait(pause)
                waited += pause
            self._turn = Turn()
            return self._turn

    def give_back(self, turn: Turn) -> None:
        """The work is done; nothing where the lock has gone to another."""
        with self._changed:
            if self._turn is turn:
                self._turn = None
                self._changed.notify()

    def is_held_by(self, turn: Turn) -> bool:
        """Whether the lock hasn't gone to another."""
        return self._turn is turn

    def __enter__(self) -> None:
        self.take()

    def __exit__(self, *_: object) -> None:
        turn = self._turn
        if turn is not None and turn.thread is threading.current_thread():
            self.give_back(turn)

    @property
    def is_taken(self) -> bool:
        """Whether somebody works."""
        return self._turn is not None and not self._turn.is_lost
