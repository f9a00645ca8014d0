"""RGB numbers of any primaries and transfer to 8-bit sRGB, exact to half a level: table, matrix, table, in strips.

What lies outside sRGB is clipped, as colour management with a matrix profile does; HDR is tone-mapped (tone_mapping).
"""

from __future__ import annotations

from collections import deque
from functools import cache, lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.helper_threads import Helpers
from studio.photo.colour.colour_tags import HDR, SRGB, Colorimetry
from studio.photo.colour.tone_mapping import Floats, ToneMap, decode_hlg, decode_pq
from studio.photo.crop import Image

_STRIP = 1 << 15  # pixels worked on at a time: four times as many take three times as long, most of it for fresh memory
_LOOKED_AT = 150_000  # pixels from which the brightest of a picture are taken
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_SMALLEST = 5e-4  # of white: a matrix nearer than this to no change is none


def convert_rgb(samples: NDArray[Any], colorimetry: Colorimetry, bits: int) -> Image:
    """Samples, (H, W, 3) uint8 or uint16 of which `bits` are used, or float32 0..1, as uint8 (H, W, 3) sRGB."""
    if samples.dtype == np.float32:
        samples, bits = cv2.multiply(samples, 65535.0, dtype=cv2.CV_16U), 16
    table = make_decode_table(colorimetry, bits, samples.dtype.itemsize)
    to_xyz = convert_to_xyz(colorimetry.primaries)
    matrix = np.float32(np.linalg.inv(convert_to_xyz(SRGB.primaries)) @ to_xyz)
    tone = None
    if colorimetry.transfer in HDR:
        tone = ToneMap(cv2.LUT(_choose(samples), table), colorimetry.transfer, matrix, np.float32(to_xyz[1]))
    height, width = samples.shape[:2]
    image = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP // width)

    def convert(top: int) -> None:
        light = cv2.LUT(samples[top : top + rows], table)
        light = cv2.transform(light, matrix) if tone is None else tone.apply(light)
        image[top : top + rows] = cv2.LUT(cv2.multiply(light, 65535.0, dtype=cv2.CV_16U), _make_encode_table())

    with Helpers(2, "colour") as pool:
        deque(pool.map(convert, range(0, height, rows)), 0)
    return image


def is_srgb(colorimetry: Colorimetry) -> bool:
    """Whether numbers of this colorimetry are sRGB's in all but name."""
    change = np.linalg.inv(convert_to_xyz(SRGB.primaries)) @ convert_to_xyz(colorimetry.primaries)
    return colorimetry.transfer == "srgb" and not colorimetry.narrow and np.abs(change - np.eye(3)).max() < _SMALLEST


def make_decode_table(colorimetry: Colorimetry, bits: int, size: int) -> Floats:
    """The light of every number of `size` bytes of which `bits` are used: 1 is white, or reference white in HDR."""
    codes = np.minimum(np.arange(1 << 8 * size), (1 << bits) - 1)
    signal = codes / ((1 << bits) - 1)
    if colorimetry.narrow:  # H.273: 16 to 235 of 8 bits, shifted up for more
        signal = np.clip((codes / (1 << bits - 8) - 16) / 219, 0, 1)
    transfer = colorimetry.transfer
    if transfer == "pq":
        light = decode_pq(signal)
    elif transfer == "hlg":
        light = decode_hlg(signal)
    elif transfer == "st428":
        light = signal**2.6 * (52.37 / 48)
    elif transfer == "linear":
        light = signal
    elif transfer.startswith("gamma "):
        light = signal ** float(transfer.removeprefix("gamma "))
    else:
        light = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


@cache
def _make_encode_table() -> NDArray[np.uint8]:
    """The 8-bit sRGB level (IEC 61966-2-1) of light of 16 bits."""
    light = np.arange(65536) / 65535
    level = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(level * 255).astype(np.uint8)


@lru_cache(64)
def convert_to_xyz(primaries: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """The matrix from linear RGB to XYZ of D65; another white is adapted to it by Bradford's matrix (SMPTE RP 177)."""
    columns = np.array([(x, y, 1 - x - y) for x, y in primaries]).T
    white = columns[:, 3] / columns[1, 3]
    matrix = columns[:, :3] * np.linalg.solve(columns[:, :3], white)
    x, y = SRGB.primaries[3]
    cones, wanted = _BRADFORD @ white, _BRADFORD @ np.array([x / y, 1, (1 - x - y) / y])
    return np.linalg.inv(_BRADFORD) @ np.diag(wanted / cones) @ _BRADFORD @ matrix


def _choose(samples: NDArray[Any]) -> NDArray[Any]:
    """An even choice of a picture's pixels, some hundred thousand at most."""
    step = max(1, round((samples.shape[0] * samples.shape[1] / _LOOKED_AT) ** 0.5))
    return np.ascontiguousarray(samples[step // 2 :: step, step // 2 :: step])
