"""Helpers: threads that do a part of another's work beside it, and belong to it.

When that thread is left behind because its work hangs, so are they: their locks are free, their programs are ended. A
process that ends doesn't wait for them, as it does for those of `concurrent.futures`.
"""

from __future__ import annotations

import ctypes
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from studio.hung_threads import give_master

T = TypeVar("T")
Works = queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]


M_ARENA_MAX = -8
"""mallopt(3): how many pools glibc has."""


def share_pools() -> None:
    """Have all threads share a few of the C library's pools of memory, where it has such (glibc): of eight pools a core
    each keeps what threads that have ended freed in it, 0.1 GB after 20 clips. Before threads begin.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, max(2, os.cpu_count() or 1))


def do_works(works: Works) -> None:
    """Do one piece of work after another until there comes None: what a thread runs."""
    while found := works.get():
        future, work = found
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
        del found, future, work  # else what was made stays until the next comes


class Helpers:
    """So many of them, of the thread that makes them. As a context it waits for all that was handed over, or drops what
    isn't begun where an error ends it."""

    def __init__(self, count: int, name: str) -> None:
        self._works: Works = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=do_works, args=(self._works,), name=name, daemon=True) for _ in range(count)
        ]
        for thread in self._threads:
            give_master(thread)
            thread.start()

    def submit(self, work: Callable[..., T], *given: Any) -> Future[T]:
        """Have something done as soon as one is free."""
        future: Future[T] = Future()
        self._works.put((future, partial(work, *given)))
        return future

    def map(self, work: Callable[[Any], T], all_given: Iterable[Any]) -> Iterator[T]:
        """What becomes of each, in their order."""
        futures = [self.submit(work, given) for given in all_given]
        return (future.result() for future in futures)

    def drop(self) -> None:
        """Begin nothing more; what is at work is not waited for. Safe to call twice."""
        while True:
            try:
                found = self._works.get_nowait()
            except queue.Empty:
                break
            if found:
                found[0].cancel()
        self._end()

    def _end(self) -> None:
        for _ in self._threads:
            self._works.put(None)

    def __enter__(self) -> Helpers:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.drop() if kind else self._end()
        for thread in self._threads:
            thread.join()
