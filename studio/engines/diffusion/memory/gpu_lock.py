"""One lock on the GPU for all Stir processes of this user: one works at a time, the others wait. Lock files, freed by
the system.

The files are in the user's own cache folder and not in a home folder: two homes share one GPU.
"""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import platformdirs

from studio.engines.base import Tick
from studio.file_locks import hold
from studio.nouns import Progress

POLL = 0.2
"""Seconds between two looks; also how late a stop can act."""

NOTE = "Waiting for another Stir to finish on this GPU"


class GpuLock:
    """The lock on one device of this computer. Where the disk has no file locks there is none, and nobody waits.

    `device` is torch's name for it ("cuda:0"); `folder` is where the lock files lie, by default in the user's cache
    folder.
    """

    def __init__(self, device: str, folder: Path | None = None) -> None:
        folder = folder or Path(platformdirs.user_cache_dir("Stir", appauthor=False)) / "turns"
        name = re.sub(
            r"[^\w-]", "-", f"{platform.node()}-{device}"
        )  # a user's folder may be shared by several computers
        self._file, self._queue = folder / f"{name}.turn", folder / f"{name}.queue"
        self._held: IO[bytes] | None = None
        self._usable = self._can_lock(folder)

    def _can_lock(self, folder: Path) -> bool:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / f"{os.getpid()}.try").open("ab") as handle:
                return hold(handle)
        except OSError:
            return False
        finally:
            with suppress(OSError):
                (folder / f"{os.getpid()}.try").unlink()

    @contextmanager
    def hold(self, tick: Tick) -> Generator[None]:
        """Hold the lock, after waiting for it; `tick` is called while waiting, and may raise to stop."""
        if not self._usable:
            yield
            return
        with self._file.open("ab") as file:
            if not hold(file):
                self._wait(file, tick)
            self._held = file
            yield

    def let_go(self) -> None:
        """Free the lock that a thread of this process holds which was left behind."""
        if self._held:
            self._held.close()

    def _wait(self, file: IO[bytes], tick: Tick) -> None:
        with self._queue.open("ab") as queue:
            marked = False
            while not hold(file):
                marked = marked or hold(queue)  # one who waits holds it, or another does: either way it is seen
                tick(Progress("wait", note=NOTE))
                time.sleep(POLL)

    def is_wanted(self) -> bool:
        """Whether another process waits for the lock: what we keep on the GPU stands in its way."""
        if not self._usable:
            return False
        with self._queue.open("ab") as queue:
            return not hold(queue)

    def is_held_elsewhere(self) -> bool:
        """Whether another process has the lock. Asked only while this one hasn't."""
        if not self._usable:
            return False
        with self._file.open("ab") as file:
            return not hold(file)
