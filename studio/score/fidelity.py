"""How true a clip stays to its photo: likeness, sharpness, exposure, colour; subject, faces and lettering.

The photo is found again in frames along the clip by flow, each search begun from what the one before has found; all is
compared in the photo's own place, so that a camera move is no difference. At half the size of sampled frames, the
chroma planes' own.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.clip.clip_reader import Footage
from studio.score.matching import Floats, Grey, Match, halve, match, warp
from studio.score.reference import Box, Image, Reference
from studio.score.steadiness import Reading

EVERY = 0.5
"""Seconds between the frames in which the photo is looked for."""

EDGES = 98
"""Percentile of detail from which a pixel belongs to the strongest edges."""

WHITE = 200
"""Brightness (limited range) from which a ground counts as white."""


class Look(NamedTuple):
    """The photo found in one sampled frame: which one, at what second, its brightness at half size, and how."""

    sample: int
    at: float
    luma: Grey
    match: Match


def find_photo(footage: Footage, reference: Reference) -> tuple[Look, ...]:
    """Find the photo in frames along the clip, the first and the last among them."""
    step = max(EVERY, footage.seconds / 5)
    wanted = [*np.arange(0, footage.at[-1], step), footage.at[-1]]
    samples = sorted({int(np.argmin(np.abs(footage.at - second))) for second in wanted})
    looks: list[Look] = []
    flow: Floats | None = None
    for sample in samples:
        shown = halve(footage.luma[sample])
        found = match(reference.luma, shown, flow)
        flow = found.flow if found.share > 0.5 else None
        looks.append(Look(sample, float(footage.at[sample]), shown, found))
    return tuple(looks)


def measure_likeness(looks: tuple[Look, ...]) -> Reading:
    """How much of the photo is found in the first frame: the mean correlation of patches after warping, weighted by
    contrast, 0..1."""
    return Reading(looks[0].match.share)


def measure_nearness(looks: tuple[Look, ...], seconds: float) -> Reading:
    """How much of the photo is still found in the first `seconds`, at the least: as `measure_likeness`, 0..1."""
    worst = min((look for look in looks if look.at <= seconds), key=lambda look: look.match.share)
    return Reading(worst.match.share, worst.at)


def measure_part(looks: tuple[Look, ...], part: Floats) -> Reading | None:
    """How much of a part of the photo is found throughout, at the least: as `measure_likeness`, 0..1. part: (h, w)
    0..1; None where it shows nothing that could be compared."""
    shares: list[tuple[float, float]] = []
    for look in looks:
        weight = look.match.weight * part
        total = float(weight.sum())
        if total > 30:
            shares.append((float((weight * look.match.likeness).sum()) / total, look.at))
    return Reading(*min(shares)) if shares else None


def draw_boxes(shape: tuple[int, ...], boxes: tuple[Box, ...]) -> Floats:
    """A mask of boxes, (h, w) 0 or 1."""
    mask = np.zeros(shape[:2], np.float32)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = 1
    return mask


def measure_sharpness(footage: Footage, reference: Reference) -> Reading:
    """Fine detail kept: at the strongest edges, the finest band over the next one, in the least sharp still over the
    photo, about 1. Two bands of one picture, so that a zoom changes little (after Crete et al. 2007)."""
    wanted = _balance_bands(reference.still)
    kept = [
        (_balance_bands(still) / max(wanted, 1e-6), float(footage.at[sample]))
        for still, sample in zip(footage.stills, footage.still_samples, strict=True)
    ]
    return Reading(*min(kept))


def _balance_bands(picture: Image) -> float:
    """The finest band's energy over the next one's, at the strongest edges."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine, broad = cv2.GaussianBlur(grey, (0, 0), 0.9), cv2.GaussianBlur(grey, (0, 0), 2.2)
    band, next_band = np.abs(grey - fine), np.abs(fine - broad)
    strong = next_band >= max(2.0, float(np.percentile(next_band[::2, ::2], EDGES)))
    return float(band[strong].mean() / max(next_band[strong].mean(), 1e-6)) if strong.any() else 1.0


class Drift(NamedTuple):
    """How far light and colour leave the photo's: exposure in grey levels, whites among it; colour in levels of
    chroma."""

    exposure: Reading
    colour: Reading


def measure_drift(footage: Footage, reference: Reference, looks: tuple[Look, ...]) -> Drift:
    """The largest change of brightness (the interquartile mean over what was found, or the loss of white grounds) and
    of colour (the mean change of both chroma planes), 0 for none."""
    exposure, colour = Reading(0.0), Reading(0.0)
    white = reference.luma >= WHITE
    for look in looks:
        sure = look.match.seen & (look.match.likeness > 0.5)
        if np.count_nonzero(sure) < 0.01 * sure.size:
            continue
        change = warp(look.luma, look.match.flow).astype(np.int16) - reference.luma
        value = abs(_average_middle(change[sure]))
        if np.count_nonzero(white & sure) > 0.02 * white.size:
            value = max(value, -_average_middle(change[white & sure]))
        exposure = max(exposure, Reading(value, look.at))
        planes = zip(footage.chroma[look.sample], reference.chroma, strict=True)
        both = [np.mean((warp(shown, look.match.flow).astype(np.int16) - plane)[sure]) for shown, plane in planes]
        colour = max(colour, Reading(float(np.hypot(*both)), look.at))
    return Drift(exposure, colour)


def _average_middle(values: NDArray[np.int16]) -> float:
    """The interquartile mean: as robust as a median, and not in whole levels."""
    ordered = np.sort(values)
    return float(np.mean(ordered[len(ordered) // 4 : -(len(ordered) // 4) or None]))
