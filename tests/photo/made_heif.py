"""HEIC files put together box by box: pictures with many auxiliary images, which no encoder at hand writes."""

from __future__ import annotations

import struct

from PIL import Image

from studio.photo.isobmff import read_item_table
from tests.photo import made


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + kind + content


def coded(image: Image.Image) -> tuple[list[bytes], bytes]:
    """The property boxes and the bytes of a picture's one item."""
    data = made.saved(image, "HEIF", quality=80)
    table = read_item_table(data)
    assert table is not None
    item = table.items[table.primary]
    kept = [box(kind, content) for kind, content in item.properties if kind in (b"hvcC", b"ispe", b"colr", b"pixi")]
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
