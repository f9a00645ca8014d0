"""From one shot and one or two axes to the cells of a comparison: a row, a grid, or pairs. Nothing is made or checked
against a model here.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from studio.compare.axis_values import ORDER, TITLES, AxisValue, FindCard, parse_axis, require_axes
from studio.comparison import Axis, AxisName, Cell
from studio.nouns import Refusal, Shot

MOST_IN_ROW = 6
"""Clips of one axis, or of paired ones: more can't be watched at once."""

MOST_CELLS = 36
"""Clips of a grid, six by six."""


class Grid(NamedTuple):
    """The axes with their values as they are shown, and the cells."""

    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]


def expand(shot: Shot, axes: Sequence[Axis], paired: bool, find_card: FindCard) -> Grid:
    """The cells of a comparison. The first axis goes along the columns, the second along the rows.

    `paired` axes go together, first with first; the shorter one repeats its last value, as ComfyUI's
    lists do. A cell whose values can't be had of this shot (an effect that waits for the brush) holds its refusal.
    Raises `Refusal` for a wrong value, for the same axis twice, for fewer than two cells or for too many.
    """
    _check_axes(axes)
    values = [parse_axis(axis, find_card) for axis in axes]
    shown = tuple(Axis(axis.name, tuple(one.label for one in each)) for axis, each in zip(axes, values, strict=True))
    places = _lay_out(values, paired)
    _check_count(len(places), len(axes) == 2 and not paired)
    names: list[AxisName] = [axis.name for axis in axes]
    cells = [
        _make(find_card, shot, column, row, dict(zip(names, chosen, strict=True))) for column, row, chosen in places
    ]
    return Grid(shown, tuple(cells))


def _check_axes(axes: Sequence[Axis]) -> None:
    if not 1 <= len(axes) <= 2:
        raise Refusal("A comparison has one or two axes.", f"Choose from: {', '.join(TITLES)}.")
    if len({axis.name for axis in axes}) < len(axes):
        raise Refusal(f"The axis {axes[0].name!r} is there twice.", "Give all its values at once.")


def _check_count(count: int, grid: bool) -> None:
    most = MOST_CELLS if grid else MOST_IN_ROW
    if count < 2:
        raise Refusal("One clip alone is no comparison.", "Give the axis a second value.")
    if count > most:
        what = "a grid" if grid else "one row"
        raise Refusal(f"{count} clips are too many for {what}.", f"Leave some values out: {most} is the most.")


def _lay_out(values: list[tuple[AxisValue, ...]], paired: bool) -> list[tuple[int, int, tuple[AxisValue, ...]]]:
    """Column, row and a value of every axis, of each cell."""
    if len(values) == 1:
        return [(at, 0, (value,)) for at, value in enumerate(values[0])]
    across, down = values
    if paired:
        count = max(len(across), len(down))
        pairs = [(across[min(at, len(across) - 1)], down[min(at, len(down) - 1)]) for at in range(count)]
        return [(at, 0, pair) for at, pair in enumerate(pairs)]
    return [(column, row, (x, y)) for row, y in enumerate(down) for column, x in enumerate(across)]


def _make(find_card: FindCard, shot: Shot, column: int, row: int, chosen: dict[AxisName, AxisValue]) -> Cell:
    differs = tuple((name, value.label) for name, value in chosen.items())
    cell_id = uuid.uuid4().hex
    try:
        for name in sorted(chosen, key=ORDER.index):
            shot = chosen[name].change(shot)
        require_axes(tuple(chosen), find_card(shot.model))
    except Refusal as refusal:
        return Cell(cell_id, column, row, None, differs, refusal=(refusal.reason, refusal.remedy))
    return Cell(cell_id, column, row, shot, differs)
