"""The worker: one thread that turns queued shots into kept clips, one at a time; one that fails never stops the next.

While a job runs, the model of the next one is loaded ahead where the engine finds memory for both. How far a running
job is, and how it is stopped, is in job_progress.py.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import structs

from studio.cards import ModelCard, Plan
from studio.engines.base import Engine, Shelf, Stopped, Tick
from studio.engines.peak_memory import PeakMemory
from studio.engines.prepare import prepare
from studio.frames import Frames
from studio.jobs.job_progress import JobProgress
from studio.jobs.turns import Turns
from studio.library import disk
from studio.library.clips import Clips
from studio.library.database import Database
from studio.library.logbook import describe_shot, report_fault, trace
from studio.library.queue import Queue
from studio.nouns import (
    Cancelled,
    Choice,
    Clip,
    Done,
    Failed,
    Interrupted,
    Job,
    Progress,
    Refusal,
    Running,
    Stage,
    State,
)
from studio.presets import explain_silent_track

if TYPE_CHECKING:
    from studio.clip.encode import Encoded
    from studio.photo.photo_store import PhotoStore

IDLE_SECONDS = 1.0
"""How often an idle worker looks for what another process has left; what is submitted here wakes it at once."""

LOOK_SECONDS = 2.0
"""How often the queue is looked at while a job runs: what is submitted meanwhile is expected too."""

MOST_PLACED = 1000
"""Waiting jobs that keep the order which the user has given them."""

AT_WORK: tuple[Stage, ...] = ("denoise", "decode", "paint")
"""Stages in which the present job has all it needs: loading the next model before would only make it wait."""

BYTES_PER_PIXEL = {"mp4": 0.25, "webm": 0.25, "gif": 1.0, "webp": 0.5}
"""A generous clip: libx264 at crf 19 takes about 0.02 for a slow move over a photograph, twice over while it is
written.
"""


class Worker:
    """The one thread that works. `room` is where half-made clips lie, `photos` opens photos when a job needs them;
    `tell` is told of each clip that is done."""

    def __init__(
        self,
        *,
        room: Path,
        database: Database,
        queue: Queue,
        clips: Clips,
        log: logging.Logger,
        photos: Callable[[], PhotoStore],
        find_card: Callable[[str], ModelCard],
        find_engine: Callable[[ModelCard], Engine],
        tell: Callable[[str], None] = lambda clip_id: None,
    ) -> None:
        self._room = room
        self._database = database
        self._queue = queue
        self._clips = clips
        self._photos = photos
        self._card = find_card
        self._engine = find_engine
        self._tell = tell
        self._log = log
        self._watch: JobProgress | None = None
        self._used: dict[str, ModelCard] = {}
        self._adopt = True
        self._turns = Turns(self._needs_loading)
        self._closing = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._work, name="stir-worker", daemon=True)

    def start(self, adopt: bool = True) -> None:
        """Begin. With `adopt`, jobs that were given to a process which has ended are done as well."""
        self._adopt = adopt
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something to do."""
        self._woken.set()

    def close(self) -> None:
        """Stop: a running job is Interrupted. Waits at most 10 seconds for the engine to notice. Safe to call twice."""
        self._closing.set()
        self._woken.set()
        if self._watch:
            self._watch.stop()
        if self._thread.is_alive():
            self._thread.join(10)

    def keep_order(self) -> None:
        """The user has ordered what waits: it is done in that order, whatever is loaded."""
        self._turns.keep_order(job.id for job in self._queue.list_coming(MOST_PLACED))

    def _needs_loading(self, model: str) -> bool:
        try:
            return self._card(model).checkpoint is not None
        except Refusal:
            return False

    def stop(self, job_id: str) -> None:
        """Stop this job if it runs here; the engine notices at its next tick."""
        watch = self._watch
        if watch and watch.job.id == job_id:
            watch.stop()

    @property
    def is_busy(self) -> bool:
        """Whether a job runs here, or waits to."""
        return self._watch is not None or bool(self._queue.list_coming(1))

    @property
    def running(self) -> Job | None:
        """The job that runs here, with its progress of this moment."""
        watch = self._watch
        return msgspec.structs.replace(watch.job, state=Running(watch.progress)) if watch else None

    def live(self, job: Job) -> Job:
        """A job with its progress of this very moment when it runs here."""
        watch = self._watch
        if watch and watch.job.id == job.id and isinstance(job.state, Running):
            return msgspec.structs.replace(job, state=Running(watch.progress))
        return job

    # The loop ---------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._closing.is_set():
            self._woken.clear()
            job = self._take_next()
            if job is None:
                self._woken.wait(IDLE_SECONDS)
            else:
                self._do(job)

    def _take_next(self) -> Job | None:
        try:
            recover(self._queue, self._clips)
            return self._queue.take_next(self._adopt, self._turns.begin)
        except Exception as error:
            self._log.error("the queue can't be read: %s", trace(error))
            return None

    def _do(self, job: Job) -> None:
        watch = self._watch = JobProgress(job, self._queue)
        if self._closing.is_set():
            watch.stop()  # close() may have looked before there was a watch
        self._log.info("job %s: %s", job.id[:8], describe_shot(job.shot))
        try:
            with tempfile.TemporaryDirectory(dir=self._room, ignore_cleanup_errors=True) as folder:
                state = self._make(job, Path(folder), watch)
        except Stopped:
            state = Interrupted() if self._closing.is_set() else Cancelled()
        except Exception as error:
            state = self._explain_failure(job, error)
        self._end(job, state, time.monotonic() - watch.began)
        self._watch = None
        if isinstance(state, Done):
            self._tell(state.clip)

    def _make(self, job: Job, folder: Path, watch: JobProgress) -> State:
        """The sentence: open the photo, animate its crop, encode it, keep it."""
        from studio.clip.encode import encode

        shot = job.shot
        watch.tick(Progress("load"))
        card = self._card(shot.maker)
        prepared = prepare(shot, card)
        self._require_room(prepared.plan, BYTES_PER_PIXEL[shot.format], folder)
        image = self._photos().mend(shot.photo, shot.mends)
        end = self._photos().pixels(shot.end.photo) if shot.end and "end_frame" in card.supports else None
        tick = self._make_tick(watch)
        with self._measure(card) as peak:
            frames = self._engine(card).animate(prepared, image, end, tick)
            file, silence = folder / f"clip.{shot.format}", explain_silent_track(shot.platform)
            encoded = encode(frames, file, shot, tick, silence)
        clip = _clip(job, prepared.plan, frames, encoded, time.monotonic() - watch.began, peak.bytes)
        watch.tick(Progress("keep"))
        self._keep(job, clip, encoded.file, encoded.poster)
        return Done(clip.id)

    def _measure(self, card: ModelCard) -> PeakMemory:
        """What measures the memory of a run of this model, without what others hold that have run or loaded here."""
        self._used[card.id] = card
        others = 0
        for other in self._used.values():
            engine = self._engine(other)
            if other.id != card.id and isinstance(engine, Shelf):
                others += engine.state(other).held
        return PeakMemory(others, has_model=card.checkpoint is not None)

    def _make_tick(self, watch: JobProgress) -> Tick:
        """How far the job is, for whoever watches it, and now and then a look at the next job."""
        ahead = Ahead(watch.job.shot.maker, self._find_coming, self._expect, self._log)

        def tick(progress: Progress) -> None:
            watch.tick(progress)
            ahead.tick(progress)

        return tick

    def _find_coming(self) -> Job | None:
        waiting = self._queue.list_coming()
        return self._turns.choose(waiting) if waiting else None

    def _expect(self, model: str) -> None:
        """Tell a model's engine that its job comes next. Raises `Refusal` where there is no such model."""
        card = self._card(model)
        engine = self._engine(card)
        if isinstance(engine, Shelf):
            self._used[card.id] = card
            engine.expect(card)

    def _keep(self, job: Job, clip: Clip, file: Path, poster: Path) -> None:
        """The clip and its job's end in one transaction: cancelled at the last moment, there is no clip."""
        try:
            with self._database.write():
                self._clips.keep(clip, file, poster)
                if not self._queue.become(job.id, Done(clip.id)):
                    raise Stopped
        except Stopped:
            self._clips.discard(clip)
            raise

    def _require_room(self, planned: Plan, bytes_per_pixel: float, folder: Path) -> None:
        disk.require(folder, round(planned.width * planned.height * planned.num_frames * bytes_per_pixel))
        disk.require(self._clips.folder, 0)

    def _explain_failure(self, job: Job, error: Exception) -> Failed:
        """What went wrong and what to do, in the user's words. What nobody foresaw stands in the log, under the name it
        gives.
        """
        if isinstance(error, Refusal):
            refusal = error
        elif isinstance(error, MemoryError):
            refusal = Refusal(
                "There isn't enough memory for this clip.", "Choose a smaller size, or close other programs."
            )
        elif isinstance(error, OSError) and disk.is_full(error):
            refusal = disk.refusal(error)
        else:
            refusal = report_fault(self._log, "this clip was made", error, f"job {job.id[:8]}")
            return Failed(refusal.reason, refusal.remedy)
        self._log.error("job %s: %s", job.id[:8], trace(error))
        return Failed(refusal.reason, refusal.remedy)

    def _end(self, job: Job, state: State, took: float) -> None:
        """Write how a job ended; while that can't be written, try again until it can or the studio closes."""
        self._log.info("job %s: %s after %.1f s", job.id[:8], type(state).__name__.lower(), took)
        while not isinstance(state, Done):  # done is written together with its clip
            try:
                self._queue.become(job.id, state)
                return
            except Refusal as refusal:
                self._log.error("job %s: its end can't be written: %s", job.id[:8], refusal.reason)
            if self._closing.wait(IDLE_SECONDS):
                return


class Ahead:
    """One running job's view of the next."""

    def __init__(
        self, model: str, find_coming: Callable[[], Job | None], expect: Callable[[str], None], log: logging.Logger
    ) -> None:
        self._expected = model
        self._find_coming = find_coming
        self._expect = expect
        self._log = log
        self._looked = -LOOK_SECONDS

    def tick(self, progress: Progress) -> None:
        """Tell the next job's engine to expect it, once for a model. Never raises: it is only a hint."""
        now = time.monotonic()
        if progress.stage not in AT_WORK or now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        try:
            self._look()
        except Refusal:
            pass  # the job itself will say so when its turn comes
        except Exception as error:
            self._log.error("the next job can't be expected: %s", trace(error))

    def _look(self) -> None:
        coming = self._find_coming()
        if coming is None or coming.shot.maker == self._expected:
            return
        self._expect(coming.shot.maker)
        self._expected = coming.shot.maker


def _clip(job: Job, planned: Plan, frames: Frames, encoded: Encoded, took: float, memory: int) -> Clip:
    """The noun of a finished clip: what the file itself holds, not what was meant."""
    made = encoded.outcome
    return Clip(
        id=job.id, shot=job.shot, file=f"{job.id}{encoded.file.suffix}", poster=f"{job.id}{encoded.poster.suffix}",
        width=made.width, height=made.height, fps=made.fps, num_frames=made.num_frames, seconds=made.seconds,
        bytes=encoded.bytes, made_at=time.time(), took=took, choices=_merge_choices(planned, frames, encoded),
        memory=memory,
    )  # fmt: skip


def _merge_choices(planned: Plan, frames: Frames, encoded: Encoded) -> tuple[Choice, ...]:
    """What was planned, as far as it came true and the engine doesn't say it better, then what engine and encoder
    chose.
    """
    if (planned.width, planned.height) != (frames.width, frames.height):
        planned = structs.replace(planned, size=None)
    if (planned.num_frames, planned.fps) != (frames.num_frames, frames.fps):
        planned = structs.replace(planned, length=None)
    told = {choice.what for choice in frames.choices}
    return tuple(dict.fromkeys((*(choice for choice in planned.choices if choice.what not in told), *encoded.choices)))


def recover(queue: Queue, clips: Clips, everything: bool = False) -> tuple[int, int]:
    """Put right what processes that ended have left; how many clips were found again and jobs interrupted.

    A job whose clip had already arrived is Done, any other that was running is Interrupted. `everything` looks for
    files even when no job was running.
    """
    if not everything and not queue.orphans():
        return 0, 0
    found = clips.recover(queue.busy)
    return found, queue.interrupt_orphans(lambda job_id: Done(job_id) if clips.has(job_id) else None)
