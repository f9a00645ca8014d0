"""Colour conversion: a decoded picture of any mode becomes 8-bit sRGB (ICC profile, bit depth, palette, alpha).

A `Raster` is a picture that no Pillow mode holds: 16-bit colours, floats, Lab.

What was done to the colours is appended to the notes that the photo keeps.
"""

from __future__ import annotations

import io
from functools import cache
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms

from studio.nouns import Refusal
from studio.photo.colour.colour_tags import HDR, SRGB, Colorimetry, ColourTags, read_icc_gamma
from studio.photo.colour.gamut_conversion import convert_rgb, is_srgb
from studio.photo.crop import Image

GROUND = (224, 224, 224)
"""The light neutral grey, a photographer's sweep, that transparent pictures are laid over."""

_SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
_UNSEEN = 2
"""A profile that moves no colour by more than this many levels of 255 is sRGB in all but name."""


_D50_TO_SRGB = np.array([
    [3.1338561, -0.9787684, 0.0719453], [-1.6168667, 1.9161415, -0.2289914], [-0.4906146, 0.0334540, 1.4052427],
])  # fmt: skip
"""Linear sRGB from XYZ of D50, as columns (http://www.brucelindbloom.com/Eqn_RGB_XYZ_Matrix.html)."""


class Raster(NamedTuple):
    """A decoded picture, (H, W) or (H, W, C): uint8 and uint16 use their whole range or `bits` of it, float32 is 0..1.

    `space`: "grey", "rgb", "cmyk" (0 is no ink) or "lab" (float32: L* 0..100, a* and b*, D50). With `alpha` the last
    channel is opacity, not multiplied in. What the numbers mean stands in `icc` or, where that is None, in
    `colorimetry`.
    """

    samples: NDArray[Any]
    space: Literal["grey", "rgb", "cmyk", "lab"]
    alpha: bool = False
    icc: bytes | None = None
    colorimetry: Colorimetry = SRGB
    bits: int = 0


def convert_raster(raster: Raster, notes: list[str]) -> Image:
    """The picture as uint8 (H, W, 3) sRGB, transparency laid over `GROUND`; appends to `notes` what was done.

    Raises `Refusal` when nothing of the picture can be seen.
    """
    samples = raster.samples if raster.samples.ndim == 3 else raster.samples[..., None]
    bits = raster.bits or 8 * samples.dtype.itemsize
    alpha = Pillow.fromarray(_scale_to_8_bits(samples[..., -1], bits)) if raster.alpha else None
    colours = np.ascontiguousarray(samples[..., :-1]) if raster.alpha else samples
    if raster.icc and raster.space == "rgb" and samples.dtype != np.uint8:
        raster = _replace_profile(raster)
    if raster.space in ("grey", "rgb") and not raster.icc and not is_srgb(raster.colorimetry):
        rgb = Pillow.fromarray(_convert_tagged(colours, raster.colorimetry, bits, notes))
    else:
        rgb = _convert_8_bits(colours, raster, bits, notes)
    return np.asarray(rgb if alpha is None else _lay_over_ground(rgb, alpha, notes), np.uint8)


def _replace_profile(raster: Raster) -> Raster:
    """A deep raster whose profile is colours and a power of light, by what that says instead, for all of its bits."""
    found = read_icc_gamma(raster.icc or b"")
    if found is None:
        return raster
    try:
        name = _describe_profile(ImageCms.ImageCmsProfile(io.BytesIO(raster.icc or b"")))
    except (ImageCms.PyCMSError, OSError):
        return raster
    return raster._replace(icc=None, colorimetry=found._replace(name=name))


def _convert_tagged(colours: NDArray[Any], colorimetry: Colorimetry, bits: int, notes: list[str]) -> Image:
    """Greys or colours, (H, W, 1 or 3), of a colorimetry that isn't sRGB's."""
    if colours.shape[-1] == 1:
        notes.append("greyscale")
        colours = cv2.cvtColor(colours, cv2.COLOR_GRAY2RGB)
    rgb = convert_rgb(colours, colorimetry, bits)
    if colorimetry.transfer in HDR:
        notes.append(f"HDR ({HDR[colorimetry.transfer]}) brought to SDR")
    if colorimetry.transfer not in HDR or colorimetry.primaries != SRGB.primaries:
        notes.append(f"colours converted from {colorimetry.describe()} to sRGB")
    return rgb


def _convert_8_bits(colours: NDArray[Any], raster: Raster, bits: int, notes: list[str]) -> Pillow.Image:
    """Colours of any space brought to 8 bits and then, by the profile if there is one, to sRGB."""
    if raster.space == "lab":
        notes.append("Lab colours converted to sRGB")
        base = Pillow.fromarray(_convert_lab(colours))
    else:
        mode = {"grey": "L", "rgb": "RGB", "cmyk": "CMYK"}[raster.space]
        eight = _scale_to_8_bits(colours, bits)
        base = Pillow.fromarray(np.ascontiguousarray(eight[..., 0] if mode == "L" else eight), mode)
    base = _drop_alpha(base, notes)
    if raster.icc:
        base = _apply_profile(base, raster.icc, notes)
    if base.mode == "CMYK":
        notes.append("CMYK inks converted to RGB")
    return base if base.mode == "RGB" else base.convert("RGB")


def _scale_to_8_bits(samples: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Samples of any of a raster's types, rounded to 8 bits."""
    if samples.dtype == np.uint8 and bits == 8:
        return samples
    if samples.dtype != np.float32 and samples.dtype != np.float64:
        table = np.rint(np.minimum(np.arange(1 << 8 * samples.dtype.itemsize) * (255 / ((1 << bits) - 1)), 255))
        return table.astype(np.uint8)[samples]
    return np.rint(np.clip(np.nan_to_num(samples), 0, 1) * np.float32(255)).astype(np.uint8)


def _convert_lab(lab: NDArray[Any]) -> NDArray[np.uint8]:
    """CIE L*a*b* of D50, (H, W, 3), as 8-bit sRGB (CIE 15:2018, adapted to D65 by Bradford's matrix)."""
    height = (lab[..., 0] + 16) / 116
    steps = np.stack([height + lab[..., 1] / 500, height, height - lab[..., 2] / 200], axis=-1)
    xyz = np.where(steps > 6 / 29, steps**3, (steps - 4 / 29) * (108 / 841)) * (0.96422, 1.0, 0.82521)
    light = np.clip(xyz @ _D50_TO_SRGB, 0, 1)
    return _scale_to_8_bits(np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, light * 12.92), 8)


def convert_to_srgb(picture: Pillow.Image, tags: ColourTags, notes: list[str]) -> Pillow.Image:
    """The picture as mode "RGB", 8 bits, sRGB, transparency laid over `GROUND`; appends to `notes` what was done.

    `tags`: what its file says of its colours.

    Raises `Refusal` when nothing of the picture can be seen (fully transparent).
    """
    if picture.mode == "F" or picture.mode.startswith("I"):
        alpha = _compare_to_key(picture)
        picture = _convert_to_8_bits(picture, notes)
    else:
        alpha = picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else None
    base = _drop_alpha(picture, notes)
    if tags.icc:
        if picture.format in ("HEIF", "AVIF") and tags.icc[16:20] == b"GRAY" and _is_grey(base):
            base = base.getchannel(0)  # a decoder made RGB of a monochrome picture
        base = _apply_profile(base, tags.icc, notes)
    if base.mode == "CMYK":
        notes.append("CMYK inks converted to RGB")
    elif not tags.icc and not is_srgb(tags.colorimetry):
        colours = np.asarray(base.convert("RGB"))
        base = Pillow.fromarray(_convert_tagged(colours, tags.colorimetry, 8, notes))
    rgb = base if base.mode == "RGB" else base.convert("RGB")
    return rgb if alpha is None else _lay_over_ground(rgb, alpha, notes)


def _compare_to_key(picture: Pillow.Image) -> Pillow.Image | None:
    """The opacity of a 16-bit grey PNG, one of whose greys is transparent (tRNS); None where none is."""
    key = picture.info.get("transparency")
    if not isinstance(key, int):
        return None
    return Pillow.fromarray(np.where(np.asarray(picture) == key, np.uint8(0), np.uint8(255)))


def _convert_to_8_bits(picture: Pillow.Image, notes: list[str]) -> Pillow.Image:
    """Integer and floating-point greys as mode "L".

    Integers use the whole range of 16 bits, however dark; floats are read as 0..1 or 0..255 when they lie there.
    Anything else is stretched from its darkest to its lightest.
    """
    tones: NDArray[Any] = np.nan_to_num(np.asarray(picture).astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(tones.min()), float(tones.max())
    if picture.mode == "F":
        ranges, words = (1.0, 255.0), "floating-point tones brought to 8 bits"
    else:
        ranges, words = (65535.0,), "16-bit tones brought to 8 bits"
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
        if _is_degenerate(source):
            raise ValueError("its colours lie on a line")
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


def _is_grey(picture: Pillow.Image) -> bool:
    """Whether the three channels of an RGB picture are alike."""
    if picture.mode != "RGB":
        return False
    red, green, blue = (np.asarray(channel) for channel in picture.split())
    return bool(np.array_equal(red, green) and np.array_equal(green, blue))


def _is_degenerate(profile: ImageCms.ImageCmsProfile) -> bool:
    """Whether a matrix profile's red, green and blue span no space: by such a one LittleCMS makes noise."""
    about = profile.profile
    if not about.is_matrix_shaper or about.xcolor_space != "RGB ":
        return False
    colorants = [about.red_colorant, about.green_colorant, about.blue_colorant]
    if not all(colorants):
        return True
    return not abs(float(np.linalg.det([xyz for xyz, _ in colorants]))) > 1e-4


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
