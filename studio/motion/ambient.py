"""What words say moves by itself: ripples, leaves in the wind, drifting clouds, how strongly and which way.

Knows the words of one clause. Refuses to know regions and brushes, which words can't say.
"""

from __future__ import annotations

from studio.motion.atmosphere import ATMOSPHERE, DRIZZLES, POURS, asked
from studio.motion.lexicon import (
    AIR,
    BARE,
    CLOTH,
    CLOUD,
    DOWN,
    FOCUS,
    FOG,
    FOLIAGE,
    LEFT,
    LIGHT,
    LITTLE,
    MOTION_NOUNS,
    MOVING,
    PREPOSITIONS,
    RIGHT,
    STEAM,
    STREAM,
    STRONG,
    UP,
    WATER,
)  # fmt: skip
from studio.motion.sentences import DIRECTED
from studio.motion.sentences import EFFECT_AMOUNTS as AMOUNTS
from studio.motion.syntax import verb_at
from studio.motion.times import dawns, ends_at_an_hour, timed
from studio.motion.verbs import forms
from studio.nouns import Effect, EffectName

_WAYS = {(1, 0): 0.0, (1, 1): 45.0, (0, 1): 90.0, (-1, 1): 135.0, (-1, 0): 180.0, (-1, -1): 225.0, (0, -1): 270.0, (1, -1): 315.0}
_FALLS = forms("cascade pour plunge tumble spill") | {"waterfall", "waterfalls"}
_RUNS = forms("flow run pour cascade stream rush trickle gush spill course")
_FALL = forms("fall")
_SHINING = frozenset(
    form for form in forms("flicker dapple shimmer glint sparkle twinkle glimmer pulse flash glow strobe") if form.endswith("ing")
)
_BLURS = forms("defocus blur unfocus")
_AWAY = frozenset(["down", "away", "off", "past", "by", "through"])
_LOOSE = frozenset(["leaf", "leaves", "petal", "petals", "blossom", "blossoms", "flower", "flowers"])
_BORNE = forms("drift float fly swirl tumble flutter whirl spin")
_DIMS = frozenset(["darker", "brighter", "dimmer", "lighter", "darkens", "brightens", "dims"])
_BEHIND = frozenset(["background", "backdrop", "surroundings", "foreground", "scene", "behind", "rest"])
_COMES = frozenset(["comes", "coming", "goes", "going", "falls", "falling", "slips"])
_DRIVEN: frozenset[EffectName] = frozenset({"wind"})
_INSTEAD: dict[EffectName, frozenset[EffectName]] = {
    "shadow": frozenset({"light", "clouds"}), "dust": frozenset({"wind", "light"}), "embers": frozenset({"wind", "light"}),
}  # fmt: skip
"""What the words would ask for as well, were it not rain in the wind, dust in a beam or a cloud's shadow they speak of."""

_NOUNS = frozenset(
    {"soft", "light", "gentle", "little", "small", "short", "hint", "touch", "bit", "tiny", "mild", "delicate", "faint"}
)
"""What of a light says how it looks, not how much it moves."""


def effects(lows: list[str]) -> tuple[Effect, ...]:
    """The effects that a clause's words ask for, each once, with its amount and, where it counts, its direction."""
    said, verb = frozenset(lows), verb_at(lows)
    head = frozenset(_head(lows, verb))
    stirred = bool(head & (AIR | MOTION_NOUNS))
    names: list[EffectName] = [
        name for name in MOVING if name not in ATMOSPHERE and _asks(name, lows, said if stirred else head, verb < 0)
    ]
    last = next((low for low in reversed(_head(lows, verb)) if not low.endswith("ly")), "")
    if last in LIGHT and not stirred:
        names = [name for name in names if name in ("light", "ripple")]
    if head & AIR and not set(names) & {"wind", "hair", "ripple", "clouds", "steam", "fog", "flow"}:
        names.append("wind")
    if "ripple" in names and "flow" in names:
        names.remove("flow" if said & MOVING["ripple"] - MOVING["flow"] else "ripple")
    if names and "light" not in names and ends_at_an_hour(lows):
        names.append("light")
    fills = asked(lows, _head(lows, verb), verb < 0, MOVING)
    names = [name for name in names if not fills or name not in _INSTEAD.get(fills[0], _DRIVEN)] + fills
    how = _qualified(lows)
    return tuple(
        Effect(name, amount(how if name in ATMOSPHERE else said, name), direction=direction(lows) if name in DIRECTED else 0.0)
        for name in names
    )


def _qualified(lows: list[str]) -> frozenset[str]:
    """The words that say how much falls or floats: the "light" of "light rain", not of "in the light"; a drizzle says it."""
    after = [*lows[1:], "of"]
    how = frozenset(low for low, then in zip(lows, after, strict=True) if low != "light" or then not in PREPOSITIONS)
    return how | {"light"} if how & DRIZZLES else how | {"heavy"} if how & POURS else how


def _head(lows: list[str], verb: int) -> list[str]:
    """What something is said of: the words before the verb, as far as the first preposition."""
    head = lows[:verb] if verb > 0 else lows
    if "of" in head[1:] and head[head.index("of") - 1] in LIGHT:
        return head[: head.index("of")]
    first = next((at for at, low in enumerate(head) if low in PREPOSITIONS and low != "of" and at > 0), len(head))
    return head[:first]


def _asks(name: EffectName, lows: list[str], things: frozenset[str], verbless: bool) -> bool:
    """Whether `things` (of all that is said) move as an effect does."""
    said = frozenset(lows)
    found = things & _THINGS[name]
    moving = bool((said - found) & MOVING[name] or said & MOTION_NOUNS - {"breathing"})
    if name == "hair":
        return bool(found) and (moving or bool(said & AIR))
    if name == "wind":
        if found & _LOOSE and said & _BORNE and said & _AWAY:  # they have left their tree, and nothing here falls
            return False
        return bool(found - CLOTH) and not said & _FALL and (moving or bool(said & AIR))
    if name == "flow":
        return (bool(found) and moving) or bool(things & {"water", "waters"} and said & _RUNS)
    if name == "ripple":
        lit = said & {"reflection", "reflections"} and said & WATER
        return bool(found or lit) and (moving or bool(found & BARE and verbless))
    if name == "light":
        if timed(lows) or dawns(lows):
            return True
        if verbless and not said & MOTION_NOUNS:
            return bool((said - found) & _SHINING)
        return bool(said & _DIMS) or (bool(found) and moving and not (said & WATER and said & {"reflection", "reflections"}))
    if name == "steam":
        return (bool(found) and (moving or verbless)) or bool(said & {"steams", "steaming"})
    if name == "fog":
        return bool(found) and (moving or verbless)
    if name == "focus":
        blurs = said & (_BLURS - {"blurred"}) and said & _BEHIND
        return (bool(said & {"focus", "bokeh", "racking"}) and (moving or "rack" in said or said & _COMES)) or bool(blurs)
    return bool(found) and moving


_THINGS: dict[EffectName, frozenset[str]] = {
    "ripple": WATER, "flow": STREAM, "wind": FOLIAGE, "hair": CLOTH, "clouds": CLOUD, "fog": FOG, "steam": STEAM, "light": LIGHT,
    "focus": FOCUS,
}  # fmt: skip


def amount(said: frozenset[str], name: EffectName) -> float:
    """How strongly, 0..1: one of `AMOUNTS`."""
    if said & (LITTLE - (_NOUNS if name in ("light", "focus") else frozenset())):
        return AMOUNTS[0]
    return AMOUNTS[2] if said & STRONG else AMOUNTS[1]


def direction(lows: list[str]) -> float:
    """Which way, in degrees clockwise from rightwards, to the nearest 45: what is said, else down for what falls, else right."""
    line = f" {' '.join(lows)} ".replace(" on the left ", " ").replace(" on the right ", " ")
    lows = line.split()
    if " right to left " in line or " right to the left " in line or " from the right " in line:
        across = -1
    elif " left to right " in line or " left to the right " in line or " from the left " in line:
        across = 1
    else:
        across = (1 if RIGHT & set(lows) else 0) - (1 if LEFT & set(lows) else 0)
    along = (1 if DOWN & set(lows) else 0) - (1 if UP & set(lows) else 0)
    if not across and not along:
        along = 1 if _FALLS & set(lows) else 0
    return _WAYS.get((across, along), 0.0)
