"""Which processes are alive on this home folder, so that none takes another's work for a dead one's.

Each process holds a lock file for as long as it lives, and the system lets go of it however the process ends (also at
kill -9), which a written process id could not promise.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from studio.nouns import Refusal

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


def _is_same(handle: IO[bytes], file: Path) -> bool:
    """Whether an open file is still the one of that name: it may have been swept away before it was locked."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle.fileno()), file.stat())
    return False


class Owner:
    """This process's claim on a home folder. `token` names it: 32 hex digits, never used twice.

    Raises `Refusal` where the disk has no locks, as some network disks: SQLite couldn't be trusted there either.
    """

    def __init__(self, locks: Path) -> None:
        locks.mkdir(parents=True, exist_ok=True)
        self.token = uuid.uuid4().hex
        self._locks = locks
        self._file = locks / self.token
        self._handle = self._claim()

    def _claim(self) -> IO[bytes]:
        """The lock file, open and locked; begun again when another process looked at it or swept it away meanwhile."""
        for _ in range(100):
            handle = self._file.open("ab")
            if hold(handle) and _is_same(handle, self._file):
                return handle
            handle.close()
            time.sleep(0.01)
        raise Refusal(
            "The home folder's disk can't lock files.", "Choose a folder on a disk of this computer with --home."
        )

    def renew(self, cache: Path) -> None:
        """Claim the folder again, after its drive was away. Raises `Refusal`, OSError."""
        self._locks.mkdir(exist_ok=True)
        if not _is_same(self._handle, self._file):
            before, self._handle = self._handle, self._claim()
            before.close()
        self.room(cache)

    def alive(self, token: str) -> bool:
        """Whether the process with this token still runs (this one included)."""
        if token == self.token:
            return True
        file = self._locks / token
        if not token or not file.is_file():
            return False
        with file.open("ab") as handle:
            free = hold(handle)
        if free:
            with suppress(OSError):  # another process may be looking at the same moment
                file.unlink()
        return not free

    @contextmanager
    def hold_alone(self, name: str) -> Iterator[None]:
        """Wait until nobody else on this home folder holds `name`, another thread of this process included, and hold
        it meanwhile.
        """
        file = self._locks / name
        while True:
            with file.open("ab") as handle:
                if hold(handle) and _is_same(handle, file):
                    yield
                    return
            time.sleep(_LOOK)

    def room(self, cache: Path) -> Path:
        """The folder for this process's temporary files, made when it isn't there."""
        folder = cache / "work" / self.token
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def sweep(self, cache: Path) -> None:
        """Remove the temporary files of processes that have ended, and their lock files."""
        for folder in (cache / "work").glob("*"):
            if not self.alive(folder.name):
                shutil.rmtree(folder, ignore_errors=True)
        for file in self._locks.glob("*"):
            self.alive(file.name)

    def release(self) -> None:
        """Say that this process is done with the home folder. Safe to call twice."""
        self._handle.close()
        with suppress(OSError):
            self._file.unlink()
