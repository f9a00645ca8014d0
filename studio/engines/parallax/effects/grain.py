"""Film grain: noise weighted by brightness, over the whole frame and new in every one.

Grain shows most in the mid-tones and least in black and in white, where a film has hardly any, or nothing but, grains.
A grain has a size on the film, so its noise is blurred alike in a large frame and a small one; where it would be
smaller than a pixel many fall into one and even each other out.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.parallax.effects.compositing import Air
from studio.engines.parallax.scene import Floats, Scene
from studio.nouns import Effect

STRENGTH = 9.5  # standard deviation in levels of luma, in mid-tones at amount 1
SIZE = 1 / 1500  # standard deviation of a grain's shape, of the frame's mean side
_SHADOWS, _LIGHTS = 0.28, 0.16  # how much grain is left in black and in white


class Grain:
    """Grain of one shot: the same in every frame of the same number, and so the same after a loop."""

    def __init__(self, mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator) -> None:
        self._amount, self._noise = effect.amount, np.zeros((0, 0), np.int16)
        level = np.clip((np.arange(256) - 16) / 219, 0, 1)
        middle = (4 * level * (1 - level)) ** 0.75
        self._gain = np.rint(256 * (middle + (1 - middle) * (_SHADOWS * (1 - level) + _LIGHTS * level))).astype(
            np.int16
        )
        self._seed = int(rng.integers(2**31))
        self._mask = mask if float(mask.min()) < 1 else None

    def draw(self, air: Air) -> None:
        """Lay it over the frame."""
        width, height = air.view.size
        luma = air.frame[:height]
        gain = cv2.LUT(luma, self._gain)
        if self._mask is not None:
            share = cv2.resize(
                cv2.remap(self._mask, *air.at, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE), (width, height)
            )
            gain = np.rint(gain * share).astype(np.int16)
        cv2.add(luma, cv2.multiply(self._cut(air.t, height, width), gain, scale=4 / 65536), luma, dtype=cv2.CV_8U)
        cv2.max(cv2.min(luma, 235), 16, luma)

    def _cut(self, t: float, height: int, width: int) -> NDArray[np.int16]:
        """The grain of the frame at time t, (height, width): all of one grain, mirrored, from a place of its own."""
        if self._noise.shape != (height, width):
            self._noise = self._make_grain(height, width)
        chance = np.random.default_rng((self._seed, round((t % 1) * 1_000_000)))
        left, top, turn = (int(one) for one in chance.integers((width, height, 4)))
        tile = self._noise[:: -1 if turn & 1 else 1, :: -1 if turn & 2 else 1]
        return np.ascontiguousarray(np.roll(tile, (top, left), (0, 1)))

    def _make_grain(self, height: int, width: int) -> NDArray[np.int16]:
        """Grain as large as the frame, so that nothing in it repeats; each side goes on where the one across begins."""
        sigma = SIZE * float(np.sqrt(height * width))
        noise = np.random.default_rng(self._seed).standard_normal((height, width), dtype=np.float32)
        if sigma > 0.3:
            room = min(height, width, 4 * round(sigma + 1))
            wrapped = cv2.copyMakeBorder(noise, room, room, room, room, cv2.BORDER_WRAP)
            noise = cv2.GaussianBlur(wrapped, (0, 0), sigma)[room:-room, room:-room]
            noise = noise / noise.std()
        fine = min(1.0, 0.55 + 0.75 * sigma)
        return np.rint(noise * 256 * STRENGTH * self._amount * fine / 4).clip(-8191, 8191).astype(np.int16)
