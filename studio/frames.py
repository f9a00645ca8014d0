"""Frames and sound that an engine hands over to be encoded: pixel layouts, shapes, units. The one thing here that isn't
JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from studio.nouns import Choice

Pixels = Literal["rgb24", "yuv420p"]


@dataclass(frozen=True)
class Sound:
    """What a clip sounds like: float32 (channels, samples) in -1..1, and samples a second."""

    samples: NDArray[np.float32]
    rate: int


@dataclass(frozen=True)
class Frames:
    """What an engine hands over: `images` yields uint8 arrays as they are ready, `num_frames` of them.

    pixels "rgb24": (height, width, 3) RGB. pixels "yuv420p": (height * 3 // 2, width), planar I420, BT.709, limited
    range. Width and height are even. `choices` are the engine's automatic choices, whole once the last frame is read.
    `poster` is which of the frames (from 0) stands for the clip: the one that is most nearly the photo itself. An
    engine may hold on to a model until all frames are read, or `images.close()` is called.
    """

    images: Iterator[NDArray[np.uint8]]
    width: int
    height: int
    fps: int
    num_frames: int
    pixels: Pixels = "rgb24"
    choices: Sequence[Choice] = ()
    sound: Sound | None = None
    poster: int = 0
