"""Fog: banks at several distances, each behind what is nearer, with parallax of its own."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.parallax.effects import scene_light
from studio.engines.parallax.effects.compositing import Air
from studio.engines.parallax.effects.overlay import cloudy, mix, tile
from studio.engines.parallax.effects.particles import View
from studio.engines.parallax.projection import Field, homography, look, pull, rays, solve
from studio.engines.parallax.scene import Floats, Scene
from studio.engines.parallax.shot_setting import Depth
from studio.nouns import Effect

BANKS = (22, 48, 68)  # of the scene's disparities, the percentiles at which a bank hangs
_SPEED, _PERIOD = 0.05, 5.0  # frame widths a second of the nearest, seconds
_CELL = 8  # pixels of the frame to one cell of the grid on which fog is made
_SOFT = 0.05  # the disparity over which a bank ends at what stands in it
_AIR = 0.22  # what hangs before the furthest everywhere, between the banks
_THICK = (1.0, 0.9, 0.5)  # of each bank at amount 1, where it is thickest


def sight(view: View, shape: tuple[int, int], size: tuple[int, int]) -> tuple[Field, Field]:
    """For (rows, columns) of cells over a frame: rays, and how far each is pulled per unit of disparity, in a map's
    pixels.
    """
    rows, columns = shape
    x = ((np.arange(columns, dtype=np.float32) + 0.5) * (2 / columns) - 1)[None] * np.float32(view.half[0])
    y = ((np.arange(rows, dtype=np.float32) + 0.5) * (2 / rows) - 1)[:, None] * np.float32(view.half[1])
    u = rays(homography(view.pose, view.framing, view.half, size), x, y)
    return u, pull(view.pose.centre, u, view.half, size)


def plane(u: Field, way: Field, d: float) -> Field:
    """Where a plane at one disparity is looked at."""
    return Field(u.x + np.float32(d) * way.x, u.y + np.float32(d) * way.y)


class Fog:
    """Thin fog that passes along the direction, thicker in the distance; it stands behind the subject."""

    def __init__(self, mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator) -> None:
        rows, columns = mask.shape
        self._size = (columns, rows)
        deep = Depth(scene.pivot, scene.gap)
        behind = scene.masks["subject"] < 0.3
        behind = behind if behind.mean() > 0.05 else np.ones(mask.shape, bool)
        self._near = scene.disparity.copy()
        banks = np.percentile(scene.disparity[behind], BANKS) + 0.03
        self._deep, self._banks = deep.of(scene.disparity), tuple(float(bank) for bank in banks)
        self._planes = tuple(float(deep.of(np.float32(bank))) for bank in banks)
        self._heights = tuple(_make_profile(scene.disparity, behind, bank) for bank in self._banks)
        self._weight = cv2.GaussianBlur(mask, (0, 0), 5) * np.float32(effect.amount)
        self._noise = tuple((cloudy(rng, 2.0), cloudy(rng, 2.0)) for _ in BANKS)
        self._periods = max(1, round(seconds / _PERIOD))
        way, far = math.radians(effect.direction), _SPEED * seconds / self._periods
        self._way = (far * math.cos(way), far * math.sin(way))
        found = scene_light.light(scene)
        luma = float(np.clip(0.35 * found.ambient + 0.6 * found.brightest, 60, 208))
        self._colour = (round(luma), round(0.6 * found.blue_sky + 0.4 * 130), round(0.6 * found.red_sky + 0.4 * 127))

    def draw(self, air: Air) -> None:
        """Lay the banks over a frame, the furthest first: what is nearer than one stands clear before it."""
        width, height = air.view.size
        u, way = sight(air.view, (-(-height // _CELL), -(-width // _CELL)), self._size)
        at = solve(self._deep, u, way, None, 3)
        near = look(self._near, at)
        clear = 1 - np.float32(_AIR) * np.clip(1 - near / np.float32(self._banks[-1]), 0, 1)
        for index, (bank, deep) in enumerate(zip(self._banks, self._planes, strict=True)):
            thick = self._sample_bank(index, plane(u, way, deep), air.t)
            clear *= 1 - thick * np.clip((np.float32(bank) - near) / np.float32(_SOFT) + np.float32(0.5), 0, 1)
        mix(air.frame, look(self._weight, at) * (1 - clear), self._colour, air.subject)

    def _sample_bank(self, index: int, at: Field, t: float) -> Floats:
        """How thick a bank is, 0..1: two drifting looks at its noise, each fading out before it starts again."""
        size = 0.5 + 0.9 * self._banks[index]  # a near bank's wisps are larger, and pass faster
        x, y = at.x * np.float32(0.42 / size / self._size[0]), at.y * np.float32(1.25 / size / self._size[0])
        total = np.zeros_like(x)
        for noise, start in zip(self._noise[index], (0.0, 0.5), strict=True):
            phase = (self._periods * t + start + index / len(BANKS)) % 1
            share = math.sin(math.pi * phase)  # powers add up to one, so the fog's contrast never pulses
            moved = tile(noise, x - self._way[0] * (phase - 0.5) * 0.6, y - self._way[1] * (phase - 0.5))
            total += np.float32(share) * (moved - 0.5)
        return np.clip(0.42 + 1.25 * total, 0, 1) * np.float32(_THICK[index]) * look(self._heights[index], at)


def _make_profile(disparity: Floats, behind: NDArray[np.bool_], bank: float) -> Floats:
    """How thick a bank is at every height: it lies where its distance meets the ground, and thins out above."""
    rows = disparity.shape[0]
    weight = np.exp(-(((disparity - bank) / 0.06) ** 2)) * behind
    down = np.arange(rows, dtype=np.float32)
    foot = float(weight.sum(1) @ down / max(float(weight.sum()), 1e-6)) / rows
    up = np.clip(foot + 0.05 - down / rows, 0, 1) / (0.16 + 0.3 * bank)
    return np.repeat(np.exp(-(up**2)).astype(np.float32)[:, None], disparity.shape[1], 1) * np.float32(
        0.75
    ) + np.float32(0.25)
