"""Auxiliary images of a JPEG: in its XMP, in the pictures behind it, and in Samsung's trailer.

- GDepth: the map in the XMP itself (https://developers.google.com/depthmap-metadata).
- Container directory: pictures behind the JPEG, listed in its XMP (Dynamic Depth 1.0, Ultra HDR:
  https://developer.android.com/media/platform/hdr-image-format).
- Multi-Picture Format (CIPA DC-007): pictures behind it, each with an XMP of its own, as iPhones write them.
- Samsung's trailer: samsung_trailer.py.
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

from studio.photo.auxiliaries import auxiliary_images as aux
from studio.photo.auxiliaries.auxiliary_images import PICTURE_SIGNS, Auxiliary, Floats
from studio.photo.auxiliaries.samsung_trailer import find_depth_block, find_trailer, read_depth_block
from studio.photo.auxiliaries.xmp_packets import APP2, list_segments, list_values, read_packets
from studio.photo.intake.orientation import TURNS, read_orientation

MOST_PICTURES = 32
"""Pictures of one JPEG that are looked at."""

_GOOGLE = "{http://ns.google.com/photos/"
_ITEM, _DEPTH = "item/", "/depthmap/"
_GAIN_MAP = "http://ns.adobe.com/hdr-gain-map/1.0/"
_APPLE_GAIN_MAP = "http://ns.apple.com/HDRGainMap/1.0/"
_ISO_GAIN_MAP = b"urn:iso:std:iso:ts:21496"  # an APP2 segment of ISO 21496-1


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
    for end in dict.fromkeys((len(data), find_trailer(data)[0])):
        for item in items[:0:-1]:  # the first is the photo itself
            start = end - int(item.get("Length", "0"))
            if not 0 < start <= end:
                raise ValueError("outside the file")
            if item.get("Semantic", "").lower().startswith("depth") or _is_linked(item, link):
                if data.startswith(PICTURE_SIGNS, start):
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


def _list_from_trailer(data: bytes) -> Iterator[Auxiliary]:
    block = find_depth_block(data)
    if block is not None:
        yield Auxiliary("depth", partial(_turn, data, partial(_read_samsung, data, block)))


def _read_samsung(data: bytes, block: tuple[int, int]) -> Floats:
    with Pillow.open(io.BytesIO(data), formats=("JPEG",)) as picture:
        return read_depth_block(data, block, picture.width / picture.height)


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
            if offset and data.startswith(PICTURE_SIGNS[0], at + offset):
                yield at + offset, min(at + offset + length, len(data))
    except (struct.error, StopIteration):
        return
