"""Reading ahead: only the newest wish is read, and what is dropped stops at its next tick."""

from __future__ import annotations

import threading
from collections.abc import Callable

from studio.engines.base import Tick
from studio.jobs.read_ahead import ReadAhead
from studio.nouns import Progress


def a_read(done: list[str], name: str, begun: threading.Event, go: threading.Event) -> Callable[[Tick], None]:
    """A read of two halves, with a tick between them."""

    def read(tick: Tick) -> None:
        begun.set()
        assert go.wait(10)
        tick(Progress("read", 1, 2))
        done.append(name)

    return read


def test_the_newest_wish_takes_the_place_of_all_others() -> None:
    eager, done, (first, last), go = ReadAhead(), [], (threading.Event(), threading.Event()), threading.Event()
    eager.wish(a_read(done, "one", first, go), a_read(done, "never", first, go))
    assert first.wait(10)
    eager.wish(a_read(done, "two", last, go))
    eager.wish(a_read(done, "three", last, go), a_read(done, "four", last, go))
    go.set()
    assert last.wait(10)
    wait(eager)
    assert done == ["three", "four"]


def test_what_is_dropped_is_not_read_on_and_what_fails_stops_nothing() -> None:
    eager, done, begun, go = ReadAhead(), [], threading.Event(), threading.Event()
    eager.wish(a_read(done, "dropped", begun, go))
    assert begun.wait(10)
    eager.drop()
    go.set()
    eager.close()
    assert done == []

    def fails(tick: Tick) -> None:
        raise ValueError

    eager.wish(fails)
    wait(eager)
    eager.wish(a_read(done, "after", begun, go))
    wait(eager)
    assert done == ["after"]


def wait(eager: ReadAhead) -> None:
    """Until nothing is being read."""
    while thread := eager._thread:
        thread.join(10)
