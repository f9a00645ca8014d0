"""What can't both be true of one picture, as patterns: water, air, light, a river's course; and words for sides and heights.

Knows words. Refuses to know where they stand: see `rules.forces`. Patterns are for text in lower case.
"""

from __future__ import annotations

import re


def _one(words: str) -> str:
    """Any one of some words, as a pattern; an underscore stands for a space or a hyphen."""
    return "(?:" + "|".join(word.replace("_", r"[\s-]") for word in words.split()) + ")"


_WHOLLY = r"(?:\w+ly\s+)?"
_IS = _one("is are lies lie stays stay remains remain keeps keep holds hold")

WATERS = _one("sea water waters ocean lake pond bay surface river pool lagoon fjord")
_CALM = _one("calm glassy mirror_still mirror_smooth mirror_calm mirror_flat mirror_like flat motionless frozen placid tranquil")
_AT_REST = _one("calm glassy mirror_still mirror_smooth mirror_calm mirror_flat flat still motionless frozen placid smooth")
_ROUGH = _one(
    "crashing huge big stormy raging violent towering massive breaking wild giant high powerful rough choppy turbulent churning"
)
_CRASH = _one("crash crashes smash smashes break breaks pound pounds rage rages tower towers slam slams batter batters")
CALM_WATER = re.compile(
    rf"\b(?:{_WHOLLY}{_CALM}\s+{WATERS}|{WATERS}\s+{_IS}\s+{_WHOLLY}{_AT_REST}(?:\s+(?:like|as)\s+(?:a\s+)?(?:glass|mirror))?)\b"
)
ROUGH_WATER = re.compile(
    rf"\b(?:{_ROUGH}\s+{_one('wave waves surf swell swells sea seas water waters ocean')}|waves?\s+{_WHOLLY}{_CRASH})\b"
)

_NO_WIND = rf"(?:there\s+is\s+)?(?:no|without(?:\s+any)?|not\s+a\s+breath\s+of)\s+{_one('wind breeze')}(?:\s+at\s+all)?"
_STILL_SKY = rf"{_WHOLLY}{_one('still calm windless motionless')}\s+{_one('air day evening morning night weather')}"
STILL_AIR = re.compile(rf"\b(?:{_STILL_SKY}|windless|{_NO_WIND}|(?:the\s+)?air\s+{_IS}\s+{_WHOLLY}{_one('still calm')})\b")
_BLOW = _one(
    "blow blows blowing blown flap flaps flapping flutter flutters fluttering billow billows billowing"
    " whip whips whipping gust gusts gusty"
)
_WIND = rf"{_one('strong light gentle soft fresh the a heavy')}\s+{_one('wind breeze gale')}"
BLOWN = re.compile(rf"\b(?:{_BLOW}|windy|{_WIND})\b")

_LIGHT = _one("light lighting daylight sunlight illumination exposure brightness")
_SAME = r"(?:the\s+same|" + _one("constant steady even unchanged stable still fixed consistent") + ")"
_CHANGES = _one(
    "flickers flicker flickering shifts shift shifting changes change changing pulses dims brightens fades strobes"
    " flashes darkens wanders"
)
STEADY_LIGHT = re.compile(rf"\b(?:{_LIGHT}\s+{_IS}\s+{_WHOLLY}{_SAME}|{_one('constant steady unchanging')}\s+{_LIGHT})\b")
CHANGING_LIGHT = re.compile(
    rf"\b(?:{_LIGHT}\s+(?:{_IS}\s+(?:\w+\s+){{1,2}}(?:and|but)\s+)?{_WHOLLY}{_CHANGES}|"
    rf"{_one('flickering changing pulsing shifting strobing')}\s+{_LIGHT})\b"
)

PAIRS = (
    (CALM_WATER, ROUGH_WATER, "Water can't be calm and crash at once."),
    (STILL_AIR, BLOWN, "Nothing blows where the air is still."),
    (STEADY_LIGHT, CHANGING_LIGHT, "Light can't stay the same and change."),
    (re.compile(r"\bupstream\b"), re.compile(r"\bdownstream\b"), "A river runs one way at a time."),
)
"""Two things that can't both be true, and why. The first gives way: what moves was asked for, what doesn't is left out."""

_THE = r"(?:(?:the|its|her|his)\s+)?"
_TO = r"(?:from|to|towards?)"
TOWARDS = re.compile(
    rf"\b(?:from\s+)?{_THE}(?P<from>left|right)\s+to\s+{_THE}(?:left|right)\b|"
    rf"\b{_TO}\s+(?:both\s+sides|{_THE}(?:left|right)\s+and\s+(?:{_TO}\s+)?{_THE}(?:left|right))\b|"
    rf"\b(?P<side>{_TO})\s+{_THE}(?P<way>left|right)\b|"
    r"(?<!the )(?<!her )(?<!his )(?<!its )(?<!on )\b(?P<bare>left|right)(?:wards?)?\b(?!\s+(?:hand|side|arm|eye|foot|leg))"
)
"""Where something goes, or comes from; neither group matches where it is both sides."""

SWAYS = re.compile(r"\b(?:sway|swing|rock|wave|wag|shake|toss|dance|turn)\w*\b|side\s+to\s+side|back\s+and\s+forth")
"""What goes to and fro by nature, one side as much as the other."""

_HEIGHT = r"(?:\s+(?:up|down|upwards?|downwards?))?"
_RISE_OR_SINK = _one("rises rise rising ascends ascend falls fall falling sinks sink sinking descends descend drops drop")
_GOES = _one("floats float goes go moves move climbs climb")
UP_DOWN = re.compile(
    rf"\b(?P<one>{_RISE_OR_SINK}|{_GOES}\s+(?:up|down))\b{_HEIGHT}"
    rf"(?P<two>\s+(?:and|while|yet|but)\s+{_WHOLLY}(?P<verb>{_RISE_OR_SINK}|{_GOES}\s+(?:up|down))\b{_HEIGHT})"
)
RISES = re.compile(r"rise|rising|ascend|up|climb|float(?!\w*\s+down)")
BOBS = re.compile(
    r"\b(?:waves?|boats?|ships?|buoys?|chest|swell|tide|water|sea|surf|shoulders|breath|belly|stomach|curtains?|camera|ducks?|raft|kayak|"
    r"sailboats?|breath\w*|wings?|head)\b"
)
"""What rises and falls by nature, again and again."""

ALL_STILL = re.compile(
    rf"\b(?P<all>everything|all\s+things|the\s+(?:whole|entire)\s+(?:scene|picture|photo|image))\s+{_IS}\s+{_WHOLLY}"
    rf"(?:the\s+same|{_one('still static motionless frozen fixed')})\b"
)
STANDS = re.compile(
    rf"\b(?:stands?|sits?|{_IS})\s+(?:very\s+)?{_WHOLLY}{_one('still motionless frozen immobile unmoving')}\s+"
    r"(?:and|but|while|yet)\s+(?=(?P<next>\w+))"
)
"""Somebody who stands still and, in the same breath, does something."""
