"""Image decoding: bytes become upright 8-bit sRGB pixels (EXIF orientation, ICC, bit depth, alpha), or are refused.

Bytes are hostile until they have been decoded: only the decoders of `FORMATS` are ever reached, sizes are checked
from the header before a pixel is decoded, and whatever a decoder throws becomes a `Refusal` with a remedy. What was
done to the colours is said in `Photo.notes`.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
import warnings
from contextlib import nullcontext
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
from studio.photo.colour_conversion import convert_raster, convert_to_srgb
from studio.photo.colour_tags import read_colour_tags
from studio.photo.crop import Image
from studio.photo.cut_files import find_cut, has_jpeg_end
from studio.photo.deep_samples import read_deep_samples
from studio.photo.orientation import SIDEWAYS, TURNS, find_strip, read_orientation
from studio.photo.reduced_size import MAX_PIXELS, check_pixels, reduce_while_decoding, refuse_too_large

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "BMP", "GIF")
"""The only Pillow decoders that are ever tried. (A JPG of several pictures, as phones write them, opens with the
first.)
"""

MIN_SIDE = 64
MAX_STRETCH = 20
"""The longest side over the shortest: beyond this a strip, not a photo that can be cropped to any aspect."""

pillow_heif.register_heif_opener()
Pillow.MAX_IMAGE_PIXELS = MAX_PIXELS
_DECODING = threading.Lock()
"""Held while a photo of over `_ALONE` pixels is decoded: of ten that are dropped at once, one is in memory."""
_ALONE = 30_000_000
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


class _Damage(Exception):
    """A decoder has stopped inside a file, for want of bytes (`cut_short`) or for another reason."""

    def __init__(self, cut_short: bool) -> None:
        super().__init__()
        self.cut_short = cut_short


def decode_image(data: bytes, name: str, damaged: bool = False) -> Decoded:
    """A photo from the bytes of a file and the name to show for it. Raises `Refusal` for what is no usable photo.

    `damaged`: what is left of a file that is cut short inside its picture opens, too.
    """
    what = file_signature.identify(data)
    if not what:
        raise file_signature.refuse_foreign(data)
    file_signature.refuse_raw(data, name)
    try:
        image, notes = _decode_left(data, what, damaged)
    except _Damage as damage:
        raise file_signature.refuse_damaged(what, damage.cut_short) from None
    height, width = image.shape[:2]
    digest = hashlib.sha256(f"{width}x{height}:".encode())
    digest.update(image.data)
    photo = Photo(digest.hexdigest(), width, height, _clean_name(name), tuple(notes))
    return Decoded(photo, image, data, ENDINGS[what])


def _decode_left(data: bytes, what: str, damaged: bool) -> tuple[Image, list[str]]:
    """Pixels and notes of a whole file, of one whose picture is whole, or, where `damaged` says so, of what is left."""
    cut = find_cut(data, what) if what == "JPG" and not has_jpeg_end(data) else None
    if cut is None:
        try:
            return _decode(data, what)
        except _Damage:
            cut = find_cut(data, what)
            if cut is None:
                raise
    if not (damaged or cut.is_whole):
        raise cut.refuse(what, MIN_SIDE)
    image, notes = _decode(cut.data, what)
    return image, [cut.describe(), *notes]


def _decode(data: bytes, what: str) -> tuple[Image, list[str]]:
    """The first picture of a file, upright, in sRGB, and what was done to it. Raises `_Damage` and `Refusal`."""
    notes: list[str] = []
    try:
        with Pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
            _check_size(*picture.size, kind=picture.format or what)
            with _DECODING if picture.width * picture.height > _ALONE else nullcontext():
                reduce_while_decoding(picture, notes)
                return _copy_pixels(*_normalise(picture, data, notes)), notes
    except Refusal:
        raise
    except Pillow.DecompressionBombError:
        raise refuse_too_large() from None
    except UnidentifiedImageError:
        raise _Damage(cut_short=len(data) < 1024) from None
    except MemoryError:
        raise Refusal(
            "This photo needs more memory than there is.", "Make it smaller, or close other programs."
        ) from None
    except Exception as error:  # a decoder may throw anything at all on hostile bytes
        words = str(error).lower()
        raise _Damage(isinstance(error, EOFError) or "truncated" in words or "end of file" in words) from None


def _copy_pixels(rgb: Pillow.Image, turn: Pillow.Transpose | None) -> Image:
    """The pixels, turned upright, (H, W, 3) uint8, read-only. In strips: in one piece Pillow copies them twice, at a
    quarter of the pace.
    """
    width, height = rgb.size[::-1] if turn in SIDEWAYS else rgb.size
    image = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _STRIP):
        strip = rgb.crop(find_strip(rgb.size, turn, top, min(top + _STRIP, height)))
        image[top : top + _STRIP] = strip if turn is None else strip.transpose(turn)
    image.setflags(write=False)
    return image


def _check_size(width: int, height: int, kind: str) -> None:
    """Refuse from the header, before any pixel is decoded, what is too large, too small or too long."""
    check_pixels(width, height, kind)
    if min(width, height) < MIN_SIDE:
        raise Refusal(
            f"This photo is only {width} by {height} px.", f"Add one that is at least {MIN_SIDE} px on each side."
        )
    if max(width, height) > MAX_STRETCH * min(width, height):
        raise Refusal(
            f"This picture is a strip of {width} by {height} px.",
            f"Crop it: {MAX_STRETCH} to 1 is the most.",
        )


def _normalise(picture: Pillow.Image, data: bytes, notes: list[str]) -> tuple[Pillow.Image, Pillow.Transpose | None]:
    """The first frame, decoded, in sRGB, and the turn that makes it upright. Pillow turns a TIFF when it loads it."""
    if isinstance(picture, TiffImagePlugin.TiffImageFile) and ExifTags.Base.DNGVersion in picture.tag_v2:
        raise Refusal("This is a camera raw file.", "Develop it first, or use the JPG your camera saved with it.")
    if getattr(picture, "is_animated", False) and picture.format != "MPO":
        notes.append("the first page" if picture.format == "TIFF" else "the first frame of an animation")
    turned = (
        isinstance(picture, TiffImagePlugin.TiffImageFile) and picture.tag_v2.get(ExifTags.Base.Orientation, 1) in TURNS
    )
    tags = read_colour_tags(picture, data)
    deep = read_deep_samples(picture, data, tags)
    if deep is None:
        picture.load()
    turn = TURNS.get(read_orientation(picture))
    if turned or turn is not None:
        notes.append("turned upright")
    if deep is None:
        return convert_to_srgb(picture, tags, notes), turn
    return Pillow.fromarray(convert_raster(deep, notes)), turn


def _clean_name(name: str) -> str:
    """A file name to show: no folders, no control characters, at most 120 letters."""
    last = re.split(r"[\\/]", name)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:120].strip()
