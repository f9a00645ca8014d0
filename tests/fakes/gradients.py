"""Gradients: a stand-in for an engine's frames, drawn with numpy, each different from the last."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from studio.frames import Frames, Pixels, Sound
from studio.nouns import Photo, Shot

SHOT = Shot(Photo("0" * 64, 640, 480, "gradient.jpg"))


def picture(width: int, height: int, index: int) -> NDArray[np.uint8]:
    """An RGB gradient (height, width, 3) that wanders a little with `index`."""
    across = np.linspace(0, 200, width) + index * 7 % 50
    down = np.linspace(0, 200, height)[:, None]
    return np.stack(np.broadcast_arrays(across, down, across / 2 + down / 2), -1).astype(np.uint8)


def frames(
    num_frames: int = 24, width: int = 320, height: int = 240, fps: int = 24, pixels: Pixels = "rgb24", breaks_at: int = -1
) -> Frames:
    """Frames of a moving gradient; at `breaks_at` the stand-in fails as an engine might."""

    def images() -> Iterator[NDArray[np.uint8]]:
        for index in range(num_frames):
            if index == breaks_at:
                raise ArithmeticError("the engine broke")
            if pixels == "rgb24":
                yield picture(width, height, index)
            else:
                yield np.full((height * 3 // 2, width), 90 + index * 7 % 50, np.uint8)

    return Frames(images(), width, height, fps, num_frames, pixels)


def tone(seconds: float, rate: int = 48_000, channels: int = 2, loud: float = 0.4) -> Sound:
    """A steady A: float32 (channels, samples)."""
    wave = loud * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return Sound(np.stack([wave] * channels).astype(np.float32), rate)
