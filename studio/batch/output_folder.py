"""The folder a batch's files are written to: one folder for each platform, names from the photos', nothing overwritten.

A name is written down before its files, which are made whole in a hidden folder beside it and linked to their names:
after a kill at any moment it is known which files are ours and whole.
"""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from pathlib import Path

from studio.batch.batch_nouns import BatchRow
from studio.library.file_names import tidy
from studio.nouns import Refusal
from studio.system_errors import explain_system_error

UNPLACED = "clips"
"""The folder of clips that are made for no platform."""

HALF, WHOLE = "half", "whole"
"""Folders inside the hidden one: of files that are being written, and of those that are whole."""

LINKLESS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EACCES)
"""What a disk without hard links answers, such as a USB stick."""


def claim_folder(parent: Path, name: str, theirs: Container[str] = ()) -> Path:
    """A new folder in `parent`, of this name or with a number; an empty one that is there will do, unless it is one of
    `theirs`: other batches'. Raises `Refusal`.
    """
    number = 1
    try:
        parent.mkdir(parents=True, exist_ok=True)
        while True:
            folder = parent / (tidy(name) if number == 1 else f"{tidy(name)}-{number}")
            with suppress(FileExistsError):
                folder.mkdir()
                return folder
            if folder.is_dir() and str(folder) not in theirs and not any(folder.iterdir()):
                return folder
            number += 1
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Refusal(f"{parent} can't be written ({why}).", "Choose another folder.") from None


def choose_stem(folder: Path, platform: str, photo: str, number: int, taken: set[str]) -> str:
    """A free path in `folder` for a clip of a photo, without an ending: "reels/harbour", of the second variation
    "reels/harbour-2", and of another photo of the same name the next number that is free. It is added to `taken`, whose
    letters are small.
    """
    stem = tidy(Path(photo).stem)
    at = number + 1
    while True:
        path = f"{platform or UNPLACED}/{stem}{f'-{at}' if at > 1 else ''}"
        if path.casefold() not in taken and not _is_used(folder / path):
            taken.add(path.casefold())
            return path
        at += 1


def _is_used(stem: Path) -> bool:
    """Whether a file of this name is there, with any ending."""
    with suppress(OSError):
        return any(file.name.startswith(f"{stem.name}.") for file in stem.parent.iterdir())
    return False


def list_taken(rows: Sequence[BatchRow]) -> set[str]:
    """Every path that is promised to a file of these rows, without its ending and in small letters."""
    return {file.stem.casefold() for row in rows for clip in row.clips for file in clip.files}


def write_files(stem: Path, key: str, make: Callable[[Path], Sequence[Path]]) -> tuple[Path, ...] | None:
    """Write the files of one clip for one place, as `stem` with their endings; None where another program has taken one
    of those names.

    `make` writes them into the folder it is given and says which, the clip itself first; `key` names what is half made.
    What was whole before a kill isn't made again. `let_go` comes once it is written down that they are there. Raises
    `Refusal` when they can't be written.
    """
    hidden = stem.parent / f".{key}"
    try:
        if not (hidden / WHOLE).is_dir():
            shutil.rmtree(hidden, ignore_errors=True)
            (hidden / HALF).mkdir(parents=True)
            for number, file in enumerate(make(hidden / HALF)):
                file.rename(hidden / HALF / f"{number}{file.suffix}")
            (hidden / HALF).rename(hidden / WHOLE)
        made = sorted((hidden / WHOLE).iterdir(), key=lambda file: int(file.stem))
        places = [stem.with_name(stem.name + file.suffix) for file in made]
        for file, place in zip(reversed(made), reversed(places), strict=True):  # the clip comes last
            if not _link(file, place):
                return None
        return tuple(places)
    except OSError as error:
        if known := explain_system_error(error):
            raise known from None
        why = error.strerror or type(error).__name__
        says = f"{stem.name} can't be written ({why})."
        raise Refusal(says, "Choose another folder; the clip is in the library.") from None


def let_go(stem: Path, key: str) -> None:
    """Remove the other names of files, once it is written down that they are there."""
    shutil.rmtree(stem.parent / f".{key}", ignore_errors=True)


def _link(file: Path, place: Path) -> bool:
    """Give a whole file its name, unless that is another's. On disks without hard links it is copied, then named."""
    if place.exists():
        return place.samefile(file) or filecmp.cmp(place, file, shallow=False)
    try:
        os.link(file, place)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in LINKLESS:
            raise
        copy = file.parent.parent / "copy"
        shutil.copyfile(file, copy)
        copy.rename(place)
    return True
