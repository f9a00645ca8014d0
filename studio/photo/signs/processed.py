"""HDR: a filter that was too heavy, with halos along edges and local contrast where there was none.

Knows brightness beside strong edges, and how much it varies in small neighbourhoods. Refuses to call it wrong where it can't be
told from a vivid photo: a picture without a plain part beside an edge shows no halo.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.photo.crop import Image
from studio.photo.report import Finding
from studio.photo.signs.sample import Floats

HALO = 0.05
"""How far, against the step of an edge, the plain side next to it overshoots. Measured: photographs -0.14 to 0.03."""

LOCAL, EXTREME = 15.0, 41.0
"""What local contrast reaches in a twentieth of the picture, in steps of lightness (0..100): a halo counts from the first on,
the second is a filter by itself. Measured: photographs 6 to 38."""

_NEAR, _FAR = (0.008, 0.02), (0.05, 0.075)
"""Where beside an edge brightness is read, in short sides: in a halo, and beyond it."""

_REACH = 0.03
_EDGE, _ALONE, _PLAIN = 12.0, 0.6, 1.6
"""The step of an edge in lightness; how much of it must lie between the near sides; how rough the plain side may be."""

_ENOUGH = 0.01
"""The share of the picture that must lie beside such edges for halos to be told."""


class Processed(NamedTuple):
    """The overshoot beside edges, against their step; and the local contrast, in steps of lightness."""

    halo: float
    local: float


def hdr(small: Image) -> Finding:
    """Whether a photo, (h, w, 3) uint8 RGB, went through too heavy a filter."""
    found = measured(small)
    halo = max(found.halo, 0)
    why = f"halos of {halo:.0%} beside edges ({HALO:.0%} is seen); local contrast {found.local:.0f} ({EXTREME:.0f} is a lot)"
    if found.local < EXTREME and (found.halo < HALO or found.local < LOCAL):
        return Finding("hdr", "fine", "Its tones look natural.", why)
    says = "It looks heavily processed: halos along edges will travel with whatever moves. An earlier version of it suits better."
    return Finding("hdr", "mind", says, why, hurts=min(0.7, 0.3 + 0.6 * halo))


def measured(small: Image) -> Processed:
    """What a filter left in a picture, (h, w, 3) uint8 RGB."""
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    light = np.ascontiguousarray(lab[..., 0])
    short = min(light.shape)
    around = np.abs(light - _blurred(light, _REACH * short))[::2, ::2]
    rough = np.abs(light - cv2.GaussianBlur(light, (0, 0), 1.5))
    both = [_beside(light, rough, short), _beside(np.ascontiguousarray(light.T), np.ascontiguousarray(rough.T), short)]
    over = np.concatenate(both)
    halo = float(np.median(over)) if over.size >= _ENOUGH * light.size else 0.0
    return Processed(halo, float(np.quantile(around, 0.95)))


def _blurred(light: Floats, blur: float) -> Floats:
    """A wide blur, done on a copy of a quarter the size."""
    size = (max(1, light.shape[1] // 4), max(1, light.shape[0] // 4))
    few = cv2.GaussianBlur(cv2.resize(light, size, interpolation=cv2.INTER_AREA), (0, 0), max(blur / 4, 0.5))
    return np.asarray(cv2.resize(few, light.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _beside(light: Floats, rough: Floats, short: int) -> NDArray[np.float32]:
    """The overshoot on the plain sides of upright edges, against the step between what lies further away."""
    near, near_end = max(1, round(_NEAR[0] * short)), max(2, round(_NEAR[1] * short))
    far, far_end = max(3, round(_FAR[0] * short)), max(4, round(_FAR[1] * short))
    high = max(1, round(0.02 * short)) | 1
    if light.shape[1] <= 2 * far_end + 8:
        return np.zeros(0, np.float32)
    middle = np.arange(far_end, light.shape[1] - far_end)

    def summed(plane: Floats) -> Floats:
        return np.asarray(np.cumsum(np.pad(cv2.blur(plane, (1, high)), ((0, 0), (1, 0))), axis=1), np.float32)

    lights, roughs = summed(light), summed(rough)

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
