"""Image decoding: bytes become upright 8-bit sRGB pixels (orientation, colour, bit depth, alpha), or are refused.

Bytes are hostile until they have been decoded: each kind reaches one decoder only, sizes are checked from the header
before a pixel is decoded, and whatever a decoder throws becomes a `Refusal` with a remedy. What was done to the colours
is said in `Photo.notes`. What a file is: file_signature.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import NamedTuple

import cv2
import numpy as np
import pillow_heif

# Naming the plugins registers them, so that Pillow never loads all of its own.
from PIL import (
    AvifImagePlugin,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    Jpeg2KImagePlugin,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401  # pyright: ignore[reportUnusedImport]
)
from PIL import Image as Pillow

from studio.hung_threads import WorkLock
from studio.nouns import Photo, Refusal
from studio.photo.colour.colour_conversion import Raster, convert_raster, convert_to_srgb
from studio.photo.colour.colour_tags import read_colour_tags
from studio.photo.colour.deep_samples import read_deep_samples
from studio.photo.crop import Image
from studio.photo.intake import file_signature
from studio.photo.intake.bmp_reader import read_bmp
from studio.photo.intake.cut_files import ends_early, find_cut
from studio.photo.intake.file_signature import RAW
from studio.photo.intake.heif_properties import trim_properties
from studio.photo.intake.jpeg2000 import read_colours, read_jpeg2000
from studio.photo.intake.jpegxl import read_jpegxl
from studio.photo.intake.motion_photo import VIDEO_NOTE, drop_video, find_video
from studio.photo.intake.orientation import SIDEWAYS, TURNS, find_strip, read_orientation
from studio.photo.intake.photo_limits import MIN_SIDE, check_size
from studio.photo.intake.png_chunks import MOST_PROFILE, drop_metadata, scale_grey_key
from studio.photo.intake.raw_preview import open_preview
from studio.photo.intake.reduced_decoder import decode_reduced
from studio.photo.intake.reduced_size import MAX_PIXELS, needs_parts, reduce_while_decoding, refuse_too_large
from studio.photo.intake.tiff_reader import read_tiff

FORMATS = {
    "JPG": "JPEG", "PNG": "PNG", "WEBP": "WEBP", "HEIC": "HEIF", "AVIF": "AVIF", "GIF": "GIF", "JPEG 2000": "JPEG2000",
}  # fmt: skip
"""The Pillow decoder of a kind. (A JPG of several pictures, as phones write them, opens with the first.)"""

ENDINGS = {
    "JPG": ".jpg", "PNG": ".png", "WEBP": ".webp", "HEIC": ".heic", "AVIF": ".avif", "TIFF": ".tif", "BMP": ".bmp",
    "GIF": ".gif", "JPEG 2000": ".jp2", "JPEG XL": ".jxl", RAW: ".raw",
}  # fmt: skip
"""The ending that an original is kept under, by its kind."""

pillow_heif.register_heif_opener()
Pillow.MAX_IMAGE_PIXELS = MAX_PIXELS
PngImagePlugin.MAX_TEXT_CHUNK = MOST_PROFILE
_DECODING = WorkLock()
"""Held while a photo of over `_ALONE` pixels, or of a rarer kind, is decoded: of ten dropped at once, one is in memory.
"""
_ALONE = 30_000_000
_STRIP = 64  # rows
_TOO_FEW_BYTES = ("truncated", "end of file", "need_more_input")
"""What Pillow, libtiff and libjxl say of a file that ends before its picture does."""

# What is wrong with a file is said once, in our own words: the libraries' own never reach the terminal.
warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif|tifffile|imagecodecs)\b")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class Decoded(NamedTuple):
    """A photo, its pixels (uint8 (H, W, 3) RGB, read-only), the bytes they came from, what of those is kept (all but a
    video) and the ending that goes by.
    """

    photo: Photo
    image: Image
    data: bytes
    kept: bytes
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
    what = file_signature.identify(data, name)
    if not what:
        raise file_signature.refuse_foreign(data)
    data = trim_properties(data) if what == "HEIC" else data
    try:
        image, notes = _decode_left(data, what, damaged)
    except _Damage as damage:
        share = file_signature.measure_share(data, what)
        raise file_signature.refuse_damaged(what, damage.cut_short, share) from None
    video = find_video(data, what)
    if video:
        notes.append(VIDEO_NOTE)
    height, width = image.shape[:2]
    digest = hashlib.sha256(f"{width}x{height}:".encode())
    digest.update(image.data)
    photo = Photo(digest.hexdigest(), width, height, _clean_name(name), tuple(notes))
    return Decoded(photo, image, data, drop_video(data, what, video), ENDINGS[what])


def _decode_left(data: bytes, what: str, damaged: bool) -> tuple[Image, list[str]]:
    """Pixels and notes of a whole file, of one whose picture is whole, or, where `damaged` says so, of what is left."""
    early = ends_early(data, what)
    cut = find_cut(data, what) if early else None
    if cut is None and early and what == "HEIC":
        raise _Damage(cut_short=True)
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
        if what not in _READERS:
            return _read_with_pillow(data, what, notes), notes
        with _DECODING:
            return _READERS[what](data, notes), notes
    except Refusal:
        raise
    except Pillow.DecompressionBombError:
        raise refuse_too_large() from None
    except UnidentifiedImageError:
        raise _Damage(file_signature.is_cut_short(data, what)) from None
    except MemoryError:
        raise Refusal(
            "This photo needs more memory than there is.", "Make it smaller, or close other programs."
        ) from None
    except Exception as error:  # a decoder may throw anything at all on hostile bytes
        words = str(error).lower()
        ends = isinstance(error, EOFError) or any(word in words for word in _TOO_FEW_BYTES)
        raise _Damage((ends and what not in ("HEIC", "AVIF")) or file_signature.is_cut_short(data, what)) from None


def _read_with_pillow(data: bytes, what: str, notes: list[str], orientation: int = 1) -> Image:
    """A picture that Pillow decodes. `orientation` counts where the file itself has no mark."""
    if what == "PNG":
        data = drop_metadata(data, notes)
    elif what == "AVIF":
        data = file_signature.brand_avif(data)
    with Pillow.open(io.BytesIO(data), formats=(FORMATS[what],)) as picture:
        check_size(*picture.size, kind=what)
        with _DECODING if picture.width * picture.height > _ALONE else nullcontext():
            if needs_parts(picture):
                return decode_reduced(picture, data, read_colour_tags(picture, data), notes)
            reduce_while_decoding(picture, notes)
            if what == "JPEG 2000":
                picture.info["icc_profile"] = read_colours(data)[0]
            return _normalise(picture, data, notes, orientation)


def _read_raster(raster: Raster, orientation: int, notes: list[str]) -> Image:
    """A raster's pixels, upright, read-only."""
    image = convert_raster(raster, notes)
    turn = TURNS.get(orientation)
    if turn is not None:
        notes.append("turned upright")
        return _copy_pixels(Pillow.fromarray(image), turn)
    image.setflags(write=False)
    return image


def _read_tiff(data: bytes, notes: list[str]) -> Image:
    return _read_raster(*read_tiff(data, notes), notes)


def _read_bmp(data: bytes, notes: list[str]) -> Image:
    """A BMP's picture, or that of the JPEG or PNG that it wraps."""
    found = read_bmp(data, notes)
    if isinstance(found, Raster):
        return _read_raster(found, 1, notes)
    return _read_with_pillow(found, "PNG" if found.startswith(b"\x89PNG") else "JPG", notes)


def _read_jpegxl(data: bytes, notes: list[str]) -> Image:
    """A JPEG XL's picture, or that of the JPEG that it was made of."""
    found = read_jpegxl(data, notes)
    return _read_raster(found, 1, notes) if isinstance(found, Raster) else _read_with_pillow(found, "JPG", notes)


def _read_jpeg2000(data: bytes, notes: list[str]) -> Image:
    """A JPEG 2000's picture, where its channels are of several sizes by Pillow."""
    found = read_jpeg2000(data, notes)
    return _read_with_pillow(data, "JPEG 2000", notes) if found is None else _read_raster(found, 1, notes)


def _read_raw(data: bytes, notes: list[str]) -> Image:
    """The finished JPG inside a camera raw file."""
    jpeg, orientation = open_preview(data, notes)
    return _read_with_pillow(jpeg, "JPG", notes, orientation)


_READERS: dict[str, Callable[[bytes, list[str]], Image]] = {
    "TIFF": _read_tiff, "BMP": _read_bmp, "JPEG XL": _read_jpegxl, "JPEG 2000": _read_jpeg2000, RAW: _read_raw,
}  # fmt: skip
"""The kinds that Pillow has no decoder for, or one that gets some of them wrong."""


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


def _normalise(picture: Pillow.Image, data: bytes, notes: list[str], orientation: int) -> Image:
    """The first frame, decoded, upright, in sRGB, read-only."""
    count = int(getattr(picture, "n_frames", 1))
    if count > 1 and picture.format == "HEIF":
        notes.append(f"the {'first' if picture.tell() == 0 else 'main one'} of {count} pictures")
    elif count > 1 and picture.format != "MPO":
        notes.append("the first frame of an animation")
    orientation = read_orientation(picture, orientation)
    if picture.format == "PNG":
        scale_grey_key(picture, data)
    tags = read_colour_tags(picture, data)
    deep = read_deep_samples(picture, data, tags)
    if deep is not None:
        return _read_raster(deep, orientation, notes)
    picture.load()
    turn = TURNS.get(orientation)
    if turn is not None:
        notes.append("turned upright")
    return _copy_pixels(convert_to_srgb(picture, tags, notes), turn)


def _clean_name(name: str) -> str:
    """A file name to show: no folders, no control characters, at most 120 letters."""
    last = re.split(r"[\\/]", name)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:120].strip()
