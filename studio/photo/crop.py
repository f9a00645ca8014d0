"""Crop and clip size: aspects, boxes, pixels.

A crop travels as four fractions of the oriented photo; pixels appear only here, from the full original. Which crop
keeps the subject is in auto_crop.py.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from studio.nouns import LONG_SIDES, Aspect, Choice, Crop, Photo, Refusal, Shot, Size

Image = NDArray[np.uint8]

RATIOS: dict[Aspect, float] = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0, "4:5": 4 / 5, "3:4": 3 / 4, "21:9": 21 / 9}
"""Width over height of every aspect that isn't the photo's own."""

SHORT_SIDES: dict[Size, int] = {
    "240p": 240,
    "360p": 360,
    "480p": 480,
    "720p": 720,
    "1080p": 1080,
    "1440p": 1440,
    "2160p": 2160,
}
"""What each size names: the clip's short side in pixels."""

AUTOMATIC: tuple[Size, ...] = ("1080p", "720p", "480p", "360p")
"""The sizes that "auto" tries, the largest first: 1080p is what every place that takes clips asks for."""

ENLARGED = 1.25
"""How many times "auto" enlarges a crop at most to reach a size: a clip a class smaller looks worse on a phone than so
little.
"""

MIN_SIDE = 64
"""The shortest side of a crop in pixels, where the photo has as many."""

MAX_LONG_SIDE = LONG_SIDES["mp4"]
"""The longest side of a film in pixels."""

_ASPECT_WORDS: dict[str, Aspect] = {
    "own": "photo", "original": "photo", "auto": "photo", "square": "1:1", "wide": "16:9", "landscape": "16:9",
    "vertical": "9:16", "tall": "9:16", "portrait": "4:5", "cinema": "21:9",
}  # fmt: skip
_SIZE_WORDS: dict[str, Size] = {"hd": "720p", "full hd": "1080p", "2k": "1440p", "4k": "2160p", "uhd": "2160p"}


class OutputSize(NamedTuple):
    """The clip's width and height in pixels, both even; `upscale` is over 1 when the crop has to be enlarged to fill
    it.
    """

    width: int
    height: int
    upscale: float
    choice: Choice


def find_ratio(photo: Photo, aspect: Aspect) -> float:
    """Width over height of an aspect; "photo" is the photo's own."""
    return photo.width / photo.height if aspect == "photo" else RATIOS[aspect]


def _measure_largest(photo: Photo, aspect: Aspect) -> tuple[float, float]:
    """Width and height, in fractions, of the largest box of this aspect that the photo holds."""
    if aspect == "photo":
        return 1.0, 1.0
    slope = find_ratio(photo, aspect) * photo.height / photo.width
    return (1.0, 1.0 / slope) if slope >= 1 else (slope, 1.0)


def _place_around(centre: tuple[float, float], w: float, h: float, aspect: Aspect) -> Crop:
    """The box of this size as near to a centre as the photo's edges allow."""
    x = min(max(centre[0] - w / 2, 0.0), 1.0 - w)
    y = min(max(centre[1] - h / 2, 0.0), 1.0 - h)
    return Crop(x, y, w, h, aspect)


def find_largest(photo: Photo, aspect: Aspect, centre: tuple[float, float] = (0.5, 0.5)) -> Crop:
    """The largest crop of an aspect, its centre as near to `centre` (fractions) as the photo's edges allow."""
    w, h = _measure_largest(photo, aspect)
    return _place_around(centre, w, h, aspect)


def settle_crop(photo: Photo, crop: Crop) -> Crop:
    """The crop made good: its aspect exact, inside the photo, and never under 64 pixels where the photo has as many.

    What a browser sends is not trusted. A box of the wrong ratio becomes the largest right one inside it, about the
    same centre; one that makes no sense at all (not finite) becomes the largest in the photo.
    """
    if not all(math.isfinite(value) for value in (crop.x, crop.y, crop.w, crop.h)):
        return find_largest(photo, crop.aspect)
    full_w, full_h = _measure_largest(photo, crop.aspect)
    shortest = min(full_w * photo.width, full_h * photo.height)
    scale = min(crop.w / full_w, crop.h / full_h, 1.0)
    scale = max(scale, min(MIN_SIDE / shortest, 1.0))
    w, h = full_w * scale, full_h * scale
    return _place_around((crop.x + crop.w / 2, crop.y + crop.h / 2), w, h, crop.aspect)


def find_pixel_box(photo: Photo, crop: Crop) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the crop in pixels of the photo; its ratio is the aspect's to within a pixel."""
    good = settle_crop(photo, crop)
    shape = find_ratio(photo, good.aspect)
    if shape >= 1:
        width = round(good.w * photo.width)
        height = min(max(round(width / shape), 1), photo.height)
    else:
        height = round(good.h * photo.height)
        width = min(max(round(height * shape), 1), photo.width)
    left = min(round(good.x * photo.width), photo.width - width)
    top = min(round(good.y * photo.height), photo.height - height)
    return left, top, left + width, top + height


def enclose(photo: Photo, one: Crop, other: Crop, margin: float = 0.0) -> Crop:
    """The smallest crop of the photo's own shape that holds two crops, and where there is room a margin of its side."""
    boxes = (find_pixel_box(photo, one), find_pixel_box(photo, other))
    sizes = (photo.width, photo.height)
    low = [min(each[axis] for each in boxes) / sizes[axis] for axis in (0, 1)]
    high = [max(each[axis + 2] for each in boxes) / sizes[axis] for axis in (0, 1)]
    side = min(1.0, max(high[axis] - low[axis] for axis in (0, 1)) * (1 + 2 * margin))
    return _place_around(((low[0] + high[0]) / 2, (low[1] + high[1]) / 2), side, side, "photo")


def cut_crop(image: Image, photo: Photo, crop: Crop) -> Image:
    """The crop's pixels, as a view of `image`: (H, W, 3), the photo at its full size."""
    left, top, right, bottom = find_pixel_box(photo, crop)
    return image[top:bottom, left:right]


def _round_to_even(value: float) -> int:
    return max(2, 2 * round(value / 2))


def fit_sides(short: int, shape: float, most: int = MAX_LONG_SIDE) -> tuple[int, int]:
    """Even width and height with this short side, scaled down together when the long side would pass `most`."""
    stretch = max(shape, 1 / shape)
    small, large = _round_to_even(short), _round_to_even(short * stretch)
    if large > most:
        small, large = _round_to_even(most / stretch), most
    return (large, small) if shape >= 1 else (small, large)


def count_pixels(shot: Shot) -> int:
    """The crop's short side in pixels of the photo."""
    left, top, right, bottom = find_pixel_box(shot.photo, shot.crop)
    return min(right - left, bottom - top)


def choose_size(short: int, most: Size = AUTOMATIC[0]) -> Size:
    """The size that "auto" takes for a crop with this short side: the largest up to `most` that it fills, or nearly.

    "auto" itself where the crop fills none: it is kept at its own size.
    """
    for size in AUTOMATIC:
        if SHORT_SIDES[size] <= min(SHORT_SIDES[most], short * ENLARGED):
            return size
    return "auto"


def describe_enlargement(short: int, pixels: int) -> str:
    """How many times a crop of so many pixels is enlarged to so many, in words: "slightly", "1.4 times"."""
    return f"{short / pixels:.1f} times" if short / pixels >= 1.095 else "slightly"


def explain_automatic(size: Size, pixels: int) -> str:
    """Why "auto" took this size for a crop with this short side."""
    if size == "auto":
        return f"the crop is {pixels} px on its short side and is kept at its own size, not enlarged"
    if SHORT_SIDES[size] > pixels:
        enlargement = describe_enlargement(SHORT_SIDES[size], pixels)
        return f"{size} is the nearest to the crop's {pixels} px, {enlargement} enlarged"
    if size == AUTOMATIC[0]:
        return f"{size} is sharp wherever it is shown; the crop has {pixels} px"
    return f"{size} is the largest the crop fills without being enlarged much ({pixels} px)"


def _explain_size(size: Size, pixels: int) -> tuple[int, str]:
    """The short side of a size chosen by hand, with a word when the crop has to be enlarged for it."""
    short = SHORT_SIDES[size]
    if short <= pixels:
        return short, f"{size}; the crop has {pixels} px, so nothing is enlarged"
    sharp = next((name for name in reversed(SHORT_SIDES) if 360 <= SHORT_SIDES[name] <= pixels), "auto")
    return short, f"enlarged {describe_enlargement(short, pixels)} from {pixels} px: choose {sharp} to stay sharp"


def find_output_size(shot: Shot) -> OutputSize:
    """The clip's size: the short side that `shot.size` names, the long side from the aspect, both even, and why.

    "auto" is the largest of 1080p, 720p, 480p and 360p that the crop fills or nearly fills (ENLARGED); a crop under
    that keeps its own size. A size chosen by hand is honoured, and the choice says by how much the crop is enlarged.
    What would be longer than 4096 px is scaled down to that, a GIF or WebP to 640 px.
    """
    short = count_pixels(shot)
    if shot.size == "auto":
        size = choose_size(short)
        side, reason = SHORT_SIDES.get(size, short - short % 2), explain_automatic(size, short)
    else:
        side, reason = _explain_size(shot.size, short)
    most = LONG_SIDES[shot.format]
    width, height = fit_sides(side, find_ratio(shot.photo, shot.crop.aspect), most)
    got = min(width, height)
    if got < side - side % 2:
        enlarged = f"; still enlarged {got / short:.1f} times from {short} px" if got > short else ""
        long = f"its long side is held to {most} px, the most that hardware plays"
        loops = f"a {shot.format.upper()} grows quickly: its long side is held to {most} px; MP4 keeps full size"
        reason = (long if most == MAX_LONG_SIDE else loops) + enlarged
    return OutputSize(width, height, got / short, Choice("size", f"{width}x{height}", reason))


def parse_aspect(words: str) -> Aspect:
    """The aspect that a person's words name: "9:16", "9x16", "square", "photo". Raises `Refusal` listing them."""
    plain = re.sub(r"\s*[x×/:]\s*", ":", words.strip().lower())
    known: tuple[Aspect, ...] = get_args(Aspect)
    for aspect in known:
        if plain == aspect:
            return aspect
    if plain in _ASPECT_WORDS:
        return _ASPECT_WORDS[plain]
    raise Refusal(f"There is no aspect called {words!r}.", f"Choose from: {', '.join(known)}.")


def parse_size(words: str) -> Size:
    """The size that a person's words name: "720p", "720", "4k", "auto". Raises `Refusal` listing them."""
    plain = " ".join(words.strip().lower().split())
    known: tuple[Size, ...] = get_args(Size)
    for size in known:
        if plain in (size, size.removesuffix("p")):
            return size
    if plain in _SIZE_WORDS:
        return _SIZE_WORDS[plain]
    raise Refusal(f"There is no size called {words!r}.", f"Choose from: {', '.join(known)}.")
