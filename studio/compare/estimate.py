"""What a comparison will take before it is started: clips, time, disk, memory, what is done before, and what can't be
made here and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from studio.advice.render_time import OPENING, START, Pace, about
from studio.cards import Forecast
from studio.compare.job_order import identify_scene
from studio.comparison import Cell
from studio.engines.base import Shelf
from studio.engines.prepare import Prepared
from studio.library import disk
from studio.models import Models
from studio.nouns import Clip, Noun

BYTES_PER_PIXEL = {"mp4": 0.02, "webm": 0.015, "gif": 0.5, "webp": 0.25}
"""Bytes of a file for a pixel of every frame, before a clip of this format was made here. MP4 and WebM: libx264 at crf
19 and SVT-AV1, of a slow move over a photograph, measured."""

PARALLAX_BYTES = 1 << 30
"""Memory that the built-in engine is said to take before it was measured here: a clip takes less."""


class Estimate(Noun, frozen=True):
    """What a comparison will take.

    `clips` is how many will be made, drafts too; `seconds` from the first to the last, without those of `unknown`
    models, whose pace isn't known here yet. `waiting` jobs are done before them, which take `wait` seconds more, as far
    as that is known. `bytes` on the disk, of which `free` are left; `memory` in bytes is the largest model's, of the
    GPU where `on_gpu`. `cells` are what will stand in the grid, with why some of it can't be made.
    """

    clips: int
    seconds: float
    bytes: int
    memory: int
    on_gpu: bool
    cells: tuple[Cell, ...]
    unknown: tuple[str, ...] = ()
    waiting: int = 0
    wait: float = 0.0
    free: int = 0

    @property
    def fits(self) -> bool:
        """Whether the disk has room for all of it."""
        return self.bytes + disk.RESERVE <= self.free


def describe(plan: Estimate) -> str:
    """What a comparison will take, in one line: "6 clips, about 50 s here, after 2 that wait (about 20 s); 12 MB …"."""
    if not plan.clips:
        return "None of these clips can be made here"
    clips = "1 clip" if plan.clips == 1 else f"{plan.clips} clips"
    where = "GPU memory" if plan.on_gpu else "memory"
    time = f"{about(plan.seconds)} here" if plan.seconds and not plan.unknown else "for a time not known before"
    before = f", after {plan.waiting} that wait{'' if plan.waiting > 1 else 's'}" if plan.waiting else ""
    before += f" ({about(plan.wait)})" if plan.waiting and plan.wait >= 1 else ""
    room = f"{disk.size(plan.bytes)} on the disk"
    if not plan.fits:
        room += f", which has only {disk.size(plan.free)} free: free some space first"
    return f"{clips}, {time}{before}; {room}, up to {disk.size(plan.memory)} of {where}"


class Past(NamedTuple):
    """What clips made here say: how fast the built-in engine is, and the newest clips."""

    pace: Pace
    clips: Sequence[Clip]


class Ahead(NamedTuple):
    """What is done before: each job that waits or runs, and how many seconds those that run have taken already."""

    jobs: Sequence[Prepared] = ()
    gone: float = 0.0


def estimate(
    cells: tuple[Cell, ...], every: Sequence[Prepared], models: Models, *, past: Past, ahead: Ahead, free: int
) -> Estimate:
    """What these cells will take; `every` is each shot that is made for them, drafts too, prepared as it is queued.
    free: bytes on the disk."""
    built_in = [one for one in every if one.card.is_built_in]
    needs = [(said.memory, said.on_gpu) for one in every if one.card.checkpoint for said in [_forecast(one, models)]]
    needs += [(_recall_memory(one, past.clips), False) for one in built_in]
    memory, on_gpu = max(needs, key=lambda one: (one[1], one[0]), default=(0, False))
    seconds, unknown = _add_times(every, models, past.pace)
    wait = max(0.0, _add_times(ahead.jobs, models, past.pace)[0] - ahead.gone)
    size = sum(_count_bytes(one, past.clips) for one in every)
    return Estimate(
        len(every), seconds, size, memory, on_gpu, cells, unknown, waiting=len(ahead.jobs), wait=wait, free=free
    )


def _add_times(every: Sequence[Prepared], models: Models, pace: Pace) -> tuple[float, tuple[str, ...]]:
    """Seconds that these take one after the other, each model loaded once, and the models whose pace isn't known."""
    others = [(one, _forecast(one, models)) for one in every if not one.card.is_built_in]
    loads = {one.card.id: said.load or 0.0 for one, said in others}
    seconds = _time_built_in([one for one in every if one.card.is_built_in], pace)
    unknown = tuple(dict.fromkeys(one.card.id for one, said in others if said.seconds is None))
    return seconds + sum(said.seconds or 0.0 for _, said in others) + sum(loads.values()), unknown


def _forecast(one: Prepared, models: Models) -> Forecast:
    engine = models.engine(one.card)
    return engine.forecast(one) if isinstance(engine, Shelf) else Forecast(None, None, 0)


def _time_built_in(every: Iterable[Prepared], pace: Pace) -> float:
    """Seconds of the built-in engine's clips: what clips share of a photo is read once."""
    wanted = list(every)
    again = len(wanted) - len({identify_scene(one.recipe) for one in wanted})
    opened = OPENING * (len(wanted) - 1) if wanted and not pace.clips else 0.0
    return sum(pace.estimate(one.plan, one.recipe.format) for one in wanted) - START * again - opened


def _count_bytes(one: Prepared, clips: Iterable[Clip]) -> int:
    """Bytes of a file, by those of its model and format that were made here."""
    plan, shot = one.plan, one.recipe
    alike = [clip for clip in clips if clip.shot.maker == shot.maker and clip.shot.format == shot.format]
    known = [clip.bytes / (clip.width * clip.height * clip.num_frames) for clip in alike if clip.bytes]
    each = median(known) if known else BYTES_PER_PIXEL[shot.format]
    return round(each * plan.width * plan.height * plan.num_frames)


def _recall_memory(one: Prepared, clips: Iterable[Clip]) -> int:
    """The most memory that clips of this model and at least this size took here."""
    size = one.plan.width * one.plan.height
    known = [clip for clip in clips if clip.shot.maker == one.recipe.maker and clip.memory]
    large = [clip for clip in known if clip.width * clip.height >= size]
    return max((clip.memory for clip in large or known), default=PARALLAX_BYTES)
