"""Rain and snow: drops and flakes at depths of their own, before and behind what stands in the picture.

A drop shows what is bright around it, so both take their colour from the photo's light (scene_light.py); and much of it
together greys the distance.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from studio.engines.parallax import shot_setting
from studio.engines.parallax.effects import scene_light
from studio.engines.parallax.effects.compositing import Air, Flock, Place, fade
from studio.engines.parallax.effects.particles import Swarm, Ways, depths
from studio.engines.parallax.effects.sprites import dots, streaks
from studio.engines.parallax.projection import look
from studio.engines.parallax.scene import Floats, Scene
from studio.nouns import Effect

RAIN_SPEED, SNOW_SPEED = 2.2, 0.24  # mean frame sides a second at the nearest depth: 8 m/s and 1 m/s, in one scale
RAIN_MOST, SNOW_MOST = 10500, 11500  # in the window at amount 1; a third of it is seen
SLANT, DRIFT = 0.30, 0.55  # how far rain and snow are driven aside at amount 1, of their fall
HAZE = 0.17  # how much rain or snow greys the furthest at amount 1
RAIN, SNOW = 0.62, 0.92  # how much a drop and a flake hides of what is behind it


class Falling:
    """What falls: a flock, its colour, and the haze that much of it is in the distance."""

    def __init__(self, flock: Flock, colour: scene_light.Tint, haze: Floats) -> None:
        self._flock, self._colour, self._haze = flock, colour, haze

    def draw(self, air: Air) -> None:
        """Let it fall over the frame."""
        cover = self._flock.cover(air)
        height, width = cover.shape
        haze = cv2.resize(look(self._haze, air.at), (width, height), interpolation=cv2.INTER_LINEAR)
        if air.subject is not None:
            haze *= cv2.bitwise_not(air.subject).astype(np.float32) * np.float32(1 / 255)
        cover += haze
        fade(air, cover, self._colour)


def rain(mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator) -> Falling:
    """Rain, slanted to where the wind drives it."""
    count = round(RAIN_MOST * effect.amount**1.2)
    d = depths(rng, count, 0.18, 1.45, 2.0)
    fall = RAIN_SPEED * (0.1 + 0.9 * d) * rng.uniform(0.7, 1.3, count)
    aside = math.cos(math.radians(effect.direction)) * SLANT * (0.35 + 0.65 * effect.amount)
    ways = Ways(
        d,
        _to_floats(fall * (aside + rng.normal(0, 0.015, count))),
        _to_floats(fall),
        _to_floats(0 * d),
        _to_floats(seconds + 0 * d),
    )
    radius = 0.00036 * (0.55 + d) * rng.lognormal(0, 0.22, count)
    strength = RAIN * rng.uniform(0.35, 1, count) * np.minimum(1, 0.85 / np.maximum(d, 0.3)) ** 0.9
    flock = Flock(
        Swarm(ways, _halve_frame(scene), seconds, rng),
        _to_floats(radius),
        _to_floats(strength),
        Place(mask, scene),
        streaks,
    )
    return Falling(
        flock,
        scene_light.tint_from(scene_light.light(scene), 0.62, 0.5, 14, 216),
        _haze(mask, scene, effect.amount * 0.9),
    )


def snow(mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator) -> Falling:
    """Snow that sways as it falls, and is driven to where the wind goes. What is very near is out of focus: large and
    faint.
    """
    count = round(SNOW_MOST * effect.amount**1.2)
    d = depths(rng, count, 0.14, 1.75, 2.7)
    fall = SNOW_SPEED * (0.25 + 0.75 * d) * rng.uniform(0.75, 1.25, count)
    aside = math.cos(math.radians(effect.direction)) * DRIFT * (0.2 + 0.8 * effect.amount)
    sway = 0.012 * (0.2 + d) * rng.uniform(0.3, 1.4, count)
    ways = Ways(
        d,
        _to_floats(fall * (aside + rng.normal(0, 0.12, count))),
        _to_floats(fall),
        _to_floats(sway),
        _to_floats(rng.uniform(5, 9, count)),
    )
    flake = 0.0020 * (0.12 + 0.88 * d) * rng.lognormal(0, 0.38, count)
    blur = 0.0036 * np.maximum(0, d - 1.0)
    strength = SNOW * rng.uniform(0.55, 1, count) * (flake / (flake + blur)) ** 1.5
    flock = Flock(
        Swarm(ways, _halve_frame(scene), seconds, rng),
        _to_floats(flake + blur),
        _to_floats(strength),
        Place(mask, scene),
        dots,
    )
    return Falling(
        flock, scene_light.tint_from(scene_light.light(scene), 0.64, 0.5, 26, 226), _haze(mask, scene, effect.amount)
    )


def _to_floats(values: object) -> Floats:
    return np.asarray(values, np.float32)


def _halve_frame(scene: Scene) -> tuple[float, float]:
    return shot_setting.half_frame(scene.width, scene.height)


def _haze(mask: Floats, scene: Scene, amount: float) -> Floats:
    """How much what falls hides of every place, for all that is too small and far to be seen falling."""
    deep = shot_setting.Depth(scene.pivot, scene.gap).of(scene.disparity)
    far = np.clip(1.1 - 1.6 * deep, 0, 1) ** 1.5
    soft = cv2.GaussianBlur((far * mask).astype(np.float32), (0, 0), deep.shape[1] / 60)
    return np.asarray(soft * np.float32(HAZE * amount), np.float32)
