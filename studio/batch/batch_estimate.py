"""What is left of a batch takes: time, disk and cost; told by what the batch has made itself, as soon as it has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from studio.batch.batch_nouns import BatchEstimate
from studio.compare.estimate import Ahead as Nothing
from studio.compare.estimate import Past, estimate
from studio.engines.prepare import Prepared
from studio.models import Models
from studio.nouns import Clip
from studio.spending import Total

MOST_WEIGHED = 120
"""Clips that are planned one by one for an estimate; more are counted as their mean."""

LEAST_GAPS = 3
"""Clips of the batch after which its own pace counts."""

COPIES = 2
"""A clip lies in the library and in the output folder."""


def estimate_batch(
    left: Sequence[Prepared], count: int, total: int, made: Sequence[Clip], models: Models, *, past: Past, free: int,
    cost: Total, unread: int,
) -> BatchEstimate:  # fmt: skip
    """What `count` clips take of which `left` are weighed; `made` are the batch's own, in the order they were made.

    free: bytes on the disk. Time is the middle of the seconds between its own clips, by their film, once there are
    enough: that counts what is done side by side.
    """
    told = estimate((), left, models, past=past, ahead=Nothing(), free=free)
    more = count / len(left) if left else 0.0
    seconds = told.seconds * more
    gaps = [
        (later.made_at - before.made_at) / _count_film(later)
        for before, later in pairwise(sorted(made, key=lambda clip: clip.made_at))
    ]
    if len(gaps) >= LEAST_GAPS:
        film = sum(one.plan.width * one.plan.height * one.plan.num_frames for one in left)
        seconds = median(gaps) * film * more
    return BatchEstimate(
        count, total, seconds, round(COPIES * told.bytes * more), free, cost, unread,
        () if len(gaps) >= LEAST_GAPS else told.unknown, len(made),
    )  # fmt: skip


def _count_film(clip: Clip) -> int:
    """Pixels of all frames."""
    return max(1, clip.width * clip.height * clip.num_frames)
