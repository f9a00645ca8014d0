"""Locks on files, which the system lets go of however the process ends that holds them, also at kill -9."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from typing import IO

from studio.system_errors import refuse_busy

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LOOK = 0.1
"""Seconds between looks at a lock that another holds."""


def hold(handle: IO[bytes]) -> bool:
    """Take the lock of an open file without waiting; whether it was free."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_same(handle: IO[bytes], file: Path) -> bool:
    """Whether an open file is still the one of that name: it may have been swept away before it was locked."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle.fileno()), file.stat())
    return False


@contextmanager
def hold_alone(file: Path, seconds: float = inf) -> Generator[None]:
    """Wait until no other process or thread holds this lock file, and hold it meanwhile. Raises OSError, and `Refusal`
    where another holds it for so long.
    """
    end = time.monotonic() + seconds
    while True:
        with file.open("ab") as handle:
            if hold(handle) and is_same(handle, file):
                yield
                return
        if time.monotonic() >= end:
            raise refuse_busy()
        time.sleep(_LOOK)
