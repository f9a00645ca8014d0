"""Reading ahead: what will be asked for next is worked out in a background thread while the user still chooses.

Only the newest wish counts. It is only a hint: what goes wrong with one is said by whoever asks for the same thing in
earnest, and one that hangs is left behind, so that it keeps no lock from them.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence

from studio.engines.base import Stopped, Tick
from studio.jobs.deadlines import PREVIEW_SHARE, USUAL
from studio.jobs.watched_work import Pulse, run_watched
from studio.nouns import Progress

Read = Callable[[Tick], object]


class ReadAhead:
    """One wish at a time, in a thread that ends with it. `deadline`: the studio's, of which a wish has a preview's
    share. Any thread may call.
    """

    def __init__(self, deadline: float = USUAL) -> None:
        self._seconds = deadline * PREVIEW_SHARE
        self._lock = threading.Lock()
        self._wish = 0
        self._reads: Sequence[Read] = ()
        self._thread: threading.Thread | None = None

    def wish(self, *reads: Read) -> None:
        """Begin to read these, one after the other, instead of whatever was wished for before."""
        with self._lock:
            self._wish += 1
            self._reads = reads
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="read-ahead", daemon=True)
                self._thread.start()

    def drop(self) -> None:
        """Read no further, from the next tick on: something is asked for in earnest, or nothing of it will be."""
        with self._lock:
            self._wish += 1
            self._reads = ()

    def close(self, seconds: float = 5.0) -> None:
        """Drop the wish, and wait for the thread to notice. Safe to call twice."""
        self.drop()
        thread = self._thread
        if thread:
            thread.join(seconds)

    def _work(self) -> None:
        while True:
            with self._lock:
                wish, reads = self._wish, self._reads
                self._reads = ()
                if not reads:
                    self._thread = None
                    return
            with contextlib.suppress(Exception):
                for read in reads:
                    self._read(read, wish)

    def _read(self, read: Read, wish: int) -> None:
        def tell(progress: Progress) -> None:
            del progress
            if self._wish != wish:
                raise Stopped

        tell(Progress("read"))
        run_watched("read-ahead", read, self._seconds, watch=Pulse(tell))
