"""Atomic file writes: a file is there whole or not at all, and what a crash left half-written is swept up."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path

_UNFINISHED = ".new-"


def write_whole(dest: Path, data: bytes) -> None:
    """Write a file whole or not at all: a temporary one beside it takes its name at the end. Raises OSError."""
    handle, temporary = tempfile.mkstemp(dir=dest.parent, prefix=_UNFINISHED)
    try:
        with os.fdopen(handle, "wb") as sink:
            sink.write(data)
        Path(temporary).replace(dest)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def sweep_unfinished(folder: Path) -> None:
    """Remove what a crash left half-written. What is under an hour old may be another program's, at work now."""
    for left in folder.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 3600:
                left.unlink()


def keep_newest(folder: Path, pattern: str, most: int) -> None:
    """Let the oldest files of a pattern go, beyond `most`."""
    found: list[tuple[float, Path]] = []
    for file in folder.glob(pattern):
        with contextlib.suppress(OSError):
            found.append((file.stat().st_mtime, file))
    for _, file in sorted(found, reverse=True)[most:]:
        with contextlib.suppress(OSError):
            file.unlink()
