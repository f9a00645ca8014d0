"""The boxes of HEIF and AVIF files: items, properties, references, and files that lie about them."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from studio.photo.intake import isobmff
from tests.photo import made


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + kind + content


def table_of(kind: str, **options: object) -> isobmff.ItemTable:
    table = isobmff.read_item_table(made.plain(kind, **options))
    assert table is not None
    return table


@pytest.mark.parametrize(("kind", "codec"), [("HEIF", b"hvc1"), ("AVIF", b"av01")])
def test_the_primary_item_and_its_properties(kind: str, codec: bytes) -> None:
    table = table_of(kind)
    item = table.items[table.primary]
    assert item.kind == codec and item.find_property(b"ispe") == struct.pack(">III", 0, made.W, made.H)
    assert (item.find_property(b"colr") or b"").startswith(b"nclx")
    assert item.find_property(b"none") is None and item.auxiliary_type == "" and table.list_auxiliaries() == []


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_turn_and_the_bytes_of_an_item(kind: str) -> None:
    data = made.turned(6, kind)
    table = isobmff.read_item_table(data)
    assert table is not None and table.items[table.primary].find_property(b"irot") == b"\x03"
    assert table.read_data(data, table.primary) and table.read_data(data, table.primary, 10) == b""
    for key, item in table.items.items():
        assert item.kind != b"Exif" or b"Exif\0\0MM\0*" in table.read_data(data, key)


def test_an_auxiliary_image_says_what_it_is() -> None:
    clear = Image.fromarray(np.dstack([made.picture(), np.full((made.H, made.W), 90, np.uint8)]))
    found = {kind: isobmff.read_item_table(made.saved(clear, kind)) for kind in ("HEIF", "AVIF")}
    assert [[words for _, words in table.list_auxiliaries()] for table in found.values() if table] == [
        ["urn:mpeg:hevc:2015:auxid:1"], ["urn:mpeg:mpegB:cicp:systems:auxiliary:alpha"],
    ]  # fmt: skip


def test_the_tiles_of_a_grid_are_its_parts() -> None:
    table = isobmff.read_item_table(made.saved(Image.fromarray(made.picture(256, 128)), "HEIF", tile_size=128))
    assert table is not None and table.items[table.primary].kind == b"grid"
    assert [table.items[part].kind for part in table.list_parts(table.primary)] == [b"hvc1", b"hvc1"]


def test_wide_numbers_and_bytes_inside_the_table() -> None:
    """Version 1 and 2 boxes of 32-bit ids, an item in `idat`, a property by a wide number, a box of a 64-bit size."""
    infe = box(b"infe", b"\3\0\0\0", struct.pack(">IH", 70_000, 0), b"mime\0application/rdf+xml\0")
    iinf = box(b"iinf", b"\1\0\0\0", struct.pack(">I", 1), infe)
    iloc = b"\2\0\0\0" + struct.pack(">HIIHHHII", 0x4400, 1, 70_000, 1, 0, 1, 2, 5)
    ipma = b"\1\0\0\1" + struct.pack(">IIBH", 1, 70_000, 1, 0x8001)
    aux = box(b"auxC", bytes(4), b"urn:x:depth\0")
    meta = box(
        b"meta", bytes(4), box(b"pitm", b"\1\0\0\0", struct.pack(">I", 70_000)), iinf,
        box(b"iprp", box(b"ipco", aux), box(b"ipma", ipma)), box(b"iloc", iloc), box(b"idat", b"..hello..."),
        box(b"iref", b"\1\0\0\0", box(b"auxl", struct.pack(">IHI", 70_000, 1, 70_000))),
    )  # fmt: skip
    data = struct.pack(">I", 1) + b"free" + struct.pack(">Q", 16) + meta
    table = isobmff.read_item_table(data)
    assert table is not None
    assert table.primary == 70_000 and table.items[70_000].content_type == "application/rdf+xml"
    assert table.read_data(data, 70_000) == b"hello" and table.list_auxiliaries() == [(70_000, "urn:x:depth")]


def test_no_change_of_a_byte_brings_the_reader_down() -> None:
    data = made.turned(6, "AVIF")
    for at in range(len(data)):
        for value in (0, 1, 255, data[at] ^ 128):
            table = isobmff.read_item_table(data[:at] + bytes([value]) + data[at + 1 :])
            for key in table.items if table else ():
                table.read_data(data, key)
        isobmff.read_item_table(data[:at])


def test_what_claims_too_much_is_not_read() -> None:
    assert list(isobmff.walk_boxes(box(b"free") + struct.pack(">I", 99) + b"mdat")) == [isobmff.Box(b"free", 8, 8)]
    assert len(list(isobmff.walk_boxes(box(b"free") * 5000))) == isobmff.MOST_BOXES
    assert isobmff.read_item_table(made.plain("PNG")) is None and isobmff.read_item_table(b"") is None
    many = box(b"ipma", bytes(4), b"\xff\xff\xff\xff" + b"\0\1\0")
    assert isobmff.read_item_table(box(b"meta", bytes(4), box(b"pitm", bytes(6)), box(b"iinf", bytes(6)), box(b"iprp", many)))
