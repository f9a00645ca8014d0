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
from studio.score.reference import Image, Reference
from studio.score.steadiness import Reading

EVERY = 0.5
"""Seconds between the frames in which the photo is looked for."""

EDGES = 98
"""Percentile of detail from which a pixel belongs to the strongest edges."""

NEARLY = 0.1
"""By how much a still may be sharper than the least sharp one and count as the same."""

BLOCK, CRISP = 24, 0.65
"""Side in pixels of the blocks in which sharpness is looked for, and what all but three of 53 photographs reach in the
sharpest of them."""

WHITE = 200
"""Brightness (limited range) from which a ground counts as white, two pixels from its edges and more: what is warped is
softer there, and a narrow white stripe would seem to go grey."""


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


def measure_subject(looks: tuple[Look, ...], part: Floats) -> Reading | None:
    """How much of the subject is found throughout, at the least: as `measure_likeness`, 0..1. part: (h, w) 0..1, its
    mask; None where it shows nothing that could be compared."""
    shares: list[tuple[float, float]] = []
    for look in looks:
        weight = look.match.weight * part
        total = float(weight.sum())
        if total > 30:
            shares.append((float((weight * look.match.likeness).sum()) / total, look.at))
    return Reading(*min(shares)) if shares else None


def measure_sharpness(footage: Footage, reference: Reference) -> Reading:
    """Fine detail kept: at the strongest edges, the finest band over the next one, in the least sharp still over the
    photo, about 1, and the second from which on it is about that. Two bands of one picture, so that a zoom changes
    little (after Crete et al. 2007)."""
    wanted = max(_balance_at_edges(reference.still), 1e-6)
    kept = [_balance_at_edges(still) / wanted for still in footage.stills]
    begun = next(at for at, value in enumerate(kept) if value < min(kept) + NEARLY)
    return Reading(min(kept), float(footage.at[footage.still_samples[begun]]))


def measure_crispness(footage: Footage) -> Reading:
    """How sharp a clip is without a photo to hold it against: the finest band over the next one where a still is
    sharpest, the median of the stills, in parts of what sharp photographs have at least. Stills of 53 photographs:
    0.8 and more; brought up from half their size 0.7 to 1.2, from a third 0.5 to 0.8, from a sixth 0.4 to 0.55."""
    return Reading(float(np.median([_balance_in_blocks(still) for still in footage.stills])) / CRISP)


def _split_bands(picture: Image) -> tuple[Floats, Floats]:
    """The finest band of a picture's brightness, and the next one."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine, broad = cv2.GaussianBlur(grey, (0, 0), 0.9), cv2.GaussianBlur(grey, (0, 0), 2.2)
    return np.abs(grey - fine), np.abs(fine - broad)


def _balance_at_edges(picture: Image) -> float:
    """The finest band's energy over the next one's, at the strongest edges."""
    band, next_band = _split_bands(picture)
    strong = next_band >= max(2.0, float(np.percentile(next_band[::2, ::2], EDGES)))
    return float(band[strong].mean() / max(next_band[strong].mean(), 1e-6)) if strong.any() else 1.0


def _balance_in_blocks(picture: Image) -> float:
    """The same in blocks that show anything, the ninetieth percentile: a picture that is sharp somewhere is sharp."""
    high, wide = (side // BLOCK for side in picture.shape[:2])
    if not high * wide:
        return CRISP
    band, next_band = (cv2.resize(one[: high * BLOCK, : wide * BLOCK], (wide, high), interpolation=cv2.INTER_AREA)
                       for one in _split_bands(picture))  # fmt: skip
    shows = next_band >= max(0.9, float(np.percentile(next_band, 60)))
    return float(np.percentile(band[shows] / next_band[shows], 90)) if shows.any() else CRISP


class Drift(NamedTuple):
    """How far light and colour leave the photo's: exposure in grey levels, whites among it; colour in levels of
    chroma."""

    exposure: Reading
    colour: Reading


def measure_drift(footage: Footage, reference: Reference, looks: tuple[Look, ...]) -> Drift:
    """The largest change of brightness (the interquartile mean over what was found, or the loss of white grounds) and
    of colour (the mean change of both chroma planes), 0 for none."""
    exposure, colour = Reading(0.0), Reading(0.0)
    white = cv2.erode((reference.luma >= WHITE).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
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
