"""What one visitor of a shared page may have and ask for, and the refusals for what is more.

The figures are data: presets/limits/*.toml, one file for each kind of house (a family's, a free Space, one with a GPU).
"""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from studio.cards import Outcome, Plan
from studio.config import PRESETS, Settings
from studio.library import disk
from studio.nouns import Noun, Refusal, Size
from studio.photo.crop import SHORT_SIDES
from studio.presets import load

Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]

SPARE_SECONDS = 0.5
"""How much longer than asked a clip may be: models make whole groups of frames."""

LOOK_SECONDS = 5.0
"""How long what a visitor takes of the disk is known before it is counted again."""


class Limits(Noun, frozen=True):
    """What one visitor may have: photos in the home folder, jobs that wait or run, rows of a batch, MB of disk; and
    what a clip may be: seconds, the shorter side, minutes in the making.

    `kept_hours` after their last visit all of a visitor's files go, 0 for never. `open` Studios are in memory at once,
    `visitors` have files here at once. `models`: those on offer that are trained, beside the built-in one; () for all
    that are on this computer.
    """

    photos: Count
    waiting: Count
    rows: Count
    disk_mb: Count
    seconds: Annotated[float, msgspec.Meta(ge=1.0, le=60.0)]
    size: Size
    minutes: Annotated[float, msgspec.Meta(gt=0.0, le=10_000.0)]
    kept_hours: Annotated[float, msgspec.Meta(ge=0.0, le=100_000.0)]
    open: Count
    visitors: Count
    models: tuple[str, ...] = ()

    def require_plan(self, plan: Plan | Outcome) -> None:
        """Raises `Refusal` for a clip that is longer or larger than a visitor's may be."""
        if plan.num_frames / max(plan.fps, 1) > self.seconds + SPARE_SECONDS:
            raise Refusal(f"Clips last at most {self.seconds:g} seconds here.", "Choose a shorter length.")
        if min(plan.width, plan.height) > SHORT_SIDES[self.size]:
            raise Refusal(f"Clips are at most {self.size} here.", f"Choose {self.size} or Auto as the size.")


@cache
def limits(kind: str) -> Limits:
    """The limits of a kind of house, by its file's name. Raises `Refusal` when there is none."""
    return load(PRESETS / "limits" / f"{kind}.toml", Limits)


def name_kind(settings: Settings) -> str:
    """Which limits a house with visitors has: STIR_LIMITS names them, else by whether it is a Space, and has a GPU."""
    named = os.environ.get("STIR_LIMITS", "")
    if named:
        known = sorted(file.stem for file in (PRESETS / "limits").glob("*.toml"))
        if named not in known:
            raise Refusal(f"There are no limits called {named!r}.", f"Set STIR_LIMITS to one of: {', '.join(known)}.")
        return named
    if settings.visitors != "strangers":
        return "house"
    has_gpu = bool(os.environ.get("SPACES_ZERO_GPU")) or Path("/dev/nvidia0").exists()
    return "space-gpu" if has_gpu else "space-cpu"


class DiskShare:
    """What the files of one visitor take of the disk, against their limit. Counted at most every few seconds."""

    def __init__(self, home: Path, most_mb: int) -> None:
        self._home, self._most = home, most_mb * 1_000_000
        self._taken, self._at = 0, -LOOK_SECONDS

    def require(self, more: int = 0) -> None:
        """Raises `Refusal` where the files, with `more` bytes to come, are over the limit."""
        if time.monotonic() - self._at > LOOK_SECONDS:
            self._taken, self._at = measure_folder(self._home), time.monotonic()
        if self._taken + more > self._most:
            raise Refusal(
                f"Your photos and clips take {disk.size(self._taken)} of the {disk.size(self._most)} that are yours"
                " here.",
                "Empty the trash in the Library, or delete all that is yours at the top of the page.",
            )
        self._taken += more  # whatever comes before it is counted again


def measure_folder(folder: Path) -> int:
    """Bytes of all files in a folder; those that go meanwhile count as nothing."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except OSError:
            continue
    return total
