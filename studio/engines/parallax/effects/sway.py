"""Sway: displacements of plants in wind, of hair and cloth at their edges, of small waves on water.

Every wave makes a whole number of turns in the clip, a cos(2 pi n t) + b sin(2 pi n t) with a and b fixed at each
place, so a frame costs a few additions on a coarse grid and the last frame leads into the first.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from studio.engines.parallax.projection import Field, look
from studio.engines.parallax.scene import Floats, Scene
from studio.nouns import Effect

GRID = 224  # columns or rows of the long side
_WIND = ((0.21, 2.1, 0.9), (0.43, 4.3, 0.7), (0.8, 8.0, 0.42), (1.3, 13.0, 0.2))  # hertz, waves across the frame, share
_HAIR = ((0.35, 3.0, 0.8), (0.7, 5.5, 0.7), (1.2, 9.0, 0.4))
_WATER = (
    (0.42, 5.0, 2.5, 1.0),
    (0.66, 8.0, -4.0, 0.7),
    (1.05, 13.0, 7.0, 0.45),
)  # hertz, waves in depth, across, share
_LEAST_BENT = 0.22  # of the bend at the top, at the root
_TALLEST = 0.0046  # of the frame's mean side, of one wave of wind at amount 1 where disparity is 1
_HAIR_TALLEST = 0.0042
_LINE = 11  # grey levels a pixel from which a slope behind hair is a line
_HELD = 0.85  # how far a line holds back the edge before it
_WATER_TALLEST = 0.0055


class Wave(NamedTuple):
    """One wave: `turns` in the clip, and what it adds across and down at each turn's cosine and sine, (h, w)."""

    turns: int
    x_cos: Floats
    x_sin: Floats
    y_cos: Floats
    y_sin: Floats


class Sway:
    """A sum of waves over the sheets it touches. Displacements in fractions of the frame's width and height."""

    def __init__(self, waves: tuple[Wave, ...], sheets: frozenset[str]) -> None:
        self.waves, self.sheets = waves, sheets

    def at(self, t: float) -> tuple[Floats, Floats]:
        """How far to look across and down from every place at time t (0..1), (h, w) each."""
        x, y = np.zeros_like(self.waves[0].x_cos), np.zeros_like(self.waves[0].x_cos)
        for wave in self.waves:
            cos, sin = (np.float32(f(2 * math.pi * wave.turns * t)) for f in (math.cos, math.sin))
            x += cos * wave.x_cos + sin * wave.x_sin
            y += cos * wave.y_cos + sin * wave.y_sin
        return x, y

    def displace(self, at: Field, size: tuple[int, int], t: float) -> Field:
        """Places in a map of `size` (w, h), moved."""
        x, y = self.at(t)
        rows, columns = x.shape
        place = Field((at.x + 0.5) * (columns / size[0]) - 0.5, (at.y + 0.5) * (rows / size[1]) - 0.5)
        return Field(at.x + look(x, place) * size[0], at.y + look(y, place) * size[1])

    @property
    def reach(self) -> tuple[float, float]:
        """The furthest the picture's border can be carried, in fractions of its width and height."""
        x = sum((np.hypot(wave.x_cos, wave.x_sin) for wave in self.waves), np.zeros_like(self.waves[0].x_cos))
        y = sum((np.hypot(wave.y_cos, wave.y_sin) for wave in self.waves), np.zeros_like(self.waves[0].x_cos))
        return edge(x, 1), edge(y, 0)


def edge(values: Floats, axis: int) -> float:
    """The largest value near the two ends of an axis."""
    strip = max(2, values.shape[axis] // 16)
    ends = (values[:, :strip], values[:, -strip:]) if axis else (values[:strip], values[-strip:])
    return float(max(end.max() for end in ends))


def _fit(mask: Floats, soft: float = 1.0) -> Floats:
    scale = GRID / max(mask.shape)
    size = (max(2, round(mask.shape[1] * scale)), max(2, round(mask.shape[0] * scale)))
    return np.asarray(cv2.GaussianBlur(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), (0, 0), soft), np.float32)


def _make_grid(shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Places in fractions of the frame, measured alike across and down: the long side is 1."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32) / max(shape)
    return x, y


def _count_turns(hertz: float, seconds: float) -> int:
    return max(1, round(hertz * seconds))


def _make_waves(
    strength: Floats,
    bands: tuple[tuple[float, float, float], ...],
    effect: Effect,
    seconds: float,
    rng: np.random.Generator,
    counts: tuple[Floats, Floats] | None = None,
) -> tuple[Wave, ...]:
    """Waves that travel along the effect's direction and push that way, with a little play across it.

    counts: how far across and down each place counts for the phase, (h, w) 0..1 each; where it is when not given.
    """
    x, y = _make_grid(strength.shape)
    if counts is not None:
        x, y = (
            part * np.float32(side / max(strength.shape))
            for part, side in zip(counts, strength.shape[::-1], strict=True)
        )
    way = math.radians(effect.direction)
    rows, columns = strength.shape
    mean = math.sqrt(rows * columns)
    waves: list[Wave] = []
    for hertz, number, share in bands:
        lean = way + rng.uniform(-0.7, 0.7)
        phase = 2 * math.pi * number * (x * math.cos(lean) + y * math.sin(lean)) + rng.uniform(0, 2 * math.pi)
        push, play = strength * share, strength * share * 0.35
        across = (push * math.cos(way) * mean / columns, -play * math.sin(way) * mean / columns)
        down = (push * math.sin(way) * mean / rows, play * math.cos(way) * mean / rows)
        cos, sin, cos2, sin2 = np.cos(phase), np.sin(phase), np.cos(1.3 * phase + 1), np.sin(1.3 * phase + 1)
        parts = (across[0] * cos + across[1] * cos2, across[0] * sin + across[1] * sin2)
        parts += (down[0] * cos + down[1] * cos2, down[0] * sin + down[1] * sin2)
        waves.append(Wave(_count_turns(hertz, seconds), *(part.astype(np.float32) for part in parts)))
    return tuple(waves)


def wind(mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator) -> tuple[Wave, ...]:
    """Gusts that run through plants along the direction: each bends from its root, the near more than the far.

    What stands up bends as one, for the phase hardly changes along its height; only the short waves flutter.
    """
    near, strength = _fit(scene.disparity, 3), _fit(mask, 1.0)
    root, tall = _find_roots(strength)
    y = _make_grid(strength.shape)[1] * (max(strength.shape) / strength.shape[0])
    bent = np.clip((root - y) / tall, 0, 1)
    grown = (_LEAST_BENT + (1 - _LEAST_BENT) * bent) * np.clip(0.5 + tall, 0.5, 1.2)
    tallest = strength * grown * (0.25 + 0.75 * near) * effect.amount * _TALLEST
    bend = _make_waves(
        tallest * 2.6, _WIND[:2], effect, seconds, rng, (_find_phases(scene, strength.shape), root + 0.2 * (y - root))
    )
    leaves = 1 - 0.9 * _fit(scene.masks["subject"], 1.5)  # they flutter; a flower's head doesn't
    return (*bend, *_make_waves(tallest * leaves * 1.8, _WIND[2:], effect, seconds, rng))


def _find_phases(scene: Scene, shape: tuple[int, ...]) -> Floats:
    """How far across each place counts for the phase of a wave, (h, w) 0..1: a subject is one plant, and bends all at
    once.
    """
    x = _make_grid(shape)[0] * np.float32(max(shape) / shape[1])
    body = _fit(scene.masks["subject"], 2.0)
    total = float(body.sum())
    return x if total < 1 else (x + 0.8 * body * (float((x * body).sum()) / total - x)).astype(np.float32)


def _find_roots(plants: Floats) -> tuple[Floats, Floats]:
    """Where each plant's root is and how tall it is, both in heights of the picture from the top, smooth, (h, w)."""
    rows, columns = plants.shape
    solid = cv2.morphologyEx((plants > 0.3).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    root, tall = np.ones_like(plants), np.full_like(plants, 0.5)
    weight = np.full_like(plants, 1e-4)
    for label in range(1, count):
        left, _, wide, high, area = stats[label]
        if area < 6:
            continue
        here = labels[:, left : left + wide] == label
        foot = np.where(here.any(0), rows - here[::-1].argmax(0), 0).astype(np.float32)[None]
        reach = 2 * (wide // 5) + 1
        foot = cv2.blur(cv2.dilate(foot, np.ones((1, reach), np.uint8)), (reach, 1))
        there = np.nonzero(labels == label)
        root[there], tall[there], weight[there] = foot[0, there[1] - left] / rows, max(high / rows, 0.12), 1
    soft = columns / 24
    total = cv2.GaussianBlur(weight, (0, 0), soft)
    root, tall = (
        np.asarray(cv2.GaussianBlur(part * weight, (0, 0), soft) / total, np.float32) for part in (root, tall)
    )
    return root, tall


def hair(mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator) -> tuple[Wave, ...]:
    """The edges of a region stir, most where they are soft as hair is; its inside, and so a face, stays as it is."""
    small = _fit(mask, 0.8)
    soft = cv2.GaussianBlur(4 * small * (1 - small), (0, 0), 4)
    strength = np.clip(soft / max(float(np.percentile(soft, 99.5)), 1e-3), 0, 1) * _free(scene, mask.shape)
    return _make_waves(strength * effect.amount * _HAIR_TALLEST * 1.6, _HAIR, effect, seconds, rng)


def _free(scene: Scene, shape: tuple[int, ...]) -> Floats:
    """How freely an edge may stir, 0..1: where lines show behind it, they shine through what is thin and would bend
    with it.
    """
    if scene.layers[-1].name != "subject":
        return _fit(np.ones(shape, np.float32))
    behind = next(layer for layer in reversed(scene.layers) if layer.name != "subject").texture
    size = (shape[1], shape[0])
    small = cv2.cvtColor(
        np.asarray(cv2.resize(behind, size, interpolation=cv2.INTER_AREA), np.uint8), cv2.COLOR_RGBA2GRAY
    )
    across, down = (cv2.Sobel(small, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
    lines = (cv2.magnitude(across, down) > _LINE).astype(np.float32)
    return np.asarray(1 - _HELD * np.clip(6 * _fit(lines, 3), 0, 1), np.float32)


def level(mask: Floats, scene: Scene) -> tuple[Floats, Floats, float]:
    """A level surface seen from the side: places across (0..1 of the long side), nearness 0..1, (h, w), and its
    horizon.
    """
    rows = np.flatnonzero(mask.max(1) > 0.1)
    horizon = min(scene.horizon, (rows[0] / mask.shape[0] if rows.size else 0.0) - 0.08)
    x, y = _make_grid(mask.shape)
    down = (y * max(mask.shape) / mask.shape[0] - horizon) / (1 - horizon)
    return x, np.clip(down, 0.08, 1).astype(np.float32), float(horizon)


def ripple(mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator) -> tuple[Wave, ...]:
    """Small waves that come nearer over a level surface: shorter and lower towards its far edge."""
    strength = _fit(mask, 1.2)
    x, near, horizon = level(strength, scene)
    waves: list[Wave] = []
    for hertz, deep, wide, share in _WATER:
        phase = 2 * math.pi * (deep * 0.35 / near + wide * x / np.sqrt(near)) + rng.uniform(0, 2 * math.pi)
        drawn = np.clip(
            near**2 / (deep * 0.35) * (1 - horizon) * strength.shape[0] / 2 - 1, 0, 1
        )  # by the grid, towards the horizon
        tall = strength * share * drawn * effect.amount * _WATER_TALLEST * (0.25 + near)
        cos, sin = (tall * np.cos(phase)).astype(np.float32), (tall * np.sin(phase)).astype(np.float32)
        waves.append(Wave(_count_turns(hertz, seconds), np.float32(0.45) * cos, np.float32(0.45) * sin, sin, -cos))
    return tuple(waves)
