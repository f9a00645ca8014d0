"""cv2.remap for pictures of any size: what is beyond OpenCV's limit of 32,766 rows or columns is cut up."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.parallax.scene import Floats

MOST_SIDE = 32_766
"""The longest side of a picture, of the places and of the answer that cv2.remap takes: SHRT_MAX less one."""

Picture = NDArray[np.generic]


def look_up(
    picture: Picture, x: Floats, y: Floats, out: Picture | None = None,
    how: int = cv2.INTER_LINEAR, border: int = cv2.BORDER_REPLICATE,
) -> Picture:  # fmt: skip
    """A picture (H, W) or (H, W, c) at places x across and y down, both (h, w) float32 in its pixels; written to `out`
    if given.

    Places may be of any size; the picture's own sides are at most MOST_SIDE.
    """
    rows, columns = x.shape
    if max(rows, columns) <= MOST_SIDE:
        return np.asarray(cv2.remap(picture, x, y, how, out, border))
    if out is None:
        out = np.empty((rows, columns, *picture.shape[2:]), picture.dtype)
    for top in range(0, rows, MOST_SIDE):
        for left in range(0, columns, MOST_SIDE):
            part = np.s_[top : top + MOST_SIDE, left : left + MOST_SIDE]
            out[part] = cv2.remap(picture, x[part], y[part], how, None, border)
    return out
