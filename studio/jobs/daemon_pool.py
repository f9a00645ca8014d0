"""A few threads that do what is handed to them, and that a process which ends doesn't wait for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class DaemonPool:
    """At most `size` threads, begun when they are needed. `fail` is told of what an action raises."""

    def __init__(self, size: int, name: str, fail: Callable[[Exception], None]) -> None:
        self._actions: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._size, self._name, self._fail = size, name, fail
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._free = 0

    def do(self, action: Callable[[], None]) -> None:
        """Have something done as soon as a thread is free."""
        with self._lock:
            if self._free == 0 and len(self._threads) < self._size:
                thread = threading.Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
            else:
                self._free -= 1
        self._actions.put(action)

    def _work(self) -> None:
        while action := self._actions.get():
            try:
                action()
            except Exception as error:
                self._fail(error)
            with self._lock:
                self._free += 1

    def close(self, seconds: float) -> None:
        """Let the threads end, and wait at most so long for what they do."""
        for _ in self._threads:
            self._actions.put(None)
        for thread in self._threads:
            thread.join(seconds)
