"""`export`: clips of the library made fit for the places they go, each file checked field by field."""

from __future__ import annotations

import argparse
import re
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from studio.cli.animate_commands import deliver
from studio.cli.arguments import open_studio
from studio.cli.report import Bar, complain, say, say_json
from studio.library import disk
from studio.nouns import Clip, Refusal
from studio.platforms import DeliveryWish

if TYPE_CHECKING:
    from studio.deliveries import Foreseen
    from studio.delivery.deliver import Delivered, Written
    from studio.studio import Studio

UNITS = {"": 1, "b": 1, "kb": 1000, "mb": 1_000_000, "gb": 1_000_000_000, "kib": 1 << 10, "mib": 1 << 20}
"""What a file size may be counted in."""


def export(flags: argparse.Namespace) -> None:
    """Write clips for places and say what was found in each file. Raises `Refusal` before any work where a place can't
    take a clip.
    """
    wish = DeliveryWish(fit=flags.fit, under=_read_size(flags.under), container=flags.container)
    folder = Path(flags.output).expanduser()
    with closing(open_studio(flags)) as studio:
        clips = list({clip.id: clip for clip in (_find_clip(studio, words) for words in flags.clips)}.values())
        places = list(dict.fromkeys(name.strip().lower() for name in flags.platform.split(",") if name.strip()))
        if not places:
            raise Refusal("No place is named.", "Give one or several, such as --platform reels,shorts.")
        found = studio.deliveries.foresee([clip.id for clip in clips], places, wish)
        refused = [one for one in found if one.reason]
        if refused:
            raise _join_refusals(refused, clips)
        _require_folder(folder, flags.output)
        told: list[dict[str, Any]] = []
        for clip in clips:
            earlier: list[Written] = []
            for place in places:
                told.append(_write(studio, clip, place, folder, wish, earlier, flags.json))
    if flags.json:
        say_json(told)


def _join_refusals(refused: list[Foreseen], clips: list[Clip]) -> Refusal:
    """All that stands in the way, and each remedy once: what helps for one place needn't for the next."""
    names = {clip.id: f"{clip.title or clip.shot.photo.name} ({clip.id[:8]}): " for clip in clips if len(clips) > 1}
    reasons = " ".join(names.get(one.clip, "") + one.reason for one in refused)
    return Refusal(reasons, " ".join(dict.fromkeys(one.remedy for one in refused)))


def _write(
    studio: Studio, clip: Clip, place: str, folder: Path, wish: DeliveryWish, earlier: list[Written], quiet: bool
) -> dict[str, Any]:  # fmt: skip
    name = studio.deliveries.name_file(clip.id, place)
    bar = Bar(name)
    with tempfile.TemporaryDirectory(dir=studio.deliveries.room, ignore_cleanup_errors=True) as work:
        made = studio.deliveries.write_to(clip.id, place, Path(work) / "made", bar.draw, wish, earlier)
        bar.clear()
        files = [one._replace(file=deliver(one.file, folder / f"{name}{one.file.suffix}")) for one in made.files]
        poster = deliver(made.poster, folder / f"{name}{made.poster.suffix}") if made.poster else None
    earlier += files
    if not quiet:
        _say_files(files, poster, made)
    return {
        "clip": clip.id,
        "platform": place,
        "files": [
            {"path": str(one.file), "bytes": one.bytes, "checks": msgspec.to_builtins(one.checks)} for one in files
        ],
        "poster": str(poster) if poster else None,
        "choices": msgspec.to_builtins(made.choices),
        "is_met": all(check.is_met for one in files for check in one.checks),
    }


def _say_files(files: list[Written], poster: Path | None, made: Delivered) -> None:
    for one in files:
        met = sum(check.is_met for check in one.checks)
        say(f"{one.file}  {disk.size(one.bytes)}, {met} of {len(one.checks)} checks met")
        for check in one.checks:
            if not check.is_met:
                complain(f"Note: {check.field} of {one.file.name} is {check.found}; {check.wanted} was wanted.")
    if poster:
        say(str(poster))
    for choice in made.choices:
        say(f"      {choice.what}: {choice.value} ({choice.reason})")


def _find_clip(studio: Studio, words: str) -> Clip:
    """A clip by its file in the library, its id or the beginning of it. Raises `Refusal`."""
    file = Path(words).expanduser()
    if not file.is_file():
        return studio.library.find_id(words)
    clip = studio.library.find_by_file(file.name)
    if clip and (studio.settings.clips / clip.file).samefile(file):
        return clip
    raise Refusal(f"{words} isn't a clip of the library.", "Give an id from: python -m studio library")


def _read_size(words: str) -> int:
    """Bytes from "500KB", "1.5 MB", "2MiB" or a plain number; 0 for "". Raises `Refusal`."""
    if not words:
        return 0
    parts = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", words)
    if parts is None or parts[2].lower() not in UNITS or float(parts[1]) <= 0:
        raise Refusal(f"{words!r} is no file size.", "Give one such as 500KB or 2MB.")
    return max(1, int(float(parts[1]) * UNITS[parts[2].lower()]))


def _require_folder(folder: Path, output: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Refusal(f"{output} can't be written ({why}).", "Choose another folder with -o.") from None
