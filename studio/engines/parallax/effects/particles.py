"""Particle system: thousands of things at depths of their own, and where a camera sees them at a time.

A thing of disparity d keeps to that depth. Its place p is where the camera at rest sees it, so it goes v d when it goes
v. It is seen along u = (p - d C.xy) / (1 - d C.z): the pinhole of projection.py, solved for the ray. Nothing ever runs
out: what leaves a window somewhat larger than the frame comes in again on the other side of it. After the clip's length
each is back where it was: what is fast enough crosses the window a whole number of times; what is slower lives a whole
number of lives, and fades in and out unseen among the others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.engines.parallax.camera_path import Matrix, Pose
from studio.engines.parallax.projection import Framing
from studio.engines.parallax.scene import Floats

ROOM = 1.7
"""How much larger than the frame at rest the window is in which things are: room for what a move shows of the nearest.
"""

GOLDEN = 0.6180339887
LENS = 1.4
"""How much larger the lens may make what is in the air as it makes the scene; beyond it grows by a third as much."""

SHUTTER = 1 / 50
"""Seconds that the shutter is open: how long a streak is doesn't depend on the clip's frame rate."""

FADE = 0.16
"""The share of a life in which a thing fades in, and in which it fades out."""

NEAREST = 0.72
"""How near the camera may come to a thing, of its depth, before it is left out."""


class View(NamedTuple):
    """What a camera sees of things in the air: its pose, the framing, half the frame in tangents, its pixels (w, h)."""

    pose: Pose
    framing: Framing
    half: tuple[float, float]
    size: tuple[int, int]

    @property
    def scale(self) -> float:
        """The mean side of the frame in pixels: what sizes are fractions of."""
        return float(np.sqrt(self.size[0] * self.size[1]))

    @property
    def larger(self) -> float:
        """How much larger the lens shows what is in the air."""
        zoom = self.framing.crop * self.pose.zoom
        return zoom if zoom <= LENS else float(LENS * (zoom / LENS) ** (1 / 3))

    @property
    def turn(self) -> Matrix:
        """(3, 3): from the frame's tangents to rays."""
        pose, k = self.pose, 1 / self.larger
        x, y = self.framing.x / pose.zoom + pose.shift[0], self.framing.y / pose.zoom + pose.shift[1]
        return np.asarray(pose.rotation @ np.array([[k, 0, x], [0, k * pose.tall, y], [0, 0, 1]]))

    def middle(self, d: Floats) -> tuple[Floats, Floats]:
        """The places that the frame's middle shows at disparities d."""
        x, y, z = self.turn @ np.array([0.0, 0.0, 1.0])
        c = self.pose.centre
        return (x / z + d * (c[0] - c[2] * x / z)).astype(np.float32), (y / z + d * (c[1] - c[2] * y / z)).astype(
            np.float32
        )

    def see(self, x: Floats, y: Floats, d: Floats) -> tuple[Floats, Floats, Floats]:
        """Where places at disparities d are seen, in the frame's pixels, and how much larger than at rest; 0 for too
        near.
        """
        c, back = self.pose.centre, np.linalg.inv(self.turn)
        away = 1 - d * c[2]
        safe = np.maximum(away, 1 - NEAREST)
        u, v = (x - d * c[0]) / safe, (y - d * c[1]) / safe
        a, b, z = (back[row, 0] * u + back[row, 1] * v + back[row, 2] for row in range(3))
        across = (a / z / self.half[0] + 1) / 2 * self.size[0] - 0.5
        down = (b / z / self.half[1] + 1) / 2 * self.size[1] - 0.5
        larger = np.where((away > 1 - NEAREST) & (z > 0), self.larger / safe, 0.0)
        return across.astype(np.float32), down.astype(np.float32), larger.astype(np.float32)


class Ways(NamedTuple):
    """How things go, each (n,): disparity; speed right and down, in mean frame sides a second as the camera at rest
    sees it; how far each sways to and fro, alike; seconds that one lives that doesn't cross the window."""

    d: Floats
    right: Floats
    down: Floats
    sway: Floats
    life: Floats


class Swarm:
    """Things in the air over a clip's length. Times are 0..1 of it."""

    def __init__(self, ways: Ways, half: tuple[float, float], seconds: float, rng: np.random.Generator) -> None:
        count, self.d = ways.d.size, ways.d
        self._wide, self._tall = 2 * ROOM * half[0], 2 * ROOM * half[1]
        side = 2 * float(np.sqrt(half[0] * half[1]))
        self._right, self._down = ways.right * side * seconds, ways.down * side * seconds
        self._sway, self._seconds = ways.sway * side, seconds
        self._x, self._y, self._phase, self._swing = rng.random((4, count), dtype=np.float32)
        self._swings = np.maximum(1, np.rint(seconds / rng.uniform(2.2, 4.5, count))).astype(np.float32)
        self._turns = np.floor(np.abs(self._down) / self._tall).astype(np.float32)
        self._crosses = self._turns >= 1
        self._high = np.where(self._crosses, np.abs(self._down) / np.maximum(self._turns, 1), self._tall).astype(
            np.float32
        )
        self._lives = np.maximum(1, np.rint(seconds / ways.life)).astype(np.float32)

    def at(self, t: float, view: View) -> tuple[Floats, Floats, Floats]:
        """Where everything is, as the camera at rest sees it, in tangents; and how much of it is there, 0..1."""
        cx, cy = view.middle(self.d)
        age = self._lives * np.float32(t) + self._phase
        life, age = np.floor(age) % self._lives, age % 1
        gone = np.where(self._crosses, np.float32(t), (age - 0.5) / self._lives)
        y = self._y * self._high + self._down * gone
        turn = np.floor((y - cy) / self._high + 0.5)
        y = y - turn * self._high
        nth = np.where(self._crosses, turn % np.maximum(self._turns, 1), life)
        lean = np.where(self._crosses, self._right / np.where(self._down == 0, 1, self._down) * y, self._right * gone)
        x = (self._x + GOLDEN * nth) * self._wide + lean
        swing = 2 * np.pi * (self._swings * np.float32(t) + self._swing)
        x = x + self._sway * (np.sin(swing) + 0.35 * np.sin(2 * swing + 5 * self._phase))
        y = y + 0.4 * self._sway * np.cos(swing + 3 * self._phase)
        x = x - np.floor((x - cx) / self._wide + 0.5) * self._wide
        here = np.clip(np.minimum(age, 1 - age) / FADE, 0, 1)
        there = np.where(self._crosses, 1, here * here * (3 - 2 * here))
        return x.astype(np.float32), y.astype(np.float32), there.astype(np.float32)

    def pace(self, t: float) -> tuple[Floats, Floats]:
        """How far everything goes while the shutter is open, in tangents."""
        swing = 2 * np.pi * (self._swings * np.float32(t) + self._swing)
        swaying = 2 * np.pi * self._swings * self._sway * np.cos(swing)
        share = np.float32(SHUTTER / self._seconds)
        return (self._right + swaying).astype(np.float32) * share, self._down.astype(np.float32) * share


def depths(rng: np.random.Generator, count: int, least: float, most: float, far: float) -> Floats:
    """Disparities between two, (count,) in random order; far: how many more are far than near, 1 for equally many."""
    return (least + (most - least) * rng.random(count, dtype=np.float32) ** np.float32(far)).astype(np.float32)


def within(x: Floats, y: Floats, reach: Floats, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which of what is seen at (x, y) shows in a frame of `size` (w, h)."""
    return (x > -reach) & (x < size[0] + reach) & (y > -reach) & (y < size[1] + reach)
