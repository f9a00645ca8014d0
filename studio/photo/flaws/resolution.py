"""Resolution: a crop with fewer pixels than the clip, and the camera's way through it, will show."""

from __future__ import annotations

from studio.nouns import Crop, Mend, Photo, Size
from studio.photo.crop import ENLARGED, SHORT_SIDES, find_largest
from studio.photo.findings import Finding, Remedy
from studio.photo.mend import UPSCALE_MOST

SHORT = 1024
"""The short side, in pixels, that a clip of 720p or 1080p wants: room for the camera in the one, the other nearly
filled. Models that animate were trained on pictures about as large."""

FIRST = 720
"""Under this short side no size is right before the photo is made larger."""

_WIDER = 0.8
"""A crop this much narrower than the largest of its shape leaves pixels unused that would help."""

_WORTH = 360
"""Fewer lines than this are not offered: nobody wants to watch them."""


def judge_resolution(width: int, height: int, photo: Photo, crop: Crop, size: Size = "auto") -> Finding:
    """Whether a crop of this many pixels is too small for a size; `photo` is the whole photo with its pixels as they
    are.
    """
    short = min(width, height)
    if is_enough(short, size):
        return Finding("small", "fine", "There are pixels enough for this size.", f"{width} × {height} px")
    aim = "a clip" if size == "auto" else size
    why = f"{width} × {height} px; {aim} wants {_find_short_side(size)} px on the short side"
    remedies = _list_remedies(short, photo, crop, size)
    return Finding(
        "small",
        "mend" if remedies else "mind",
        _describe_shortage(short, size, remedies),
        why,
        remedies,
        hurts=_rate_shortage(short),
    )


def is_enough(short: int, size: Size) -> bool:
    """Whether a short side of this many pixels is enough for a size. What is enough for "auto" is for the size it
    takes.
    """
    return short >= _find_short_side(size)


def _find_short_side(size: Size) -> int:
    """The short side that a size wants: room to move in is in proportion down to the smallest, and over 1080p what
    "auto" would call nearly filled."""
    if size == "auto":
        return SHORT
    lines = SHORT_SIDES[size]
    return max(SHORT, round(lines / ENLARGED)) if lines >= FIRST else round(SHORT * lines / FIRST)


def _rate_shortage(short: int) -> float:
    return min(0.95, 0.3 + 0.8 * max(0.0, 1 - short / SHORT))


def _describe_shortage(short: int, size: Size, remedies: tuple[Remedy, ...]) -> str:
    if any(remedy.crop for remedy in remedies):
        return "This crop is small for a clip, and the photo has more to give."
    enlarges = any(remedy.mends for remedy in remedies)
    if short < FIRST:
        return "This is small for a clip" + (
            ": upscale it first, which draws detail that was not there." if enlarges else "."
        )
    if short < SHORT:
        more = ": upscaling gives more, and draws detail that was not there." if enlarges else "."
        return "There is little room for the camera to move in" + more
    return f"{size} wants more pixels than there are: it will look soft as the camera moves in."


def _list_remedies(short: int, photo: Photo, crop: Crop, size: Size) -> tuple[Remedy, ...]:
    found: list[Remedy] = []
    full = find_largest(photo, crop.aspect, (crop.x + crop.w / 2, crop.y + crop.h / 2))
    if crop.w < _WIDER * full.w:
        found.append(Remedy("Use more of the photo", crop=full))
    if photo.width * photo.height <= UPSCALE_MOST:
        found.append(Remedy("Upscale 2×", mends=(Mend("upscale"),)))
    smaller: list[Size] = [one for one, lines in SHORT_SIDES.items() if lines >= _WORTH and is_enough(short, one)]
    now = SHORT_SIDES.get(size, FIRST)
    if smaller and SHORT_SIDES[smaller[-1]] < now:
        found.append(Remedy(f"Make it {smaller[-1]}", size=smaller[-1]))
    return tuple(found)
