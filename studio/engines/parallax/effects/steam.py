"""Steam that rises from an opening (a cup, a pot, a chimney), or from what was painted."""

from __future__ import annotations

import cv2
import numpy as np

from studio.engines.parallax.effects import scene_light
from studio.engines.parallax.effects.compositing import Air
from studio.engines.parallax.effects.fog import plane, sight
from studio.engines.parallax.effects.overlay import cloudy, mix, tile
from studio.engines.parallax.projection import Field, look
from studio.engines.parallax.scene import Floats, Scene
from studio.engines.parallax.shot_setting import Depth
from studio.nouns import Effect

_SPEED = 0.2  # tile heights a second
_CELL = 8  # pixels of the frame to one cell of the grid on which steam is made
_STEEP = 1.8  # where a body's outline falls off more steeply than this, its opening ends
_DEEPEST = 0.42  # how tall an opening may look, of its width: a bowl seen from above
_SEEN = 0.85  # of the steam at amount 1, where it is thickest


class Steam:
    """Thin wisps that rise, widen, bend and dissolve, at the depth of what they rise from."""

    def __init__(self, mask: Floats, scene: Scene, effect: Effect, seconds: float, rng: np.random.Generator) -> None:
        source = mask if effect.region == "brush" else mouth(mask)
        self._size = (mask.shape[1], mask.shape[0])
        self._weight, self._height = _draw_plume(source)
        self._weight *= np.float32(effect.amount * _SEEN)
        near = float((scene.disparity * source).sum() / max(float(source.sum()), 1e-6))
        self._deep = float(Depth(scene.pivot, scene.gap).of(np.float32(near)))
        self._noise = cloudy(rng, 2.7), cloudy(rng, 2.2)
        self._turns = tuple(max(1, round(_SPEED * speed * seconds)) for speed in (1.0, 1.7))
        found = scene_light.light(scene)
        self._colour = (round(float(np.clip(found.brightest, 120, 226))), 128, 128)

    def draw(self, air: Air) -> None:
        """Threads along the middle values of a noise that rises, drawn out upwards; a faster one bends them, high up
        most.
        """
        width, height = air.view.size
        u, way = sight(air.view, (-(-height // _CELL), -(-width // _CELL)), self._size)
        at = plane(u, way, self._deep)
        mix(air.frame, look(self._weight, at) * self._sample_wisps(at, air.t), self._colour)

    def _sample_wisps(self, at: Field, t: float) -> Floats:
        up = look(self._height, at)
        x, y = at.x * np.float32(1 / self._size[0]), at.y * np.float32(1 / self._size[0])
        fast = tile(self._noise[1], x * 1.3, y * 0.9 + self._turns[1] * t) - 0.5
        slow = tile(self._noise[0], x * 2.0 + (0.08 + 0.3 * up) * fast, y * 0.36 + self._turns[0] * t)
        thread = np.clip(1 - np.abs(slow - 0.5) * (7 - 3.5 * up), 0, 1)
        return (0.8 * thread * thread + 0.2 * np.clip(0.5 + 1.2 * fast, 0, 1)).astype(np.float32)


def mouth(mask: Floats) -> Floats:
    """The opening at the top of a body, (h, w) 0..1: what its upper outline curves round, from shoulder to shoulder."""
    solid = (mask > 0.5).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    if count < 2:
        return mask
    body = labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    columns = np.flatnonzero(body.any(0))
    outline = body.argmax(0)[columns].astype(np.float32)
    smooth = cv2.GaussianBlur(outline[None], (0, 0), max(1.0, columns.size / 60), borderType=cv2.BORDER_REPLICATE)[0]
    top = int(smooth.argmin())
    slope, tall = np.gradient(smooth), float(body.any(1).sum())
    falls = (np.abs(slope) > _STEEP) | (smooth - smooth[top] > 0.45 * tall)
    left = top - int(falls[: top + 1][::-1].argmax()) if falls[: top + 1].any() else 0
    right = top + int(falls[top:].argmax()) if falls[top:].any() else columns.size - 1
    wide = max(3.0, (right - left) / 2)
    shoulder = float(np.mean((smooth[left], smooth[right]))) - smooth[top]
    high = float(np.clip(shoulder, 0.16 * wide, _DEEPEST * wide))
    y, x = np.mgrid[0 : mask.shape[0], 0 : mask.shape[1]].astype(np.float32)
    away = ((x - columns[0] - (left + right) / 2) / (0.8 * wide)) ** 2 + ((y - smooth[top] - high) / (0.8 * high)) ** 2
    return np.clip((1.25 - away) * 2, 0, 1).astype(np.float32)


def _draw_plume(source: Floats) -> tuple[Floats, Floats]:
    """The source drawn out upwards, widening and thinning until it is gone, and how high over the source each place is,
    0..1.
    """
    rows = source.shape[0]
    inside, across = np.flatnonzero(source.max(1) > 0.3), np.flatnonzero(source.max(0) > 0.3)
    tall = float(np.clip(1.3 * across.size, rows * 0.28, rows * 0.6))
    foot = float(inside.mean()) if inside.size else rows / 2
    plume, steps = np.zeros_like(source), 20
    for step in range(steps):
        part = step / steps
        lifted = np.zeros_like(source)
        up = round(tall * part)
        lifted[: rows - up] = source[up:]
        soft = cv2.GaussianBlur(lifted, (0, 0), rows * (0.008 + 0.035 * part))
        plume = np.maximum(plume, soft * (1 - part) ** 1.4 * min(1.0, 0.35 + 4 * part))
    down = np.arange(rows, dtype=np.float32)[:, None]
    height = np.repeat(np.clip((foot - down) / tall, 0, 1).astype(np.float32), source.shape[1], 1)
    return np.asarray(cv2.GaussianBlur(plume, (0, 0), rows / 90), np.float32), height
