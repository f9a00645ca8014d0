"""Dither: noise that keeps a dark, smooth gradient from falling into bands when it is rounded to 8 bits.

Knows where a picture is dark and smooth, and what it would be there between the levels. Refuses to know what is in it.

A photo's own gradient has come in whole levels: it is taken apart by a wide blur, never further than one level away, and noise is
added before it is rounded again. Noise lies in the texture, so it goes with what it lies on and doesn't shimmer. It is a little
soft, for an encoder drops what is finer: of a drawn night sky, after libx264, 34 per mille of the pixels lie on a band's edge
without it, 18 with white noise as strong, 5 with this.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

DARK = (90.0, 115.0)
"""Brightness, 16..235, up to which all noise is added and from which on none: steps of a level are seen in the dark."""

SMOOTH = 3
"""Grey levels between the brightest and the darkest of some fifteen pixels each way: more is texture, or grain of its own."""

STRENGTH = 0.5  # standard deviation in grey levels
GRAIN = 0.8  # of the blur that softens the noise, in pixels of a texture
LEAST = 0.002  # the share of a picture below which it isn't worth the time
_WIDE = 25  # pixels, of the blur that finds what lies between the levels


def place(luma: Image, alpha: Image | None = None) -> Floats | None:
    """How much noise every pixel takes, (H, W) 0..1; None where the picture has nothing dark and smooth to speak of.

    luma: (H, W) 16..235; alpha: (H, W), 255 where luma isn't premultiplied by less.
    """
    small = cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    window = np.ones((7, 7), np.uint8)
    even = cv2.subtract(cv2.dilate(small, window), cv2.erode(small, window)) <= SMOOTH
    if alpha is not None:
        even &= cv2.resize(alpha, small.shape[::-1], interpolation=cv2.INTER_AREA) == 255
    even &= small < DARK[1]
    if even.mean() < LEAST:
        return None
    fading = np.clip((DARK[1] - small.astype(np.float32)) / (DARK[1] - DARK[0]), 0, 1)
    inside = cv2.erode(even.astype(np.float32), np.ones((3, 3), np.uint8)) * fading
    return np.asarray(cv2.resize(cv2.blur(inside, (9, 9)), luma.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def rounded(exact: Floats, where: Floats) -> Image:
    """A brightness (H, W) before rounding as uint8, with noise as much as `where` (0..1) says."""
    between = cv2.blur(cv2.blur(exact, (_WIDE, _WIDE)), (_WIDE, _WIDE))
    change = np.clip(between - exact, -1, 1) + _noise(*exact.shape)
    return np.clip(np.rint(exact + where * change), 0, 255).astype(np.uint8)


def _noise(height: int, width: int) -> Floats:
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
