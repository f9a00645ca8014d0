"""Auxiliary images of a photo's file: what phones add to a picture, a depth map, a portrait matte or an HDR gain map.

Where they lie in a JPEG is in jpeg_auxiliaries.py, in a HEIC or AVIF in heif_auxiliaries.py. Whether a depth map is
believed is embedded_depth.py's, whether a matte is, embedded_matte.py's; a gain map is only named.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

Floats = NDArray[np.float32]
Role = Literal["depth", "matte", "gain map"]

MOST_PIXELS = 16_000_000
"""Pixels of the largest auxiliary image that is decoded; phones write 0.02 to 3 million."""

APPLE = "http://ns.apple.com/pixeldatainfo/1.0/"
"""The XMP namespace in which Apple says what an auxiliary image is, in JPEG and HEIC alike."""

PICTURE_SIGNS = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF")
"""The first bytes of the pictures that `decode_grey` decodes."""

_DISTANCES = ("hdep", "fdep")  # Core Video's formats of depth in metres; hdis and fdis are disparity
_MATTES = ("portraiteffectsmatte", "semanticpersonmatte")  # of the whole person; skin, hair and sky are no subject


class Auxiliary(NamedTuple):
    """One auxiliary image. `read` decodes it: (h, w) float32 0..1, upright as the photo is shown; near, or what belongs
    to the subject, is 1. It may raise anything at all, as the bytes are hostile.
    """

    role: Role
    read: Callable[[], Floats]


def name_role(words: str) -> Role | None:
    """What an auxiliary image is by the name or URN that it goes by; None for what isn't used (alpha, skin, sky …)."""
    plain = words.lower()
    if "gainmap" in plain:
        return "gain map"
    if plain.endswith(_MATTES):
        return "matte"
    if plain.endswith(("depth", "disparity", "urn:mpeg:hevc:2015:auxid:2", "urn:mpeg:avc:2015:auxid:2")):
        return "depth"
    return None


def convert_range(values: Floats, kind: str, near: float, far: float) -> Floats:
    """Disparity, 0..1, from values of 0 (near) to 1 (far): GDepth's RangeInverse, and RangeLinear, which needs both
    ends.

    https://developers.google.com/depthmap-metadata/encoding: RangeInverse is even in 1/d, RangeLinear in d.
    """
    if kind != "RangeLinear" or not 0 < near < far < np.inf:
        return 1 - values
    nearness = 1 / (near + values * (far - near))
    return ((nearness - 1 / far) / (1 / near - 1 / far)).astype(np.float32)


def convert_apple(values: Floats, about: dict[str, str]) -> Floats:
    """Disparity from the samples of Apple's depth images, 0..1, by what their XMP says (`APPLE`).

    `NativeFormat` is a four-letter code as text or as its number: disparity as a rule, else metres, spread evenly from
    FloatMinValue to FloatMaxValue.
    """
    code = about.get("NativeFormat", "")
    code = int(code).to_bytes(4, "big").decode("latin-1") if code.isdecimal() and int(code) < 2**32 else code
    if code not in _DISTANCES:
        return values
    return convert_range(
        values, "RangeLinear", read_number(about.get("FloatMinValue", "")), read_number(about.get("FloatMaxValue", ""))
    )


def decode_grey(data: bytes) -> Floats:
    """A grey picture of 8 or 16 bits as (h, w) float32, 0..1 of what its kind can hold."""
    with Pillow.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as picture:
        check_size(*picture.size)
        deep = picture.mode.startswith("I")
        return (np.asarray(picture if deep else picture.convert("L")) / (65535 if deep else 255)).astype(np.float32)


def check_size(width: int, height: int) -> None:
    """Raises ValueError for a size that no auxiliary image has."""
    if not 0 < width * height <= MOST_PIXELS or min(width, height) < 16:
        raise ValueError("no size for a map")


def read_number(words: str) -> float:
    """A number in XMP, 0 for none."""
    try:
        return float(words)
    except ValueError:
        return 0.0
