"""JPEG 2000: samples of any depth by OpenJPEG (imagecodecs), colours by the header of a JP2 (ISO/IEC 15444-1 and -2).

Pillow brings deep colours to 8 bits by taking the wrong bytes, and leaves the profile unread; it is asked only for what
imagecodecs refuses, channels of several sizes. imagecodecs makes sRGB of sYCC, and of a profile only now and then, so
that it is not shown one; it leaves inks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from studio.photo.colour.colour_conversion import Raster
from studio.photo.intake.isobmff import walk_boxes
from studio.photo.intake.photo_limits import check_size

_ANY_PROFILE = (2, 3)
"""Methods of a `colr` box that hold an ICC profile: restricted, and any (JPX)."""
_INKS = 12
"""CMYK among the enumerated colour spaces (ISO/IEC 15444-2, table M.25)."""
_SIZES = b"\xff\x4f\xff\x51"
"""Start of a codestream and its marker of sizes (annex A.5.1)."""


class _Sizes(NamedTuple):
    width: int
    height: int
    bits: int


def read_jpeg2000(data: bytes, notes: list[str]) -> Raster | None:
    """The picture, appending to `notes` what was done; None for channels of several sizes that imagecodecs leaves.

    Raises `Refusal` for sizes outside the limits, and other errors for damage.
    """
    import imagecodecs

    sizes = _read_sizes(data)
    if sizes.width < 1 or sizes.height < 1:
        raise ValueError("no size")
    check_size(sizes.width, sizes.height, "JPEG 2000")
    try:
        samples = np.asarray(imagecodecs.jpeg2k_decode(_hide_profile(data)))
    except NotImplementedError:
        return None
    samples = samples[..., None] if samples.ndim == 2 else samples
    if samples.dtype.kind == "i":
        samples = (samples.astype(np.int64) + 2 ** (sizes.bits - 1)).astype(f"u{samples.itemsize}")
    profile, space = read_colours(data)
    channels = samples.shape[-1]
    if channels > 4 or sizes.bits > 16:
        return None
    inks = channels == 4 and space == _INKS
    kind = "cmyk" if inks else "grey" if channels < 3 else "rgb"
    return Raster(samples, kind, alpha=channels in (2, 4) and not inks, icc=profile, bits=sizes.bits)


def _read_sizes(data: bytes) -> _Sizes:
    """The header of the codestream. Raises `EOFError` where there is none."""
    at = data.find(_SIZES)
    if at < 0 or at + 48 > len(data):
        raise EOFError("truncated")
    right, bottom, left, top = (int.from_bytes(data[at + start : at + start + 4], "big") for start in (8, 12, 16, 20))
    return _Sizes(right - left, bottom - top, (data[at + 42] & 0x7F) + 1)


def _hide_profile(data: bytes) -> bytes:
    """The file with its profile's box named otherwise, so that OpenJPEG leaves its colours as they are stored."""
    for header in walk_boxes(data):
        boxes = walk_boxes(data, header.start, header.end) if header.kind == b"jp2h" else ()
        for box in boxes:
            if box.kind == b"colr" and box.start < box.end and data[box.start] in _ANY_PROFILE:
                at = box.start - 4
                return data[:at] + b"free" + data[at + 4 :]
    return data


def read_colours(data: bytes) -> tuple[bytes | None, int]:
    """The ICC profile in a JP2's header, None without one, and the number of its colour space, 0 without one."""
    for header in walk_boxes(data):
        if header.kind != b"jp2h":
            continue
        for box in walk_boxes(data, header.start, header.end):
            if box.kind == b"colr" and box.start < box.end:
                if data[box.start] in _ANY_PROFILE:
                    return data[box.start + 3 : box.end], 0
                return None, int.from_bytes(data[box.start + 3 : box.start + 7], "big")
    return None, 0
