"""Tone mapping: HDR light (PQ, HLG) brought to SDR, its brightest to white, most under reference white as it is.

Luminance alone follows the curve, and a pixel's three lights are scaled alike, so that no hue turns on the way.

Transfers: ITU-R BT.2100-3, tables 4 and 5. Reference white, 203 cd/m²: ITU-R BT.2408-7. Curve: "mobius" of libplacebo,
mpv and FFmpeg, from the picture's own brightest luminance to reference white. BT.2390's EETF is flat at its end: a sky
of twice reference white lost its clouds.
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
_KNEE = 0.5  # of white, from which on luminance is bent: sRGB's level 188
_SHOULDER = 0.8  # of white, from which on a pure colour's strongest light is bent
_PALED = 0.75
"""How far a colour more saturated than sRGB is paled; the rest is clipped. On the edges of BT.2020 and P3 this turns
reds and greens by 2° of Oklab's hue; paling alone turns BT.2020's red by 5° to crimson, clipping alone green by 10°.
"""
_DULL = 0.4  # saturation under which a colour is only paled


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


def roll_off(light: NDArray[Any], knee: float, peak: float) -> NDArray[Any]:
    """Light of 0..`peak` brought to 0..1: as it is up to `knee`, above by a Möbius curve of slope 1 there.

    It never turns flat, so that clouds well over white keep their shapes. A peak of 1 or less changes nothing.
    """
    above = np.maximum(light - knee, 0)
    bend = max(1 / (1 - knee) - 1 / max(peak - knee, 1 - knee), 0)
    return np.minimum(light, knee) + above / (1 + bend * above)


class ToneMap:
    """The two curves of one picture: of luminance, and of what is still brighter than white in pure colours."""

    def __init__(self, light: Floats, system: str, to_srgb: Floats, luminance: Floats) -> None:
        """`light`: (h, w, 3), what `decode_pq` or `decode_hlg` gave for an even choice of the picture's pixels.

        `system`: "pq" or "hlg". `to_srgb`: float32 (3, 3), linear sRGB of light. `luminance`: the weights of red, green
        and blue, float32 (3,).
        """
        self._weights, self._to_srgb = luminance.reshape(1, 3), to_srgb
        self._limit = 1.0 if system == "hlg" else _PQ_TOP / REFERENCE_WHITE
        scene = np.linspace(0, 1, 65536) ** 2 * self._limit
        shown = scene**_HLG_GAMMA * (_HLG_TOP / REFERENCE_WHITE) if system == "hlg" else scene
        place = np.sqrt(np.percentile(cv2.transform(light, self._weights), _BRIGHTEST) / self._limit) * 65535
        peak = float(np.interp(place, np.arange(65536), shown))
        self._gains: Floats | None = None  # by the root of luminance; None: none to be changed
        if system == "hlg" or peak > 1:
            bent = np.minimum(roll_off(shown, _KNEE, peak), 1)
            self._gains = (bent / np.maximum(scene, 1e-12)).astype(np.float32)
        self._purest = float(np.percentile(np.maximum.reduce(cv2.split(self._scale(light))), _BRIGHTEST))

    def apply(self, light: Floats) -> Floats:
        """Linear sRGB, within 0..1 but for rounding, of some rows of the picture, (h, w, 3)."""
        rgb = self._scale(light)
        fit_into_srgb(rgb, self._purest)
        return rgb

    def _scale(self, light: Floats) -> Floats:
        """Linear sRGB, not yet in range, with the luminance of SDR."""
        if self._gains is not None:
            root = cv2.sqrt(cv2.max(cv2.transform(light, self._weights), 0))
            places = cv2.multiply(root, 65535 / self._limit**0.5, dtype=cv2.CV_16U)
            gains = cv2.cvtColor(cv2.LUT(places, self._gains), cv2.COLOR_GRAY2BGR)
            light = np.asarray(cv2.multiply(light, gains), np.float32)
        return np.asarray(cv2.transform(light, self._to_srgb), np.float32)


def fit_into_srgb(rgb: Floats, purest: float) -> None:
    """Bring linear sRGB, (h, w, 3), into 0..1, in place, hues kept.

    What is more saturated than sRGB is paled at its luminance, and clipped for the last quarter of the way. What is
    brighter is paled if it is dull, as skin and clouds are; if it is pure, it is darkened by a curve that makes
    `purest` 1, so that a red lamp stays red and keeps its shades.
    """
    planes = cv2.split(rgb)
    high, low = cv2.max(cv2.max(*planes[:2]), planes[2]), cv2.min(cv2.min(*planes[:2]), planes[2])
    pure = cv2.min(cv2.addWeighted(high, 1 - _DULL, low, -1, 0), cv2.subtract(high, _SHOULDER))
    outside = cv2.subtract(cv2.max(cv2.subtract(high, 1), cv2.subtract(0, low)), _EDGE)
    chosen = np.flatnonzero(cv2.max(pure, outside) > 0)
    if not chosen.size:
        return
    colours = np.stack([plane.ravel()[chosen] for plane in planes])
    grey = np.clip(_SRGB_LUMINANCE @ colours, 0, 1)
    low = np.minimum(low.ravel()[chosen], 0)
    colours = np.maximum(colours + (grey - colours) * (_PALED * low / np.minimum(low - grey, -1e-9)), 0)
    high, low = colours.max(axis=0), colours.min(axis=0)
    pale = grey + (colours - grey) * np.where(high > 1, (1 - grey) / np.maximum(high - grey, 1e-9), 1)
    dark = colours * (roll_off(high, _SHOULDER, purest) / np.maximum(high, 1e-9))
    share = np.clip((1 - low / np.maximum(high, 1e-9) - _DULL) / (1 - _DULL), 0, 1) ** 2
    rgb.reshape(-1, 3)[chosen] = (pale + (dark - pale) * share).T
