"""Whether words say that something happens: what the rules ask of verbs beyond what the reader keeps.

Knows verbs by their endings where the lexicon doesn't know them. Refuses to know what happens.
"""

from __future__ import annotations

from functools import lru_cache

from studio.motion.lexicon import ADVERBS, AUXILIARIES, DETERMINERS, FUNCTION, PREPOSITIONS, PRONOUNS
from studio.motion.split import tokens, verb_at
from studio.motion.verbs import BASE, FINITE, GOING, STATE_FORMS

_AFTER = DETERMINERS | PRONOUNS | PREPOSITIONS | ADVERBS | frozenset({"him", "them", "us", "me", "together"})
_STANDS_UP = frozenset({"up", "down", "out", "away", "back", "over", "on", "off"})
_NOT_DONE = (
    STATE_FORMS
    | AUXILIARIES
    | frozenset({"this", "always", "perhaps", "towards", "across", "lots", "less", "its", "his", "hers"})
)


@lru_cache(maxsize=2048)
def lows(text: str) -> list[str]:
    """The words of a clause as they are compared. Remembered: most clauses are the same at the next letter typed."""
    return [word.low for word in tokens(text)]


def begins(said: list[str], listed: bool = False) -> bool:
    """Whether words begin with what somebody does, themselves named or not: "falls to her knees", "the crew dives in".

    listed: they go on with a list of such, so that a verb nobody knows is told by its ending: "parks the car".
    """
    rest = _plain(said)
    if not rest:
        return False
    first, after = rest[0], rest[1:]
    if first in STATE_FORMS:
        return after[:1] != [] and after[0] in _STANDS_UP and first not in ("is", "are")
    if first in FINITE or first in GOING:
        return True
    if verb_at(rest) > 0:
        return rest[verb_at(rest)] not in STATE_FORMS
    if first in PRONOUNS and after:
        return _verbish(after)
    return listed and _verbish(rest)


def acting(said: list[str]) -> bool:
    """Whether words say that something happens."""
    rest = _plain(said)
    return any(low in FINITE or low in GOING or low in BASE for low in rest if low not in _NOT_DONE) or any(
        begins(rest[at:], listed=True) for at in range(min(len(rest), 4))
    )


def _plain(said: list[str]) -> list[str]:
    return [low for low in said if not (low.endswith("ly") and len(low) > 4) and low not in ("and", "then", "also", "while")]


def _verbish(rest: list[str]) -> bool:
    """Whether words look like a verb in the third person: "parks the car", "gets out"; "candles" alone may be a thing."""
    low, after = rest[0], rest[1:]
    ends = low.endswith("s") and not low.endswith(("ss", "us", "'s")) and len(low) > 3 and low not in FUNCTION | _NOT_DONE
    return ends and bool(after) and after[0] in _AFTER
