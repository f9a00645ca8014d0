"""What the place a clip is made for doesn't take of it, said before it is made, with the change that puts each right.

Knows limits against what a file will hold. Refuses to know where the limits are stated (presets/platforms/*.toml) and to change
anything itself.
"""

from __future__ import annotations

from typing import Literal

from studio.cards import ModelCard, Outcome
from studio.nouns import Format, Noun, Shot, Size
from studio.photo import crop
from studio.presets import Platform

Field = Literal["format", "seconds", "fps", "size"]


class Misfit(Noun, frozen=True):
    """One thing a place doesn't take: the field of the shot, what there is and what the place needs, in words.

    `change` is the value of that field that meets it and `label` what the change does; None and "" where this model or this crop
    can't, and then `remedy` says what would.
    """

    field: Field
    have: str
    need: str
    says: str
    change: float | str | None = None
    label: str = ""
    remedy: str = ""


def misfits(shot: Shot, made: Outcome, place: Platform, card: ModelCard) -> tuple[Misfit, ...]:
    """What `place` doesn't take of a shot, by what its file will hold; () when it is taken as it is."""
    if shot.format not in place.formats:
        return (_format(shot, place),)  # length and rate are another format's, once that is changed
    found = (_length(shot, made, place, card), _rate(shot, made, place, card), _size(shot, made, place))
    return tuple(one for one in found if one)


def _format(shot: Shot, place: Platform) -> Misfit:
    best: Format = place.formats[0]
    names = " or ".join(one.upper() if one != "webm" else "WebM" for one in place.formats)
    have = {"gif": "GIF", "webp": "WebP", "webm": "WebM", "mp4": "MP4"}[shot.format]
    return Misfit("format", have, names, f"{place.title} takes {names}, not {have}.", best, f"Make it {best.upper()}")


def _length(shot: Shot, made: Outcome, place: Platform, card: ModelCard) -> Misfit | None:
    least, most = place.min_seconds, place.max_seconds
    if least - 0.01 <= made.seconds <= most + 0.01:
        return None
    short = made.seconds < least
    need = f"at least {least:g} s" if short else f"at most {most:g} s"
    says = f"{place.title} needs {need}; this is {made.seconds:.3g} s."
    wanted = least if short else most
    if not card.seconds[0] <= wanted <= card.seconds[1] or (card.checkpoint and _falls_short(wanted, card)):
        return Misfit("seconds", f"{made.seconds:.3g} s", need, says, remedy=f"{card.title} can't: choose another model.")
    return Misfit("seconds", f"{made.seconds:.3g} s", need, says, wanted, f"Make it {wanted:g} s")


def _falls_short(wanted: float, card: ModelCard) -> bool:
    """Whether a model that makes lengths in steps makes none of so many seconds."""
    lengths = card.checkpoint.lengths if card.checkpoint else None
    return lengths is not None and lengths.most / card.fps[0] < wanted


def _rate(shot: Shot, made: Outcome, place: Platform, card: ModelCard) -> Misfit | None:
    if place.min_fps <= made.fps <= place.max_fps:
        return None
    slow = made.fps < place.min_fps
    need = f"at least {place.min_fps} fps" if slow else f"at most {place.max_fps} fps"
    have = f"{made.fps:.3g} fps"
    says = f"{place.title} needs {need}; this is {have}."
    if not card.fps[0] <= place.fps <= card.fps[1]:
        within = max(place.min_fps, card.fps[0]) if slow else min(place.max_fps, card.fps[1])
        if not card.fps[0] <= within <= card.fps[1]:
            return Misfit("fps", have, need, says, remedy=f"{card.title} can't: choose another model.")
        return Misfit("fps", have, need, says, within, f"Make it {within} fps")
    return Misfit("fps", have, need, says, place.fps, f"Make it {place.fps} fps")


def _size(shot: Shot, made: Outcome, place: Platform) -> Misfit | None:
    short = min(made.width, made.height)
    if short >= place.min_short:
        return None
    have, need = f"{made.width}x{made.height}", f"at least {place.min_short} px a side"
    best: Size | None = next((size for size, side in crop.SHORT_SIDES.items() if side >= place.min_short), None)
    says = f"{place.title} needs {need}; this is {have}."
    if best is None:
        return None
    return Misfit("size", have, need, says, best, f"Make it {best}")
