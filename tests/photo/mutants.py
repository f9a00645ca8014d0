"""Files to fuzz the intake with: whole ones of each kind, and how a seed flips, cuts or grows their bytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import imagecodecs
import numpy as np
from PIL import Image

from tests.photo import made, rarer

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
        lambda: rarer.tiff(made.picture().astype(np.uint16) * 257, compression="zlib", predictor=True, tile=(32, 32)),
        lambda: rarer.tiff((made.picture() / 255).astype(np.float32), byteorder=">", bigtiff=True),
    ),
    "BMP": (
        lambda: made.plain("BMP"),
        lambda: made.saved(Image.fromarray(made.picture()).quantize(), "BMP"),
        lambda: _bars(),
    ),
    "GIF": (lambda: made.plain("GIF"), lambda: made.saved(Image.fromarray(made.picture()), "GIF", interlace=True)),
    "JPEG 2000": (lambda: made.plain("JPEG2000"), lambda: made.plain("JPEG2000", irreversible=True, no_jp2=True)),
    "JPEG XL": (
        lambda: imagecodecs.jpegxl_encode(made.picture()),
        lambda: imagecodecs.jpegxl_encode(made.picture().astype(np.uint16) * 257),
        lambda: imagecodecs.jpegxl_encode_jpeg(made.turned(6, "JPEG")),
    ),
    "camera raw file": (
        lambda: rarer.raw_file(b"II*\0", rarer.jpeg(1200, 800)),
        lambda: rarer.cr3(rarer.jpeg(1200, 800), orientation=6),
    ),
}
"""Kinds, in the words of `file_signature`, and the files that their mutants are made from."""


def _bars() -> bytes:
    """A run-length encoded BMP of 16 greys."""
    greys = np.repeat(np.arange(16, dtype=np.uint8)[:, None] * np.uint8(17), 3, 1)
    return rarer.run_length_bmp(8, (made.picture()[..., 0] // 16).astype(np.uint8), np.concatenate([greys] * 16))


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
