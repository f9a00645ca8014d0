"""GIF blocks and WebP chunks: frame delays, the recipe written in, and metadata left out of a copy.

By the GIF89a block structure and the WebP container specification (RFC 9649); pictures are never decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape, unescape
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

from studio.nouns import Refusal

MAX_PARTS = 20_000
MAX_SUB_BLOCKS = 1_000_000  # in a whole GIF; of 255 bytes each: a quarter of a gigabyte
_XMP_FLAG, _EXIF_FLAG, _ICC_FLAG = 0x04, 0x08, 0x20
_ANIMATION_FLAG = 0x02
_REPLACES = b"\x02"  # a frame of an animated WebP that covers the canvas and isn't blended with what was there
_FRAME_CHUNKS = (b"VP8 ", b"VP8L", b"ALPH")
GIF_TICKS = 100
"""A GIF tells how long a frame is shown in hundredths of a second."""
WEBP_TICKS = 1000
"""An animated WebP tells it in thousandths."""
_PICTURE_CHUNKS = (b"VP8X", b"ANIM", b"ANMF", b"VP8 ", b"VP8L", b"ALPH")
_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:stir="https://stir.invalid/ns/1.0/"><stir:shot>{}</stir:shot>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)


class _Part(NamedTuple):
    kind: bytes
    start: int
    end: int


def _read_sub_blocks(source: BinaryIO, budget: Iterator[int]) -> bytes | None:
    """Read sub-blocks to their terminator; return the first of them, or None when file or budget end first."""
    first = b""
    for _ in budget:
        size = source.read(1)
        if not size:
            return None
        if size == b"\0":
            return first
        data = source.read(size[0])
        first = first or data
    return None


def _measure_palette(packed: int) -> int:
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _read_gif_parts(source: BinaryIO) -> Iterator[tuple[_Part, bytes]]:
    """The parts of a GIF: b"head", extensions by their label, b"image", b"end"; with the first 16 bytes or so of their
    data.
    """
    source.seek(0)
    head = source.read(13)
    if len(head) < 13 or head[:4] != b"GIF8":
        return
    at, budget = 13 + _measure_palette(head[10]), iter(range(MAX_SUB_BLOCKS))
    yield _Part(b"head", 0, at), b""
    for _ in range(MAX_PARTS):
        source.seek(at)
        mark = source.read(1)
        if mark == b";":
            yield _Part(b"end", at, at + 1), b""
            return
        if mark == b"!":
            kind = source.read(1)
        elif mark == b",":
            kind, frame = b"image", source.read(9)
            source.seek((_measure_palette(frame[8]) if len(frame) == 9 else 0) + 1, 1)
        else:
            return
        text = _read_sub_blocks(source, budget)
        if text is None:
            return
        start, at = at, source.tell()
        yield _Part(kind, start, at), text


def add_gif_comment(file: Path, text: bytes) -> None:
    """Put an ASCII comment at the end of a GIF, in place."""
    blocks = b"".join(bytes([len(text[at : at + 255])]) + text[at : at + 255] for at in range(0, len(text), 255))
    with file.open("r+b") as clip:
        clip.seek(-1, 2)
        clip.write(b"!\xfe" + blocks + b"\0;")


def read_gif_delays(source: BinaryIO) -> tuple[int, int, list[int]]:
    """Width and height of a GIF, and how long each frame is shown, in hundredths of a second."""
    source.seek(6)
    size = source.read(4)
    delays: list[int] = []
    next_delay = 0
    for part, text in _read_gif_parts(source):
        if part.kind == b"\xf9":
            next_delay = int.from_bytes(text[1:3], "little")
        elif part.kind == b"image":
            delays.append(next_delay)
            next_delay = 0
    return int.from_bytes(size[:2], "little"), int.from_bytes(size[2:], "little"), delays


def set_gif_delays(file: Path, delays: list[int]) -> None:
    """Write how long each frame is shown, in hundredths of a second, into a GIF in place. Raises `ValueError` when the
    frames aren't as many."""
    with file.open("r+b") as clip:
        parts = [part for part, _ in _read_gif_parts(clip)]
        before = [one.start for one, next_one in pairwise(parts) if one.kind == b"\xf9" and next_one.kind == b"image"]
        if len(before) != len(delays) or sum(part.kind == b"image" for part in parts) != len(delays):
            raise ValueError(f"a GIF has {len(before)} timed frames where {len(delays)} were written")
        for start, delay in zip(before, delays, strict=True):
            clip.seek(start + 4)  # the mark, the label, the size of the block, its flags
            clip.write(delay.to_bytes(2, "little"))


def strip_gif(file: Path, dest: Path) -> None:
    """Copy a GIF without comments, plain text and application data; the loop count (NETSCAPE2.0) stays.

    Raises `Refusal` when the GIF is cut short.
    """
    with file.open("rb") as source, dest.open("wb") as clip:
        parts = list(_read_gif_parts(source))
        if not parts or parts[-1][0].kind != b"end":
            raise Refusal(f"{file.name} is cut short.", "Make the clip again, or use another copy of it.")
        for part, text in parts:
            loop = part.kind == b"\xff" and text.startswith(b"NETSCAPE2.0")
            if loop or part.kind in (b"head", b"image", b"\xf9", b"end"):
                source.seek(part.start)
                clip.write(source.read(part.end - part.start))


def _read_webp_parts(source: BinaryIO, at: int = 12, end: int = 0) -> Iterator[_Part]:
    """The chunks of a WebP, or those from `at` to `end` of a file."""
    end = end or source.seek(0, 2)
    for _ in range(MAX_PARTS):
        source.seek(at)
        head = source.read(8)
        size = int.from_bytes(head[4:8], "little")
        stop = at + 8 + size + size % 2
        if len(head) < 8 or at + 8 + size > end:
            return
        yield _Part(head[:4], at, min(stop, end))
        at = stop


def find_webp_recipe(xmp: bytes) -> bytes:
    """The recipe in the XMP of a WebP, or b"": one element found by its name and never parsed as XML, so no entity can
    expand.
    """
    found = re.search(rb"<stir:shot>([^<]*)</stir:shot>", xmp)
    return unescape(found[1].decode("utf-8", "replace")).encode() if found else b""


def add_webp_recipe(file: Path, text: str) -> None:
    """Append the recipe to a WebP as XMP and say so in its header."""
    body = _XMP.format(escape(text, quote=False)).encode()
    picture = file.read_bytes()[12:]
    if not picture.startswith(b"VP8X"):  # ffmpeg writes frames that are all alike as a still, without room for flags
        picture = b"VP8X" + (10).to_bytes(4, "little") + bytes(4) + _read_still_size(picture) + picture
    flags = picture[8] | _XMP_FLAG
    xmp = _make_chunk(b"XMP ", body)
    size = 4 + len(picture) + len(xmp)
    file.write_bytes(b"RIFF" + size.to_bytes(4, "little") + b"WEBP" + picture[:8] + bytes([flags]) + picture[9:] + xmp)


def read_webp_delays(source: BinaryIO) -> tuple[int, int, list[int]]:
    """Width and height of a WebP, and how long each frame is shown, in thousandths of a second: [0] for a still
    picture.
    """
    size, delays = b"", []
    for part in _read_webp_parts(source):
        source.seek(part.start)
        head = source.read(24)
        if part.kind == b"VP8X" or (not size and part.kind in _FRAME_CHUNKS):
            size = head[12:18] if part.kind == b"VP8X" else _read_still_size(head)
        if part.kind == b"ANMF":
            delays.append(int.from_bytes(head[20:23], "little"))
    return int.from_bytes(size[:3], "little") + 1, int.from_bytes(size[3:], "little") + 1, delays or [0]


def join_webp(stills: Path, dest: Path, size: tuple[int, int], delays: list[int]) -> None:
    """One animated WebP of still ones that lie behind each other in a file; of a single one, that still picture.

    Written here, not by libwebp's own animation encoder, which makes one frame of several that are alike: a clip then
    has fewer frames than were painted. `size` in pixels, `delays` in thousandths of a second (RFC 9649, 2.7.1). Raises
    `ValueError` when the pictures aren't as many.
    """
    found: list[tuple[int, int]] = []
    with stills.open("rb") as source, dest.open("wb") as clip:
        at, end = 0, source.seek(0, 2)
        while at + 12 <= end:
            source.seek(at + 4)
            found.append((at, at + 8 + int.from_bytes(source.read(4), "little")))
            at = found[-1][1]
        if len(found) != len(delays) or at != end:
            raise ValueError(f"{len(found)} pictures were encoded where {len(delays)} were written")
        if len(found) == 1:
            source.seek(0)
            clip.write(source.read())
            return
        sides = b"".join((side - 1).to_bytes(3, "little") for side in size)
        clip.write(
            b"RIFF\0\0\0\0WEBP"
            + _make_chunk(b"VP8X", bytes([_ANIMATION_FLAG, 0, 0, 0]) + sides)
            + _make_chunk(b"ANIM", bytes(6))
        )
        for (start, stop), delay in zip(found, delays, strict=True):
            picture = b""
            for part in list(_read_webp_parts(source, start + 12, stop)):
                if part.kind in _FRAME_CHUNKS:
                    source.seek(part.start)
                    picture += source.read(part.end - part.start)
            clip.write(_make_chunk(b"ANMF", bytes(6) + sides + delay.to_bytes(3, "little") + _REPLACES + picture))
        whole = clip.tell() - 8
        clip.seek(4)
        clip.write(whole.to_bytes(4, "little"))


def _make_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


def _read_still_size(chunk: bytes) -> bytes:
    """Width - 1 and height - 1 of a "VP8 " or "VP8L" chunk, as VP8X wants them: 24 bits each (RFC 9649, 2.5 to 2.7)."""
    if chunk.startswith(b"VP8L"):
        bits = int.from_bytes(chunk[9:13], "little")
        width, height = bits & 0x3FFF, bits >> 14 & 0x3FFF
    else:
        width, height = (int.from_bytes(chunk[at : at + 2], "little") - 1 & 0x3FFF for at in (14, 16))
    return width.to_bytes(3, "little") + height.to_bytes(3, "little")


def strip_webp(file: Path, dest: Path) -> None:
    """Copy a WebP with its picture chunks only: no XMP, EXIF, colour profile or unknown chunk."""
    with file.open("rb") as source, dest.open("wb") as clip:
        clip.write(b"RIFF\0\0\0\0WEBP")
        for part in list(_read_webp_parts(source)):
            if part.kind in _PICTURE_CHUNKS:
                source.seek(part.start)
                data = bytearray(source.read(part.end - part.start))
                if part.kind == b"VP8X":
                    data[8] &= ~(_XMP_FLAG | _EXIF_FLAG | _ICC_FLAG)
                clip.write(data)
        size = clip.tell() - 8
        clip.seek(4)
        clip.write(size.to_bytes(4, "little"))
