"""Photos as phones write them, made for the tests: HEIC and AVIF with auxiliary images, JPEGs with pictures behind them.

Boxes: ISO/IEC 14496-12 and 23008-12. The pictures in them are encoded by pillow-heif and Pillow, one file each, and
their items put together by hand.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import piexif
from PIL import Image

from studio.photo.intake.isobmff import read_item_table
from tests.photo import made

DEPTH_URN = "urn:mpeg:hevc:2015:auxid:2"
MIAF_DEPTH_URN = "urn:mpeg:mpegB:cicp:systems:auxiliary:depth"
MATTE_URN = "urn:com:apple:photo:2018:aux:portraiteffectsmatte"
GAIN_URN = "urn:com:apple:photo:2020:aux:hdrgainmap"
SKIN_URN = "urn:com:apple:photo:2019:aux:semanticskinmatte"

W, H = 180, 120
SPACES = (
    'xmlns:apdi="http://ns.apple.com/pixeldatainfo/1.0/" xmlns:depthData="http://ns.apple.com/depthData/1.0/" '
    'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" xmlns:HDRGainMap="http://ns.apple.com/HDRGainMap/1.0/"'
)


def nearness() -> np.ndarray:
    """A disc before a wall that comes nearer to the right, 0..1."""
    y, x = np.mgrid[0:H, 0:W].astype(np.float32)
    return np.where(np.hypot(x - 60, y - 70) < 34, 0.95, 0.1 + 0.2 * x / W).astype(np.float32)


def disc() -> np.ndarray:
    """The matte of that disc, 0..1, with an edge of some pixels."""
    y, x = np.mgrid[0:H, 0:W].astype(np.float32)
    return np.clip((34 - np.hypot(x - 60, y - 70)) / 3 + 0.5, 0, 1).astype(np.float32)


def scene() -> np.ndarray:
    """A photo of that: the disc stands out from a lightly grained wall."""
    grain = np.random.default_rng(1).normal(0, 2, (H, W, 3))
    return np.clip(np.where(nearness()[..., None] > 0.5, (210, 150, 80), (60, 80, 120)) + grain, 0, 255).astype(np.uint8)


def eight(values: np.ndarray) -> np.ndarray:
    return np.rint(values * 255).astype(np.uint8)


def xmp_packet(inside: str, spaces: str = SPACES, children: str = "") -> bytes:
    """An XMP packet of one description."""
    rdf = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {rdf}><rdf:Description rdf:about="" {spaces} {inside}>{children}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


# HEIC and AVIF ----------------------------------------------------------------------------------------------------------


class Extra(NamedTuple):
    """One auxiliary image: its URN, its samples (h, w) uint8, the XMP that describes it, and its own mark of turning."""

    urn: str
    samples: np.ndarray
    xmp: bytes = b""
    irot: int | None = None


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def encoded(samples: np.ndarray, kind: str) -> tuple[bytes, list[bytes], bytes]:
    """An item's kind, its properties as boxes, and its bytes, from a file of one picture."""
    options = {"subsampling": "4:0:0" if samples.ndim == 2 else "4:4:4"} if kind == "AVIF" else {}
    data = made.saved(Image.fromarray(samples), kind, quality=95, **options)
    table = read_item_table(data)
    assert table is not None
    item = table.items[table.primary]
    kept = [box(name, content) for name, content in item.properties if name in (b"hvcC", b"av1C", b"ispe", b"pixi")]
    return item.kind, kept, table.read_data(data, table.primary)


def phone_heif(
    image: np.ndarray, extras: Sequence[Extra] = (), kind: str = "HEIF", irot: int | None = None, tmap: bool = False
) -> bytes:
    """A HEIC ("HEIF") or AVIF of a picture with its auxiliary images, stored turned by `irot` quarters anticlockwise."""
    brand = b"avif" if kind == "AVIF" else b"heic"
    items: list[tuple[bytes, list[bytes], bytes]] = []
    references: list[bytes] = []

    def add(item: tuple[bytes, list[bytes], bytes]) -> int:
        items.append(item)
        return len(items)

    def turned(properties: list[bytes], quarters: int | None) -> list[bytes]:
        return properties if quarters is None else [*properties, box(b"irot", bytes([quarters]))]

    name, properties, data = encoded(image, kind)
    add((name, turned(properties, irot), data))
    for extra in extras:
        name, properties, data = encoded(extra.samples, kind)
        auxc = full(b"auxC", 0, 0, extra.urn.encode() + b"\0")
        at = add((name, turned([*properties, auxc], extra.irot), data))
        references.append(box(b"auxl", struct.pack(">HHH", at, 1, 1)))
        if extra.xmp:
            references.append(box(b"cdsc", struct.pack(">HHH", add((b"mime", [], extra.xmp)), 1, at)))
    if tmap:
        add((b"tmap", [], bytes(64)))
    return assemble(brand, items, references)


def assemble(brand: bytes, items: list[tuple[bytes, list[bytes], bytes]], references: list[bytes]) -> bytes:
    infos, shared, owned = [], [], []
    for at, (name, properties, _) in enumerate(items, 1):
        words = b"application/rdf+xml\0" if name == b"mime" else b""
        infos.append(full(b"infe", 2, int(at > 1), struct.pack(">HH", at, 0), name, b"\0", words))
        essential = [0x80 if one[4:8] in (b"hvcC", b"av1C", b"irot") else 0 for one in properties]
        marks = bytes(len(shared) + 1 + index | mark for index, mark in enumerate(essential))
        owned.append(struct.pack(">HB", at, len(properties)) + marks)
        shared.extend(properties)
    ipma = full(b"ipma", 0, 0, struct.pack(">I", len(items)), *owned)
    parts = [
        full(b"hdlr", 0, 0, bytes(4), b"pict", bytes(13)), full(b"pitm", 0, 0, struct.pack(">H", 1)),
        full(b"iinf", 0, 0, struct.pack(">H", len(items)), *infos), box(b"iprp", box(b"ipco", *shared), ipma),
    ]  # fmt: skip
    if references:
        parts.append(full(b"iref", 0, 0, *references))
    ftyp = box(b"ftyp", brand, bytes(4), brand, b"mif1", b"miaf")

    def meta(start: int) -> bytes:
        rows, at = [], start
        for index, (_, _, data) in enumerate(items, 1):
            rows.append(struct.pack(">HHHII", index, 0, 1, at, len(data)))
            at += len(data)
        return full(b"meta", 0, 0, *parts, full(b"iloc", 0, 0, b"\x44\0", struct.pack(">H", len(items)), *rows))

    start = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(start) + box(b"mdat", *(data for _, _, data in items))


# JPEG -------------------------------------------------------------------------------------------------------------------


def jpeg_of(samples: np.ndarray, *segments: bytes, turned: int = 1) -> bytes:
    """A JPEG with segments (marker's second byte, then the content) before its picture."""
    exif = {"exif": piexif.dump({"0th": {274: turned}})} if turned != 1 else {}
    data = made.saved(Image.fromarray(np.ascontiguousarray(samples)), "JPEG", quality=95, **exif)
    return data[:2] + b"".join(b"\xff" + one[:1] + struct.pack(">H", len(one) + 1) + one[1:] for one in segments) + data[2:]


def app1_xmp(packet: bytes) -> bytes:
    return b"\xe1http://ns.adobe.com/xap/1.0/\0" + packet


def apple_jpeg(image: np.ndarray, pictures: Sequence[tuple[str, np.ndarray]], turned: int = 1) -> bytes:
    """An iPhone's portrait exported as a JPEG: pictures behind it (their XMP and samples), listed by an MPF segment."""
    behind = [jpeg_of(samples, app1_xmp(xmp_packet(words))) for words, samples in pictures]

    def whole(offsets: list[int], sizes: list[int]) -> bytes:
        rows = b"".join(struct.pack(">IIIHH", 0, size, at, 0, 0) for at, size in zip(offsets, sizes, strict=True))
        index = struct.pack(">HHHI4s", 3, 0xB000, 7, 4, b"0100") + struct.pack(">HHII", 0xB001, 4, 1, len(sizes))
        index += struct.pack(">HHIII", 0xB002, 7, len(rows), 8 + 2 + 36 + 4, 0)
        segment = b"\xe2MPF\0MM\0\x2a" + struct.pack(">I", 8) + index + rows
        return jpeg_of(image, segment, turned=turned)

    count = len(behind) + 1
    first = len(whole([0] * count, [0] * count))
    base = 2 + 4 + 4  # SOI, the marker and length of the segment that comes first, "MPF\0"
    sizes = [first, *map(len, behind)]
    offsets = [0, *(first + sum(map(len, behind[:index])) - base for index in range(len(behind)))]
    return whole(offsets, sizes) + b"".join(behind)


def apple_words(role: str, native: str = "1751411059") -> str:
    """What Apple's XMP says of a picture: its kind and the format it was made in (1751411059 is "hdis")."""
    kinds = {
        "disparity": 'apdi:AuxiliaryImageType="disparity" depthData:Accuracy="relative"',
        "depth": 'apdi:AuxiliaryImageType="depth"',
        "matte": 'apdi:AuxiliaryImageType="depth" apdi:AuxiliaryImageSubType="portraiteffectsmatte"',
        "skin": 'apdi:AuxiliaryImageType="depth" apdi:AuxiliaryImageSubType="semanticskinmatte"',
        "gain map": f'apdi:AuxiliaryImageType="{GAIN_URN}" HDRGainMap:HDRGainMapVersion="131072"',
        "ultra": 'hdrgm:Version="1.0" hdrgm:GainMapMax="2.3"',
    }
    ends = ' apdi:FloatMinValue="0.5" apdi:FloatMaxValue="8"'
    return f'{kinds[role]} apdi:NativeFormat="{native}"{ends}'


def samsung_trailer(blocks: Sequence[tuple[bytes, bytes]], quick: bool = False) -> bytes:
    """The trailer of a Galaxy: blocks by name, their directory between SEFH and SEFT, and a QDIO block behind it."""
    bodies = [struct.pack("<HHI", 0, 0xAB1, len(name)) + name + data for name, data in blocks]
    rows, back = [], sum(map(len, bodies))
    for body in bodies:
        rows.append(struct.pack("<HHII", 0, 0xAB1, back, len(body)))
        back -= len(body)
    directory = b"SEFH" + struct.pack("<II", 107, len(rows)) + b"".join(rows)
    ending = struct.pack("<I", 20) + b"QDIO"
    tail = b"QDIO" + struct.pack("<IIII", 101, 1, 0, 0) + ending + b"BS" if quick else b""
    return b"".join(bodies) + directory + struct.pack("<I", len(directory)) + b"SEFT" + tail
