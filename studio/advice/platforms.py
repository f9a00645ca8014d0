"""What the platform a clip is made for doesn't take of it, with the change that puts each right; before it is made.

The limits themselves are in presets/platforms/*.toml.
"""

from __future__ import annotations

from typing import Literal

from studio.cards import ModelCard, Outcome
from studio.clip.formats import TITLES
from studio.nouns import Format, Noun, Shot
from studio.photo import crop
from studio.presets import Platform

Field = Literal["format", "seconds", "fps", "size"]


class Misfit(Noun, frozen=True):
    """One thing a place doesn't take: the field of the shot, what there is and what the place needs, in words.

    `change` is the value of that field that meets it and `label` what the change does; None and "" where this model or
    this crop can't, and then `remedy` says what would.
    """

    field: Field
    have: str
    need: str
    says: str
    change: float | str | None = None
    label: str = ""
    remedy: str = ""


def find_misfits(shot: Shot, made: Outcome, place: Platform, card: ModelCard) -> tuple[Misfit, ...]:
    """What `place` doesn't take of a shot, by what its file will hold; () when it is taken as it is."""
    if shot.format not in place.formats:
        return (_format(shot, place),)  # length and rate are another format's, once that is changed
    found = (_find_wrong_length(made, place, card), _rate(made, place, card), _find_wrong_size(made, place))
    return tuple(one for one in found if one)


def _format(shot: Shot, place: Platform) -> Misfit:
    best: Format = place.formats[0]
    names, have = " or ".join(TITLES[one] for one in place.formats), TITLES[shot.format]
    return Misfit("format", have, names, f"{place.title} takes {names}, not {have}.", best, f"Make it {TITLES[best]}")


def _find_wrong_length(made: Outcome, place: Platform, card: ModelCard) -> Misfit | None:
    least, most = place.min_seconds, place.max_seconds
    if least - 0.01 <= made.seconds <= most + 0.01:
        return None
    wanted = least if made.seconds < least else most
    have, need = f"{made.seconds:.3g} s", f"at {'least' if wanted == least else 'most'} {wanted:g} s"
    says = f"{place.title} needs {need}; this is {have}."
    if not card.seconds[0] <= wanted <= card.seconds[1] or _falls_short(wanted, card):
        return Misfit("seconds", have, need, says, remedy=f"{card.title} can't: choose another model.")
    return Misfit("seconds", have, need, says, wanted, f"Make it {wanted:g} s")


def _falls_short(wanted: float, card: ModelCard) -> bool:
    """Whether a model that makes lengths in steps makes none of so many seconds."""
    return card.checkpoint is not None and card.checkpoint.lengths.most / card.fps[0] < wanted


def _rate(made: Outcome, place: Platform, card: ModelCard) -> Misfit | None:
    if place.min_fps <= made.fps <= place.max_fps or not card.fps[1]:  # a hosted model's rate that nobody says
        return None
    slow = made.fps < place.min_fps
    need = f"at least {place.min_fps} fps" if slow else f"at most {place.max_fps} fps"
    have = f"{made.fps:.3g} fps"
    says = f"{place.title} needs {need}; this is {have}."
    wanted = min(max(place.fps, card.fps[0]), card.fps[1])
    if not place.min_fps <= wanted <= place.max_fps:
        return Misfit("fps", have, need, says, remedy=f"{card.title} can't: choose another model.")
    return Misfit("fps", have, need, says, wanted, f"Make it {wanted} fps")


def _find_wrong_size(made: Outcome, place: Platform) -> Misfit | None:
    if min(made.width, made.height) >= place.min_short:
        return None
    have, need = f"{made.width}x{made.height}", f"at least {place.min_short} px a side"
    best = next(size for size, side in crop.SHORT_SIDES.items() if side >= place.min_short)
    return Misfit("size", have, need, f"{place.title} needs {need}; this is {have}.", best, f"Make it {best}")
