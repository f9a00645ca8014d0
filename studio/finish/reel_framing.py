"""Clips of several shapes in one frame: cropped round what they show where that keeps it, else whole upon a blurred
ground of themselves.

Frames are planar I420, (height * 3 // 2, width) uint8; all sides are even.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.finish.clip_frames import Facts
from studio.finish.yuv_planes import split_planes
from studio.nouns import Aspect, Photo
from studio.photo.auto_crop import suggest_crop
from studio.photo.crop import RATIOS
from studio.photo.saliency import find_saliency

Bytes = NDArray[np.uint8]
Size = tuple[int, int]
"""Width and height in pixels."""

ENOUGH = 0.7
"""The share of a frame that a crop keeps, from which on a clip is always cropped: from 4:5 to 9:16 keeps 0.70."""

SEEN = 0.85
"""The share of what stands out in a clip that a smaller crop has to keep."""

ALIKE = 0.01
"""How much two shapes may differ for one to be stretched to the other."""

DARK = 0.55
"""How bright the blurred ground is beside the clip upon it."""

_GROUND = 24  # pixels of the ground's shorter side, before it is enlarged: a blur by a twenty-fourth of the frame


class Framing(NamedTuple):
    """How a clip's frames are brought to the reel's size: the box (left, top, width, height) of them that is used, and
    the place (left, top, width, height) where it lies in the reel's frame: all of it, unless it stands upon a
    ground."""

    box: tuple[int, int, int, int]
    place: tuple[int, int, int, int]
    size: Size

    @property
    def has_ground(self) -> bool:
        """Whether something of the frame is left free."""
        return self.place[2:] != self.size


def choose_framing(facts: Facts, size: Size, read_first: Callable[[], Bytes]) -> Framing:
    """How clips of these facts fill a frame of this size (width, height). read_first: the clip's first frame, which is
    only looked at where shapes differ."""
    shape, wanted = facts.width / facts.height, size[0] / size[1]
    whole = (0, 0, facts.width, facts.height)
    if abs(np.log(shape / wanted)) < ALIKE:
        return Framing(whole, (0, 0, *size), size)
    kept = min(shape / wanted, wanted / shape)
    box, seen = _place_box(read_first(), facts, wanted)
    if kept >= ENOUGH or seen >= SEEN:
        return Framing(box, (0, 0, *size), size)
    scale = min(size[0] / facts.width, size[1] / facts.height)
    width, height = (min(most, _even(side * scale)) for side, most in zip(facts[:2], size, strict=True))
    return Framing(whole, (_even((size[0] - width) / 2), _even((size[1] - height) / 2), width, height), size)


def _place_box(first: Bytes, facts: Facts, wanted: float) -> tuple[tuple[int, int, int, int], float]:
    """The largest box of a shape that keeps faces and subject, and the share of what stands out that it keeps."""
    picture = np.asarray(cv2.cvtColor(np.ascontiguousarray(first), cv2.COLOR_YUV2RGB_I420), np.uint8)
    photo = Photo("0" * 64, facts.width, facts.height)
    named: Aspect = min(RATIOS, key=lambda one: abs(np.log(RATIOS[one] / wanted)))
    crop = suggest_crop(picture, photo, named).crop
    width, height = min(facts.width, facts.height * wanted), min(facts.height, facts.width / wanted)
    left = np.clip((crop.x + crop.w / 2) * facts.width - width / 2, 0, facts.width - width)
    top = np.clip((crop.y + crop.h / 2) * facts.height - height / 2, 0, facts.height - height)
    stands_out = find_saliency(picture).astype(np.float64) ** 2
    rows, columns = stands_out.shape
    part = stands_out[
        round(top / facts.height * rows) : round((top + height) / facts.height * rows),
        round(left / facts.width * columns) : round((left + width) / facts.width * columns),
    ]
    wide, high = min(facts.width, _even(width)), min(facts.height, _even(height))
    place = (min(_even(left), facts.width - wide), min(_even(top), facts.height - high))
    return (*place, wide, high), float(part.sum() / max(stands_out.sum(), 1e-9))


def fill_side(facts: Facts, wanted: float) -> int:
    """The shorter side in pixels of the largest crop of this shape (width over height) that a clip holds."""
    width = min(facts.width, facts.height * wanted)
    return _even(min(width, width / wanted))


def frame_clip(frame: Bytes, framing: Framing) -> Bytes:
    """A clip's frame in the reel's."""
    width, height = framing.size
    if frame.shape == (height * 3 // 2, width) and not framing.has_ground:
        return frame
    made = np.empty((height * 3 // 2, width), np.uint8)
    for number, (plane, into) in enumerate(zip(split_planes(frame), split_planes(made), strict=True)):
        part = 1 if number == 0 else 2
        left, top, wide, high = (side // part for side in framing.box)
        inner = plane[top : top + high, left : left + wide]
        if framing.has_ground:
            _lay_ground(plane, into, is_luma=number == 0)
        x, y, wide, high = (side // part for side in framing.place)
        how = cv2.INTER_AREA if wide < inner.shape[1] else cv2.INTER_CUBIC
        into[y : y + high, x : x + wide] = cv2.resize(inner, (wide, high), interpolation=how)
    return made


def _lay_ground(plane: Bytes, into: Bytes, is_luma: bool) -> None:
    """Fill a plane with the clip's own, cropped to its shape, blurred and darkened."""
    height, width = plane.shape
    wanted = into.shape[1] / into.shape[0]
    wide, high = round(min(width, height * wanted)), round(min(height, width / wanted))
    left, top = (width - wide) // 2, (height - high) // 2
    small = (_GROUND, round(_GROUND / wanted)) if wanted < 1 else (round(_GROUND * wanted), _GROUND)
    blurred = cv2.resize(plane[top : top + high, left : left + wide], small, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(blurred, (0, 0), 1.2)
    if is_luma:
        blurred = np.asarray(16 + (blurred.astype(np.float32) - 16) * DARK, np.float32)
    ground = cv2.resize(blurred.astype(np.float32), (into.shape[1], into.shape[0]), interpolation=cv2.INTER_CUBIC)
    into[:] = np.clip(np.rint(ground), 0, 255)


def _even(side: float) -> int:
    return max(2, 2 * round(side / 2)) if side > 1 else 0
