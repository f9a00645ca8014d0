"""Files to fuzz the intake with: whole ones of each kind, and how a seed flips, cuts or grows their bytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.photo import made

BASES: dict[str, tuple[made.Builder, ...]] = {
    "JPG": (
        lambda: made.plain("JPEG"),
        lambda: made.plain("JPEG", progressive=True, icc_profile=made.swapped_profile()),
        lambda: made.turned(6, "JPEG", subsampling=0),
    ),
    "PNG": (lambda: made.plain("PNG"), lambda: made.png_16(3), lambda: made.turned(8, "PNG", icc_profile=made.swapped_profile())),
    "WEBP": (lambda: made.plain("WEBP"), lambda: made.plain("WEBP", lossless=True), lambda: made.turned(3, "WEBP")),
    "HEIC": (lambda: made.plain("HEIF"), lambda: made.turned(6, "HEIF", icc_profile=made.swapped_profile())),
    "AVIF": (lambda: made.plain("AVIF"), lambda: made.turned(6, "AVIF", icc_profile=made.swapped_profile())),
    "TIFF": (
        lambda: made.plain("TIFF"),
        lambda: made.plain("TIFF", compression="tiff_lzw"),
        lambda: made.plain("TIFF", compression="jpeg"),
        lambda: made.saved(Image.fromarray(made.picture()[..., 1].astype(np.uint16) * 257), "TIFF"),
    ),
    "BMP": (
        lambda: made.plain("BMP"),
        lambda: made.saved(Image.fromarray(made.picture()).quantize(), "BMP"),
        lambda: run_length_bmp(),
    ),
    "GIF": (lambda: made.plain("GIF"), lambda: made.saved(Image.fromarray(made.picture()), "GIF", interlace=True)),
    "JP2": (lambda: made.plain("JPEG2000"), lambda: made.plain("JPEG2000", irreversible=True, no_jp2=True)),
}
"""Kinds, in the words of `file_signature`, and the files that their mutants are made from."""


def run_length_bmp(width: int = made.W, height: int = made.H) -> bytes:
    """An 8-bit BMP of horizontal bars in 16 greys, compressed as BI_RLE8 (runs, ends of line, end of picture)."""
    rows = b"".join(bytes([width, (16 * y // height)]) + b"\x00\x00" for y in reversed(range(height))) + b"\x00\x01"
    palette = b"".join(bytes([17 * level] * 3 + [0]) for level in range(16))
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(rows), 2835, 2835, 16, 16)
    start = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + header + palette + rows


def mutate(data: bytes, seed: int) -> bytes:
    """The same mutant for the same bytes and seed: flipped, cut or grown, by turns."""
    rng = np.random.default_rng(seed)
    return (_flip, _cut, _grow)[seed % 3](data, rng)


def _flip(data: bytes, rng: np.random.Generator) -> bytes:
    """One to a sixtieth of the bytes changed: all over, or in the first 1 KB, where the headers are."""
    broken = np.frombuffer(data, np.uint8).copy()
    most = int(rng.choice([1, 4, 16, max(8, len(data) // 60)]))
    last = len(data) if rng.random() < 0.5 else min(len(data), 1024)
    places = rng.integers(4, last, int(rng.integers(1, most + 1)))
    broken[places] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, int(rng.integers(256))], len(places))
    return _seal_png(broken.tobytes()) if data.startswith(b"\x89PNG") else broken.tobytes()


def _seal_png(data: bytes) -> bytes:
    """A PNG whose chunks have their right checksums again: without them no decoder reads what was changed."""
    sealed, at = bytearray(data), 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        sealed[at + 8 + size : at + 12 + size] = struct.pack(">I", zlib.crc32(data[at + 4 : at + 8 + size]))
        at += 12 + size
    return bytes(sealed)


def _cut(data: bytes, rng: np.random.Generator) -> bytes:
    """The end cut off, or a piece taken out of the middle."""
    start, end = sorted(int(at) for at in rng.integers(4, len(data), 2))
    return data[:end] if rng.random() < 0.5 else data[:start] + data[end:]


def _grow(data: bytes, rng: np.random.Generator) -> bytes:
    """A piece of itself, zeros or noise put in anywhere, or the whole file twice."""
    start, end, at = (int(place) for place in rng.integers(4, len(data), 3))
    piece: Callable[[], bytes] = (
        lambda: data[min(start, end) : max(start, end)],
        lambda: bytes(int(rng.integers(1, 100_000))),
        lambda: rng.integers(0, 256, int(rng.integers(1, 5000)), dtype=np.uint8).tobytes(),
        lambda: data,
    )[int(rng.integers(4))]
    return data[:at] + piece() + data[at:]
