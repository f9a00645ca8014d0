"""The cache of files that the page may show or hand out: previews, depth views, downloads. The oldest go first."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from studio.wall_clock import make_newest

MOST_KEPT = 64
"""Files that are kept: a morning's previews of one photo, some 20 MB."""

MOST_BYTES = 2_000_000_000
"""Bytes that are kept: downloads of long 4K clips are large."""


class FileCache:
    """A folder with one small folder for each thing made, named by its key; the file inside has a person's name."""

    def __init__(self, folder: Path, most: int = MOST_KEPT, most_bytes: int = MOST_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._most, self._most_bytes = most, most_bytes

    def find(self, key: str) -> Path | None:
        """What was made under this key, now the freshest of all; None when it isn't here (any more)."""
        for file in (self._folder / key).glob("*"):
            with suppress(FileNotFoundError):
                make_newest(file.parent)
                return file
        return None

    def keep(self, made: Path, key: str, name: str) -> Path:
        """Move a finished file in under a key, to be called `name`, and let the oldest go. Returns where it is now."""
        home = self._folder / key
        home.mkdir(exist_ok=True)
        for other in home.iterdir():
            if other.name != name:
                other.unlink(missing_ok=True)
        made.replace(home / name)
        make_newest(home)
        self._evict()
        return home / name

    def clear(self) -> None:
        """Let everything go: what it was made from has changed."""
        for home in self._folder.iterdir():
            shutil.rmtree(home, ignore_errors=True)

    def _evict(self) -> None:
        """Remove what is oldest beyond either limit; the newest always stays."""
        found: list[tuple[float, int, Path]] = []
        for home in self._folder.iterdir():
            with suppress(FileNotFoundError):
                found.append((home.stat().st_mtime, sum(file.stat().st_size for file in home.iterdir()), home))
        taken = 0
        for place, (_, size, home) in enumerate(sorted(found, reverse=True)):
            taken += size
            if place and (place >= self._most or taken > self._most_bytes):
                shutil.rmtree(home, ignore_errors=True)
