"""Samples of 10, 12 and 16 bits from HEIC, AVIF and PNG, of which Pillow hands over 8: for colours yet to change.

Tone mapping and wide primaries spread the darks apart, so that 8 bits of PQ would show as bands.
"""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image as Pillow

from studio.photo.colour.avif_samples import read_avif_samples
from studio.photo.colour.colour_conversion import Raster
from studio.photo.colour.colour_tags import ColourTags
from studio.photo.colour.gamut_conversion import is_srgb
from studio.photo.intake.isobmff import read_item_table

_PNG_DEPTH, _PNG_COLOURS = 24, 25
"""Where a PNG's header says how many bits a sample has, and of what kind its pixels are."""


def read_deep_samples(picture: Pillow.Image, data: bytes, tags: ColourTags) -> Raster | None:
    """The picture of a file, not yet turned (a HEIC is), with all of its bits; None where 8 of them are enough.

    That is where there are no more, and where the colours are sRGB's already. Raises whatever a decoder throws.
    """
    if tags.icc or is_srgb(tags.colorimetry):
        return None
    bits = _read_depth(picture, data)
    if bits <= 8:
        return None
    if picture.format == "HEIF":
        opened = pillow_heif.open_heif(
            io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False, remove_stride=False
        )
        samples = _view_rows(opened[opened.primary_index])
        if samples.ndim == 2:
            bits = 16 if samples.max() >> bits else bits
    else:
        found = read_avif_samples(data, picture.size) if picture.format == "AVIF" else _read_png(picture, data)
        if found is None or ("A" in picture.mode and found.shape[-1] == 3):
            return None
        samples, bits = found, 16
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    space = "rgb" if channels > 2 else "grey"
    return Raster(samples, space, channels in (2, 4), colorimetry=tags.colorimetry, bits=bits)


def _view_rows(shown: pillow_heif.HeifImage) -> NDArray[Any]:
    """The samples of a decoded HEIC, uint16, without copying them. A row may end in padding that is no whole pixel,
    which the array that pillow-heif offers takes for one.
    """
    data, (width, height) = shown.data, shown.size
    channels = len(shown.mode.partition(";")[0])
    shape = (height, width, channels) if channels > 1 else (height, width)
    strides = (shown.stride, 2 * channels, 2) if channels > 1 else (shown.stride, 2)
    return np.ndarray(shape, np.uint16, data, strides=strides)


def _read_png(picture: Pillow.Image, data: bytes) -> NDArray[Any] | None:
    """A PNG's 16 bits, by OpenCV, after Pillow has found no damage; None where one colour is transparent."""
    picture.load()
    samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype != np.uint16 or "transparency" in picture.info:
        return None
    if samples.ndim == 2:
        return samples
    return cv2.cvtColor(samples, cv2.COLOR_BGR2RGB if samples.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)


def _read_depth(picture: Pillow.Image, data: bytes) -> int:
    """Bits a sample of the picture shown; 8 where there is no telling."""
    if picture.format == "HEIF":
        return int(picture.info.get("bit_depth", 8))
    if picture.format == "PNG":
        return data[_PNG_DEPTH]
    table = read_item_table(data) if picture.format == "AVIF" else None
    if table is None:
        return 8
    parts = (table.primary, *table.list_parts(table.primary)[:1])
    marks = [table.items[part].find_property(b"av1C") for part in parts if part in table.items]
    flags = next((mark[2] for mark in marks if mark and len(mark) > 2), 0)
    return 12 if flags & 0x20 else 10 if flags & 0x40 else 8
