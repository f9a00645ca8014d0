"""Rarer photo files made for the tests: TIFFs of any sample type, BMPs and raw files by hand, box files of other codings."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tests.photo import made


def as_type(fractions: NDArray[Any], kind: str) -> NDArray[Any]:
    """Numbers of 0..1 over the whole range of a sample type; signed ones use what is above zero."""
    dtype = np.dtype(kind)
    return fractions.astype(dtype) if dtype.kind == "f" else np.rint(fractions * np.iinfo(dtype).max).astype(dtype)


def tiff(samples: NDArray[Any], photometric: str = "rgb", **options: Any) -> bytes:
    """A TIFF of these samples as they are: (H, W), (H, W, C) or, with planarconfig="separate", (C, H, W)."""
    sink = io.BytesIO()
    tifffile.imwrite(sink, samples, photometric=photometric, metadata=None, **options)
    return sink.getvalue()


def bmp(
    bits: int, body: bytes, size: tuple[int, int] = (made.W, made.H), packing: int = 0, extra: bytes = b"", header: int = 40
) -> bytes:
    """A BMP: header of `header` bytes, then `extra` (masks or palette), then the rows."""
    width, height = size
    start = 14 + header + len(extra)
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, packing, len(body), 0, 0, 0, 0).ljust(header, b"\0")
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + info + extra + body


def rows(samples: NDArray[Any], top_down: bool = False) -> bytes:
    """Rows of a BMP, each padded to 4 bytes, the last row first unless `top_down`."""
    lines = (line.tobytes() for line in (samples if top_down else samples[::-1]))
    return b"".join(line + bytes(-len(line) % 4) for line in lines)


def palette_bmp(bits: int, index: NDArray[np.uint8], palette: NDArray[np.uint8], header: int = 40) -> bytes:
    """A BMP of 1, 2, 4 or 8 bits, its numbers packed with the first in the highest bits."""
    parts = 8 // bits
    padded = np.pad(index, ((0, 0), (0, -index.shape[1] % parts)))
    packed = np.zeros((len(index), padded.shape[1] // parts), np.uint8)
    for place in range(parts):
        packed |= padded[:, place::parts] << np.uint8(8 - bits * (place + 1))
    entries = [bytes(colour[::-1]) + (b"" if header == 12 else b"\0") for colour in palette[: 2**bits]]
    return bmp(bits, rows(packed), index.shape[::-1], extra=b"".join(entries), header=header)


def run_length_bmp(bits: int, index: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """A BMP packed as RLE8 or RLE4: runs where three numbers are alike, the rest as they are."""
    body = bytearray()
    for line in index[::-1]:
        at = 0
        while at < len(line):
            run = 1
            while at + run < len(line) and run < 255 and line[at + run] == line[at]:
                run += 1
            if run < 3:
                run = min(len(line) - at, 5)
                some = line[at : at + run]
                if run < 3:
                    body += b"".join(bytes([1, value if bits == 8 else value << 4]) for value in some)
                else:
                    low = [*some[1::2], 0]
                    packed = bytes(some) if bits == 8 else bytes(high << 4 | low[i] for i, high in enumerate(some[::2]))
                    body += bytes([0, run]) + packed + bytes(len(packed) % 2)
            else:
                body += bytes([run, line[at] if bits == 8 else line[at] << 4 | line[at]])
            at += run
        body += b"\0\0"
    entries = b"".join(bytes(colour[::-1]) + b"\0" for colour in palette[: 2**bits])
    return bmp(bits, bytes(body + b"\0\1"), index.shape[::-1], {8: 1, 4: 2}[bits], entries)


def jpeg(width: int, height: int, orientation: int = 0) -> bytes:
    """A JPEG of the picture, with an EXIF orientation unless that is 0."""
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    return made.saved(Image.fromarray(made.picture(width, height)), "JPEG", quality=95, exif=exif)


def raw_file(mark: bytes, preview: bytes, orientation: int = 1, sensor: bool = True) -> bytes:
    """A raw file as makers build them: a TIFF directory of sensor data, a thumbnail, noise, and the finished JPEG."""
    thumbnail, noise = jpeg(160, 120), bytes(value * 73 % 251 for value in range(5000))
    entries = [(256, 4, 1, 6000), (257, 4, 1, 4000), (262, 3, 1, 32803 if sensor else 2), (274, 3, 1, orientation)]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *one) for one in entries) + bytes(4)
    return mark + struct.pack("<I", 8) + directory + thumbnail + noise + preview + noise


def cr3(preview: bytes, orientation: int = 1) -> bytes:
    """A Canon CR3: boxes as a video has them, the first directory in CMT1, the JPEG in the media data."""
    directory = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 274, 3, 1, orientation) + bytes(4)
    boxes = [(b"ftyp", b"crx \0\0\0\1crx isom"), (b"moov", box(b"uuid", bytes(16) + box(b"CMT1", directory))), (b"mdat", preview)]
    return b"".join(box(kind, content) for kind, content in boxes)


def box(kind: bytes, content: bytes) -> bytes:
    """A box of an ISO base media file."""
    return struct.pack(">I", len(content) + 8) + kind + content


def recoded(data: bytes, old: bytes, new: bytes) -> bytes:
    """A HEIF or AVIF whose items say that they are coded otherwise."""
    assert old in data
    return data.replace(old, new)
