"""The families of models that the studio can drive, one module each, found by the name a card gives."""

from __future__ import annotations

import importlib
from functools import cache

from studio.engines.diffusion.families.family import Family
from studio.nouns import Refusal

NAMES = (
    "wan", "skyreels", "helios", "framepack", "ltx", "ltx2", "svd", "i2vgen", "cogvideox", "hunyuan15", "kandinsky5",
    "sana",
)  # fmt: skip
"""Every family there is. A card's `family` is one of these: the name of a module in this folder."""


@cache
def get_family(name: str) -> Family:
    """The family a card names. Raises `Refusal` for a name that isn't in `NAMES`."""
    if name not in NAMES:
        raise Refusal(f"There is no family of models called “{name}” here.", f"Use one of {', '.join(NAMES)}.")
    module = importlib.import_module(f"{__name__}.{name}")
    found = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Family) and kind.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise RuntimeError(f"{module.__name__} has to have exactly one family, and has {len(found)}")
    return found[0]()
