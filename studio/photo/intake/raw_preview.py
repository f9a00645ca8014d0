"""Camera raw files: what tells one from a TIFF or a video, and the finished JPG that the camera put inside.

Every maker keeps its previews in another place (an IFD, a maker's note, a box, a header of its own), all of them as
plain JPEGs; they are found by their markers, whatever the container. Nothing is developed: sensor data is never read.
LibRaw (rawpy, LGPL, 10 MB) was weighed: of 30 raw files of test suites it finds no preview that this doesn't, and not
that of a Canon R6. What it would add is development, which looks like none of the camera's pictures.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from studio.nouns import Refusal

MIN_PREVIEW = 1000
"""Pixels on the longer side: smaller ones (160 to 640) are thumbnails. Older Sony bodies keep 1616."""

_MAKERS: tuple[tuple[int, bytes], ...] = (
    (0, b"FUJIFILMCCD-RAW"), (0, b"IIRO"), (0, b"IIRS"), (0, b"MMOR"), (0, b"IIU\x00"), (0, b"\x00MRM"), (0, b"FOVb"),
    (6, b"HEAPCCDR"), (8, b"CR\x02"), (4, b"ftypcrx "),
)  # fmt: skip
"""Fujifilm, Olympus, Panasonic, Minolta, Sigma, Canon CRW, CR2 and CR3, by the place of their mark."""

_TIFFS = {b"II*\x00": "<", b"MM\x00*": ">", b"IIRO": "<", b"IIRS": "<", b"MMOR": ">", b"IIU\x00": "<"}
_PHOTOMETRIC, _STRIPS, _ORIENTATION, _TILES, _SUB_DIRECTORIES, _DNG_VERSION = 262, 273, 274, 324, 330, 50706
_SENSOR = (32803, 34892)
"""PhotometricInterpretation of a colour filter array and of linear raw (TIFF/EP, DNG)."""
_MOST_DIRECTORIES, _MOST_ENTRIES, _MOST_JPEGS, _MOST_TILES = 40, 500, 3000, 20_000
_FRAMES = {0xC0, 0xC1, 0xC2}
"""Baseline, extended and progressive DCT; lossless JPEG (0xC3) holds sensor data."""


class Preview(NamedTuple):
    """A JPEG inside a file: where it starts, and its size in pixels as it is stored."""

    start: int
    width: int
    height: int


def is_raw(data: bytes) -> bool:
    """Whether these bytes are a camera raw file, by its maker's mark or by a TIFF directory of sensor data."""
    if any(data[at : at + len(mark)] == mark for at, mark in _MAKERS):
        return True
    return any(_DNG_VERSION in tags or tags.get(_PHOTOMETRIC, [0])[0] in _SENSOR for tags in _walk_directories(data))


def open_preview(data: bytes, notes: list[str]) -> tuple[bytes, int]:
    """The JPEG of the largest picture inside a raw file, and the orientation that the raw file gives.

    Appends to `notes` what it is. Raises `Refusal` for a file with nothing but thumbnails.
    """
    found = _find_preview(data)
    if found is None or max(found.width, found.height) < MIN_PREVIEW:
        holds = f"its only picture is {found.width} by {found.height} px" if found else "it holds no finished picture"
        raise Refusal(
            f"This is a camera raw file, and {holds}.",
            "Develop it and export a JPG, or use the JPG your camera saved with it.",
        )
    notes.append(f"the camera's own JPG inside its raw file, {found.width} × {found.height}")
    return data[found.start :], _read_orientation(data)


def _find_preview(data: bytes) -> Preview | None:
    """The largest JPEG picture inside a raw file, None when there is none.

    Tiles of sensor data that a DNG packs as JPEGs (its lossy kind) are none.
    """
    found: Preview | None = None
    sensor = {
        place
        for tags in _walk_directories(data)
        if tags.get(_PHOTOMETRIC, [0])[0] in _SENSOR
        for place in (*tags.get(_TILES, ()), *tags.get(_STRIPS, ()))
    }
    at = data.find(b"\xff\xd8\xff", 0)
    for _ in range(_MOST_JPEGS):
        if at < 0:
            break
        size = None if at in sensor else _read_jpeg_size(data, at)
        if size and (found is None or size[0] * size[1] > found.width * found.height):
            found = Preview(at, *size)
        at = data.find(b"\xff\xd8\xff", at + 3)
    return found


def _read_orientation(data: bytes) -> int:
    """The orientation that the raw file itself gives (its first directory), for previews that carry none."""
    start = data.find(b"CMT1", 0, 4096) + 4 if data[4:12] == b"ftypcrx " else 0  # the box of IFD0 in a CR3
    first = next(_walk_directories(data[start : start + 65536] if start else data), {})
    return first.get(_ORIENTATION, [1])[0]


def _read_jpeg_size(data: bytes, start: int) -> tuple[int, int] | None:
    """Width and height of the JPEG at a place; None where the markers lead to no 8-bit picture of colours."""
    at = start + 2
    for _ in range(100):
        if at + 10 > len(data) or data[at] != 0xFF:
            return None
        kind = data[at + 1]
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if kind in _FRAMES:
            bits, height, width, channels = struct.unpack_from(">BHHB", data, at + 4)
            return (width, height) if bits == 8 and channels == 3 else None
        if kind < 0xC0 or kind in (0xC3, 0xD8, 0xD9, 0xDA) or length < 2:
            return None
        at += 2 + length
    return None


def _walk_directories(data: bytes) -> Iterator[dict[int, list[int]]]:
    """The directories of a TIFF and their SubIFDs, each its tags with their integers (the first few)."""
    order = _TIFFS.get(data[:4])
    if order is None or len(data) < 8:
        return
    waiting, seen = [struct.unpack_from(order + "I", data, 4)[0]], set[int]()
    while waiting and len(seen) < _MOST_DIRECTORIES:
        at = waiting.pop(0)
        if at in seen or at + 2 > len(data) or at < 8:
            continue
        seen.add(at)
        count = min(struct.unpack_from(order + "H", data, at)[0], _MOST_ENTRIES)
        tags: dict[int, list[int]] = {}
        for entry in range(at + 2, min(at + 2 + 12 * count, len(data) - 11), 12):
            code, kind, number = struct.unpack_from(order + "HHI", data, entry)
            tags[code] = _read_integers(data, order, kind, number, entry + 8)
        yield tags
        waiting += tags.get(_SUB_DIRECTORIES, [])
        end = at + 2 + 12 * count
        if end + 4 <= len(data):
            waiting.append(struct.unpack_from(order + "I", data, end)[0])


def _read_integers(data: bytes, order: str, kind: int, number: int, place: int) -> list[int]:
    """The integers of a directory entry, up to `_MOST_TILES`; [0] for other types and outside the file."""
    letter = {1: "B", 3: "H", 4: "I", 13: "I"}.get(kind)
    if letter is None or not number:
        return [0]
    size = struct.calcsize(letter)
    if number * size > 4:
        place = struct.unpack_from(order + "I", data, place)[0]
    number = min(number, _MOST_TILES)
    if place + number * size > len(data):
        return [0]
    return list(struct.unpack_from(f"{order}{number}{letter}", data, place))
