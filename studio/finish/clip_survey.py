"""A clip looked through once at a small size, before it is finished: what its loop's seam, its light and its sharpest
frame are found by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.finish.clip_frames import Reader
from studio.finish.yuv_planes import split_planes

Bytes = NDArray[np.uint8]

AREA, LONG_AREA, LONG = 160 * 90, 96 * 54, 1000
"""Pixels of a small frame, about; and in a clip of more than so many frames."""

SHARP_AREA = 640 * 360
"""Pixels at which sharpness is measured."""


class Survey(NamedTuple):
    """luma: (N, h, w), chroma: (N, 2, h, w) uint8 of the frames that were looked at; sharpness: (N,) deviation of the
    Laplacian in grey levels; first: which frame of the clip the first of them is."""

    luma: Bytes
    chroma: Bytes
    sharpness: NDArray[np.float64]
    first: int


def survey_clip(reader: Reader, which: range, tick: Callable[[int], None]) -> Survey:
    """Look through these frames; `tick` is called with how many have been seen."""
    luma: list[Bytes] = []
    chroma: list[Bytes] = []
    sharpness: list[float] = []
    for count, index in enumerate(which):
        planes = split_planes(reader.read(index))
        size = _fit(planes[0], LONG_AREA if len(which) > LONG else AREA)
        small = [np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8) for plane in planes]
        luma.append(small[0])
        chroma.append(np.stack(small[1:]))
        sharpness.append(measure_sharpness(planes[0]))
        tick(count + 1)
    return Survey(np.stack(luma), np.stack(chroma), np.array(sharpness), which.start)


def measure_sharpness(luma: Bytes) -> float:
    """The deviation of the Laplacian of a frame's brightness, in grey levels, at about 640 x 360."""
    small = cv2.resize(luma, _fit(luma, SHARP_AREA), interpolation=cv2.INTER_AREA) if luma.size > SHARP_AREA else luma
    return float(cv2.Laplacian(small, cv2.CV_16S).std())


def _fit(luma: Bytes, area: int) -> tuple[int, int]:
    scale = min(1.0, (area / luma.size) ** 0.5)
    return max(8, round(luma.shape[1] * scale)), max(8, round(luma.shape[0] * scale))


def list_needed(at: Iterable[float]) -> range:
    """The frames that lie round these moments."""
    low, high = min(at), max(at)
    return range(int(np.floor(low)), int(np.ceil(high)) + 1)
