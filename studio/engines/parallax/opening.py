"""How far a subject may part from what is behind it, place by place: tried out small, and judged by what comes to light.

The subject is moved a usual way to either side over what would be behind it. What then looks like nothing in the photo nearby (a
ghost, a rim, a break, a smear: Simakov and others, "Summarizing visual data using bidirectional similarity", CVPR 2008) is what a
viewer would see, and along that part of the outline the two are kept together.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from studio.engines.base import Image
from studio.engines.parallax import fill, part
from studio.engines.parallax.scene import Floats
from studio.nouns import Choice
from studio.photo.matte import step

TRIED = 0.022
"""How far the two are moved apart, of the long side: what an orbit of amount 0.6 does to near before far."""

LIKE = 7  # grey levels, the mean of a patch: what differs more from everything nearby in the photo is seen
PATCH = 3  # pixels
ROWS = 3  # pixels up and down within which a likeness is looked for
THIN = 0.025  # of the long side: parts and gaps narrower than this aren't parted, for a matte seldom has all of them
AROUND = 0.06  # of the long side: how far along the outline a fault is held against it
BEARABLE, UNBEARABLE = 0.004, 0.02  # the share of what comes to light that is faulty
WORTH = 0.3  # the mean opening along an outline below which it isn't opened at all


class Parting(NamedTuple):
    """opening: (h, w) float32 0..1 how far the subject may part from what is behind it; None for nowhere. choice: why."""

    opening: Floats | None
    choice: Choice


def find(picture: Image, alpha: Image, choice: Choice) -> Parting:
    """How far the subject may part. picture: (h, w, 3) uint8 RGB at the working size; alpha: (h, w) how much the subject covers.

    choice: what was decided about the subject, which stays where there is none to part.
    """
    outline = _outline(alpha)
    if not outline.any():
        return Parting(None, choice)
    hole = wider(alpha)
    front, behind = part.lift(picture, alpha, fill.smooth(picture, hole), hole)
    opening = _try(picture, front, behind)
    share = float(opening[outline].mean())
    if share < WORTH:
        why = "parted, its edge would show a ghost or a rim, so what lies around it is stretched a little instead"
        return Parting(None, Choice(choice.what, "one", f"{choice.reason.split(',')[0]}, but {why}"))
    kept = "" if share > 0.95 else f"; along {1 - share:.0%} of its outline that would show a ghost or a rim, so there it is kept"
    return Parting(opening, Choice(choice.what, choice.value, choice.reason + kept))


def wider(alpha: Image) -> Image:
    """Where alpha is, and as far around as the blur of an edge reaches."""
    around = 2 * max(3, max(alpha.shape) // 200) + 1
    return np.asarray(cv2.dilate(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (around, around))), np.uint8)


def _outline(alpha: Image) -> Image:
    return cv2.morphologyEx((alpha > 127).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0


def _try(picture: Image, front: Image, behind: Image) -> Floats:
    """How far the front, RGBA premultiplied, may part from the picture behind it."""
    side = max(picture.shape)
    way = max(2, round(TRIED * side))
    shown, faulty = np.zeros(picture.shape[:2], np.float32), np.zeros(picture.shape[:2], np.float32)
    for aside in (-way, way):
        moved = np.roll(cv2.copyMakeBorder(front, 0, 0, way, way, cv2.BORDER_CONSTANT), aside, 1)[:, way:-way]
        clear = cv2.merge([255 - moved[..., 3]] * 3)
        seen = np.asarray(cv2.add(cv2.multiply(behind, clear, scale=1 / 255), moved[..., :3]), np.uint8)
        edge = cv2.dilate(_outline(moved[..., 3]).astype(np.uint8), np.ones((2 * way + 1,) * 2, np.uint8)) > 0
        shown += edge
        faulty += edge & (_unlike(seen, picture, edge, way + 4) > LIKE)
    faulty += 2 * _thin(front[..., 3], round(THIN * side))
    size = (2 * round(AROUND * side) + 1,) * 2
    share = cv2.GaussianBlur(faulty, size, 0) / (cv2.GaussianBlur(shown, size, 0) + 1e-3)
    return np.asarray(cv2.GaussianBlur(1 - step(BEARABLE, UNBEARABLE, share), (0, 0), 0.02 * side), np.float32)


def _thin(alpha: Image, width: int) -> Image:
    """Where the shape, or a gap in it, is narrower than this many pixels."""
    shape = (alpha > 127).astype(np.uint8)
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    opened, closed = (cv2.morphologyEx(shape, how, brush, borderValue=0) for how in (cv2.MORPH_OPEN, cv2.MORPH_CLOSE))
    differ = cv2.morphologyEx((opened != closed).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    return np.asarray(differ, np.uint8)


def _unlike(seen: Image, picture: Image, where: Image, reach: int) -> Image:
    """How little each patch of `seen` is like any of `picture`'s up to `reach` pixels aside, in grey levels; 255 off `where`."""
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    least = np.full(where.shape, 255, np.uint8)
    if not rows.size:
        return least
    top, left, bottom, right = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
    soft = cv2.GaussianBlur(seen, (0, 0), 0.7)[top:bottom, left:right]
    wide = cv2.copyMakeBorder(cv2.GaussianBlur(picture, (0, 0), 0.7), ROWS, ROWS, reach, reach, cv2.BORDER_REPLICATE)
    found = least[top:bottom, left:right]
    for down in range(2 * ROWS + 1):
        for across in range(2 * reach + 1):
            other = wide[top + down : bottom + down, left + across : right + across]
            red, green, blue = cv2.split(cv2.absdiff(soft, other))
            cv2.min(found, cv2.blur(cv2.max(cv2.max(red, green), blue), (PATCH, PATCH)), found)
    return least
