"""`reel`: several clips of the library, or photos that are animated first, as one clip, cut to its music."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cli.animate_commands import cancel_all, make, plan_delivery, take_in, watch
from studio.cli.arguments import open_studio
from studio.cli.finish_arguments import read_finish
from studio.cli.finish_command import find_clip, note_misfits, require_place
from studio.nouns import Aspect, Clip, Crop, Job, Join, Photo, Refusal, Shot, Size, replace
from studio.photo.crop import parse_aspect, parse_size
from studio.presets import platform

if TYPE_CHECKING:
    from studio.studio import Studio

VARIETY = 3
"""The motions that fit a photo best, from which each takes the next, so that not all photos move alike."""


def reel(flags: argparse.Namespace) -> None:
    """Join clips in their order. Raises `Refusal` before any work begins, `Failure` when one could not be made."""
    place = flags.platform or ""
    require_place(place)
    to = plan_delivery(flags.output, flags.format, 1)
    how = flags.cut or ("beat" if flags.music else "dissolve")
    join = replace(Join(), how=how, seconds=flags.dissolve, aspect=parse_aspect(flags.aspect or "photo"))
    size: Size = parse_size(flags.size) if flags.size else "auto"
    if len(flags.clips) < 2:
        raise Refusal("A reel is made of two clips at least.", "Name more of them, in their order.")
    with closing(open_studio(flags)) as studio:
        asked = read_finish(flags, studio)  # a song that can't be read is refused before anything is animated
        clips = _gather(studio, flags, join.aspect, size)
    kind = flags.format or (to.format if to and to.name else "mp4")
    finish = replace(asked, clips=tuple(clip.id for clip in clips), join=join)
    shot = replace(clips[0].shot, finish=finish, platform=place, size=size, format=kind)
    with closing(open_studio(flags)) as studio:  # another one: a studio starts its worker once
        note_misfits(studio, [shot])
        make(studio, [shot], ["reel"], to, flags.json)


def _gather(studio: Studio, flags: argparse.Namespace, aspect: Aspect, size: Size) -> list[Clip]:
    """The clips that were named, in their order; of a photo, the one that is made of it now."""
    named: list[Clip | Shot] = []
    for words in flags.clips:
        file = Path(words).expanduser()
        if file.is_file() and file.resolve().parent != studio.settings.clips.resolve():
            number = sum(isinstance(one, Shot) for one in named)
            photo = take_in(studio, file, True)
            named.append(_build_shot(studio, photo, flags, aspect=aspect, size=size, number=number))
        else:
            named.append(find_clip(studio, words))
    jobs = {place: studio.submit(one) for place, one in enumerate(named) if isinstance(one, Shot)}
    if jobs:
        studio.start(adopt=False)
    return [_make_clip(studio, jobs, place) if isinstance(one, Shot) else one for place, one in enumerate(named)]


def _make_clip(studio: Studio, jobs: dict[int, Job], place: int) -> Clip:
    try:
        return watch(studio, jobs[place], jobs[place].shot.photo.name)
    except BaseException:
        cancel_all(studio, list(jobs.values()))
        raise


def _build_shot(
    studio: Studio, photo: Photo, flags: argparse.Namespace, *, aspect: Aspect, size: Size, number: int
) -> Shot:
    """A few seconds of a photo: cropped round what it shows, moving as fits it."""
    place = platform(flags.platform or "")
    wanted = place.aspect if place and aspect == "photo" else aspect
    crop = Crop() if wanted == "photo" else studio.advice.suggest_crop(photo, wanted).crop
    fitting = studio.advice.motions(photo)[:VARIETY]
    motion = fitting[number % len(fitting)].motion
    fps = max(24, place.min_fps) if place else 24
    return replace(Shot(photo), crop=crop, motion=motion, seconds=flags.seconds, fps=fps, size=size)
