"""Matting of a sheet: alpha and foreground colour, parted from what lies behind; composed, the picture again."""

from __future__ import annotations

import cv2
import numpy as np

from studio.engines.base import Image
from studio.engines.parallax.inpaint import spread
from studio.engines.parallax.scene import Floats
from studio.photo.matte import smoothstep

FIRM, LOOSE = (
    0.02,
    0.5,
)  # how willingly the back changes, against 1 for the front: on a calm background, and on a busy one
WISP = 64  # alpha, of 255, below which a pixel may still be more of the front than the matte says
MORE = 90  # the most, of 255, by which alpha is raised so that the front can carry its own colour
AROUND = 11  # pixels over which the fill is judged
SLIGHT = 7  # levels by which the back may differ from the picture beside the front, to lose its trace
DULL = 0.05  # the share of the front's colour that is taken for noise


def lift(image: Image, alpha: Image, filled: Image, hole: Image) -> tuple[Image, Image]:
    """The front sheet, RGBA premultiplied, and what is behind it, RGB; all uint8 of one size (H, W).

    alpha: how much the front covers. filled: the picture as it may look without the front, new where `hole` is not 0,
    which reaches a little past alpha; what of the front's colour is found there (a hair, the blur of its edge) is taken
    along. Where the front covers nothing the back is the picture, where it covers all the front is. In between the
    error of both guesses is shared out (the least change of the two colours that makes them mix to the picture's, the
    back holding firmer so that no outline is left on it), and the back takes only what the front can't; on a calm
    background next to none.
    """
    own = _colour(image, alpha)
    alpha, back_there, calm = _with_wisps(image, alpha, filled, hole, own)
    behind = np.asarray(cv2.copyTo(filled, alpha, back_there), np.uint8)
    ys, xs = np.nonzero((alpha > 0) & (alpha < 255))
    seen, back, ours = (picture[ys, xs].astype(np.float32) for picture in (image, behind, own))
    trust = calm[ys, xs]
    alpha[ys, xs] = _find_least_alpha(alpha[ys, xs], seen, back, trust)
    guess = back.copy()
    rgba = cv2.merge([*cv2.split(image), alpha])
    front = np.asarray(cv2.copyTo(rgba, alpha, np.zeros_like(rgba)), np.uint8)
    cover = np.minimum(alpha[ys, xs].astype(np.float32)[:, None] / 255, 0.9999)
    rest = seen - cover * ours - (1 - cover) * back
    give = (FIRM * trust + LOOSE * (1 - trust))[:, None]
    back += rest * give * (1 - cover) / (cover**2 + give * (1 - cover) ** 2)
    laid = np.clip(seen - (1 - cover) * back, 0, 255 * cover)
    most = SLIGHT + 255 * (1 - trust)[:, None]
    back = np.rint(np.clip((seen - laid) / (1 - cover), np.maximum(0, guess - most), np.minimum(255, guess + most)))
    behind[ys, xs] = back.astype(np.uint8)
    front[ys, xs, :3] = np.rint(np.clip(seen - (1 - cover) * back, 0, 255 * cover)).astype(np.uint8)
    return front, behind


def _find_least_alpha(alpha: Image, seen: Floats, back: Floats, trust: Floats) -> Image:
    """The least alpha with which some colour over `back` can make what is seen, if that is not much more than the
    matte's.
    """
    darker = 1 - seen / np.maximum(back, 1)
    brighter = (seen - back) / np.maximum(255 - back, 1)
    needed = np.ceil(255 * np.clip(np.maximum(darker, brighter).max(1), 0, 1))
    return np.clip(np.maximum(alpha, np.minimum(needed, alpha.astype(np.float32) + MORE * trust)), 0, 255).astype(
        np.uint8
    )


def _with_wisps(image: Image, alpha: Image, filled: Image, hole: Image, own: Image) -> tuple[Image, Image, Floats]:
    """Alpha with what else in the hole lies from the back's colour towards the front's, the picture without its trace,
    and calm.

    Calm, (H, W) 0..1, is where the fill is otherwise a good guess: on a busy background a difference says nothing.
    """
    ys, xs = np.nonzero((hole > 0) & (alpha < WISP))
    seen, back, ours = (picture[ys, xs].astype(np.float32) for picture in (image, filled, own))
    apart, off = ours - back, seen - back
    contrast = np.einsum("ij,ij->i", apart, apart)
    towards = np.einsum("ij,ij->i", off, apart) / (contrast + 1)
    aside = np.sqrt(np.maximum(np.einsum("ij,ij->i", off, off) - towards**2 * contrast, 0)) - np.minimum(
        towards, 0
    ) * np.sqrt(contrast)
    wrong, count = np.zeros(alpha.shape, np.float32), np.zeros(alpha.shape, np.float32)
    wrong[ys, xs], count[ys, xs] = aside, 1
    around = (AROUND, AROUND)
    told = cv2.blur(count, around)
    calm = (told > 0) * (1 - smoothstep(6, 14, cv2.blur(wrong, around) / (told + 1e-3)))
    found = np.where(contrast > 30**2, np.clip((towards - DULL) / (1 - DULL), 0, 0.9), 0) * calm[ys, xs]
    more, plain = alpha.copy(), image.copy()
    more[ys, xs] = np.maximum(alpha[ys, xs], np.rint(found * 255).astype(np.uint8))
    little = np.clip(off, -SLIGHT, SLIGHT) * calm[ys, xs][:, None]
    plain[ys, xs] = np.rint(seen - little).astype(np.uint8)
    return more, plain, calm


def _colour(image: Image, alpha: Image) -> Image:
    """The front's own colour, continued from its sure inside over its edge and beyond."""
    scale = min(1.0, 640 / max(alpha.shape))
    size = (max(2, round(alpha.shape[1] * scale)), max(2, round(alpha.shape[0] * scale)))
    less = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    core = (cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) > 245).astype(np.float32)
    whole = np.clip(spread(less, core), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(whole, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
