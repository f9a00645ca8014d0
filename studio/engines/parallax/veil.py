"""What hangs in the air or falls on the scene: fog, steam and a wandering light.

Knows soft shapes on a coarse grid laid over I420 frames. Refuses to know layers and cameras.
"""

from __future__ import annotations

import math
from typing import Protocol

import cv2
import numpy as np

from studio.engines.base import Image
from studio.engines.parallax.colour import colour_planes
from studio.engines.parallax.lookup import look_up
from studio.engines.parallax.project import Field, look
from studio.engines.parallax.scene import Floats, Scene
from studio.nouns import Effect

FOG = (203, 131, 126)  # Y, U, V of a pale, faintly blue grey
STEAM = (222, 128, 128)
_FOG_SPEED, _FOG_PERIOD = 0.045, 5.0  # frame widths a second, seconds
_STEAM_SPEED = 0.22  # tile heights a second
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


def tiled(noise: Floats, x: Floats, y: Floats) -> Floats:
    """The tile at places in tiles."""
    across, down = (x * noise.shape[1]).astype(np.float32), (y * noise.shape[0]).astype(np.float32)
    return np.asarray(look_up(noise, across, down, border=cv2.BORDER_WRAP), np.float32)


class Fog:
    """Thin fog that passes along the direction, thicker in the distance; it stands behind the subject."""

    front = False

    def __init__(self, mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator) -> None:
        far = np.clip(1.15 - 1.3 * cv2.GaussianBlur(scene.disparity, (0, 0), 5), 0.12, 1)
        self._weight = cv2.GaussianBlur(mask, (0, 0), 5) * far * effect.amount
        self._noise = cloudy(rng, 2.1), cloudy(rng, 2.1)
        self._periods = max(1, round(seconds / _FOG_PERIOD))
        way, far_on = math.radians(effect.direction), _FOG_SPEED * seconds / self._periods
        self._way = (far_on * math.cos(way), far_on * math.sin(way))

    def lay(self, at: Field, size: tuple[int, int], t: float, frame: Image, subject: Image | None) -> None:
        """Two drifting looks at the noise, each fading out before it starts again."""
        x, y = at.x / size[0] * 0.5, at.y / size[0] * 1.3
        total = np.zeros_like(x)
        for noise, start in zip(self._noise, (0.0, 0.5), strict=True):
            phase = (self._periods * t + start) % 1
            share = math.sin(math.pi * phase)  # powers add up to one, so the fog's contrast never pulses
            moved = tiled(noise, x - self._way[0] * (phase - 0.5) * 0.5, y - self._way[1] * (phase - 0.5))
            total += np.float32(share) * (moved - 0.5)
        mix(frame, look(self._weight, at) * np.clip(0.45 + 0.62 * total, 0, 0.85), FOG, subject)


class Steam:
    """Wisps that rise from a region and thin out above it: from all of what is painted, from the middle of a subject."""

    front = True

    def __init__(self, mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator) -> None:
        source = mask if effect.region == "brush" else _mouth(mask)
        self._weight = _plume(source) * effect.amount
        self._noise = cloudy(rng, 1.8), cloudy(rng, 1.8)
        self._turns = tuple(max(1, round(_STEAM_SPEED * speed * seconds)) for speed in (1.0, 1.6))

    def lay(self, at: Field, size: tuple[int, int], t: float, frame: Image, subject: Image | None) -> None:
        """Filaments along the middle values of a noise that rises, drawn out upwards, and bends as a faster one passes."""
        x, y = at.x / size[0], at.y / size[0]
        fast = tiled(self._noise[1], x * 1.1, y * 1.1 + self._turns[1] * t) - 0.5
        slow = tiled(self._noise[0], x * 2.0 + 0.22 * fast, y * 0.55 + self._turns[0] * t)
        thread = np.clip(1 - np.abs(slow - 0.5) * 5, 0, 1)
        wisps = 0.75 * thread * thread + 0.25 * np.clip(0.6 + fast, 0, 1)
        mix(frame, look(self._weight, at) * wisps.astype(np.float32) * np.float32(1.05), STEAM)


def _mouth(mask: Floats) -> Floats:
    """Where a subject steams: around the middle of its upper half."""
    rows, columns = (np.flatnonzero(mask.max(axis) > 0.3) for axis in (1, 0))
    if not rows.size or not columns.size:
        return mask
    upper = mask[: rows[0] + max(1, rows.size // 2)]
    across = float(upper.sum(0) @ np.arange(mask.shape[1]) / max(float(upper.sum()), 1e-6))
    y, x = np.mgrid[0 : mask.shape[0], 0 : mask.shape[1]].astype(np.float32)
    wide, tall = 0.20 * columns.size, 0.14 * rows.size
    return np.exp(-(((x - across) / wide) ** 2) - ((y - rows[0] - 0.3 * rows.size) / tall) ** 2).astype(np.float32)


def _plume(source: Floats) -> Floats:
    """The source drawn out upwards: it widens and thins, and is gone within half the frame."""
    rows = source.shape[0]
    inside = np.flatnonzero(source.max(1) > 0.3)
    tall = float(np.clip(1.6 * inside.size, rows * 0.3, rows * 0.55))
    plume, steps = np.zeros_like(source), 16
    for step in range(steps):
        up = round(tall * step / steps)
        lifted = np.zeros_like(source)
        lifted[: rows - up] = source[up:]
        soft = cv2.GaussianBlur(lifted, (0, 0), rows * (0.012 + 0.035 * step / steps))
        plume = np.maximum(plume, soft * (1 - step / steps) ** 1.2 * min(1.0, 0.45 + step / 4))
    return np.asarray(cv2.GaussianBlur(plume, (0, 0), rows / 50), np.float32)


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


def _rolled() -> Floats:
    """Of a change of light, how much a pixel takes whose brightest channel is 0..255: all up to the middle, none at white."""
    free = np.clip((1 - np.arange(256, dtype=np.float32) / 250) / 0.5, 0, 1)
    return (free**1.5).astype(np.float32)


_ROLL = _rolled()
