"""How long the built-in engine takes for a clip on this machine, by the clips made here, and the size that "auto" means
here.

Models that denoise keep times of their own (engines/diffusion/run/speed_history.py) and pick their own sizes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from statistics import median
from typing import NamedTuple

from msgspec import structs

from studio.cards import ModelCard, Plan
from studio.engines.hosted.ways import settle_way
from studio.engines.prepare import Prepared, prepare
from studio.nouns import Choice, Clip, Format, Shot, Size, replace
from studio.photo import crop
from studio.photo.mend import settle_mends
from studio.presets import platform

START = 0.8
"""Seconds before the first frame: the photo is read and its depth found. Measured on two cores: 0.5 for 2 megapixels,
1.0 for 24."""

OPENING = 1.0
"""Seconds that the first clip of all takes longer: the networks that read a photo are opened."""

UNKNOWN = 0.01
"""Seconds for a million pixels of film on two cores, before any clip was made here: 0.009 at 720p, 0.008 at 1080p,
measured (`python -m bench speed`).
"""

TIMES: dict[Format, float] = {"mp4": 1.0, "webm": 1.3, "gif": 12.0, "webp": 9.0}
"""How many times the seconds of an MP4 a million pixels take in each format. Two photos, 2.5 and 5 s, in turns on two
cores: WebM 0.9 to 1.1 at 720p, 1.6 to 2 at 360p; GIF and WebP, 640 pixels wide at most, 7 of a smooth photo, 24 and 12
of one full of detail."""

MOST_CORES = 8
"""Cores beyond which a clip isn't made faster: painting and encoding take turns."""

RECENT = 12
"""Clips that the pace is told by: the newest, for the machine may have other work by now."""

PATIENCE = 45.0
"""Seconds that "auto" lets a clip take before it is made a size smaller, though never under PATIENT: who wants more can
ask.
"""

PATIENT: Size = "720p"


class Pace(NamedTuple):
    """Seconds for a million pixels of film as an MP4, and the number of clips made here that say so; `largest`: the
    largest size that "auto" takes.
    """

    seconds: float
    clips: int
    largest: Size = "2160p"

    def estimate(self, planned: Plan, kind: Format) -> float:
        """Seconds that a clip takes, from the press to the library."""
        film = planned.width * planned.height * planned.num_frames / 1e6
        return START + (0 if self.clips else OPENING) + self.seconds * TIMES[kind] * film


def pace(clips: Iterable[Clip]) -> Pace:
    """The pace of this machine by films the built-in engine has made on it: the middle one of the last few."""
    known: list[float] = []
    for clip in clips:
        film = clip.width * clip.height * clip.num_frames / 1e6
        if (
            clip.shot.maker == "parallax"
            and not clip.shot.finish
            and clip.shot.format == "mp4"
            and film > 10
            and clip.took > 0
        ):
            known.append(max(clip.took - START, 0.5 * clip.took) / film)
    if known:
        return Pace(median(known[:RECENT]), len(known[:RECENT]))
    return Pace(UNKNOWN * 2 / min(max(os.cpu_count() or 1, 1), MOST_CORES), 0)


def about(seconds: float) -> str:
    """A time in words, no finer than it is known: "about 9 s", "about 40 s", "about 3 min"."""
    if seconds < 90:
        return f"about {max(1, round(seconds, -1) if seconds >= 20 else round(seconds)):.0f} s"
    return f"about {round(seconds / 60):.0f} min"


def choose_size(shot: Shot, card: ModelCard, here: Pace) -> Prepared:
    """The shot prepared at the size that "auto" means for it on this machine; as it is where it means nothing else. A
    hosted shot's way in is named.

    That is the size its platform asks for, otherwise 1080p where that takes no longer than PATIENCE: as far as the crop
    has the pixels, or nearly. It stands in the recipe: what is promised when a shot is queued is then what is made,
    however the pace changes meanwhile. The plan says why.
    """
    if card.hosted and card.id == shot.maker:
        return prepare(settle_way(shot, card), card)
    if shot.size != "auto" or shot.draft or not card.is_built_in or shot.format in ("gif", "webp"):
        return prepare(shot, card)
    short, place = crop.count_pixels(settle_mends(shot)), platform(shot.platform)
    size = crop.choose_size(short, place.size if place else crop.AUTOMATIC[0])
    if size == "auto":
        return prepare(shot, card)
    is_capped = crop.SHORT_SIDES[size] > crop.SHORT_SIDES[here.largest]
    size = here.largest if is_capped else size
    made = prepare(replace(shot, size=size), card)
    takes = here.estimate(made.plan, made.shot.format)
    why = crop.explain_automatic(size, short)
    if is_capped:
        why = f"{size} is the largest that is made here"
    elif place:
        why = f"{place.title} asks for {place.size}" + (
            "" if size == place.size and made.plan.upscale <= 1 else f"; {why}"
        )
    elif takes > PATIENCE and crop.SHORT_SIDES[size] > crop.SHORT_SIDES[PATIENT]:
        made = prepare(replace(shot, size=PATIENT), card)
        why = f"{size} would take {about(takes)} here"
        takes = here.estimate(made.plan, made.shot.format)
    choice = Choice("size", f"{made.plan.width}x{made.plan.height}", f"{why}; {about(takes)} here")
    return Prepared(made.shot, card, structs.replace(made.plan, size=choice), made.recipe)
