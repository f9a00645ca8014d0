"""Film a photo with whichever build of Stir is on the path, so that two builds can be compared.

`PYTHONPATH=BUILD:builds python -P film.py TO SIZE AMOUNT MOVE,MOVE PHOTO...` writes TO/PHOTO.npz: a move's first, middle and last
frame by the move's name, (3, H, W, 3) uint8 RGB; `subject`, 0..255 at the size of the scene's depth; `layers`, far to near.
Needs nothing but what every build has: nouns, presets and the built-in engine.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from either_build import ParallaxEngine, animate

from studio.config import Settings
from studio.nouns import Camera, Motion, Move, Photo, Shot

SECONDS, FPS = 2.0, 12


def rgb(planes: np.ndarray) -> np.ndarray:
    """One I420 frame, (H * 3 // 2, W), BT.709 in limited range, as (H, W, 3) RGB uint8. ITU-R BT.709-6."""
    height, width = planes.shape[0] * 2 // 3, planes.shape[1]
    quarter = planes[height:].reshape(2, height // 2, width // 2)
    y = (planes[:height].astype(np.float32) - 16) / 219
    u, v = ((cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) - np.float32(128)) / 224 for one in quarter)
    red, blue = y + 1.5748 * v, y + 1.8556 * u
    green = (y - 0.2126 * red - 0.0722 * blue) / 0.7152
    return np.rint(np.clip(np.dstack([red, green, blue]), 0, 1) * 255).astype(np.uint8)


def film(engine: ParallaxEngine, image: np.ndarray, move: str, amount: float, size: str) -> np.ndarray:
    """First, middle and last frame of a move over a whole picture, (3, H, W, 3) uint8 RGB."""
    frames = list(animate(engine, image, shot(image, move, amount, size)).images)
    return np.stack([rgb(frames[index]) for index in (0, len(frames) // 2, -1)])


def shot(image: np.ndarray, move: str, amount: float, size: str) -> Shot:
    """A shot of a whole picture that moves in one way."""
    photo = Photo("4" * 64, image.shape[1], image.shape[0])
    camera = Camera((Move(move, amount),))  # type: ignore[arg-type]
    return Shot(photo, motion=Motion(camera=camera), size=size, seconds=SECONDS, fps=FPS)  # type: ignore[arg-type]


def main(to: str, size: str, amount: str, moves: str, *photos: str) -> None:
    """Film every photo and write what was filmed."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(Path(home))
        settings.prepare()
        for file in photos:
            engine = ParallaxEngine(settings)
            cv2.setNumThreads(2)
            image = cv2.cvtColor(cv2.imread(file), cv2.COLOR_BGR2RGB)
            shown = {move: film(engine, image, move, float(amount), size) for move in moves.split(",")}
            scene = engine.read(image, shot(image, "orbit_left", float(amount), size))
            subject = np.rint(255 * scene.masks["subject"]).astype(np.uint8)
            names = ",".join(layer.name for layer in scene.layers)
            np.savez(Path(to) / Path(file).stem, subject=subject, layers=names, gap=scene.gap, **shown)


if __name__ == "__main__":
    main(*sys.argv[1:])
