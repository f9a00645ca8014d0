"""The sentence and the slots it is written from: kept in step with camera and effects, and checked while it is typed.

Words are understood by `studio.motion.read_prompt` and checked by `studio.motion.prompt_check`.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from studio.cards import ModelCard
from studio.motion import compose, prompt_check, read_prompt
from studio.motion.ambient_effects import needs_brush
from studio.motion.prompt_promise import promise
from studio.nouns import MOST_EFFECTS, Effect, EffectName, Id, Motion, Noun, Words, replace
from studio.studio import Studio
from studio.ui.html_part import make_call, make_part

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
"""Short words for each slot of the builder, by what is surely in a photo (`studio.photo.photo_kind.Marks`)."""

ANY: dict[str, tuple[str, ...]] = {
    "subject": ("the subject",),
    "action": ("moves gently", "turns slowly"),
    "environment": ("thin fog drifts by", "dust floats in the light"),
    "light": ("light stays constant", "light shifts slowly"),
    "still": ("the background", "the subject"),
}
"""What may be said of any photo: it names nothing that may not be there."""


def suggest_words(marks: Any) -> dict[str, list[str]]:
    """Short words for each slot that suit a photo: of what is surely in it, then what may be said of any."""
    there = [words for name, words in SUGGESTIONS.items() if getattr(marks, name)]
    return {slot: list(dict.fromkeys(one for words in (*there, ANY) for one in words.get(slot, ()))) for slot in ANY}


class WordsQuestion(Noun, frozen=True):
    """What the page asks: the builder and the sentence as they are, and as they were when both last agreed (`before`,
    `said`).

    `unplaced` are effects that find no place on the photo; `boxed`: there is an end box on it. `write`: the sentence is
    to be written from the builder, whatever it says. A painted region comes as any brush at all: here it only matters
    that there is one.
    """

    motion: Motion
    before: Motion
    text: Words = ""
    said: Words = ""
    write: bool = False
    model: Id = "parallax"
    seconds: float = 5.0
    unplaced: Annotated[tuple[EffectName, ...], msgspec.Meta(max_length=MOST_EFFECTS)] = ()
    boxed: bool = False


def sync_words(studio: Studio, ask: WordsQuestion) -> dict[str, Any]:
    """Builder and sentence in step again, what the check says of them, and what the model will be told.

    What was typed is heard first; what was pressed meanwhile stands. The sentence is left alone unless something was
    pressed. Raises `Refusal` for a model that isn't there.
    """
    card = studio.models.card(ask.model)
    motion = ask.motion
    if not ask.write and ask.text != ask.said:
        heard = replace(read_prompt.read_changes(ask.before, ask.text), negative_prompt=merge_avoided(ask))
        motion = merge_motions(ask.before, ask.motion, heard)
    pressed = compose.plain(ask.motion) != compose.plain(ask.before)
    text = compose.plain(motion) if ask.write or pressed else ask.text
    return {
        "motion": msgspec.to_builtins(motion),
        "text": text,
        "findings": msgspec.to_builtins(check_words(motion, text, ask.seconds, card)),
        "promise": msgspec.to_builtins(promise(motion, card, text, ask.unplaced, ask.boxed)),
        "told": describe_prompt(motion, card),
        "unplaced": find_unplaced(motion, text),
    }


def merge_avoided(ask: WordsQuestion) -> str:
    """What is to be avoided: what was, without what the last sentence said of it, and with what this one says.

    A sentence is heard while it is typed: "no te" and "no tex" on the way to "no text" must leave nothing behind.
    """
    said, says = read_prompt.read_motion(ask.said).negative_prompt, read_prompt.read_motion(ask.text).negative_prompt
    if said == says:
        return ask.before.negative_prompt
    gone = set(read_prompt.join_negatives(said).split(", "))
    kept = [one for one in read_prompt.join_negatives(ask.before.negative_prompt).split(", ") if one not in gone]
    return read_prompt.join_negatives(*kept, says)


def merge_motions(before: Motion, pressed: Motion, heard: Motion) -> Motion:
    """What was heard, but for what was pressed meanwhile: field by field, the pressed value where it has changed."""
    changed = {
        field: getattr(pressed, field)
        for field in Motion.__struct_fields__
        if getattr(pressed, field) != getattr(before, field)
    }
    return replace(heard, **changed)


def check_words(motion: Motion, text: str, seconds: float, card: ModelCard) -> tuple[prompt_check.Finding, ...]:
    """What the check says of the sentence as it stands, each at its words; what has no place the promise says."""
    found = prompt_check.check_prompt(motion if text == compose.plain(motion) else text, seconds=seconds, card=card)
    return tuple(one for one in found if one.code != "no_region")


def find_unplaced(motion: Motion, text: str) -> list[EffectName]:
    """The effects, pressed or asked for in words, that wait for somebody to paint where they happen."""
    pressed = {effect.name for effect in motion.effects}
    asked = (effect for effect in read_prompt.read_motion(text).effects if effect.name not in pressed)
    return [effect.name for effect in (*motion.effects, *asked) if effect.amount > 0 and needs_brush(effect)]


def describe_prompt(motion: Motion, card: ModelCard) -> dict[str, Any]:
    """What a card is told, what it can't obey, and what is acted on where the words are only read here."""
    written = compose.compose(motion, card)
    acted = read_prompt.add_worded_motion(motion)
    implied = [effect.name for effect in acted.effects if effect.name not in {one.name for one in motion.effects}]
    return {
        "reads": "prompt" in card.supports,
        "prompt": written.prompt,
        "negative": written.negative,
        "control": written.control,
        "notes": list(written.notes),
        "implied": implied,
        "acted": msgspec.to_builtins(
            Motion(camera=acted.camera, effects=tuple(_strip_brush(one) for one in acted.effects))
        ),
    }


def _strip_brush(effect: Effect) -> Effect:
    return replace(effect, brush="")


class WordsPanel:
    """Two parts: the sentence, whose value is the `Words`, and its slots, which fill it and are filled from it."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the sentence."""
        self.part = make_part(
            "words_panel", calls=[make_call("direct", WordsQuestion, lambda ask: sync_words(self.studio, ask))]
        )

    def render_slots(self) -> None:
        """Draw the slots."""
        make_part("slots_panel", suggestions=ANY)
