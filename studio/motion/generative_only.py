"""What words ask for that only a generative model can show: somebody acts, something falls, the picture becomes
another.

Judged clause by clause; `prompt_promise` says it of a whole sentence and a model card.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from studio.motion.clause_split import lower_words
from studio.motion.clauses import Clause
from studio.motion.effect_words import MOVING
from studio.motion.syntax import begins_action, find_verb
from studio.motion.vocabulary import (
    ADVERBS,
    AIR,
    AUXILIARIES,
    BASE,
    CLOTH,
    CLOUD,
    DETERMINERS,
    FINITE,
    FOG,
    FOLIAGE,
    FUNCTION,
    GOING,
    MOODS,
    NATURE,
    PREPOSITIONS,
    PURE_STYLE,
    STATE_FORMS,
    STEAM,
    STREAM,
    WATER,
    read_lists,
)

_LISTS = read_lists("generative_only")

Why = Literal["acts", "look", "letters", "unread"]
"""Somebody or something acts by itself; the picture is to look otherwise; letters are to appear; it isn't understood.
"""


class GenerativeOnly(NamedTuple):
    """Words of a text, from the character `start` to `end`, that are not done, and why."""

    start: int
    end: int
    why: Why


_LETTERS = _LISTS["letters"]
_LOOKS = _LISTS["looks"]
_HAPPENS = _LISTS["happens"]
"""What is something that happens by its mere name: a photo can show it, only a model can make it happen."""

_BECOMES = _LISTS["becomes"]
_OTHERWISE = _LISTS["otherwise"]
_VIEWS = _LISTS["views"]
"""What a camera's way is said to do besides moving: it isn't somebody's deed."""

_STAND = _LISTS["stand"]
_WAYS = _LISTS["ways"]
_JOINT = re.compile(r"\s*(?:,\s*)?\b(?:and then|and|then)\s+(?=\S)|\s*,\s*(?=\S)")
_WITH = FUNCTION | PURE_STYLE | MOODS
_AFTER_DOING = PREPOSITIONS | DETERMINERS | ADVERBS | _LISTS["after_doing"]
_TURNS = _LISTS["turns"]
_NEXT = _LISTS["next"]
_SOUNDS = _LISTS["sounds"]
_DRIVEN = FOLIAGE | CLOTH | WATER | STREAM | CLOUD | FOG | STEAM | _LISTS["driven"]
_MAKES = _LISTS["makes"]
_WHOM = DETERMINERS | _LISTS["whom"]
_MADE = _LISTS["made"]


def find_generative(clause: Clause, before: Clause | None = None) -> tuple[GenerativeOnly, ...]:
    """What of a clause a camera and effects can't show; `before` is the clause that stands before it."""
    said = lower_words(clause.text)
    whole = GenerativeOnly(clause.start, clause.end, "acts")
    if clause.kind in ("effect", "loop", "negative", "still"):
        return ()
    if clause.kind == "camera":
        return tuple(_check_camera(clause, said))
    if _LETTERS & set(said[:4]) and not clause.effects:
        return (whole._replace(why="letters"),)
    if _has_change(said):
        return (whole._replace(why="look"),)
    if clause.effects:
        return (whole,) if _is_borne(said) or _is_switched(said) else tuple(_check_tail(clause))
    if clause.kind in ("action", "environment"):
        return (whole,)
    if clause.kind == "light":
        happens = any(low in FINITE or low in GOING for low in said) and not _STAND & set(said)
        return (whole,) if happens else ()
    why = _judge_rest(clause, said, before)
    return (whole._replace(why=why),) if why else ()


def is_description(clause: Clause) -> bool:
    """Whether a clause says how the picture is, in more than words of mood: that stays as it is."""
    return clause.kind in ("description", "other", "light") and bool(
        [low for low in lower_words(clause.text) if not _is_mood(low)]
    )


def _check_camera(clause: Clause, said: list[str]) -> Iterator[GenerativeOnly]:
    """A camera clause of which no move was read, and what somebody does in one of which one was."""
    if not clause.moves:
        if not set(said) & _VIEWS and clause.target == "":
            yield GenerativeOnly(clause.start, clause.end, "unread")
        return
    for run in clause.rest:
        doing = lower_words(run)
        at = clause.text.lower().find(run.lower())
        if at >= 0 and not set(doing[:2]) & _VIEWS and any(_is_deed(doing, place) for place in range(len(doing))):
            yield GenerativeOnly(clause.start + at, clause.start + at + len(run), "acts")


def _has_change(said: list[str]) -> bool:
    """Whether something is to turn into something else: "the sky turns pink", "from day to night"."""
    at = next((at for at, low in enumerate(said) if low in _BECOMES), -1)
    if at >= 0 and set(said[at + 1 :]) & _OTHERWISE and not {"into", "in"} & set(said[at + 2 : at + 3]) - {"into"}:
        return True
    return {"day", "night"} <= set(said) or {"winter", "summer"} <= set(said)


def _is_borne(said: list[str]) -> bool:
    """Whether wind is said to carry something that isn't leaves, cloth, water or air: "a gust blows her hat off"."""
    verb = find_verb(said)
    if verb < 1 or not AIR & set(said[:verb]) or _DRIVEN & set(said):
        return False
    after = [low for low in said[verb + 1 :] if low not in DETERMINERS and not low.endswith("ly")]
    return bool(after) and after[0] not in PREPOSITIONS | ADVERBS | AUXILIARIES


def _is_switched(said: list[str]) -> bool:
    """Whether lights are turned on or off."""
    return any(low in _TURNS and said[at + 1 : at + 2] in (["on"], ["off"]) for at, low in enumerate(said))


def _check_tail(clause: Clause) -> Iterator[GenerativeOnly]:
    """What a clause with effects says besides: "the waves roll in and freeze"."""
    moving = frozenset().union(*(MOVING[effect.name] for effect in clause.effects))
    for joint in _JOINT.finditer(clause.text):
        after = lower_words(clause.text[joint.end() :])
        verb = next((low for low in after if low not in ADVERBS and not low.endswith("ly")), "")
        if (
            verb in moving
            or not begins_action(after, listed=True)
            or (find_verb(after) > 0 and after[find_verb(after)] in moving)
        ):
            continue
        yield GenerativeOnly(clause.start + joint.start(), clause.end, "acts")
        return


def _judge_rest(clause: Clause, said: list[str], before: Clause | None) -> Why | None:
    """Why words that name no deed are one all the same; None for a description, a mood, or where a camera goes."""
    rest = [low for low in said if not _is_mood(low)]
    if not rest or (said[0] in _VIEWS and before is not None and before.kind == "camera"):
        return None
    if (
        set(rest) & _LOOKS
        or (said[0] in _MADE and len(said) > 1)
        or ("black" in said and "white" in said and len(rest) <= 3)
    ):
        return "look"
    ordered = said[0] in BASE and said[1:2] and said[1] in _WHOM
    if clause.kind == "other" or ordered or (said[0] in _MAKES and any(low in BASE for low in said[2:])):
        return "acts"
    if any(_is_deed(said, at) for at in range(len(said))) or said[0] in _NEXT:
        return "acts"
    verb = find_verb(said)
    if verb > 0 and said[verb] in FINITE and said[verb] not in STATE_FORMS | AUXILIARIES:
        return "acts"
    head = said[: next((at for at, low in enumerate(said) if low in PREPOSITIONS and at), len(said))]
    if head[-1] in _HAPPENS | _SOUNDS:
        return "acts"
    return "unread" if len(said) <= 5 and said[-1] in _WAYS and said[0] not in DETERMINERS | PREPOSITIONS else None


def _is_deed(said: list[str], at: int) -> bool:
    """Whether a word in -ing is what somebody does: not in "rolling hills", "a woman holding a cup"; but "floating
    dust".
    """
    low, after = said[at], said[at + 1 : at + 2]
    if low not in GOING or low in STATE_FORMS or low in _VIEWS:
        return False
    return not after or after[0] in _AFTER_DOING | NATURE or after[0].endswith("ly")


def _is_mood(low: str) -> bool:
    return low in _WITH or (low.endswith("ly") and low[:-2] in MOODS) or low.isdigit()
