"""The folder a batch's files are written to: one folder for each platform, names from the photos', nothing overwritten.

A name is written down before its file, and the file is made whole under another name and linked to its own: after a
kill at any moment it is known which files are ours and whole.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from studio.batch.batch_nouns import BatchRow, WrittenFile
from studio.library.disk import refusal as refuse_disk
from studio.library.file_names import tidy
from studio.nouns import Refusal

UNPLACED = "clips"
"""The folder of clips that are made for no platform."""


def claim_folder(parent: Path, name: str) -> Path:
    """A new folder in `parent`, of this name or with a number; an empty one that is there will do. Raises `Refusal`."""
    number = 1
    try:
        parent.mkdir(parents=True, exist_ok=True)
        while True:
            folder = parent / (tidy(name) if number == 1 else f"{tidy(name)}-{number}")
            with suppress(FileExistsError):
                folder.mkdir()
                return folder
            if folder.is_dir() and not any(folder.iterdir()):
                return folder
            number += 1
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Refusal(f"{parent} can't be written ({why}).", "Choose another folder.") from None


def choose_name(folder: Path, platform: str, photo: str, number: int, ending: str, taken: set[str]) -> str:
    """A free path in `folder` for a clip of a photo, the photo's name without its ending: "reels/harbour.mp4"; of the
    second variation "reels/harbour-2.mp4", and of another photo of the same name the next number that is free. It is
    added to `taken`, whose letters are small.
    """
    stem = tidy(Path(photo).stem)
    at = number + 1
    while True:
        path = f"{platform or UNPLACED}/{stem}{f'-{at}' if at > 1 else ''}{ending}"
        if path.casefold() not in taken and not (folder / path).exists():
            taken.add(path.casefold())
            return path
        at += 1


def list_taken(rows: Sequence[BatchRow]) -> set[str]:
    """Every path that is promised to a file of these rows, in small letters."""
    return {file.path.casefold() for row in rows for clip in row.clips for file in clip.files}


def write_file(folder: Path, file: WrittenFile, key: str, make: Callable[[Path], None]) -> bool:
    """Write a file to the path that was promised to it; False where another program has taken that path meanwhile.

    `make` writes the whole of it to the path it is given; `key` names what is half made. What was finished before a
    kill isn't made again. Raises `Refusal` when it can't be written.
    """
    dest = folder / file.path
    part = dest.with_name(f".{key}{dest.suffix}")
    try:
        dest.parent.mkdir(parents=True, exist_ok=True)
        if part.exists() and dest.exists() and part.samefile(dest):
            return True
        if dest.exists():
            return False
        part.unlink(missing_ok=True)
        make(part)
        return _link(part, dest)
    except OSError as error:
        raise _refuse(error, dest) from None


def finish_file(folder: Path, file: WrittenFile, key: str) -> None:
    """Let go of the other name of a file, once it is written down that it is there."""
    dest = folder / file.path
    with suppress(OSError):
        dest.with_name(f".{key}{dest.suffix}").unlink()


def _link(part: Path, dest: Path) -> bool:
    """Give a whole file its name, unless that is taken. On disks without hard links it is renamed."""
    try:
        os.link(part, dest)
        return True
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EACCES):
            raise
    if dest.exists():
        return False
    part.rename(dest)
    return True


def copy_file(source: Path, dest: Path) -> None:
    """Copy a file's bytes."""
    shutil.copyfile(source, dest)


def _refuse(error: OSError, dest: Path) -> Refusal:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return refuse_disk(error)
    why = error.strerror or type(error).__name__
    return Refusal(f"{dest.name} can't be written ({why}).", "Choose another folder; the clip is in the library.")
