"""HEIC files put together box by box: pictures with many auxiliary images, which no encoder at hand writes."""

from __future__ import annotations

import struct

from PIL import Image

from studio.photo.intake.isobmff import read_item_table
from tests.photo import made


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + kind + content


def coded(image: Image.Image, kind: str = "HEIF") -> tuple[list[bytes], bytes]:
    """The property boxes and the bytes of a picture's one item."""
    data = made.saved(image, kind, quality=80)
    table = read_item_table(data)
    assert table is not None
    item = table.items[table.primary]
    kept = [box(kind, content) for kind, content in item.properties if kind in (b"hvcC", b"av1C", b"ispe", b"colr", b"pixi")]
    return kept, table.read_data(data, table.primary)


def with_auxiliaries(image: Image.Image, count: int, last: bytes = b"") -> bytes:
    """A HEIC of a picture with so many grey auxiliary images, each with properties of its own, as phones write them.

    `last` is the URN of the last of them.
    """
    main, aside = coded(image), coded(Image.new("L", (64, 64), 90).convert("RGB"))
    names = [b"urn:com:apple:photo:2020:aux:semanticskinmatte" + str(at).encode() for at in range(count)]
    names[-1:] = [last] if last else names[-1:]
    items = [main, *(([*aside[0], box(b"auxC", bytes(4), name + b"\0")], aside[1]) for name in names)]
    properties = [one for kept, _ in items for one in kept]
    marks, numbers = b"", iter(range(1, len(properties) + 1))
    for key, (kept, _) in enumerate(items, 1):
        marks += struct.pack(">HB", key, len(kept)) + b"".join(struct.pack(">H", next(numbers)) for _ in kept)
    entries = [box(b"infe", b"\2\0\0\0", struct.pack(">HH", key, 0), b"hvc1\0") for key in range(1, len(items) + 1)]
    references = [box(b"auxl", struct.pack(">HHH", key, 1, 1)) for key in range(2, len(items) + 1)]

    def build(places: list[int]) -> bytes:
        extents = b"".join(
            struct.pack(">HHHII", key, 0, 1, place, len(body))
            for key, (place, (_, body)) in enumerate(zip(places, items, strict=True), 1)
        )
        return box(b"ftyp", b"heic", bytes(4), b"mif1heic") + box(
            b"meta", bytes(4), box(b"hdlr", bytes(8), b"pict", bytes(13)), box(b"pitm", bytes(4), b"\0\1"),
            box(b"iinf", bytes(4), struct.pack(">H", len(items)), *entries),
            box(b"iprp", box(b"ipco", *properties), box(b"ipma", b"\0\0\0\1", struct.pack(">I", len(items)), marks)),
            box(b"iref", bytes(4), *references), box(b"iloc", bytes(4), struct.pack(">HH", 0x4400, len(items)), extents),
        )  # fmt: skip

    places, at = [], len(build([0] * len(items))) + 8
    for _, body in items:
        places.append(at)
        at += len(body)
    return build(places) + box(b"mdat", *(body for _, body in items))


def of_tiles(tile: Image.Image, columns: int, rows: int, kind: str = "HEIF") -> bytes:
    """A HEIC or AVIF that is a grid of the same tile over and over: as large as is wished, and one tile is encoded."""
    properties, body = coded(tile, kind)
    coding, brand = {"HEIF": (b"hvc1", b"heic"), "AVIF": (b"av01", b"avif")}[kind]
    tiles = list(range(2, columns * rows + 2))
    width, height = tile.width * columns, tile.height * rows
    kept = [*properties, box(b"ispe", bytes(4), struct.pack(">II", width, height))]
    own = bytes([0x80 | 1 if at == 0 else at + 1 for at in range(len(properties))])
    marks = struct.pack(">HBB", 1, 1, len(kept)) + b"".join(struct.pack(">HB", key, len(own)) + own for key in tiles)
    kinds = {1: b"grid", **dict.fromkeys(tiles, coding)}
    entries = [box(b"infe", b"\2\0\0\0", struct.pack(">HH", key, 0), name, b"\0") for key, name in kinds.items()]
    grid = struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, width, height)

    def build(start: int) -> bytes:
        places = [(1, start, len(grid)), *((key, start + len(grid), len(body)) for key in tiles)]
        extents = b"".join(struct.pack(">HHHII", key, 0, 1, at, size) for key, at, size in places)
        references = box(b"dimg", struct.pack(">HH", 1, len(tiles)), *(struct.pack(">H", key) for key in tiles))
        return box(b"ftyp", brand, bytes(4), b"mif1", brand) + box(
            b"meta", bytes(4), box(b"hdlr", bytes(8), b"pict", bytes(13)), box(b"pitm", bytes(4), b"\0\1"),
            box(b"iinf", bytes(4), struct.pack(">H", len(entries)), *entries),
            box(b"iprp", box(b"ipco", *kept), box(b"ipma", bytes(4), struct.pack(">I", len(entries)), marks)),
            box(b"iref", bytes(4), references), box(b"iloc", bytes(4), struct.pack(">HH", 0x4400, len(places)), extents),
        )  # fmt: skip

    return build(len(build(0)) + 8) + box(b"mdat", grid, body)
