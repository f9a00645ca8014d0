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
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pillow_heif
from numpy.typing import NDArray

# Naming the plugins registers them, so that Pillow never loads all of its own.
from PIL import (
    AvifImagePlugin,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    ExifTags,
    ImageCms,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401  # pyright: ignore[reportUnusedImport]
)
from PIL import Image as Pillow

from studio.nouns import Photo, Refusal
from studio.photo import file_signature
from studio.photo.crop import Image

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
TURNS = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation (tag 0x0112, EXIF 2.32 section 4.6.4)."""

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


def read_orientation(picture: Pillow.Image) -> int:
    """The EXIF orientation, 1 when there is none or the EXIF block is beyond reading."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # a broken EXIF block is no reason to lose the photo
        return 1
    return value if isinstance(value, int) else 1


def _clean_name(name: str) -> str:
    """A file name to show: no folders, no control characters, at most 120 letters."""
    last = re.split(r"[\\/]", name)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:120].strip()


GROUND = (224, 224, 224)
"""The light neutral grey, a photographer's sweep, that transparent pictures are laid over."""

_SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
_UNSEEN = 2
"""A profile that moves no colour by more than this many levels of 255 is sRGB in all but name."""


def convert_to_srgb(picture: Pillow.Image, notes: list[str]) -> Pillow.Image:
    """The picture as mode "RGB", 8 bits, sRGB, transparency laid over `GROUND`; appends to `notes` what was done.

    Raises `Refusal` when nothing of the picture can be seen (fully transparent).
    """
    profile = picture.info.get("icc_profile")
    if picture.mode == "F" or picture.mode.startswith("I"):
        picture = _convert_to_8_bits(picture, notes)
    alpha = picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else None
    base = _drop_alpha(picture, notes)
    if profile:
        base = _apply_profile(base, profile, notes)
    if base.mode == "CMYK":
        notes.append("CMYK inks converted to RGB")
    rgb = base if base.mode == "RGB" else base.convert("RGB")
    return rgb if alpha is None else _lay_over_ground(rgb, alpha, notes)


def _convert_to_8_bits(picture: Pillow.Image, notes: list[str]) -> Pillow.Image:
    """Integer and floating-point greys as mode "L".

    Integers use the range of their depth (12 or 16 bits); floats are read as 0..1 or 0..255 when they lie there.
    Anything else is stretched from its darkest to its lightest.
    """
    tones: NDArray[Any] = np.nan_to_num(np.asarray(picture).astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(tones.min()), float(tones.max())
    if picture.mode == "F":
        ranges, words = (1.0, 255.0), "floating-point tones brought to 8 bits"
    else:
        ranges, words = (255.0, 4095.0, 65535.0), "16-bit tones brought to 8 bits"
    top = next((limit for limit in ranges if high <= limit), 0.0)
    if low < 0 or not top:
        low, top, words = low, high, "tones stretched to 8 bits"
    else:
        low = 0.0
    notes.append(words)
    scaled = (tones - low) * (255.0 / max(top - low, 1e-12))
    return Pillow.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8), "L")


def _drop_alpha(picture: Pillow.Image, notes: list[str]) -> Pillow.Image:
    """The colours without the transparency, in the mode that a colour profile would speak of: L, RGB or CMYK."""
    if picture.mode in ("RGB", "CMYK"):
        return picture
    if picture.mode in ("1", "L", "LA", "La"):
        notes.append("black and white" if picture.mode == "1" else "greyscale")
        return picture.convert("LA").convert("L") if picture.mode == "La" else picture.convert("L")
    if picture.mode == "LAB":
        notes.append("Lab colours converted to sRGB")
        lab = ImageCms.buildTransform(ImageCms.createProfile("LAB"), _srgb(), "LAB", "RGB", _INTENT)
        return ImageCms.applyTransform(picture, lab) or picture
    if picture.mode in ("P", "PA"):
        notes.append("palette colours converted to RGB")
        return picture.convert("RGBA").convert("RGB")
    return picture.convert("RGBA").convert("RGB") if picture.mode == "RGBa" else picture.convert("RGB")


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _apply_profile(base: Pillow.Image, profile: bytes, notes: list[str]) -> Pillow.Image:
    """Colours brought from the embedded ICC profile to sRGB. A profile that can't be used is left out, with a note."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _SPACES.get(ImageCms.core.profile_frombytes(profile).xcolor_space, "")
        if mode == "RGB" and base.mode == "L":
            base = base.convert("RGB")
        if mode != base.mode:
            notes.append("its colour profile belongs to another kind of picture and was left aside")
            return base
        transform = ImageCms.buildTransform(source, _srgb(), mode, "RGB", _INTENT, _FLAGS)
        if mode != "CMYK" and _is_identity(transform, mode):
            return base
        moved = ImageCms.applyTransform(base, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append("its colour profile is damaged and was left aside")
        return base
    notes.append(f"colours converted from {_describe_profile(source)} to sRGB")
    return moved or base


def _is_identity(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a transform leaves a coarse cube of colours (or a ramp of greys) as it is: a whole photo's work saved."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    if mode == "L":
        tile = Pillow.fromarray(steps[None, :], "L")
    else:
        tile = Pillow.fromarray(np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3), "RGB")
    moved = ImageCms.applyTransform(tile, transform)
    before = np.asarray(tile.convert("RGB"), np.int16)
    return bool(np.abs(np.asarray(moved, np.int16) - before).max() <= _UNSEEN)


def _describe_profile(profile: ImageCms.ImageCmsProfile) -> str:
    """What a profile calls itself, shortened: it comes from the file and is shown on the page."""
    words = "".join(letter for letter in ImageCms.getProfileDescription(profile) if letter.isprintable()).strip()
    return words[:40] or "an unnamed profile"


def _lay_over_ground(rgb: Pillow.Image, alpha: Pillow.Image, notes: list[str]) -> Pillow.Image:
    """The picture laid over the neutral ground where it is transparent."""
    thinnest, thickest = alpha.getextrema()
    if thickest == 0:
        raise Refusal(
            "This picture is fully transparent: nothing in it can be seen.", "Export it again with its background."
        )
    if thinnest == 255:
        return rgb
    notes.append("transparency laid over light grey")
    return Pillow.composite(rgb, Pillow.new("RGB", rgb.size, GROUND), alpha)
