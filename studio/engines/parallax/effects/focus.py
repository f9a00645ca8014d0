"""Focus that slowly comes and goes: a layer's texture, blurred more and less."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np

from studio.engines.base import Image
from studio.engines.parallax.scene import Floats, Scene
from studio.engines.parallax.sheets import Sheet
from studio.nouns import Effect

LEVELS = 4
_WIDEST = 0.0075  # of the long side: the blur's sigma at amount 1
_PERIOD = 5.0  # seconds from sharp to soft and back


class Focus:
    """Blends between a few blurs of the texture, made once: what the mask covers goes soft and comes back."""

    def __init__(self, mask: Floats, scene: Scene, effect: Effect, seconds: float, sheets: frozenset[str]) -> None:
        self.sheets = sheets
        behind = (
            np.clip((scene.pivot + 0.05 - scene.disparity) / 0.25, 0, 1)
            if effect.region == "auto"
            else np.ones_like(mask)
        )
        self._mask = cv2.GaussianBlur(mask * behind, (0, 0), 3).astype(np.float32)
        self._amount, self._turns = effect.amount, max(1, round(seconds / _PERIOD))
        self._blurs: dict[tuple[str, tuple[int, ...]], tuple[tuple[Image, Image], ...]] = {}

    def sheet(self, sheet: Sheet, t: float) -> Sheet:
        """The sheet as sharp as it is at time t: sharp at the start, softest half-way."""
        which = (sheet.name, sheet.texture.shape)
        if which not in self._blurs:
            self._blurs[which] = self._prepare(sheet)
        soft = (1 - math.cos(2 * math.pi * self._turns * t)) / 2 * (LEVELS - 1)
        level = min(int(soft), LEVELS - 2)
        share = soft - level
        (texture, chroma), (texture2, chroma2) = self._blurs[which][level : level + 2]
        if share < 1e-3:
            return replace(sheet, texture=texture, chroma=chroma)
        return replace(
            sheet,
            texture=cv2.addWeighted(texture, 1 - share, texture2, share, 0),
            chroma=cv2.addWeighted(chroma, 1 - share, chroma2, share, 0),
        )

    def _prepare(self, sheet: Sheet) -> tuple[tuple[Image, Image], ...]:
        levels = [(sheet.texture, sheet.chroma)]
        for level in range(1, LEVELS):
            sigma = _WIDEST * self._amount * level / (LEVELS - 1)
            levels.append((_blur(sheet.texture, sigma, self._mask), _blur(sheet.chroma, sigma, self._mask)))
        return tuple(levels)


def _blur(texture: Image, sigma: float, mask: Floats) -> Image:
    """The texture blurred by sigma (of its long side) where the mask is 1."""
    height, width = texture.shape[:2]
    soft = cv2.GaussianBlur(texture, (0, 0), max(0.3, sigma * max(height, width)), borderType=cv2.BORDER_REPLICATE)
    share = np.ascontiguousarray(np.clip(cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1))
    return np.asarray(cv2.blendLinear(soft, texture, share, 1 - share), np.uint8)
