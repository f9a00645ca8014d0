"""`finish`: kept clips trimmed, looped, titled, sounded; each a new clip of the library, its original as it was."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cli.animate_commands import make, plan_delivery
from studio.cli.arguments import open_studio
from studio.cli.finish_arguments import read_finish
from studio.cli.report import complain
from studio.finish_room import finish_shot
from studio.nouns import Clip, Finish, Refusal, Shot, replace
from studio.presets import platform, platforms

if TYPE_CHECKING:
    from studio.studio import Studio


REMEDIES = {
    "seconds": "--hold, --loop ping_pong or a slower --speed make it longer, --trim shorter.", "fps": "Give --fps {}.",
    "format": "Give --format {}.",
}  # fmt: skip
"""What changes a finished clip so that its place takes it, by the field of a misfit."""


def finish(flags: argparse.Namespace) -> None:
    """Finish every clip in the same way. Raises `Refusal` before any work begins, `Failure` when one could not be
    made."""
    with closing(open_studio(flags)) as studio:
        clips = [find_clip(studio, words) for words in flags.clips]
        if flags.like:
            done = find_clip(studio, flags.like)
            shots = list(studio.finishes.finish_alike(done.id, [clip.id for clip in clips]))
        else:
            asked = read_finish(flags, studio)
            if asked == Finish() and not (flags.platform or flags.format or flags.output):
                raise Refusal("Nothing is asked for.", "Say what to do; see: python -m studio finish --help")
            shots = [_build_shot(clip, asked, flags) for clip in clips]
        kind = flags.format
        to = plan_delivery(flags.output, kind, len(clips))
        if kind or to:
            shots = [replace(shot, format=kind or (to.format if to and to.name else shot.format)) for shot in shots]
        note_misfits(studio, shots)
        stems = [f"{Path(clip.title or clip.shot.photo.name).stem or 'clip'}-finished" for clip in clips]
        make(studio, shots, stems, to, flags.json)


def note_misfits(studio: Studio, shots: list[Shot]) -> None:
    """Say what their places won't take of them, each thing once, before they are made."""
    for misfit in {one.says: one for shot in shots for one in studio.misfits(shot)}.values():
        remedy = misfit.remedy or REMEDIES.get(misfit.field, "").format(misfit.change)
        complain(f"Note: {misfit.says} {remedy}".strip())


def _build_shot(clip: Clip, asked: Finish, flags: argparse.Namespace) -> Shot:
    require_place(flags.platform or "")
    place = clip.shot.platform if flags.platform is None else flags.platform
    return finish_shot(clip.shot, replace(asked, clips=(clip.id,)), place)


def require_place(place: str) -> None:
    """Raises `Refusal` for a place that isn't there; "" leaves it open."""
    if place and not platform(place):
        known = ", ".join(one.id for one in platforms())
        raise Refusal(f"There is no place called {place!r}.", f"Choose one of: {known}.")


def find_clip(studio: Studio, words: str) -> Clip:
    """A clip of the library: by its file there, or the beginning of its id. Raises `Refusal`."""
    file = Path(words).expanduser()
    if not file.is_file():
        return studio.library.find_id(words)
    if file.resolve().parent == studio.settings.clips.resolve():
        return studio.library.get(file.stem)
    raise Refusal(
        f"{file.name} isn't a file of the library.", "Give the id of its clip: python -m studio library lists them."
    )
