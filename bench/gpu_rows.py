"""Rows of what was measured on a GPU: written to a file as JSON lines the moment they are known, and printed as a table.

What a row is held against: the ceiling of the same run, the goal, and the figure of the build at 6fe5d94 on an H100 (2026-11-27,
bench/RESULTS.md), which nothing since has been measured on.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.clips import table

HEAD = ("what", "measured", "ceiling, same run", "goal", "reached", "6fe5d94 on an H100")


class Row(msgspec.Struct, frozen=True):
    """What was measured, in words and numbers; `met` says whether the goal was reached, None where there is none."""

    stage: str
    what: str
    measured: str
    ceiling: str = ""
    goal: str = ""
    met: bool | None = None
    before: str = ""
    numbers: dict[str, float] = {}


@dataclass(frozen=True)
class Place:
    """Where a stage runs and works: the device, the folder with checkpoints, the file of rows, and when it has to be over.

    `tiny` is everything at tiny size, for a processor; `end` is in seconds since the epoch.
    """

    stage: str
    device: str
    folder: Path
    rows: Path
    tiny: bool = False
    end: float = 1e12

    @property
    def left(self) -> float:
        """Seconds until this stage has to be over."""
        return self.end - time.time()

    @property
    def is_gpu(self) -> bool:
        """Whether the device is a real one."""
        return self.device.startswith("cuda")

    def add(
        self, what: str, measured: str, *, ceiling: str = "", goal: str = "", met: bool | None = None, before: str = "",
        **numbers: float,
    ) -> None:  # fmt: skip
        """Write a row, at once."""
        row = Row(self.stage, what, measured, ceiling, goal, met, before, numbers)
        with self.rows.open("ab") as file:
            file.write(msgspec.json.encode(row) + b"\n")
        print(f"{self.stage}: {what}: {measured}", file=sys.stderr, flush=True)


def read_rows(file: Path) -> list[Row]:
    """The rows of a file; a last one that was cut off is left out."""
    found: list[Row] = []
    for line in file.read_bytes().splitlines() if file.exists() else ():
        try:
            found.append(msgspec.json.decode(line, type=Row))
        except msgspec.DecodeError:
            continue
    return found


def show_rows(title: str, rows: list[Row]) -> None:
    """Print rows as a table."""
    words = {True: "yes", False: "**no**", None: ""}
    table(title, HEAD, [(row.what, row.measured, row.ceiling, row.goal, words[row.met], row.before) for row in rows])
