"""A large PNG, decoded in bands of rows that are halved one after the other.

Every band is made a small PNG of its own: the last row before it, unfiltered, and its own filtered rows as they stand
in the stream (W3C PNG, third edition, 9.2: a filter looks one row up and one pixel to the left, in bytes). So the
decoder of every other PNG undoes the filters, and what is in memory is one band.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import PngImagePlugin

from studio.photo.intake.cut_files import pack_chunk

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_COLOUR_OF_BYTES = {1: 0, 2: 4, 3: 2, 4: 6}
"""The 8-bit kind of PNG whose pixels have so many bytes: it undoes the filters of any other whose pixels have."""

_ROWS = 128  # of a band, an even number
_FEED = 1 << 16


class PngHeader(NamedTuple):
    """What a PNG's IHDR chunk says."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    @property
    def pixel_bytes(self) -> int:
        """Bytes that a pixel takes; 0 where several share one."""
        return _CHANNELS.get(self.colour, 0) * self.depth // 8


def read_png_header(data: bytes) -> PngHeader:
    """The header of a PNG that a decoder has opened."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    return PngHeader(width, height, depth, colour, bool(interlaced))


def can_decode_bands(header: PngHeader) -> bool:
    """Whether it goes in bands: 8 bits or 16 of grey, neither interlaced nor with a palette."""
    return not header.interlaced and header.colour != 3 and header.pixel_bytes in _COLOUR_OF_BYTES


def decode_bands(data: bytes, header: PngHeader) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The picture at half its size: (H, W, channels), by averages of 2 by 2 pixels.

    Raises EOFError where the file ends before the picture, and what zlib and Pillow raise.
    """
    deep = header.depth == 16
    width, height = header.width // 2, header.height // 2
    whole = np.empty((height, width, _CHANNELS[header.colour]), np.uint16 if deep else np.uint8)
    top = 0
    for band in _list_bands(data, header):
        rows = band.reshape(len(band), header.width, -1)
        rows = rows.view(">u2").astype(np.uint16) if deep else rows
        count = min(len(rows) // 2, height - top)
        if count:
            pairs = np.ascontiguousarray(rows[: 2 * count, : 2 * width])
            half = cv2.resize(pairs, (width, count), interpolation=cv2.INTER_AREA)
            whole[top : top + count] = half.reshape(count, width, -1)
        top += count
    return whole


def _list_bands(data: bytes, header: PngHeader) -> Iterator[NDArray[np.uint8]]:
    """The unfiltered bytes of the rows, (rows, bytes of a row), band after band."""
    stride = header.width * header.pixel_bytes
    above = bytes(stride)
    left = header.height
    rows = bytearray()
    for piece in _unpack(data):
        rows += piece
        while left and len(rows) >= min(_ROWS, left) * (stride + 1):
            count = min(_ROWS, left)
            band = _undo_filters(bytes(rows[: count * (stride + 1)]), above, header)
            del rows[: count * (stride + 1)]
            above = band[-1].tobytes()
            left -= count
            yield band
    if left:
        raise EOFError("rows are missing")


def _undo_filters(rows: bytes, above: bytes, header: PngHeader) -> NDArray[np.uint8]:
    stride = len(above)
    count = len(rows) // (stride + 1)
    about = struct.pack(">IIBBBBB", header.width, count + 1, 8, _COLOUR_OF_BYTES[header.pixel_bytes], 0, 0, 0)
    packed = zlib.compress(b"\0" + above + rows, 0)
    band = b"\x89PNG\r\n\x1a\n" + pack_chunk(b"IHDR", about) + pack_chunk(b"IDAT", packed) + pack_chunk(b"IEND", b"")
    with PngImagePlugin.PngImageFile(io.BytesIO(band)) as picture:
        return np.asarray(picture, np.uint8).reshape(count + 1, stride)[1:]


def _unpack(data: bytes) -> Iterator[bytes]:
    """The pixels' stream, unpacked piece by piece from the IDAT chunks."""
    engine = zlib.decompressobj()
    at = 8
    while at + 12 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = min(at + 8 + size, len(data))
        for start in range(at + 8, end, _FEED) if kind == b"IDAT" else ():
            pending = data[start : min(start + _FEED, end)]
            while pending:  # what was fed may unpack to a thousand times as much
                yield engine.decompress(pending, 16 * _FEED)
                pending = engine.unconsumed_tail
        if kind == b"IEND" or engine.eof:
            return
        at += 12 + size
