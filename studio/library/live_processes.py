"""Which processes are alive on this home folder, so that none takes another's work for a dead one's.

Each process holds a lock file for as long as it lives, and the system lets go of it however the process ends (also at
kill -9), which a written process id could not promise.
"""

from __future__ import annotations

import shutil
import sys
import time
import uuid
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO

from studio.file_locks import hold, hold_alone, is_same
from studio.nouns import Refusal


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
            if hold(handle) and is_same(handle, self._file):
                return handle
            handle.close()
            time.sleep(0.01)
        raise Refusal(
            "The home folder's disk can't lock files.", "Choose a folder on a disk of this computer with --home."
        )

    def renew(self, cache: Path) -> None:
        """Claim the folder again, after its drive was away. Raises `Refusal`, OSError."""
        self._locks.mkdir(exist_ok=True)
        if not is_same(self._handle, self._file):
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
            if free and sys.platform != "win32":  # while it is held: who waits for it sees that it has gone
                file.unlink(missing_ok=True)
        if free and sys.platform == "win32":  # where no open file can be unlinked
            with suppress(OSError):
                file.unlink()
        return not free

    def hold_alone(self, name: str) -> AbstractContextManager[None]:
        """Wait until nobody else on this home folder holds `name`, another thread of this process included, and hold
        it meanwhile.
        """
        return hold_alone(self._locks / name)

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
