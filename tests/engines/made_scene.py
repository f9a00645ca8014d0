"""A scene made by hand, so that what a camera must show can be worked out."""

from __future__ import annotations

import cv2
import numpy as np

from studio.engines.parallax.scene import Layer, Scene
from studio.nouns import Camera, Crop, Ease, Effect, Motion, Move, MoveName, Photo, Shot


def texture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Soft random texture, (height, width, 3) uint8, detailed enough for flow and smooth enough for bilinear sampling."""
    noise = np.random.default_rng(seed).standard_normal((height, width, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 2.2) + 0.8 * cv2.GaussianBlur(noise, (0, 0), 7) * 3
    return np.clip(128 + 60 * soft / soft.std(), 0, 255).astype(np.uint8)


def make(width: int = 256, height: int = 160, subject: bool = True, to_edge: bool = False) -> Scene:
    """A tilted ground, and a round subject in front of it that may reach the lower edge."""
    rows, columns = 80, 128
    y = np.mgrid[0:rows, 0:columns][0].astype(np.float32)
    ground = 0.05 + 0.45 * y / rows
    picture = texture(width, height)
    layers = [Layer("background", np.dstack([picture, np.full((height, width), 255, np.uint8)]), ground)]
    cover, pivot = np.zeros((rows, columns), np.float32), 0.35
    if subject:
        yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
        middle = 1.0 if to_edge else 0.5
        alpha = np.clip((0.24 - np.hypot(xx / width - 0.5, (yy / height - middle) * height / width)) * 60, 0, 1)
        front = np.dstack([texture(width, height, 1) * alpha[..., None], alpha * 255])
        layers.append(Layer("subject", np.rint(front).astype(np.uint8), np.full((rows, columns), 0.8, np.float32)))
        cover, pivot = cv2.resize(alpha.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA), 0.8
    disparity = ground * (1 - cover) + 0.8 * cover
    sky = (y < rows * 0.3).astype(np.float32) * (1 - cover)
    masks = {"sky": sky, "foliage": (y > rows * 0.6) * (1 - cover), "subject": cover, "background": 1 - cover}
    return Scene(width, height, tuple(layers), disparity, masks, pivot, 1.0, 0.3)


def shot(
    *moves: MoveName, amount: float = 0.7, ease: Ease = "smooth", loop: bool = False, effects: tuple[Effect, ...] = (),
    seconds: float = 2.0, fps: int = 12, seed: int = 0, size: tuple[int, int] = (256, 160),
) -> Shot:  # fmt: skip
    """A shot of a photo of this size."""
    camera = Camera(tuple(Move(move, amount) for move in moves), ease, loop)
    photo = Photo("0" * 64, *size)
    return Shot(photo, Crop(), Motion(camera=camera, effects=effects), seconds=seconds, fps=fps, seed=seed)
