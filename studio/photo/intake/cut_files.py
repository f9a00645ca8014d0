"""Photo files that are cut short: how much of the picture is there, and a whole file of that much.

The file of what is there keeps everything that stands before the picture (profile, orientation), and its header gives
the rows that are there, so that every reader opens it as it opens any other. Only uncompressed or row by row
compressed kinds can be told: JPEG (ITU-T T.81), PNG (W3C PNG, third edition), BMP, TIFF in strips (TIFF 6.0) and, by
cut_heif.py, HEIC in tiles.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import NamedTuple

from PIL import Image as Pillow
from PIL import ImageChops, JpegImagePlugin

from studio.nouns import Refusal
from studio.photo.intake.cut_heif import keep_tile_rows, lacks_pixels
from studio.photo.intake.jpeg_markers import JpegMarkers, read_jpeg_markers

_JPEG_END = b"\xff\xd9"
_PADDING = bytes(16)
"""From this many zeros on, the end of a file is room that was never written, not picture."""

_OTHER_BITS = bytes((value * 73 + 41) % 251 for value in range(512))
"""What is laid behind a cut JPEG to see from where on the picture depends on it."""

_RESTARTS = [bytes((0xFF, 0xD0 + number)) for number in range(8)]
_REACH = 8  # pixels a side that one pixel stands for where two decodings of a larger JPEG are compared
_MOST_COMPARED = 64_000_000  # pixels of a JPEG that is decoded twice as it is
_MOST_ROWS = 400_000_000  # bytes of PNG rows that are unpacked


class CutFile(NamedTuple):
    """What is left of a picture: a whole file of its first `rows` rows, of `height` in the file's own direction.

    `soft`: all rows are there, without the fine detail that a progressive JPEG ends with.
    """

    data: bytes
    rows: int
    height: int
    soft: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether only what stands behind the picture is missing."""
        return self.rows == self.height and not self.soft

    def describe(self) -> str:
        """How much of the picture is there, as a note on the photo."""
        if self.is_whole:
            return "its end marker is missing; the picture is whole"
        if self.soft:
            return "its fine detail is missing: its file is cut short"
        return f"only {self._share()} of the picture is there: its file is cut short"

    def refuse(self, kind: str, least: int) -> Refusal:
        """The refusal, which offers to open what is there where that is at least `least` rows."""
        left = "all of it is there, but without the fine detail" if self.soft else f"{self._share()} of it is there"
        reason = f"This {kind} is cut short inside the picture: {left}."
        if self.rows < least:
            return Refusal(reason, "Copy or download it again, then add it.")
        return Refusal(reason, "Copy or download it again; or open what is there.", offer="open_damaged")

    def _share(self) -> str:
        return f"{max(1, 100 * self.rows // self.height)}%"


def find_cut(data: bytes, kind: str) -> CutFile | None:
    """What is left of the picture in a file of a kind ("JPG", "PNG", …) that is cut short.

    None for a file that isn't, or of which nothing can be told or used.
    """
    readers = {"JPG": _read_jpeg, "PNG": _read_png, "BMP": _read_bmp, "TIFF": _read_tiff, "HEIC": _read_heif}
    reader = readers.get(kind)
    try:
        found = reader(data) if reader else None
    except (LookupError, ValueError, OverflowError, OSError, SyntaxError, struct.error, zlib.error, MemoryError):
        return None
    return found if found and found.rows > 0 else None


def ends_early(data: bytes, kind: str) -> bool:
    """Whether a JPEG has no end marker (almost always it is the last thing in the file), or a HEIC lacks pixels.

    Decoders of both may draw what is missing, grey or smeared, and say nothing.
    """
    if kind == "JPG":
        return not data.endswith(_JPEG_END) and not read_jpeg_markers(data).end
    return kind == "HEIC" and lacks_pixels(data)


def _read_jpeg(data: bytes) -> CutFile | None:
    markers = read_jpeg_markers(data)
    if markers.end or not markers.frame or not markers.scans or not markers.height:
        return None
    body = data.rstrip(b"\0") + b"\0" if data.endswith(_PADDING) else data  # the last byte may be a stuffed 0xFF
    if markers.progressive:
        return _read_progressive(body, markers)
    if markers.scans > 1 or markers.first < markers.components:
        return None  # one scan a component: the rows of one say nothing of the others
    small = markers.width * markers.height <= _MOST_COMPARED
    rows = min(_count_steady_rows(body, 1 if small else _REACH), markers.height)
    at = markers.frame + 3
    shorter = body[:at] + rows.to_bytes(2, "big") + body[at + 2 :] + _JPEG_END
    return CutFile(shorter, rows, markers.height)


def _read_progressive(body: bytes, markers: JpegMarkers) -> CutFile | None:
    """A progressive JPEG is there as a whole, coarsely, once its first scan is."""
    if markers.scans < 2 or markers.first < markers.components:
        return None
    small = markers.width * markers.height <= _MOST_COMPARED
    steady = small and _count_steady_rows(body, 1) >= markers.height
    return CutFile(body + _JPEG_END, markers.height, markers.height, soft=not steady)


def _count_steady_rows(body: bytes, reach: int) -> int:
    """Rows from the top that are the same whatever stands behind `body`, decoded at a size `reach` times smaller.

    Past the end of its data libjpeg draws grey; other bytes behind it give other pixels there, and nowhere else. Where
    the data end with a restart interval, those of the next count only behind the marker that is due (T.81, B.2.1).
    """
    body = body.removesuffix(b"\xff")  # half a marker, or half a stuffed byte
    places = [body.rfind(marker) for marker in _RESTARTS]
    due = _RESTARTS[(places.index(max(places)) + 1) % 8 if max(places) >= 0 else 0]
    first, second = (_decode_small(body + tail + _JPEG_END, reach) for tail in (b"", _OTHER_BITS + due + _OTHER_BITS))
    box = ImageChops.difference(first, second).getbbox()
    return (box[1] if box else first.height) * reach


def _decode_small(data: bytes, reach: int) -> Pillow.Image:
    with JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as picture:
        picture.draft(None, (max(1, picture.width // reach), max(1, picture.height // reach)))
        picture.load()
        return picture if picture.mode in ("L", "RGB", "CMYK") else picture.convert("RGB")


def _read_png(data: bytes) -> CutFile | None:
    """The rows that can be unpacked, packed again: a checksum that doesn't fit is no reason to lose what is right."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    stride = 1 + (width * channels * depth + 7) // 8
    if interlaced or not 0 < stride * height <= _MOST_ROWS:
        return None
    before, packed, at = bytearray(), bytearray(), 33
    while at + 8 <= len(data):
        size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if name == b"IDAT":
            packed += data[at + 8 : at + 8 + size]
        elif name == b"IEND":
            break
        elif not packed and _is_sound(data[at + 4 : at + 12 + size]):
            before += data[at : at + 12 + size]
        at += 12 + size
    rows = _unpack(bytes(packed), stride * height)
    count = len(rows) // stride
    header = struct.pack(">II", width, count) + data[24:29]
    whole = data[:8] + pack_chunk(b"IHDR", header) + before
    whole += pack_chunk(b"IDAT", zlib.compress(rows[: count * stride], 1)) + pack_chunk(b"IEND", b"")
    return CutFile(bytes(whole), count, height)


def _is_sound(chunk: bytes) -> bool:
    """Whether a chunk, from its name to its checksum, is whole and what it was."""
    return zlib.crc32(chunk[:-4]) == int.from_bytes(chunk[-4:], "big")


def _unpack(packed: bytes, most: int) -> bytes:
    """As much as a zlib stream gives, before its end or the first byte that is wrong, at most `most` bytes."""
    engine, out = zlib.decompressobj(), bytearray()
    for at in range(0, len(packed), 1024):
        try:
            out += engine.decompress(packed[at : at + 1024], most - len(out))
        except zlib.error:
            break
        if len(out) >= most:
            break
    return bytes(out)


def pack_chunk(name: bytes, content: bytes) -> bytes:
    """One chunk of a PNG: length, name, content and checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _read_bmp(data: bytes) -> CutFile | None:
    """Rows of an uncompressed bitmap: most are stored from the bottom up, so that it is the top that is missing."""
    offset, size, width, height, _, bits, packing = struct.unpack("<IIiiHHI", data[10:34])
    if size < 40 or packing not in (0, 3) or width <= 0 or not height:
        return None
    stride = (width * bits + 31) // 32 * 4
    rows = min((len(data) - offset) // stride, abs(height))
    shorter = data[:22] + struct.pack("<i", rows if height > 0 else -rows) + data[26:]
    return CutFile(shorter, rows, abs(height))


def _read_heif(data: bytes) -> CutFile | None:
    found = keep_tile_rows(data)
    return CutFile(*found) if found else None


_TIFF_SIZES = {1: 1, 3: 2, 4: 4}
_HEIGHT, _OFFSETS, _ROWS_PER_STRIP, _COUNTS, _PLANES, _TILES = 257, 273, 278, 279, 284, 322


def _read_tiff(data: bytes) -> CutFile | None:
    """Strips of a TIFF's first page that lie in the file as a whole, where its directory stands before them."""
    order = "little" if data[:2] == b"II" else "big"
    if int.from_bytes(data[2:4], order) != 42:
        return None

    def take(at: int, size: int) -> int:
        if at + size > len(data):
            raise ValueError("outside the file")
        return int.from_bytes(data[at : at + size], order)

    start = take(4, 4)
    entries = {take(at, 2): at for at in range(start + 2, start + 2 + 12 * take(start, 2), 12)}

    def read(tag: int) -> list[int]:
        at = entries[tag]
        size, count = _TIFF_SIZES[take(at + 2, 2)], take(at + 4, 4)
        place = at + 8 if size * count <= 4 else take(at + 8, 4)
        return [take(place + size * index, size) for index in range(min(count, len(data) // size))]

    if _TILES in entries or not {_HEIGHT, _OFFSETS, _COUNTS} <= entries.keys():
        return None
    height = read(_HEIGHT)[0]
    high = read(_ROWS_PER_STRIP)[0] if _ROWS_PER_STRIP in entries else height
    if _PLANES in entries and read(_PLANES)[0] != 1:
        return None
    strips = list(zip(read(_OFFSETS), read(_COUNTS), strict=True))
    there = next((index for index, (at, size) in enumerate(strips) if at + size > len(data)), len(strips))
    rows = min(there * high, height)
    at = entries[_HEIGHT]
    wide = _TIFF_SIZES[take(at + 2, 2)]
    return CutFile(data[: at + 8] + rows.to_bytes(wide, order) + data[at + 8 + wide :], rows, height)
