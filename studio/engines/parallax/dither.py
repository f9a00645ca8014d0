"""Dither: noise that keeps a dark, smooth gradient from banding when it is rounded to 8 bits.

A photo's own gradient has come in whole levels: it is taken apart by a wide blur, no further than a rounding away, and
noise is added before it is rounded again. Noise lies in the texture, so it goes with what it lies on and doesn't
shimmer. It is a little soft, for an encoder drops what is finer: of a drawn night sky, after libx264, 34 per mille of
the pixels lie on a band's edge without it, 18 with white noise as strong, 5 with this.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

DARK = (90.0, 115.0)
"""Brightness, 16..235, up to which all noise is added and from which on none: steps of a level are seen in the dark."""

SMOOTH = 2
"""Grey levels between the brightest and the darkest of some fifteen pixels each way: more is texture, or grain of its
own.
"""

STRENGTH = 0.5  # standard deviation in grey levels
GRAIN = 0.8  # of the blur that softens the noise, in pixels of a texture
SLOPE = 0.03
"""Grey levels that a place is, on average, from what lies between the levels there, from which on it takes all noise:
on a level that stays as it is, black bars or a drawing's ground, nothing is to be parted."""

LEAST = 0.002  # the share of a picture below which it isn't worth the time
_REACH = 49  # pixels at half size, over which a slow gradient's levels are looked for
_WIDE = 13  # pixels at half size, of the blur that finds what lies between the levels
_SMALLEST = 64  # pixels of a picture's side


def place(luma: Image, alpha: Image | None = None) -> Floats | None:
    """How dark and smooth every pixel is, (H // 2, W // 2) 0..1; None where the picture has nothing such to speak of.

    luma: (H, W) 16..235; alpha: (H, W), 255 where luma isn't premultiplied by less.
    """
    if min(luma.shape) < _SMALLEST:
        return None
    small = _halve(luma)
    window = np.ones((7, 7), np.uint8)
    even = cv2.subtract(cv2.dilate(small, window), cv2.erode(small, window)) <= SMOOTH
    even &= small < DARK[1]
    if alpha is not None:
        even &= _halve(alpha) == 255
    if even.mean() < LEAST:
        return None
    fading = np.clip((DARK[1] - small.astype(np.float32)) / (DARK[1] - DARK[0]), 0, 1)
    return np.asarray(cv2.erode(even.astype(np.float32), window) * fading, np.float32)


def round_dithered(exact: Floats, where: Floats) -> Image:
    """A brightness (H, W) before rounding as uint8, taken apart and with noise where `place` says."""
    small, size = _halve(exact), exact.shape[::-1]
    around = np.maximum(_blur_widely(where), 1e-6)
    between = _blur_widely(small * where) / around  # of what is dark and smooth alone: no light of a star or a lamp
    reach = (_REACH, _REACH)
    parted = cv2.blur(np.abs(between - small) * where, reach) / np.maximum(cv2.blur(where, reach) * SLOPE, 1e-6)
    share = cv2.blur(np.minimum(where, parted), (5, 5))
    between, share = (cv2.resize(one, size, interpolation=cv2.INTER_LINEAR) for one in (between, share))
    change = np.clip(between - exact, -0.6, 0.6) + _make_noise(*exact.shape)
    return np.clip(np.rint(exact + share * change), 0, 255).astype(np.uint8)


def _halve(plane: NDArray[Any]) -> NDArray[Any]:
    """A plane (H, W) at half its size, (H // 2, W // 2)."""
    return np.asarray(cv2.resize(plane, (plane.shape[1] // 2, plane.shape[0] // 2), interpolation=cv2.INTER_AREA))


def _blur_widely(plane: Floats) -> Floats:
    return np.asarray(cv2.blur(cv2.blur(plane, (_WIDE, _WIDE)), (_WIDE, _WIDE)), np.float32)


def _make_noise(height: int, width: int) -> Floats:
    tile = _tile()
    side = len(tile)
    return np.tile(tile, (-(-height // side), -(-width // side)))[:height, :width]


@cache
def _tile() -> Floats:
    """Noise of a triangular distribution that tiles, (512, 512), softened by GRAIN."""
    chance = np.random.default_rng(7)
    noise = chance.random((512, 512), np.float32) + chance.random((512, 512), np.float32)
    soft = cv2.GaussianBlur(np.pad(noise, 8, mode="wrap"), (0, 0), GRAIN)[8:-8, 8:-8]
    return np.asarray((soft - soft.mean()) * (STRENGTH / soft.std()), np.float32)
