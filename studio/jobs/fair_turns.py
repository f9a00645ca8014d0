"""Fair turns of the visitors of one computer: each has a queue of their own, and one of them at a time works on a
device.

Round robin: whoever has something to do stands in line, is let in for one job, and stands at the end again. Each waits
at most for one job of everybody else in the line, however many jobs those have, and however many visitors are new.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

FRESH_SECONDS = 3.0
"""How long whoever has asked keeps the place in the line: a lane with a job that waits asks every second, and one whose
job was cancelled doesn't hold up the others.
"""


class FairTurns:
    """The lines before the devices of one computer, by the lanes' numbers; any thread may call. `clock` counts
    seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._holders: dict[int, str] = {}
        self._lines: dict[int, OrderedDict[str, tuple[float, threading.Event | None]]] = {}

    def begin(self, device: int, visitor: str, wake: threading.Event | None = None) -> bool:
        """Whether this visitor may begin a job on a device now; where not, the place in the line is kept, and `wake` is
        set when the device is free.
        """
        with self._lock:
            line = self._lines.setdefault(device, OrderedDict())
            now = self._clock()
            line[visitor] = (now, wake)  # a place that is held already stays where it is
            for other in [name for name, (asked, _) in line.items() if now - asked > FRESH_SECONDS]:
                del line[other]
            if self._holders.get(device) or next(iter(line)) != visitor:
                return False
            del line[visitor]
            self._holders[device] = visitor
            return True

    def end(self, device: int, visitor: str) -> None:
        """The visitor's job is over, or there was none: the next in the line is woken."""
        with self._lock:
            if self._holders.get(device) != visitor:
                return
            del self._holders[device]
            for _, wake in self._lines.get(device, {}).values():
                if wake:
                    wake.set()

    def leave(self, visitor: str) -> None:
        """The visitor's studio is closed: no place in any line, and no device, is theirs any more."""
        for device in list(self._holders):
            self.end(device, visitor)
        with self._lock:
            for line in self._lines.values():
                line.pop(visitor, None)

    def count_before(self, device: int, visitor: str) -> int:
        """How many others come before this visitor on a device, the one at work among them."""
        with self._lock:
            line = list(self._lines.get(device, ()))
            place = line.index(visitor) if visitor in line else len(line)
            return place + (self._holders.get(device, visitor) != visitor)

    @property
    def is_busy(self) -> bool:
        """Whether anybody's job is being made."""
        return bool(self._holders)


class Seat:
    """One visitor's place in the turns. `minutes` is how long one job may take, 0 for as long as it likes."""

    def __init__(self, turns: FairTurns, visitor: str, minutes: float = 0.0) -> None:
        self._turns, self._visitor = turns, visitor
        self.seconds = 60 * minutes

    def begin(self, device: int, wake: threading.Event) -> bool:
        """Whether a lane may begin a job now; else `wake` is set when it should ask again."""
        return self._turns.begin(device, self._visitor, wake)

    def end(self, device: int) -> None:
        """The job is over, or there was none."""
        self._turns.end(device, self._visitor)

    def leave(self) -> None:
        """The lanes have ended."""
        self._turns.leave(self._visitor)

    def count_before(self, device: int) -> int:
        """How many others' jobs come before the next of these lanes' on a device."""
        return self._turns.count_before(device, self._visitor)

    @property
    def is_busy(self) -> bool:
        """Whether anybody's job is being made, of this visitor or another."""
        return self._turns.is_busy
