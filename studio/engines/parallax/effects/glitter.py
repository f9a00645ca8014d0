"""Glitter: the light of small waves on water, by the slope of their facets.

On smooth water, which looks alike wherever it is looked up, this is all that shows of a wave; on rough water little
of it is added.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from studio.engines.parallax.effects import scene_light, sway
from studio.engines.parallax.effects.compositing import Air
from studio.engines.parallax.effects.fog import sight
from studio.engines.parallax.projection import Field, look, solve
from studio.engines.parallax.scene import Floats, Scene
from studio.engines.parallax.shot_setting import Depth
from studio.engines.parallax.yuv import colour_planes
from studio.nouns import Effect

_GRID = 384  # columns or rows of the long side
_CELL = 4  # pixels of the frame to one cell of the grid on which light is laid
_BANDS = (
    (0.4, 7.0, 1.1, 0.6),
    (0.55, 12.0, -3.0, 0.8),
    (0.7, 19.0, 2.3, 0.9),
    (0.9, 29.0, -9.0, 0.7),
    (1.2, 43.0, 14.0, 0.5),
)
_SHINE, _SHADE = 0.34, 0.16  # how far a facet goes towards the sky's light, and how much darker than the water
_ROUGH = 14.0  # levels of the water's own detail beside which a wave's light hardly counts


class Glitter:
    """Light on waves that come nearer: finer and closer towards the horizon, and where the water is smooth."""

    def __init__(self, mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator) -> None:
        scale = _GRID / max(mask.shape)
        size = (max(2, round(mask.shape[1] * scale)), max(2, round(mask.shape[0] * scale)))
        water = cv2.GaussianBlur(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR), (0, 0), 2)
        self._deep = Depth(scene.pivot, scene.gap).of(cv2.resize(scene.disparity, size, interpolation=cv2.INTER_LINEAR))
        self._water = water
        strength = water * _smooth(scene, size) * np.float32(effect.amount)
        x, near, horizon = sway.level(water, scene)
        wet = np.flatnonzero(water.max(1) > 0.002)
        self._top, bottom = (int(wet[0]), int(wet[-1]) + 1) if wet.size else (0, 1)  # rows without water cost nothing
        self._waves: list[tuple[int, Floats, Floats]] = []
        for hertz, deep, wide, share in _BANDS:
            drawn = np.clip(near**2 / (deep * 0.35) * (1 - horizon) * size[1] / 2.2 - 1, 0, 1)
            lean, patch = (_make_noise(near, rng, grain) for grain in (30, 14))
            phase = 2 * math.pi * (deep * 0.35 / near + wide * x / np.sqrt(near)) + rng.uniform(0, 6.28)
            phase = phase + 2.2 * lean  # no crest is as long and straight as a ruler, and none goes on for ever
            part = strength * drawn * np.clip(0.6 + 0.5 * patch, 0, 1.3) * np.float32(share * 0.6)
            waves = ((part * way)[self._top : bottom].astype(np.float32) for way in (np.cos(phase), np.sin(phase)))
            self._waves.append((max(1, round(hertz * seconds)), *waves))
        subject = scene.masks["subject"]
        self._on_subject = float((mask * subject).sum()) > 0.5 * float(mask.sum())
        found = scene_light.light(scene)
        self._sky = (found.brightest, found.blue_sky, found.red_sky)

    def draw(self, air: Air) -> None:
        """Lead brightness and colour of a frame towards the sky's on one side of every wave, and darken the other."""
        height = air.view.size[1]
        found = self._project_facets(air)
        if found is None:
            return
        facing, (top, bottom, left, right) = found
        cells = facing.shape[::-1]
        if air.subject is not None and not self._on_subject:
            cover = cv2.resize(air.subject[top:bottom, left:right], cells, interpolation=cv2.INTER_AREA)
            facing *= 1 - cover * np.float32(1 / 255)
        shine, shade = np.square(np.maximum(facing, 0)) * np.float32(_SHINE), np.minimum(facing, 0) * np.float32(_SHADE)
        for plane, sky, part in zip((air.frame[:height], *colour_planes(air.frame)), self._sky, (1, 2, 2), strict=True):
            here = plane[top // part : bottom // part, left // part : right // part]
            there = cv2.resize(here, cells, interpolation=cv2.INTER_AREA).astype(np.float32)
            change = shine * (np.maximum(sky - there, 0) if part == 1 else sky - there)
            if part == 1:
                change += shade * (there - 16)
            full = cv2.resize(np.rint(change).astype(np.int16), here.shape[::-1], interpolation=cv2.INTER_LINEAR)
            here[:] = cv2.add(here, full, dtype=cv2.CV_8U)

    def _project_facets(self, air: Air) -> tuple[Floats, tuple[int, int, int, int]] | None:
        """How far the water faces the sky (1) or us (-1) in cells over a box of the frame: top, bottom, left, right in
        pixels.
        """
        width, height = air.view.size
        rows, columns = max(1, height // (2 * _CELL)), max(1, width // (2 * _CELL))
        u, way = sight(air.view, (rows, columns), self._deep.shape[::-1])
        at = solve(self._deep, u, way, None, 3)
        wet = look(self._water, at) > 0.01
        down, across = np.flatnonzero(wet.any(1)), np.flatnonzero(wet.any(0))
        if not down.size:
            return None
        rows_in, columns_in = slice(down[0], down[-1] + 1), slice(across[0], across[-1] + 1)
        finer = tuple(
            cv2.resize(
                np.broadcast_to(part, wet.shape)[rows_in, columns_in], None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR
            )
            for part in at
        )
        box = tuple(
            int(end * side // count) // 2 * 2
            for part, side, count in ((rows_in, height, rows), (columns_in, width, columns))
            for end in (part.start, part.stop)
        )
        return look(self._measure_slope(air.t), Field(finer[0], finer[1] - np.float32(self._top))), (
            box[0],
            box[1],
            box[2],
            box[3],
        )

    def _measure_slope(self, t: float) -> Floats:
        total = np.zeros_like(self._waves[0][1])
        for turns, cos, sin in self._waves:
            angle = 2 * math.pi * turns * t
            total += np.float32(math.cos(angle)) * cos + np.float32(math.sin(angle)) * sin
        return total


def _make_noise(near: Floats, rng: np.random.Generator, grain: int) -> Floats:
    """Noise of deviation 1 on the level surface, grain to the width of the picture where it is nearest, finer further
    off.
    """
    rows, columns = near.shape
    noise = cv2.GaussianBlur(rng.standard_normal((rows, columns)).astype(np.float32), (0, 0), columns / grain / 2)
    x, _ = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    far = np.float32(columns / 2) + (x - np.float32(columns / 2)) / np.sqrt(near)
    noise = cv2.remap(noise, far, (0.3 / near * rows).astype(np.float32), cv2.INTER_LINEAR, None, cv2.BORDER_WRAP)
    return (noise / max(float(noise.std()), 1e-6)).astype(np.float32)


def _smooth(scene: Scene, size: tuple[int, int]) -> Floats:
    """How much of a wave's light counts, (h, w): all of it on smooth water, little where the water has detail of its
    own.
    """
    texture = cv2.resize(scene.layers[0].texture, size, interpolation=cv2.INTER_AREA)
    for layer in scene.layers[1:]:
        upper = cv2.resize(layer.texture, size, interpolation=cv2.INTER_AREA)
        texture = cv2.add(cv2.multiply(texture, cv2.merge([255 - upper[..., 3]] * 4), scale=1 / 255), upper)
    gray = cv2.cvtColor(texture, cv2.COLOR_RGBA2GRAY).astype(np.float32)
    detail = cv2.GaussianBlur(np.abs(gray - cv2.GaussianBlur(gray, (0, 0), 3)), (0, 0), 8)
    return (0.25 + 0.75 * np.clip(1 - detail / np.float32(_ROUGH), 0, 1)).astype(np.float32)
