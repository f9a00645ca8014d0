"""WebM elements, as far as the COMMENT tag (RFC 8794 for EBML, RFC 9559 for Matroska).

Knows variable-length numbers and five element ids. Refuses to read pictures, and to believe a size that leads out of its
parent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MAX_ELEMENTS = 20_000
_SEGMENT, _TAGS, _TAG, _SIMPLE = 0x18538067, 0x1254C367, 0x7373, 0x67C8
_NAME, _STRING = 0x45A3, 0x4487


class _Element(NamedTuple):
    id: int
    start: int
    end: int


def _number(data: bytes, at: int, keep_marker: bool) -> tuple[int, int] | None:
    """A variable-length number at `at`, and its length; None when it is cut short or longer than eight bytes."""
    if at >= len(data) or data[at] == 0:
        return None
    length = 9 - data[at].bit_length()
    if at + length > len(data):
        return None
    value = int.from_bytes(data[at : at + length])
    return (value if keep_marker else value & ((1 << (7 * length)) - 1)), length


def _elements(source: BinaryIO, at: int, end: int) -> Iterator[_Element]:
    for _ in range(MAX_ELEMENTS):
        if at >= end:
            return
        source.seek(at)
        head = source.read(12)
        name = _number(head, 0, True)
        size = _number(head, name[1], False) if name else None
        if name is None or size is None:
            return
        start = at + name[1] + size[1]
        unknown = size[0] == (1 << (7 * size[1])) - 1
        stop = end if unknown else start + size[0]
        if stop > end:
            return
        yield _Element(name[0], start, stop)
        at = stop


def _text(source: BinaryIO, element: _Element, limit: int) -> bytes:
    if element.end - element.start > limit:
        return b""
    source.seek(element.start)
    return source.read(element.end - element.start)


def comment(source: BinaryIO, limit: int) -> bytes:
    """The UTF-8 COMMENT tag of a WebM or Matroska file, or b"" when there is none or it is longer than `limit` bytes."""
    end = source.seek(0, 2)
    segment = next((e for e in _elements(source, 0, end) if e.id == _SEGMENT), None)
    tags = next((e for e in _elements(source, segment.start, segment.end) if e.id == _TAGS), None) if segment else None
    if tags is None:
        return b""
    looked = 0
    for tag in _elements(source, tags.start, tags.end):
        for simple in _elements(source, tag.start, tag.end) if tag.id == _TAG else ():
            looked += 1
            if simple.id != _SIMPLE or looked > MAX_ELEMENTS:
                continue
            fields = {e.id: e for e in _elements(source, simple.start, simple.end)}
            if _NAME in fields and _STRING in fields and _text(source, fields[_NAME], 64).upper() == b"COMMENT":
                return _text(source, fields[_STRING], limit)
    return b""
