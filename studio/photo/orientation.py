"""Orientation: which turn makes a stored picture upright, by the marks that its format honours."""

from __future__ import annotations

from PIL import ExifTags
from PIL import Image as Pillow

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

SIDEWAYS = {TURNS[mark] for mark in (5, 6, 7, 8)}
"""The turns that exchange width and height."""
_FROM_THE_END = {TURNS[mark] for mark in (3, 4, 7, 8)}
"""The turns that begin with the last row of what is stored, or with its last column."""


def find_strip(
    size: tuple[int, int], turn: Pillow.Transpose | None, top: int, bottom: int
) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) of a stored picture, (width, height), that becomes some upright rows."""
    width, height = size
    length = width if turn in SIDEWAYS else height
    first, last = (length - bottom, length - top) if turn in _FROM_THE_END else (top, bottom)
    return (first, 0, last, height) if turn in SIDEWAYS else (0, first, width, last)


def read_orientation(picture: Pillow.Image) -> int:
    """The EXIF orientation, 1 when there is none or the EXIF block is beyond reading."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # a broken EXIF block is no reason to lose the photo
        return 1
    return value if isinstance(value, int) else 1
