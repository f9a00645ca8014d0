"""Mends of a photo: denoise, deblock, contrast, background blur and upscale, applied in their order to its pixels.

The original is never touched: a mended photo is another photo, whose id says what it was made from and how. What each
does to pixels is in mends/, imported when the first one is done; whether one is needed is inspection.py's.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from studio.nouns import Choice, Mend, MendName, Photo, Refusal, Shot, replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Image = NDArray[np.uint8]

UPSCALE = 2
"""How many times wider and higher "upscale" makes a photo."""

UPSCALE_MOST = 6_000_000
"""The most pixels that are upscaled: a minute's work on two cores, and 24 million pixels are more than any clip shows.
"""

ORDER: tuple[MendName, ...] = ("deblock", "denoise", "upscale", "contrast", "background")
"""How mends that are used together are done: what is enlarged or stretched is clean by then."""

_VERSION = 1
"""Raised when a mend comes to do something else: what was kept of the old ones is then no longer found."""


def derive_photo(photo: Photo, mends: tuple[Mend, ...]) -> Photo:
    """The photo that mending makes: an id of its own, and its size. The photo itself where nothing is mended.

    Behind another matte of the phone's another background is blurred.
    """
    if not mends:
        return photo
    own = photo.own_matte if any(mend.name == "background" for mend in mends) and not photo.matte_doubted else ""
    mark = hashlib.sha256(f"{photo.id} {_VERSION} {mends!r}{own and ' ' + own}".encode()).hexdigest()
    times = UPSCALE if any(mend.name == "upscale" for mend in mends) else 1
    return replace(photo, id=mark, width=photo.width * times, height=photo.height * times)


def settle_mends(shot: Shot) -> Shot:
    """The shot of the mended photo, with no mends left to do: what engines and plans are given."""
    return replace(shot, photo=derive_photo(shot.photo, shot.mends), mends=()) if shot.mends else shot


def check_mends(photo: Photo, mends: tuple[Mend, ...]) -> None:
    """Raises `Refusal`, with a remedy, for mends that can't be done to a photo: one twice, or an upscale of a large
    one.
    """
    names = [mend.name for mend in mends]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise Refusal(f"“{twice}” is among the mends twice.", "Keep one of them, and set its amount.")
    if "upscale" in names and photo.width * photo.height > UPSCALE_MOST:
        size = f"{photo.width} × {photo.height}"
        raise Refusal(
            f"This photo is large enough as it is ({size}), so it is not upscaled.", "Take “upscale” out of its mends."
        )


def has_network(weights: Path | None = None) -> bool:
    """Whether the network that gives an upscaled photo new detail is here; `weights` other than those that ship, for a
    test.
    """
    from studio.photo.mends import upscale

    return upscale.has_weights(weights or upscale.WEIGHTS)


def describe_upscaler(weights: Path | None = None) -> Choice:
    """What "upscale" is done with here, "network" or "resampled", and why; `weights` other than those that ship, for a
    test.
    """
    if has_network(weights):
        return Choice("upscale", "network", "a super-resolution network that ships with the studio (Real-ESRGAN)")
    return Choice(
        "upscale", "resampled", "the network's file is not here: the photo is made larger without new detail (Lanczos)"
    )


def apply_mends(image: Image, mends: tuple[Mend, ...], matte: NDArray[np.float32] | None = None) -> Image:
    """The mended image: (H, W, 3) uint8 RGB in, the same out, twice the size after "upscale"; mends are done in their
    order. `matte` is the phone's, (h, w) 0..1 of the whole photo, where it came with one.

    The input is not changed, and is itself what comes back where no mend has an amount. An "upscale" of amount 0 is
    resampled.
    """
    for mend in mends:
        if mend.amount > 0 or mend.name == "upscale":
            image = _find_function(mend, matte)(image, mend.amount)
    return image


def _find_function(mend: Mend, matte: NDArray[np.float32] | None) -> Callable[[Image, float], Image]:
    from studio.photo.mends.background import blur_background
    from studio.photo.mends.contrast import stretch_contrast
    from studio.photo.mends.deblock import deblock
    from studio.photo.mends.denoise import denoise
    from studio.photo.mends.upscale import upscale

    match mend.name:
        case "denoise":
            return denoise
        case "deblock":
            return deblock
        case "contrast":
            return stretch_contrast
        case "background":
            return partial(blur_background, measured=matte)
        case "upscale":
            return upscale


def join_mends(now: tuple[Mend, ...], more: tuple[Mend, ...]) -> tuple[Mend, ...]:
    """The mends with more of them after them, one of a name: each takes its share of what the one before has left."""
    done: dict[MendName, float] = {mend.name: mend.amount for mend in now}
    for mend in sorted(more, key=lambda one: ORDER.index(one.name)):
        left = (1 - done.get(mend.name, 0.0)) * (1 - mend.amount)
        done[mend.name] = round(1 - left, 2)
    return tuple(Mend(name, amount) for name, amount in done.items())
