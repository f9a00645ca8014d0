"""MP4 boxes, as far as the comment in moov/udta/meta/ilst (ISO/IEC 14496-12; ilst as written by QuickTime and ffmpeg).

Knows sizes and names. Refuses to read pictures, and to believe a size that leads out of its parent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MAX_BOXES = 4096
_PATH = (b"moov", b"udta", b"meta", b"ilst", b"\xa9cmt", b"data")


class _Box(NamedTuple):
    name: bytes
    start: int
    end: int


def _boxes(source: BinaryIO, at: int, end: int) -> Iterator[_Box]:
    for _ in range(MAX_BOXES):
        source.seek(at)
        head = source.read(16)
        if at + 8 > end or len(head) < 8:
            return
        size, body = int.from_bytes(head[:4]), at + 8
        if size == 1:
            size, body = int.from_bytes(head[8:16]), at + 16
        elif size == 0:
            size = end - at
        if size < body - at or at + size > end:
            return
        yield _Box(head[4:8], body, at + size)
        at += size


def comment(source: BinaryIO, limit: int) -> bytes:
    """The UTF-8 comment of an MP4 or MOV file, or b"" when there is none or it is longer than `limit` bytes."""
    at, end = 0, source.seek(0, 2)
    for name in _PATH:
        found = next((box for box in _boxes(source, at, end) if box.name == name), None)
        if found is None:
            return b""
        at, end = found.start, found.end
        if name == b"meta":
            at += 4  # a full box: version and flags
    at += 8  # type and locale
    if not 0 < end - at <= limit:
        return b""
    source.seek(at)
    return source.read(end - at)
