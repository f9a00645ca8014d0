"""Parting one sheet from what lies behind it, so that the one laid over the other is the picture again.

Knows pixels and their cover. Refuses to know what is parted and why.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.engines.base import Image
from studio.engines.parallax.fill import spread

BACK = 0.15  # how willingly the back changes, against 1 for the front


def lift(image: Image, alpha: Image, filled: Image) -> tuple[Image, Image]:
    """The front sheet, RGBA premultiplied, and what is behind it, RGB; all uint8 of one size (H, W).

    alpha: how much the front covers. filled: the picture as it may look without the front. Where alpha is 0 the back is the
    picture, where it is 255 the front is. On the soft edge the error of both guesses is shared out (the least change of the
    two colours that makes them mix to the picture's, the back holding firmer so that no outline is left on it), and the
    back takes only what the front can't.
    """
    behind: Image = np.where(alpha[..., None] > 0, filled, image)
    front = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA), np.uint8)
    front[..., 3] = alpha
    front[alpha == 0] = 0
    ys, xs = np.nonzero((alpha > 0) & (alpha < 255))
    if not len(ys):
        return front, behind
    cover = alpha[ys, xs].astype(np.float32)[:, None] / 255
    seen, back, own = (part[ys, xs].astype(np.float32) for part in (image, behind, _colour(image, alpha)))
    rest = seen - cover * own - (1 - cover) * back
    back += rest * BACK * (1 - cover) / (cover**2 + BACK * (1 - cover) ** 2)
    laid = np.clip(seen - (1 - cover) * back, 0, 255 * cover)
    back = np.rint(np.clip((seen - laid) / (1 - cover), 0, 255))
    behind[ys, xs] = back.astype(np.uint8)
    front[ys, xs, :3] = np.rint(np.clip(seen - (1 - cover) * back, 0, 255 * cover)).astype(np.uint8)
    return front, behind


def _colour(image: Image, alpha: Image) -> Image:
    """The front's own colour, continued from its sure inside over its edge and beyond."""
    scale = min(1.0, 640 / max(alpha.shape))
    size = (max(2, round(alpha.shape[1] * scale)), max(2, round(alpha.shape[0] * scale)))
    less = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    core = (cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) > 245).astype(np.float32)
    whole = np.clip(spread(less, core), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(whole, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
