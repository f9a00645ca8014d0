"""The priority of a test's thread: SVT-AV1 4 in this process, run by root, takes the highest real-time one and keeps it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def is_ordinary() -> bool:
    """Whether this thread is scheduled as any other."""
    return not hasattr(os, "sched_getscheduler") or os.sched_getscheduler(0) == os.SCHED_OTHER


@contextmanager
def ordinary_priority() -> Iterator[None]:
    """Afterwards the thread is what it was: else every process that it starts would go before all others on the machine."""
    try:
        yield
    finally:
        if not is_ordinary():
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
