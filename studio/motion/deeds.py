"""Whether words are about the light, about what moves around, about an action, or only say how things are.

Knows the words of one clause that isn't about the camera or about what stays still. Refuses to know where they go.
"""

from __future__ import annotations

from studio.motion.lexicon import (
    ADVERBS,
    BARE,
    DETERMINERS,
    FUNCTION,
    KEPT,
    LIGHT,
    LOOSE,
    MOTION_NOUNS,
    NATURE,
    PREPOSITIONS,
    PRONOUNS,
    WATER,
    words,
)  # fmt: skip
from studio.motion.verbs import BASE, FINITE, GOING, STATE_FORMS, forms

_DIM = words("sunset sunrise sun dusk dawn lamp lamps lantern lanterns reflection reflections beam beams sunshine shade")
_LAMPS = words("lamp lamps lantern lanterns")
_AROUND = words("background foreground surroundings environment distance")
_BEHIND = _AROUND | words("behind around")
_FALLS = words("rains raining snows snowing drizzles drizzling")
_PART_OF = words(
    "surface tops top tips edge edges ends fronds blades layer layers bank banks trail trails reflection reflections line"
)
_LOOK = forms("look")
_RISES = forms("stand sit lie kneel crouch")
_LOOKS = words("up down away back at over around towards toward into out left right straight through off to")
_AUXILIARY = words("is are will can begins starts continues")
_DOING = words("holds poses faces rests keeps")
_AMBIGUOUS = words(
    "open close light warm cool clean dry level tense smooth still display dress water slow board shape rest face front fan dust"
    " smoke steam rain snow dance surf fire cut part hand head cross post fade flash blur bark wave waves leaves set clear"
)
"""Verbs that as likely are a name or a quality when they stand first."""

_NODS = words(
    "blink smile nod wink breath breaths breathing glance sigh laugh turn gesture shrug yawn frown grin blinks blinking smiling"
)
"""What somebody does, as a thing: "a soft smile"."""

_WALKS = words("walk smile look glance nod step run jump stride")
_BRING = words("make let have give animate bring turn")
_ADD = words("animate add put create include bring give")
_IT = words("it this everything that photo picture image video scene")
_BEGINS = words("starting beginning opening ending revealing showing following")
_ORDERS = words("reveal show showcase create generate feature capture")


class Said:
    """The words of a clause, its verb (-1 for none), and what it is said of: `head`, whose last word that counts is `thing`."""

    def __init__(self, lows: list[str], verb: int, stirs: bool) -> None:
        self.lows, self.verb, self.stirs = lows, verb, stirs
        end = verb if verb > 0 else len(lows)
        past = next((at for at in range(1, end) if lows[at] in PREPOSITIONS and lows[at] != "of"), end)
        self.head = frozenset(lows[:past])
        loose = ADVERBS | KEPT | FUNCTION
        of = lows.index("of") if "of" in lows[1:past] else past
        past = of if of > 0 and lows[of - 1] in LIGHT else past
        self.thing = next((low for low in reversed(lows[:past]) if low not in loose and not low.endswith("ly")), "")

    def lit(self) -> bool:
        """Whether it is about the light."""
        if "neon" in self.lows[:3] and (self.verb > 0 or self.thing == "neon"):
            return True
        if self.thing not in LIGHT or (self.thing in ("reflection", "reflections") and WATER & set(self.lows)):
            return False
        return self.stirs if self.thing in _LAMPS else self.verb > 0 or self.thing not in _DIM

    def around(self) -> bool:
        """Whether it is about what moves around the subject."""
        lows, verb, said = self.lows, self.verb, set(self.lows)
        moving = (verb > 0 and not self.state()) or (lows[0] in GOING and bool(NATURE & self.head)) or self.stirs
        if _AROUND & self.head and (moving or "blurs" in said):
            return True
        if self.thing in LOOSE and not self.stirs:
            return moving and (lows[0] not in DETERMINERS or bool(_BEHIND & said))
        wished = {"rain", "snow"} & said and {"it", "falling"} & set(
            lows[:2] if lows[0] in ("make", "let") else lows[: self.verb + 1]
        )
        if self.stirs and (_FALLS & said or wished):
            return True
        if (self.stirs and self.thing in _PART_OF) or ({"steams", "steaming"} & said and verb > 0 and lows[0] not in PRONOUNS):
            return True
        if self.thing in NATURE:
            return moving or self.thing in BARE
        if self.stirs and ({"focus", "bokeh", "rack"} & said or lows[0] in _ADD):
            return True
        return verb < 0 and (bool(NATURE & said and MOTION_NOUNS & self.head) or lows[0] in BARE)

    def state(self) -> bool:
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

    def order(self) -> bool:
        """Whether it asks for the clip itself: "make it move", "bring the picture to life", "to reveal the sea"."""
        first, rest = self.lows[0], self.lows[1:]
        if first in _BEGINS or (first in _ORDERS and self.verb < 0):
            return True
        if not rest:
            return False
        if first == "to":
            return rest[0] in BASE
        return first in _BRING and (rest[0] in _IT or (rest[0] in DETERMINERS and rest[1:2] != [] and rest[1] in _IT))

    def verb_first(self) -> bool:
        """Whether it begins with what is done: "looks up and smiles"."""
        first = self.lows[0]
        return first in FINITE and first not in NATURE and first not in LIGHT and first not in _AMBIGUOUS

    def acts(self) -> bool:
        """Whether words without a subject are an action: "turns and smiles", "walking away", "blink slowly", "a soft smile"."""
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
