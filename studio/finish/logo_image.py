"""A logo at its place: scaled, its transparency kept, within what a platform leaves uncovered."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from studio.finish.overlays import Overlay, make_overlay
from studio.finish.title_arrangement import MARGIN, Area
from studio.nouns import Logo, Refusal

MOST_BYTES, MOST_PIXELS, MOST_SIDE = 20_000_000, 50_000_000, 2048
"""Of a logo that is taken in: bytes and pixels of the file; pixels of a side of what is kept."""


def keep_logo(file: Path, dest: Path, name: str) -> None:
    """Write a PNG, WebP or JPEG as a PNG in sRGB, bare of metadata, its transparency kept. Raises `Refusal` for what is
    no such image, or too large."""
    from PIL import Image, ImageCms

    if file.stat().st_size > MOST_BYTES:
        raise Refusal(f"{name} is too large for a logo.", f"Give one of at most {MOST_BYTES // 1_000_000} MB.")
    try:
        with Image.open(file, formats=("PNG", "WEBP", "JPEG")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise Refusal(f"{name} has too many pixels for a logo.", "Make it smaller.")
            picture.thumbnail((MOST_SIDE, MOST_SIDE))
            image, profile = picture.convert("RGBA"), picture.info.get("icc_profile")
        if profile and picture.mode in ("RGB", "RGBA"):
            given, plain = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            if colours := ImageCms.profileToProfile(image.convert("RGB"), given, plain):
                colours.putalpha(image.getchannel("A"))
                image = colours
        clean = Image.frombytes("RGBA", image.size, image.tobytes())
        clean.save(dest, "PNG")
    except (OSError, ValueError, SyntaxError, ImageCms.PyCMSError, Image.DecompressionBombError) as error:
        raise Refusal(f"{name} isn't an image that can be read.", "Give a PNG, WebP or JPEG.") from error


def place_logo(file: Path, logo: Logo, size: tuple[int, int], area: Area, seconds: float) -> Overlay:
    """The logo in a frame of this size (width, height), seen all through the clip. Raises `Refusal`."""
    from PIL import Image

    try:
        with Image.open(file, formats=("PNG",)) as picture:  # attachments are kept as PNG
            image = picture.convert("RGBA")
    except (OSError, ValueError) as error:
        raise Refusal("The logo can't be read.", "Add it again.") from error
    scale = logo.size * min(size) / max(image.size)
    wide, high = (max(1, round(side * scale)) for side in image.size)
    premultiplied = image.convert("RGBa").resize((wide, high), Image.Resampling.LANCZOS).convert("RGBA")
    pixels = np.array(premultiplied)
    pixels[..., 3] = np.rint(pixels[..., 3] * logo.opacity)
    margin = MARGIN * min(size)
    left, right = area.left * size[0] + margin, area.right * size[0] - margin - wide
    top, bottom = area.top * size[1] + margin, area.bottom * size[1] - margin - high
    x = left if "left" in logo.place else right if "right" in logo.place else (left + right) / 2
    y = top if logo.place.startswith("top") else bottom if logo.place.startswith("bottom") else (top + bottom) / 2
    return make_overlay(pixels, round(x), round(y), start=0.0, end=seconds + 1.0, fade=0.0, size=size)
