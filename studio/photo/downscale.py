"""Smaller copies of a picture by area averages, each the quickest way: a whole factor costs a quarter of any other."""

from __future__ import annotations

import cv2
import numpy as np

from studio.photo.crop import Image


def reduce_by_factor(image: Image, short: int) -> Image:
    """A copy whose short side is at least `short` pixels, averaged by the largest whole factor; the image where that is
    1.

    Up to a factor's worth of rows and columns is left out at the right and the bottom.
    """
    times = min(image.shape[:2]) // short
    if times < 2:
        return image
    height, width = (side // times for side in image.shape[:2])
    whole = image[: height * times, : width * times]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def fit_long_side(image: Image, long: int) -> Image:
    """The image with a long side of at most `long` pixels and no side under 8."""
    scale = long / max(image.shape[:2])
    size = (max(round(image.shape[1] * scale), 8), max(round(image.shape[0] * scale), 8))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8) if scale < 1 else image
