"""The table of engines: which class a card's engine is, imported on first use and kept."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.base import Engine
from studio.nouns import Refusal

ENGINES = {
    "parallax": "studio.engines.parallax.parallax_engine:ParallaxEngine",
    "diffusion": "studio.engines.diffusion.gpu_shelf:make_diffusion_engine",
    "hosted": "studio.engines.hosted.hosted_engine:HostedEngine",
}
"""Engine name → "module:class", or what makes one; it is called with the settings."""


def _make_engine(name: str, settings: Settings) -> Engine:
    module, _, kind = ENGINES[name].partition(":")
    return getattr(import_module(module), kind)(settings)


_kept = cache(_make_engine)


def make(card: ModelCard, settings: Settings) -> Engine:
    """A new engine of the kind a card runs on; whoever makes it keeps it, and closes it when it is a `Shelf`.

    Raises `Refusal` when this version of Stir has no such engine.
    """
    return _make_engine(_find_name(card), settings)


def engine(card: ModelCard, settings: Settings) -> Engine:
    """The engine a card runs on, one for all who ask in this process. Raises `Refusal` as `make` does."""
    return _kept(_find_name(card), settings)


def _find_name(card: ModelCard) -> str:
    if card.engine not in ENGINES:
        raise Refusal(f"{card.title} needs the engine {card.engine!r}.", "Update Stir, or choose another model.")
    return card.engine
