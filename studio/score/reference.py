"""What a clip is held against: its photo as the first frame should show it, or its own first frame where there is no
photo; with the subject, the faces and the lettering in it.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.clip.clip_reader import Footage
from studio.nouns import Shot
from studio.photo import faces, lettering, matte
from studio.photo.crop import cut_crop

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of `Reference.luma`."""

LEAST_FACE, LEAST_LETTERS = 12, 5
"""How high a face and a row of lettering have to be there for anything to be said of them."""

_Y, _U, _V = (
    np.array(row) / 255 for row in ((46.559, 156.629, 15.812), (-25.664, -86.336, 112.0), (112.0, -101.730, -10.270))
)  # BT.709-6, limited range: what sampled frames are in


class Reference(NamedTuple):
    """A picture that frames are compared with.

    luma: (h, w), chroma: (2, h, w), of half the size of sampled frames, BT.709, limited range; still: (H, W, 3) RGB, as
    large as stills. is_photo: the photo's crop, not the clip's own first frame. subject: (h, w) 0..1, None where
    nothing stands out. near: (2 h, 2 w) 0..1, how near things are, None where nobody knows.
    """

    luma: Image
    chroma: Image
    still: Image
    is_photo: bool
    subject: Floats | None = None
    faces: tuple[Box, ...] = ()
    lettering: tuple[Box, ...] = ()
    near: Floats | None = None


def make_reference(
    photo: Image, shot: Shot, footage: Footage, marked: str = "", near: Floats | None = None
) -> Reference:
    """The reference of a shot. photo: (H, W, 3) uint8 RGB, mended, as `shot.photo` says; marked: the mask of its
    subject (subject_mask.py); near: any size, its crop's.
    """
    shown = cut_crop(photo, shot.photo, shot.crop)
    stood = matte.find_matte(shown, photo, shot.crop, marked)
    middle = _cut_middle(shown, footage.width / footage.height)
    subject = _cut_middle(stood.soft, footage.width / footage.height) if stood.standing != "none" else None
    near = None if near is None else _cut_middle(near, footage.width / footage.height)
    return _build(middle, footage, True, subject, near)


def use_first_frame(footage: Footage) -> Reference:
    """The reference of a clip without a photo."""
    shown = footage.stills[0]
    stood = matte.find_matte(shown)
    return _build(shown, footage, False, stood.soft if stood.standing != "none" else None, None)


def _build(shown: Image, footage: Footage, is_photo: bool, subject: Floats | None, near: Floats | None) -> Reference:
    height, width = footage.chroma.shape[2:]
    still = _resize(shown, (footage.stills.shape[2], footage.stills.shape[1]))
    small = _resize(still, (width, height)).astype(np.float32)
    luma, *chroma = (np.rint(base + small @ row).astype(np.uint8) for base, row in ((16, _Y), (128, _U), (128, _V)))
    found = faces.find_faces(still, looks=(0,))
    seen = tuple(_scale_box(one.x, one.y, one.w, one.h, width, height) for one in found[:4])
    rows = lettering.find_lettering(still, short=240)
    read = tuple(_scale_box(*one.box, width, height) for one in rows[:8])
    return Reference(
        luma, np.stack(chroma), still, is_photo,
        None if subject is None else _resize(subject, (width, height)),
        tuple(box for box in seen if box[3] - box[1] >= LEAST_FACE),
        tuple(box for box in read if box[3] - box[1] >= LEAST_LETTERS),
        None if near is None else _resize(near, (footage.luma.shape[2], footage.luma.shape[1])),
    )  # fmt: skip


def _scale_box(x: float, y: float, w: float, h: float, width: int, height: int) -> Box:
    return (
        max(0, round(x * width)), max(0, round(y * height)),
        min(width, round((x + w) * width)), min(height, round((y + h) * height)),
    )  # fmt: skip


def _resize(image: NDArray, size: tuple[int, int]) -> NDArray:  # type: ignore[type-arg]
    return np.asarray(cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA), image.dtype)


def _cut_middle(image: NDArray, shape: float) -> NDArray:  # type: ignore[type-arg]
    """The largest middle part of an image with this ratio of width to height: a model's own grid may need it."""
    height, width = image.shape[:2]
    wide, high = min(width, round(height * shape)), min(height, round(width / shape))
    left, top = (width - wide) // 2, (height - high) // 2
    return image[top : top + max(1, high), left : left + max(1, wide)]
