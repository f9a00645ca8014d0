"""Small films for tests of the score: a photo with a soft texture that a virtual camera pans over, as frames and as footage."""

from __future__ import annotations

import cv2
import numpy as np

from studio.clip.clip_reader import Footage
from studio.nouns import Camera, Motion, Move, Photo, Shot
from studio.score.reference import Reference, make_reference

WIDE, HIGH, FRAMES, RATE = 320, 180, 48, 24
PHOTO = Photo("7" * 64, 640, 360)
PAN = Shot(PHOTO, motion=Motion(camera=Camera((Move("pan_left", 0.5),), ease="linear")), seconds=2.0)


def paint(seed: int = 0) -> np.ndarray:
    """A colourful picture with texture at several scales, (360, 640, 3) uint8 RGB."""
    chance, made = np.random.default_rng(seed), np.zeros((360, 640, 3), np.float32)
    for size, strong in ((60, 30), (12, 22), (2.2, 16)):
        noise = cv2.GaussianBlur(chance.standard_normal(made.shape).astype(np.float32), (0, 0), size)
        made += strong * noise / noise.std()
    return np.clip(125 + made, 0, 255).astype(np.uint8)


def pan(picture: np.ndarray, step: float = 0.55, loop: bool = False) -> list[np.ndarray]:
    """I420 frames of a camera that turns left: the picture goes right, `step` pixels a frame, from 13 left to 13 right."""
    film: list[np.ndarray] = []
    for at in range(FRAMES):
        along = (1 - np.cos(2 * np.pi * at / FRAMES)) / 2 * (FRAMES - 1) if loop else at
        move = np.array([[0.5, 0, step * (along - (FRAMES - 1) / 2)], [0, 0.5, 0]])
        frame = cv2.warpAffine(picture, move, (WIDE, HIGH), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
        film.append(cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420))
    return film


def read(film: list[np.ndarray]) -> Footage:
    """What the reader would hand over of a film: all of its frames, as none is larger than a sample."""
    chroma = np.stack([frame[HIGH:].reshape(2, HIGH // 2, WIDE // 2) for frame in film])
    samples = np.array([0, len(film) // 2, len(film) - 1])
    stills = np.stack([cv2.cvtColor(film[at], cv2.COLOR_YUV2RGB_I420) for at in samples])
    at = np.arange(len(film))
    return Footage(
        np.stack([frame[:HIGH] for frame in film]), chroma, at, at / RATE, stills, samples, len(film), RATE, WIDE, HIGH
    )


def refer(picture: np.ndarray, footage: Footage, shot: Shot = PAN) -> Reference:
    """The picture as what the footage is held against."""
    return make_reference(picture, shot, footage)
