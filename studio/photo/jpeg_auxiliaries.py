"""Auxiliary images of a JPEG: in its XMP, in the pictures behind it, and in the trailer that Samsung's phones write.

- GDepth: the map in the XMP itself (https://developers.google.com/depthmap-metadata).
- Container directory: pictures behind the JPEG, listed in its XMP (Dynamic Depth 1.0, Ultra HDR:
  https://developer.android.com/media/platform/hdr-image-format).
- Multi-Picture Format (CIPA DC-007): pictures behind it, each with an XMP of its own, as iPhones write them.
- SEF: named blocks before the directory "SEFH … SEFT" at the end, as ExifTool's Samsung.pm reads them.
"""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Callable, Iterator
from functools import partial
from xml.etree import ElementTree

import numpy as np
from PIL import Image as Pillow

from studio.photo import auxiliary_images as aux
from studio.photo.auxiliary_images import Auxiliary, Floats
from studio.photo.orientation import TURNS, read_orientation
from studio.photo.xmp_packets import APP2, list_segments, list_values, read_packets

MOST_PICTURES = 32
"""Pictures of one JPEG that are looked at, and blocks of a trailer."""

_GOOGLE = "{http://ns.google.com/photos/"
_ITEM, _DEPTH = "item/", "/depthmap/"
_GAIN_MAP = "http://ns.adobe.com/hdr-gain-map/1.0/"
_APPLE_GAIN_MAP = "http://ns.apple.com/HDRGainMap/1.0/"
_ISO_GAIN_MAP = b"urn:iso:std:iso:ts:21496"  # an APP2 segment of ISO 21496-1
_SIGNS = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF")
_RATIO = 0.02  # how far a map's ratio of width to height may be off the photo's


def list_auxiliaries(data: bytes) -> list[Auxiliary]:
    """The auxiliary images of a JPEG. Where its XMP speaks of depth and is broken, one that can't be read."""
    roots, broken = _read_roots(data)
    items = [item for root in roots for one in root.iter() if (item := _read_item(one))]
    found = [*_list_from_google(data, roots, items), *_list_from_pictures(data), *_list_from_trailer(data)]
    named = any("gainmap" in item.get("Semantic", "").lower() for item in items) or list_values(roots, _GAIN_MAP)
    if broken and not any(one.role == "depth" for one in found):
        found.append(Auxiliary("depth", partial(_refuse, "broken XMP")))
    if named or _has_iso_gain_map(data, 0):
        found.append(Auxiliary("gain map", partial(_refuse, "left unused")))
    return found


def _read_roots(data: bytes) -> tuple[list[ElementTree.Element], bool]:
    """The packets of a JPEG, and whether one that speaks of depth couldn't be read."""
    roots: list[ElementTree.Element] = []
    try:
        for root in read_packets(data):
            roots.append(root)
    except ValueError:
        return roots, any(b"epth" in body for _, body, _ in list_segments(data))
    return roots, False


def _refuse(why: str) -> Floats:
    raise ValueError(why)


def _has_iso_gain_map(data: bytes, start: int) -> bool:
    return any(marker == APP2 and body.startswith(_ISO_GAIN_MAP) for marker, body, _ in list_segments(data, start))


def _turn(data: bytes, read: Callable[[], Floats]) -> Floats:
    """A map stored as its photo is, turned as the photo is."""
    values = read()
    with Pillow.open(io.BytesIO(data), formats=("JPEG",)) as picture:
        turn = TURNS.get(read_orientation(picture))
    return values if turn is None else np.asarray(Pillow.fromarray(values).transpose(turn))


# Google: XMP, and the directory of what lies behind -------------------------------------------------------------------


def _list_from_google(
    data: bytes, roots: list[ElementTree.Element], items: list[dict[str, str]]
) -> Iterator[Auxiliary]:
    """GDepth's map, from the XMP itself, or the depth picture that the directory names."""
    about = list_values(roots, _DEPTH)
    link = about.get("DepthURI", "")
    behind = [one for one in items[1:] if one.get("Semantic", "").lower().startswith("depth") or _is_linked(one, link)]
    if about.get("Data") or behind:
        yield Auxiliary("depth", partial(_turn, data, partial(_read_google, data, items, about)))


def _is_linked(item: dict[str, str], link: str) -> bool:
    return bool(link) and item.get("DataURI") == link


def _read_google(data: bytes, items: list[dict[str, str]], about: dict[str, str]) -> Floats:
    whole = about.get("Data")
    values = aux.decode_grey(base64.b64decode(whole) if whole else _find_behind(data, items, about.get("DepthURI", "")))
    ends = (aux.read_number(about.get("Near", "")), aux.read_number(about.get("Far", "")))
    return aux.convert_range(values, about.get("Format", "RangeInverse"), *ends)


def _find_behind(data: bytes, items: list[dict[str, str]], link: str) -> bytes:
    """The depth picture among those that lie one after the other at the file's end, or before Samsung's trailer."""
    for end in dict.fromkeys((len(data), _find_trailer(data)[0])):
        for item in items[:0:-1]:  # the first is the photo itself
            start = end - int(item.get("Length", "0"))
            if not 0 < start <= end:
                raise ValueError("outside the file")
            if item.get("Semantic", "").lower().startswith("depth") or _is_linked(item, link):
                if data.startswith(_SIGNS, start):
                    return data[start:end]
                break
            end = start - int(item.get("Padding", "0"))
    raise ValueError("no picture where the directory says")


def _read_item(element: ElementTree.Element) -> dict[str, str]:
    """What a directory says of one picture, as attributes or as elements of their own; empty for any other element."""
    pairs = (*element.attrib.items(), *((child.tag, (child.text or "").strip()) for child in element))
    split = [(*name.rpartition("}"), words) for name, words in pairs]
    said = {plain: words for space, _, plain, words in split if space.startswith(_GOOGLE) and space.endswith(_ITEM)}
    return said if "Mime" in said or "Semantic" in said else {}


# Multi-Picture Format -------------------------------------------------------------------------------------------------


def _list_from_pictures(data: bytes) -> Iterator[Auxiliary]:
    """What the further pictures are, by the XMP that each of them has: Apple's words, or a gain map's."""
    for start, end in _list_pictures(data):
        try:
            roots = list(read_packets(data, start))
        except ValueError:
            continue  # a picture of which nothing is known is none of ours
        about = list_values(roots, aux.APPLE)
        role = aux.name_role(about.get("AuxiliaryImageSubType") or about.get("AuxiliaryImageType", ""))
        spaces = (_GAIN_MAP, _APPLE_GAIN_MAP)
        if any(list_values(roots, space) for space in spaces) or _has_iso_gain_map(data, start):
            role = "gain map"
        if role is not None:
            yield Auxiliary(role, partial(_turn, data, partial(_read_apple, data[start:end], role, about)))


def _read_apple(picture: bytes, role: aux.Role, about: dict[str, str]) -> Floats:
    values = aux.decode_grey(picture)
    return aux.convert_apple(values, about) if role == "depth" else values


def _list_pictures(data: bytes) -> Iterator[tuple[int, int]]:
    """Where the pictures after the first lie, as the index of an MPF segment says: CIPA DC-007, 5.2.3.3."""
    index = next(
        ((body, at) for marker, body, at in list_segments(data) if marker == APP2 and body[:4] == b"MPF\0"), None
    )
    if index is None:
        return
    body, at = index[0][4:], index[1] + 4  # offsets count from the byte order's mark
    order = "<" if body[:2] == b"II" else ">"
    try:
        (first,) = struct.unpack_from(f"{order}I", body, 4)
        (count,) = struct.unpack_from(f"{order}H", body, first)
        fields = [struct.unpack_from(f"{order}HHII", body, first + 2 + 12 * row) for row in range(min(count, 64))]
        size, place = next((size, place) for tag, _, size, place in fields if tag == 0xB002)
        for row in range(1, min(size // 16, MOST_PICTURES)):
            _, length, offset, _ = struct.unpack_from(f"{order}IIII", body, place + 16 * row)
            if offset and data.startswith(_SIGNS[0], at + offset):
                yield at + offset, min(at + offset + length, len(data))
    except (struct.error, StopIteration):
        return


# Samsung --------------------------------------------------------------------------------------------------------------


def _list_from_trailer(data: bytes) -> Iterator[Auxiliary]:
    """The depth map of a Galaxy's portrait: a block named DualShot_DepthMap_1, SingeShot_DepthMap_1 [sic] or such."""
    for name, start, end in _find_trailer(data)[1]:
        if b"Shot_DepthMap" in name:
            yield Auxiliary("depth", partial(_turn, data, partial(_read_samsung, data, start, end)))
            return


def _find_trailer(data: bytes) -> tuple[int, list[tuple[bytes, int, int]]]:
    """Where Samsung's trailer begins, at the file's end where there is none, and its blocks: name, start and end."""
    end = len(data) - 2 if data.endswith(b"QDIOBS") else len(data)
    for _ in range(4):  # the directory, and blocks of other kinds behind it
        length, kind = int.from_bytes(data[end - 8 : end - 4], "little"), data[end - 4 : end]
        start = end - 8 - length
        if kind not in (b"SEFT", b"QDIO") or not 0 < start <= end - 12:
            break
        if kind == b"SEFT" and data.startswith(b"SEFH", start):
            return _list_blocks(data, start, int.from_bytes(data[start + 8 : start + 12], "little"))
        end = start
    return len(data), []


def _list_blocks(data: bytes, directory: int, count: int) -> tuple[int, list[tuple[bytes, int, int]]]:
    """The blocks that a directory names by how far before it they lie: each with a header of 8 bytes and a name."""
    first, blocks = directory, []
    for at in range(directory + 12, directory + 12 + 12 * min(count, MOST_PICTURES), 12):
        back, size = (int.from_bytes(data[place : place + 4], "little") for place in (at + 4, at + 8))
        start = directory - back
        if start <= 0 or size < 8 or start + size > directory:
            break
        name = int.from_bytes(data[start + 4 : start + 8], "little")
        blocks.append((data[start + 8 : start + 8 + min(name, 64)], start + 8 + name, start + size))
        first = min(first, start)
    return first, blocks


def _read_samsung(data: bytes, start: int, end: int) -> Floats:
    """A block's map: a picture, or bare bytes whose width and height are told by the photo's ratio and their number.

    They lie as the photo is stored; near is bright.
    """
    if data.startswith(_SIGNS, start):
        return aux.decode_grey(data[start:end])
    with Pillow.open(io.BytesIO(data), formats=("JPEG",)) as picture:
        ratio = picture.width / picture.height
    count = end - start
    close = sorted(
        (height for height in _list_heights(count, ratio)), key=lambda height: abs(height * height * ratio / count - 1)
    )
    if not close:
        raise ValueError("no size for a map")
    aux.check_size(count // close[0], close[0])
    bare = np.frombuffer(data, np.uint8, count, start).reshape(close[0], -1)
    return (bare / 255).astype(np.float32)


def _list_heights(count: int, ratio: float) -> Iterator[int]:
    """The heights of pictures of so many pixels whose ratio of width to height is near this one."""
    if not 256 <= count <= aux.MOST_PIXELS:
        return
    middle = (count / ratio) ** 0.5
    for height in range(int(middle * (1 - _RATIO)), int(middle * (1 + _RATIO)) + 2):
        if height > 0 and count % height == 0:
            yield height
