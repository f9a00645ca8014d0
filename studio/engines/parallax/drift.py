"""What runs one way: flowing water and drifting clouds.

Knows a steady velocity at every place. Refuses to know pixels and cameras.

The picture is carried along for a while, fades into a copy that starts again, and so on: two looks, half a period apart,
each weighing nothing at the moment it jumps back. Neighbouring places jump at different moments, so the whole never pulses
(Vlachos, "Water flow in Portal 2", SIGGRAPH 2010). A short clip that needn't loop is simply carried, with no fading.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from studio.engines.parallax.project import Field, look
from studio.engines.parallax.render import Stirred
from studio.engines.parallax.scene import Floats, Scene
from studio.engines.parallax.sway import edge
from studio.nouns import Effect

_WATER_SPEED, _WATER_PERIOD = 0.035, 1.5  # frame sides a second at amount 1, seconds between jumps
_CLOUD_SPEED, _CLOUD_PERIOD = 0.022, 5.0
_CARRY = 0.10  # how far clouds are carried without fading, in frame sides


class Drift:
    """A velocity over the sheets it touches. x, y: (h, w) how far in one period, in fractions of the width and the height."""

    def __init__(self, x: Floats, y: Floats, when: Floats | None, periods: int, sheets: frozenset[str]) -> None:
        """`when`: (h, w) 0..1 the moment of each place's jump; None to carry everything along once, without fading."""
        self.x, self.y, self.when, self.periods, self.sheets = x, y, when, periods, sheets

    def stir(self, at: Field, size: tuple[int, int], t: float) -> Stirred:
        """Places in a map of `size` (w, h), moved; with the second look and its share where there is fading."""
        x, y = look(self.x, at) * size[0], look(self.y, at) * size[1]
        if self.when is None:
            return Stirred(_moved(at, x, y, np.float32(t)))
        first = np.mod(look(self.when, at) + np.float32(self.periods * t), 1)
        second = np.mod(first + np.float32(0.5), 1)
        return Stirred(_moved(at, x, y, first), _moved(at, x, y, second), np.abs(2 * first - 1))

    @property
    def reach(self) -> tuple[float, float]:
        """The furthest the picture's border can be carried, in fractions of its width and height."""
        return edge(np.abs(self.x), 1) / 2, edge(np.abs(self.y), 0) / 2


def _moved(at: Field, x: Floats, y: Floats, phase: Floats | np.float32) -> Field:
    return Field(at.x - x * (phase - np.float32(0.5)), at.y - y * (phase - np.float32(0.5)))


def _steady(way: float, far: Floats) -> tuple[Floats, Floats]:
    """Across and down, for a way in radians and a distance in mean frame sides."""
    rows, columns = far.shape
    mean = math.sqrt(rows * columns)
    across, down = far * (math.cos(way) * mean / columns), far * (math.sin(way) * mean / rows)
    return across.astype(np.float32), down.astype(np.float32)


def _moments(shape: tuple[int, int], grain: float, spread: float, rng: np.random.Generator) -> Floats:
    """Smooth noise over 0..spread; grain in fractions of the long side."""
    noise = cv2.GaussianBlur(rng.standard_normal(shape).astype(np.float32), (0, 0), grain * max(shape))
    return np.asarray(cv2.normalize(noise, np.empty_like(noise), 0, spread, cv2.NORM_MINMAX), np.float32)


def flow(mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator, names: frozenset[str]) -> Drift:
    """Water that runs along the direction, faster where it is near."""
    periods = max(1, round(seconds / _WATER_PERIOD))
    near = 0.35 + 0.9 * cv2.GaussianBlur(scene.disparity, (0, 0), 6)
    far = cv2.GaussianBlur(mask, (0, 0), 2.5) * near * effect.amount * _WATER_SPEED * seconds / periods
    x, y = _steady(math.radians(effect.direction), far)
    return Drift(x, y, _moments(mask.shape, 0.03, 1.0, rng), periods, names)


def clouds(
    mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator, names: frozenset[str], loop: bool
) -> Drift:
    """The sky carried along the direction. Where it is a sheet of its own it moves as a whole, behind the land."""
    whole = "sky" in names
    land = np.ones_like(mask) if whole else cv2.GaussianBlur(mask * mask, (0, 0), 4)
    touched = frozenset({"sky"}) if whole else names
    way, far = math.radians(effect.direction), effect.amount * _CLOUD_SPEED * seconds
    if not loop and far <= _CARRY:
        return Drift(*_steady(way, land * far), None, 1, touched)
    periods = max(1, round(seconds / _CLOUD_PERIOD))
    x, y = _steady(way, land * (effect.amount * _CLOUD_SPEED * seconds / periods))
    return Drift(x, y, _moments(mask.shape, 0.12, 0.6, rng), periods, touched)
