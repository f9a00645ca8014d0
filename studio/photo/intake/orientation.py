"""Orientation: which turn makes a stored picture upright, by the marks that its format honours.

The rule is what browsers do. Measured in Chromium 156 by a picture of 120 by 80 px marked 6 (turn right), shown as 80
by 120 where the mark counts; tests/ui/test_orientation_rule.py asks again:

| format | counts | doesn't count |
|---|---|---|
| JPEG | EXIF | XMP alone |
| PNG | eXIf before the pixels | "Raw profile type exif" text, XMP alone, eXIf behind the pixels |
| WebP | EXIF (as in Safari and libvips; Chromium leaves it) | XMP alone |
| AVIF, HEIC | irot and imir (ISO/IEC 23008-12) | EXIF, XMP |
| TIFF | its Orientation tag | XMP |
| JPEG XL | the header's orientation (ISO/IEC 18181-1) | EXIF |
| GIF, BMP, JPEG 2000 | nothing: they have no mark | |
"""

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

_IN_EXIF = ("JPEG", "MPO", "PNG", "WEBP", "AVIF")
"""Formats whose mark Pillow hands over as an EXIF block: for an AVIF it has made that of irot and imir. (libheif has
turned a HEIC already.)
"""

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


def read_orientation(picture: Pillow.Image, otherwise: int = 1) -> int:
    """The orientation of a picture that was opened and not yet loaded: that adds what stands behind a PNG's pixels.

    `otherwise` when there is none, or the EXIF block is beyond reading: a broken one is no reason to lose the photo.
    """
    block = picture.info.get("exif")
    if picture.format not in _IN_EXIF or not isinstance(block, bytes):
        return otherwise
    try:
        exif = Pillow.Exif()
        exif.load(block)
        value = exif.get(ExifTags.Base.Orientation, otherwise)
    except Exception:
        return otherwise
    return value if isinstance(value, int) else otherwise
