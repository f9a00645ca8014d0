"""Painted masks: the small grey PNG (base64) in a recipe, white where something was painted, laid over a crop."""

from __future__ import annotations

import base64
import binascii
import struct

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.nouns import Crop
from studio.photo.intake.grey_picture import read_grey

Floats = NDArray[np.float32]

LARGEST = 256
"""Pixels of the long side of what is painted."""

MOST_PIXELS = 1 << 22  # of a mask: a phone's matte is kept with a long side of at most 2048


def is_valid_brush(brush: str) -> bool:
    """Whether a brush is a PNG of at most 256 px, going by its header alone."""
    try:
        mark, width, height = struct.unpack(">8s8xII", base64.b64decode(brush, validate=True)[:24])
    except (binascii.Error, struct.error):
        return False
    return bool(mark == b"\x89PNG\r\n\x1a\n" and 1 <= width <= LARGEST and 1 <= height <= LARGEST)


def decode_brush(brush: str) -> Floats | None:
    """The mask over the whole photo, (h, w) 0..1; None when it is no picture, or one of over 4 megapixels."""
    try:
        return read_grey(base64.b64decode(brush, validate=True), MOST_PIXELS)
    except (ValueError, OverflowError):
        return None


def encode_brush(mask: Floats, least: float = 0.5) -> str:
    """A mask over the whole photo, (h, w) 0..1, as a recipe holds it: at most 256 px; "" where it never reaches
    `least`.
    """
    scale = min(1.0, LARGEST / max(mask.shape))
    size = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))
    less = cv2.resize(mask, size, interpolation=cv2.INTER_AREA) if scale < 1 else mask
    if float(less.max()) < least:
        return ""
    _, data = cv2.imencode(".png", np.rint(less * 255).astype(np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return base64.b64encode(data.tobytes()).decode()


def lay_over_crop(mask: Floats, crop: Crop, size: tuple[int, int]) -> Floats:
    """The mask as it lies over a crop, (h, w) 0..1 at `size` (w, h)."""
    rows, columns = mask.shape
    x = (crop.x + (np.arange(size[0], dtype=np.float32) + 0.5) / size[0] * crop.w) * columns - 0.5
    y = (crop.y + (np.arange(size[1], dtype=np.float32) + 0.5) / size[1] * crop.h) * rows - 0.5
    across, down = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return np.asarray(cv2.remap(mask, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
