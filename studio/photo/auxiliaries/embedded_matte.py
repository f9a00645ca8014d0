"""The portrait matte in a phone's file: believed, or doubted, by holding it against faces, saliency and edges.

How it is read is auxiliary_images.py's; what it does once it is kept, subject_mask.py's and matte.py's.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.photo.auxiliaries.auxiliary_images import Auxiliary, Floats
from studio.photo.auxiliaries.embedded_depth import ENOUGH, LOOKED_AT, lie_on_edges, read_fitting, shrink
from studio.photo.crop import Image
from studio.photo.saliency import SIDE, look_at

COARSEST, LONGEST = 512, 2048
"""Pixels of the long side of what is kept: finer than any painted mask (`brush_mask.LARGEST`)."""

LEAST, MOST = 0.005, 0.95  # of the photo: less is nobody, more is everything
WHOLE = 0.7  # of the range: a matte that spans this goes from none to all (video levels end at 16 and 235 of 255)
AHEAD = 0.1  # by how much more what is inside draws the eye than what is outside, of 0..1


class EmbeddedMatte(NamedTuple):
    """A photo's own matte. `mask`: (h, w) uint8, 255 is the subject, of the photo's ratio, upright, its long side 512
    to 2048 px; None where none can be used.

    `doubt` says why the mask shouldn't be believed, "" when there is no reason not to.
    """

    mask: NDArray[np.uint8] | None
    doubt: str = ""


def find_embedded_matte(found: list[Auxiliary], image: Image) -> EmbeddedMatte | None:
    """The portrait matte among the auxiliary images of a picture, (H, W, 3) uint8 RGB; None where there is none."""
    first = next((one for one in found if one.role == "matte"), None)
    if first is None:
        return None
    values = read_fitting(first, image)
    if isinstance(values, str):
        return EmbeddedMatte(None, values)
    low, high = (float(value) for value in np.percentile(values, (0.1, 99.9)))
    if high - low > WHOLE:
        values = np.clip((values - low) / (high - low), 0, 1)
    share = float((values > 0.5).mean())
    if not LEAST <= share <= MOST:
        return EmbeddedMatte(None, "it is empty" if share < LEAST else "it covers the whole photo")
    longest = max(values.shape)
    scale = min(max(longest, COARSEST), LONGEST) / longest
    size = (max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale)))
    kept = cv2.resize(values, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return EmbeddedMatte(np.rint(np.clip(kept, 0, 1) * 255).astype(np.uint8), find_matte_doubt(kept, image))


def find_matte_doubt(matte: Floats, image: Image) -> str:
    """Why a matte, (h, w) float32 0..1, can't be of this picture, (H, W, 3) uint8 RGB; "" when nothing contradicts
    it.
    """
    seen = shrink(image, LOOKED_AT)
    inside = (cv2.resize(matte, seen.shape[1::-1], interpolation=cv2.INTER_AREA) > 0.5).astype(np.uint8)
    outlines = cv2.morphologyEx(inside, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    if np.count_nonzero(outlines) >= ENOUGH and not lie_on_edges(outlines, seen):
        return "its outlines don't lie on the picture's"
    look = look_at(image, with_faces=True)  # as a rule it is asked for next, for the report and the crop
    laid = cv2.resize(matte, (SIDE, SIDE), interpolation=cv2.INTER_AREA) > 0.5
    if look.faces:
        middles = [(int((face.y + face.h / 2) * SIDE), int((face.x + face.w / 2) * SIDE)) for face in look.faces]
        places = [laid[min(max(row, 0), SIDE - 1), min(max(column, 0), SIDE - 1)] for row, column in middles]
        return "" if any(places) else "no face lies in it"
    ahead = float(look.map[laid].mean()) - float(look.map[~laid].mean()) if laid.any() and not laid.all() else 0.0
    return "" if ahead > AHEAD else "it leaves out what draws the eye"
