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
from studio.photo.orientation import TURNS, read_orientation

Floats = NDArray[np.float32]

FORMATS = ("PNG", "TIFF", "JPEG", "WEBP")
MOST_PIXELS = 50_000_000
"""Pixels of the largest mask or depth map that is opened: twice a 24-megapixel photo."""

_LUMA = (0.114, 0.587, 0.299)  # ITU-R BT.601, of blue, green and red
_WHITE_IS_ZERO = 0  # TIFF 6.0, tag 262


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
        with Pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > most:
                raise OverflowError("too many pixels")
            deep = any("16" in str(tile[3]) for tile in picture.tile) and len(picture.getbands()) > 1
            picture.load()
            levels = _read_deep_colours(data) if deep else _read_levels(picture)
            turn = TURNS.get(read_orientation(picture))
    except Pillow.DecompressionBombError:
        raise OverflowError("too many pixels") from None
    except OverflowError:
        raise
    except Exception as error:  # a decoder may throw anything at all on hostile bytes
        raise ValueError("no picture that can be read") from error
    return levels if turn is None else np.asarray(Pillow.fromarray(levels).transpose(turn))


def _read_levels(picture: Pillow.Image) -> Floats:
    """The levels of a loaded picture, as it is stored."""
    if picture.mode == "F" or picture.mode.startswith("I"):
        levels = _scale_levels(np.asarray(picture), picture.mode)
        inverted = picture.format == "TIFF" and picture.getexif().get(262) == _WHITE_IS_ZERO
        return np.float32(1) - levels if inverted else levels
    if not picture.has_transparency_data:
        return _divide(np.asarray(picture.convert("L")), 255)
    seen = np.asarray(picture.convert("RGBA"))
    return _divide(cv2.cvtColor(seen, cv2.COLOR_RGBA2GRAY), 255) * _divide(seen[..., 3], 255)


def _scale_levels(tones: NDArray[Any], mode: str) -> Floats:
    """Integers or floats as shares of their range, see `read_grey`."""
    if mode == "F":
        tones = np.where(np.isfinite(tones), tones, np.min(tones, where=np.isfinite(tones), initial=0))
    low, high = float(tones.min()), float(tones.max())
    tops = (1.0, 255.0) if mode == "F" else (65535.0,)
    top = next((one for one in tops if low >= 0 and high <= one), 0.0)
    return _divide(tones, top) if top else _divide(tones.astype(np.float64) - low, high - low)


def _divide(tones: NDArray[Any], top: float) -> Floats:
    return np.asarray(tones / np.float64(top), np.float32) if tones.itemsize > 2 else tones * np.float32(1 / top)


def _read_deep_colours(data: bytes) -> Floats:
    """The levels of a picture in colour of 16 bits a channel, which Pillow brings to 8."""
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.ndim != 3 or found.dtype != np.uint16:
        raise ValueError("no colours of 16 bits")
    luma = cv2.transform(found[..., :3].astype(np.float32), np.array([_LUMA], np.float32)) / np.float32(65535)
    return luma * _divide(found[..., 3], 65535) if found.shape[2] == 4 else luma
