"""Particles composited into a frame: hidden by what stands before them, tinted by the scene's light."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from studio.engines.base import Image
from studio.engines.parallax.effects import particles
from studio.engines.parallax.effects.particles import Swarm, View
from studio.engines.parallax.effects.scene_light import Tint
from studio.engines.parallax.effects.sprites import Strokes
from studio.engines.parallax.projection import Field, look
from studio.engines.parallax.scene import Floats, Scene
from studio.engines.parallax.shot_setting import Depth
from studio.engines.parallax.yuv import colour_planes

_BEHIND = 0.16  # the disparity over which something passes behind what stands there
_THROUGH = (
    0.45  # how much of what is behind other things than the subject shows all the same: their depth is but estimated
)
_MARGIN = 0.08  # how far outside the frame a streak may begin that reaches into it, in mean frame sides


class Air(NamedTuple):
    """A frame that things are drawn into: what its camera sees; where coarse cells look, in the pixels of a map of
    `size` (w, h); the time, 0..1; the I420 frame; and (H, W) 0..255 how much of it is the subject, if there is one."""

    view: View
    at: Field
    size: tuple[int, int]
    t: float
    frame: Image
    subject: Image | None


class Airborne(Protocol):
    """Something that is drawn into a frame by the pose of its camera."""

    def draw(self, air: Air) -> None:
        """Draw it into the frame, in place."""
        ...


class Place:
    """Where in a scene something may be seen: in a region, and not behind what stands there."""

    def __init__(self, mask: Floats, scene: Scene) -> None:
        deep = Depth(scene.pivot, scene.gap).of(scene.disparity)
        self._deep = np.asarray(cv2.GaussianBlur(deep, (0, 0), deep.shape[1] / 200), np.float32)
        self._mask = cv2.GaussianBlur(mask, (0, 0), mask.shape[1] / 120) if float(mask.min()) < 1 else None
        subject = scene.masks.get("subject")
        stands = subject is not None and float(subject.mean()) > 0.002
        self.subject = float(np.average(deep, weights=subject)) if stands else np.inf

    def share(self, x: Floats, y: Floats, d: Floats, air: Air) -> Floats:
        """How much of things at pixels (x, y) and disparities d is to be seen, 0..1; the subject hides by itself."""
        there = sample(look(self._deep, air.at), x, y, air)
        free = _THROUGH + (1 - _THROUGH) * np.clip((d - there) / _BEHIND + 1, 0, 1)
        shown = np.where(d < self.subject, free, 1)
        return shown if self._mask is None else shown * sample(look(self._mask, air.at), x, y, air)


def spread(coarse: Floats, size: tuple[int, int]) -> Floats:
    """A grid over the frame stretched to its pixels (w, h)."""
    return np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR), np.float32)


def sample(coarse: Floats, x: Floats, y: Floats, air: Air) -> Floats:
    """A grid over the frame at pixels of it."""
    if not x.size:
        return np.zeros_like(x)
    across, down = np.float32(coarse.shape[1] / air.view.size[0]), np.float32(coarse.shape[0] / air.view.size[1])
    places = ((x + np.float32(0.5)) * across - np.float32(0.5), (y + np.float32(0.5)) * down - np.float32(0.5))
    return np.asarray(cv2.remap(coarse, *places, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE), np.float32).reshape(
        x.shape
    )


class Flock(NamedTuple):
    """Things that look alike: how they go, `radius` in mean frame sides and `strength` 0..1 (each (n,)), where they may
    be, and how they are drawn."""

    swarm: Swarm
    radius: Floats
    strength: Floats
    place: Place
    brush: Callable[[Floats, Strokes], None]

    def cover(self, air: Air, share: Floats | None = None) -> Floats:
        """(H, W) how much of every pixel they cover, 0 and up. share: (n,) of each one's strength at this moment."""
        drawn, d = self._trace(air, self.strength if share is None else self.strength * share)
        width, height = air.view.size
        behind = d < self.place.subject
        if air.subject is None or not behind.any():
            canvas = np.zeros((height, width), np.float32)
            self.brush(canvas, drawn)
            return canvas
        canvas = np.zeros((height, width), np.float32)
        self.brush(canvas, drawn.of(behind))
        canvas *= cv2.bitwise_not(air.subject).astype(np.float32) * np.float32(1 / 255)
        self.brush(canvas, drawn.of(~behind))
        return canvas

    def _trace(self, air: Air, strength: Floats) -> tuple[Strokes, Floats]:
        """What shows of them in a frame, and its disparities."""
        view = air.view
        x, y, there = self.swarm.at(air.t, view)
        right, down = self.swarm.pace(air.t)
        px, py, larger = view.see(x, y, self.swarm.d)
        size = self.radius * np.float32(view.scale) * larger
        seen = np.flatnonzero(
            particles.within(px, py, np.float32(_MARGIN * view.scale) + size, view.size)
            & (larger > 0)
            & (there * strength > 0.004)
        )
        px, py, d = px[seen], py[seen], self.swarm.d[seen]
        ex, ey, _ = view.see(x[seen] + right[seen], y[seen] + down[seen], d)
        shown = there[seen] * strength[seen] * self.place.share(px, py, d, air)
        return Strokes(px, py, ex - px, ey - py, size[seen], shown.astype(np.float32)), d


def fade(air: Air, cover: Floats, colour: Tint) -> None:
    """Fade a frame towards colours by how much is covered (H, W), in place."""
    height, width = cover.shape
    whole = cv2.convertScaleAbs(cover, alpha=255)
    half = cv2.resize(whole, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    for plane, value, share in zip(
        (air.frame[:height], *colour_planes(air.frame)), colour, (whole, half, half), strict=True
    ):
        coarse = np.rint(look(value, _scale(air, value))).astype(np.uint8)
        there = cv2.resize(coarse, (plane.shape[1], plane.shape[0]), interpolation=cv2.INTER_LINEAR)
        kept = cv2.multiply(plane, cv2.bitwise_not(share), scale=1 / 255)
        plane[:] = cv2.add(kept, cv2.multiply(there, share, scale=1 / 255))


def _scale(air: Air, value: Floats) -> Field:
    """Where coarse cells look in a map of another size than `air.size`."""
    across, down = np.float32(value.shape[1] / air.size[0]), np.float32(value.shape[0] / air.size[1])
    half = np.float32(0.5)
    return Field((air.at.x + half) * across - half, (air.at.y + half) * down - half)


EMBER = (188.0, -64.0, 52.0)
"""What light of strength 1 adds to Y, U and V: a glowing orange, whose core burns out to yellow as red and green
saturate.
"""


def shine(air: Air, light: Floats) -> None:
    """Add glowing light (H, W) to a frame, and its soft halo, in place: faint light is redder than strong."""
    height, width = light.shape
    small = cv2.resize(light, (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_AREA)
    halo = cv2.resize(
        cv2.GaussianBlur(small, (0, 0), max(0.8, width / 8 / 110)), (width, height), interpolation=cv2.INTER_LINEAR
    )
    whole = np.minimum(light + np.float32(0.9) * halo, np.float32(1.15))
    half = np.sqrt(cv2.resize(whole, (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    parts = (whole, half, half)
    for plane, most, part in zip((air.frame[:height], *colour_planes(air.frame)), EMBER, parts, strict=True):
        plane[:] = np.rint(
            np.clip(plane + np.float32(most) * part, 16, 235 if plane.shape[0] == height else 240)
        ).astype(np.uint8)
