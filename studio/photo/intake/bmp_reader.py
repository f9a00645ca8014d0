"""BMP: every header, depth, bit-field layout and packing of Windows and OS/2 but three of OS/2's becomes a `Raster`.

Headers and fields: BITMAPCOREHEADER to BITMAPV5HEADER (Microsoft, Windows GDI), OS22XBITMAPHEADER (IBM). What other
readers do where they say nothing: bmpsuite (entropymine.com/jason/bmpsuite).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.nouns import Refusal
from studio.photo.colour.colour_conversion import Raster
from studio.photo.colour.colour_tags import read_bmp_colorimetry
from studio.photo.intake.file_signature import is_headless_bitmap
from studio.photo.intake.photo_limits import check_size

_RGB, _RLE8, _RLE4, _BIT_FIELDS, _JPEG, _PNG, _ALPHA_BIT_FIELDS = range(7)
_OS2 = 64
"""Bytes of the OS/2 2.x header, under which packings 3 and 4 are Huffman 1D and RLE24."""
_MASKS = {
    16: (0x7C00, 0x3E0, 0x1F, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0),
}  # fmt: skip
"""Red, green, blue and alpha where the file gives none. The fourth byte of 32 bits is then padding, not opacity."""
_EMBEDDED = 0x4D424544  # "MBED"


class _Header(NamedTuple):
    size: int
    width: int
    height: int
    top_down: bool
    bits: int
    packing: int
    pixels: int
    """Where the pixels begin."""
    colours: int
    """Entries of the palette, as the header counts them."""


def read_bmp(data: bytes, notes: list[str]) -> Raster | bytes:
    """The picture of a BMP, or the JPEG or PNG that it wraps; appends to `notes` what was done.

    Raises `Refusal` for sizes outside the limits and for OS/2's rare packings, `EOFError` for a file cut short, and
    other errors for damage.
    """
    if is_headless_bitmap(data):
        _, _, _, bits, packing = struct.unpack_from("<iiHHI", data, 4)
        colours = struct.unpack_from("<I", data, 32)[0] or (2**bits if bits <= 8 else 0)
        masks = 12 if packing == _BIT_FIELDS and data[0] == 40 else 0
        start = 14 + data[0] + masks + 4 * min(colours, 256)
        data = b"BM" + struct.pack("<IHHI", len(data) + 14, 0, 0, start) + data
    moved = 14 if data[:2] == b"BA" else 0  # OS/2's array of bitmaps: the first one counts
    found = _read(data[:2] + data[2 + moved :], notes, moved)
    if not isinstance(found, Raster):
        return found
    size = int.from_bytes(data[14:18], "little")
    return found._replace(colorimetry=read_bmp_colorimetry(data[14 : 14 + min(size, 124)]))


def _read(data: bytes, notes: list[str], moved: int) -> Raster | bytes:
    header = _read_header(data, moved)
    if not header.width or not header.height:
        raise ValueError("no size")
    check_size(header.width, header.height, "BMP")
    if header.packing in (_JPEG, _PNG) and header.size != _OS2:
        return data[header.pixels :]
    if header.packing in (_RLE8, _RLE4):
        return Raster(_look_up(data, header, _unpack_runs(data, header), notes), "rgb", icc=_read_profile(data, header))
    known = header.packing == _RGB or (header.packing in (_BIT_FIELDS, _ALPHA_BIT_FIELDS) and header.bits in _MASKS)
    if not known or (header.size == _OS2 and header.packing) or header.bits not in (1, 2, 4, 8, 16, 24, 32):
        raise Refusal(
            "This BMP is packed in a way that only OS/2 used.", "Open it in a photo editor and export it as a PNG."
        )
    rows = _read_rows(data, header)
    icc = _read_profile(data, header)
    if header.bits <= 8:
        return Raster(_look_up(data, header, _unpack_bits(rows, header), notes), "rgb", icc=icc)
    if header.bits == 24:
        colours = rows[:, : 3 * header.width].reshape(header.height, -1, 3)
        return Raster(np.ascontiguousarray(colours[..., ::-1]), "rgb", icc=icc)
    samples = _split_fields(rows.view(f"<u{header.bits // 8}")[:, : header.width], _read_masks(data, header))
    return Raster(samples, "rgb", alpha=samples.shape[-1] == 4, icc=icc)


def _read_header(data: bytes, moved: int) -> _Header:
    """The sizes and layout. Raises `struct.error` where the file ends before."""
    pixels, size = struct.unpack_from("<II", data, 10)
    if size == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        return _Header(size, width, height, False, bits, _RGB, pixels - moved, 0)
    if size < 16:
        raise ValueError("no header")
    width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
    packing = struct.unpack_from("<I", data, 30)[0] if size >= 20 else _RGB
    colours = struct.unpack_from("<I", data, 46)[0] if size >= 36 else 0
    return _Header(size, abs(width), abs(height), height < 0, bits, packing, pixels - moved, colours)


def _read_rows(data: bytes, header: _Header) -> NDArray[np.uint8]:
    """The pixels' bytes, (height, bytes of a row), top row first. A last row may lack its padding."""
    stride = (header.width * header.bits + 31) // 32 * 4
    wanted = stride * header.height
    body = data[max(header.pixels, 14) : max(header.pixels, 14) + wanted]
    if len(body) < wanted - stride + (header.width * header.bits + 7) // 8:
        raise EOFError("truncated")
    rows = np.frombuffer(body.ljust(wanted, b"\0"), np.uint8).reshape(header.height, stride)
    return rows if header.top_down else rows[::-1]


def _unpack_bits(rows: NDArray[np.uint8], header: _Header) -> NDArray[np.uint8]:
    """Palette numbers of 1 to 8 bits, (height, width), from the bytes that hold them, the first in the highest bits."""
    if header.bits == 8:
        return rows[:, : header.width]
    shifts = np.arange(8 - header.bits, -1, -header.bits, dtype=np.uint8)
    index = (rows[..., None] >> shifts) & np.uint8(2**header.bits - 1)
    return index.reshape(len(rows), -1)[:, : header.width]


def _look_up(data: bytes, header: _Header, index: NDArray[np.uint8], notes: list[str]) -> NDArray[np.uint8]:
    """Palette numbers as RGB; numbers beyond the palette are black."""
    width = 3 if header.size == 12 else 4
    start = 14 + header.size + (12 if header.size == 40 and header.packing == _BIT_FIELDS else 0)
    count = min(header.colours or 2**header.bits, 2**header.bits)
    entries = np.frombuffer(data[start : start + count * width], np.uint8)
    entries = entries[: len(entries) // width * width].reshape(-1, width)[:, 2::-1]
    palette = np.zeros((2**header.bits, 3), np.uint8)
    palette[: len(entries)] = entries
    grey = bool((entries == entries[:, :1]).all())
    two = header.bits == 1 and grey and sorted(palette[:, 0]) == [0, 255]
    notes.append("black and white" if two else "greyscale" if grey else "palette colours converted to RGB")
    return palette[index]


def _read_masks(data: bytes, header: _Header) -> tuple[int, int, int, int]:
    if header.packing == _RGB:
        return _MASKS[header.bits]
    count = 4 if header.size >= 56 or header.packing == _ALPHA_BIT_FIELDS else 3
    red, green, blue, *alpha = struct.unpack_from(f"<{count}I", data, 54)
    return red, green, blue, alpha[0] if alpha else 0


def _split_fields(values: NDArray[np.uint16 | np.uint32], masks: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """The bit fields of each pixel, each spread over 0..255. An alpha that is zero all over is none."""
    planes: list[NDArray[np.uint8]] = []
    for mask in masks:
        shift = (mask & -mask).bit_length() - 1 if mask else 0
        top = mask >> shift
        field = (values & values.dtype.type(mask & np.iinfo(values.dtype).max)) >> values.dtype.type(shift)
        scaled = field if top in (0, 255) else (field.astype(np.uint64) * 510 + top) // (2 * top)
        planes.append(scaled.astype(np.uint8))
    if not masks[3] or not planes[3].any():
        planes.pop()
    return np.stack(planes, -1)


def _unpack_runs(data: bytes, header: _Header) -> NDArray[np.uint8]:
    """The numbers of run-length packed pixels, (height, width), top row first; what is skipped is 0.

    By hand: Pillow 11 and FFmpeg get some packed by 4 bits wrong, and OpenCV 5 those whose runs go on behind a row's
    end. 12 megapixels of short runs take some 2 s. Raises `EOFError` where the runs end before the last row.
    """
    width, height, nibbles = header.width, header.height, header.packing == _RLE4
    rows = np.zeros((height, width), np.uint8)
    x = y = 0
    at, end = header.pixels, len(data) - 1
    while at < end and y < height:
        count, value = data[at], data[at + 1]
        at += 2
        if count:
            line = rows[height - 1 - y]
            if nibbles:
                line[x : x + count : 2] = value >> 4
                line[x + 1 : x + count : 2] = value & 15
            else:
                line[x : x + count] = value
            x += count
        elif value == 0:
            x, y = 0, y + 1
        elif value == 1:
            break
        elif value == 2:
            x, y = x + data[at], y + data[min(at + 1, end)]
            at += 2
        else:
            length = (value + 1) // 2 if nibbles else value
            some = np.frombuffer(data[at : at + length], np.uint8)
            some = np.stack([some >> 4, some & 15], -1).ravel()[:value] if nibbles else some
            room = max(0, min(len(some), width - x))
            rows[height - 1 - y, x : x + room] = some[:room]
            x += value
            at += length + length % 2
    else:
        if y < height - 1:
            raise EOFError("truncated")
    return rows[::-1] if header.top_down else rows


def _read_profile(data: bytes, header: _Header) -> bytes | None:
    """The ICC profile that a V5 header embeds."""
    if header.size < 124 or struct.unpack_from("<I", data, 14 + 56)[0] != _EMBEDDED:
        return None
    start, length = struct.unpack_from("<II", data, 14 + 112)
    return data[14 + start : 14 + start + length] or None
