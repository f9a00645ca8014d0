"""TIFF: any sample type, plane layout, colour space and compression becomes a `Raster`, read by tifffile.

TIFF 6.0 (Adobe, 1992); its Photoshop and Lab notes; BigTIFF. The bytes are hostile: sizes are checked before a sample
is unpacked, and what the libraries throw is left to image_decoder, which puts it in words.
"""

from __future__ import annotations

import io
import logging
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.nouns import Refusal
from studio.photo.colour.colour_conversion import Raster
from studio.photo.colour.colour_tags import ADOBE_RGB, is_adobe_rgb_tiff
from studio.photo.intake.photo_limits import check_size

MOST_BYTES = 1_000_000_000
"""Unpacked samples of one picture: 120 megapixels of 16-bit RGB are 720 million bytes."""

_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 4: 1, 5: 4, 6: 3, 8: 3, 9: 3, 10: 3}
"""Channels by PhotometricInterpretation: white is zero, black is zero, RGB, palette, mask, inks, YCbCr, three Labs."""
_UNREADABLE = {
    32844: "brightness in LogL",
    32845: "colours in LogLuv",
    32803: "unfinished raw sensor data",
    34892: "unfinished raw sensor data",
}
_ASSOCIATED, _UNASSOCIATED = 1, 2
_STRIP = 128  # rows
_FAX = (2, 3, 4)
"""Compressions of CCITT: modified Huffman, group 3 and group 4."""
_ORIENTATION, _EXTRA_SAMPLES, _LOWEST, _HIGHEST, _PROFILE = 274, 338, 340, 341, 34675
_EXIF = 34665
_YCBCR_COEFFICIENTS, _REFERENCE_BLACK_WHITE = 529, 532

logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)  # what is wrong with a file is said in our own words


class Tiff(NamedTuple):
    """The first page of a TIFF as it is stored, and the orientation that its tag gives."""

    raster: Raster
    orientation: int


def read_tiff(data: bytes, notes: list[str]) -> Tiff:
    """The first page; appends to `notes` what was done to its samples.

    Raises `Refusal` for sizes outside the limits and for what is no picture of colours; anything else for damage.
    """
    from tifffile import TiffFile

    with TiffFile(io.BytesIO(data)) as file, np.errstate(all="ignore"):  # infinite samples are allowed for
        page = file.pages.first
        if not page.imagewidth or not page.imagelength:
            raise ValueError("no size")
        check_size(int(page.imagewidth), int(page.imagelength), "TIFF")
        _check_readable(page)
        if _has_more_pages(file):
            notes.append("the first page")
        samples = decode_samples(page, data)
        orientation = _read_tag(page, _ORIENTATION)
        if samples is None:
            return Tiff(_read_with_opencv(page, data, notes), 1)
        raster = _make_raster(page, samples, notes)
        profile = _read_tag(page, _PROFILE)
        has_exif = _read_tag(page, _EXIF) is not None
    icc = profile if isinstance(profile, bytes) and raster.space != "lab" else None
    if icc is None and has_exif and raster.space == "rgb" and is_adobe_rgb_tiff(data):
        raster = raster._replace(colorimetry=ADOBE_RGB)
    return Tiff(raster._replace(icc=icc), orientation if isinstance(orientation, int) else 1)


def _read_tag(page: Any, code: int) -> Any:
    tag = page.tags.get(code)
    return None if tag is None else tag.value


def _has_more_pages(file: Any) -> bool:
    """Whether a second picture follows that is no smaller copy of the first and no mask."""
    try:
        return not int(file.pages[1].subfiletype) & 5
    except Exception:  # none, or beyond reading
        return False


def _check_readable(page: Any) -> None:
    """Refuse by name what has no colours to show."""
    photometric = int(page.photometric)
    what = _UNREADABLE.get(photometric, "")
    if photometric not in _COLOURS and not what:
        what = "colours of a kind that only its own program knows"
    if page.dtype is None or page.dtype.kind not in "buif":
        what = "numbers that are no tones"
    bits = int(np.max(page.bitspersample))
    if 16 < bits < 32:
        what = f"numbers of {bits} bits"
    if photometric == 5 and (len(page.extrasamples or ()) > int(page.samplesperpixel) - 4):
        what = "inks other than the four of print"
    if what:
        raise Refusal(f"This TIFF holds {what}.", "Export it from its program as an RGB TIFF, JPG or PNG and add that.")
    if int(np.prod(page.shaped)) * page.dtype.itemsize > MOST_BYTES:
        raise Refusal("This TIFF unpacks to more than 1 GB.", "Export it with 8 bits a channel and add that.")


def decode_samples(page: Any, data: bytes) -> NDArray[Any] | None:
    """The samples of a tifffile page as they are stored, (H, W, channels); None for what is left to OpenCV.

    Raises `EOFError` for a file that ends before they do.
    """
    if not page.dataoffsets:
        raise ValueError("no samples")
    stored = int(np.prod(page.shaped)) * int(page.bitspersample) // 8 if page.compression == 1 else 0
    needed = int(np.prod(page.chunked))
    for offset, count in zip(page.dataoffsets[:needed], page.databytecounts[:needed], strict=False):
        alone = stored if len(page.dataoffsets) == 1 and stored else count  # a last strip's count is often too large
        if offset + min(count, alone) > len(data):
            raise EOFError("truncated")
    if page.compression in _FAX or (page.is_subsampled and page.compression in (1, 5, 8, 32946, 32773)):
        return None
    try:
        stack = page.asarray(squeeze=False, maxworkers=2)
    except (RuntimeError, ValueError):  # what is packed is longer or shorter than it should be: libtiff is more lenient
        return None
    if stack.size == 0:
        raise ValueError("no samples")
    return np.ascontiguousarray(np.moveaxis(stack[:, 0], 0, -1).reshape(*stack.shape[2:4], -1, order="C"))


def _read_with_opencv(page: Any, data: bytes, notes: list[str]) -> Raster:
    """The picture as 8-bit RGB, by OpenCV's libtiff, which turns it upright.

    Faxes, some of which imagecodecs ends early; YCbCr whose colour is coarser than its brightness without being a JPEG,
    which tifffile leaves; and strips that unpack to more than they should.
    """
    import cv2

    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if found is None or sorted(found.shape[:2]) != sorted((page.imagelength, page.imagewidth)):
        raise ValueError("not decoded")
    if _read_tag(page, _ORIENTATION) in range(2, 9):
        notes.append("turned upright")
    if page.bitspersample == 1:
        notes.append("black and white")
    return Raster(np.asarray(found), "rgb")


def _make_raster(page: Any, samples: NDArray[Any], notes: list[str]) -> Raster:
    """Samples as a raster: scaled, white where white is, without palette, colours first and one alpha last."""
    photometric = int(page.photometric)
    count = min(_COLOURS[photometric], samples.shape[-1]) if photometric in (8, 9, 10) else _COLOURS[photometric]
    if samples.shape[-1] < count:
        raise ValueError("channels missing")
    colours, alpha, associated = _split_alpha(page, samples, count)
    if photometric == 3:
        notes.append("palette colours converted to RGB")
        colours = _apply_palette(colours[..., 0], page.colormap)
    elif photometric in (8, 9, 10):
        return _make_lab(page, colours, alpha)
    elif colours.dtype == np.bool_:
        notes.append("black and white")
        colours = np.repeat(colours.astype(np.uint8) * np.uint8(255), 3, -1)
    else:
        colours = _scale(page, colours, notes)
    if photometric == 0:
        colours = np.iinfo(colours.dtype).max - colours
    elif photometric == 6 and not page.is_subsampled and page.compression not in (6, 7, 33007, 34892):
        colours = _convert_ycbcr(page, colours)
    space = {1: "grey", 3: "rgb", 4: "cmyk"}[colours.shape[-1]]
    if alpha is None:
        return Raster(colours, space)  # pyright: ignore[reportArgumentType]
    opacity = _scale(page, alpha, [])
    if associated:
        colours = _divide_by_alpha(colours, opacity)
    if colours.dtype != opacity.dtype:
        colours, opacity = _as_fractions(colours), _as_fractions(opacity)  # YCbCr, and palettes with a deeper mask
    return Raster(np.concatenate([colours, opacity], -1), space, alpha=True)  # pyright: ignore[reportArgumentType]


def _split_alpha(page: Any, samples: NDArray[Any], count: int) -> tuple[NDArray[Any], NDArray[Any] | None, bool]:
    """Colours, the opacity (None without one) and whether the colours are multiplied by it.

    An extra channel of unspecified meaning is a mask that Photoshop saved, not transparency; without an ExtraSamples
    tag a fourth channel of RGB, and a second of grey, is taken for opacity, as libtiff and Pillow do.
    """
    kinds = [int(kind) for kind in page.extrasamples or ()]
    if _read_tag(page, _EXTRA_SAMPLES) is None:
        kinds = [_UNASSOCIATED] * (samples.shape[-1] == count + 1)
    for place, kind in enumerate(kinds):
        if kind in (_ASSOCIATED, _UNASSOCIATED) and count + place < samples.shape[-1]:
            return samples[..., :count], samples[..., count + place : count + place + 1], kind == _ASSOCIATED
    return samples[..., :count], None, False


def _scale(page: Any, samples: NDArray[Any], notes: list[str]) -> NDArray[Any]:
    """Samples over the whole range of uint8 or uint16. In strips: floats of them all would take twice the memory."""
    bits = int(page.bitspersample) if np.ndim(page.bitspersample) == 0 else int(max(page.bitspersample))
    if samples.dtype == np.bool_:
        return samples.astype(np.uint8) * np.uint8(255)
    low, high, words = _find_range(page, samples, bits)
    if words:
        notes.append(words)
    if low == 0 and samples.dtype in (np.uint8, np.uint16) and high == np.iinfo(samples.dtype).max:
        return samples
    scaled = np.empty(samples.shape, np.uint16)
    for top in range(0, len(samples), _STRIP):
        strip = samples[top : top + _STRIP].astype(np.float64 if samples.dtype.itemsize > 4 else np.float32)
        strip -= low
        strip *= 65535 / max(high - low, 1e-12)
        strip = np.fmin(np.fmax(strip, 0, out=strip), 65535, out=strip)  # what is no number becomes black
        scaled[top : top + _STRIP] = np.rint(strip, out=strip)
    return scaled


def _find_range(page: Any, samples: NDArray[Any], bits: int) -> tuple[float, float, str]:
    """The numbers of black and of white, and what to say of it.

    SMinSampleValue and SMaxSampleValue where they stand, else the whole range of the depth. (Min- and MaxSampleValue
    are statistics, TIFF 6.0 page 39.) Where depth says nothing: floats are 0..1, or 0..255 or 0..65535 where most of
    them lie beyond 4; 32-bit integers that stay within 16 bits are 16-bit ones; negative ones are stretched.
    """
    words = {"f": "floating-point tones brought to 8 bits"}.get(
        samples.dtype.kind, f"{bits}-bit tones brought to 8 bits"
    )
    words = words if samples.dtype.kind == "f" or bits > 8 else ""
    lowest, highest = (_first(_read_tag(page, code)) for code in (_LOWEST, _HIGHEST))
    if highest is not None and highest > (lowest or 0):
        return lowest or 0.0, highest, words
    if samples.dtype.kind == "u" and bits <= 16:
        return 0.0, 2.0**bits - 1, words
    least, most = _find_extent(samples)
    if least >= 0 and samples.dtype.kind == "f":
        some = samples.ravel()[:: max(1, samples.size // 1_000_000)]
        some = some[np.isfinite(some)]
        usual = float(np.percentile(some, 99)) if some.size else 0.0
        top = next((top for top, limit in ((1.0, 4.0), (255.0, 255.0), (65535.0, 65535.0)) if usual <= limit), 0.0)
        if top and most <= max(top, 4.0) * 256:
            return 0.0, top, words
    elif least >= 0:
        full = 2.0 ** (bits - (samples.dtype.kind == "i")) - 1
        return 0.0, 65535.0 if bits > 16 and most <= 65535 else full, words
    return least, most, "tones stretched to 8 bits"


def _find_extent(samples: NDArray[Any]) -> tuple[float, float]:
    """The least and the greatest number; what is none, or infinite, doesn't count."""
    ends: list[tuple[float, float]] = []
    for top in range(0, len(samples), _STRIP):
        strip = samples[top : top + _STRIP]
        if strip.dtype.kind == "f" and not np.isfinite(np.sum(strip)):
            strip = strip[np.isfinite(strip)]
        if strip.size:
            ends.append((float(strip.min()), float(strip.max())))
    return min((low for low, _ in ends), default=0.0), max((high for _, high in ends), default=1.0)


def _first(value: Any) -> float | None:
    """The first number of a tag's value, None where there is none."""
    one = value[0] if isinstance(value, tuple) and value else value
    return float(one) if isinstance(one, (int, float)) and np.isfinite(one) else None


def _apply_palette(index: NDArray[Any], colormap: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Palette numbers as 8-bit RGB. Old writers fill 16-bit palettes with 8-bit numbers, as libtiff also looks for."""
    table = colormap.T.astype(np.uint32)
    table = table if table.max() < 256 else (table + 128) // 257
    return table.astype(np.uint8)[np.minimum(index.astype(np.int64), len(table) - 1)]


def _make_lab(page: Any, stored: NDArray[Any], alpha: NDArray[Any] | None) -> Raster:
    """The three ways that TIFF stores L*a*b*, as real numbers.

    CIELab: a* and b* signed. ICCLab: both moved by half the range. ITULab: L* 0..100, a* -85..85, b* -75..125 (RFC
    2301).
    """
    photometric, wide = int(page.photometric), stored.dtype.itemsize == 2
    if stored.dtype.kind == "f":
        lab = stored.astype(np.float32)
    elif photometric == 10:
        lab = stored.astype(np.float32) / np.iinfo(stored.dtype).max * np.float32([100, 170, 200][: stored.shape[-1]])
        lab[..., 1:] -= np.float32([85, 75][: stored.shape[-1] - 1])
    else:
        light = stored[..., :1].astype(np.float32) * (
            100 / (65280 if wide and photometric == 9 else 65535 if wide else 255)
        )
        hues = (
            stored[..., 1:].view(f"i{stored.dtype.itemsize}")
            if photometric == 8
            else stored[..., 1:].astype(np.float32)
        )
        hues = hues.astype(np.float32) / (256 if wide else 1) - (128 if photometric == 9 else 0)
        lab = np.concatenate([light, hues], -1)
    if lab.shape[-1] == 1:
        lab = np.concatenate([lab, np.zeros((*lab.shape[:2], 2), np.float32)], -1)
    if alpha is None:
        return Raster(lab, "lab")
    return Raster(np.concatenate([lab, _as_fractions(alpha)], -1), "lab", alpha=True)


def _convert_ycbcr(page: Any, samples: NDArray[Any]) -> NDArray[Any]:
    """YCbCr of full resolution as RGB of 0..1 (TIFF 6.0 section 21; BT.601's weights unless the file gives its own)."""
    weights = _read_tag(page, _YCBCR_COEFFICIENTS)
    red, green, blue = _as_numbers(weights, 3) or (0.299, 0.587, 0.114)
    reference = _as_numbers(_read_tag(page, _REFERENCE_BLACK_WHITE), 6) or (0, 255, 128, 255, 128, 255)
    codes = _as_fractions(samples) * np.float32(255)
    luma = (codes[..., 0] - reference[0]) * (255 / max(reference[1] - reference[0], 1))
    blueness = (codes[..., 1] - reference[2]) * (127 / max(reference[3] - reference[2], 1))
    redness = (codes[..., 2] - reference[4]) * (127 / max(reference[5] - reference[4], 1))
    r = luma + redness * (2 - 2 * red)
    b = luma + blueness * (2 - 2 * blue)
    g = (luma - red * r - blue * b) / max(green, 1e-6)
    return np.clip(np.stack([r, g, b], -1) / 255, 0, 1).astype(np.float32)


def _as_numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """A tag of so many rationals (numerator and denominator by turns) or integers; None for anything else."""
    if not isinstance(value, tuple) or len(value) not in (count, 2 * count):
        return None
    if len(value) == count:
        return tuple(float(one) for one in value)
    return tuple(top / max(bottom, 1) for top, bottom in zip(value[::2], value[1::2], strict=True))


def _divide_by_alpha(colours: NDArray[Any], opacity: NDArray[Any]) -> NDArray[Any]:
    """Colours that were multiplied by their opacity, as they were before, of the same type."""
    if colours.dtype.kind == "f":
        return np.clip(colours / np.maximum(_as_fractions(opacity), 1e-6), 0, 1)
    divided, whole = np.empty_like(colours), np.iinfo(colours.dtype).max
    for top in range(0, len(colours), _STRIP):
        strip = colours[top : top + _STRIP].astype(np.float32)
        strip *= whole / np.maximum(opacity[top : top + _STRIP], 1).astype(np.float32)
        divided[top : top + _STRIP] = np.rint(np.minimum(strip, whole, out=strip), out=strip)
    return divided


def _as_fractions(samples: NDArray[Any]) -> NDArray[np.float32]:
    if samples.dtype.kind == "f":
        return samples.astype(np.float32, copy=False)
    if samples.dtype == np.bool_:
        return samples.astype(np.float32)
    return samples.astype(np.float32) / np.float32(np.iinfo(samples.dtype).max)
