"""Mipmaps: sheets at several sizes, each frame drawn from the one that suits it, for windows that grow or shrink."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np

from studio.engines.base import Image
from studio.engines.parallax.camera_path import Pose
from studio.engines.parallax.projection import Framing
from studio.engines.parallax.render import Ambience, Renderer
from studio.engines.parallax.sheets import Sheet, halve

BEST = 1.5  # pixels of a texture to one of the frame: the finest that bilinear sampling makes use of
MIXED = (0.35, 0.65)  # between these parts of an octave two levels are mixed, so that no frame is seen to change over


class Levels:
    """Draws frames of sheets through windows of any size. Not for several threads at once."""

    def __init__(
        self, sheets: tuple[Sheet, ...], size: tuple[int, int], half: tuple[float, float], ambience: Ambience | None
    ) -> None:
        """`size`: (width, height) of the frame; `half` of what the sheets cover, in tangents."""
        self._finest, self._size, self._half, self._ambience = sheets, size, half, ambience
        self._made: dict[int, Renderer] = {}

    def paint(self, pose: Pose, t: float) -> Image:
        """The frame of a pose, as `Renderer.paint`."""
        fine = self._finest[0].texture.shape[1] / pose.zoom / self._size[0]
        octave = max(0.0, math.log2(fine / BEST))
        level = int(octave)
        share = min(1.0, max(0.0, (octave - level - MIXED[0]) / (MIXED[1] - MIXED[0])))
        if share in (0.0, 1.0):
            return self._renderer(level + int(share)).paint(pose, t)
        finer, coarser = (self._renderer(one).paint(pose, t) for one in (level, level + 1))
        return np.asarray(cv2.addWeighted(finer, 1 - share, coarser, share, 0), np.uint8)

    def _renderer(self, level: int) -> Renderer:
        if level not in self._made:
            sheets = tuple(_halve_sheet(sheet, level) for sheet in self._finest)
            self._made[level] = Renderer(sheets, self._size, Framing(), self._ambience, self._half)
        return self._made[level]


def _halve_sheet(sheet: Sheet, level: int) -> Sheet:
    """The sheet with its texture halved so many times."""
    texture = sheet.texture
    for _ in range(level):
        texture = halve(texture)
    return replace(sheet, texture=texture, chroma=halve(texture)) if level else sheet
