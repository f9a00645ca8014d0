"""Atomic file writes: a file is there whole or not at all, and what a crash left half-written is swept up."""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from studio.wall_clock import measure_age

_UNFINISHED = (".*.part", ".new-*")
"""Names of what is being written, those of earlier builds too."""


_PREFIX = 64
"""Bytes of a file's name that stand in its half-made file's, at least as far as they are there."""


@contextlib.contextmanager
def replace_whole(dest: Path) -> Iterator[Path]:
    """A path beside `dest` to write to, .NAME.….part; it takes `dest`'s name at the end, or goes. Raises OSError.

    NAME is cut so that the whole is no longer than `dest`'s own name, which may be as long as the file system takes.
    """
    ending = f".{uuid.uuid4().hex}.part"
    name = dest.name.encode("utf-8", "surrogateescape")
    start = name[: max(_PREFIX, len(name) - len(ending) - 1)].decode("utf-8", "ignore")
    temporary = dest.with_name(f".{start}{ending}")
    try:
        yield temporary
        temporary.replace(dest)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(dest: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises OSError."""
    with replace_whole(dest) as temporary:
        temporary.write_bytes(data)


def make_folder(folder: Path, within: Path) -> Path:
    """Make a folder, and those above it up to `within`, which is never made anew: its drive may be away for a while.
    Raises OSError.
    """
    if not within.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(within / folder.name))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sweep_unfinished(folder: Path) -> None:
    """Remove what a crash left half-written. What is under an hour old may be another program's, at work now."""
    for left in (file for pattern in _UNFINISHED for file in folder.glob(pattern)):
        with contextlib.suppress(OSError):
            if measure_age(left) > 3600:
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
