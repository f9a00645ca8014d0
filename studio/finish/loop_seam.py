"""Where a clip loops best: the two of its frames that are most alike and move alike, so that the jump isn't seen.

Frames are compared by their mean absolute difference in grey levels at a small size. A cut from frame j back to frame i
shows i where j + 1 would have come and comes from j where i - 1 would have been: both are compared, so that what moves
goes on moving. A blend over B frames mixes the last B up to j with the B before i: the mean of all B is compared.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

LEAST_LEFT = 0.5
"""How much of a clip a loop keeps at least."""

SHORTER, SHORTER_BLEND = 4.0, 16.0
"""What a loop that leaves out everything but LEAST_LEFT is worse by, in steps from one frame to the next: cut, and
blended, where a difference is seen less."""

MOST_COMPARED = 480
"""Frames that are compared with each other; of longer clips every second one, and so on."""


class Seam(NamedTuple):
    """A loop from frame `first` to `last`, and the differences in grey levels: `apart` at its seam; `step` from one
    frame to the next as a rule; `whole` at the seam of the whole clip."""

    first: int
    last: int
    apart: float
    step: float
    whole: float


def find_seam(frames: Bytes, blend: int = 0) -> Seam:
    """The best loop of (N, h, w) small grey frames; `blend` frames are mixed over its seam, 0 for a cut."""
    count = len(frames)
    every = -(-count // MOST_COMPARED)
    apart = measure_apart(frames[::every])
    step = float(np.diagonal(apart, 1).mean()) / every if len(apart) > 1 else 0.0
    cost = _blend_costs(apart, max(1, blend // every)) if blend else _cut_costs(apart)
    places = np.arange(len(apart))
    left = (places[None, :] - places[:, None] + 1) / len(apart)
    penalty = (SHORTER_BLEND if blend else SHORTER) * max(step, 0.25) * (1 - left) / (1 - LEAST_LEFT)
    cost = np.where(left >= min(LEAST_LEFT, float(left[_find_widest(cost)])), cost + penalty, np.inf)
    first, last = np.unravel_index(int(np.argmin(cost)), cost.shape)
    found = float(cost[first, last] - penalty[first, last])
    begin = min(max(int(first) * every, blend), count - 2)
    end = count - 1 if int(last) == len(apart) - 1 else int(last) * every
    return Seam(begin, max(end, begin + 1), found, step, float(apart[0, -1]))


def _find_widest(cost: Floats) -> tuple[int, int]:
    """The longest loop that can be at all."""
    first = int(np.flatnonzero(np.isfinite(cost).any(1))[0])
    return first, int(np.flatnonzero(np.isfinite(cost[first]))[-1])


def measure_apart(frames: Bytes) -> Floats:
    """(N, N) mean absolute differences of (N, h, w) frames, in grey levels."""
    flat = frames.reshape(len(frames), -1).astype(np.int16)
    made = np.zeros((len(flat), len(flat)), np.float32)
    for place, one in enumerate(flat[:-1]):
        made[place, place + 1 :] = np.abs(flat[place + 1 :] - one).mean(1)
    return made + made.T


def _cut_costs(apart: Floats) -> Floats:
    """(N, N): what a cut from j back to i looks like; infinite where j isn't after i."""
    count = len(apart)
    goes_on = np.full((count, count), np.nan, np.float32)
    goes_on[:, :-1] = apart[:, 1:]  # frame j + 1 as against i
    comes_from = np.full((count, count), np.nan, np.float32)
    comes_from[1:] = apart[:-1]  # frame j as against i - 1
    both = np.stack([goes_on, comes_from])
    known = np.isfinite(both)
    cost = np.where(known, both, 0).sum(0) / np.maximum(known.sum(0), 1)
    cost[0, -1] = apart[0, -1]  # the whole clip: nothing comes before it or after
    return np.where(np.tri(count, k=0, dtype=bool), np.inf, cost).astype(np.float32)


def _blend_costs(apart: Floats, blend: int) -> Floats:
    """(N, N): how far what is mixed lies apart, where frame j is the last and i the first."""
    count = len(apart)
    cost = np.full((count, count), np.inf, np.float32)
    total = np.zeros((count - blend + 1, count - blend + 1), np.float32)
    for k in range(blend):
        total += apart[k : count - blend + 1 + k, k : count - blend + 1 + k]
    # total[a, b]: frames a … a + blend - 1 as against b … b + blend - 1; i = a + blend, j = b + blend - 1
    starts, ends = np.arange(count - blend) + blend, np.arange(count - blend + 1) + blend - 1
    cost[np.ix_(starts, ends)] = total[:-1] / blend
    return np.where(np.arange(count)[None, :] < np.arange(count)[:, None] + blend, np.inf, cost).astype(np.float32)
