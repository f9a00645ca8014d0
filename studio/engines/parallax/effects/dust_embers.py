"""Dust that floats where the light is, and embers that rise, glow and go out.

Dust takes its colour from the light that it is in, and isn't seen where there is none. Embers shine themselves: their
light is added, as much of it as the photo's exposure leaves them.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from studio.engines.parallax import shot_setting
from studio.engines.parallax.effects import scene_light
from studio.engines.parallax.effects.compositing import Air, Flock, Place, fade, shine
from studio.engines.parallax.effects.particles import Swarm, Ways, depths
from studio.engines.parallax.effects.sprites import dots
from studio.engines.parallax.scene import Floats, Scene
from studio.nouns import Effect

DUST_SPEED, EMBER_SPEED = 0.016, 0.20  # mean frame sides a second at the nearest depth
DUST_MOST, EMBER_MOST = 3600, 1700  # in the window at amount 1; a third of it is seen
DUST = 0.9  # how much a mote in full light hides of what is behind it
EMBER_LIFE = 3.0  # seconds
DAY, NIGHT = 1.3, 3.4  # how brightly embers shine in a photo whose mean is white, and in one that is black


class Dust:
    """Motes that drift along the direction, and glint as they turn."""

    def __init__(self, mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator) -> None:
        count = round(DUST_MOST * effect.amount)
        d = depths(rng, count, 0.2, 2.0, 1.6)
        way, pace = math.radians(effect.direction), DUST_SPEED * (0.3 + 0.7 * d) * rng.uniform(0.5, 1.5, count)
        aim = way + rng.normal(0, 0.45, count)
        sway = 0.010 * (0.3 + d) * rng.uniform(0.3, 1.5, count)
        ways = Ways(
            d,
            _to_floats(pace * np.cos(aim)),
            _to_floats(pace * np.sin(aim)),
            _to_floats(sway),
            _to_floats(rng.uniform(4, 8, count)),
        )
        mote, blur = 0.00104 * (0.4 + d) * rng.lognormal(0, 0.45, count), 0.0038 * np.maximum(0, d - 0.9)
        strength = DUST * rng.uniform(0.35, 1, count) * (mote / (mote + blur)) ** 0.9
        found = scene_light.light(scene)
        lit = cv2.resize(_find_shafts(found), scene.disparity.shape[::-1], interpolation=cv2.INTER_LINEAR)
        place = Place(mask * lit, scene)
        swarm = Swarm(ways, shot_setting.half_frame(scene.width, scene.height), seconds, rng)
        self._flock = Flock(swarm, _to_floats(mote + blur), _to_floats(strength), place, dots)
        self._colour = scene_light.tint_from(found, 0.4, 0.95, 62, 234)
        self._glints = np.maximum(1, np.rint(seconds / rng.uniform(1.2, 4, count)))
        self._start = rng.random(count)

    def draw(self, air: Air) -> None:
        """Let it float in the frame."""
        turn = np.sin(2 * np.pi * (self._glints * air.t + self._start))
        fade(air, self._flock.cover(air, _to_floats(0.55 + 0.45 * turn)), self._colour)


def _find_shafts(found: scene_light.Light) -> Floats:
    """(h, w) how much light falls through the air at every place, 0..1: near what is brighter than most."""
    low, high = (float(np.percentile(found.luma, share)) for share in (25, 94))
    wide = cv2.GaussianBlur(cv2.dilate(found.luma, np.ones((15, 15), np.uint8)), (0, 0), 9)
    share = np.clip((wide - low) / max(high - low, 12.0), 0, 1)
    even = 0.03 + 0.5 * max(0.0, 1 - (high - low) / 60)  # where all is lit alike there is some everywhere
    return np.asarray(even + (1 - even) * share * share * (3 - 2 * share), np.float32)


class Embers:
    """Embers that rise, sway with the wind, flicker and cool from yellow to red until they are gone."""

    def __init__(self, mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator) -> None:
        count = round(EMBER_MOST * effect.amount)
        d = depths(rng, count, 0.22, 1.7, 2.1)
        rise = EMBER_SPEED * (0.3 + 0.7 * d) * rng.uniform(0.5, 1.5, count)
        aside = 0.6 * math.cos(math.radians(effect.direction)) * rng.uniform(0.3, 1.2, count) + rng.normal(
            0, 0.15, count
        )
        sway = 0.016 * (0.3 + d) * rng.uniform(0.3, 1.5, count)
        life = EMBER_LIFE * rng.uniform(0.6, 1.5, count)
        ways = Ways(d, _to_floats(rise * aside), _to_floats(-rise), _to_floats(sway), _to_floats(life))
        spark, blur = 0.0008 * (0.35 + d) * rng.lognormal(0, 0.4, count), 0.0026 * np.maximum(0, d - 1.1)
        found = scene_light.light(scene)
        day = float(np.clip((found.luma.mean() - scene_light.BLACK) / (scene_light.WHITE - scene_light.BLACK), 0, 1))
        bright = NIGHT + (DAY - NIGHT) * day**0.7
        strength = bright * rng.uniform(0.3, 1, count) ** 1.5 * (spark / (spark + blur)) ** 1.6
        swarm = Swarm(ways, shot_setting.half_frame(scene.width, scene.height), seconds, rng)
        self._flock = Flock(
            swarm, _to_floats(spark + blur), _to_floats(strength), Place(mask * _fade_with_height(mask), scene), dots
        )
        self._flickers = np.maximum(1, np.rint(seconds / rng.uniform(0.18, 0.7, count)))
        self._start = rng.random(count)

    def draw(self, air: Air) -> None:
        """Let them rise in the frame."""
        flicker = np.sin(2 * np.pi * (self._flickers * air.t + self._start))
        shine(air, self._flock.cover(air, _to_floats(0.72 + 0.28 * flicker)))


def _fade_with_height(mask: Floats) -> Floats:
    """(h, w) how many embers there still are at every height of where they may be: they go out as they rise."""
    rows = np.flatnonzero(mask.max(1) > 0.3)
    top, bottom = (rows[0], rows[-1] + 1) if rows.size else (0, mask.shape[0])
    up = np.clip((bottom - np.arange(mask.shape[0])) / max(1, bottom - top), 0, 1)
    return np.broadcast_to((1 - 0.88 * up**0.8)[:, None], mask.shape).astype(np.float32)


def _to_floats(values: object) -> Floats:
    return np.asarray(values, np.float32)
