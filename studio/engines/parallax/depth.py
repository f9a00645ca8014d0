"""How near each part of a photo is, by eye: sky, ground, focus, haze and the roundness of subjects.

Knows the cues painters use and how they are weighed. Refuses to know layers, fills and cameras.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from studio.engines.base import Image
from studio.engines.parallax import sky
from studio.engines.parallax.scene import Floats
from studio.engines.parallax.sky import Sky
from studio.photo import matte
from studio.photo.matte import Matte, step


class Reading(NamedTuple):
    """What was read: disparity (h, w) float32, 0 at infinity to 1 nearest, and the sky."""

    disparity: Floats
    sky: Sky


def estimate(image: Image, subject: Matte) -> Reading:
    """Depth of a photo from its looks. image: (H, W, 3) uint8 RGB at any size; the result has the matte's working size."""
    rgb8 = matte.small(image)
    rgb = rgb8.astype(np.float32) / 255
    heavens = sky.find(rgb, subject.soft)
    height, width = subject.soft.shape
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    plane = _ground(down, heavens)
    found = np.where(heavens.soft > 0.5, 0, plane).astype(np.float32)
    found = _focus(rgb, rgb8, found)
    found = _haze(rgb, rgb8, found, heavens)
    found = _subjects(found, plane, down, subject)
    fine = cv2.ximgproc.guidedFilter(rgb, found, max(3, max(height, width) // 90), 6e-4)
    return Reading(np.clip(fine, 0, 1), heavens)


def _ground(down: Floats, heavens: Sky) -> Floats:
    """A flat ground's disparity grows in a straight line below the horizon; without a sky, a room: far walls, then floor."""
    if heavens.share > sky.LEAST:
        return 0.10 + 0.62 * np.clip((down - heavens.horizon) / (1 - heavens.horizon + 1e-6), 0, 1)
    return (0.20 + 0.56 * down**1.35).astype(np.float32)


def _focus(rgb: Floats, guide: Image, found: Floats) -> Floats:
    """Blurred parts go back, where the picture is clearly part sharp and part blurred."""
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    fine, coarse = cv2.GaussianBlur(gray, (0, 0), 1.0), cv2.GaussianBlur(gray, (0, 0), 2.5)
    sharp, soft = cv2.GaussianBlur(np.abs(gray - fine), (0, 0), 6), cv2.GaussianBlur(np.abs(fine - coarse), (0, 0), 6)
    ratio, sure = sharp / (sharp + soft + 0.004), step(0.006, 0.02, sharp + soft)
    seen = ratio[sure > 0.5]
    if seen.size < 500:
        return found
    low, high = np.percentile(seen, (10, 92))
    spread = float(step(0.12, 0.32, np.float32([high - low]))[0])
    near = step(float(low), float(high), ratio) * sure
    near = np.clip(cv2.ximgproc.guidedFilter(guide, near, max(gray.shape) // 20, 4e-3 * 255**2), 0, 1)
    return (found * (1 - 0.45 * spread) + (0.08 + 0.62 * near) * (0.45 * spread)).astype(np.float32)


def _haze(rgb: Floats, guide: Image, found: Floats, heavens: Sky) -> Floats:
    """Outdoors, veiled parts go back (dark channel prior: He, Sun, Tang, CVPR 2009)."""
    if heavens.share <= 0.05:
        return found
    dark = cv2.erode(rgb.min(2), np.ones((9, 9), np.uint8))
    air = float(np.median(dark[heavens.soft > 0.5]))
    clear = (1 - 0.95 * dark / max(air, 0.2)).astype(np.float32)
    clear = np.clip(cv2.ximgproc.guidedFilter(guide, clear, max(dark.shape) // 20, 1e-3 * 255**2), 0, 1)
    return np.where(heavens.soft > 0.5, 0, found * (0.75 + 0.25 * clear)).astype(np.float32)


def _subjects(found: Floats, plane: Floats, down: Floats, subject: Matte) -> Floats:
    """Each subject stands a little before what it stands on, and is round rather than a cardboard."""
    height, width = found.shape
    side = max(height, width)
    base = cv2.GaussianBlur(found, (0, 0), side / 40)
    for part in subject.parts:
        _, top, _, high = part.box
        grounded = top + high >= height - 3
        contact = float(plane[min(height - 1, top + high - 1), 0])
        near = max(contact + 0.06, float(np.percentile(base[part.mask], 70)) + 0.16, 0.62 if grounded else 0.48)
        inside = cv2.distanceTransform(part.mask.astype(np.uint8), cv2.DIST_L2, 3)
        rise = np.clip(inside / max(6.0, float(inside.max())), 0, 1)
        relief = cv2.GaussianBlur(np.sqrt(1 - (1 - rise) ** 2), (0, 0), side / 64)
        lean = (down - top / height) / max(high / height, 1e-3)
        body = min(near, 0.88) + 0.14 * (relief - 0.4) + 0.05 * (lean - 0.5)
        found = np.where(part.mask, body, found)
    return np.clip(found, 0, 1).astype(np.float32)
