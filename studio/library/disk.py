"""Free space on the disk: whether there is enough before work starts."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from studio.nouns import Refusal
from studio.system_errors import refuse_unwritten

RESERVE = 64 * 1024 * 1024
"""Bytes that stay free beside what is written: the database, posters and the rest of the machine need some too."""


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
        raise refuse_unwritten(error) from None
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
