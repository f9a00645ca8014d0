"""Background blur: what lies behind the subject is blurred, the subject left as it is.

The subject is taken out before the blur and its place filled from around, so that none of its colour spreads into a
halo. A photo in which nothing stands out stays as it is.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.photo.mends.tiles import Image
from studio.photo.saliency import look_at

Floats = NDArray[np.float32]

_WORK = 1024
"""The long side, in pixels, at which edges are found and backgrounds blurred: both are soft beside the photo's own
pixels.
"""

_PEAK, _VAGUE, _LEAST, _MOST = 0.5, 1.4, 0.004, 0.85
"""What counts as a subject: the surest raw answer of the network, how much of the map may be undecided against what is
decided (both as in matte.py), and the share of the photo it covers."""

_SOLID = 0.72
"""How sure, on average, each part of the subject must be."""

_BLUR = 0.016
"""The deviation of the blur at amount 1, in long sides of the photo."""

_NEAR = 0.25
"""How wide the blur is where a subject stands on something, against elsewhere: what it stands on is as near as it is.
"""

_GROUND, _REACH = 0.3, 0.06
"""How far up from its foot that goes, in heights of the subject, and how far around it, in long sides of the photo."""

_INSIDE, _OUTSIDE = 0.62, 0.18
"""Where the matte counts as all subject and as none."""

_STRIP = 512


def blur_background(image: Image, amount: float, measured: Floats | None = None) -> Image:
    """The image, (H, W, 3) uint8 RGB, with its background blurred; the same shape, the same pixels on the subject.

    `measured` is the phone's matte, (h, w) 0..1 of the whole photo; without one the subject is found here.

    `amount` 0..1 is how wide the blur is: its deviation is 0.8 % of the long side at 0.5, 1.6 % at 1; less around its
    foot, where it stands on something. The image itself where nothing stands out.
    """
    height, width = image.shape[:2]
    matte = find_subject(image) if measured is None else _fit_matte(measured, _find_size(image))
    if matte is None:
        return image
    behind = _blur_behind(
        np.asarray(cv2.resize(image, matte.shape[::-1], interpolation=cv2.INTER_AREA), np.uint8), matte, amount
    )
    ours = cv2.resize(np.rint(matte * 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    wide = cv2.resize(behind, (width, height), interpolation=cv2.INTER_CUBIC)
    done = np.empty_like(image)
    for top in range(0, height, _STRIP):
        rows = slice(top, top + _STRIP)
        kept = (ours[rows].astype(np.float32) / 255)[..., None]
        blurred = wide[rows].astype(np.float32)
        mixed = blurred + (image[rows].astype(np.float32) - blurred) * np.maximum(kept, 1 - min(1.0, 8 * amount))
        done[rows] = np.rint(mixed).astype(np.uint8)
    return done


def find_subject(image: Image) -> Floats | None:
    """How much each place is subject, float32 0..1 at most 1024 px wide or high; None if nothing stands out clearly."""
    size = _find_size(image)
    work = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    seen = look_at(image, with_faces=False)
    if seen.peak < _PEAK:
        return None
    soft = _lay_along_edges(work, np.asarray(cv2.resize(seen.map, size, interpolation=cv2.INTER_LINEAR), np.float32))
    vague = float(((seen.map > 0.1) & (seen.map < 0.9)).mean())
    kept = _find_parts(soft)
    area = float((kept > 0).mean())
    if not _LEAST < area < _MOST or vague > _VAGUE * area:
        return None
    near = cv2.dilate(kept, np.ones((15, 15), np.uint8))
    return _step(np.asarray(soft * near, np.float32))


def _find_size(image: Image) -> tuple[int, int]:
    """Width and height at which edges are found and backgrounds blurred."""
    height, width = image.shape[:2]
    scale = min(1.0, _WORK / max(height, width))
    return max(round(width * scale), 2), max(round(height * scale), 2)


def _fit_matte(measured: Floats, size: tuple[int, int]) -> Floats:
    how = cv2.INTER_AREA if measured.shape[1] > size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(measured, size, interpolation=how), np.float32)


def _lay_along_edges(work: Image, salient: Floats) -> Floats:
    """The map of 320 cells laid along the picture's edges: first its coarse ones, then its fine ones."""
    radius = max(max(work.shape) // 100, 2)
    coarse = cv2.ximgproc.guidedFilter(work, salient, radius, 1e-3 * 255**2)
    fine = cv2.ximgproc.guidedFilter(work, coarse, max(radius // 2, 2), 2e-4 * 255**2)
    return np.clip(fine, 0, 1).astype(np.float32)


def _find_parts(soft: Floats) -> NDArray[np.uint8]:
    """1 on the connected parts that are subjects: large and sure, and no band from side to side above the ground."""
    height, width = soft.shape
    count, labels, stats, _ = cv2.connectedComponentsWithStats((soft > 0.5).astype(np.uint8), connectivity=8)
    kept = np.zeros((height, width), np.uint8)
    for label in range(1, count):
        left, top, wide, high, area = (int(value) for value in stats[label])
        band = left <= 2 and left + wide >= width - 2 and top + high < height - 3
        mask = labels == label
        if area >= _LEAST * height * width and not band and float(soft[mask].mean()) >= _SOLID:
            kept[mask] = 1
    return kept


def _step(soft: Floats) -> Floats:
    t = np.clip((soft - _OUTSIDE) / (_INSIDE - _OUTSIDE), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def _blur_behind(work: Image, matte: Floats, amount: float) -> Image:
    """The background alone, blurred, also where the subject hides it: from ever further around, the deeper inside."""
    clear = cv2.erode((matte < 0.02).astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1).astype(np.float32)
    if clear.mean() < 0.02:
        return work
    deviation = max(_BLUR * amount * max(work.shape), 0.5)
    colours = work.astype(np.float32) * clear[..., None]
    far, near = _fill(colours, clear, deviation), _fill(colours, clear, max(_NEAR * deviation, 0.5))
    return np.rint(np.clip(far + (near - far) * _find_foot(matte)[..., None], 0, 255)).astype(np.uint8)


def _find_foot(matte: Floats) -> Floats:
    """Where something is as near as the subject, 0..1: around and below the foot of each part that ends inside the
    photo.
    """
    height, width = matte.shape
    near = np.zeros((height, width), np.float32)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((matte > 0.5).astype(np.uint8), connectivity=8)
    rows = np.arange(height, dtype=np.float32)[:, None]
    for label in range(1, count):
        top, high = int(stats[label][1]), int(stats[label][3])
        if top + high >= height - 2:
            continue  # cut off by the photo's edge: what it stands on is not seen
        away = cv2.distanceTransform((labels != label).astype(np.uint8), cv2.DIST_L2, 3) / (_REACH * max(height, width))
        low = np.clip((rows - (top + (1 - _GROUND) * high)) / (_GROUND * high), 0, 1)
        near = np.maximum(near, low * np.exp(-away))
    return near


def _fill(colours: Floats, clear: Floats, deviation: float) -> Floats:
    """The clear places blurred over the whole picture: from ever further around, where too little is clear close by."""
    filled, known = _blur(colours, clear, deviation)
    for wider in (3.0, 9.0, 27.0):
        beyond, further = _blur(colours, clear, deviation * wider)
        trust = np.clip(known / 0.2, 0, 1)[..., None]
        filled, known = filled * trust + beyond * (1 - trust), np.maximum(known, further)
    return np.asarray(filled, np.float32)


def _blur(colours: Floats, clear: Floats, deviation: float) -> tuple[Floats, Floats]:
    """The mean colour of the clear places around each pixel, and how much of its surroundings is clear."""
    shrink = max(1, int(deviation / 4))
    size = (max(colours.shape[1] // shrink, 1), max(colours.shape[0] // shrink, 1))
    few, here = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (colours, clear))
    few, here = (
        cv2.GaussianBlur(plane, (0, 0), deviation / shrink, borderType=cv2.BORDER_REPLICATE) for plane in (few, here)
    )
    whole = (colours.shape[1], colours.shape[0])
    mean = cv2.resize(few / np.maximum(here, 1e-4)[..., None], whole, interpolation=cv2.INTER_LINEAR)
    return np.asarray(mean, np.float32), np.asarray(cv2.resize(here, whole, interpolation=cv2.INTER_LINEAR), np.float32)
