"""A contact sheet of a comparison: one PNG, each clip with its first, middle and last frame and its label."""

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
    Image,
    Tile,
    TileReader,
    choose_columns,
    draw_label,
    find_font,
    fit_inside,
    measure_label,
    measure_tiles,
    refuse_unreadable,
    shorten,
)

WIDEST, MARGIN, TITLE = 3840, 24, 34
"""The sheet's widest, its margin and the height of its title's text, in pixels."""


def write_sheet(tiles: Sequence[Tile], dest: Path, *, title: str = "", columns: int = 0) -> None:
    """Write a PNG with every tile: three frames of each clip beside each other, one of a still picture.

    columns: 0 chooses those that make the sheet most nearly 16:9. The file is there whole or not at all. Raises
    `Refusal` for a clip that can't be read or a folder that can't be written.
    """
    with refuse_unreadable(), replace_whole(dest) as part:
        largest = measure_tiles(tiles)
        columns = columns or choose_columns(len(tiles), 3 * largest[0] / largest[1])
        room = ((WIDEST - 2 * MARGIN + GAP) // columns - 2 * GAP) // 3
        size = fit_inside(largest, (min(room, largest[0]), WIDEST))
        strips = [_draw_strip(tile, size, max(len(one.lines) for one in tiles)) for tile in tiles]
        _join(strips, columns, title).save(part, "PNG", compress_level=4)


def _draw_strip(tile: Tile, size: tuple[int, int], lines: int) -> Image:
    """One clip: three frames and the label beneath."""
    width = 3 * size[0] + GAP
    strip = np.empty((size[1] + measure_label(lines, width), width, 3), np.uint8)
    strip[:] = GROUND
    with closing(TileReader(tile, size)) as reader:
        last = reader.num_frames - 1
        for number, index in enumerate((0, last // 2, last) if last else ()):
            left = number * (size[0] + GAP // 2)
            strip[: size[1], left : left + size[0]] = reader.read_frame(index)
    if not last:
        with closing(TileReader(tile, (width, size[1]))) as reader:
            strip[: size[1]] = reader.read_frame(0)
    strip[size[1] :] = draw_label(tile, width, lines)
    return strip


def _join(strips: Sequence[Image], columns: int, title: str) -> Pillow.Image:
    """The sheet: strips in rows under the title."""
    height, width = strips[0].shape[:2]
    head = MARGIN + (2 * TITLE if title else 0)
    rows = ceil(len(strips) / columns)
    sheet = Pillow.new(
        "RGB", (2 * MARGIN + columns * (width + GAP) - GAP, head + rows * (height + GAP) - GAP + MARGIN), GROUND
    )
    if title:
        font = find_font(title, TITLE)
        ImageDraw.Draw(sheet).text((MARGIN, MARGIN), shorten(title, font, sheet.width - 2 * MARGIN), INK, font)
    for number, strip in enumerate(strips):
        left = MARGIN + number % columns * (width + GAP)
        sheet.paste(Pillow.fromarray(strip), (left, head + number // columns * (height + GAP)))
    return sheet
