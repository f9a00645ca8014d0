"""Monocular depth from pictorial cues: sky, ground, walls, focus, haze and the roundness of subjects."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.base import Image
from studio.engines.parallax import perspective, sky
from studio.engines.parallax.perspective import Walls
from studio.engines.parallax.scene import Floats
from studio.engines.parallax.sky import Sky
from studio.photo import matte
from studio.photo.matte import Matte, smoothstep

GENTLE = 0.6
"""How steeply floor and ceiling come nearer, of what lines say: where those are wrong, upright lines would bend at the
floor.
"""


class Reading(NamedTuple):
    """What was read: disparity (h, w) float32, 0 at infinity to 1 nearest, and the sky."""

    disparity: Floats
    sky: Sky


def estimate(image: Image, subject: Matte) -> Reading:
    """A photo's depth from its looks. image: (H, W, 3) uint8 RGB, any size; the result has the matte's working size."""
    rgb8 = matte.shrink_to_work(image)
    rgb = rgb8.astype(np.float32) / 255
    heavens = sky.find(rgb, subject.soft)
    height, width = subject.soft.shape
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    plane = _estimate_ground(down, heavens)
    room = perspective.walls(cv2.cvtColor(rgb8, cv2.COLOR_RGB2GRAY))
    found, plane = _lay_walls(plane, heavens, room)
    found = np.where(heavens.soft > 0.5, 0, found).astype(np.float32)
    found = _focus(rgb, rgb8, found)
    found = _add_haze(rgb, rgb8, found, heavens)
    found = _stand_subjects(found, plane, down, subject, room.sure)
    fine = cv2.ximgproc.guidedFilter(rgb, found, max(3, max(height, width) // 90), 6e-4)
    return Reading(np.clip(fine, 0, 1), heavens)


def _estimate_ground(down: Floats, heavens: Sky) -> Floats:
    """A flat ground's disparity grows in a straight line below the horizon; without a sky, a room: far walls, then
    floor.
    """
    if heavens.share > sky.LEAST:
        return 0.10 + 0.62 * np.clip((down - heavens.horizon) / (1 - heavens.horizon + 1e-6), 0, 1)
    return (0.20 + 0.56 * down**1.35).astype(np.float32)


def _lay_walls(plane: Floats, heavens: Sky, room: Walls) -> tuple[Floats, Floats]:
    """Floor, walls and ceiling as the photo's lines tell of them, as far as that is sure: whichever is nearest; and the
    floor.
    """
    if room.sure <= 0:
        return plane, plane
    height, width = plane.shape
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    columns = np.interp(
        np.arange(width) / width * perspective.KNOTS - 0.5, np.arange(perspective.KNOTS), np.exp(room.nearness)
    )
    stands = 1 - heavens.soft[int(np.clip(room.horizon - 0.04, 0, 1) * (height - 1))]
    wall = (room.foot * columns * cv2.blur(stands[None], (width // 16, 1))[0])[None]
    floor = (down - room.horizon) / (1 - room.horizon)
    ceiling = room.foot / room.head * (room.horizon - down) / room.horizon if room.head else np.full_like(down, -1)
    nearest = wall + GENTLE * np.maximum(np.maximum(floor, ceiling) - wall, 0)
    seen = 0.10 + 0.62 * np.where(nearest < 0.9, nearest, 0.9 + 0.4 * (1 - np.exp((0.9 - nearest) / 0.4)))
    flat = 0.10 + 0.62 * np.clip(floor, 0, 1) * np.ones((1, width), np.float32)
    return (plane + room.sure * (seen - plane)).astype(np.float32), (plane + room.sure * (flat - plane)).astype(
        np.float32
    )


def _focus(rgb: Floats, guide: Image, found: Floats) -> Floats:
    """Blurred parts go back, where the picture is clearly part sharp and part blurred."""
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    fine, coarse = cv2.GaussianBlur(gray, (0, 0), 1.0), cv2.GaussianBlur(gray, (0, 0), 2.5)
    sharp, soft = (
        cv2.GaussianBlur(_halve(np.abs(one - other)), (0, 0), 3) for one, other in ((gray, fine), (fine, coarse))
    )
    ratio, sure = sharp / (sharp + soft + 0.004), smoothstep(0.006, 0.02, sharp + soft)
    seen = ratio[sure > 0.5]
    if seen.size < 125:
        return found
    low, high = np.percentile(seen, (10, 92))
    spread = float(smoothstep(0.12, 0.32, np.float32([high - low]))[0])
    near = smoothstep(float(low), float(high), ratio) * sure
    near = np.clip(cv2.ximgproc.guidedFilter(_halve(guide), near, max(gray.shape) // 40, 4e-3 * 255**2), 0, 1)
    near = cv2.resize(near, gray.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return (found * (1 - 0.45 * spread) + (0.08 + 0.62 * near) * (0.45 * spread)).astype(np.float32)


def _add_haze(rgb: Floats, guide: Image, found: Floats, heavens: Sky) -> Floats:
    """Outdoors, veiled parts go back (dark channel prior: He, Sun, Tang, CVPR 2009)."""
    if heavens.share <= 0.05:
        return found
    dark = cv2.erode(rgb.min(2), np.ones((9, 9), np.uint8))
    air = float(np.median(dark[heavens.soft > 0.5]))
    clear = (1 - 0.95 * dark / max(air, 0.2)).astype(np.float32)
    clear = np.clip(cv2.ximgproc.guidedFilter(_halve(guide), _halve(clear), max(dark.shape) // 40, 1e-3 * 255**2), 0, 1)
    clear = cv2.resize(clear, dark.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.where(heavens.soft > 0.5, 0, found * (0.75 + 0.25 * clear)).astype(np.float32)


def _halve(picture: NDArray[Any]) -> NDArray[Any]:
    return cv2.resize(picture, (picture.shape[1] // 2, picture.shape[0] // 2), interpolation=cv2.INTER_AREA)


def _stand_subjects(found: Floats, plane: Floats, down: Floats, subject: Matte, walls: float) -> Floats:
    """Each subject stands a little before what it stands on, and is round rather than a cardboard.

    walls: how sure the room is; a subject that isn't sure itself is then a part of it, a door rather than a person.
    """
    height, width = found.shape
    believed = 1 - 0.9 * walls * float(smoothstep(5.0, 7.0, np.float32([subject.doubt]))[0])
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
        lies = float(
            smoothstep(0.8, 1.0, np.float32([part.mask[-2].mean()]))[0]
        )  # a pier fills the foot, and goes away from it
        body = body + lies * (plane - float(plane[part.mask].mean()))
        found = np.where(part.mask, found + believed * (body - found), found)
    return np.clip(found, 0, 1).astype(np.float32)
