"""A cloud's shadow that passes over the land, in perspective, never on the sky.

A place p of disparity d lies p / d to the right and 1 / d ahead. The shadow is noise of falling spectrum over that
ground, seen as patches that go on, looked at twice so that it comes round without a jump. Depth is smoothed before, so
that no estimated edge shows as an edge of the shadow; the subject lies in the shadow of where it stands.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from studio.engines.base import Image
from studio.engines.parallax.effects.compositing import Air, spread
from studio.engines.parallax.effects.overlay import cloudy, tile
from studio.engines.parallax.projection import Field, homography, look, pull, rays, solve
from studio.engines.parallax.remap import look_up
from studio.engines.parallax.scene import Floats, Scene
from studio.engines.parallax.shot_setting import Depth, half_frame
from studio.engines.parallax.yuv import colour_planes
from studio.nouns import Effect
from studio.photo.matte import smoothstep

DARK = 0.52  # how much of its light the middle of a shadow takes from the land at amount 1
SPEED, SECONDS = (
    0.24,
    9.0,
)  # widths of what the frame shows nearby that a shadow goes a second; how long one look at it lasts
LENGTH, WIDTH = 2.6, 1.7  # how long and wide the pattern is, in widths of what the frame shows nearby
COVER, EDGE = 0.51, 0.09  # the noise above which the land lies in the shadow, and how softly
FAR = (0.12, 0.4)  # disparity up to which there is no shadow, and from which on it is whole: far off it would be blots
FINE = 960  # pixels across at which the sky is drawn to the picture's own edges
BLUE = 5.0  # what the sky alone lights is bluer by as much, in levels of U, in full shadow


class Shadow:
    """The shadow of clouds that go along the direction."""

    def __init__(self, mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator) -> None:
        self._dark, self._land = np.float32(DARK * effect.amount), _land(scene, mask)
        self._looks = max(1, round(seconds / SECONDS))
        self._way = SPEED * seconds / self._looks / LENGTH
        self._noise, self._start = (cloudy(rng, 2.0), cloudy(rng, 2.0)), rng.random(2)
        deep = Depth(scene.pivot, scene.gap)
        ground = next((layer.disparity for layer in scene.layers if layer.name == "background"), scene.disparity)
        self._ground = deep.of(ground)
        self._along, self._across = _lay_pattern(scene, self._ground, math.radians(effect.direction))

    def draw(self, air: Air) -> None:
        """Darken what lies in it, and make that a little bluer, as the sky still lights it."""
        at = self._project_cells(air)
        depth = np.clip(
            (self._sample_clouds(look(self._along, at), look(self._across, at), air.t) - COVER) / (2 * EDGE) + 0.5, 0, 1
        )
        shade = spread(depth * depth * (3 - 2 * depth) * self._dark, air.view.size)
        land = self._land
        places = (
            spread((part + 0.5) * (wide / air.size[axis]) - 0.5, air.view.size)
            for axis, (part, wide) in enumerate(zip(at, land.shape[::-1], strict=True))
        )
        there = look_up(land, *places)
        if air.subject is not None:
            there = np.maximum(there, air.subject)
        darken(air, shade * there.astype(np.float32) * np.float32(1 / 255))

    def _sample_clouds(self, x: Floats, y: Floats, t: float) -> Floats:
        """The clouds over places of the pattern: two looks at noise that go on, each fading out before it restarts."""
        total = np.full_like(x, 0.5)
        for noise, start in zip(self._noise, (0.0, 0.5), strict=True):
            phase = (self._looks * t + start) % 1
            gone = np.float32(self._start[0] - self._way * (phase - 0.5))
            total += np.float32(math.sin(math.pi * phase)) * (
                tile(noise, x + gone, y + np.float32(self._start[1])) - 0.5
            )
        return total

    def _project_cells(self, air: Air) -> Field:
        """Where every coarse cell looks at the ground."""
        pose, half = air.view.pose, air.view.half
        rows, columns = air.at.x.shape
        x = ((np.arange(columns, dtype=np.float32) + 0.5) * (2 / columns) - 1)[None] * np.float32(half[0])
        y = ((np.arange(rows, dtype=np.float32) + 0.5) * (2 / rows) - 1)[:, None] * np.float32(half[1])
        u = rays(homography(pose, air.view.framing, half, air.size), x, y)
        return solve(self._ground, u, pull(pose.centre, u, half, air.size))


def _lay_pattern(scene: Scene, ground: Floats, way: float) -> tuple[Floats, Floats]:
    """Where every place of the scene lies on the ground, in lengths and widths of the shadow's pattern."""
    columns = ground.shape[1]
    half = half_frame(scene.width, scene.height)
    soft = np.maximum(cv2.GaussianBlur(ground, (0, 0), columns * 0.05), 0.12)
    x = ((np.arange(columns, dtype=np.float32) + 0.5) / columns * 2 - 1)[None] * half[0]
    right, near = x / soft, -0.5 / soft
    unit = 2 * half[0] / float(np.percentile(soft, 75))
    along, across = right * math.cos(way) + near * math.sin(way), near * math.cos(way) - right * math.sin(way)
    return (along / (LENGTH * unit)).astype(np.float32), (across / (WIDTH * unit)).astype(np.float32)


def _land(scene: Scene, mask: Floats) -> Image:
    """(h, w) 0..255 where land is, as finely as the picture has it: the sky's own sheet, or the found sky drawn to its
    edges.
    """
    below = scene.layers[0]
    if below.name == "sky":
        land = next(
            (layer.texture[..., 3] for layer in scene.layers if layer.name == "background"), below.texture[..., 3]
        )
    else:
        rows = round(FINE * below.texture.shape[0] / below.texture.shape[1])
        # in blue, sky and clouds are bright
        light = cv2.extractChannel(cv2.resize(below.texture, (FINE, rows), interpolation=cv2.INTER_AREA), 2)
        sky = scene.masks.get("sky", np.zeros_like(mask))
        drawn = filter_guided(spread(sky, (FINE, rows)), light.astype(np.float32) / 255)
        land = np.rint(255 * np.clip((0.45 - drawn) * 4 + 0.5, 0, 1)).astype(np.uint8)
    there = spread(mask * smoothstep(*FAR, scene.disparity), (land.shape[1], land.shape[0]))
    land = cv2.multiply(land, np.rint(255 * there).astype(np.uint8), scale=1 / 255)
    return np.ascontiguousarray(land, np.uint8)


def filter_guided(mask: Floats, light: Floats) -> Floats:
    """A mask drawn to the edges of a picture of the same size, both 0..1: He, Sun and Tang's guided filter (2010)."""
    reach, least = 9, 4e-4  # pixels to each side; the variance of light under which there is no edge

    def mean(plane: Floats) -> Floats:
        return np.asarray(cv2.boxFilter(plane, -1, (2 * reach + 1, 2 * reach + 1)), np.float32)

    m, i = mean(mask), mean(light)
    slope = (mean(mask * light) - m * i) / (mean(light * light) - i * i + least)
    return np.clip(mean(slope) * light + mean(m - slope * i), 0, 1)


def darken(air: Air, shade: Floats) -> None:
    """Take a share (H, W) 0..1 of its light from a frame, in place: from brightness about black, from colour about
    grey.
    """
    height, width = shade.shape
    luma = air.frame[:height]
    luma[:] = np.rint(16 + (luma.astype(np.float32) - 16) * (1 - shade)).astype(np.uint8)
    half = cv2.resize(shade, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    for plane, blue in zip(colour_planes(air.frame), (BLUE, -0.5 * BLUE), strict=True):
        lit = 128 + (plane.astype(np.float32) - 128) * (1 - half) + np.float32(blue) * half
        plane[:] = np.rint(lit).astype(np.uint8)
