"""Photos that are hard to part into layers, by what is hard about them; a third is never tuned on."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

from studio.config import ROOT

FOLDER = ROOT / "bench" / "photos"


class Hard(NamedTuple):
    """One photo: its file, what is hard about it, whether it is held out of tuning, and whose it is."""

    file: Path
    hard: str
    held_out: bool
    by: str
    licence: str
    package: str


def photos() -> dict[str, Hard]:
    """Every hard photo by name, as bench/photos/hard.toml has it."""
    rows = tomllib.loads((FOLDER / "hard.toml").read_text("utf-8"))
    return {name: Hard(FOLDER / "hard" / f"{name}.jpg", **row) for name, row in rows.items()}
