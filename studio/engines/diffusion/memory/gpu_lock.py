"""Whose turn it is on a GPU, among all Stir processes of this user: one works at a time, and the others wait.

Knows lock files, which the system lets go of however a process ends. Refuses to know what is done on the GPU. The files are in
the user's own cache folder and not in a home folder: two homes share one GPU.
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
from studio.library.owner import hold
from studio.nouns import Progress

POLL = 0.2
"""Seconds between two looks; also how late a stop can act."""

NOTE = "Waiting for another Stir to finish on this GPU"


class Turn:
    """The turn on one device of this computer. Where the disk has no locks there are no turns, and nobody waits."""

    def __init__(self, device: str, folder: Path | None = None) -> None:
        folder = folder or Path(platformdirs.user_cache_dir("Stir", appauthor=False)) / "turns"
        name = re.sub(r"[^\w-]", "-", f"{platform.node()}-{device}")  # a user's folder may be shared by several computers
        self._file, self._queue = folder / f"{name}.turn", folder / f"{name}.queue"
        self._usable = self._prepared(folder)

    def _prepared(self, folder: Path) -> bool:
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
    def taken(self, tick: Tick) -> Generator[None]:
        """Hold the turn, after waiting for it; `tick` is called while waiting, and may raise to stop."""
        if not self._usable:
            yield
            return
        with self._file.open("ab") as turn:
            if not hold(turn):
                self._wait(turn, tick)
            yield

    def _wait(self, turn: IO[bytes], tick: Tick) -> None:
        with self._queue.open("ab") as queue:
            marked = False
            while not hold(turn):
                marked = marked or hold(queue)  # one who waits holds it, or another does: either way it is seen
                tick(Progress("wait", note=NOTE))
                time.sleep(POLL)

    def wanted(self) -> bool:
        """Whether another process waits for the turn: what we keep on the GPU stands in its way."""
        if not self._usable:
            return False
        with self._queue.open("ab") as queue:
            return not hold(queue)

    def elsewhere(self) -> bool:
        """Whether another process has the turn. Asked only while this one hasn't."""
        if not self._usable:
            return False
        with self._file.open("ab") as turn:
            return not hold(turn)
