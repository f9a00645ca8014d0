"""Where -o puts a clip: a file or a folder, checked before work begins, and never over something else."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple, get_args

from studio.nouns import Format, Refusal

ENDINGS: dict[str, Format] = {f".{kind}": kind for kind in get_args(Format)}


class Delivery(NamedTuple):
    """A place that can be written: its folder, the file name that was asked for ("" to name it after the photo), its
    format.
    """

    folder: Path
    name: str
    format: Format


def plan(output: str | None, kind: Format | None, num_photos: int) -> Delivery | None:
    """Where the clips go, or None when they only go to the library.

    Makes the folder and tries it. Raises `Refusal` when it can't be written, when several photos are given one file
    name, or when the ending is none that is made here or not that of --format.
    """
    if not output:
        return None
    place = Path(output).expanduser()
    meant = ENDINGS.get(place.suffix.lower())
    folder = place.is_dir() or output.endswith(("/", os.sep))
    if meant is None and not folder and re.fullmatch(r"\.(?=.*[A-Za-z])\w{2,4}", place.suffix):
        raise Refusal(
            f"Stir makes no {place.suffix} files.", f"End it in {', '.join(ENDINGS)}; or in / if it is a folder."
        )
    if meant is None or folder:
        _try(place, output)
        return Delivery(place, "", kind or "mp4")
    if num_photos > 1:
        raise Refusal(f"{num_photos} photos make {num_photos} clips.", f"Give -o a folder, such as -o {place.stem}/")
    if kind is not None and kind != meant:
        raise Refusal(f"{place.name} doesn't end in .{kind}.", f"Name it {place.stem}.{kind}, or leave out --format.")
    _try(place.parent, output)
    return Delivery(place.parent, place.name, meant)


def _try(folder: Path, output: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Refusal(f"{output} can't be written ({why}).", "Choose another place with -o.") from None


def deliver(clip: Path, to: Delivery, stem: str) -> Path:
    """Copy a kept clip to its place, under a name that is free there: harbour.mp4, then harbour-2.mp4.

    Raises `Refusal` when it can't be written; the clip stays in the library.
    """
    wanted = Path(to.name or f"{stem}{clip.suffix}")
    number = 1
    while True:
        dest = to.folder / (wanted if number == 1 else f"{wanted.stem}-{number}{wanted.suffix}")
        try:
            with dest.open("xb"):
                break  # the name is ours now, whoever else is writing here
        except FileExistsError:
            number += 1
        except OSError as error:
            raise _refuse_kept(dest, error) from None
    part = dest.with_name(f".{dest.name}.part")
    try:
        shutil.copyfile(clip, part)
        part.replace(dest)
    except BaseException as error:
        dest.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _refuse_kept(dest, error) from None
        raise
    return dest


def _refuse_kept(dest: Path, error: OSError) -> Refusal:
    why = error.strerror or type(error).__name__
    return Refusal(
        f"{dest.name} can't be written ({why}).", "The clip is in the library; make room or choose another place."
    )
