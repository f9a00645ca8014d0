"""A HEIC made of tiles that is cut short: the rows of tiles that are there, as a whole file of them.

The file ends inside its tiles, and its table, which stands before them, is changed in its places: the picture's height
becomes that of the rows that are there, tiles that are missing are given the bytes of the first, unseen below it, and
whatever else is missing is hidden.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from studio.photo.intake.heif_properties import find_meta_boxes, hide_items, read_marks
from studio.photo.intake.heif_tiles import Grid, read_grid
from studio.photo.intake.isobmff import Box, ItemTable, read_item_table, walk_boxes


def keep_tile_rows(data: bytes) -> tuple[bytes, int, int] | None:
    """The file of what is there, its picture's height and the height of the whole; None where nothing can be told.

    Raises LookupError, ValueError and struct.error for tables that make no sense.
    """
    table = read_item_table(data)
    grid = read_grid(data, table) if table else None
    if table is None or grid is None:
        return None
    size = table.items[grid.tiles[0]].find_property(b"ispe")
    high = int.from_bytes(size[8:12], "big") if size else 0
    missing = [at for at, tile in enumerate(grid.tiles) if not _is_there(data, table, tile)]
    rows = missing[0] // grid.columns if missing else 0
    if not rows or not high:
        return None
    out = bytearray(data)
    height = min(rows * high, grid.height)
    boxes = find_meta_boxes(data)
    _set_height(out, data, boxes, table, grid, height)
    lost = {item for item in table.items if not _is_there(data, table, item)}
    hide_items(out, data, boxes[b"iinf"], lost - set(grid.tiles))
    _lay_first(out, data, boxes[b"iloc"], table.places[grid.tiles[0]][0], lost)
    _close_last_box(out)
    return bytes(out), height, grid.height


def lacks_pixels(data: bytes) -> bool:
    """Whether a HEIF file ends before its picture does: libheif draws some such pictures without a word."""
    table = read_item_table(data)
    if table is None:
        return False
    shown = (table.primary, *table.list_parts(table.primary))
    return not all(_is_there(data, table, item) for item in shown if item in table.places)


def _is_there(data: bytes, table: ItemTable, item: int) -> bool:
    """Whether the bytes of an item lie in the file; a length of 0 reaches to its end."""
    places = table.places.get(item, ())
    return bool(places) and all(0 < start < len(data) >= start + length for start, length in places)


def _set_height(
    out: bytearray, data: bytes, boxes: dict[bytes, Box], table: ItemTable, grid: Grid, height: int
) -> None:
    """Write the height into the grid and into the picture's own `ispe`."""
    start, length = table.places[table.primary][0]
    wide = 4 if length >= 12 else 2
    out[start + 4 + wide : start + 4 + 2 * wide] = height.to_bytes(wide, "big")
    properties = list(walk_boxes(data, boxes[b"ipco"].start, boxes[b"ipco"].end))
    for number in read_marks(data, boxes[b"ipma"])[table.primary]:
        box = properties[number - 1]
        if box.kind == b"ispe":
            struct.pack_into(">II", out, box.start + 4, grid.width, height)


def _lay_first(out: bytearray, data: bytes, iloc: Box, first: tuple[int, int], lost: set[int]) -> None:
    """Give the items that are lost the bytes of the first tile."""
    for item, fields in _walk_places(data, iloc):
        base = first[0] if fields[0][1] else 0
        for (at, size), value in zip(fields, (base, first[0] - base, first[1]), strict=True):
            if item in lost and size:
                out[at : at + size] = value.to_bytes(size, "big")


def _walk_places(data: bytes, iloc: Box) -> Iterator[tuple[int, tuple[tuple[int, int], ...]]]:
    """Every item of one extent in an `iloc` box: its id, and the place and size of its base, its offset and its length.

    ISO/IEC 14496-12, 8.11.3.
    """
    version = data[iloc.start]
    sizes = data[iloc.start + 4] >> 4, data[iloc.start + 4] & 15
    base_size, index_size = data[iloc.start + 5] >> 4, data[iloc.start + 5] & 15 if version else 0
    wide = 4 if version > 1 else 2
    at = iloc.start + 6 + wide
    while at + wide < iloc.end:
        item = int.from_bytes(data[at : at + wide], "big")
        at += wide + (4 if version else 2)
        base = at
        at += base_size
        count = int.from_bytes(data[at : at + 2], "big")
        at += 2
        if count == 1:
            offset = at + index_size
            yield item, ((base, base_size), (offset, sizes[0]), (offset + sizes[0], sizes[1]))
        at += count * (index_size + sum(sizes))


def _close_last_box(out: bytearray) -> None:
    """Have the last box of the file end where the file does."""
    at = max((box.end for box in walk_boxes(bytes(out))), default=0)
    if at + 16 <= len(out):
        struct.pack_into(">I", out, at, len(out) - at)
