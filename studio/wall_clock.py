"""The computer's clock, which may be set back: ages and orders of files that hold all the same.

What seems to come from the future was there before that: it counts as of this moment. Waiting is measured by
time.monotonic, which no setting moves; rows get their times from `Database.date_next`.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

STEP = 0.001
"""Seconds by which what comes later is later at least."""


def measure_age(file: Path) -> float:
    """Seconds since a file or folder was changed; one from the future gets this moment's time. Raises OSError."""
    now, changed = time.time(), file.stat().st_mtime
    if changed > now:
        os.utime(file, (now, now))
    return max(0.0, now - changed)


def make_newest(file: Path) -> None:
    """Give a file or folder a time after that of everything beside it. Raises OSError."""
    newest = 0.0
    for other in file.parent.iterdir():
        with suppress(FileNotFoundError):
            newest = max(newest, other.stat().st_mtime)
    now = max(time.time(), newest + STEP)
    os.utime(file, (now, now))
