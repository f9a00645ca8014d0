"""Whether words ask for rain, snow, dust in light, embers, a cloud's shadow or film grain.

Knows the words of one clause. Refuses to know how strongly and which way: `ambient` does. What is said to lie, melt, run down a
pane or come from something that is in the picture isn't asked of the air: only a model that reads can do that.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

from studio.motion.lexicon import CLOUD, DUST, EMBERS, GRAIN, LITTLE, MOTION_NOUNS, PREPOSITIONS, RAIN, SHADE, SNOW, STRONG, words
from studio.motion.verbs import forms
from studio.nouns import EffectName

ATMOSPHERE: dict[EffectName, frozenset[str]] = {
    "rain": RAIN, "snow": SNOW, "dust": DUST, "embers": EMBERS, "shadow": SHADE, "grain": GRAIN,
}  # fmt: skip
"""What each is said of."""

DRIZZLES = forms("drizzle") | words("flurry flurries")
POURS = forms("pour lash pelt") | words("downpour blizzard snowstorm")
"""What says by itself that little or much of it falls."""

_RAINS = forms("rain drizzle") - words("rain drizzle")
_SNOWS = forms("snow") - words("snow")
_SNOWFALL = words("snowfall snowflakes snowflake flurries flurry snowstorm blizzard")
_PANES = words("window windows windowpane glass pane windshield windscreen lens visor umbrella roof leaves petals skin face hair")
_FROM = words("from off behind")
_SOURCES = words("sky above heavens clouds cloud fire campfire bonfire flames below left right ground fireplace hearth embers")
_BRIGHT = words("light sunlight sunbeam sunbeams beam beams ray rays shaft shafts air sun sunshine lamplight spotlight window")
_MOTES = words("motes mote particles specks")
_CLOUDY = CLOUD | words("cloud's clouds'") - words("sky skies")
_FILMED = words("film analog analogue 35mm 16mm 8mm super8 grainy celluloid kodak cinematic")
_LEADS = words("add some with a the and more light heavy soft gentle show")
_KEEPS = words("no not without stops stop stopped ends ended never")


class _Said(NamedTuple):
    """A clause: its words, those that something is said of, the last of these, and whether it has no verb."""

    lows: list[str]
    head: frozenset[str]
    last: str
    verbless: bool

    @property
    def words(self) -> frozenset[str]:
        return frozenset(self.lows)


def asked(lows: list[str], head: list[str], verbless: bool, moving: dict[EffectName, frozenset[str]]) -> list[EffectName]:
    """Which of them a clause asks for. head: the words that something is said of; moving: what each does when it moves."""
    last = next((low for low in reversed(head) if not low.endswith("ly")), "")
    said = _Said(lows, frozenset(head), last, verbless)
    if said.words & _KEEPS:
        return []
    return [name for name in ATMOSPHERE if _ASKED[name](said, moving[name])]


def _moves(said: _Said, things: frozenset[str], moving: frozenset[str]) -> bool:
    """Whether one of these things moves as it would in the air, and from nowhere in the picture."""
    found = said.head & things
    if _FROM & said.words and not _SOURCES & said.words:
        return False
    return bool(found) and bool((said.words - found) & moving or said.words & (MOTION_NOUNS - {"breathing", "stir"}))


def _wished(said: _Said, base: frozenset[str]) -> bool:
    """Whether it is to fall: "make it snow", "it starts to rain", "add falling snow"."""
    pairs = list(itertools.pairwise(said.lows))
    if any(low in base and (before == "it" or (before == "to" and "it" in said.words)) for before, low in pairs):
        return True
    at = next((at for at, (before, low) in enumerate(pairs) if before == "falling" and low in base), -1)
    return at >= 0 and all(low in _LEADS or low.endswith("ly") for low in said.lows[:at])


def _rain(said: _Said, moving: frozenset[str]) -> bool:
    if said.words & _RAINS or _wished(said, RAIN):
        return not said.words & _PANES
    if said.words & _PANES and not said.words & forms("fall pour beat lash drizzle"):
        return False
    return _moves(said, RAIN, moving) or (said.verbless and said.last in RAIN)


def _snow(said: _Said, moving: frozenset[str]) -> bool:
    if said.words & _SNOWS or _wished(said, SNOW) or _moves(said, SNOW, moving):
        return True
    strength = bool(said.words & (LITTLE | STRONG) - {"thick", "dense"}) and len(said.lows) <= 3
    return said.verbless and said.last in SNOW and (said.last in _SNOWFALL or len(said.lows) == 1 or strength)


def _dust(said: _Said, moving: frozenset[str]) -> bool:
    lit = bool(said.words & _MOTES or said.words & _BRIGHT)
    return _moves(said, DUST, moving) or (said.verbless and said.last in DUST and lit)


def _embers(said: _Said, moving: frozenset[str]) -> bool:
    placed = bool(said.words & PREPOSITIONS - {"of"})
    return _moves(said, EMBERS, moving) or (said.verbless and said.last in EMBERS and not placed)


def _shadow(said: _Said, moving: frozenset[str]) -> bool:
    return bool(said.words & _CLOUDY) and bool(said.head & SHADE) and bool(said.words & moving or said.verbless)


def _grain(said: _Said, moving: frozenset[str]) -> bool:
    return bool(said.words & GRAIN and said.words & _FILMED) or said.lows == ["grain"]


_ASKED = {"rain": _rain, "snow": _snow, "dust": _dust, "embers": _embers, "shadow": _shadow, "grain": _grain}
