"""Which engine a card names, imported on first use and kept.

Knows the names of engines. Refuses to import any of them before a card asks for it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.base import Engine
from studio.nouns import Refusal

ENGINES = {
    "parallax": "studio.engines.parallax.engine:ParallaxEngine",
    "diffusion": "studio.engines.diffusion.engine:DiffusionEngine",
}
"""Engine name → "module:class". A class is made once for a home folder, with the settings."""


@cache
def _make(name: str, settings: Settings) -> Engine:
    module, _, kind = ENGINES[name].partition(":")
    return getattr(import_module(module), kind)(settings)


def engine(card: ModelCard, settings: Settings) -> Engine:
    """The engine a card runs on. Raises `Refusal` when this version of Stir has no such engine."""
    if card.engine not in ENGINES:
        raise Refusal(f"{card.title} needs the engine {card.engine!r}.", "Update Stir, or choose another model.")
    return _make(card.engine, settings)
