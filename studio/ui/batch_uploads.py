"""Photos that were uploaded for a batch: kept in the cache under numbers until they are read, then removed.

A text file that was uploaded with a photo of its name lies beside it, as in a folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from studio.atomic_write import make_folder
from studio.nouns import Refusal
from studio.studio import Studio
from studio.system_errors import explain_system_error
from studio.ui.uploads import Upload, find_upload
from studio.wall_clock import measure_age

WAITING = 3600.0
"""Seconds after which an uploaded photo is removed that no batch waits for any more."""


class Taken(NamedTuple):
    """Uploads in a folder of their own, and what the user calls each."""

    files: tuple[Path, ...]
    names: tuple[str, ...]


def find_folder(studio: Studio) -> Path:
    """Where they lie."""
    return studio.settings.cache / "batches"


def take_uploads(studio: Studio, given: Sequence[Upload], press: str) -> Taken:
    """Move uploads into a folder of this press. Raises `Refusal` for a path that is no upload."""
    folder = make_folder(find_folder(studio) / press, studio.settings.cache)
    texts = {_stem(one.name): one for one in given if one.name.lower().endswith(".txt")}
    files: list[Path] = []
    names: list[str] = []
    for one in given:
        if one.name.lower().endswith(".txt"):
            continue
        dest = folder / f"{len(files):05d}{PurePosixPath(one.name).suffix.lower()[:10]}"
        _move(studio, one, dest)
        beside = texts.pop(_stem(one.name), None)
        if beside:
            _move(studio, beside, dest.with_suffix(".txt"))
        files.append(dest)
        names.append(one.name)
    for one in texts.values():
        find_upload(studio, one).unlink(missing_ok=True)
    return Taken(tuple(files), tuple(names))


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix("")).casefold()


def _move(studio: Studio, upload: Upload, dest: Path) -> None:
    if dest.exists():  # the same press once more
        return
    try:
        shutil.move(find_upload(studio, upload), dest)
    except (OSError, ValueError) as error:
        if known := explain_system_error(error):
            raise known from None
        why = getattr(error, "strerror", None) or type(error).__name__
        raise Refusal(f"{upload.name} can't be kept ({why}).", "Make room on the disk and add it again.") from None


def sweep_batch_uploads(studio: Studio) -> None:
    """Remove what no batch waits for: photos that were read, and those of a page that was closed before."""
    old = [one for one in find_folder(studio).glob("*") if measure_age(one) > WAITING]
    if not old:
        return
    kept = {
        row.source
        for batch in studio.batches.find(limit=1000)
        for row in studio.batches.rows(batch.id)
        if row.photo is None
    }
    for folder in old:
        if not any(str(file) in kept for file in folder.glob("*")):
            shutil.rmtree(folder, ignore_errors=True)
