"""Denoising: grain and colour speckle taken out of a photo, its edges and texture left in.

The picture is taken apart into three colours that hold equal noise and into bands of detail (a Laplacian pyramid,
Burt and Adelson 1983). Each place of each band is scaled by Wiener's rule, signal over signal plus noise: once to
guess the signal, and once more with that guess.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.photo.mends.tiles import Image, work_in_tiles

Floats = NDArray[np.float32]
Noise = tuple[tuple[float, ...], ...]
"""The noise of brightness and of the two colours, band by band, the finest first, as deviations in levels (0..255)."""

_APART = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]], np.float32) / np.sqrt(np.array([[3], [2], [6]], np.float32))
"""RGB to brightness, red against blue, green against both: rows of length 1 at right angles, so that noise stays what
it is.
"""

_TOGETHER = np.ascontiguousarray(_APART.T)

_BANDS = (4, 5, 5)
"""Bands of brightness and of the colours: speckle of colour is coarser than grain."""

_WHITE = (0.943, 0.230, 0.101, 0.049, 0.024)
"""What even noise of deviation 1 leaves in each band of the pyramid; measured on four million normal values."""

_SIDES = (16, 12, 8, 6, 4)
"""The side of the blocks in which each band is measured, in its own pixels."""

_QUIET = 3.0
"""The percentile of blocks taken for flat: what varies in them is noise. Fewer in a hundred are flat only where all is
texture, which hides noise anyway."""

_BY_CHANCE = (0.913, 0.870, 0.790, 0.729, 0.618)
"""How far that percentile is below the true deviation in even noise, for each band with its blocks; measured likewise.
"""

_RISE = (1.0, 3.0, 1.25, 1.0, 1.0)
"""How far a band's noise may exceed that of the finer one, both as if even: noise blurred by developing (a Gaussian of
0.8 px) rises by 2.9 and 1.4. What rises more is texture."""

_COLOUR_RISE = (1.0, 10.0, 1.25, 1.0, 1.0)
"""The same for colour: JPEG keeps it at half the size, so that its finest band holds next to nothing."""

_COLOUR = 1.25
"""How much stronger colour is cleaned: the eye sees its speckle at once, and misses little of its detail."""

_GRAIN = 0.12
"""The share of brightness noise that always stays: skin and walls without any look like plastic."""

_TILE, _MARGIN, _PATCH = 1024, 64, 640
_DARK, _LIGHT = 12, 243
"""Levels beyond which noise is cut off by black or white, and says less than there is."""


def denoise(image: Image, amount: float) -> Image:
    """The image, (H, W, 3) uint8 RGB, with its noise lowered; the same shape.

    `amount` 0..1 is how strong the noise is taken to be against what was measured: 0.25 half of it, 0.5 as it is,
    1 half as much again.
    """
    noise, strength = measure_bands(image), min(2 * amount, 0.5 + amount)
    return work_in_tiles(image, lambda part: _clean(part, noise, strength), _TILE, _MARGIN)


def measure_bands(image: Image) -> Noise:
    """The noise of an image, (H, W, 3) uint8 RGB, as if each band held its share of even noise."""
    found: list[list[list[Floats]]] = [[[] for _ in range(count)] for count in _BANDS]
    for patch in _cut_patches(image):
        planes = _split_colours(patch)
        for part, plane in enumerate(planes):
            for band, layer in enumerate(_split_bands(plane, _BANDS[part])[0]):
                energy = _average_blocks(layer * layer, _SIDES[band])
                light = cv2.resize(planes[0], energy.shape[::-1], interpolation=cv2.INTER_AREA) / np.sqrt(3)
                inside = (light > _DARK) & (light < _LIGHT)
                found[part][band].append(energy[inside] if inside.mean() > 0.05 else energy.ravel())
    rises = (_RISE, _COLOUR_RISE, _COLOUR_RISE)
    return tuple(
        _measure_levels([np.concatenate(parts) for parts in bands], rise)
        for bands, rise in zip(found, rises, strict=True)
    )


def _measure_levels(energies: list[Floats], rise: tuple[float, ...]) -> tuple[float, ...]:
    levels: list[float] = []
    for band, energy in enumerate(energies):
        level = float(np.sqrt(np.percentile(energy, _QUIET))) / _BY_CHANCE[band] / _WHITE[band]
        levels.append(min(level, levels[-1] * rise[band]) if band else level)
    return tuple(levels)


def _cut_patches(image: Image) -> Iterator[Image]:
    """The whole of a small image, nine parts of a large one."""
    height, width = image.shape[:2]
    if height * width <= 9 * _PATCH * _PATCH:
        yield image
        return
    for down in range(3):
        for across in range(3):
            top, left = max((height - _PATCH) * down // 2, 0), max((width - _PATCH) * across // 2, 0)
            yield np.ascontiguousarray(image[top : top + _PATCH, left : left + _PATCH])


def _split_colours(image: Image) -> list[Floats]:
    return [np.asarray(plane, np.float32) for plane in cv2.split(cv2.transform(image.astype(np.float32), _APART))]


def _average_blocks(plane: Floats, side: int) -> Floats:
    """The mean of each block of `side` pixels."""
    rows, columns = max(plane.shape[0] // side, 1), max(plane.shape[1] // side, 1)
    whole = plane[: rows * side, : columns * side]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def _split_bands(plane: Floats, bands: int) -> tuple[list[Floats], Floats]:
    """A plane as bands of detail, the finest first, and what is left."""
    layers: list[Floats] = []
    for _ in range(bands):
        half = cv2.pyrDown(plane)
        layers.append(np.asarray(cv2.subtract(plane, cv2.pyrUp(half, dstsize=plane.shape[1::-1])), np.float32))
        plane = np.asarray(half, np.float32)
    return layers, plane


def _clean(image: Image, noise: Noise, strength: float) -> Image:
    planes = _split_colours(image)
    for part, plane in enumerate(planes):
        layers, left = _split_bands(plane, _BANDS[part])
        for band in range(len(layers) - 1, -1, -1):
            level = noise[part][band] * _WHITE[band] * strength * (_COLOUR if part else 1)
            layer = _filter_wiener(layers[band], level, 0.0 if part else _GRAIN)
            left = np.asarray(cv2.add(cv2.pyrUp(left, dstsize=layer.shape[1::-1]), layer), np.float32)
        planes[part] = left
    whole = np.maximum(cv2.transform(cv2.merge(planes), _TOGETHER), 0)
    return np.asarray(cv2.convertScaleAbs(whole), np.uint8)


def _filter_wiener(layer: Floats, level: float, least: float) -> Floats:
    """A band with its noise of deviation `level` lowered, to no less than `least` of what it was anywhere."""
    noise = np.float32(level * level + 1e-6)
    energy = cv2.blur(layer * layer, (5, 5)) + np.float32(1e-6)
    guess = layer * (np.maximum(energy - noise, 0) / energy)
    signal = cv2.blur(guess * guess, (3, 3))
    return np.asarray(layer * np.maximum(signal / (signal + noise), np.float32(least)), np.float32)
