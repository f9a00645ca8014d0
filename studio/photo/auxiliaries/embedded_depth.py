"""The depth map in a phone's portrait: believed, or doubted, by holding it against the picture.

How it is read, of HEIC, AVIF and JPEG, is auxiliary_images.py's. The bytes are hostile: what can't be made sense of is
said in `EmbeddedDepth.doubt`, never raised.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.photo.auxiliaries.auxiliary_images import Auxiliary, Floats
from studio.photo.crop import Image

MOST = 4  # maps of one file that are looked at
LONGEST = 2048  # pixels of the long side of what is kept
ALIKE = 0.02  # two ratios of width to height closer than this, of one, are the same

FLAT = 0.02  # of a format's range: what spans less says nothing
LEVELS = 8  # fewer shades than this are a mask, not depth
LOOKED_AT = 256  # pixels of the long side at which map and picture are compared
STEP = 0.1  # of a map's range, between two pixels there: an outline
ENOUGH = 60  # pixels of outlines from which on they can be held against the picture
ASIDE = (12, 20)  # pixels there by which outlines are moved, to see what chance alone gives
CLEAR, SPREAD = 0.02, 0.6
"""Ranks by which outlines must beat chance, and, over the root of their pixels, what few need more, as chance varies
so.
"""


class EmbeddedDepth(NamedTuple):
    """A photo's own depth. `map`: (h, w) uint16, near is bright, of the photo's ratio, upright; None where none can be
    used.

    `doubt` says why the map shouldn't be believed, "" when there is no reason not to.
    """

    map: NDArray[np.uint16] | None
    doubt: str = ""


def find_embedded_depth(found: list[Auxiliary], image: Image) -> EmbeddedDepth | None:
    """The depth among the auxiliary images of a picture, (H, W, 3) uint8 RGB; None where there is none.

    Of several it is the first without a doubt.
    """
    judged = [_judge(one, image) for one in found if one.role == "depth"][:MOST]
    return min(judged, key=lambda one: (one.map is None, bool(one.doubt)), default=None)


def _judge(found: Auxiliary, image: Image) -> EmbeddedDepth:
    values = read_fitting(found, image)
    if isinstance(values, str):
        return EmbeddedDepth(None, values)
    low, high = (float(value) for value in np.percentile(values, (0.5, 99.5)))
    if high - low < FLAT:
        return EmbeddedDepth(None, "it is flat")
    spread = shrink(np.clip((values - low) / (high - low), 0, 1), LONGEST)
    return EmbeddedDepth(np.rint(spread * 65535).astype(np.uint16), find_doubt(spread, image))


def read_fitting(found: Auxiliary, image: Image) -> Floats | str:
    """The samples of an auxiliary image, (h, w) float32 0..1; or why they can't be used, in words."""
    try:
        values = found.read()
    except Exception:  # a decoder may throw anything at all on hostile bytes
        return "it can't be read"
    if not np.isfinite(values).all():
        return "it can't be read"
    height, width = image.shape[:2]
    fits = abs(values.shape[1] / values.shape[0] * height / width - 1) <= ALIKE
    return values if fits else "it has another shape than the photo"


def find_doubt(disparity: Floats, image: Image) -> str:
    """Why a map, (h, w) float32 0..1, can't be of this picture, (H, W, 3) uint8 RGB; "" when nothing contradicts it."""
    if len(np.unique(np.rint(disparity * 255))) < LEVELS:
        return "it holds too few steps to be depth"
    seen = shrink(image, LOOKED_AT)
    laid = cv2.resize(disparity, seen.shape[1::-1], interpolation=cv2.INTER_AREA)
    outlines = _measure_slope(laid) > STEP
    count = int(np.count_nonzero(outlines))
    if count < ENOUGH:
        return ""  # a smooth map has no outline that could lie elsewhere
    return "" if lie_on_edges(outlines, seen) else "its outlines don't lie on the picture's"


def lie_on_edges(outlines: NDArray[np.bool_], picture: Image) -> bool:
    """Whether outlines, (h, w), lie on the edges of a picture of that size more than chance would have it."""
    count = int(np.count_nonzero(outlines))
    return _measure_above_chance(outlines, picture) > CLEAR + SPREAD / max(count, 1) ** 0.5


def _measure_above_chance(outlines: NDArray[np.bool_], picture: Image) -> float:
    """How much stronger the picture's edges are under outlines than under the same outlines moved aside, in ranks of
    0..1.
    """
    soft = cv2.GaussianBlur(picture, (0, 0), 1.0)
    edges = np.max([_measure_slope(soft[..., index].astype(np.float32)) for index in range(3)], axis=0)
    edges = cv2.dilate(edges, np.ones((5, 5), np.uint8)).ravel()
    ranks = np.empty(edges.size, np.float32)
    ranks[np.argsort(edges, kind="stable")] = np.linspace(0, 1, edges.size, dtype=np.float32)
    ranks = ranks.reshape(outlines.shape)
    lots: list[float] = []
    for angle in np.arange(0, 2 * np.pi, np.pi / 6):
        for radius in ASIDE:
            move = np.array([[1, 0, radius * np.cos(angle)], [0, 1, radius * np.sin(angle)]], np.float32)
            moved = cv2.warpAffine(outlines.astype(np.uint8), move, outlines.shape[::-1], flags=cv2.INTER_NEAREST) > 0
            if moved.any():
                lots.append(float(ranks[moved].mean()))
    return float(ranks[outlines].mean()) - float(np.mean(lots or [0.5]))


def _measure_slope(values: Floats) -> Floats:
    """The larger of a map's differences across and down, (h, w)."""
    across = np.abs(np.diff(values, axis=1, append=values[:, -1:]))
    return np.maximum(across, np.abs(np.diff(values, axis=0, append=values[-1:])))


def shrink(values: NDArray[Any], longest: int) -> NDArray[Any]:
    """A map or picture with its long side at most so many pixels."""
    scale = longest / max(values.shape[:2])
    if scale >= 1:
        return values
    size = (max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale)))
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)
