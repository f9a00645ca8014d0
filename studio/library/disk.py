"""Free space on the disk: whether there is enough before work starts, and a full or read-only disk in plain words."""

from __future__ import annotations

import errno
import shutil
import tempfile
from pathlib import Path

from studio.nouns import Refusal

RESERVE = 64 * 1024 * 1024
"""Bytes that stay free beside what is written: the database, posters and the rest of the machine need some too."""


def is_full(error: OSError) -> bool:
    """Whether a write failed for want of room."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def refusal(error: OSError) -> Refusal:
    """A failed write in the user's words, without the path."""
    if is_full(error):
        return Refusal("The disk is full.", "Free some space, then try again.")
    why = error.strerror or type(error).__name__
    return Refusal(
        f"Stir's home folder can't be written ({why}).", "Check its permissions, or choose another with --home."
    )


def require(
    folder: Path, needed: int, what: str = "This clip", instead: str = "choose a smaller size or fewer seconds"
) -> None:
    """Raises `Refusal` unless files can be made in `folder` and `needed` bytes, and a reserve of 64 MB, are free there.

    `what` is to be written, and `instead` is what else the user may do about it.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"stir")
            probe.flush()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise refusal(error) from None
    if free < needed + RESERVE:
        raise Refusal(
            f"{what} may need {size(needed + RESERVE)} and the disk has {size(free)} left.",
            f"Free some space, or {instead}.",
        )


def size(amount: int) -> str:
    """Bytes for a person: "850 kB", "27 MB", "1.4 GB"."""
    if amount < 1_000_000:
        return f"{amount / 1e3:.0f} kB"
    return f"{amount / 1e6:.0f} MB" if amount < 1_000_000_000 else f"{amount / 1e9:.1f} GB"
