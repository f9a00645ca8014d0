"""Boxes of a HEIF or AVIF file (ISO base media file format): items, their properties and bytes, and their references.

No sample is decoded here. The bytes are hostile: counts and sizes are bounded, a box that reaches past its parent
ends the reading of that parent, and nothing raises; what can't be read is absent.

Boxes: ISO/IEC 14496-12. Items, properties and references: ISO/IEC 23008-12 (HEIF).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

MOST_BOXES = 4_000
"""Boxes read inside one parent: a 200-megapixel picture in tiles of 512 px has some 800 items."""
MOST_ITEMS = 10_000
MOST_DATA = 64_000_000
"""Bytes handed out for one item."""


class Box(NamedTuple):
    """One box: its four-letter kind and the range of its content in the file."""

    kind: bytes
    start: int
    end: int


class Item(NamedTuple):
    """One item: its kind (`b"hvc1"`, `b"av01"`, `b"grid"`, `b"Exif"`, `b"mime"` …) and, for `mime`, its content type.

    Its properties stand in their order, each a box's kind and content.
    """

    kind: bytes
    content_type: str
    properties: tuple[tuple[bytes, bytes], ...]

    def find_property(self, kind: bytes) -> bytes | None:
        """The content of the first property of a kind."""
        return next((content for name, content in self.properties if name == kind), None)

    @property
    def auxiliary_type(self) -> str:
        """The URN that an auxiliary image carries (`urn:mpeg:hevc:2015:auxid:2` is depth), "" for any other item."""
        content = self.find_property(b"auxC")
        return "" if content is None else content[4:].split(b"\0")[0].decode("utf-8", "replace")


class Reference(NamedTuple):
    """Items of which one says something about others: `auxl` (is auxiliary to), `thmb`, `dimg` (is made of), `cdsc`."""

    kind: bytes
    source: int
    targets: tuple[int, ...]


class ItemTable(NamedTuple):
    """All items of a file by their ids, the id of the picture that is shown, and the references between them."""

    primary: int
    items: dict[int, Item]
    references: tuple[Reference, ...]
    places: dict[int, tuple[tuple[int, int], ...]]
    """Where an item's bytes lie in the file: (offset, length) of each extent; a length of 0 reaches to the end."""

    def list_auxiliaries(self, item: int | None = None) -> list[tuple[int, str]]:
        """The auxiliary images of an item (the primary one), each its id and its type's URN."""
        wanted = self.primary if item is None else item
        sources = [ref.source for ref in self.references if ref.kind == b"auxl" and wanted in ref.targets]
        return [(source, self.items[source].auxiliary_type) for source in sources if source in self.items]

    def list_parts(self, item: int) -> tuple[int, ...]:
        """The items that an item is made of: the tiles of a grid, the layers of an overlay."""
        return next((ref.targets for ref in self.references if ref.kind == b"dimg" and ref.source == item), ())

    def read_data(self, data: bytes, item: int, most: int = MOST_DATA) -> bytes:
        """The bytes of an item (Exif, XMP, a tone map), at most `most`; empty when they lie outside the file."""
        joined = bytearray()
        for offset, length in self.places.get(item, ()):
            part = data[offset : offset + length] if length else data[offset : offset + most]
            if len(joined) + len(part) > most:
                return b""
            joined += part
        return bytes(joined)


def walk_boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes between two places of a file, in order, at most `MOST_BOXES`; one that is too long ends the walk."""
    end = len(data) if end is None else min(end, len(data))
    for _ in range(MOST_BOXES):
        if start + 8 > end:
            return
        size, header = int.from_bytes(data[start : start + 4], "big"), 8
        if size == 1:
            size, header = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        elif size == 0:
            size = end - start
        if size < header or start + size > end:
            return
        yield Box(data[start + 4 : start + 8], start + header, start + size)
        start += size


def read_item_table(data: bytes) -> ItemTable | None:
    """The items of a HEIF or AVIF file; None when it has none (it is another kind of file, or only a sequence)."""
    meta = next((box for box in walk_boxes(data) if box.kind == b"meta"), None)
    if meta is None:
        return None
    boxes: dict[bytes, Box] = {}
    for box in walk_boxes(data, meta.start + 4, meta.end):
        boxes.setdefault(box.kind, box)
    if b"pitm" not in boxes or b"iinf" not in boxes:
        return None
    pitm = _Cursor(data, boxes[b"pitm"])
    primary = pitm.take(4 if pitm.version else 2)
    shared, owned = _read_properties(data, boxes.get(b"iprp"))
    items = {
        item: Item(kind, words, tuple(shared[at - 1] for at in owned.get(item, ()) if 0 < at <= len(shared)))
        for item, kind, words in _list_items(data, boxes[b"iinf"])
    }
    idat = boxes.get(b"idat")
    places = _read_places(data, boxes[b"iloc"], idat.start if idat else 0) if b"iloc" in boxes else {}
    references = tuple(_list_references(data, boxes[b"iref"])) if b"iref" in boxes else ()
    return ItemTable(primary, items, references, places)


class _Cursor:
    """Big-endian numbers read from a full box, one after the other; 0 from where the box ends."""

    def __init__(self, data: bytes, box: Box) -> None:
        self._data, self._end = data, box.end
        self.version = data[box.start] if box.start < box.end else 0
        self.flags = int.from_bytes(data[box.start + 1 : box.start + 4], "big")
        self.at = box.start + 4

    @property
    def has_more(self) -> bool:
        return self.at < self._end

    def take(self, size: int) -> int:
        """The next number of `size` bytes."""
        part = self._data[self.at : min(self.at + size, self._end)]
        self.at += size
        return int.from_bytes(part, "big") if len(part) == size else 0


def _list_items(data: bytes, iinf: Box) -> Iterator[tuple[int, bytes, str]]:
    """The id, kind and content type of every item that an `iinf` box lists (infe of version 2 and 3)."""
    start = iinf.start + (8 if data[iinf.start : iinf.start + 1] > b"\0" else 6)
    for box in walk_boxes(data, start, iinf.end):
        infe = _Cursor(data, box)
        if box.kind != b"infe" or infe.version < 2:
            continue
        item = infe.take(4 if infe.version > 2 else 2)
        infe.take(2)  # protection
        kind = data[infe.at : min(infe.at + 4, box.end)]
        words = data[infe.at + 4 : min(infe.at + 600, box.end)].split(b"\0")
        yield item, kind, words[1].decode("utf-8", "replace") if kind == b"mime" and len(words) > 1 else ""


def _read_properties(data: bytes, iprp: Box | None) -> tuple[list[tuple[bytes, bytes]], dict[int, list[int]]]:
    """The properties of `ipco`, and for each item the numbers, from 1, of those that `ipma` gives it."""
    shared: list[tuple[bytes, bytes]] = []
    owned: dict[int, list[int]] = {}
    for box in walk_boxes(data, iprp.start, iprp.end) if iprp else ():
        if box.kind == b"ipco":
            shared += [(one.kind, data[one.start : one.end]) for one in walk_boxes(data, box.start, box.end)]
        elif box.kind == b"ipma":
            ipma = _Cursor(data, box)
            for _ in range(min(ipma.take(4), MOST_ITEMS)):
                if not ipma.has_more:
                    break
                marks = owned.setdefault(ipma.take(4 if ipma.version else 2), [])
                wide = 2 if ipma.flags & 1 else 1
                marks += [ipma.take(wide) & (0x7FFF if wide == 2 else 0x7F) for _ in range(ipma.take(1))]
    return shared, owned


def _list_references(data: bytes, iref: Box) -> Iterator[Reference]:
    wide = 4 if data[iref.start : iref.start + 1] > b"\0" else 2
    for box in walk_boxes(data, iref.start + 4, iref.end):
        start, count = box.start + wide, int.from_bytes(data[box.start + wide : box.start + wide + 2], "big")
        ends = range(start + 2, min(start + 2 + count * wide, box.end - wide + 1), wide)
        targets = tuple(int.from_bytes(data[at : at + wide], "big") for at in ends)
        yield Reference(box.kind, int.from_bytes(data[box.start : start], "big"), targets)


def _read_places(data: bytes, box: Box, idat: int) -> dict[int, tuple[tuple[int, int], ...]]:
    """The extents of every item in an `iloc` box, those in the `idat` box moved to where it lies in the file."""
    iloc = _Cursor(data, box)
    sizes = iloc.take(2)
    offset_size, length_size, base_size = sizes >> 12 & 15, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if iloc.version else 0
    places: dict[int, tuple[tuple[int, int], ...]] = {}
    for _ in range(min(iloc.take(4 if iloc.version > 1 else 2), MOST_ITEMS)):
        if not iloc.has_more:
            break
        item = iloc.take(4 if iloc.version > 1 else 2)
        method = iloc.take(2) & 15 if iloc.version else 0
        iloc.take(2)  # where other files' bytes would lie
        base = iloc.take(base_size) + (idat if method == 1 else 0)
        extents: list[tuple[int, int]] = []
        for _ in range(min(iloc.take(2), MOST_BOXES)):
            if not iloc.has_more:
                break
            iloc.take(index_size)
            extents.append((base + iloc.take(offset_size), iloc.take(length_size)))
        if method < 2:  # 2 would be bytes of another item
            places[item] = tuple(extents)
    return places
