"""Inpainting: colours continued smoothly into the hole behind a subject."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.base import Image
from studio.engines.parallax.scene import Floats

SIDE = 416  # pixels of the long side at which colours are continued


def spread(values: Floats, known: Floats) -> Floats:
    """Smoothly continue `values` (h, w) or (h, w, c) from where `known` (h, w) is 1 to where it is 0 (push-pull)."""
    flat = values if values.ndim == 3 else values[..., None]
    levels = [(flat * known[..., None], known)]
    while max(levels[-1][1].shape) > 1:
        sums, weight = levels[-1]
        size = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
        less = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
        mean = cv2.resize(sums, size, interpolation=cv2.INTER_AREA).reshape(*less.shape, -1)
        trust = np.minimum(1, less * 3)
        levels.append((mean * (trust / np.maximum(less, 1e-6))[..., None], trust))
    found = levels[-1][0] / np.maximum(levels[-1][1], 1e-6)[..., None]
    for sums, weight in levels[-2::-1]:
        up = cv2.resize(found, weight.shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(*weight.shape, -1)
        found = sums + (1 - weight)[..., None] * up
    return np.asarray(found, np.float32).reshape(values.shape)


def _shrink(image: NDArray[np.generic], scale: float) -> Floats:
    size = (max(8, round(image.shape[1] * scale)), max(8, round(image.shape[0] * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def smooth(image: Image, hole: Image) -> Image:
    """The picture with its hole filled smoothly. image: (H, W, 3) uint8; hole: (H, W) uint8, not 0 where it is gone."""
    scale = min(1.0, SIDE / max(hole.shape))
    low = spread(_shrink(image, scale), (_shrink(hole, scale) < 1).astype(np.float32))
    full = cv2.resize(np.clip(low, 0, 255).astype(np.uint8), hole.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.copyTo(full, hole, image.copy()), np.uint8)
