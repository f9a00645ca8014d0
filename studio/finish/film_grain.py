"""Film grain: fine noise in the brightness, strongest in the middle tones, other on every frame, by a seed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.finish.yuv_planes import split_planes

Bytes = NDArray[np.uint8]

STRENGTH = 11.0
"""Deviation in grey levels of grain 1 in the middle tones, at which it is coarse; 0.3 is a fine film's."""

COARSE = 1080.0
"""The frame's shorter side at which a grain is `SIZE` pixels: it is as large in the picture at every size."""

SIZE = 0.75
_PAD = 256


class Grain:
    """The grain of one clip. `amount` 0..1."""

    def __init__(self, amount: float, width: int, height: int, seed: int) -> None:
        self._seed = seed
        noise = np.random.default_rng(seed).standard_normal((height + _PAD, width + _PAD), np.float32)
        sigma = SIZE * min(width, height) / COARSE
        if sigma > 0.3:
            noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma), np.float32)
        self._noise = np.rint(np.clip(noise / noise.std(), -3.5, 3.5) * 36).astype(np.int8)
        share = np.clip((np.arange(256) - 16) / 219, 0, 1)
        weight = 0.25 + 0.75 * np.sin(np.pi * share**0.8) ** 1.2
        weight[share >= 0.999] = 0.0  # white stays white
        self._weight = (amount * STRENGTH / 36 * weight).astype(np.float32)

    def add(self, frame: Bytes, number: int) -> Bytes:
        """An I420 frame with the grain of the clip's frame of this number."""
        made = frame.copy()
        luma = split_planes(made)[0]
        draw = np.random.default_rng((self._seed, number))
        down, across = (int(place) for place in draw.integers(0, _PAD, 2))
        noise = self._noise[down : down + luma.shape[0], across : across + luma.shape[1]]
        if draw.integers(2):
            noise = noise[:, ::-1]
        grown = cv2.multiply(noise, cv2.LUT(luma, self._weight), dtype=cv2.CV_16S)
        luma[:] = np.clip(cv2.add(luma, grown, dtype=cv2.CV_16S), 16, 255).astype(np.uint8)
        return made
