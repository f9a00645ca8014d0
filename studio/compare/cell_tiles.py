"""The cells of a comparison as tiles of a film or a contact sheet: in their order, with their labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from studio.clip.comparison_tiles import Tile
from studio.clip_score import Score
from studio.compare.differences import Rows, find_differences, is_hidden, name_by_letter, name_cell, shuffle_cells
from studio.comparison import Cell, CellState, Comparison, Standing
from studio.nouns import Clip, Refusal, Shot

NOTES: dict[CellState, str] = {"waiting": "Waiting its turn", "running": "Being made", "gone": "Deleted"}
PHOTO = "photo"
"""The id by which the photo is chosen where it isn't a cell of its own."""

HIDDEN = "This clip isn't there."


class Sources(NamedTuple):
    """Where tiles come from. `find_clip` and `write_photo` raise `Refusal`; the photo is cropped and mended as the shot
    has it."""

    standings: Mapping[str, Standing]
    scores: Mapping[str, Score]
    find_clip: Callable[[Clip], Path]
    write_photo: Callable[[Shot], Path]
    name_model: Callable[[str], str]


class PlacedTile(NamedTuple):
    """A tile, and the cell that it shows."""

    cell: Cell
    tile: Tile


def make_tiles(one: Comparison, sources: Sources, chosen: Sequence[str] = ()) -> list[PlacedTile]:
    """The tiles of these cells (ids, `PHOTO` among them), in that order; of all in the grid's order without any.

    While it is blind and nobody has won they are shuffled, called by a letter, and their failures say nothing. Raises
    `Refusal` for a cell that isn't in the comparison.
    """
    cells, hidden = _order(one), is_hidden(one)
    if PHOTO in chosen and all(cell.id != PHOTO for cell in cells):
        cells = (*cells, Cell(PHOTO, 0, -1, next((cell.shot for cell in cells if cell.shot), None), photo=True))
    names = {cell.id: "The photo" for cell in cells} | name_by_letter(cells) if hidden else {}
    shots = [cell.shot for cell in cells if cell.shot and not cell.photo]
    rows = find_differences(shots, sources.name_model, one.axes)
    made = [_make_tile(cell, one, sources, rows, names.get(cell.id)) for cell in _choose(cells, chosen)]
    if hidden:
        made = [_hide(placed) for placed in made]
    if not any(placed.tile.file for placed in made if not placed.cell.photo):
        raise Refusal("None of these clips is there yet.", "Wait until one is made.")
    return made


def _order(one: Comparison) -> tuple[Cell, ...]:
    """Row by row; what stands outside a grid comes after it, the baseline of a single row before it."""
    if is_hidden(one):
        return shuffle_cells(one)
    rows = max((cell.row for cell in one.cells), default=0)
    return tuple(
        sorted(one.cells, key=lambda cell: (_place_outside(cell, rows) if cell.row < 0 else cell.row, cell.column))
    )


def _place_outside(cell: Cell, rows: int) -> int:
    return -1 if cell.baseline and rows == 0 else rows + 1


def _choose(cells: Sequence[Cell], chosen: Sequence[str]) -> list[Cell]:
    by_id = {cell.id: cell for cell in cells}
    if not set(chosen) <= by_id.keys():
        raise Refusal("That cell is no longer in this comparison.", "Look at the comparison again.")
    return [by_id[cell_id] for cell_id in dict.fromkeys(chosen)] or list(cells)


def _make_tile(
    cell: Cell, one: Comparison, sources: Sources, differences: Mapping[Shot, Rows], letter: str | None
) -> PlacedTile:
    standing = sources.standings.get(cell.id, Standing("photo"))
    try:
        file, note = _find_file(cell, standing, sources)
    except Refusal as refusal:
        file, note = None, refusal.reason
    if letter is not None:
        lines: tuple[str, ...] = (letter,)
    else:
        score = sources.scores.get(standing.clip.id) if standing.clip else None
        lines = _write_lines(cell, standing, sources, differences.get(cell.shot, []) if cell.shot else [], score)
    return PlacedTile(cell, Tile(file, lines, note, cell.id == one.winner))


def _find_file(cell: Cell, standing: Standing, sources: Sources) -> tuple[Path | None, str]:
    """A tile's picture, or why there is none."""
    if cell.photo and cell.shot:
        return sources.write_photo(cell.shot), ""
    if standing.clip:
        return sources.find_clip(standing.clip), ""
    return None, " ".join(filter(None, (standing.reason, standing.remedy))) or NOTES.get(standing.state, "")


def _write_lines(cell: Cell, standing: Standing, sources: Sources, rows: Rows, score: Score | None) -> tuple[str, ...]:
    """A label: the model and what a cell is called by; what else differs; the score."""
    if cell.photo:
        return ("The photo",)
    called = name_cell(rows)
    model = sources.name_model(cell.shot.maker) if cell.shot and not any(row[0] == "Model" for row in rows) else ""
    name = " · ".join(filter(None, (model, called and called[:1].lower() + called[1:] if model else called)))
    if not name:
        name = " · ".join(value for _, value in cell.differs)
    rest = [f"{label} {value}" for label, value in rows[2:]]
    said = ["Baseline" if cell.baseline else "", "a draft" if standing.draft else "", *rest]
    total = "" if score is None else "broken" if score.broken else f"score {round(100 * score.total)}"
    below = " · ".join(filter(None, (*said, total)))
    return (name, below[:1].upper() + below[1:]) if below else (name,)


def _hide(placed: PlacedTile) -> PlacedTile:
    tile = placed.tile
    return placed._replace(tile=tile._replace(note=HIDDEN if tile.note else "", picked=False))
