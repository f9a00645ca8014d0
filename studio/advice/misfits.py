"""What the place a clip is made for doesn't take of it, with the change that puts each right; before it is made.

The limits themselves are in presets/platforms/*.toml.
"""

from __future__ import annotations

from typing import Literal

from studio.cards import ModelCard, Outcome
from studio.clip import codec_levels
from studio.clip.formats import TITLES
from studio.nouns import Format, Noun, Shot
from studio.photo import crop
from studio.platforms import Platform, is_own_shape

Field = Literal["format", "seconds", "fps", "size", "aspect"]

BITS_PER_PIXEL = 0.12
"""Bits that a studio's MP4 takes for a pixel, about, where much moves; hardware encoders are asked for as many."""

ASPECT_SLACK = 0.02
"""How far a shape may be from its place's: models make frames of whole blocks of pixels."""


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
    found = (
        _find_wrong_aspect(shot, made, place),
        _find_wrong_length(shot, made, place, card) or _find_wrong_bytes(made, place, card),
        _rate(made, place, card),
        _find_wrong_size(made, place),
    )
    return tuple(one for one in found if one)


def _format(shot: Shot, place: Platform) -> Misfit:
    best: Format = place.formats[0]
    names, have = " or ".join(TITLES[one] for one in place.formats), TITLES[shot.format]
    return Misfit("format", have, names, f"{place.title} takes {names}, not {have}.", best, f"Make it {TITLES[best]}")


def _find_wrong_aspect(shot: Shot, made: Outcome, place: Platform) -> Misfit | None:
    if shot.crop.aspect == place.aspect or place.aspect == "photo" or is_own_shape(place, made.width / made.height):
        return None
    wanted = crop.RATIOS[place.aspect]
    if abs(made.width / made.height / wanted - 1) <= ASPECT_SLACK:
        return None
    have = shot.crop.aspect if shot.crop.aspect != "photo" else f"{made.width}x{made.height}"
    says = f"{place.title} shows {place.aspect}; this is {have}."
    return Misfit("aspect", have, place.aspect, says, remedy=f"Crop the photo to {place.aspect}.")


def _find_wrong_length(shot: Shot, made: Outcome, place: Platform, card: ModelCard) -> Misfit | None:
    least, most = place.min_seconds, place.max_seconds
    if least - 0.01 <= made.seconds <= most + 0.01:
        return None
    wanted = least if made.seconds < least else most
    have, need = f"{made.seconds:.3g} s", f"at {'least' if wanted == least else 'most'} {wanted:g} s"
    says = f"{place.title} needs {need}; this is {have}."
    if made.seconds < least <= shot.seconds and shot.finish is None:  # the model makes fewer than it is asked for
        remedy = f"{card.title} makes no more at {made.fps:g} frames a second: choose another model, or make it a loop."
        return Misfit("seconds", have, need, says, remedy=remedy)
    return _offer_length(wanted, have, need, says, card)


def _offer_length(wanted: float, have: str, need: str, says: str, card: ModelCard) -> Misfit:
    if not card.seconds[0] <= wanted <= card.seconds[1] or _falls_short(wanted, card):
        return Misfit("seconds", have, need, says, remedy=f"{card.title} can't: choose another model.")
    return Misfit("seconds", have, need, says, wanted, f"Make it {wanted:g} s")


def _falls_short(wanted: float, card: ModelCard) -> bool:
    """Whether a model that makes lengths in steps makes none of so many seconds."""
    return card.checkpoint is not None and card.checkpoint.lengths.most / card.fps[0] < wanted


def _count_bits(made: Outcome) -> float:
    """About how many bits a second of an MP4 takes."""
    return made.width * made.height * made.fps * BITS_PER_PIXEL


def _find_wrong_bytes(made: Outcome, place: Platform, card: ModelCard) -> Misfit | None:
    """A clip that is likely to be too large a file: said for services, which refuse it; a file of one's own is made to
    fit when it is exported."""
    likely = _count_bits(made) * made.seconds / 8
    if place.kind != "post" or not place.most_bytes or likely <= place.most_bytes:
        return None
    wanted = min(float(int(made.seconds * place.most_bytes / likely)), card.seconds[1])
    have, need = f"about {likely / 1e6:.0f} MB", f"at most {place.most_bytes / 1e6:.0f} MB"
    return _offer_length(wanted, have, need, f"{place.title} takes {need}; this is {have}.", card)


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
    have = f"{made.width}x{made.height}"
    if min(made.width, made.height) < place.min_short:
        need = f"at least {place.min_short} px a side"
        best = next(size for size, side in crop.SHORT_SIDES.items() if side >= place.min_short)
        return Misfit("size", have, need, f"{place.title} needs {need}; this is {have}.", best, f"Make it {best}")
    need = _explain_too_large(made, place)
    if not need:
        return None
    says = f"{place.title} takes {need}; this is {have}."
    return Misfit("size", have, need, says, place.size, f"Make it {place.size}")


def _explain_too_large(made: Outcome, place: Platform) -> str:
    """What a place takes where a film is too large for it: its sides, its codec's level, its bit rate; "" else."""
    kind, mbps = place.files[0], _count_bits(made) / 1e6
    if max(made.width, made.height) > place.max_long:
        return f"at most {place.max_long} px a side"
    if place.kind != "post" or min(made.width, made.height) <= crop.SHORT_SIDES[place.size]:
        return ""
    level = codec_levels.find_level(kind.codec, made.width, made.height, made.fps)
    if not codec_levels.is_within(level, kind.level):
        return f"H.264 up to level {kind.level}"
    return f"at most {kind.most_mbps:g} Mbps" if kind.most_mbps and mbps > kind.most_mbps else ""
