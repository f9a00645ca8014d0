"""Image decoding: bytes become upright 8-bit sRGB pixels (EXIF orientation, ICC, bit depth, alpha), or are refused.

Bytes are hostile until they have been decoded: only the decoders of `FORMATS` are ever reached, sizes are checked
from the header before a pixel is decoded, and whatever a decoder throws becomes a `Refusal` with a remedy. What was
done to the colours is said in `Photo.notes`.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from typing import NamedTuple

import numpy as np
import pillow_heif

# Naming the plugins registers them, so that Pillow never loads all of its own.
from PIL import (
    AvifImagePlugin,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    ExifTags,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401  # pyright: ignore[reportUnusedImport]
)
from PIL import Image as Pillow

from studio.nouns import Photo, Refusal
from studio.photo import file_signature
from studio.photo.colour_conversion import convert_to_srgb
from studio.photo.crop import Image
from studio.photo.orientation import TURNS, read_orientation

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "BMP", "GIF")
"""The only Pillow decoders that are ever tried. (A JPG of several pictures, as phones write them, opens with the
first.)
"""

MAX_PIXELS = 120_000_000
MIN_SIDE = 64
MAX_STRETCH = 20
"""The longest side over the shortest: beyond this a strip, not a photo that can be cropped to any aspect."""

pillow_heif.register_heif_opener()
Pillow.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("ignore", category=Pillow.DecompressionBombWarning)  # refused by our own check, in words

_STRIP = 64  # rows
ENDINGS = {
    "JPG": ".jpg", "PNG": ".png", "WEBP": ".webp", "HEIC": ".heic", "AVIF": ".avif", "TIFF": ".tif", "BMP": ".bmp",
    "GIF": ".gif",
}  # fmt: skip
"""The ending that an original is kept under, by its kind."""


class Decoded(NamedTuple):
    """A photo, its pixels (uint8 (H, W, 3) RGB, read-only), the bytes they came from and the ending those are kept
    under.
    """

    photo: Photo
    image: Image
    data: bytes
    ending: str


def decode_image(data: bytes, name: str) -> Decoded:
    """A photo from the bytes of a file and the name to show for it. Raises `Refusal` for what is no usable photo."""
    what = file_signature.identify(data)
    if not what:
        raise file_signature.refuse_foreign(data)
    file_signature.refuse_raw(data, name)
    notes: list[str] = []
    try:
        with Pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
            _check_size(*picture.size)
            image = _copy_pixels(_normalise(picture, notes))
    except Refusal:
        raise
    except Pillow.DecompressionBombError:
        raise _refuse_too_large() from None
    except UnidentifiedImageError:
        raise file_signature.refuse_damaged(what, cut_short=len(data) < 1024) from None
    except MemoryError:
        raise Refusal(
            "This photo needs more memory than there is.", "Make it smaller, or close other programs."
        ) from None
    except Exception as error:  # a decoder may throw anything at all on hostile bytes
        cut_short = isinstance(error, EOFError) or any(
            word in str(error).lower() for word in ("truncated", "end of file")
        )
        raise file_signature.refuse_damaged(what, cut_short) from None
    height, width = image.shape[:2]
    digest = hashlib.sha256(f"{width}x{height}:".encode())
    digest.update(image.data)
    photo = Photo(digest.hexdigest(), width, height, _clean_name(name), tuple(notes))
    return Decoded(photo, image, data, ENDINGS[what])


def _copy_pixels(rgb: Pillow.Image) -> Image:
    """The pixels, (H, W, 3) uint8, read-only. In strips: in one piece Pillow copies them twice, at a quarter of the
    pace.
    """
    width, height = rgb.size
    image = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _STRIP):
        image[top : top + _STRIP] = rgb.crop((0, top, width, min(top + _STRIP, height)))
    image.setflags(write=False)
    return image


def _check_size(width: int, height: int) -> None:
    """Refuse from the header, before any pixel is decoded, what is too large, too small or too long."""
    if width * height > MAX_PIXELS:
        raise _refuse_too_large()
    if min(width, height) < MIN_SIDE:
        raise Refusal(
            f"This photo is only {width} by {height} px.", f"Add one that is at least {MIN_SIDE} px on each side."
        )
    if max(width, height) > MAX_STRETCH * min(width, height):
        raise Refusal(
            f"This picture is a strip of {width} by {height} px.",
            f"Crop it: {MAX_STRETCH} to 1 is the most.",
        )


def _refuse_too_large() -> Refusal:
    return Refusal("This photo is over 120 megapixels.", "Make it smaller in a photo editor and add that.")


def _normalise(picture: Pillow.Image, notes: list[str]) -> Pillow.Image:
    """The first frame, decoded, upright, in sRGB. A TIFF is already turned upright by Pillow when it is loaded."""
    if isinstance(picture, TiffImagePlugin.TiffImageFile) and ExifTags.Base.DNGVersion in picture.tag_v2:
        raise Refusal("This is a camera raw file.", "Develop it first, or use the JPG your camera saved with it.")
    if getattr(picture, "is_animated", False) and picture.format != "MPO":
        notes.append("the first page" if picture.format == "TIFF" else "the first frame of an animation")
    turned = (
        isinstance(picture, TiffImagePlugin.TiffImageFile) and picture.tag_v2.get(ExifTags.Base.Orientation, 1) in TURNS
    )
    picture.load()
    turn = TURNS.get(read_orientation(picture))
    if turned or turn is not None:
        notes.append("turned upright")
    rgb = convert_to_srgb(picture, notes)
    return rgb if turn is None else rgb.transpose(turn)


def _clean_name(name: str) -> str:
    """A file name to show: no folders, no control characters, at most 120 letters."""
    last = re.split(r"[\\/]", name)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:120].strip()
