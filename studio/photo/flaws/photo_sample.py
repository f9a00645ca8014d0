"""The copies of a crop that flaws are measured on, at the three sizes at which they are seen.

A flaw counts where it will be seen. Softness and noise are judged on a copy as large as a 1080p clip, tones on a
small one, and compression in windows of the photo's own pixels, as its grid is lost in any copy.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.nouns import Crop, Photo, replace
from studio.photo.crop import Image, find_pixel_box
from studio.photo.downscale import reduce_by_factor

Floats = NDArray[np.float32]

COPY, SMALL, TINY = 1080, 480, 256
"""The short sides, in pixels, of the copies: as large as a clip, for tones and halos, for the fall of light."""


class Sample(NamedTuple):
    """One crop of one photo.

    crop: the photo's own pixels, (H, W, 3) uint8 RGB; luma: the brightness of the copy, float32 0..255, its short side
    at most 1080 px; small: the crop in colour, at most 480 px; tiny: the whole photo, at most 256 px, in colour.
    """

    crop: Image
    luma: Floats
    small: Image
    tiny: Image


def take_sample(image: Image, photo: Photo, crop: Crop) -> Sample:
    """The sample of a crop. `image` is the whole photo at any size: the crop's fractions are taken of the pixels there
    are.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = find_pixel_box(replace(photo, width=width, height=height), crop)
    part = image[top:bottom, left:right]
    nearly = reduce_by_factor(part, COPY)
    luma = fit_short_side(np.asarray(cv2.cvtColor(nearly, cv2.COLOR_RGB2GRAY), np.uint8), COPY).astype(np.float32)
    small = fit_short_side(nearly, SMALL)
    tiny = fit_short_side(small if part.shape == image.shape else image, TINY)
    return Sample(part, luma, small, tiny)


def fit_short_side(image: Image, short: int) -> Image:
    """A copy with a short side of at most `short` pixels, averaged over what each of its pixels covers."""
    image = reduce_by_factor(image, short)
    height, width = image.shape[:2]
    scale = short / min(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
