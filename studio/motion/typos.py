"""Slips of the keyboard in the words a camera is directed with: "pnas left", "zomm in", "obrit", "camra".

Knows two letters swapped, one doubled or left out of a double, one missing of a long word, and a few that people make often.
Refuses to correct what is a word of its own.
"""

from __future__ import annotations

from functools import cache

from studio.motion.lexicon import words
from studio.motion.verbs import BASE, FINITE, GOING

_MEANT = words(
    "camera zoom zooms zooming dolly pan pans panning tilt tilts tilting orbit orbits orbiting push pushes pushing pull pulls"
    " pulling truck trucks crane static slowly slow quickly handheld rotate rotates left right towards around circle circles"
    " still steady pedestal"
)
_OFTEN = {
    "zomm": "zoom", "zoon": "zoom", "zooom": "zoom", "dolley": "dolly", "dollie": "dolly", "ortbit": "orbit", "oribt": "orbit",
    "camrea": "camera", "camara": "camera", "camer": "camera", "paning": "panning", "titling": "tilting", "slowely": "slowly",
    "slowley": "slowly", "slwoly": "slowly", "handeld": "handheld", "arround": "around", "leftt": "left", "rigth": "right",
}  # fmt: skip
_OWN = words("lowly obit sill till tit ill ship craned static's caner carne pul pus pusher rotates rotate ti il pa slow low")
_LONG = 6
"""Letters from which a word may lack one and still be known."""


def meant(low: str) -> str:
    """The word that was meant, the word itself where it is no known slip."""
    return low if len(low) < 3 or low in BASE or low in FINITE or low in GOING else _slips().get(low, low)


@cache
def _slips() -> dict[str, str]:
    found: dict[str, str] = {}
    for word in _MEANT:
        for at in range(len(word) - 1):
            found.setdefault(word[:at] + word[at + 1] + word[at] + word[at + 2 :], word)
        for at in range(len(word)):
            found.setdefault(word[:at] + word[at] + word[at:], word)
            if len(word) >= _LONG or (at and word[at] == word[at - 1] and len(word) > 4):
                found.setdefault(word[:at] + word[at + 1 :], word)
    found.update(_OFTEN)
    return {slip: word for slip, word in found.items() if slip not in _OWN and slip not in _MEANT and slip != word}
