"""When it is, said of the light: "at sunrise", "golden hour", "the sun comes out".

Knows words for the hours whose light is warm and low, and for a sun that appears. Refuses to know the photo, which has a time of
its own.
"""

from __future__ import annotations

from studio.motion.lexicon import words
from studio.motion.verbs import forms

_HOURS = words("sunrise sunset dawn dusk twilight daybreak sundown")
_HOUR = words("golden magic blue")
_AROUND = words(
    "at in on during the a an by around early late warm soft beautiful gentle glowing light just before after hour this time"
)
_WHEN = words("at in during around by before after")
_SUN = words("sun sunlight sunshine daylight light sunbeams")
_APPEARS = forms("come break peek burst emerge pour") | words("shines shining")
_OUT = words("out through up")


def timed(lows: list[str]) -> bool:
    """Whether words name a time of warm, low light and nothing else: "at sunrise", "during golden hour"."""
    said = set(lows)
    hour = bool(said & _HOURS) or ("hour" in said and bool(said & _HOUR))
    return hour and said <= _HOURS | _HOUR | _AROUND


def ends_at_an_hour(lows: list[str]) -> bool:
    """Whether words that say something else end with such a time: "leaves rustle at sunset"."""
    return any(low in _WHEN and timed(lows[at:]) for at, low in enumerate(lows[1:], 1))


def dawns(lows: list[str]) -> bool:
    """Whether the sun or its light is said to come: "the sun comes out from behind the clouds", "sun breaks through"."""
    at = next((at for at, low in enumerate(lows[:4]) if low in _SUN), -1)
    after = lows[at + 1 : at + 5] if at >= 0 else []
    return (
        bool(after) and bool(set(after[:2]) & _APPEARS) and bool(set(after[1:]) & _OUT or set(after[:2]) & {"shines", "shining"})
    )
