"""Limits of a photo's size in pixels, checked from the header before any pixel is decoded."""

from __future__ import annotations

from studio.nouns import Refusal
from studio.photo.intake.reduced_size import check_pixels

MIN_SIDE = 64
MAX_STRETCH = 20
"""The longest side over the shortest: beyond this a strip, not a photo that can be cropped to any aspect."""


def check_size(width: int, height: int, kind: str) -> None:
    """Raise `Refusal` for what is too large, too small or too long; `kind` is the format's name."""
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
