"""Photos that are too large to hold whole open at half their size, reduced while they are decoded.

A JPEG's inverse cosine transform gives half the pixels a side for less work than all of them (libjpeg's scaled
decoding); the whole picture is never in memory. A clip of 2160p needs 8.3 megapixels of its crop, so that a quarter of
200 megapixels still leaves room to crop.
"""

from __future__ import annotations

from PIL import Image as Pillow

from studio.nouns import Refusal

WHOLE_PIXELS = 120_000_000
"""Up to this size a photo is held as it is."""
MAX_PIXELS = 250_000_000
"""Up to this size it opens at half its width and height."""
MOST_COEFFICIENTS = 640_000_000
"""Bytes of a progressive JPEG's coefficients, which libjpeg holds all at once, 2 a sample."""

REDUCED = ("JPG", "PNG", "HEIC", "AVIF")
"""Kinds that open reduced, most of their files."""
_SCALED = ("JPEG", "MPO")


def refuse_too_large() -> Refusal:
    """The refusal for a photo that can't be opened at half its size either."""
    return Refusal(
        f"This photo is over {MAX_PIXELS // 1_000_000} megapixels.", "Make it smaller in a photo editor and add that."
    )


def refuse_whole_only(kind: str) -> Refusal:
    """The refusal for a large picture of a kind that is only ever decoded whole."""
    return Refusal(
        f"This {kind} is over {WHOLE_PIXELS // 1_000_000} megapixels, and can't be opened at a smaller size.",
        f"Save it as a JPG of up to {MAX_PIXELS // 1_000_000} megapixels, or make it smaller, and add that.",
    )


def check_pixels(width: int, height: int, kind: str) -> None:
    """Refuse from the header what can't be decoded in a bounded memory; `kind` is the user's name of it."""
    pixels = width * height
    if pixels > MAX_PIXELS:
        raise refuse_too_large()
    if pixels > WHOLE_PIXELS and kind not in REDUCED:
        raise refuse_whole_only(kind)


def reduce_while_decoding(picture: Pillow.Image, notes: list[str]) -> None:
    """Have a JPEG of over `WHOLE_PIXELS` decoded at half its size, said in `notes`; leave any other as it is."""
    width, height = picture.size
    if width * height <= WHOLE_PIXELS or picture.format not in _SCALED:
        return
    if picture.info.get("progressive") and _count_coefficients(picture) > MOST_COEFFICIENTS:
        raise Refusal(
            f"This progressive JPG of {round(width * height / 1e6)} megapixels takes too much memory to open.",
            "Save it as a JPG that isn't progressive, or make it smaller, and add that.",
        )
    picture.draft(None, (width // 2, height // 2))
    notes.append(describe_reduction(width, height, *picture.size))


def needs_parts(picture: Pillow.Image) -> bool:
    """Whether an opened picture is too large to be decoded whole, and no JPEG."""
    return picture.width * picture.height > WHOLE_PIXELS and picture.format not in _SCALED


def describe_reduction(width: int, height: int, wide: int, high: int) -> str:
    """What is said of a photo that opens at a smaller size, as a note on it."""
    return f"{round(width * height / 1e6)} megapixels, opened at {round(wide * high / 1e6)}"


def _count_coefficients(picture: Pillow.Image) -> int:
    """Bytes of all coefficients of a JPEG: 16 bits a sample of every component (Pillow's `layer`: id, h, v, table)."""
    layers = [layer[1] * layer[2] for layer in getattr(picture, "layer", [])]
    return int(2 * picture.width * picture.height * sum(layers) / max(layers, default=1))
