"""Reads the photos of batches in the background, one at a time: taken in, looked at, cropped, its clips planned.

Each row is written when it is ready, so that whatever ends the process costs one photo's reading. A row that was read
before is only planned again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio.advice.adviser import Advice, choose_kind, fits
from studio.advice.misfits import Misfit
from studio.batch.batch_nouns import Batch, BatchClip, BatchRow, BatchSettings, RowRefusal
from studio.batch.photo_sources import open_source
from studio.batch.photo_words import name_photo
from studio.batch.row_planner import carry_over, digest, explain, find_motion, list_shapes, make_shot, plan_clips
from studio.jobs.deadlines import USUAL
from studio.jobs.watched_work import TOO_MANY, run_watched
from studio.library.logbook import trace
from studio.motion.ambient_effects import needs_brush
from studio.nouns import Aspect, Crop, Refusal, Shot, replace
from studio.photo.findings import Finding
from studio.presets import MotionPreset, motions
from studio.system_errors import Hindrance

if TYPE_CHECKING:
    import logging

    from studio.photo.photo_store import PhotoStore

DOUBT = 0.6
"""How much a finding hurts (`Finding.hurts`) from which its photo stands aside until the user has seen it: a cut face
is 0.8, lettering that a crop can leave out 0.6, a background that distracts up to 0.8; a little noise 0.45."""


@dataclass(frozen=True)
class ReadingTools:
    """What reading needs. `room` is where photos of ZIPs lie meanwhile; `ready` gives the recipe of a shot as it is
    queued, and raises `Refusal` for one that can't be made; `misfits` what its place doesn't take of it.
    """

    photos: Callable[[], PhotoStore]
    advice: Advice
    ready: Callable[[Shot], Shot]
    room: Path
    misfits: Callable[[Shot], tuple[Misfit, ...]]


def read_row(settings: BatchSettings, row: BatchRow, tools: ReadingTools, number: int = 0) -> BatchRow:
    """A row with its photo taken in, its report, its crops and its clips; or why it has none. `number` is the row's
    place, by which presets take turns.
    """
    if row.photo is None:
        row = _take_in(settings, row, tools)
    if row.photo is None:
        return row
    try:
        row = _choose_preset(settings, row, tools, number)
        row = _add_crops(settings, row, tools)
        row = _judge(settings, row, tools)
    except Refusal as refusal:
        return replace(row, is_read=True, refusal=explain(refusal), clips=())
    return plan_row(settings, replace(row, refusal=None), tools)


def plan_row(settings: BatchSettings, row: BatchRow, tools: ReadingTools) -> BatchRow:
    """A row that was read with its clips as settings and row are now, each checked; jobs of unchanged ones are kept."""
    try:
        planned = tuple(_check(clip, tools) for clip in plan_clips(settings, row))
    except Refusal as refusal:
        return replace(row, is_read=True, refusal=explain(refusal), clips=())
    return replace(row, is_read=True, clips=carry_over(planned, row.clips))


def _check(clip: BatchClip, tools: ReadingTools) -> BatchClip:
    """A clip with its shot settled, or with why it isn't made: it can't be, or its place would not take what it is."""
    try:
        shot = tools.ready(clip.shot)
        short = [one for one in tools.misfits(shot) if one.field == "seconds" and one.change is None]
    except Refusal as refusal:
        return replace(clip, refusal=explain(refusal))
    if short and not shot.motion.camera.loop:
        return replace(clip, shot=shot, refusal=RowRefusal(short[0].says, short[0].remedy))
    return replace(clip, shot=shot)


def _take_in(settings: BatchSettings, row: BatchRow, tools: ReadingTools) -> BatchRow:
    """The row with its photo, its words and no report yet; or with why the photo can't be opened."""
    damaged = settings.open_damaged or row.open_damaged
    try:
        with open_source(Path(row.source), row.member, tools.room, row.name) as file:
            photo = tools.photos().take_in(file, row.name, damaged)
        seen = tools.advice.see(photo)
        words = name_photo(seen.kind, seen.marks, tools.photos().pixels(photo), row.folder)
    except Refusal as refusal:
        return replace(row, is_read=True, refusal=explain(refusal))
    return replace(
        row, photo=photo, refusal=None, subject=row.subject or words.subject[:255], light=row.light or words.light,
        place=row.place or words.place[:255],
    )  # fmt: skip


# The motion ---------------------------------------------------------------------------------------------------------


def _choose_preset(settings: BatchSettings, row: BatchRow, tools: ReadingTools, number: int) -> BatchRow:
    """With "choose for each": a preset that fits the photo's kind and has a place in it; rows take turns among them."""
    if settings.choose != "each":
        return replace(row, preset="", motion=None) if row.preset else row
    if row.motion is not None:
        return row
    offered = list_fitting(row, tools)
    turned = [*offered[number % len(offered) :], *offered[: number % len(offered)]] if offered else []
    for preset in turned:
        chosen = replace(row, preset=preset.id, motion=preset.motion)
        shot = make_shot(settings, chosen, list_shapes(settings, row)[0], preset.motion, Crop())
        with suppress(Refusal):
            tools.ready(shot)
            return chosen
    return row


def list_fitting(row: BatchRow, tools: ReadingTools) -> tuple[MotionPreset, ...]:
    """The presets made for a photo's kind that wait for no brush, best first; those for any photo where none is."""
    if row.photo is None:
        return ()
    seen = tools.advice.see(row.photo)
    kind = choose_kind(seen)
    ready = [one for one in motions() if not any(needs_brush(effect) for effect in one.motion.effects)]
    own = [one for one in ready if kind in one.kinds and fits(one, kind, seen.marks.people) and not one.any]
    return tuple(own or [one for one in ready if fits(one, kind, seen.marks.people)])


# Crops and report -----------------------------------------------------------------------------------------------------


def _add_crops(settings: BatchSettings, row: BatchRow, tools: ReadingTools) -> BatchRow:
    """The row with a crop for each shape that has none yet, around faces and subject."""
    if row.photo is None:
        return row
    known = {crop.aspect for crop in row.crops}
    wanted = dict.fromkeys(shape.aspect for shape in list_shapes(settings, row))
    more = [_crop(row, aspect, tools) for aspect in wanted if aspect not in known]
    return replace(row, crops=(*row.crops, *more)) if more else row


def _crop(row: BatchRow, aspect: Aspect, tools: ReadingTools) -> Crop:
    if aspect == "photo" or row.photo is None:
        return Crop()
    return tools.advice.suggest_crop(row.photo, aspect).crop


def _judge(settings: BatchSettings, row: BatchRow, tools: ReadingTools) -> BatchRow:
    """The row with what will hurt its clips, in any of its shapes, and whether it stands aside for it."""
    motion = find_motion(settings, row)
    crops = {crop.aspect: crop for crop in row.crops}
    shots = [
        make_shot(settings, row, shape, motion, crops.get(shape.aspect, Crop())) for shape in list_shapes(settings, row)
    ]
    seen = digest(repr([(shot.photo.id, shot.crop, shot.size, shot.mends) for shot in shots]))
    if seen == row.judged:
        return replace(row, aside=is_doubtful(row.findings) and not row.is_taken)
    worst: dict[str, Finding] = {}
    for shot in shots:
        for finding in tools.advice.look(shot).findings:
            before = worst.get(finding.code)
            if finding.level != "fine" and (before is None or finding.hurts > before.hurts):
                worst[finding.code] = finding
    found = tuple(sorted(worst.values(), key=lambda one: -one.hurts))
    return replace(row, findings=found, aside=is_doubtful(found) and not row.is_taken, judged=seen)


def is_doubtful(findings: Sequence[Finding]) -> bool:
    """Whether a photo with these findings stands aside."""
    return any(finding.hurts >= DOUBT for finding in findings)


# The thread -----------------------------------------------------------------------------------------------------------


ROW_SECONDS = 2 * USUAL
"""How long a photo may take, all that is seen in it and its clips' checks."""


HINDERED_SECONDS = 2.0
"""How long reading waits where the disk is full or away, or the database busy, until it is tried again."""


class RowReader:
    """A thread that reads what is unread, until nothing is. `find` gives the next batch and row with its number, and
    `done` takes the row as it was and as it was read.
    """

    def __init__(
        self, find: Callable[[], tuple[Batch, BatchRow, int] | None], read: Callable[[Batch, BatchRow, int], BatchRow],
        done: Callable[[Batch, BatchRow, BatchRow], None], log: logging.Logger,
    ) -> None:  # fmt: skip
        self._find, self._read, self._done, self._log = find, read, done, log
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._woken = False
        self._closing = threading.Event()

    def wake(self) -> None:
        """Say that there may be something to read."""
        with self._lock:
            self._woken = True
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._work, name="stir-batch-reader", daemon=True)
                self._thread.start()

    def close(self, seconds: float = 5.0) -> None:
        """Read no further, and wait at most so long for the photo at hand."""
        self._closing.set()
        thread = self._thread
        if thread:
            thread.join(seconds)

    def _work(self) -> None:
        while True:
            with self._lock:
                if self._closing.is_set() or not self._woken:
                    self._thread = None
                    return
                self._woken = False
            try:
                while not self._closing.is_set() and (found := self._find()):
                    batch, row, number = found
                    self._done(batch, row, self._read_watched(batch, row, number))
            except Hindrance as hindrance:  # what was read can't be written yet
                self._log.error("the photos of a batch wait: %s", hindrance.reason)
                self._woken = True
                self._closing.wait(HINDERED_SECONDS)
            except Exception as error:
                self._log.error("the photos of a batch can't be read on: %s", trace(error))

    def _read_watched(self, batch: Batch, row: BatchRow, number: int) -> BatchRow:
        """The row as it was read, or with the reason where that hangs. Raises `Refusal` where too much hangs."""
        try:
            read = lambda tick: self._read(batch, row, number)  # noqa: E731
            return run_watched("a batch's photo", read, ROW_SECONDS, log=self._log)
        except Refusal as refusal:
            if refusal is TOO_MANY:
                raise
            return replace(row, is_read=True, refusal=explain(refusal), clips=())
