"""The motion as the page builds it: the sentence and the builder kept in step, the check of the words, and motions to start from.

Knows how what was typed and what was pressed are brought together, and how a motion is put for the page. Refuses to understand
words itself: the grammar and the check do.
"""

from __future__ import annotations

from typing import Any

import msgspec

from studio import presets
from studio.advice import fits, of
from studio.cards import ModelCard
from studio.checks import needs_brush
from studio.config import ASSETS
from studio.motion import compose, lint, read
from studio.motion.camera import goes
from studio.motion.promise import promise
from studio.nouns import Effect, EffectName, Kind, Motion, Noun, Refusal, Shot, Use, Words, replace
from studio.photo.crop import settle
from studio.presets import MotionPreset
from studio.studio import Studio
from studio.ui.model_facts import sentence
from studio.ui.shot_form import Frame

KINDS: dict[Kind, str] = {
    "portrait": "Portrait", "water": "Water", "landscape": "Landscape", "street": "Street", "product": "Food and product",
}  # fmt: skip
"""What a photo may be of, as the gallery's filter says it."""

USES: dict[Use, str] = {
    "product": "E-commerce", "travel": "Travel", "music": "Music and art", "estate": "Real estate", "brand": "Personal brand",
}  # fmt: skip
"""What a clip may be for, as the gallery's filter says it."""

SUGGESTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "people": {
        "subject": ("the person", "the woman", "the man", "the child"),
        "action": ("turns the head slowly", "blinks and smiles", "breathes gently", "looks up"),
        "environment": ("hair stirs in the breeze",),
        "light": ("soft light moves across the face",),
        "still": ("the face", "the hands"),
    },
    "water": {
        "subject": ("the water", "the waves"),
        "action": ("ripples gently", "roll ashore"),
        "environment": ("mist drifts over the water",),
        "light": ("light glints on the water",),
        "still": ("the shore",),
    },
    "foliage": {
        "subject": ("the leaves", "the grass"),
        "action": ("sway in the wind", "bend in the breeze"),
        "environment": ("leaves rustle",),
    },
    "sky": {"environment": ("clouds drift",), "still": ("the horizon", "the land")},
    "built": {"environment": ("dust floats in the light",), "still": ("the buildings", "the ground")},
}
"""Short words for each slot of the builder, by what is surely in a photo (`studio.photo.kind.Marks`)."""

CLOSE_UP = "A close-up: only the subject is in focus. What it is Stir can’t tell, so these motions name nothing."
"""Why no kind is named for a close-up."""

ANY: dict[str, tuple[str, ...]] = {
    "subject": ("the subject",),
    "action": ("moves gently", "turns slowly"),
    "environment": ("thin fog drifts by", "dust floats in the light"),
    "light": ("light stays constant", "light shifts slowly"),
    "still": ("the background", "the subject"),
}
"""What may be said of any photo: it names nothing that may not be there."""


def suggestions(marks: Any) -> dict[str, list[str]]:
    """Short words for each slot that suit a photo: of what is surely in it, then what may be said of any."""
    there = [words for name, words in SUGGESTIONS.items() if getattr(marks, name)]
    return {slot: list(dict.fromkeys(one for words in (*there, ANY) for one in words.get(slot, ()))) for slot in ANY}


class Ask(Noun, frozen=True):
    """What the page asks: the builder and the sentence as they are, and as they were when both last agreed (`before`, `said`).

    `unplaced` are effects that find no place on the photo; `boxed`: there is an end box on it. `write`: the sentence is to be
    written from the builder, whatever it says. A painted region comes as any brush at all: here it only matters that there is
    one.
    """

    motion: Motion
    before: Motion
    text: Words = ""
    said: Words = ""
    write: bool = False
    model: str = "parallax"
    seconds: float = 5.0
    unplaced: tuple[EffectName, ...] = ()
    boxed: bool = False


def direct(studio: Studio, ask: Ask) -> dict[str, Any]:
    """Builder and sentence in step again, what the check says of them, and what the model will be told.

    What was typed is heard first; what was pressed meanwhile stands. The sentence is left alone unless something was pressed.
    Raises `Refusal` for a model that isn't there.
    """
    card = studio.card(ask.model)
    motion = ask.motion
    if not ask.write and ask.text != ask.said:
        heard = replace(read.hear(ask.before, ask.text), negative_prompt=avoided(ask))
        motion = merged(ask.before, ask.motion, heard)
    pressed = compose.plain(ask.motion) != compose.plain(ask.before)
    text = compose.plain(motion) if ask.write or pressed else ask.text
    return {
        "motion": msgspec.to_builtins(motion),
        "text": text,
        "findings": msgspec.to_builtins(findings(motion, text, ask.seconds, card)),
        "promise": msgspec.to_builtins(promise(motion, card, text, ask.unplaced, ask.boxed)),
        "told": told(motion, card),
        "unplaced": unplaced(motion, text),
    }


def avoided(ask: Ask) -> str:
    """What is to be avoided: what was, without what the last sentence said of it, and with what this one says.

    A sentence is heard while it is typed: "no te" and "no tex" on the way to "no text" must leave nothing behind.
    """
    said, says = read.read(ask.said).negative_prompt, read.read(ask.text).negative_prompt
    if said == says:
        return ask.before.negative_prompt
    gone = set(read.avoiding(said).split(", "))
    kept = [one for one in read.avoiding(ask.before.negative_prompt).split(", ") if one not in gone]
    return read.avoiding(*kept, says)


def merged(before: Motion, pressed: Motion, heard: Motion) -> Motion:
    """What was heard, but for what was pressed meanwhile: field by field, the pressed value where it has changed."""
    changed = {
        field: getattr(pressed, field) for field in Motion.__struct_fields__ if getattr(pressed, field) != getattr(before, field)
    }
    return replace(heard, **changed)


def findings(motion: Motion, text: str, seconds: float, card: ModelCard) -> tuple[lint.Finding, ...]:
    """What the check says of the sentence as it stands, each at its words; what has no place the promise says."""
    found = lint.check(motion if text == compose.plain(motion) else text, seconds=seconds, card=card)
    return tuple(one for one in found if one.code != "no_region")


def unplaced(motion: Motion, text: str) -> list[EffectName]:
    """The effects, pressed or asked for in words, that wait for somebody to paint where they happen."""
    pressed = {effect.name for effect in motion.effects}
    asked = (effect for effect in read.read(text).effects if effect.name not in pressed)
    return [effect.name for effect in (*motion.effects, *asked) if effect.amount > 0 and needs_brush(effect)]


def told(motion: Motion, card: ModelCard) -> dict[str, Any]:
    """What a card is told, what it can't obey, and what is acted on where the words are only read here."""
    written = compose.compose(motion, card)
    acted = read.enacted(motion)
    implied = [effect.name for effect in acted.effects if effect.name not in {one.name for one in motion.effects}]
    return {
        "reads": "prompt" in card.supports,
        "prompt": written.prompt,
        "negative": written.negative,
        "control": written.control,
        "notes": list(written.notes),
        "implied": implied,
        "acted": msgspec.to_builtins(Motion(camera=acted.camera, effects=tuple(_unpainted(one) for one in acted.effects))),
    }


def _unpainted(effect: Effect) -> Effect:
    return replace(effect, brush="")


class Fit(Noun, frozen=True):
    """A question for motions: which photo."""

    photo: str


def fitting(studio: Studio, photo_id: str) -> dict[str, Any]:
    """The ids of all motions, those that fit a photo first, which of them do, what it is of and why, and words that suit it.

    Raises `Refusal`.
    """
    photo = studio.photo(photo_id)
    seen = studio.advice.seen(photo)
    kind = of(seen)
    order = studio.advice.motions(photo)
    plain = CLOSE_UP if seen.marks.close else sentence(seen.reason)
    return {
        "order": [one.id for one in order],
        "fitting": [one.id for one in order if fits(one, kind, seen.marks.people)],
        "kind": kind,
        "reason": f"{KINDS[kind]}: {seen.reason}." if kind else plain,
        "words": suggestions(seen.marks),
    }


class Played(Noun, frozen=True):
    """A question for a motion to start from: what it looks like on the photo on the desk."""

    frame: Frame
    motion: str


WORDED = "Only the camera: what happens needs a model that reads words."
UNSEEN = "Needs a model that reads words."


def played(studio: Studio, ask: Played) -> dict[str, str]:
    """A tiny clip of a motion on a photo, "" where nothing would move, and what of it can't be seen there. Raises `Refusal`."""
    preset = next((one for one in presets.motions() if one.id == ask.motion), None)
    if preset is None:
        raise Refusal("There is no such motion.", "Reload the page.")
    frame, photo = ask.frame, studio.photo(ask.frame.photo)
    crop = settle(photo, frame.crop)
    shot = Shot(photo, crop, preset.motion, depth=frame.depth, mends=frame.mends, subject=frame.subject)
    places = studio.places(shot)
    reads = "parallax" not in preset.models
    said = " ".join(one.says for one in places.unplaced)
    if not goes(preset.motion.camera) and not places.placed:
        return {"path": "", "says": UNSEEN if reads else said}
    return {"path": str(studio.preview(shot)), "says": WORDED if reads else said}


def gallery(studio: Studio) -> list[dict[str, Any]]:
    """Every motion to start from, with where its still lies and what it goes well with."""
    titles = {card.id: card.title for card in studio.cards()}
    return [_tile(one, titles) for one in presets.motions()]


def _tile(one: MotionPreset, titles: dict[str, str]) -> dict[str, Any]:
    return {
        "id": one.id, "title": one.title, "summary": one.summary, "kinds": list(one.kinds), "uses": list(one.uses),
        "motion": msgspec.to_builtins(one.motion), "seconds": one.seconds, "aspect": one.aspect,
        "models": [model for model in one.models if model in titles], "still": str(ASSETS / "motions" / one.still),
    }  # fmt: skip
