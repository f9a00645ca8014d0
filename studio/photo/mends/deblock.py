"""Deblocking: the squares and ripples that strong JPEG compression leaves, taken out while real edges stay.

JPEG's grid and steps are found in the pixels, not in the file: a picture that was saved again still shows them. It is
compressed again as strongly as it was, at sixteen places of the grid, and the results are averaged (Nosratinia,
"Enhancement of JPEG-compressed images by re-application of JPEG", 2001): what depends on where the grid lies averages
out. Colour, which JPEG keeps at half the size, is laid along the edges of the brightness.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.photo.mends.tiles import Image, work_in_tiles

Floats = NDArray[np.float32]


class JpegQuality(NamedTuple):
    """How a picture was compressed: libjpeg's quality 1..100, and whether that was seen or is only supposed."""

    quality: int
    seen: bool


_STEPS = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
"""The steps of brightness at quality 50: ITU-T T.81, table K.1. Other encoders' tables are near multiples of it."""

_LOOKED_AT = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (2, 2), (0, 3), (3, 0))
"""The waves, down and across, whose steps are looked for: the lowest, which are seldom rounded to nothing."""

_SURE = 0.35
"""How well the waves must sit on the steps (the mean cosine of their phase: 1 exactly, 0 by chance) for those to be
believed.
"""

_SUPPOSED = 60
"""The quality a picture is taken to have where no steps are found, as when it was made smaller afterwards."""

_FINER = 0.9
_BLOCKS, _ENOUGH = 6000, 2048
_SHIFTS = tuple((down, across) for down in range(0, 8, 2) for across in range(0, 8, 2))
_SMOOTH = 8.0
"""The variance, at quality 10, below which what is left on flat ground is a ripple: found on the six samples at q 10 to
50.
"""

_ALONG = 16.0
"""The variance of brightness beyond which colour follows its edges: likewise."""

_WIDE = 10
"""How far, in pixels, the ground is evened out where it is flat: beyond a block, whose brightness is rounded to a
terrace.
"""

_TERRACE, _LEVEL = 50.0, 5.0
"""The variance of a terrace's edge and the deviation of flat ground, at quality 10: found likewise."""

_TILE, _MARGIN = 2048, 96


def deblock(image: Image, amount: float) -> Image:
    """The image, (H, W, 3) uint8 RGB, without block edges; the same shape.

    `amount` 0..1 is how coarse the steps are taken to be against those found: 0.5 a tenth finer, which keeps more of
    texture than it leaves of blocks; 1 a third coarser.
    """
    quality = _coarsen(estimate_quality(image).quality, _FINER * min(2 * amount, 0.5 + amount))
    return work_in_tiles(image, lambda part: _smooth(part, quality), _TILE, _MARGIN)


def estimate_quality(image: Image) -> JpegQuality:
    """How strongly a picture was compressed as a JPEG, from its pixels: at the grid's place where one is seen."""
    height, width = image.shape[:2]
    top, left = max(height - _ENOUGH, 0) // 2, max(width - _ENOUGH, 0) // 2
    grey = cv2.cvtColor(image[top : top + _ENOUGH, left : left + _ENOUGH], cv2.COLOR_RGB2GRAY).astype(np.float32)
    if min(grey.shape) < 32:
        return JpegQuality(_SUPPOSED, False)
    waves = _take_dct(grey[_find_phase(grey) :, _find_phase(np.ascontiguousarray(grey.T)) :])
    turned = np.ascontiguousarray(
        waves.transpose(0, 2, 1)
    )  # a camera held upright compresses first and turns afterwards
    fits = np.array([max(_fit(waves, quality), _fit(turned, quality)) for quality in range(1, 96)])
    if float(fits.max()) < _SURE:
        return JpegQuality(_SUPPOSED, False)
    return JpegQuality(int(np.flatnonzero(fits >= 0.9 * fits.max())[0]) + 1, True)


def _find_phase(grey: Floats) -> int:
    """The row, 0..7, where blocks begin: where neighbouring rows differ most against the rows around."""
    steps = np.abs(np.diff(grey[:-1], axis=0)).mean(axis=1)
    jump = steps[1:-1] - (steps[:-2] + steps[2:]) / 2  # jump[i] lies between rows i + 1 and i + 2
    usable = jump[: jump.size // 8 * 8].reshape(-1, 8)
    return (int(np.median(usable, axis=0).argmax()) + 2) % 8


def _take_dct(grey: Floats) -> Floats:
    """The DCT of blocks spread over a picture whose grid begins at its corner: (N, 8, 8), in JPEG's scale."""
    rows, columns = grey.shape[0] // 8, grey.shape[1] // 8
    blocks = grey[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3).reshape(-1, 8, 8)
    blocks = blocks[:: max(len(blocks) // _BLOCKS, 1)] - 128
    inside = np.abs(blocks).max(axis=(1, 2)) < 120  # cut off by black or white, the steps are lost
    turn = _make_dct()
    return np.asarray(turn @ (blocks[inside] if inside.sum() > 50 else blocks) @ turn.T, np.float32)


@cache
def _make_dct() -> Floats:
    """The matrix of the eight-point DCT."""
    return np.asarray(cv2.dct(np.eye(8, dtype=np.float32), flags=cv2.DCT_ROWS).T, np.float32)


def _make_table(quality: int) -> Floats:
    """The steps at a quality 1..100, as libjpeg scales them."""
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    return np.clip(np.floor((_STEPS * scale + 50) / 100), 1, 255).astype(np.float32)


def _fit(waves: Floats, quality: int) -> float:
    """How well the waves sit on a quality's steps, -1..1; 0 where hardly any reaches a step, or steps are too fine to
    see.
    """
    table = _make_table(quality)
    cosines: list[NDArray[np.float32]] = []
    for down, across in _LOOKED_AT:
        step, wave = table[down, across], waves[:, down, across]
        if step >= 3:
            cosines.append(np.cos(2 * np.pi / step * wave[np.abs(wave) > step / 2]))
    every = np.concatenate(cosines) if cosines else np.zeros(0, np.float32)
    return float(every.mean()) if every.size >= 200 else 0.0


def _coarsen(quality: int, times: float) -> int:
    """The quality whose steps are `times` as coarse."""
    scale = (5000 / quality if quality < 50 else 200 - 2 * quality) * times
    return int(np.clip(round(5000 / scale) if scale > 100 else round((200 - scale) / 2), 1, 100))


def _smooth(image: Image, quality: int) -> Image:
    luma, *colours = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb))
    again, coarse = _compress_again(np.asarray(luma, np.uint8), quality), 10 / quality
    even = np.asarray(cv2.ximgproc.guidedFilter(again, again, 3, _SMOOTH * coarse), np.float32)
    flat = _find_flat(even, coarse)
    wide = cv2.ximgproc.guidedFilter(even, even, _WIDE, _TERRACE * coarse**2)
    even += (wide - even) * flat
    size, half = (luma.shape[1], luma.shape[0]), (max(luma.shape[1] // 2, 1), max(luma.shape[0] // 2, 1))
    guide, flat = (cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (even, flat))
    share, radius = min(1.0, 25 / quality), int(np.clip(round(40 / quality), 1, 4))
    planes = [cv2.convertScaleAbs(even)]
    for colour in colours:
        small = cv2.resize(colour, half, interpolation=cv2.INTER_AREA).astype(np.float32)
        near, far = (cv2.ximgproc.guidedFilter(guide, small, reach, _ALONG) for reach in (radius, _WIDE))
        laid = cv2.resize(near + (far - near) * flat, size, interpolation=cv2.INTER_LINEAR)
        planes.append(cv2.addWeighted(laid, share, colour.astype(np.float32), 1 - share, 0, dtype=cv2.CV_8U))
    return np.asarray(cv2.cvtColor(cv2.merge(planes), cv2.COLOR_YCrCb2RGB), np.uint8)


def _find_flat(even: Floats, coarse: float) -> Floats:
    """Where nothing but terraces is left, 0..1: ground that varies less than the steps could make it."""
    window = (2 * _WIDE + 1, 2 * _WIDE + 1)
    mean = cv2.blur(even, window)
    spread = np.maximum(cv2.blur(even * even, window) - mean * mean, 0)
    return np.exp(spread / np.float32(-((_LEVEL * coarse) ** 2))).astype(np.float32)


def _compress_again(luma: Image, quality: int) -> Floats:
    """The brightness compressed at each place of the grid, averaged."""
    height, width = luma.shape
    wide = cv2.copyMakeBorder(luma, 8, 8, 8, 8, cv2.BORDER_REFLECT_101)
    total = np.zeros((height, width), np.float32)
    for down, across in _SHIFTS:
        _, data = cv2.imencode(".jpg", np.ascontiguousarray(wide[down:, across:]), [cv2.IMWRITE_JPEG_QUALITY, quality])
        once = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
        top, left = 8 - down, 8 - across
        cv2.accumulate(np.ascontiguousarray(once[top : top + height, left : left + width]), total)
    again = total / len(_SHIFTS)
    shifted = cv2.blur(
        luma.astype(np.float32) - again, (4 * _WIDE + 1, 4 * _WIDE + 1)
    )  # coarse steps round white to a grey
    return np.asarray(again + shifted, np.float32)
