"""The values of a comparison: axes, cells and how each cell stands. Frozen, JSON in and out.

What the values of an axis mean is in compare/axis_values.py, the rows in library/comparisons.py.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from studio.nouns import Clip, Noun, Progress, Shot, Words

AxisName = Literal[
    "model", "seed", "amount", "move", "effect", "prompt", "depth",
    "steps", "guidance", "strength", "size", "speedup",
]  # fmt: skip

CellState = Literal["waiting", "running", "done", "failed", "cancelled", "interrupted", "refused", "photo", "gone"]
"""How a cell stands. refused: it can't be made here; photo: it is the photo itself; gone: its clip was deleted."""


class Axis(Noun, frozen=True):
    """One thing that differs, and its values as they are typed on the command line: "0.3", "dolly in + orbit left"."""

    name: AxisName
    values: Annotated[tuple[Words, ...], msgspec.Meta(max_length=64)]


class Cell(Noun, frozen=True):
    """One clip of a comparison and where it stands in the grid.

    `row` -1 is the row of what stands outside the grid: the pinned baseline, the photo, what was added later; `column`
    counts there too. `differs` is (axis, value) for each axis. `jobs` are its attempts, of which the last one counts: a
    clip has the id of its job. `drafts` are jobs that try it out before. `clip` is one that was in the library already.
    `refusal` is (reason, remedy) of what can't be made here.
    """

    id: str
    column: int
    row: int
    shot: Shot | None = None
    differs: tuple[tuple[str, str], ...] = ()
    jobs: tuple[str, ...] = ()
    drafts: tuple[str, ...] = ()
    clip: str = ""
    baseline: bool = False
    photo: bool = False
    refusal: tuple[str, str] | None = None


class Comparison(Noun, frozen=True):
    """Clips that are looked at side by side. Its id is also the group of its jobs.

    One axis is a row of cells; two are a grid, the first along the columns, unless they are `paired`: first with first.
    No axis: clips that were chosen by hand. `winner` is the id of the cell that was picked, "" before, and `stars` what
    its clip was rated until then. `losers` are the clips that were put in the trash together. In `blind` mode the page
    hides what is what until there is a winner.
    """

    id: str
    name: str
    axes: tuple[Axis, ...]
    paired: bool
    cells: tuple[Cell, ...]
    made_at: float
    blind: bool = False
    winner: str = ""
    stars: Annotated[int, msgspec.Meta(ge=0, le=5)] = 0
    losers: tuple[str, ...] = ()
    trashed: bool = False


class Standing(Noun, frozen=True):
    """How a cell stands right now; `clip` is its clip, of its draft until that is made, None while there is none.

    `draft`: what `clip` shows is only a draft.
    """

    state: CellState
    clip: Clip | None = None
    progress: Progress = Progress()
    reason: str = ""
    remedy: str = ""
    draft: bool = False


# Built before two threads can read one: see the end of nouns.py.
msgspec.json.Decoder(Comparison)
