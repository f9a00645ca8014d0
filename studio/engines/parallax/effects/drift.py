"""Flow that runs one way: water and drifting clouds, as displacements that repeat without a seam.

The picture is carried along for a while, fades into a copy that starts again, and so on: two looks, half a period
apart, each weighing nothing at the moment it jumps back. Neighbouring places jump at different moments, so the whole
never pulses (Vlachos, "Water flow in Portal 2", SIGGRAPH 2010). A short clip that needn't loop is simply carried, with
no fading.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from studio.engines.parallax.effects.sway import edge
from studio.engines.parallax.projection import Displacement, Field, look
from studio.engines.parallax.scene import Floats, Scene
from studio.nouns import Effect

_WATER_SPEED, _WATER_PERIOD = 0.035, 1.5  # frame sides a second at amount 1, seconds between jumps
_CLOUD_SPEED, _CLOUD_PERIOD = 0.022, 5.0
_HARD = 22  # grey levels by which something finer than clouds differs from its surroundings
_SUN = 251  # grey levels from which a small part of the sky is the sun
_CARRY = 0.10  # how far clouds are carried without fading, in frame sides


class Drift:
    """A velocity over the sheets it touches. x, y: (h, w) how far in one period, in fractions of the width and the
    height.
    """

    def __init__(self, x: Floats, y: Floats, when: Floats | None, periods: int, sheets: frozenset[str]) -> None:
        """`when`: (h, w) 0..1 the moment of each place's jump; None to carry everything along once, without fading."""
        self.x, self.y, self.when, self.periods, self.sheets = x, y, when, periods, sheets

    def displace(self, at: Field, size: tuple[int, int], t: float) -> Displacement:
        """Places in a map of `size` (w, h), moved; with the second look and its share where there is fading."""
        x, y = look(self.x, at) * size[0], look(self.y, at) * size[1]
        if self.when is None:
            return Displacement(_move(at, x, y, np.float32(t)))
        first = np.mod(look(self.when, at) + np.float32(self.periods * t), 1)
        second = np.mod(first + np.float32(0.5), 1)
        return Displacement(_move(at, x, y, first), _move(at, x, y, second), np.abs(2 * first - 1))

    @property
    def reach(self) -> tuple[float, float]:
        """The furthest the picture's border can be carried, in fractions of its width and height."""
        return edge(np.abs(self.x), 1) / 2, edge(np.abs(self.y), 0) / 2


def _move(at: Field, x: Floats, y: Floats, phase: Floats | np.float32) -> Field:
    return Field(at.x - x * (phase - np.float32(0.5)), at.y - y * (phase - np.float32(0.5)))


def _make_even_flow(way: float, far: Floats) -> tuple[Floats, Floats]:
    """Across and down, for a way in radians and a distance in mean frame sides."""
    rows, columns = far.shape
    mean = math.sqrt(rows * columns)
    across, down = far * (math.cos(way) * mean / columns), far * (math.sin(way) * mean / rows)
    return across.astype(np.float32), down.astype(np.float32)


def _make_phases(shape: tuple[int, int], grain: float, spread: float, rng: np.random.Generator) -> Floats:
    """Smooth noise over 0..spread; grain in fractions of the long side."""
    noise = cv2.GaussianBlur(rng.standard_normal(shape).astype(np.float32), (0, 0), grain * max(shape))
    return np.asarray(cv2.normalize(noise, np.empty_like(noise), 0, spread, cv2.NORM_MINMAX), np.float32)


def flow(
    mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator, names: frozenset[str]
) -> Drift:
    """Water that runs along the direction, faster where it is near."""
    periods = max(1, round(seconds / _WATER_PERIOD))
    near = 0.35 + 0.9 * cv2.GaussianBlur(scene.disparity, (0, 0), 6)
    far = cv2.GaussianBlur(mask, (0, 0), 2.5) * near * effect.amount * _WATER_SPEED * seconds / periods
    x, y = _make_even_flow(math.radians(effect.direction), far)
    return Drift(x, y, _make_phases(mask.shape, 0.03, 1.0, rng), periods, names)


def clouds(
    mask: Floats,
    scene: Scene,
    effect: Effect,
    seconds: float,
    rng: np.random.Generator,
    *,
    names: frozenset[str],
    loop: bool,
) -> Drift:
    """The sky carried along the direction. Where it is a sheet of its own it moves behind the land.

    Nothing that stands before the sky is ever looked at from beside it: near what does, the sky goes no further than
    that is away, so that neither a ridge nor a wire drags a copy of itself along.
    """
    touched = frozenset({"sky"}) if "sky" in names else names
    way, far = math.radians(effect.direction), effect.amount * _CLOUD_SPEED * seconds
    room = _measure_room(mask, scene, "sky" in names)
    if not loop and far <= _CARRY:
        return Drift(*_make_even_flow(way, _limit_to_room(room, far)), None, 1, touched)
    periods = max(1, round(seconds / _CLOUD_PERIOD))
    far = effect.amount * _CLOUD_SPEED * seconds / periods
    return Drift(
        *_make_even_flow(way, _limit_to_room(room, far)), _make_phases(mask.shape, 0.12, 0.6, rng), periods, touched
    )


def _measure_room(mask: Floats, scene: Scene, apart: bool) -> Floats:
    """How far every place of the sky is from what isn't sky, in mean frame sides, (h, w).

    What stands is the land, where that shares the sky's sheet, whatever shows fine, hard detail (a twig, a wire), and
    the sun.
    """
    size = mask.shape[::-1]
    texture = next((layer for layer in scene.layers if layer.name == "sky"), scene.layers[0]).texture
    small = cv2.cvtColor(
        np.asarray(cv2.resize(texture, size, interpolation=cv2.INTER_AREA), np.uint8), cv2.COLOR_RGBA2GRAY
    )
    light = small.astype(np.float32)
    fine = np.abs(light - cv2.medianBlur(small, 7)) > _HARD
    across, down = cv2.Sobel(light, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(light, cv2.CV_32F, 0, 1, scale=1 / 8)
    fine |= cv2.magnitude(across, down) > 1.5 * _HARD
    sun = light > _SUN
    if sun.mean() < 0.1 * max(float(mask.mean()), 1e-6):
        fine |= sun
    stands = fine if apart else fine | (mask < 0.97)
    away = cv2.distanceTransform((~stands).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(np.maximum(away - 2, 0) / math.sqrt(mask.size), np.float32)


def _limit_to_room(room: Floats, far: float) -> Floats:
    """How far each place goes, at most `far`, smooth, and half of it never further than there is room."""
    wide = max(1.0, 0.5 * far * math.sqrt(room.size))
    free = cv2.GaussianBlur(np.minimum(1.6 * room, far), (0, 0), wide)
    return np.minimum(np.minimum(free, far), 2 * room).astype(np.float32)
