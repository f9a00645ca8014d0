"""From frame to frame: flicker, noise, wobble, copied frames, stills, cuts and black, and the second each is seen at.

Measured on the sampled frames of `Footage`, about 320 x 180; grey levels are of 8-bit brightness. Neighbours are frames
that follow each other in the clip; there are three runs of them.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.clip.clip_reader import Footage
from studio.score.matching import Fitter, Floats, Grey, Shift, compare, find_flow, measure_texture, warp_half

Series = NDArray[np.float64]
Flags = NDArray[np.bool_]

SAME = 0.35
"""Mean difference in grey levels up to which two frames are one picture, coded twice; a slow move makes it 0.5 and more
from neighbour to neighbour."""

LEAST_SPEED, COPY_SPEED, COPY_APART = 0.1, 0.25, 0.65
"""A frame is a copy where others around it move, by so many pixels a frame at least, and it moves by less than this
share of that and differs by less than this share; an encoder makes a copy differ by half of a slow move."""

STILL_SPEED, STILL_APART, LEAST_WAY = 0.2, 0.25, 0.3
"""Frozen: samples that move by less than this share of the clip's usual speed, and differ by less than this share of
what those around them do, where by the speed around them they would have gone so many pixels."""

CUT_ERROR, CUT_TIMES, CUT_ALIKE = 6.0, 3.0, 0.62
"""A cut: what warping leaves is more than so many grey levels, more than so many times what it leaves as a rule, and no
more than this of the picture is found again."""

CODED = 0.5
"""Mean difference in grey levels of one frame coded twice far apart, as a rule."""

BLACK_MEAN, BLACK_SPREAD = 28.0, 9.0
"""Mean and deviation of brightness up to which a frame is black; 16 is black in limited range."""


class Reading(NamedTuple):
    """A value measured, and the second of the clip at which it is at its worst."""

    value: float
    at: float = 0.0


class Pairs(NamedTuple):
    """Each sampled frame and the next one, P = N - 1 of them.

    at: (P,) seconds of the second one. gap: (P,) frames from one to the other. apart: (P,) mean absolute difference in
    grey levels; error: what is left of it after warping by the flow; gain: the mean of that with its sign; grain: its
    robust deviation in plain parts, as noise of one frame. speed: (P,) how far textured things went, in pixels, the
    median. turn: (P,) how much that changed since the pair before, NaN where they aren't neighbours; unrest: by how
    much more that of the subject did than that of what is round it, NaN without one. alike: (P,) how much of one frame
    is found again in the other, 0..1. shifts: the motion of all.
    """

    at: Series
    gap: NDArray[np.int64]
    apart: Series
    error: Series
    gain: Series
    grain: Series
    speed: Series
    turn: Series
    unrest: Series
    alike: Series
    shifts: tuple[Shift, ...]

    @property
    def close(self) -> Flags:
        """Which pairs are neighbours."""
        return np.asarray(self.gap == 1)


def follow(footage: Footage, near: Floats | None, subject: Floats | None = None) -> Pairs:
    """Follow a clip from sample to sample. near: (h, w) 0..1, how near things are in the first frame; subject: at half
    of its size, 0..1."""
    luma, gap = footage.luma, np.diff(footage.frame)
    texture = measure_texture(luma[len(luma) // 2])
    fitter, marked = Fitter(texture, near), texture[::2, ::2] > 0.4
    plain = texture[::2, ::2] <= np.percentile(texture[::4, ::4], 15)
    part = np.full(np.count_nonzero(marked), 0.3, np.float32) if subject is None else subject[marked]
    within, around = np.flatnonzero(part > 0.5), np.flatnonzero(part < 0.2)
    rows: list[tuple[float, ...]] = []
    shifts: list[Shift] = []
    before: Floats | None = None
    for index, (one, other) in enumerate(pairwise(luma)):
        flow = find_flow(one, other)
        shifts.append(fitter.fit(flow))
        speeds = flow[::2, ::2][marked]
        turn = unrest = math.nan
        if before is not None and gap[index] == gap[index - 1] == 1:
            turn = _length(speeds - before)
            unrest = _length((speeds - before)[within], math.nan) - _length((speeds - before)[around])
        rows.append((*_compare(one, other, flow, plain), _length(speeds), turn, unrest))
        before = speeds
    apart, error, gain, grain, speed, turned, unrest = (np.array(column) for column in zip(*rows, strict=True))
    alike = _find_again(luma, error)
    return Pairs(footage.at[1:], gap, apart, error, gain, grain, speed, turned, unrest, alike, tuple(shifts))


def _compare(one: Grey, other: Grey, flow: Floats, plain: Flags) -> tuple[float, float, float, float]:
    """Apart, error, gain and grain of a pair; grain where the picture is plain, as flow leaves something at edges."""
    left = warp_half(other, flow) - one[::2, ::2]
    there = left[plain]
    grain = 1.4826 * float(np.median(np.abs(there - np.median(there)))) / np.sqrt(2)
    return float(cv2.mean(cv2.absdiff(one, other))[0]), float(np.mean(np.abs(left))), float(np.mean(left)), grain


def _length(vectors: Floats, none: float = 0.0) -> float:
    """The median length of vectors, (N, 2); `none` without any."""
    return float(np.median(np.hypot(vectors[:, 0], vectors[:, 1]))) if len(vectors) else none


def _find_again(luma: NDArray[np.uint8], error: Series) -> Series:
    """How much of each frame is found again in the next; looked for only where warping has left much."""
    alike = np.ones(len(error))
    for index in np.flatnonzero(error > max(CUT_ERROR, CUT_TIMES * float(np.median(error)))):
        one, other = luma[index], luma[index + 1]
        alike[index] = min(
            compare(one, other, find_flow(one, other)).share, compare(other, one, find_flow(other, one)).share
        )
    return alike


def _split_runs(pairs: Pairs) -> list[NDArray[np.int64]]:
    """The places of pairs that follow each other without a gap, three or more together."""
    places = np.flatnonzero(pairs.close)
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    return [run for run in runs if len(run) >= 3]


def measure_flicker(pairs: Pairs) -> Reading:
    """How unsteady the light is: deviation of what neighbours differ by on the whole after warping (flow-warped error,
    Lai et al. 2018), its trend taken out. Grey levels a frame; below 0.3 in a clean clip, from 1 on it is seen."""
    worst = Reading(0.0)
    for run in _split_runs(pairs):
        gain = pairs.gain[run]
        time = np.arange(len(run))
        left = gain - np.polyval(np.polyfit(time, gain, 1), time)
        value = float(np.std(left))
        worst = max(worst, Reading(value, float(pairs.at[run[int(np.argmax(np.abs(left)))]])))
    return worst


def measure_noise(pairs: Pairs) -> Reading:
    """Temporal noise: the robust deviation of what warping leaves between neighbours, grey levels at about 320 x 180;
    0.3 to 1.5 in a clean clip."""
    close = pairs.close
    return Reading(float(np.median(pairs.grain[close])) if close.any() else 0.0)


def measure_wobble(pairs: Pairs, copies: Flags) -> Reading:
    """How unsteady the picture is: by how much textured things change their way from one pair of neighbours to the
    next, the median over the clip, pixels a frame at about 320 x 180; 0.02 to 0.1 in a clean clip."""
    return _measure_turns(pairs, pairs.turn, copies) or Reading(0.0)


def measure_unrest(pairs: Pairs, copies: Flags) -> Reading | None:
    """By how much the subject is less steady than what is round it: as `measure_wobble`; None without a subject."""
    found = _measure_turns(pairs, pairs.unrest, copies)
    return found._replace(value=max(0.0, found.value)) if found else None


def _measure_turns(pairs: Pairs, turns: Series, copies: Flags) -> Reading | None:
    places = np.flatnonzero(~np.isnan(turns) & ~copies & ~np.concatenate([[False], copies[:-1]]))
    if not len(places):
        return None
    return Reading(float(np.median(turns[places])), float(pairs.at[places[int(np.argmax(turns[places]))]]))


def find_copies(pairs: Pairs) -> Flags:
    """Which neighbours are one and the same picture while others around them move, (P,)."""
    copies = np.zeros(len(pairs.gap), bool)
    for run in _split_runs(pairs):
        apart = pairs.apart[run]
        for place in range(1, len(run) - 1):
            went, differed = (min(of[run[place - 1]], of[run[place + 1]]) for of in (pairs.speed, pairs.apart))
            copies[run[place]] = (
                went > LEAST_SPEED
                and pairs.speed[run[place]] < min(LEAST_SPEED, COPY_SPEED * went)
                and apart[place] < COPY_APART * differed
            )
    return copies


def measure_copies(pairs: Pairs, copies: Flags) -> Reading:
    """The share of neighbours that are copies, 0..1, in the run of neighbours that has most of them."""
    worst = Reading(0.0)
    for run in _split_runs(pairs):
        mine = copies[run[1:-1]]
        worst = max(worst, Reading(float(np.mean(mine)), float(pairs.at[run[1 + int(np.argmax(mine))]])))
    return worst


def find_stills(pairs: Pairs) -> list[tuple[float, float]]:
    """Stretches in which nothing changes, as seconds from and to."""
    found: list[tuple[float, float]] = []
    begun: float | None = None
    starts = np.concatenate([[0.0], pairs.at[:-1]])
    for start, end, apart, speed in zip(starts, pairs.at, pairs.apart, pairs.speed, strict=True):
        if apart < SAME and speed < 0.12:
            begun = float(start) if begun is None else begun
            if found and found[-1][0] == begun:
                found.pop()
            found.append((begun, float(end)))
        else:
            begun = None
    return found


def find_freezes(pairs: Pairs) -> list[tuple[float, float]]:
    """Stretches in which nothing changes while it does right before and right after, as seconds from and to. Relative
    to the clip, as two codings of one picture far apart differ by more than `SAME` where it is full of detail."""
    rate = pairs.speed / pairs.gap
    slow = rate < STILL_SPEED * float(np.percentile(rate, 75))
    bounds = np.flatnonzero(np.diff(np.concatenate([[False], slow, [False]]).astype(np.int8)))
    starts = np.concatenate([[0.0], pairs.at[:-1]])
    found: list[tuple[float, float]] = []
    for first, past in zip(bounds[::2], bounds[1::2], strict=True):
        before, after = slice(max(0, first - 2), first), slice(past, past + 2)
        if first == 0 or past == len(rate):
            continue
        speed, apart = (min(float(of[before].max()), float(of[after].max())) for of in (rate, pairs.apart))
        way = speed * int(pairs.gap[first:past].sum())
        if way > LEAST_WAY and float(pairs.apart[first:past].max()) < max(SAME, STILL_APART * apart):
            found.append((float(starts[first]), float(pairs.at[past - 1])))
    return found


def find_cut(pairs: Pairs) -> Reading | None:
    """The first frame in which another picture begins; None without a cut."""
    sudden = np.flatnonzero(pairs.alike < CUT_ALIKE)
    return Reading(1 - float(pairs.alike[sudden[0]]), float(pairs.at[sudden[0]])) if len(sudden) else None


def find_black(footage: Footage) -> Reading | None:
    """The first black frame, and the share of samples that are black; None without one."""
    means, spreads = footage.luma.mean((1, 2)), footage.luma.std((1, 2))
    black = np.flatnonzero((means < BLACK_MEAN) & (spreads < BLACK_SPREAD))
    return Reading(len(black) / len(means), float(footage.at[black[0]])) if len(black) else None


def measure_seam(footage: Footage) -> Reading:
    """How a loop closes: the mean difference from the last frame to the first, less what two codings of one frame
    differ by, over the largest between neighbours at both ends; at most 1 where there is no seam."""
    luma = footage.luma.astype(np.int16)
    close = np.flatnonzero(np.diff(footage.frame) == 1)
    ends = [index for index in close if index < len(luma) // 3 or index > 2 * len(luma) // 3]
    steps = [float(np.mean(np.abs(luma[index + 1] - luma[index]))) for index in ends]
    jump = float(np.mean(np.abs(luma[0] - luma[-1])))
    return Reading(max(0.0, jump - CODED) / max(max(steps, default=1.0), 0.3), float(footage.at[-1]))
