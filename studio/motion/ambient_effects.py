"""The ambient effects: one row each, read from words/ambient_effects.toml, and where on a photo an effect happens."""

from __future__ import annotations

from pathlib import Path

import msgspec

from studio.motion.camera_moves import normalise
from studio.nouns import Effect, EffectName, Noun, Refusal, Region


class AmbientEffect(Noun, frozen=True):
    """A row of the table, which explains its fields: words/ambient_effects.toml."""

    name: EffectName
    title: str
    sees: str
    auto: Region
    says: str
    hows: tuple[str, str, str]
    happens: str
    verbs: str
    aliases: tuple[str, ...] = ()
    directed: bool = False
    upright: str = ""
    offered: int = 0


class _Table(Noun, frozen=True):
    """The file: the rows in the order in which effects are listed."""

    effects: tuple[AmbientEffect, ...]


_ROWS = msgspec.toml.decode((Path(__file__).parent / "words/ambient_effects.toml").read_bytes(), type=_Table).effects
EFFECTS: dict[EffectName, AmbientEffect] = {row.name: row for row in _ROWS}
_NAMES: dict[str, EffectName] = {
    normalise(word): row.name for row in _ROWS for word in (row.name, row.title, *row.aliases)
}


def parse_effect(words: str) -> EffectName:
    """The effect that a person's words name. Raises `Refusal` listing the effects."""
    name = _NAMES.get(normalise(words))
    if name is None:
        raise Refusal(f"There is no effect called {words!r}.", f"Choose from: {', '.join(EFFECTS)}.")
    return name


def region_of(effect: Effect) -> Region:
    """The region of the photo where an effect happens: the one that was chosen, or what "auto" stands for."""
    return EFFECTS[effect.name].auto if effect.region == "auto" else effect.region


def needs_brush(effect: Effect) -> bool:
    """Whether an effect happens where the user paints, and nothing is painted yet."""
    return region_of(effect) == "brush" and not effect.brush
