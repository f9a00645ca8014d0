"""Whether a shot can be made at all: it is brought in order, prepared for its model, and refused with a remedy where it
can't.

How a model stands on this machine is asked of models.py.
"""

from __future__ import annotations

import re

from studio.advice.render_time import Pace, choose_size
from studio.cards import ModelCard
from studio.clip.formats import TICKS
from studio.config import Settings
from studio.depth_maps import depth_file, find_network
from studio.engines.hosted.card_check import require_values
from studio.engines.hosted.field_values import find_values
from studio.engines.hosted.request import check_request
from studio.engines.hosted.ways import choose_way
from studio.engines.prepare import Prepared
from studio.motion.ambient_effects import EFFECTS
from studio.nouns import Effect, Photo, Refusal, Shot, Still, replace
from studio.photo import crop, mend

LEAST_SUBJECT = 0.001
"""The least share of the crop that a marked subject covers."""


def accept(shot: Shot, card: ModelCard, photo: Photo, end: Photo | None, settings: Settings, here: Pace) -> Prepared:
    """A shot prepared for its maker, `card`: its photos as they were taken in, its crops settled, its automatic size
    chosen.

    Raises `Refusal` when the card can't make it. A model with a checkpoint makes what the plan says of lengths and
    rates; it is never refused for those.
    """
    shot = replace(
        shot, photo=replace(photo, name=shot.photo.name or photo.name), crop=crop.settle_crop(photo, shot.crop)
    )
    if shot.end and end:
        part = shot.end.crop
        if ends_on_box(shot, card):  # which is seen in the frame of the crop
            part = replace(part, aspect=shot.crop.aspect)
        still = Still(replace(end, name=shot.end.photo.name or end.name), crop.settle_crop(end, part))
        shot = replace(shot, end=still)
    mend.check_mends(shot.photo, shot.mends)
    prepared = choose_size(shot, card, here)
    shot, wanted = prepared.recipe, prepared.shot
    if card.is_built_in:
        _check_range(wanted, card)
    if card.hosted:
        way = choose_way(wanted, card)
        check_request(wanted, card, way)
        require_values(settings, card, way, find_values(wanted, card, way).values)
    _check_end(shot, wanted, card)
    _check_wishes(wanted, card)
    _check_effects(shot.motion.effects)
    _check_subject(shot, settings)
    wide = (
        replace(shot, crop=crop.enclose(photo, shot.crop, shot.end.crop))
        if shot.end and ends_on_box(wanted, card)
        else shot
    )
    _check_depth(wide, settings)
    return prepared


def ends_on_box(shot: Shot, card: ModelCard) -> bool:
    """Whether a clip ends on a second box of its own photo, rather than on a photo."""
    return shot.end is not None and "end_crop" in card.supports and "end_frame" not in card.supports


def _check_range(shot: Shot, card: ModelCard) -> None:
    """Raises `Refusal` for a rate or length that this model doesn't make. A GIF or WebP may be as slow as it likes."""
    low, high = (1 if shot.format in TICKS else card.fps[0]), card.fps[1]
    if not low <= shot.fps <= high:
        raise Refusal(
            f"{card.title} makes {low} to {high} frames a second, not {shot.fps}.", "Choose a rate within that."
        )
    short, long = card.seconds
    if not short <= shot.seconds <= long:
        raise Refusal(
            f"{card.title} makes clips of {short:g} to {long:g} seconds, not {shot.seconds:g}.",
            "Choose a length within that.",
        )


def _check_end(shot: Shot, wanted: Shot, card: ModelCard) -> None:
    """Raises `Refusal` for an end that this model can't be told: any at all, or another photo. `wanted` is what it is
    asked.
    """
    if not wanted.end or not shot.end or "end_frame" in card.supports:
        return
    if "end_crop" not in card.supports:
        remedy = "Take the end away, or choose a model with an end frame."
        raise Refusal(f"{card.title} can't be told where to end.", remedy)
    if shot.end.photo.id != shot.photo.id:
        remedy = "Draw an end box on this photo instead, or choose a model with an end frame."
        raise Refusal(f"{card.title} ends on the photo it began with, not on another one.", remedy)


def _check_wishes(shot: Shot, card: ModelCard) -> None:
    """Raises `Refusal` for what only other models can be asked: steps, guidance, a speed-up."""
    if card.checkpoint is None and (shot.steps is not None or shot.guidance is not None):
        raise Refusal(f"{card.title} has no steps and no guidance.", "Leave them out, or choose a model that denoises.")
    known = card.checkpoint.speedups if card.checkpoint else ()
    for speedup in shot.speedups:
        if speedup not in known:
            remedy = f"Choose from: {', '.join(known)}." if known else "Leave it out."
            raise Refusal(f"{card.title} doesn't take the speed-up {speedup}.", remedy)


def _check_effects(effects: tuple[Effect, ...]) -> None:
    names = [effect.name for effect in effects]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise Refusal(
            f"“{EFFECTS[twice].title}” is among the effects twice.", "Keep one, and set its amount.", "effects"
        )
    for effect in effects:
        _check_brush(effect)


def _check_brush(effect: Effect) -> None:
    """Raises `Refusal` unless the painted region is a PNG of at most 256 px, going by its header alone."""
    from studio.photo import brush_mask

    if effect.brush and not brush_mask.is_valid_brush(effect.brush):
        raise Refusal(
            f"What was painted for {EFFECTS[effect.name].title.lower()} can't be read.",
            "Clear it and paint it again.",
            "effects",
        )


def _check_subject(shot: Shot, settings: Settings) -> None:
    """Raises `Refusal` unless what is marked as the subject can be read, and some of it lies inside the crop."""
    from studio.photo import brush_mask, subject_mask

    if shot.subject == subject_mask.OWN and not subject_mask.resolve_subject(shot.photo, shot.subject, settings):
        raise Refusal(
            "This photo came without a portrait matte of its own.", "Let Stir find the subject, or add the original."
        )
    if shot.subject in ("", subject_mask.OWN, subject_mask.BUILTIN):
        return
    mask = brush_mask.decode_brush(shot.subject) if brush_mask.is_valid_brush(shot.subject) else None
    if mask is None:
        raise Refusal("What was marked as the subject can't be read.", "Mark it again, or choose Automatic.")
    if float(brush_mask.lay_over_crop(mask, shot.crop, (160, 160)).mean()) < LEAST_SUBJECT:
        raise Refusal(
            "What you marked as the subject lies outside the crop.", "Move the crop over it, or mark something inside."
        )


def _check_depth(shot: Shot, settings: Settings) -> None:
    depth = shot.depth
    if depth == "anything" and not find_network(settings)[0]:
        raise Refusal(
            "Depth Anything V2 is not on this computer.",
            "Download it in Settings, or choose the built-in depth.",
            "photo",
        )
    if depth in ("auto", "builtin", "anything"):
        return
    if depth == "photo":
        if not shot.photo.own_depth or not depth_file(settings, shot.photo.own_depth).is_file():
            raise Refusal(
                "This photo came without depth of its own.", "Let Stir read the depth, or add the original.", "photo"
            )
        return
    if not re.fullmatch("[0-9a-f]{64}", depth) or not depth_file(settings, depth).is_file():
        raise Refusal("That depth map isn't here.", "Add it again, or let Stir read the depth itself.", "photo")
    from PIL import Image as Pictures

    from studio.engines.parallax.depth_source import covers_photo

    with Pictures.open(depth_file(settings, depth)) as picture:
        covers_photo(shot, *picture.size)
