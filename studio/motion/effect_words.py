"""The ambient effects that a clause's words ask for, with amount and direction in degrees.

Where they happen can't be said in words (see `ambient_effects`). What is said to lie, melt, run down a pane or come
from something in the picture isn't asked of the air: only a model that reads can do that.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

from studio.motion.ambient_effects import EFFECTS
from studio.motion.sentences import EFFECT_AMOUNTS as AMOUNTS
from studio.motion.syntax import find_verb
from studio.motion.vocabulary import (
    AIR,
    BARE,
    CLOTH,
    CLOUD,
    DOWN,
    DUST,
    EMBERS,
    FOCUS,
    FOG,
    FOLIAGE,
    GRAIN,
    LEFT,
    LIGHT,
    LITTLE,
    MOTION_NOUNS,
    PREPOSITIONS,
    RAIN,
    RIGHT,
    SHADE,
    SNOW,
    STEAM,
    STREAM,
    STRONG,
    UP,
    WATER,
    forms,
    read_lists,
)
from studio.nouns import Effect, EffectName

_LISTS = read_lists("effect_words")
MOVING: dict[EffectName, frozenset[str]] = {row.name: forms(row.verbs) for row in EFFECTS.values()}
"""What an effect's things do when they move by themselves."""


_HOURS = _LISTS["hours"]
_HOUR = _LISTS["hour"]
_AROUND = _LISTS["around"]
_WHEN = _LISTS["when"]
_SUN = _LISTS["sun"]
_APPEARS = _LISTS["appears"] | _LISTS["shines"]
_OUT = _LISTS["out"]


def is_time_of_day(lows: list[str]) -> bool:
    """Whether words name a time of warm, low light and nothing else: "at sunrise", "during golden hour"."""
    said = set(lows)
    hour = bool(said & _HOURS) or ("hour" in said and bool(said & _HOUR))
    return hour and said <= _HOURS | _HOUR | _AROUND


def has_time_at_end(lows: list[str]) -> bool:
    """Whether words that say something else end with such a time: "leaves rustle at sunset"."""
    return any(low in _WHEN and is_time_of_day(lows[at:]) for at, low in enumerate(lows[1:], 1))


def has_dawn(lows: list[str]) -> bool:
    """Whether the sun or its light is said to come: "the sun comes out from behind clouds", "sun breaks through"."""
    at = next((at for at, low in enumerate(lows[:4]) if low in _SUN), -1)
    after = lows[at + 1 : at + 5] if at >= 0 else []
    return (
        bool(after)
        and bool(set(after[:2]) & _APPEARS)
        and bool(set(after[1:]) & _OUT or set(after[:2]) & {"shines", "shining"})
    )


ATMOSPHERE: dict[EffectName, frozenset[str]] = {
    "rain": RAIN, "snow": SNOW, "dust": DUST, "embers": EMBERS, "shadow": SHADE, "grain": GRAIN,
}  # fmt: skip
"""What each is said of."""

DRIZZLES = _LISTS["drizzles"] | _LISTS["flurries"]
POURS = _LISTS["pours"] | _LISTS["downpours"]
"""What says by itself that little or much of it falls."""

_RAINS = _LISTS["rains"] - _LISTS["rain_itself"]
_SNOWS = _LISTS["snows"] - _LISTS["snow_itself"]
_SNOWFALL = _LISTS["snowfall"]
_PANES = _LISTS["panes"]
_FROM = _LISTS["from"]
_SOURCES = _LISTS["sources"]
_BRIGHT = _LISTS["bright"]
_MOTES = _LISTS["motes"]
_CLOUDY = CLOUD | _LISTS["cloudy"] - _LISTS["sky"]
_FILMED = _LISTS["filmed"]
_LEADS = _LISTS["leads"]
_KEEPS = _LISTS["keeps"]


class _ClauseWords(NamedTuple):
    """A clause: its words, those that something is said of, the last of these, and whether it has no verb."""

    lows: list[str]
    head: frozenset[str]
    last: str
    verbless: bool

    @property
    def words(self) -> frozenset[str]:
        return frozenset(self.lows)


def find_airborne(
    lows: list[str], head: list[str], verbless: bool, moving: dict[EffectName, frozenset[str]]
) -> list[EffectName]:
    """Which of them a clause asks for. head: words that something is said of; moving: what each does when it moves."""
    last = next((low for low in reversed(head) if not low.endswith("ly")), "")
    said = _ClauseWords(lows, frozenset(head), last, verbless)
    if said.words & _KEEPS:
        return []
    return [name for name in ATMOSPHERE if _ASKED[name](said, moving[name])]


def _is_moving(said: _ClauseWords, things: frozenset[str], moving: frozenset[str]) -> bool:
    """Whether one of these things moves as it would in the air, and from nowhere in the picture."""
    found = said.head & things
    if _FROM & said.words and not _SOURCES & said.words:
        return False
    return bool(found) and bool((said.words - found) & moving or said.words & (MOTION_NOUNS - {"breathing", "stir"}))


def _is_wish(said: _ClauseWords, base: frozenset[str]) -> bool:
    """Whether it is to fall: "make it snow", "it starts to rain", "add falling snow"."""
    pairs = list(itertools.pairwise(said.lows))
    if any(low in base and (before == "it" or (before == "to" and "it" in said.words)) for before, low in pairs):
        return True
    at = next((at for at, (before, low) in enumerate(pairs) if before == "falling" and low in base), -1)
    return at >= 0 and all(low in _LEADS or low.endswith("ly") for low in said.lows[:at])


def _rain(said: _ClauseWords, moving: frozenset[str]) -> bool:
    if said.words & _RAINS or _is_wish(said, RAIN):
        return not said.words & _PANES
    if said.words & _PANES and not said.words & _LISTS["beats"]:
        return False
    return _is_moving(said, RAIN, moving) or (said.verbless and said.last in RAIN)


def _snow(said: _ClauseWords, moving: frozenset[str]) -> bool:
    if said.words & _SNOWS or _is_wish(said, SNOW) or _is_moving(said, SNOW, moving):
        return True
    strength = bool(said.words & (LITTLE | STRONG) - {"thick", "dense"}) and len(said.lows) <= 3
    return said.verbless and said.last in SNOW and (said.last in _SNOWFALL or len(said.lows) == 1 or strength)


def _asks_for_dust(said: _ClauseWords, moving: frozenset[str]) -> bool:
    lit = bool(said.words & _MOTES or said.words & _BRIGHT)
    return _is_moving(said, DUST, moving) or (said.verbless and said.last in DUST and lit)


def _asks_for_embers(said: _ClauseWords, moving: frozenset[str]) -> bool:
    placed = bool(said.words & PREPOSITIONS - {"of"})
    return _is_moving(said, EMBERS, moving) or (said.verbless and said.last in EMBERS and not placed)


def _asks_for_shadow(said: _ClauseWords, moving: frozenset[str]) -> bool:
    return bool(said.words & _CLOUDY) and bool(said.head & SHADE) and bool(said.words & moving or said.verbless)


def _asks_for_grain(said: _ClauseWords, moving: frozenset[str]) -> bool:
    return bool(said.words & GRAIN and said.words & _FILMED) or said.lows == ["grain"]


_ASKED = {
    "rain": _rain,
    "snow": _snow,
    "dust": _asks_for_dust,
    "embers": _asks_for_embers,
    "shadow": _asks_for_shadow,
    "grain": _asks_for_grain,
}


_WAYS = {
    (1, 0): 0.0,
    (1, 1): 45.0,
    (0, 1): 90.0,
    (-1, 1): 135.0,
    (-1, 0): 180.0,
    (-1, -1): 225.0,
    (0, -1): 270.0,
    (1, -1): 315.0,
}
_FALLS = _LISTS["falls"] | {"waterfall", "waterfalls"}
_RUNS = _LISTS["runs"]
_FALL = _LISTS["fall"]
_SHINING = frozenset(form for form in _LISTS["shining"] if form.endswith("ing"))
_BLURS = _LISTS["blurs"]
_AWAY = _LISTS["away"]
_LOOSE = _LISTS["loose"]
_BORNE = _LISTS["borne"]
_DIMS = _LISTS["dims"]
_BEHIND = _LISTS["behind"]
_COMES = _LISTS["comes"]
_DRIVEN: frozenset[EffectName] = _LISTS["driven"]
_INSTEAD: dict[EffectName, frozenset[EffectName]] = {
    "shadow": frozenset({"light", "clouds"}), "dust": frozenset({"wind", "light"}),
    "embers": frozenset({"wind", "light"}),
}  # fmt: skip
"""What the words would ask for as well, were it not rain in the wind, dust in a beam or a cloud's shadow they speak of.
"""

_NOUNS = _LISTS["nouns"]
"""What of a light says how it looks, not how much it moves."""


def find_effects(lows: list[str]) -> tuple[Effect, ...]:
    """The effects that a clause's words ask for, each once, with its amount and, where it counts, its direction."""
    said, verb = frozenset(lows), find_verb(lows)
    head = frozenset(_find_head(lows, verb))
    stirred = bool(head & (AIR | MOTION_NOUNS))
    names: list[EffectName] = [
        name for name in MOVING if name not in ATMOSPHERE and _asks_for(name, lows, said if stirred else head, verb < 0)
    ]
    last = next((low for low in reversed(_find_head(lows, verb)) if not low.endswith("ly")), "")
    if last in LIGHT and not stirred:
        names = [name for name in names if name in ("light", "ripple")]
    if head & AIR and not set(names) & {"wind", "hair", "ripple", "clouds", "steam", "fog", "flow"}:
        names.append("wind")
    if "ripple" in names and "flow" in names:
        names.remove("flow" if said & MOVING["ripple"] - MOVING["flow"] else "ripple")
    if names and "light" not in names and has_time_at_end(lows):
        names.append("light")
    fills = find_airborne(lows, _find_head(lows, verb), verb < 0, MOVING)
    names = [name for name in names if not fills or name not in _INSTEAD.get(fills[0], _DRIVEN)] + fills
    how = _pick_qualifiers(lows)
    way = read_direction(lows)
    return tuple(
        Effect(
            name,
            read_amount(how if name in ATMOSPHERE else said, name),
            direction=way if EFFECTS[name].directed else 0.0,
        )
        for name in names
    )


def _pick_qualifiers(lows: list[str]) -> frozenset[str]:
    """The words that say how much falls or floats: the "light" of "light rain", not of "in the light"; a drizzle says
    it.
    """
    after = [*lows[1:], "of"]
    how = frozenset(low for low, then in zip(lows, after, strict=True) if low != "light" or then not in PREPOSITIONS)
    return how | {"light"} if how & DRIZZLES else how | {"heavy"} if how & POURS else how


def _find_head(lows: list[str], verb: int) -> list[str]:
    """What something is said of: the words before the verb, as far as the first preposition."""
    head = lows[:verb] if verb > 0 else lows
    if "of" in head[1:] and head[head.index("of") - 1] in LIGHT:
        return head[: head.index("of")]
    first = next((at for at, low in enumerate(head) if low in PREPOSITIONS and low != "of" and at > 0), len(head))
    return head[:first]


def _asks_for(name: EffectName, lows: list[str], things: frozenset[str], verbless: bool) -> bool:
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
        if is_time_of_day(lows) or has_dawn(lows):
            return True
        if verbless and not said & MOTION_NOUNS:
            return bool((said - found) & _SHINING)
        return bool(said & _DIMS) or (
            bool(found) and moving and not (said & WATER and said & {"reflection", "reflections"})
        )
    if name == "steam":
        return (bool(found) and (moving or verbless)) or bool(said & {"steams", "steaming"})
    if name == "fog":
        return bool(found) and (moving or verbless)
    if name == "focus":
        blurs = said & (_BLURS - {"blurred"}) and said & _BEHIND
        return (bool(said & {"focus", "bokeh", "racking"}) and (moving or "rack" in said or said & _COMES)) or bool(
            blurs
        )
    return bool(found) and moving


_THINGS: dict[EffectName, frozenset[str]] = {
    "ripple": WATER, "flow": STREAM, "wind": FOLIAGE, "hair": CLOTH, "clouds": CLOUD, "fog": FOG, "steam": STEAM,
    "light": LIGHT, "focus": FOCUS,
}  # fmt: skip


def read_amount(said: frozenset[str], name: EffectName) -> float:
    """How strongly, 0..1: one of `AMOUNTS`."""
    if said & (LITTLE - (_NOUNS if name in ("light", "focus") else frozenset())):
        return AMOUNTS[0]
    return AMOUNTS[2] if said & STRONG else AMOUNTS[1]


def read_direction(lows: list[str]) -> float:
    """Which way, in degrees clockwise from rightwards, to the nearest 45: what is said, else down for what falls, else
    right.
    """
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
