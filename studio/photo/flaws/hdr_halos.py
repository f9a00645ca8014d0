"""Heavy HDR processing: halos along edges, and local contrast where there was none.

A picture without a plain part beside an edge shows no halo: there only harsh local contrast counts.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.photo.crop import Image
from studio.photo.findings import Finding
from studio.photo.flaws.photo_sample import Floats

HALO = 0.05
"""How far, against the step of an edge, the plain side next to it overshoots. Measured: photographs -0.14 to 0.03."""

LOCAL = 15.0
"""The local contrast, in steps of lightness (0..100) in the harshest twentieth of the picture, from which a halo
counts.
"""

HARSH = 46.0
"""Local contrast that is harsh by itself, where there is no plain side of an edge to look for halos on. Measured:
photographs 6 to 38 (black and white buildings 47, beside which there are plain walls without a halo)."""

_NEAR, _FAR = (0.008, 0.02), (0.05, 0.075)
"""Where beside an edge brightness is read, in short sides: in a halo, and beyond it."""

_REACH = 0.03
_EDGE, _ALONE, _PLAIN = 12.0, 0.6, 1.6
"""The step of an edge in lightness; how much of it must lie between the near sides; how rough the plain side may be."""

_EVERY = 3
"""One row of so many is read: each holds the mean of its neighbours anyway."""

_ENOUGH = 0.01
"""The share of the picture that must lie beside such edges for halos to be told."""


class Processed(NamedTuple):
    """The overshoot beside edges, against their step, None where it can't be told; the local contrast (see LOCAL)."""

    halo: float | None
    local: float


def judge_hdr(small: Image) -> Finding:
    """Whether a photo, (h, w, 3) uint8 RGB, went through too heavy a filter."""
    found = measure_halos(small)
    halo = found.halo
    beside = "there is no plain place beside edges to look for halos on"
    if halo is not None:
        beside = f"halos of {max(halo, 0):.0%} beside edges ({HALO:.0%} is seen)"
    why = f"{beside}; local contrast {found.local:.0f} ({HARSH if halo is None else LOCAL:.0f} is a lot)"
    if found.local < LOCAL or (found.local < HARSH if halo is None else halo < HALO):
        return Finding("hdr", "fine", "Its tones look natural.", why)
    shows = "halos along edges will travel with whatever moves"
    if halo is None:
        shows = "its contrast is harsh in the smallest detail, and will shimmer in motion"
    says = f"It looks heavily processed: {shows}. An earlier version of it suits better."
    return Finding("hdr", "mind", says, why, hurts=min(0.7, 0.3 + 0.6 * (halo or 0)))


def measure_halos(small: Image) -> Processed:
    """What a filter left in a picture, (h, w, 3) uint8 RGB."""
    light = cv2.extractChannel(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), 0).astype(np.float32) * np.float32(100 / 255)
    short = min(light.shape)
    around = np.abs(light - _blur(light, _REACH * short))[::2, ::2]
    rough = np.abs(light - cv2.GaussianBlur(light, (0, 0), 1.5))
    both = [
        _measure_beside(light, rough, short),
        _measure_beside(np.ascontiguousarray(light.T), np.ascontiguousarray(rough.T), short),
    ]
    over = np.concatenate(both)
    halo = float(np.median(over)) if _EVERY * over.size >= _ENOUGH * light.size else None
    return Processed(halo, float(np.quantile(around, 0.95)))


def _blur(light: Floats, blur: float) -> Floats:
    """A wide blur, done on a copy of a quarter the size."""
    size = (max(1, light.shape[1] // 4), max(1, light.shape[0] // 4))
    few = cv2.GaussianBlur(cv2.resize(light, size, interpolation=cv2.INTER_AREA), (0, 0), max(blur / 4, 0.5))
    return np.asarray(cv2.resize(few, light.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _measure_beside(light: Floats, rough: Floats, short: int) -> NDArray[np.float32]:
    """The overshoot on the plain sides of upright edges, against the step between what lies further away."""
    near, near_end = max(1, round(_NEAR[0] * short)), max(2, round(_NEAR[1] * short))
    far, far_end = max(3, round(_FAR[0] * short)), max(4, round(_FAR[1] * short))
    high = max(1, round(0.02 * short)) | 1
    if light.shape[1] <= 2 * far_end + 8:
        return np.zeros(0, np.float32)
    middle = np.arange(far_end, light.shape[1] - far_end)

    def sum_up(plane: Floats) -> Floats:
        rows = cv2.blur(plane, (1, high))[::_EVERY]
        return np.asarray(np.cumsum(np.pad(rows, ((0, 0), (1, 0))), axis=1), np.float32)

    lights, roughs = sum_up(light), sum_up(rough)

    def mean(sums: Floats, start: int, end: int) -> Floats:
        return np.asarray((sums[:, middle + end] - sums[:, middle + start]) / (end - start), np.float32)

    right, left = mean(lights, near, near_end), mean(lights, -near_end, -near)
    right_far, left_far = mean(lights, far, far_end), mean(lights, -far_end, -far)
    step = right_far - left_far
    edge = (np.abs(step) > _EDGE) & ((right - left) * np.sign(step) > _ALONE * np.abs(step))
    one = edge & (mean(roughs, near, far_end) < _PLAIN)
    other = edge & (mean(roughs, -far_end, -near) < _PLAIN)
    over = [(right - right_far)[one] / step[one], (left_far - left)[other] / step[other]]
    return np.asarray(np.concatenate(over), np.float32)
