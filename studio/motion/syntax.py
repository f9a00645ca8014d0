"""English grammar of a clause: where its verb is, what is plural, whether it stands alone, whether something happens.

Words are given in lower case, as `clause_split` parts them; what they mean for a clip is for `clauses`.
"""

from __future__ import annotations

from studio.motion.camera_moves import STATIC
from studio.motion.vocabulary import (
    ADJECTIVES,
    ADVERBS,
    AUXILIARIES,
    BARE,
    BASE,
    CAMERA,
    CLOTH,
    DETERMINERS,
    FINITE,
    FUNCTION,
    GOING,
    LIGHT,
    MODIFIERS,
    NATURE,
    NEGATIONS,
    PREPOSITIONS,
    PRONOUNS,
    SMOOTH,
    STATE_FORMS,
    STILL,
    read_lists,
)

_LISTS = read_lists("syntax")

LEADING = DETERMINERS | MODIFIERS | SMOOTH | _LISTS["leading"]
"""What may stand before the name of a camera move."""

_MOVES = _LISTS["moves"]
_MANY = _LISTS["many"]
_DO = _LISTS["do"]
"""What may be followed by a verb's base form without ending in -s."""

_NAMES = _LISTS["names"]
_NOT_BEFORE_VERB = DETERMINERS | PREPOSITIONS | ADJECTIVES
_QUALITIES = MODIFIERS - LIGHT - _LISTS["qualities"]
_CAUSES = _LISTS["causes"]
_HELPS = _LISTS["helps"]
_OBJECTS = (["the"], ["a"], ["an"], ["his"], ["her"], ["its"], ["their"])
_ONE = _LISTS["one"]
_LIT_BY = (["up"], ["the"], ["a"], ["her"], ["his"])


def lead(lows: list[str], over: frozenset[str]) -> int:
    """How many words at the beginning are among `over`; at least one is left."""
    at = 0
    while at < len(lows) - 1 and lows[at] in over:
        at += 1
    return at


def skip(lows: list[str], over: frozenset[str]) -> int:
    """How many words at the beginning are among `over` or end in -ly."""
    at = 0
    while at < len(lows) and (lows[at] in over or (lows[at].endswith("ly") and len(lows[at]) > 4)):
        at += 1
    return at


def is_about_camera(lows: list[str]) -> bool:
    """Whether words are about the camera."""
    return starts_camera(lows) or any(low in CAMERA or low in _MOVES for low in lows)


def starts_camera(lows: list[str]) -> bool:
    """Whether words begin with a camera, or with the name of a move."""
    rest = lows[skip(lows, LEADING) :]
    return bool(rest) and (rest[0] in CAMERA or rest[0] in _MOVES or rest[:2] == ["hand", "held"] or rest[0] == STATIC)


def find_verb(lows: list[str]) -> int:
    """Where the verb stands that something does, after the first word; -1 for none.

    An -ing form counts when no other is found.
    """
    going = -1
    caused = bool(lows) and lows[0] in _CAUSES
    noun = next((lows[at - 1] for at in range(1, len(lows)) if lows[at] in PREPOSITIONS), "")
    for at in range(1, len(lows)):
        low, before = lows[at], lows[at - 1]
        if before in _NOT_BEFORE_VERB or (before in _QUALITIES and not before.endswith("ly")):
            continue
        if low in FINITE or low in _HELPS:
            if not _is_name(lows, at):
                return at
        elif low in GOING and going < 0:
            going = at
        elif low in BASE and before == "and" and at > 2 and lows[at - 2] in BASE and lows[at - 2] not in NATURE:
            return at - 2
        elif low in BASE:
            if (takes_base_form(before) or takes_base_form(noun) or (caused and at > 1)) and not _is_name(lows, at):
                return at
        elif at and _is_unknown_verb(lows, at):
            return at
    return going


def _is_unknown_verb(lows: list[str], at: int) -> bool:
    """Whether a word that is in no list can only be a verb: "she whistles", "the chef plates the dish"."""
    low, before = lows[at], lows[at - 1]
    if not low.endswith("s") or low.endswith(("ss", "'s")) or low in FUNCTION:
        return False
    return before in ("she", "he", "it") or lows[at + 1 : at + 2] in _OBJECTS


def _is_name(lows: list[str], at: int) -> bool:
    """Whether what looks like a verb names a thing here: another verb follows at once ("small waves ripple")."""
    low = lows[at]
    if at > 0 and low not in _NAMES and low not in NATURE and low not in LIGHT:
        return False
    if low in ("lights", "light") and lows[at + 1 : at + 2] not in _LIT_BY:
        return True
    after = [one for one in lows[at + 1 : at + 3] if one not in ADVERBS and not one.endswith("ly")]
    return bool(after) and (after[0] in FINITE or after[0] in GOING or after[0] in BASE or after[0] in AUXILIARIES)


def is_plural(noun: str) -> bool:
    """Whether a thing that is named is more than one."""
    return noun in _MANY or (noun.endswith("s") and noun not in _ONE and not noun.endswith(("ss", "us", "is", "'s")))


def takes_base_form(low: str) -> bool:
    """Whether a word may be followed by a verb's base form: a plural, one who says I, we, you or they, an adverb."""
    return (
        low in _DO
        or (low.endswith("s") and low not in _ONE and not low.endswith(("ss", "us", "'s")))
        or low.endswith("ly")
    )


def has_verb(lows: list[str]) -> bool:
    """Whether words say that something does something."""
    return find_verb(lows) >= 0


def has_own_subject(lows: list[str]) -> bool:
    """Whether words are a clause with a subject of its own: something named, then what it does."""
    if not lows or (_has_verb_first(lows) and not _is_name(lows, 0)):
        return False
    at = find_verb(lows)
    return at > 0 and any(low not in DETERMINERS and low not in MODIFIERS for low in lows[:at])


def is_complete(lows: list[str]) -> bool:
    """Whether words stand as a clause by themselves."""
    if is_about_camera(lows):
        return True
    rest = lows[skip(lows, LEADING) :]
    if any(low in NEGATIONS for low in lows) or not rest:
        return bool(rest)
    if rest[0] in ("keep", "hold", "leave"):
        return any(low in STILL for low in rest[1:])
    if has_verb(lows) or _has_verb_first(rest):
        return True
    return any(low in BARE or low in STILL for low in rest) or (bool(set(rest) & CLOTH) and "wind" in rest)


def _has_verb_first(lows: list[str]) -> bool:
    return lows[0] not in NATURE and (lows[0] in FINITE or lows[0] in GOING or lows[0] in BASE)


def is_manner(lows: list[str]) -> bool:
    """Whether words only say how something is done: "a slow", "gently"."""
    return all(low in LEADING or low.endswith("ly") for low in lows)


_AFTER = DETERMINERS | PRONOUNS | PREPOSITIONS | ADVERBS | _LISTS["after"]
_STANDS_UP = _LISTS["stands_up"]
_NOT_DONE = STATE_FORMS | AUXILIARIES | _LISTS["not_done"]


def begins_action(said: list[str], listed: bool = False) -> bool:
    """Whether words begin with what somebody does, themselves named or not: "falls to her knees", "the crew dives in".

    listed: they go on with a list of such, so that a verb nobody knows is told by its ending: "parks the car".
    """
    rest = _drop_adverbs(said)
    if not rest:
        return False
    first, after = rest[0], rest[1:]
    if first in STATE_FORMS:
        return after[:1] != [] and after[0] in _STANDS_UP and first not in ("is", "are")
    if first in FINITE or first in GOING:
        return True
    if find_verb(rest) > 0:
        return rest[find_verb(rest)] not in STATE_FORMS
    if first in PRONOUNS and after:
        return _is_verbish(after)
    return listed and _is_verbish(rest)


def has_action(said: list[str]) -> bool:
    """Whether words say that something happens."""
    rest = _drop_adverbs(said)
    return any(low in FINITE or low in GOING or low in BASE for low in rest if low not in _NOT_DONE) or any(
        begins_action(rest[at:], listed=True) for at in range(min(len(rest), 4))
    )


def _drop_adverbs(said: list[str]) -> list[str]:
    return [
        low for low in said if not (low.endswith("ly") and len(low) > 4) and low not in ("and", "then", "also", "while")
    ]


def _is_verbish(rest: list[str]) -> bool:
    """Whether words look like a third-person verb: "parks the car", "gets out"; "candles" alone may be a thing."""
    low, after = rest[0], rest[1:]
    ends = (
        low.endswith("s") and not low.endswith(("ss", "us", "'s")) and len(low) > 3 and low not in FUNCTION | _NOT_DONE
    )
    return ends and bool(after) and after[0] in _AFTER
