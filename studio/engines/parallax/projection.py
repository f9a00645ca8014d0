"""Pinhole projection: from a pixel of a frame to the point of the photo it shows, for layers of smooth disparity.

A frame's pixel looks along q = (o + w / crop) / zoom + shift, where w is its place in tangents and (o, crop) the
framing; in the scene that is v = R q', q' = (q, 1), and with u = v.xy / v.z the ray from centre C is C + s (u, 1). It
meets the layer at the photo's point p, which has depth 1 / d(p): C.z + s = 1 / d, hence p / d = C.xy + (1 / d - C.z) u
and

    p = u + d(p) (C.xy - C.z u),

solved by fixed point: it contracts because disparity is smooth. Everything is kept in the pixels of the disparity map,
so that a solution is the place to look the disparity up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from studio.engines.parallax.camera_path import Matrix, Pose
from studio.engines.parallax.remap import look_up
from studio.engines.parallax.scene import Floats

STEPS = 4


class Framing(NamedTuple):
    """How the frame sits in what the camera sees: `crop` >= 1 enlarges, x and y move the window, in tangents."""

    crop: float = 1.0
    x: float = 0.0
    y: float = 0.0


class Field(NamedTuple):
    """Places in a disparity map's pixels, across and down; any shape, float32."""

    x: Floats
    y: Floats


class Displacement(NamedTuple):
    """Where to look, in the pixels of the sheet's disparity map; and for what flows, where else, and its share 0..1."""

    at: Field
    other: Field | None = None
    share: Floats | None = None


def homography(pose: Pose, framing: Framing, half: tuple[float, float], size: tuple[int, int]) -> Matrix:
    """(3, 3): from w in tangents to u in the pixels of a map of `size` (w, h) that covers the whole crop (`half` each
    way).
    """
    k = 1 / (framing.crop * pose.zoom)
    x, y = framing.x / pose.zoom + pose.shift[0], framing.y / pose.zoom + pose.shift[1]
    lens = np.array([[k, 0, x], [0, k * pose.tall, y], [0, 0, 1]])
    return pixels(half, size) @ pose.rotation @ lens


def homographies(poses: Sequence[Pose], framing: Framing, half: tuple[float, float], size: tuple[int, int]) -> Matrix:
    """(n, 3, 3): the homographies of several poses, at once."""
    zoom, tall = np.array([pose.zoom for pose in poses]), np.array([pose.tall for pose in poses])
    lens = np.zeros((len(poses), 3, 3))
    lens[:, 0, 0] = 1 / (framing.crop * zoom)
    lens[:, 1, 1] = lens[:, 0, 0] * tall
    lens[:, :2, 2] = np.array([framing.x, framing.y]) / zoom[:, None] + np.array([pose.shift for pose in poses])
    lens[:, 2, 2] = 1
    return pixels(half, size) @ np.stack([pose.rotation for pose in poses]) @ lens


def pixels(half: tuple[float, float], size: tuple[int, int]) -> Matrix:
    """(3, 3): from tangents to the pixels of a map of `size` (w, h) that covers `half` each way."""
    sx, sy = size[0] / 2 / half[0], size[1] / 2 / half[1]
    return np.array([[sx, 0, size[0] / 2 - 0.5], [0, sy, size[1] / 2 - 0.5], [0, 0, 1]])


def rays(turn: Matrix, x: Floats, y: Floats) -> Field:
    """u for places w = (x, y) in tangents that broadcast together. turn: a homography (3, 3), or (n, 3, 3) for (1, k)
    places.
    """
    a, b, c, d, e, f, g, h, i = (
        turn[..., row, column, None].astype(np.float32) for row in range(3) for column in range(3)
    )
    below = 1 / ((g * x + i) + h * y)
    return Field(((a * x + c) + b * y) * below, ((d * x + f) + e * y) * below)


def pull(centre: Matrix, u: Field, half: tuple[float, float], size: tuple[int, int]) -> Field:
    """How far p goes from u per unit of disparity, C.xy - C.z u, in the map's pixels. centre: (3,), or (n, 3) for (n,
    k) rays.
    """
    m = pixels(half, size)
    cx, cy, cz = (centre[..., axis, None] for axis in range(3))
    ox, oy = (m[0, 0] * cx + m[0, 2] * cz).astype(np.float32), (m[1, 1] * cy + m[1, 2] * cz).astype(np.float32)
    if not cz.any():
        return Field(ox, oy)
    along = cz.astype(np.float32)
    return Field(ox - along * u.x, oy - along * u.y)


def look(disparity: Floats, at: Field) -> Floats:
    """The disparity at places of its map, bilinear, continued flat beyond the border."""
    return np.asarray(look_up(disparity, at.x, at.y), np.float32)


def solve(disparity: Floats, u: Field, way: Field, start: Floats | None = None, steps: int = STEPS) -> Field:
    """p for every ray: `steps` looks at the disparity (h, w), beginning from `start` or the map's mean."""
    d = np.float32(disparity.mean()) if start is None else start
    for _ in range(steps):
        d = look(disparity, Field(u.x + d * way.x, u.y + d * way.y))
    return Field(u.x + d * way.x, u.y + d * way.y)
