"""Flicker taken out of a clip, and its colours held to those of its first frame, which is the photo.

How light and colour change from one frame to the next is measured on what both show: the next one is warped by optical
flow, so that what comes into the picture doesn't count. Added up, that is the course of the clip's light. What of it
changes within a quarter of a second is flicker; what remains is drift.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.finish.clip_survey import Survey
from studio.finish.yuv_planes import split_planes

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]

FLICKER_SECONDS = 0.25
"""Deviation of the Gaussian that the course of light is smoothed by: what it takes away is flicker."""

UNLIKE = 24.0
"""Grey levels from which a pixel isn't the same thing in both frames."""

MOST_GAIN, MOST_SHIFT, MOST_SATURATION = 0.25, 14.0, 0.3
"""How far a frame is corrected at most: its brightness and saturation by this share, its colours by so many levels."""

BLACK, NEUTRAL = 16.0, 128.0


class Course(NamedTuple):
    """How each of N frames differs from the first: `gain` as the logarithm of its brightness, `blue` and `red` in
    levels of Cb and Cr, `saturation` as a logarithm."""

    gain: Floats
    blue: Floats
    red: Floats
    saturation: Floats


class Correction(NamedTuple):
    """What each of N frames is changed by: brightness and saturation times, Cb and Cr plus. `first`: which frame of the
    clip the first one is."""

    gain: Floats
    blue: Floats
    red: Floats
    saturation: Floats
    first: int


def measure_course(survey: Survey) -> Course:
    """The course of light and colour through the frames that were looked at."""
    steps = np.zeros((len(survey.luma), 4))
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    height, width = survey.luma.shape[1:]
    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    for place in range(1, len(survey.luma)):
        one, two = survey.luma[place - 1], survey.luma[place]
        flow = search.calc(one, two, None)
        maps = (across + flow[..., 0], down + flow[..., 1])
        after = [cv2.remap(plane.astype(np.float32), *maps, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
                 for plane in (two, *survey.chroma[place])]  # fmt: skip
        before = [plane.astype(np.float32) for plane in (one, *survey.chroma[place - 1])]
        inside = (maps[0] >= 0) & (maps[1] >= 0) & (maps[0] <= width - 1) & (maps[1] <= height - 1)
        steps[place] = _compare(before, after, inside)
    return Course(*np.cumsum(steps, axis=0).T)


def _compare(before: list[NDArray[np.float32]], after: list[NDArray[np.float32]], inside: NDArray[np.bool_]) -> Floats:
    """How the second of two aligned frames differs from the first: gain, Cb, Cr, saturation; 0 where nothing is
    alike."""
    shift = float(np.median((after[0] - before[0])[inside])) if inside.any() else 0.0
    alike = inside & (np.abs(after[0] - before[0] - shift) < UNLIKE) & (before[0] < 230) & (after[0] < 230)
    if alike.mean() < 0.1:
        return np.zeros(4)
    gain = float(np.log(((after[0][alike] - BLACK).mean() + 8) / ((before[0][alike] - BLACK).mean() + 8)))
    colours = [(one[alike], two[alike]) for one, two in zip(before[1:], after[1:], strict=True)]
    blue, red = (float((two - one).mean()) for one, two in colours)
    spread = [(one - one.mean(), two - two.mean()) for one, two in colours]
    power = sum(float((one * one).mean()) for one, _ in spread)
    alike_colour = sum(float((one * two).mean()) for one, two in spread)
    saturation = float(np.log(max(0.5, min(2.0, (alike_colour + 4) / (power + 4)))))
    return np.array([gain, blue, red, saturation])


def plan_correction(course: Course, fps: float, first: int, deflicker: float, keep_colour: float) -> Correction:
    """What takes away so much of the flicker, and of the drift from the first frame; both 0..1."""
    sigma = max(1.0, FLICKER_SECONDS * fps)
    takes = []
    for series in course:
        drift = _smooth(series, sigma)
        takes.append(deflicker * (series - drift) + keep_colour * (drift - drift[0]))
    gain, blue, red, saturation = takes
    return Correction(
        np.exp(-np.clip(gain, -MOST_GAIN, MOST_GAIN)),
        -np.clip(blue, -MOST_SHIFT, MOST_SHIFT),
        -np.clip(red, -MOST_SHIFT, MOST_SHIFT),
        np.exp(-np.clip(saturation, -MOST_SATURATION, MOST_SATURATION)),
        first,
    )


def _smooth(series: Floats, sigma: float) -> Floats:
    """A series without what is quicker than `sigma` frames. At its ends it goes on as its mirror image, turned about
    the end, so that a slope stays one."""
    reach = min(len(series) - 1, int(np.ceil(3 * sigma)))
    if reach < 1:
        return series.copy()
    left, right = 2 * series[0] - series[reach:0:-1], 2 * series[-1] - series[-2 : -reach - 2 : -1]
    wide = np.concatenate([left, series, right])
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.asarray(np.convolve(wide, weights / weights.sum(), "valid"), np.float64)


def correct_frame(frame: Bytes, correction: Correction, at: float) -> Bytes:
    """An I420 frame of the clip's moment `at`, corrected."""
    place = np.clip(at - correction.first, 0, len(correction.gain) - 1)
    gain, blue, red, saturation = (float(np.interp(place, np.arange(len(series)), series)) for series in correction[:4])
    made = np.empty_like(frame)
    levels = np.arange(256, dtype=np.float32)
    tables = [(levels - BLACK) * gain + BLACK, *((levels - NEUTRAL) * saturation + NEUTRAL + by for by in (blue, red))]
    for plane, into, table in zip(split_planes(frame), split_planes(made), tables, strict=True):
        into[:] = cv2.LUT(plane, np.rint(np.clip(table, 0, 255)).astype(np.uint8))
    return made
