"""The table of properties of a HEIF file made small enough for libheif, whose limit is 100 of them a file.

Phones write dozens of auxiliary images, each with properties of its own. Equal ones become one; where that is not
enough, images that nothing here reads (skin, hair, sky) are taken off the list. Bytes change in their places, so that
no offset moves. Boxes: ISO/IEC 14496-12, 8.11.14 (ipco, ipma) and 8.11.6 (infe).
"""

from __future__ import annotations

import struct

from studio.photo.auxiliaries.auxiliary_images import name_role
from studio.photo.intake.isobmff import Box, ItemTable, read_item_table, walk_boxes

MOST_PROPERTIES = 100
"""libheif's `max_children_per_box` (libheif/security_limits.cc, 1.23)."""

_ALPHA = ("auxid:1", "auxiliary:alpha")


def trim_properties(data: bytes) -> bytes:
    """The file with at most `MOST_PROPERTIES` properties; the very same bytes where that isn't needed or can't be."""
    boxes = find_meta_boxes(data)
    ipco, ipma, iinf = (boxes.get(kind) for kind in (b"ipco", b"ipma", b"iinf"))
    if ipco is None or ipma is None or iinf is None:
        return data
    properties = [(data[box.start - 8 : box.end]) for box in walk_boxes(data, ipco.start, ipco.end)]
    table = read_item_table(data) if len(properties) > MOST_PROPERTIES else None
    if table is None:
        return data
    out = bytearray(data)
    unread: set[int] = set()
    kept = list(dict.fromkeys(properties))
    if len(kept) > MOST_PROPERTIES - 1:
        unread = table.items.keys() - _list_read(table)
        used = {number for item, numbers in read_marks(data, ipma).items() if item not in unread for number in numbers}
        kept = list(dict.fromkeys(one for number, one in enumerate(properties, 1) if number in used))
    room = ipco.end - ipco.start - sum(map(len, kept))
    if len(kept) > MOST_PROPERTIES - 1 or room < 8:
        return data
    numbers = [0, *(kept.index(one) + 1 if one in kept else 0 for one in properties)]
    out[ipco.start : ipco.end] = b"".join(kept) + struct.pack(">I", room) + b"free" + bytes(room - 8)
    _renumber(out, ipma, numbers)
    hide_items(out, data, iinf, unread)
    return bytes(out)


def find_meta_boxes(data: bytes) -> dict[bytes, Box]:
    """The boxes of the item table by their kinds; none where the file has none of 32-bit sizes."""
    found: dict[bytes, Box] = {}
    for box in walk_boxes(data):
        if box.kind == b"meta":
            for inner in walk_boxes(data, box.start + 4, box.end):
                found.setdefault(inner.kind, inner)
                if inner.kind == b"iprp":
                    found |= {one.kind: one for one in walk_boxes(data, inner.start, inner.end)}
            break
    return found


def _list_read(table: ItemTable) -> set[int]:
    """The items that are read: the picture, its opacity, depth, matte and gain map, and what they are made of."""
    auxiliaries = table.list_auxiliaries()
    read = {table.primary} | {item for item, urn in auxiliaries if name_role(urn) or urn.endswith(_ALPHA)}
    return read | {part for item in read for part in table.list_parts(item)} | {
        item for item, one in table.items.items() if one.kind in (b"Exif", b"mime")
    }  # fmt: skip


def _walk_marks(data: bytes, ipma: Box) -> list[tuple[int, int]]:
    """Every association of an `ipma` box: the item, and where in the file its property's number stands."""
    version, wide = data[ipma.start], data[ipma.start + 3] & 1
    size, at, places = (4 if version else 2), ipma.start + 8, list[tuple[int, int]]()
    for _ in range(int.from_bytes(data[ipma.start + 4 : at], "big")):
        if at + size >= ipma.end:
            break
        item, count = int.from_bytes(data[at : at + size], "big"), data[at + size]
        at += size + 1
        places += [(item, at + index * (1 + wide)) for index in range(count)]
        at += count * (1 + wide)
    return [place for place in places if place[1] + wide < ipma.end]


def _read_number(data: bytes | bytearray, at: int, wide: int) -> int:
    return int.from_bytes(data[at : at + 1 + wide], "big") & (0x7FFF if wide else 0x7F)


def read_marks(data: bytes, ipma: Box) -> dict[int, list[int]]:
    """The numbers, from 1, of every item's properties, as an `ipma` box gives them."""
    owned: dict[int, list[int]] = {}
    for item, at in _walk_marks(data, ipma):
        owned.setdefault(item, []).append(_read_number(data, at, data[ipma.start + 3] & 1))
    return owned


def _renumber(out: bytearray, ipma: Box, numbers: list[int]) -> None:
    """Give every association its property's new number, and leave the mark of an essential one; 0 is none."""
    wide = out[ipma.start + 3] & 1
    for _, at in _walk_marks(bytes(out), ipma):
        old = _read_number(out, at, wide)
        new = numbers[old] if old < len(numbers) else 0
        essential = out[at] & 0x80 if new else 0
        out[at : at + 1 + wide] = (new | essential << (8 if wide else 0)).to_bytes(1 + wide, "big")


def hide_items(out: bytearray, data: bytes, iinf: Box, unread: set[int]) -> None:
    """Make items of a kind that readers pass over."""
    start = iinf.start + (8 if data[iinf.start] else 6)
    for box in walk_boxes(data, start, iinf.end):
        size = 4 if data[box.start] > 2 else 2
        at = box.start + 4
        if box.kind == b"infe" and int.from_bytes(data[at : at + size], "big") in unread:
            out[at + size + 2 : at + size + 6] = b"skip"
