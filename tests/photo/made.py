"""Files made for the tests: one picture that can be told from its mirror, in every dress, and files that mean harm."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, ImageCms

pillow_heif.register_heif_opener()

Builder = Callable[[], bytes]
W, H = 120, 80


def picture(width: int = W, height: int = H) -> NDArray[np.uint8]:
    """A smooth picture with no symmetry: red grows rightwards, green downwards, one blue corner and a light bar."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    image = np.stack([40 + 180 * x, 30 + 190 * y, 90 + 60 * x * y], axis=-1)
    image[: height // 4, : width // 4, 2] = 230
    image[height // 2 : height // 2 + height // 8, : width // 2] = 240
    return np.rint(image).astype(np.uint8)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A Pillow image as the bytes of a file."""
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def plain(kind: str = "PNG", **options: Any) -> bytes:
    """The picture as a file of a kind."""
    return saved(Image.fromarray(picture()), kind, **options)


def located() -> Image.Exif:
    """EXIF with a place in it."""
    exif = Image.Exif()
    exif[0x010F] = "SecretCameraMaker"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return exif


TO_STORED = {
    1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2), 6: lambda a: np.rot90(a), 7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}  # fmt: skip
"""How a camera stores an upright picture under each EXIF orientation."""


def turned(orientation: int, kind: str, **options: Any) -> bytes:
    """The picture stored turned, with the EXIF mark that says so; HEIF and AVIF also hold the turn itself, as phones write it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(TO_STORED[orientation](picture())))
    return saved(stored, kind, exif=exif.tobytes() if kind == "HEIF" else exif, **options)


def chunk(name: bytes, data: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    """A PNG written by hand: the header may say anything."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(rows)) if rows else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(extra) + data + chunk(b"IEND", b"")


def png_16(channels: int) -> bytes:
    """A 16-bit PNG of the picture's first channels, its low byte set to noise that 8 bits can't show."""
    values = picture().astype(np.uint16)[..., :channels] * 257
    rows = b"".join(b"\x00" + line.astype(">u2").tobytes() for line in values)
    return png(W, H, 16, {1: 0, 3: 2}[channels], rows)


def bmp(width: int, height: int) -> bytes:
    """A BMP that is nothing but its header."""
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def gif(width: int, height: int) -> bytes:
    """A GIF that claims a size and holds one clear code."""
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"
    return b"GIF89a" + screen + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02D\x01\x00;"


def tiff(entries: list[tuple[int, int, int, int]]) -> bytes:
    """A TIFF with one directory of (tag, type, count, value)."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\x00" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", 0) + bytes(64)


def tiff_of(width: int, height: int, *extra: tuple[int, int, int, int]) -> bytes:
    """A greyscale TIFF header of a size, with further entries."""
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8)]
    return tiff(sorted([*entries, (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, width * height % 2**31), *extra]))


def jpeg_claiming(width: int, height: int) -> bytes:
    """A good JPEG whose header was changed to claim another size."""
    data = bytearray(plain("JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def swapped_profile() -> bytes:
    """An ICC profile whose red and green primaries are exchanged: what it calls red is shown as green."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    table = 132
    places: dict[bytes, int] = {}
    for index in range(struct.unpack(">I", data[128:132])[0]):
        name = bytes(data[table + 12 * index : table + 12 * index + 4])
        places[name] = struct.unpack(">I", data[table + 12 * index + 4 : table + 12 * index + 8])[0]
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    data[red : red + 20], data[green : green + 20] = data[green : green + 20], data[red : red + 20]
    return bytes(data)


def ftyp(brand: bytes) -> bytes:
    """The first box of an MP4-like file of a brand, and an empty one after it."""
    return struct.pack(">I", 24) + b"ftyp" + brand + bytes(4) + brand + b"isom" + struct.pack(">I", 8) + b"mdat"


def cut_short(data: bytes, part: float) -> bytes:
    """The first part of a file."""
    return data[: int(len(data) * part)]


def damaged(data: bytes, seed: int) -> bytes:
    """A file with bytes changed all over, its first 16 left as they are."""
    chance = np.random.default_rng(seed)
    broken = np.frombuffer(data, np.uint8).copy()
    places = chance.integers(16, len(broken), max(8, len(broken) // 60))
    broken[places] = chance.integers(0, 256, len(places))
    return broken.tobytes()
