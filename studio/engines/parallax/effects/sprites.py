"""Sprites: soft dots and streaks drawn by the thousand, at sub-pixel places.

What is smaller than a pixel grows fainter, not wider, so that a small frame looks as a large one does. Some 180,000
touched pixels cost about 4 ms on one core, whatever the frame's size.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.parallax.scene import Floats

LEAST = 0.62
"""The radius in pixels under which a dot is drawn at this one, and fainter."""

_SIZES = (2, 3, 4, 6, 9, 13, 19, 28, 41, 60, 90, 140, 220, 340)
_LENGTHS = (4, 8, 12, 18, 27, 40, 60, 90, 140, 220, 340, 520, 800, 1300)
_MOST = 400_000  # pixels worked on at once


class Strokes(NamedTuple):
    """Dots that moved while the shutter was open, each (n,) in pixels: from (x, y) by (dx, dy), `radius`; `strength` is
    0..1.
    """

    x: Floats
    y: Floats
    dx: Floats
    dy: Floats
    radius: Floats
    strength: Floats

    def of(self, chosen: NDArray[np.generic]) -> Strokes:
        """Those that are chosen, by a mask or by their numbers."""
        return Strokes(*(part[chosen] for part in self))


def dots(canvas: Floats, drawn: Strokes) -> None:
    """Add soft discs to a canvas (H, W)."""
    size = np.maximum(drawn.radius, LEAST)
    fainter = np.minimum(1, drawn.radius / LEAST) ** 2
    length = np.hypot(drawn.dx, drawn.dy)
    strength = drawn.strength * fainter * np.sqrt(2 * size / (2 * size + length))
    edge = np.maximum(1.0, 1.6 * size)  # 0.8 of the radius
    reach = np.ceil(size + edge / 2 + length / 2 + 0.5)
    for least, most in zip((0, *_SIZES), _SIZES, strict=False):
        of = np.flatnonzero((reach > least) & (reach <= most))
        side = 2 * most + 1
        for some in _split_portions(of, side * side):
            _draw_discs(canvas, drawn.of(some), size[some], edge[some], strength[some], most)


def _draw_discs(canvas: Floats, drawn: Strokes, size: Floats, edge: Floats, strength: Floats, half: int) -> None:
    """Discs that all fit in squares of 2 half + 1 pixels."""
    cx, cy = drawn.x + drawn.dx / 2, drawn.y + drawn.dy / 2
    left, top = np.rint(cx).astype(np.int32), np.rint(cy).astype(np.int32)
    step = np.arange(-half, half + 1, dtype=np.float32)
    x = (step + (left - drawn.x)[:, None].astype(np.float32))[:, None, :]
    y = (step + (top - drawn.y)[:, None].astype(np.float32))[:, :, None]
    dx, dy = drawn.dx[:, None, None], drawn.dy[:, None, None]
    below = np.maximum(dx * dx + dy * dy, np.float32(1e-6))
    along = y * (dy / below) + x * (dx / below)
    np.minimum(np.maximum(along, 0, out=along), 1, out=along)
    aside, off = x - along * dx, y - along * dy
    share = cv2.magnitude(aside.reshape(-1, 1), off.reshape(-1, 1)).reshape(off.shape)
    share *= -1 / edge[:, None, None]
    share += (size / edge + np.float32(0.5))[:, None, None]
    np.minimum(np.maximum(share, 0, out=share), 1, out=share)
    share *= share * (3 - 2 * share)
    share *= strength[:, None, None]
    rows = top[:, None, None] + np.arange(-half, half + 1, dtype=np.int32)[None, :, None]
    columns = left[:, None, None] + np.arange(-half, half + 1, dtype=np.int32)[None, None, :]
    _put(canvas, rows, columns, share)


def streaks(canvas: Floats, drawn: Strokes) -> None:
    """Add streaks that run more down than across to a canvas (H, W): as wide as twice their radius, fading towards both
    ends.
    """
    upwards = drawn.dy < 0
    top = np.where(upwards, drawn.y + drawn.dy, drawn.y)
    left = np.where(upwards, drawn.x + drawn.dx, drawn.x)
    tall = np.maximum(np.abs(drawn.dy), 1.0)
    lean = np.where(upwards, -drawn.dx, drawn.dx) / tall
    half = int(np.ceil(float(drawn.radius.max(initial=0.5)) + 0.5))
    for least, most in zip((0, *_LENGTHS), _LENGTHS, strict=False):
        of = np.flatnonzero((tall > least) & (tall <= most))
        for some in _split_portions(of, (most + 2) * (2 * half + 1)):
            rows = np.floor(top[some])[:, None] + np.arange(most + 2, dtype=np.float32)
            below = rows - top[some][:, None]
            share = below / tall[some][:, None]
            middle = left[some][:, None] + lean[some][:, None] * below
            first = np.rint(middle)
            step = np.arange(-half, half + 1, dtype=np.float32)
            columns = first[:, :, None].astype(np.int32) + step.astype(np.int32)
            wide = drawn.radius[some][:, None, None]
            off = (first - middle)[:, :, None] + step
            inside = np.minimum(off + np.float32(0.5), wide) - np.maximum(off - np.float32(0.5), -wide)
            taper = np.clip(4.2 * share * (1 - share), 0, 1) * drawn.strength[some][:, None]
            _put(canvas, rows[:, :, None].astype(np.int32), columns, np.maximum(inside, 0) * taper[:, :, None])


def _put(canvas: Floats, rows: NDArray[np.int32], columns: NDArray[np.int32], share: Floats) -> None:
    """Add shares at places of the canvas, those outside of it left out."""
    height, width = canvas.shape
    rows, columns = np.broadcast_arrays(rows, columns)
    seen = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width) & (share > 1e-3)
    np.add.at(canvas.reshape(-1), rows[seen] * width + columns[seen], share[seen].astype(np.float32))


def _split_portions(of: NDArray[np.intp], each: int) -> list[NDArray[np.intp]]:
    count = max(1, -(-of.size * each // _MOST))
    return [part for part in np.array_split(of, count) if part.size]
