"""Auxiliary images of a HEIC or AVIF: items that the file's table calls auxiliary to its picture, by their URNs.

Depth has urn:mpeg:hevc:2015:auxid:2 (ISO/IEC 23008-12) or urn:mpeg:mpegB:cicp:systems:auxiliary:depth (MIAF), mattes
and Apple's gain map have Apple's own. An item of kind tmap is a gain map of ISO 21496-1. A Galaxy's depth is in its
trailer (samsung_trailer.py).
"""

from __future__ import annotations

import io
import struct
from functools import partial
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image as Pillow

from studio.photo.auxiliaries import auxiliary_images as aux
from studio.photo.auxiliaries.auxiliary_images import Auxiliary, Floats
from studio.photo.auxiliaries.samsung_trailer import find_depth_block, read_depth_block
from studio.photo.auxiliaries.xmp_packets import list_values, parse_packet
from studio.photo.intake.isobmff import ItemTable, read_item_table, walk_boxes
from studio.photo.intake.orientation import TURNS, read_orientation

_TURNED = (b"irot", b"imir")


def list_auxiliaries(data: bytes, kind: str) -> list[Auxiliary]:
    """The auxiliary images of a file of this kind, "HEIC" or "AVIF"."""
    table = read_item_table(data)
    if table is None:
        return []
    found: list[Auxiliary] = []
    for item, urn in table.list_auxiliaries():
        role = aux.name_role(urn)
        if role is not None:
            found.append(Auxiliary(role, partial(_read, data, kind, table, item, role)))
    sefd = next((box for box in walk_boxes(data) if box.kind == b"sefd"), None)
    if sefd is not None and find_depth_block(data[: sefd.end]) is not None:
        found.append(Auxiliary("depth", partial(_read_samsung, data[: sefd.end], table)))
    if any(item.kind == b"tmap" for item in table.items.values()):
        found.append(Auxiliary("gain map", partial(_read, data, kind, table, 0, "gain map")))
    return found


def _read(data: bytes, kind: str, table: ItemTable, item: int, role: aux.Role) -> Floats:
    if kind == "AVIF":
        values = _read_avif(data, table, item)
    else:
        values = _turn_as_primary(table, item, _read_heic(data, item, role))
    return aux.convert_apple(values, _read_about(data, table, item)) if role == "depth" else values


def _read_samsung(data: bytes, table: ItemTable) -> Floats:
    """The map in Samsung's trailer, which lies as the picture is stored."""
    block, size = find_depth_block(data), table.items[table.primary].find_property(b"ispe")
    if block is None or size is None:
        raise ValueError("no size for a map")
    width, height = struct.unpack_from(">II", size, 4)
    return _turn_as_primary(table, None, read_depth_block(data, block, width / height))


def _read_heic(data: bytes, item: int, role: aux.Role) -> Floats:
    """The samples of an item, which libheif has turned by the item's own marks."""
    image = pillow_heif.open_heif(io.BytesIO(data))
    if role == "depth":  # the first is the one that comes first in the table as well
        found = image.info.get("depth_images", [])[0]
        aux.check_size(*found.size)
        return read_heif_samples(np.asarray(found), found.info.get("metadata") or {})
    matte: Any = image.get_aux_image(item)
    aux.check_size(*matte.size)
    return read_heif_samples(np.asarray(matte), {})


def read_heif_samples(samples: NDArray[Any], about: dict[str, Any]) -> Floats:
    """Disparity from the samples of a HEIF depth image and what its file says of them.

    Of the representations in ISO/IEC 23008-2 (table of depth_representation_type) only 2, uniform Z, grows with the
    distance.
    """
    values = (samples if samples.ndim == 2 else samples[..., 0]).astype(np.float32) / np.iinfo(samples.dtype).max
    if about.get("representation_type") == 2:
        return aux.convert_range(values, "RangeLinear", about.get("z_near", 0.0), about.get("z_far", 0.0))
    return values


def _turn_as_primary(table: ItemTable, item: int | None, values: Floats) -> Floats:
    """An image without marks of its own, turned by those of the picture: irot a quarter anticlockwise each, imir."""
    if item is not None and any(name in _TURNED for name, _ in table.items[item].properties):
        return values
    for name, content in table.items[table.primary].properties:
        if name == b"irot" and content:
            values = np.rot90(values, content[0] & 3)
        elif name == b"imir" and content:
            values = values[:, ::-1] if content[0] & 1 else values[::-1]
    return np.ascontiguousarray(values)


def _read_avif(data: bytes, table: ItemTable, item: int) -> Floats:
    """An item decoded as the picture of a copy of the file that names it as such, turned as the photo is."""
    copy = bytearray(data)
    meta = next(box for box in walk_boxes(data) if box.kind == b"meta")
    pitm = next(box for box in walk_boxes(data, meta.start + 4, meta.end) if box.kind == b"pitm")
    wide = 4 if data[pitm.start] else 2
    copy[pitm.start + 4 : pitm.start + 4 + wide] = item.to_bytes(wide, "big")
    with Pillow.open(io.BytesIO(copy), formats=("AVIF",)) as picture:
        aux.check_size(*picture.size)
        values = (np.asarray(picture.convert("RGB"))[..., 1] / 255).astype(np.float32)
    with Pillow.open(io.BytesIO(data), formats=("AVIF",)) as picture:
        turn = TURNS.get(read_orientation(picture))
    return values if turn is None else np.asarray(Pillow.fromarray(values).transpose(turn))


def _read_about(data: bytes, table: ItemTable, item: int) -> dict[str, str]:
    """What the XMP that describes an item says of it in Apple's words."""
    for reference in table.references:
        source = table.items.get(reference.source)
        if reference.kind == b"cdsc" and item in reference.targets and source and source.kind == b"mime":
            return list_values([parse_packet(table.read_data(data, reference.source, 1_000_000))], aux.APPLE)
    return {}
