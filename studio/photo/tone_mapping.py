"""Tone mapping: HDR light (PQ, HLG) brought to SDR, its brightest to white, most under reference white as it is.

Luminance alone follows the curve, and a pixel's three lights are scaled alike, so that no hue turns on the way.

Transfers: ITU-R BT.2100-3, tables 4 and 5. Reference white, 203 cd/m²: ITU-R BT.2408-7. Curve: the EETF of ITU-R
BT.2390-11, section 5.4.1, from the picture's own brightest luminance to reference white, with no lift of black.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

REFERENCE_WHITE = 203.0
"""cd/m² of a white sheet of paper in HDR: SDR's white."""

_PQ_TOP = 10_000.0  # cd/m²
_HLG_TOP = 1_000.0  # cd/m² of the display that HLG is read for, whose system gamma is 1.2
_HLG_GAMMA = 1.2
_BRIGHTEST = 99.99  # percentile of luminance that becomes white: a glint of a few pixels doesn't darken the rest
_SRGB_LUMINANCE = np.float32([0.2126, 0.7152, 0.0722])
_EDGE = 5e-4  # of white: what lies no farther outside the gamut is only rounded
_PURE = 1.25
"""Times white up to which a pure colour is darkened rather than paled: Display P3's red is 1.22 of sRGB's."""


def decode_pq(signal: NDArray[Any]) -> NDArray[Any]:
    """Light, 1 for reference white, of a PQ signal of 0..1 (the EOTF)."""
    root = np.power(np.clip(signal, 0, 1), 32 / 2523)
    nits = _PQ_TOP * np.power(np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root), 16384 / 2610)
    return nits / REFERENCE_WHITE


def encode_pq(light: NDArray[Any]) -> NDArray[Any]:
    """The PQ signal of light, 1 for reference white (the inverse EOTF)."""
    power = np.power(np.clip(light, 0, None) * (REFERENCE_WHITE / _PQ_TOP), 2610 / 16384)
    return np.power((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power), 2523 / 32)


def decode_hlg(signal: NDArray[Any]) -> NDArray[Any]:
    """Light of the scene, 0..1, of an HLG signal of 0..1 (the inverse OETF); `ToneMap` makes display light of it."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


def compress(light: NDArray[Any], peak: float) -> NDArray[Any]:
    """Luminance of 0..`peak` brought to 0..1 (both 1 for reference white) by BT.2390's EETF."""
    if peak <= 1:
        return np.minimum(light, 1)
    top = encode_pq(np.float64(peak))
    source = np.minimum(encode_pq(light) / top, 1)
    target = encode_pq(np.float64(1)) / top
    knee = 1.5 * target - 0.5
    t = np.maximum(source - knee, 0) / (1 - knee)
    bent = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * target
    return np.where(source < knee, light, decode_pq(bent * top))


class ToneMap:
    """The curve of one picture, of luminance to luminance."""

    def __init__(self, light: Floats, system: str, luminance: Floats) -> None:
        """`light`: (h, w, 3), what `decode_pq` or `decode_hlg` gave for an even choice of the picture's pixels.

        `system`: "pq" or "hlg". `luminance`: the weights of red, green and blue, float32 (3,).
        """
        self._weights = luminance.reshape(1, 3)
        self._limit = 1.0 if system == "hlg" else _PQ_TOP / REFERENCE_WHITE
        scene = np.linspace(0, 1, 65536) ** 2 * self._limit
        shown = scene**_HLG_GAMMA * (_HLG_TOP / REFERENCE_WHITE) if system == "hlg" else scene
        place = np.sqrt(np.percentile(cv2.transform(light, self._weights), _BRIGHTEST) / self._limit) * 65535
        peak = float(np.interp(place, np.arange(65536), shown))
        self._gains = np.float32(compress(shown, peak) / np.maximum(scene, 1e-12))
        self.is_needed = system == "hlg" or peak > 1

    def apply(self, light: Floats) -> Floats:
        """Some rows of the picture, (h, w, 3) linear light, with the luminance of SDR: 1 is white."""
        root = cv2.sqrt(cv2.max(cv2.transform(light, self._weights), 0))
        places = cv2.multiply(root, 65535 / self._limit**0.5, dtype=cv2.CV_16U)
        return cv2.multiply(light, cv2.cvtColor(cv2.LUT(places, self._gains), cv2.COLOR_GRAY2BGR))


def fit_into_srgb(rgb: Floats) -> None:
    """Bring linear sRGB, (h, w, 3), into 0..1 where it lies outside, in place, hues kept.

    What is more saturated than sRGB can show is paled at its luminance. What is brighter is paled if it is dull, as
    skin and clouds are, and darkened if it is pure, so that a red lamp doesn't turn pink.
    """
    inside = cv2.inRange(rgb, (-_EDGE,) * 3, (1 + _EDGE,) * 3)
    outside = np.flatnonzero(inside.ravel() == 0)
    if not outside.size:
        return
    flat = rgb.reshape(-1, 3)
    colours = np.ascontiguousarray(flat[outside].T)  # planes: NumPy is slow along an axis of three
    grey = np.clip(_SRGB_LUMINANCE @ colours, 0, 1)
    low = colours.min(axis=0)
    colours = np.maximum(grey + (colours - grey) * np.where(low < 0, grey / np.maximum(grey - low, 1e-9), 1), 0)
    high, low = colours.max(axis=0), colours.min(axis=0)
    over = np.maximum(high, 1)
    pale = grey + (colours - grey) * np.where(high > 1, (1 - grey) / np.maximum(high - grey, 1e-9), 1)
    purity = ((high - low) / np.maximum(high, 1e-9)) ** 2 * np.minimum(1, _PURE / over)
    flat[outside] = (pale + (colours / over - pale) * purity).T
