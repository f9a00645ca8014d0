"""A logo at its place: scaled, its transparency kept, within what a platform leaves uncovered."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from studio.finish.overlays import Overlay, make_overlay
from studio.finish.title_arrangement import Area, Box, Size, stand_alone
from studio.nouns import Logo, Refusal
from studio.system_errors import raise_known

if TYPE_CHECKING:
    from PIL.Image import Image

GAP, LARGE = 0.03, 0.5
"""What is kept to titles, and how large a logo is that they may stand upon, in shares of the frame's shorter side."""

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
        raise_known(error)
        raise Refusal(f"{name} isn't an image that can be read.", "Give a PNG, WebP or JPEG.") from error


def measure_logo(file: Path, logo: Logo, size: Size, seconds: float) -> Box:
    """The room that a logo takes in a frame of this size. Raises `Refusal`."""
    wide, high = _open_logo(file).size
    scale = logo.size * min(size) / max(wide, high)
    sides = (max(1, round(side * scale)) for side in (wide, high))
    return Box(*sides, logo.place, 0.0, seconds + 1.0, GAP * min(size))


def keeps_clear(logo: Logo) -> bool:
    """Whether titles keep clear of a logo: of one at an edge, unless it is so large that it is a frame or a ground."""
    return logo.size <= LARGE and logo.place.startswith(("top", "bottom"))


def place_logo(file: Path, logo: Logo, size: Size, area: Area, seconds: float) -> Overlay:
    """The logo in a frame of this size (width, height), seen all through the clip. Raises `Refusal`."""
    from PIL import Image

    box = measure_logo(file, logo, size, seconds)
    image = _open_logo(file).convert("RGBa")
    pixels = np.array(image.resize((box.width, box.height), Image.Resampling.LANCZOS).convert("RGBA"))
    pixels[..., 3] = np.rint(pixels[..., 3] * logo.opacity)
    x, y = stand_alone(box, size, area)
    return make_overlay(pixels, x, y, start=0.0, end=box.end, fade=0.0, size=size)


def _open_logo(file: Path) -> Image:
    from PIL import Image

    try:
        with Image.open(file, formats=("PNG",)) as picture:  # attachments are kept as PNG
            return picture.convert("RGBA")
    except (OSError, ValueError) as error:
        raise_known(error)
        raise Refusal("The logo can't be read.", "Add it again.") from error
