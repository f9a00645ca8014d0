"""Pixels on their way into a model and out of it: photos fitted to a frame, frames looked at and made uint8.

Knows arrays and pictures. Refuses to know models and plans.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL.Image import Image as Picture

from studio.engines.base import Image
from studio.nouns import Refusal


def fitted(pixels: Image, size: tuple[int, int]) -> Picture:
    """Pixels (H, W, 3) uint8, cut to the frame's ratio already, as a picture of exactly this size."""
    return Pictures.fromarray(np.ascontiguousarray(pixels)).resize(size, Pictures.Resampling.LANCZOS, reducing_gap=3.0)


def finite(frames: NDArray[np.float32]) -> None:
    """Raises `Refusal` when what came out is no picture: some numbers of a first, middle or last frame aren't finite."""
    if not all(np.isfinite(frames[index]).all() for index in (0, len(frames) // 2, -1)):
        raise Refusal(
            "The model's numbers ran over, and there is no picture in them.",
            "Choose another attention kernel or other weights in Settings, or another seed.",
        )


def pictures(frames: NDArray[np.float32]) -> Iterator[NDArray[np.uint8]]:
    """Frames in 0..1 (T, H, W, 3) as uint8, each when it is read."""
    for frame in frames:
        yield (np.clip(frame, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
