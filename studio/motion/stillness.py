"""What words say stays still: "the house stays still", "keep the label sharp", "static background", "nothing else moves".

Knows the words of one clause that isn't about the camera. Refuses to know what moves.
"""

from __future__ import annotations

from typing import NamedTuple

from studio.motion.lexicon import DETERMINERS, FUNCTION, KEPT, PREPOSITIONS, STAY, STILL, words
from studio.motion.syntax import lead, verb_at
from studio.motion.verbs import FINITE, forms


class Still(NamedTuple):
    """The words, from `first` to before `past`, that name what stays still: all else when they are none. `purely`: the clause
    says no more of it than that."""

    first: int = 0
    past: int = 0
    purely: bool = True


_ENTIRELY = words("completely perfectly totally absolutely entirely fully all throughout exactly")
_WHOLLY = _ENTIRELY | words("whole time very as it they scene alone otherwise")
_MOVES = forms("move change shift budge alter stir animate")
_MOTION = _MOVES | words("motion moving")
_KEEP = words("keep keeping hold leave leaving make")
_AFTER_NAME = KEPT | words("exactly completely perfectly as in alone")
_BEFORE_VERB = words("should must will to is are kept remains all always")
_SAID_LAST = STILL - words("put place")
_SAID_FIRST = words("static motionless frozen unmoving stationary immobile still unchanged")
_NOT = words("do does should will must not is are")


def still(lows: list[str]) -> Still | None:
    """What a clause says stays still; None when it says no such thing."""
    end = len(lows)
    if lows[0] in ("freeze", "lock", "freezing") and end > 1:
        return Still(1, end)
    if lows[0] in _KEEP and (KEPT & set(lows[2:]) or lows[0] == "leave" or lows[-1] in ("is", "are")):
        last = next((at for at in range(2, end) if lows[at] in _AFTER_NAME), end)
        return Still(1, last, _purely(lows[last:]))
    if (lows[0] in ("nothing", "none") and "else" in lows and verb_at(lows) > 0) or lows == ["nothing", "else"]:
        return Still()
    for at in range(1, end):
        found = _denied(lows, at) or _kept(lows, at)
        if found is not None:
            return found
    return _adjective(lows)


def _denied(lows: list[str], at: int) -> Still | None:
    """ "The trees don't move", "she doesn't blink": the word at `at` denies what follows."""
    low, after = lows[at], lows[at + 1 :]
    if not (low.endswith("n't") or low in ("never", "don", "doesn") or (low in _NOT and "not" in lows[at : at + 2])):
        return None
    if set(after) & _MOTION:
        return Still(0, at, _purely([one for one in after if one not in _MOVES]))
    return Still(0, len(lows), False) if low not in ("is", "are") else None


def _kept(lows: list[str], at: int) -> Still | None:
    """ "The house stays still": the word at `at` is the verb."""
    low, after = lows[at], lows[at + 1 :]
    said = STILL if low in ("is", "are", "be") else KEPT
    if low not in STAY or not set(after) & said or lows[at - 1] in PREPOSITIONS or any(one in FINITE for one in after):
        return None
    return Still(0, _back(lows, at), _purely(after))


def _adjective(lows: list[str]) -> Still | None:
    """ "Background still", "static background"."""
    end = len(lows)
    if end < 2 or verb_at(lows) >= 0:
        return None
    if lows[-1] in STILL and lows[-2] == "and":
        return Still(0, end, False)
    if lows[-1] in _SAID_LAST and lows[-2] not in FUNCTION:
        return Still(0, _back(lows, end - 1))
    first = lead(lows, DETERMINERS | words("completely perfectly totally mostly"))
    return Still(first + 1, end) if lows[first] in _SAID_FIRST and first + 1 < end else None


def _back(lows: list[str], at: int) -> int:
    """Where what is named ends, before words like "completely" and "should"."""
    while at > 1 and (lows[at - 1] in _ENTIRELY or lows[at - 1] in _BEFORE_VERB or lows[at - 1].endswith("ly")):
        at -= 1
    return at


def _purely(after: list[str]) -> bool:
    """Whether words say no more than that something stays as it is."""
    return all(low in STILL or low in FUNCTION or low in _WHOLLY for low in after)
