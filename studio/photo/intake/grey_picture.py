"""Grey pictures from files: masks and depth maps, of 8 or 16 bits or floating point, as levels of 0..1, upright.

Photos are read by image_decoder.py, which brings them to 8 bits and lays them over grey; here levels keep their depth,
and what is transparent is black, as white is often painted on nothing.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from studio.config import MAX_UPLOAD_BYTES
from studio.nouns import Refusal
from studio.photo.colour.colour_conversion import convert_raster
from studio.photo.intake.file_signature import identify
from studio.photo.intake.orientation import TURNS, read_orientation
from studio.photo.intake.png_bands import read_png_header
from studio.photo.intake.tiff_reader import decode_samples, read_tiff

Floats = NDArray[np.float32]

MOST_PIXELS = 50_000_000
"""Pixels of the largest mask or depth map that is opened: twice a 24-megapixel photo."""

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, of red, green and blue
_STRIP = 256  # rows
_DENSEST = 1040  # bytes that one byte of deflate can stand for (RFC 1951: 258 for two bits)
_WHITE_IS_ZERO, _ORIENTATION = 0, 274  # TIFF 6.0: PhotometricInterpretation, and the tag of Orientation


def open_grey(file: Path, what: str, means: str) -> Floats:
    """The levels of a file, (h, w) float32 0..1, read as `read_grey` does.

    `what` is what it is called ("depth map") and `means` what its white says ("light where things are near"). Raises
    `Refusal` for one that can't be read, or is over 200 MB or 50 megapixels.
    """
    try:
        if file.stat().st_size > MAX_UPLOAD_BYTES:
            raise Refusal(f"This {what} is over {MAX_UPLOAD_BYTES / 1e6:.0f} MB.", "Save it as a smaller grey PNG.")
        return read_grey(file.read_bytes())
    except FileNotFoundError:
        raise Refusal(f"There is no {what} {str(file)!r}.", "Check its name and its folder.") from None
    except OverflowError:
        raise Refusal(f"This {what} is over 50 megapixels.", "Save it at the size of your photo or smaller.") from None
    except (OSError, ValueError):
        raise Refusal(f"This {what} can't be read.", f"Save it as a grey PNG, {means}.") from None


def read_grey(data: bytes, most: int = MOST_PIXELS) -> Floats:
    """The levels of a picture, (h, w) float32, as shares of what its kind can hold: 255, 65535, or 1.0.

    Colours count by their luma and alpha as black; turned upright by the marks that photos are turned by. Floating
    point is read as 0..1 or 0..255 when it lies there, else stretched; what is no number is black. Raises ValueError
    for what can't be read, and OverflowError, from the header alone, for one of more than `most` pixels.
    """
    try:
        levels, orientation = _read_tiff(data, most) if identify(data) == "TIFF" else _read_other(data, most)
    except (Pillow.DecompressionBombError, OverflowError):
        raise OverflowError("too many pixels") from None
    except Exception as error:  # a decoder may throw anything at all on hostile bytes
        raise ValueError("no picture that can be read") from error
    turn = TURNS.get(orientation)
    return levels if turn is None else np.asarray(Pillow.fromarray(levels).transpose(turn))


def _read_other(data: bytes, most: int) -> tuple[Floats, int]:
    """The levels of a PNG, JPEG or WebP as they are stored, and its orientation."""
    with Pillow.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as picture:
        if picture.width * picture.height > most:
            raise OverflowError("too many pixels")
        orientation = read_orientation(picture)
        if len(picture.getbands()) > 1 and any("16" in str(tile[3]) for tile in picture.tile):
            return _read_deep_colours(data), orientation
        picture.load()
        if picture.mode.startswith("I"):
            return _scale_levels(np.asarray(picture), 16), orientation
        if not picture.has_transparency_data:
            return _divide(np.asarray(picture.convert("L")), 255), orientation
        seen = np.asarray(picture.convert("RGBA"))
        return _weigh(seen[..., :3], seen[..., 3], 255), orientation


def _read_deep_colours(data: bytes) -> Floats:
    """The levels of a PNG in colour of 16 bits a channel, which Pillow brings to 8."""
    import imagecodecs

    header = read_png_header(data)
    if len(data) * _DENSEST < header.width * header.height * header.pixel_bytes:
        raise EOFError("truncated")
    found = np.asarray(imagecodecs.png_decode(data))
    count = found.shape[2]
    alpha = found[..., -1] if count in (2, 4) else None
    return _weigh(found[..., :3] if count > 2 else found[..., :1], alpha, 65535)


def _read_tiff(data: bytes, most: int) -> tuple[Floats, int]:
    """The levels of a TIFF as they are stored, and its orientation; one grey channel keeps whatever scale it has."""
    from tifffile import TiffFile

    with TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages.first
        if page.imagewidth * page.imagelength > most:
            raise OverflowError("too many pixels")
        white_is_zero = int(page.photometric) == _WHITE_IS_ZERO
        if (white_is_zero or int(page.photometric) == 1) and page.samplesperpixel == 1 and page.dtype.kind in "uif":
            samples = decode_samples(page, data)
            if samples is not None:
                levels = _scale_levels(samples[..., 0], int(page.bitspersample))
                tag = page.tags.get(_ORIENTATION)
                return (np.float32(1) - levels if white_is_zero else levels), int(tag.value) if tag else 1
    raster, orientation = read_tiff(data, [])
    if raster.space in ("cmyk", "lab"):
        return _divide(cv2.cvtColor(convert_raster(raster, []), cv2.COLOR_RGB2GRAY), 255), orientation
    whole = 1.0 if raster.samples.dtype.kind == "f" else float(np.iinfo(raster.samples.dtype).max)
    colours, alpha = (raster.samples[..., :-1], raster.samples[..., -1]) if raster.alpha else (raster.samples, None)
    return _weigh(colours, alpha, whole), orientation


def _weigh(colours: NDArray[Any], alpha: NDArray[Any] | None, top: float) -> Floats:
    """The luma of colours, (h, w, 3 or 1) of 0..top, black where they can't be seen. In strips, for they are large."""
    levels = np.empty(colours.shape[:2], np.float32)
    weights = np.array([_LUMA if colours.shape[2] == 3 else (1.0,)], np.float32) / np.float32(top)
    for row in range(0, len(colours), _STRIP):
        rows = slice(row, row + _STRIP)
        levels[rows] = cv2.transform(np.ascontiguousarray(colours[rows], np.float32), weights)
        if alpha is not None:
            levels[rows] *= _divide(alpha[rows], top)
    return levels


def _scale_levels(tones: NDArray[Any], bits: int) -> Floats:
    """Integers or floats as shares of their range, see `read_grey`."""
    if tones.dtype.kind == "f":
        tones = np.where(np.isfinite(tones), tones, np.min(tones, where=np.isfinite(tones), initial=0))
    low, high = float(tones.min()), float(tones.max())
    tops = (1.0, 255.0) if tones.dtype.kind == "f" else (2.0 ** min(bits, 16) - 1,)
    top = next((one for one in tops if low >= 0 and high <= one), 0.0)
    return _divide(tones, top) if top else _divide(tones.astype(np.float64) - low, high - low)


def _divide(tones: NDArray[Any], top: float) -> Floats:
    return np.asarray(tones / np.float64(top), np.float32) if tones.itemsize > 2 else tones * np.float32(1 / top)
