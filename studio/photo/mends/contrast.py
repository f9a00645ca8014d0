"""Contrast: a tone curve that gives a flat photo its black and its white back, hues kept.

Every colour is its brightness and what it differs from grey by. The brightness follows a curve; the difference grows
with it, and gives way where a colour would leave what can be shown: nothing is cut off and nothing turns towards
another hue.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.photo.mends.tiles import Image, work_in_tiles

Floats = NDArray[np.float32]

_GREY = np.array([[0.299, 0.587, 0.114]], np.float32)
"""Brightness as cv2.COLOR_RGB2GRAY has it (BT.601)."""

_ENDS = (0.3, 99.7)
"""The percentiles of brightness taken for the photo's black and white: a lamp or a speck of dirt is neither."""

_BLACK, _WHITE = 6.0, 249.0
"""The levels they are brought to: what is darker or brighter still keeps room."""

_MOST = 2.2
"""The most that contrast grows: beyond it, the steps of 8 bits and JPEG's blocks would show."""

_BEND = 0.16
"""How much steeper the middle becomes than the ends, at amount 1."""

_FULL, _FULLEST = 0.75, 0.96
"""How full of colour a pixel may become, of what can be shown at its brightness: held back from the first on, to the
second.
"""

_TILE = 1024


class Curve(NamedTuple):
    """What becomes of brightness, 256 levels as float32, and by how much colours are pulled from grey."""

    levels: Floats
    colour: float


def stretch_contrast(image: Image, amount: float) -> Image:
    """The image, (H, W, 3) uint8 RGB, with its brightness spread from black to white; the same shape.

    `amount` 0..1: how far its darkest and brightest parts go there (0.5 three quarters of the way, 1 all of it), and
    how much steeper the middle becomes (0.5: 8 %).
    """
    found = fit_curve(image, amount)
    lift = (found.levels - found.colour * np.arange(256, dtype=np.float32)).reshape(1, 256).astype(np.float32)
    return work_in_tiles(image, lambda part: _spread(part, found, lift), _TILE, 0)


def fit_curve(image: Image, amount: float) -> Curve:
    """The curve that an image's own brightness asks for. It never falls, and keeps 0 and 255 where they are."""
    counts = cv2.calcHist([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)], [0], None, [256], [0, 256]).ravel()
    low, high = (float(np.searchsorted(np.cumsum(counts), share / 100 * counts.sum())) for share in _ENDS)
    high = max(high, low + 1)
    share = 1 - (1 - amount) ** 2
    black, white = low + share * (min(_BLACK, low) - low), high + share * (max(_WHITE, high) - high)
    gain = (white - black) / (high - low)
    if gain > _MOST:
        middle = low + (high - low) * (low - black) / (low - black + white - high)  # the level that stays
        black, white, gain = middle - _MOST * (middle - low), middle + _MOST * (high - middle), _MOST
    levels = np.interp(np.arange(256), [0, low, high, 255], [0, black, white, 255])
    levels -= _BEND * amount * 255 * np.sin(2 * np.pi * levels / 255) / (2 * np.pi)
    soft = cv2.GaussianBlur(np.pad(levels, 16, "reflect", reflect_type="odd").reshape(1, -1), (0, 0), 4)[0, 16:-16]
    return Curve(np.clip(soft, 0, 255).astype(np.float32), gain)


def _spread(image: Image, curve: Curve, lift: Floats) -> Image:
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    rgb = image.astype(np.float32) * np.float32(curve.colour) + cv2.LUT(luma, lift)[..., None]
    grey = np.asarray(np.clip(cv2.transform(rgb, _GREY), 0, 255), np.float32)
    red, green, blue = cv2.split(rgb)
    above = np.asarray(cv2.max(cv2.max(red, green), blue) - grey, np.float32)
    below = np.asarray(grey - cv2.min(cv2.min(red, green), blue), np.float32)
    full = _measure_fullness(above, below, grey)
    before = _measure_fullness(above / curve.colour, below / curve.colour, luma.astype(np.float32))
    room = _FULLEST - _FULL
    soft = np.where(full > _FULL, _FULLEST - room * np.exp((_FULL - full) / room), full)
    kept = np.maximum(soft, np.minimum(full, before)) / np.maximum(full, 1e-3)
    return np.rint(np.clip(grey[..., None] + (rgb - grey[..., None]) * kept[..., None], 0, 255)).astype(np.uint8)


def _measure_fullness(above: Floats, below: Floats, grey: Floats) -> Floats:
    """How much of the room between grey and what can be shown a colour takes: 1 touches the edge."""
    return np.asarray(np.maximum(above / np.maximum(255 - grey, 1), below / np.maximum(grey, 1)), np.float32)
