"""How much of a crop is sky, foliage, subject and background, before any sheet is made."""

from __future__ import annotations

import cv2
import numpy as np

from studio.engines.base import Image
from studio.engines.parallax import plants, sky
from studio.engines.parallax.scene import Areas, Floats
from studio.engines.parallax.sky import Sky
from studio.photo import matte
from studio.photo.matte import Matte


def areas(image: Image, subject: Matte, heavens: Sky | None = None) -> Areas:
    """The areas of a crop, (H, W, 3) uint8 RGB at any size, with its subject, and its sky if found before."""
    work = matte.shrink_to_work(image)
    heavens = heavens or sky.find(work.astype(np.float32) / 255, subject.soft)
    cover = matte.find_alpha(work, subject) if subject.layered else np.zeros(work.shape[:2], np.uint8)
    found = masks(work, (cover / 255).astype(np.float32), heavens)
    return Areas({name: float(mask.mean()) for name, mask in found.items()}, subject.standing)


def masks(picture: Image, cover: Floats, heavens: Sky) -> dict[str, Floats]:
    """Where things can move, each (h, w) 0..1: sky, plants, subject and background.

    `picture` is RGB of any size; `cover`, (h, w), how much the subject covers.
    """
    size = cover.shape[::-1]
    ground = ((1 - cover) * (1 - heavens.soft)).astype(np.float32)
    less = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    leaves = plants.find(less, cover, heavens.soft)
    return {"sky": heavens.soft, "foliage": leaves, "subject": cover, "background": ground}
