"""Overlays: noise that tiles, fading towards a colour, and a wandering light, on I420 frames."""

from __future__ import annotations

import math
from typing import Protocol

import cv2
import numpy as np

from studio.engines.base import Image
from studio.engines.parallax.projection import Field, look
from studio.engines.parallax.remap import look_up
from studio.engines.parallax.scene import Floats, Scene
from studio.engines.parallax.yuv import colour_planes
from studio.nouns import Effect

_TILE = (128, 256)


class Veil(Protocol):
    """Something laid over a frame, behind the subject or in front of it."""

    front: bool

    def lay(self, at: Field, size: tuple[int, int], t: float, frame: Image, subject: Image | None) -> None:
        """Lay it over `frame` in place. at: where coarse cells look, in the pixels of a map of `size` (w, h).

        subject: (H, W) 0..255 what is in front of it.
        """
        ...


def mix(frame: Image, alpha: Floats, colour: tuple[int, int, int], subject: Image | None = None) -> None:
    """Fade an I420 frame towards a colour (Y, U, V) by a coarse alpha (0..1), in place, except where the subject is."""
    width, height = frame.shape[1], frame.shape[0] * 2 // 3
    cover = np.rint(np.clip(alpha, 0, 1) * 255).astype(np.uint8)
    planes = (frame[:height], *colour_planes(frame))
    for plane, value in zip(planes, colour, strict=True):
        size = (width, height) if plane is planes[0] else (width // 2, height // 2)
        full = cv2.resize(cover, size, interpolation=cv2.INTER_CUBIC if plane is planes[0] else cv2.INTER_LINEAR)
        if subject is not None:
            front = subject if plane is planes[0] else cv2.resize(subject, size, interpolation=cv2.INTER_AREA)
            full = cv2.multiply(full, cv2.bitwise_not(front), scale=1 / 255)
        cv2.multiply(plane, cv2.bitwise_not(full), plane, 1 / 255)
        cv2.add(plane, cv2.multiply(full, value, scale=1 / 255), plane)


def cloudy(rng: np.random.Generator, slope: float) -> Floats:
    """Noise of falling spectrum that tiles, mean 0.5, mostly 0..1. slope: how much softer each octave is."""
    rows, columns = _TILE
    spectrum = np.fft.rfft2(rng.standard_normal(_TILE))
    down, across = np.fft.fftfreq(rows)[:, None] * rows / columns, np.fft.rfftfreq(columns)[None]
    noise = np.fft.irfft2(spectrum / (np.hypot(down, across) + 1.5 / columns) ** slope, s=_TILE)
    return (0.5 + 0.25 * (noise - noise.mean()) / noise.std()).astype(np.float32)


def tile(noise: Floats, x: Floats, y: Floats) -> Floats:
    """The tile at places in tiles."""
    across, down = (x * noise.shape[1]).astype(np.float32), (y * noise.shape[0]).astype(np.float32)
    return np.asarray(look_up(noise, across, down, border=cv2.BORDER_WRAP), np.float32)


class Light:
    """Warm light that wanders over the scene: brighter and warmer where it falls, a little darker elsewhere."""

    front = True

    def __init__(self, mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator) -> None:
        self._weight = cv2.GaussianBlur(mask, (0, 0), 4) * effect.amount
        self._start, self._turns = rng.uniform(0, 2 * math.pi), max(1, round(seconds / 7))

    def lay(self, at: Field, size: tuple[int, int], t: float, frame: Image, subject: Image | None) -> None:
        """Scale brightness about black (16), less and less towards white, and lean colour by as much as was added."""
        width, height = frame.shape[1], frame.shape[0] * 2 // 3
        x, y = at.x / size[0], at.y / size[1]
        angle = 2 * math.pi * self._turns * t + self._start
        cx, cy = 0.5 + 0.42 * math.sin(angle), 0.32 + 0.16 * math.cos(angle)
        glow = np.exp(-(((x - cx) / 0.42) ** 2) - ((y - cy) / 0.5) ** 2).astype(np.float32)
        gain = look(self._weight, at) * (np.float32(0.62) * glow - np.float32(0.2))
        luma, half = frame[:height], (width // 2, height // 2)
        small = cv2.resize(luma, half, interpolation=cv2.INTER_AREA)
        lift = cv2.resize(gain, half, interpolation=cv2.INTER_LINEAR)
        lift = cv2.multiply(lift, cv2.LUT(brightest(small, *colour_planes(frame)), _ROLL))
        full = cv2.resize(1 + lift, (width, height), interpolation=cv2.INTER_LINEAR)
        cv2.multiply(cv2.subtract(luma, 16), full, luma, 1, cv2.CV_8U)
        cv2.add(luma, 16, luma)
        warm = lift * (small.astype(np.float32) - 16)
        for plane, share in zip(colour_planes(frame), (-0.16, 0.10), strict=True):
            plane[:] = np.clip(np.rint(plane + warm * np.float32(share)), 16, 240).astype(np.uint8)


def brightest(luma: Image, blue: Image, red: Image) -> Image:
    """The largest of red, green and blue of Y, U, V of one size, 0..255, near enough: green clips after the others."""
    plain = cv2.addWeighted(luma, 255 / 219, luma, 0, -16 * 255 / 219)
    parts = (
        cv2.addWeighted(plain, 1, plane, share, -128 * share)
        for plane, share in ((blue, 1.8556 * 255 / 224), (red, 1.5748 * 255 / 224))
    )
    return np.asarray(cv2.max(plain, cv2.max(*parts)), np.uint8)


def _highlight_rolloff() -> Floats:
    """Of a change of light, how much a pixel takes whose brightest channel is 0..255: all up to the middle, none at
    white.
    """
    free = np.clip((1 - np.arange(256, dtype=np.float32) / 250) / 0.5, 0, 1)
    return (free**1.5).astype(np.float32)


_ROLL = _highlight_rolloff()
