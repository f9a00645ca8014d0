"""The table of ambient effects: title, what is seen, the region where each happens, and other words that mean it."""

from __future__ import annotations

from typing import NamedTuple

from studio.motion.camera_moves import plain
from studio.nouns import EffectName, Refusal, Region


class EffectInfo(NamedTuple):
    """An effect as the page and the command line show it; `auto` is the region that "auto" stands for."""

    title: str
    sees: str
    auto: Region
    aliases: tuple[str, ...] = ()


EFFECTS: dict[EffectName, EffectInfo] = {
    "ripple": EffectInfo("Water ripple", "small waves travel over the water", "brush", ("ripple", "ripples", "waves")),
    "flow": EffectInfo("Water flow", "water runs in one direction", "brush", ("flow", "stream", "river")),
    "wind": EffectInfo("Wind in foliage", "leaves and grass sway", "foliage", ("wind", "leaves", "foliage")),
    "hair": EffectInfo("Hair and fabric", "hair, fur and cloth stir at their edges", "subject", ("hair", "fabric", "fur")),
    "clouds": EffectInfo("Drifting clouds", "the sky drifts while the land stands still", "sky", ("clouds", "sky")),
    "fog": EffectInfo("Fog", "thin fog passes, thicker in the distance", "everywhere", ("mist", "haze")),
    "steam": EffectInfo("Steam", "steam rises from the subject", "subject", ("smoke", "vapour", "vapor")),
    "light": EffectInfo("Light shift", "warm light wanders over the scene", "everywhere", ("light", "sunlight")),
    "rain": EffectInfo("Rain", "rain falls before and behind the subject", "everywhere", ("rainfall", "drizzle")),
    "snow": EffectInfo("Snow", "snow falls before and behind the subject", "everywhere", ("snowfall", "snowflakes")),
    "dust": EffectInfo("Dust in light", "dust floats where the light is", "everywhere", ("motes", "dust motes")),
    "embers": EffectInfo("Embers", "glowing embers rise and go out", "everywhere", ("sparks", "ember")),
    "shadow": EffectInfo("Cloud shadow", "a cloud's shadow passes over the land", "everywhere", ("cloud shadow",)),
    "grain": EffectInfo("Film grain", "film grain flickers over the whole picture", "everywhere", ("film grain",)),
    "focus": EffectInfo("Focus breathing", "focus comes and goes behind the subject", "background", ("focus", "breathing")),
}  # fmt: skip

_NAMES: dict[str, EffectName] = {
    plain(word): name for name, info in EFFECTS.items() for word in (name, info.title, *info.aliases)
}


def parse(words: str) -> EffectName:
    """The effect that a person's words name. Raises `Refusal` listing the effects."""
    name = _NAMES.get(plain(words))
    if name is None:
        raise Refusal(f"There is no effect called {words!r}.", f"Choose from: {', '.join(EFFECTS)}.")
    return name
