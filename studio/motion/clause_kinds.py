"""Rules for the kind of a clause that is not the camera's: light, environment, action, order, or what stays still."""

from __future__ import annotations

from typing import NamedTuple

from studio.motion.syntax import find_verb, lead
from studio.motion.vocabulary import (
    ADVERBS,
    BARE,
    BASE,
    DETERMINERS,
    FINITE,
    FUNCTION,
    GOING,
    KEPT,
    LIGHT,
    LOOSE,
    MOTION_NOUNS,
    NATURE,
    PREPOSITIONS,
    PRONOUNS,
    STATE_FORMS,
    STAY,
    STILL,
    WATER,
    read_lists,
)

_LISTS = read_lists("clause_kinds")

_DIM = _LISTS["dim"]
_LAMPS = _LISTS["lamps"]
_AROUND = _LISTS["around"]
_BEHIND = _AROUND | _LISTS["behind"]
_FALLS = _LISTS["falls"]
_PART_OF = _LISTS["part_of"]
_LOOK = _LISTS["look"]
_RISES = _LISTS["rises"]
_LOOKS = _LISTS["looks"]
_AUXILIARY = _LISTS["auxiliary"]
_DOING = _LISTS["doing"]
_AMBIGUOUS = _LISTS["ambiguous"]
"""Verbs that as likely are a name or a quality when they stand first."""

_NODS = _LISTS["nods"]
"""What somebody does, as a thing: "a soft smile"."""

_WALKS = _LISTS["walks"]
_BRING = _LISTS["bring"]
_ADD = _LISTS["add"]
_IT = _LISTS["it"]
_BEGINS = _LISTS["begins"]
_ORDERS = _LISTS["orders"]


class ClauseWords:
    """The words of a clause, its verb (-1 for none), and what it is said of: `head`, whose last word that counts is
    `thing`.
    """

    def __init__(self, lows: list[str], verb: int, stirs: bool) -> None:
        self.lows, self.verb, self.stirs = lows, verb, stirs
        end = verb if verb > 0 else len(lows)
        past = next((at for at in range(1, end) if lows[at] in PREPOSITIONS and lows[at] != "of"), end)
        self.head = frozenset(lows[:past])
        loose = ADVERBS | KEPT | FUNCTION
        of = lows.index("of") if "of" in lows[1:past] else past
        past = of if of > 0 and lows[of - 1] in LIGHT else past
        self.thing = next((low for low in reversed(lows[:past]) if low not in loose and not low.endswith("ly")), "")

    def is_light(self) -> bool:
        """Whether it is about the light."""
        if "neon" in self.lows[:3] and (self.verb > 0 or self.thing == "neon"):
            return True
        if self.thing not in LIGHT or (self.thing in ("reflection", "reflections") and WATER & set(self.lows)):
            return False
        return self.stirs if self.thing in _LAMPS else self.verb > 0 or self.thing not in _DIM

    def is_environment(self) -> bool:
        """Whether it is about what moves around the subject."""
        lows, verb, said = self.lows, self.verb, set(self.lows)
        moving = (verb > 0 and not self.is_state()) or (lows[0] in GOING and bool(NATURE & self.head)) or self.stirs
        if _AROUND & self.head and (moving or "blurs" in said):
            return True
        if self.thing in LOOSE and not self.stirs:
            return moving and (lows[0] not in DETERMINERS or bool(_BEHIND & said))
        wished = {"rain", "snow"} & said and {"it", "falling"} & set(
            lows[:2] if lows[0] in ("make", "let") else lows[: self.verb + 1]
        )
        if self.stirs and (_FALLS & said or wished):
            return True
        if (self.stirs and self.thing in _PART_OF) or (
            {"steams", "steaming"} & said and verb > 0 and lows[0] not in PRONOUNS
        ):
            return True
        if self.thing in NATURE:
            return moving or self.thing in BARE
        if self.stirs and ({"focus", "bokeh", "rack"} & said or lows[0] in _ADD):
            return True
        return verb < 0 and (bool(NATURE & said and MOTION_NOUNS & self.head) or lows[0] in BARE)

    def is_state(self) -> bool:
        """Whether its verb says how things are, not what they do."""
        low, after = self.lows[self.verb], self.lows[self.verb + 1 : self.verb + 4]
        if low in ("do", "does"):
            return "not" in after[:1]
        if low in _AUXILIARY:
            return not any(one in GOING or one in BASE for one in after if one not in STATE_FORMS)
        if low in _RISES and after and after[0] in ("up", "down"):
            return False
        if low in _LOOK:
            return not (after and after[0] in _LOOKS)
        if low in GOING and low not in STATE_FORMS:
            return False
        return low in STATE_FORMS and low not in _DOING

    def is_order(self) -> bool:
        """Whether it asks for the clip itself: "make it move", "bring the picture to life", "to reveal the sea"."""
        first, rest = self.lows[0], self.lows[1:]
        if first in _BEGINS or (first in _ORDERS and self.verb < 0):
            return True
        if not rest:
            return False
        if first == "to":
            return rest[0] in BASE
        return first in _BRING and (rest[0] in _IT or (rest[0] in DETERMINERS and rest[1:2] != [] and rest[1] in _IT))

    def starts_with_verb(self) -> bool:
        """Whether it begins with what is done: "looks up and smiles"."""
        first = self.lows[0]
        return first in FINITE and first not in NATURE and first not in LIGHT and first not in _AMBIGUOUS

    def is_action(self) -> bool:
        """Whether words without a subject are an action: "turns and smiles", "walking away", "blink slowly", "a soft
        smile".
        """
        lows, at = self.lows, 0
        while at < len(lows) - 1 and (lows[at].endswith("ly") or lows[at] in ("then", "to", "please", "also")):
            at += 1
        low, after = lows[at], lows[at + 1 :]
        if lows[-1] in _NODS and len(lows) <= 4 and not PREPOSITIONS & set(lows) and lows[0] not in ("a", "the"):
            return True
        walks = next((at for at, one in enumerate(lows[:3]) if one in _WALKS), -1)
        if 0 < walks < len(lows) - 1 and lows[walks + 1] in PREPOSITIONS and lows[0] not in DETERMINERS:
            return True
        if low in FINITE:
            return not (low in _AMBIGUOUS and not after) and low not in ("stands", "sits", "wears", "lies")
        if low in GOING:
            return low not in STATE_FORMS or low == "looking"
        if low not in BASE:
            return False
        return low not in _AMBIGUOUS or (bool(after) and after[0] in DETERMINERS)


class Still(NamedTuple):
    """The words, from `first` to before `past`, that name what stays still: all else when they are none. `purely`: the
    clause says no more of it than that."""

    first: int = 0
    past: int = 0
    purely: bool = True


_ENTIRELY = _LISTS["entirely"]
_WHOLLY = _ENTIRELY | _LISTS["wholly"]
_MOVES = _LISTS["moves"]
_MOTION = _MOVES | _LISTS["motion"]
_KEEP = _LISTS["keep"]
_AFTER_NAME = KEPT | _LISTS["after_name"]
_BEFORE_VERB = _LISTS["before_verb"]
_SAID_LAST = STILL - _LISTS["said_last"]
_SAID_FIRST = _LISTS["said_first"]
_NOT = _LISTS["not"]


def find_still(lows: list[str]) -> Still | None:
    """What a clause says stays still; None when it says no such thing."""
    end = len(lows)
    if lows[0] in ("freeze", "lock", "freezing") and end > 1:
        return Still(1, end)
    if lows[0] in _KEEP and (KEPT & set(lows[2:]) or lows[0] == "leave" or lows[-1] in ("is", "are")):
        last = next((at for at in range(2, end) if lows[at] in _AFTER_NAME), end)
        return Still(1, last, _is_bare(lows[last:]))
    if (lows[0] in ("nothing", "none") and "else" in lows and find_verb(lows) > 0) or lows == ["nothing", "else"]:
        return Still()
    for at in range(1, end):
        found = _match_denial(lows, at) or _match_stays(lows, at)
        if found is not None:
            return found
    return _match_adjective(lows)


def _match_denial(lows: list[str], at: int) -> Still | None:
    """ "The trees don't move", "she doesn't blink": the word at `at` denies what follows."""
    low, after = lows[at], lows[at + 1 :]
    if not (low.endswith("n't") or low in ("never", "don", "doesn") or (low in _NOT and "not" in lows[at : at + 2])):
        return None
    if set(after) & _MOTION:
        return Still(0, at, _is_bare([one for one in after if one not in _MOVES]))
    return Still(0, len(lows), False) if low not in ("is", "are") else None


def _match_stays(lows: list[str], at: int) -> Still | None:
    """ "The house stays still": the word at `at` is the verb."""
    low, after = lows[at], lows[at + 1 :]
    said = STILL if low in ("is", "are", "be") else KEPT
    if low not in STAY or not set(after) & said or lows[at - 1] in PREPOSITIONS or any(one in FINITE for one in after):
        return None
    return Still(0, _step_back(lows, at), _is_bare(after))


def _match_adjective(lows: list[str]) -> Still | None:
    """ "Background still", "static background"."""
    end = len(lows)
    if end < 2 or find_verb(lows) >= 0:
        return None
    if lows[-1] in STILL and lows[-2] == "and":
        return Still(0, end, False)
    if lows[-1] in _SAID_LAST and lows[-2] not in FUNCTION:
        return Still(0, _step_back(lows, end - 1))
    first = lead(lows, DETERMINERS | _LISTS["mostly"])
    return Still(first + 1, end) if lows[first] in _SAID_FIRST and first + 1 < end else None


def _step_back(lows: list[str], at: int) -> int:
    """Where what is named ends, before words like "completely" and "should"."""
    while at > 1 and (lows[at - 1] in _ENTIRELY or lows[at - 1] in _BEFORE_VERB or lows[at - 1].endswith("ly")):
        at -= 1
    return at


def _is_bare(after: list[str]) -> bool:
    """Whether words say no more than that something stays as it is."""
    return all(low in STILL or low in FUNCTION or low in _WHOLLY for low in after)
