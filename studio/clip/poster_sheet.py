"""A contact sheet of a batch: one PNG with the poster of every clip, or why there is none, in the batch's order."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from math import ceil
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from studio.atomic_write import replace_whole
from studio.clip.comparison_tiles import (
    GAP,
    GROUND,
    INK,
    QUIET,
    Image,
    Tile,
    TileReader,
    draw_label,
    find_font,
    fit_inside,
    measure_label,
    refuse_unreadable,
    shorten,
)

TILE, MARGIN, TITLE = 300, 32, 36
"""The side of the square a poster stands in, the sheet's margin and the height of its title, in pixels."""

MOST_TILES = 120
"""Posters on one sheet; more of them make several."""


def write_sheets(tiles: Sequence[Tile], dest: Path, *, title: str, line: str = "") -> tuple[Path, ...]:
    """Write `dest`, and dest-2.png and so on where there are many tiles. Each is there whole or not at all. `line`
    stands beside the title. Raises `Refusal` when it can't be written.
    """
    pages = [tiles[at : at + MOST_TILES] for at in range(0, len(tiles), MOST_TILES)] or [()]
    found: list[Path] = []
    for number, page in enumerate(pages, 1):
        place = dest if number == 1 else dest.with_name(f"{dest.stem}-{number}{dest.suffix}")
        part = f"{line}  {number} of {len(pages)}".strip() if len(pages) > 1 else line
        with refuse_unreadable(), replace_whole(place) as half:
            _draw_page(page, title, part).save(half, "PNG", compress_level=4)
        found.append(place)
    return tuple(found)


def _draw_page(tiles: Sequence[Tile], title: str, line: str) -> Pillow.Image:
    columns = min(max(3, round((len(tiles) * 1.8) ** 0.5)), 12)
    lines = max((len(tile.lines) for tile in tiles), default=0)
    high = TILE + measure_label(lines, TILE)
    head = MARGIN + 2 * TITLE
    rows = ceil(len(tiles) / columns)
    size = (2 * MARGIN + columns * (TILE + 2 * GAP) - 2 * GAP, head + rows * (high + GAP) + MARGIN)
    sheet = Pillow.new("RGB", size, GROUND)
    pen, font = ImageDraw.Draw(sheet), find_font(title, TITLE)
    small = find_font(line, TITLE // 2)
    room = sheet.width - 2 * MARGIN - small.getlength(line) - MARGIN
    pen.text((MARGIN, MARGIN - 6), shorten(title, font, room), INK, font)
    pen.text((sheet.width - MARGIN, MARGIN + TITLE * 0.45), line, QUIET, small, anchor="ra")
    for number, tile in enumerate(tiles):
        left = MARGIN + number % columns * (TILE + 2 * GAP)
        sheet.paste(Pillow.fromarray(_draw_tile(tile, lines)), (left, head + number // columns * (high + GAP)))
    return sheet


def _draw_tile(tile: Tile, lines: int) -> Image:
    """A poster at the bottom left of its square, with its label beneath; (TILE + label, TILE, 3)."""
    drawn = np.empty((TILE + measure_label(lines, TILE), TILE, 3), np.uint8)
    drawn[:] = GROUND
    size = (TILE, TILE)
    if tile.file:
        with Pillow.open(tile.file) as picture:
            size = fit_inside(picture.size, size)
    with closing(TileReader(tile, size)) as reader:
        drawn[TILE - size[1] : TILE, : size[0]] = reader.read_frame(0)
    drawn[TILE:] = draw_label(tile, TILE, lines)
    return drawn
