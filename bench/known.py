"""Scenes whose depth is known, drawn here by casting rays: grounds, streets, corridors, rooms, tables and portraits.

A camera at the origin looks along +z, x to the right and y down, tilted by `pitch`; shapes are planes, boxes, spheres and upright
columns with a texture and one light. Distances are in metres; a disparity is 1/z, 0 for the sky.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]
WIDTH, HEIGHT = 480, 320
LIGHT = np.array([-0.4, -0.75, -0.52])
"""Towards the light, of length 1."""


class Scene(NamedTuple):
    """A drawn picture, (h, w, 3) uint8 RGB, and its true disparity, (h, w) float64, 0 at infinity."""

    name: str
    image: Image
    disparity: Floats


class Box(NamedTuple):
    """A box by two corners, and its colour 0..1."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    colour: tuple[float, float, float]


class Ball(NamedTuple):
    """An ellipsoid by its middle and radii, and its colour 0..1."""

    middle: tuple[float, float, float]
    radii: tuple[float, float, float]
    colour: tuple[float, float, float]


def scenes() -> Iterator[Scene]:
    """Two drawings of each kind, with other objects: the same ones each time."""
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        yield _field(rng)
        yield _street(rng)
        yield _corridor(rng)
        yield _table(rng)
        yield _portrait(rng)
        yield _room(rng)


def _colour(rng: np.random.Generator) -> tuple[float, float, float]:
    red, green, blue = rng.uniform(0.25, 0.85, 3)
    return float(red), float(green), float(blue)


def _field(rng: np.random.Generator) -> Scene:
    """Boxes, balls and columns on a flat ground under the sky."""
    shapes: list[Box | Ball] = [Box((-500, 1.6, 0.1), (500, 1.7, 400), (0.35, 0.45, 0.25))]
    for z in rng.uniform(4, 30, 9):
        x, size = rng.uniform(-0.6, 0.6) * z, rng.uniform(0.5, 1.6)
        if rng.random() < 0.5:
            shapes.append(Box((x, 1.6 - 2 * size, z), (x + size, 1.6, z + size), _colour(rng)))
        else:
            shapes.append(Ball((x, 1.6 - size / 2, z), (size / 2, size / 2, size / 2), _colour(rng)))
    return _draw("field", shapes, rng, pitch=0.05, sky=True)


def _street(rng: np.random.Generator) -> Scene:
    """Houses on both sides of a road that goes away from the camera."""
    shapes: list[Box | Ball] = [Box((-300, 1.6, 0.1), (300, 1.7, 300), (0.4, 0.4, 0.42))]
    for side in (-1, 1):
        z = 2.0
        while z < 70:
            deep, wall = rng.uniform(5, 11), side * rng.uniform(4, 5.5)
            low, high = min(wall, wall + 8 * side), max(wall, wall + 8 * side)
            shapes.append(Box((low, 1.6 - rng.uniform(5, 10), z), (high, 1.6, z + deep), _colour(rng)))
            z += deep
    return _draw("street", shapes, rng, pitch=-0.04, sky=True)


def _corridor(rng: np.random.Generator) -> Scene:
    """A hallway: floor, ceiling, two walls, an end, and a cupboard."""
    end, left, right = rng.uniform(6, 12), -rng.uniform(0.8, 1.5), rng.uniform(0.8, 1.5)
    shapes: list[Box | Ball] = [
        Box((left, 1.5, 0.05), (right, 1.6, end), (0.5, 0.4, 0.3)),
        Box((left, -1.1, 0.05), (right, -1.0, end), (0.85, 0.85, 0.85)),
        Box((left - 0.1, -1.1, 0.05), (left, 1.6, end), (0.75, 0.72, 0.65)),
        Box((right, -1.1, 0.05), (right + 0.1, 1.6, end), (0.72, 0.74, 0.7)),
        Box((left, -1.1, end), (right, 1.6, end + 0.1), (0.6, 0.45, 0.4)),
        Box((left, 0.2, 3.5), (left + 0.4, 1.5, 4.5), _colour(rng)),
    ]
    return _draw("corridor", shapes, rng, turn=float(rng.uniform(-0.15, 0.15)))


def _table(rng: np.random.Generator) -> Scene:
    """Things on a table seen from above, a floor behind it."""
    top, floor = Box((-0.7, 0.5, 0.3), (0.7, 0.55, 1.5), (0.55, 0.38, 0.22)), Box((-5, 1.3, 0), (5, 1.4, 9), (0.3, 0.3, 0.33))
    shapes: list[Box | Ball] = [top, floor]
    for x, z in zip((-0.3, 0.05, 0.35, -0.1), rng.uniform(0.7, 1.2, 4), strict=True):
        size = float(rng.uniform(0.06, 0.12))
        shapes.append(Ball((x, 0.5 - size, z), (size, size, size), _colour(rng)))
    return _draw("table", shapes, rng, pitch=0.5)


def _portrait(rng: np.random.Generator) -> Scene:
    """A head and shoulders before a wall, which is out of focus."""
    skin, shirt, x = (0.8, 0.6, 0.5), _colour(rng), float(rng.uniform(-0.15, 0.15))
    person: list[Box | Ball] = [
        Ball((x, -0.02, 1.2), (0.12, 0.16, 0.13), skin),
        Ball((x, -0.08, 1.23), (0.135, 0.14, 0.13), (0.25, 0.18, 0.12)),
        Ball((x, 0.62, 1.28), (0.34, 0.48, 0.2), shirt),
    ]
    wall: list[Box | Ball] = [Box((-9, -5, 3.2), (9, 5, 3.3), _colour(rng)), Box((0.5, -1, 2.9), (1.1, 2, 3.2), _colour(rng))]
    return _draw("portrait", person + wall, rng, blur_behind=2.0)


def _room(rng: np.random.Generator) -> Scene:
    """The corner of a room with a bed and a shelf, seen from a standing height."""
    shapes: list[Box | Ball] = [
        Box((-4, 1.5, 0), (4, 1.6, 6), (0.5, 0.36, 0.24)),
        Box((-4, -1.5, 4.5), (4, 1.6, 4.6), (0.8, 0.78, 0.7)),
        Box((1.8, -1.5, 0), (1.9, 1.6, 6), (0.7, 0.74, 0.78)),
        Box((-1.6, 0.9, 2.6), (0.2, 1.5, 4.3), _colour(rng)),
        Box((1.2, -0.3, 2.5), (1.8, 1.5, 3.4), _colour(rng)),
        Ball((-0.9, 1.2, 2.0), (0.25, 0.3, 0.25), _colour(rng)),
    ]
    return _draw("room", shapes, rng, pitch=0.15, turn=float(rng.uniform(0.0, 0.35)))


def _draw(
    name: str,
    shapes: list[Box | Ball],
    rng: np.random.Generator,
    *,
    pitch: float = 0.0,
    turn: float = 0.0,
    sky: bool = False,
    blur_behind: float = np.inf,
) -> Scene:
    """Cast a ray a pixel, 58 degrees across. pitch: looking down by radians; turn: to the right. Nearest hit wins."""
    across, down = np.meshgrid((np.arange(WIDTH) + 0.5) / WIDTH * 2 - 1, ((np.arange(HEIGHT) + 0.5) * 2 - HEIGHT) / WIDTH)
    rays = np.stack([across * 0.55, down * 0.55, np.ones_like(across)], -1)
    tilt, yaw = cv2.Rodrigues(np.array([-pitch, 0.0, 0.0]))[0], cv2.Rodrigues(np.array([0.0, turn, 0.0]))[0]
    world = rays @ (yaw @ tilt).T
    far = np.full(across.shape, np.inf)
    air = np.stack([0.55 + 0.3 * (down + 0.7), 0.7 + 0.2 * (down + 0.7), np.full_like(down, 0.95)], -1)
    colour = air if sky else np.zeros_like(air)
    for shape in shapes:
        distance, normal = _hit(shape, world)
        nearer = distance < far
        where = world * np.where(np.isfinite(distance), distance, 0)[..., None]
        lit = 0.55 + 0.45 * np.clip(normal @ LIGHT, 0, 1)
        colour[nearer] = (np.array(shape.colour) * (lit * _texture(where, normal))[..., None])[nearer]
        far = np.where(nearer, distance, far)
    noisy = colour + rng.normal(0, 0.008, colour.shape)
    image = (np.clip(cv2.GaussianBlur(noisy, (0, 0), 0.6), 0, 1) * 255).astype(np.uint8)
    blurred = cv2.GaussianBlur(image, (0, 0), 4)
    image = np.where((far > blur_behind)[..., None], blurred, image)
    return Scene(name, np.asarray(image, np.uint8), 1 / far)


def _hit(shape: Box | Ball, world: Floats) -> tuple[Floats, Floats]:
    """How far along each ray a shape is hit (inf: not), and the outward normal there."""
    if isinstance(shape, Ball):
        scaled, middle = world / np.array(shape.radii), np.array(shape.middle) / np.array(shape.radii)
        a, b, c = (scaled**2).sum(-1), scaled @ middle, (middle**2).sum() - 1
        root = b**2 - a * c
        distance = np.where(root > 0, (b - np.sqrt(np.maximum(root, 0))) / a, np.inf)
        normal = (world * np.where(np.isfinite(distance), distance, 0)[..., None] - shape.middle) / np.array(shape.radii) ** 2
        return np.where(distance > 0, distance, np.inf), normal / (np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = np.array(shape.low) / world, np.array(shape.high) / world
    near, far = np.fmin(one, two), np.fmax(one, two)
    axis = near.argmax(-1)
    enters, leaves = near.max(-1), far.min(-1)
    normal = -np.sign(world) * np.eye(3)[axis]
    return np.where((enters < leaves) & (enters > 0), enters, np.inf), normal


def _texture(where: Floats, normal: Floats) -> Floats:
    """Tiles and grain that lie on the surface, 0.7..1: lines converge as they would in a photo."""
    facing = np.abs(normal).argmax(-1)
    first = np.where(facing == 0, where[..., 2], where[..., 0])
    second = np.where(facing == 1, where[..., 2], where[..., 1])
    tile = ((np.floor(first * 2) + np.floor(second * 2)) % 2) * 0.14
    grain = np.sin(first * 37.0 + np.sin(second * 23.0)) * np.sin(second * 41.0) * 0.03
    return 0.88 - tile + grain
