"""JPEG XL: decoded by libjxl (imagecodecs), its colours by what the header says (ISO/IEC 18181-1, annexes B, D and E).

imagecodecs hands over samples alone, upright; what they mean stands in the first bits of the codestream, read here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from studio.nouns import Refusal
from studio.photo.colour.colour_conversion import Raster
from studio.photo.colour.colour_tags import Colorimetry, read_cicp
from studio.photo.intake.isobmff import walk_boxes
from studio.photo.intake.photo_limits import check_size

_START = b"\xff\x0a"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_ALPHA, _SPOT, _BLACK, _CFA = 0, 2, 4, 5
"""Kinds of extra channels."""
_GREY, _XYB = 1, 2
"""Colour spaces."""
_CUSTOM = 2
_P3, _P3_D65, _DCI_WHITE = 11, 12, 11


class _Header(NamedTuple):
    width: int
    height: int
    animated: bool
    alphas: tuple[bool, ...]
    """Whether the colours are multiplied by each alpha channel; other extra channels are not listed."""
    profile: bool
    """The colours are described by an ICC profile, which stands packed behind the header."""
    xyb: bool
    colorimetry: Colorimetry


def read_jpegxl(data: bytes, notes: list[str]) -> Raster | bytes:
    """The first picture, upright; or the JPEG that was packed without loss as it was. Appends to `notes`.

    Raises `Refusal` for sizes outside the limits, and other errors for damage.
    """
    import imagecodecs

    codestream, from_jpeg = _find_codestream(data)
    header = _read_header(codestream)
    check_size(header.width, header.height, "JPEG XL")
    if from_jpeg:
        return bytes(imagecodecs.jpegxl_decode_jpeg(data))
    if header.animated:
        notes.append("the first frame of an animation")
    if header.profile and not header.xyb:
        notes.append("its colour profile can't be read; its colours are taken for sRGB")
    samples = np.asarray(imagecodecs.jpegxl_decode(data, index=0, numthreads=2))
    samples = samples[..., None] if samples.ndim == 2 else samples
    if samples.dtype == np.float16:
        samples = samples.astype(np.float32)
    count = samples.shape[-1]
    alpha = count in (2, 4) and bool(header.alphas)
    colours = samples[..., : count - alpha]
    if alpha and header.alphas[0]:
        colours = _divide(colours, samples[..., -1:])
        samples = np.concatenate([colours, _as_fractions(samples[..., -1:])], -1)
    elif not alpha and count in (2, 4):
        samples = np.ascontiguousarray(colours[..., : count - 1])
    space = "grey" if samples.shape[-1] - alpha == 1 else "rgb"
    return Raster(samples, space, alpha=alpha, colorimetry=header.colorimetry)


def _divide(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return np.clip(_as_fractions(colours) / np.maximum(_as_fractions(alpha), 1e-6), 0, 1)


def _as_fractions(samples: np.ndarray) -> np.ndarray:
    top = 1 if samples.dtype.kind == "f" else np.iinfo(samples.dtype).max
    return samples.astype(np.float32) / np.float32(top)


def _find_codestream(data: bytes) -> tuple[bytes, bool]:
    """The codestream, at least its beginning, and whether a JPEG can be made of the file again (`jbrd`)."""
    if data.startswith(_START):
        return data, False
    parts: list[bytes] = []
    from_jpeg = False
    for box in walk_boxes(data):
        if box.kind == b"jbrd":
            from_jpeg = True
        elif box.kind in (b"jxlc", b"jxlp"):
            start = box.start + (4 if box.kind == b"jxlp" else 0)
            parts.append(data[start : min(box.end, start + 4096)])
    if not parts or not parts[0].startswith(_START):
        raise EOFError("truncated")
    return parts[0], from_jpeg


class _Bits:
    """Numbers of a codestream's header, least significant bit first (annex B.2)."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data[:4096], "little")
        self._left = 8 * min(len(data), 4096)

    def take(self, count: int) -> int:
        """The next `count` bits. Raises `EOFError` past the end."""
        if count > self._left:
            raise EOFError("truncated")
        value = self._number & ((1 << count) - 1)
        self._number >>= count
        self._left -= count
        return value

    def choose(self, *choices: tuple[int, int]) -> int:
        """U32: one of four, each an offset and a count of bits that are added to it."""
        offset, count = choices[self.take(2)]
        return offset + self.take(count)

    def take_enum(self) -> int:
        """Enum: a small number."""
        return self.choose((0, 0), (1, 0), (2, 4), (18, 6))


def _read_header(codestream: bytes) -> _Header:
    """Size and ImageMetadata up to the colour encoding (annexes D.2 and D.3, E.2)."""
    bits = _Bits(codestream[2:])
    width, height = _read_size(bits)
    plain = Colorimetry("sRGB")
    if bits.take(1):  # all by default: 8 bits of sRGB, coded as XYB
        return _Header(width, height, False, (), False, True, plain)
    orientation, animated = 1, False
    if bits.take(1):
        orientation, animated = _read_extra_fields(bits)
    _skip_bit_depth(bits)
    bits.take(1)
    count = bits.choose((0, 0), (1, 0), (2, 4), (1, 12))
    alphas = tuple(
        multiplied for multiplied in (_read_extra_channel(bits) for _ in range(count)) if multiplied is not None
    )
    xyb = bool(bits.take(1))
    profile, colorimetry = _read_colour_encoding(bits)
    if orientation > 4:
        width, height = height, width
    return _Header(width, height, animated, alphas, profile, xyb, colorimetry or plain)


def _read_size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)
    lengths = ((1, 9), (1, 13), (1, 18), (1, 30))
    height = 8 * (bits.take(5) + 1) if small else bits.choose(*lengths)
    ratio = bits.take(3)
    if ratio:
        wide, high = _RATIOS[ratio - 1]
        return height * wide // high, height
    return (8 * (bits.take(5) + 1) if small else bits.choose(*lengths)), height


def _read_extra_fields(bits: _Bits) -> tuple[int, bool]:
    """Orientation and whether it is animated; the intrinsic size and the preview's are passed over."""
    orientation = bits.take(3) + 1
    if bits.take(1):
        _read_size(bits)
    if bits.take(1):
        in_eights = bits.take(1)
        lengths = ((16, 0), (32, 0), (1, 5), (33, 9)) if in_eights else ((1, 6), (65, 8), (321, 10), (1345, 12))
        bits.choose(*lengths)
        if not bits.take(3):
            bits.choose(*lengths)
    animated = bool(bits.take(1))
    if animated:
        bits.choose((100, 0), (1000, 0), (1, 10), (1, 30))
        bits.choose((1, 0), (1001, 0), (1, 8), (1, 10))
        bits.choose((0, 0), (0, 3), (0, 16), (0, 32))
        bits.take(1)
    return orientation, animated


def _skip_bit_depth(bits: _Bits) -> None:
    if bits.take(1):
        bits.choose((32, 0), (16, 0), (24, 0), (1, 6))
        bits.take(4)
    else:
        bits.choose((8, 0), (10, 0), (12, 0), (1, 6))


def _read_extra_channel(bits: _Bits) -> bool | None:
    """Whether colours are multiplied by this alpha channel; None for a channel of another kind."""
    if bits.take(1):
        return False
    kind = bits.take_enum()
    _skip_bit_depth(bits)
    bits.choose((0, 0), (3, 0), (4, 0), (1, 3))
    for _ in range(bits.choose((0, 0), (0, 4), (16, 5), (48, 10))):
        bits.take(8)
    if kind == _BLACK:
        raise Refusal(
            "This JPEG XL holds the inks of print.", "Export it as an RGB picture, such as a PNG, and add that."
        )
    if kind == _ALPHA:
        return bool(bits.take(1))
    if kind == _SPOT:
        bits.take(64)
    elif kind == _CFA:
        bits.choose((1, 0), (0, 2), (3, 4), (19, 8))
    return None


def _read_colour_encoding(bits: _Bits) -> tuple[bool, Colorimetry | None]:
    """Whether an ICC profile describes the colours, and what their numbers mean otherwise (None: sRGB)."""
    if bits.take(1):
        return False, None
    profile, space = bool(bits.take(1)), bits.take_enum()
    if profile or space == _XYB:
        return profile, None
    white, points = bits.take_enum(), []
    if white == _CUSTOM:
        points.append(_read_point(bits))
    primaries = 1
    if space != _GREY:
        primaries = bits.take_enum()
        points += [_read_point(bits) for _ in range(3)] if primaries == _CUSTOM else []
    gamma = bits.take(24) / 1e7 if bits.take(1) else 0.0
    transfer = 13 if gamma else bits.take_enum()
    if primaries == _P3:
        primaries = _P3 if white == _DCI_WHITE else _P3_D65
    found = read_cicp(primaries, transfer)
    if primaries == _CUSTOM:
        start = found.primaries[3] if white != _CUSTOM else points[0]
        found = found._replace(name="its own primaries", primaries=(*points[-3:], start))
    return False, found._replace(transfer=f"gamma {1 / gamma:.3f}") if gamma else found


def _read_point(bits: _Bits) -> tuple[float, float]:
    """A chromaticity in millionths, signed numbers packed as even and odd ones."""
    lengths = ((0, 19), (524288, 19), (1048576, 20), (2097152, 21))
    x, y = (bits.choose(*lengths) for _ in range(2))
    return tuple((value >> 1 if value % 2 == 0 else -(value + 1 >> 1)) / 1e6 for value in (x, y))  # pyright: ignore
