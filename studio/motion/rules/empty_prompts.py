"""Prompt check for sentences in which nothing moves: empty ones, moods, and descriptions of the picture.

What it offers instead comes from the words alone, not from the photo.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from studio.motion import sentences
from studio.motion.ambient_effects import EFFECTS, needs_brush
from studio.motion.camera_moves import is_moving
from studio.motion.clause_split import lower_words
from studio.motion.read_prompt import Clause
from studio.motion.rules.faults import CheckedPrompt, Fault, add, cut
from studio.motion.syntax import begins_action, find_verb
from studio.motion.vocabulary import (
    AIR,
    BARE,
    CLOTH,
    CLOUD,
    FOG,
    FOLIAGE,
    FUNCTION,
    GOING,
    LIGHT,
    MOODS,
    MOTION_NOUNS,
    PRONOUNS,
    STEAM,
    STREAM,
    WATER,
    read_lists,
)
from studio.nouns import Camera, Effect, EffectName

_LISTS = read_lists("empty_prompts")

REMEDIES: tuple[tuple[frozenset[str], str | EffectName], ...] = (
    (_LISTS["remedies_curtain"], "The curtains sway gently."),
    (_LISTS["remedies_flag"], "The cloth flutters gently in the breeze."),
    (CLOTH - _LISTS["remedies_sail"], "hair"),
    (STREAM, "flow"),
    (WATER | _LISTS["remedies_bay"], "ripple"),
    (STEAM | _LISTS["remedies_coffee"], "steam"),
    (FOG, "fog"),
    (_LISTS["remedies_plant"], "The leaves stir gently."),
    (FOLIAGE | AIR | _LISTS["remedies_valley"], "wind"),
    (_LISTS["remedies_rainy"], "rain"),
    (_LISTS["remedies_snowy"], "snow"),
    (_LISTS["remedies_campfire"], "embers"),
    (CLOUD | _LISTS["remedies_mountain"], "clouds"),
    (LIGHT - _LISTS["remedies_light"] | _LISTS["remedies_neon"], "light"),
)
"""What the things that are named can do, the likeliest first: an effect, said as the studio says it, or a sentence."""

PUSH_IN = sentences.say_camera(Camera(speed="slow"))
REST_STILL = "The background stays still."

MOVE = _LISTS["move"]
_YET = re.compile(r"\bto\s+(?!stay|remain|be\b|keep|hold|stand|sit|the\b|its\b|her\b|his\b|a\b)\w+|\bstop\s+\w+ing\b")
"""What moves in a clause that is about stillness: "I want the water to flow and the rest to stay still"."""

STAYS = _LISTS["stays"]

GENTLY = 0.3

NAMES = _LISTS["names"]
"""What ends like a verb and is a thing."""

DESCRIBED = 3
"""Words of content from which a sentence without motion is a description: fewer say too little to be one."""

LATIN = 0x24F
"""The last letter of the Latin scripts."""

EMPTY = ("nothing_moves", "vague", "describes")


def has_motion(asked: CheckedPrompt) -> bool:
    """Whether anything moves: the camera, or something in the picture."""
    return has_camera_motion(asked) or any(has_thing_motion(clause) for clause in asked.parsed.clauses)


def has_camera_motion(asked: CheckedPrompt) -> bool:
    """Whether the camera is asked to go anywhere."""
    return any(
        any(is_moving(move) for move in clause.moves)
        or (clause.kind == "camera" and not clause.moves and bool(MOVE & set(lower_words(clause.text))))
        for clause in asked.parsed.clauses
    )


def has_thing_motion(clause: Clause) -> bool:
    """Whether a clause says that something in the picture moves."""
    if clause.kind == "still":
        return _YET.search(clause.text.lower()) is not None
    if clause.kind in ("camera", "negative", "loop"):
        return False
    if clause.kind in ("action", "effect"):
        return _is_action(lower_words(clause.text), clause.action)
    said = lower_words(clause.text)
    if "rack" in said and "focus" in said:
        return True
    if clause.kind == "environment":
        return _has_stir(said)
    return begins_action(said) and (find_verb(said) >= 0 or said[0] in PRONOUNS)


def _is_action(said: list[str], action: str) -> bool:
    """Whether an action is one: "oil painting style" and "nothing moves" aren't."""
    if said[0] in ("nothing", "nobody", "none") and not {"but", "except"} & set(said):
        return False
    return not NAMES & set(lower_words(action)[:1])


def _has_stir(said: list[str]) -> bool:
    """Whether what is around moves, or is motion by its name: "light rain", "gentle ripples"."""
    return (
        begins_action(said)
        or bool(GOING & set(said))
        or bool(MOTION_NOUNS & set(said))
        or (bool(BARE & set(said)) and len(said) <= 5)
    )


def check_empty(asked: CheckedPrompt) -> Iterator[Fault]:
    """vague, describes or nothing_moves: one of them at most.

    That a picture needn't be described to a model that sees it, and that what is described and not moved stays as it
    is, is what the guides of the models say with one voice ("describe what moves, not what things look like").
    """
    content = _list_content(asked)
    start, end = _find_extent(asked.text)
    if _is_foreign(asked.text):
        reason = (
            "Only English is read here: what moves in these words can't be told, "
            "and a model may know them all the same."
        )
        yield Fault("nothing_moves", "hint", start, end, reason)
        return
    fixed, label = _choose_remedy(asked, content)
    if not content:
        yield Fault("nothing_moves", "hurts", 0, 0, "Nothing is said to move yet.", label, fixed)
    elif all(
        word in MOODS or (word.endswith("ly") and word[:-2] in MOODS) for word in content
    ) and not has_camera_motion(asked):
        reason = f"“{asked.text[start:end]}” names nothing that moves: a model fills the gap as it likes."
        yield Fault("vague", "hurts", start, end, reason, label, fixed, asked.parsed.motion.negative_prompt)
    elif not has_motion(asked):
        told = [
            clause
            for clause in asked.parsed.clauses
            if clause.kind not in ("camera", "still", "negative", "loop") and not _is_stay(clause)
        ]
        said = [low for clause in told for low in lower_words(clause.text) if low not in FUNCTION]
        if len(said) >= DESCRIBED and any(clause.kind != "light" for clause in told):
            reason = "This describes the picture, which the model sees already: say what moves instead."
            yield Fault("describes", "hurts", start, end, reason, label, fixed)
        else:
            held = any(clause.kind in ("camera", "still") or _is_stay(clause) for clause in asked.parsed.clauses)
            reason = (
                "Everything stays still here: a clip of this is a photo." if held else "Nothing is said to move yet."
            )
            yield Fault("nothing_moves", "hurts", 0, 0, reason, label, _replace_still(asked, fixed))


def _list_content(asked: CheckedPrompt) -> list[str]:
    """The words of content: of those that say what shall not be none, unless nothing else is said."""
    said = [
        low
        for clause in asked.parsed.clauses
        if clause.kind != "negative"
        for low in lower_words(clause.text)
        if low not in FUNCTION
    ]
    return said or [low for low in lower_words(asked.text) if low not in FUNCTION]


def _is_foreign(text: str) -> bool:
    """Whether most letters of a text are of another script than English is written in."""
    letters = [one for one in text if one.isalpha()]
    return sum(ord(one) > LATIN for one in letters) * 2 > len(letters)


def _is_stay(clause: Clause) -> bool:
    """Whether a clause says that something stays as it is, whatever the reader took it for."""
    return bool(STAYS & set(lower_words(clause.text))) or clause.text.lower() == "as it is"


def _find_extent(text: str) -> tuple[int, int]:
    return len(text) - len(text.lstrip()), len(text.rstrip())


def _choose_remedy(asked: CheckedPrompt, content: list[str]) -> tuple[str, str]:
    """What to say instead, and its button: what the things that are named can do, and a camera that moves."""
    said = set(content)
    acts = asked.card is not None and "prompt" not in asked.card.supports
    for named, remedy in REMEDIES:
        if said & named and not (acts and remedy in EFFECTS and needs_brush(Effect(remedy))):
            sentence = sentences.say_effect(Effect(remedy, GENTLY)) if remedy in EFFECTS else remedy
            return f"{sentence} {PUSH_IN}", f"Say “{sentence.rstrip('.')}”"
    return PUSH_IN, "Add a slow push in"


def _replace_still(asked: CheckedPrompt, fixed: str) -> str:
    """What stays still is kept; the camera that holds still goes, since it is what is to move now."""
    text = asked.text.strip()
    for clause in reversed(asked.parsed.clauses):
        if clause.kind == "camera":
            text = (
                cut(asked.text, clause.start, clause.end)
                if text == asked.text.strip()
                else cut(text, clause.start, clause.end)
            )
    return add(text, fixed) if text.strip(" .,;") else fixed
