"""The lane of one worker on Ray: a thread that has it do jobs one after the other, and one that hears how it is.

A worker that ends or falls silent loses its job, which waits in the queue again, once. Which job a worker does is
decided in dispatch.py; how a local lane does jobs is in jobs/lane.py.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.config import Settings
from studio.engines.base import Stopped
from studio.farm.attempts import Attempt, Attempts
from studio.farm.farm_values import Made, Outcome, SentFile, Task, WorkerReport
from studio.farm.ray_cluster import Node
from studio.farm.remote_worker import OtherVersion, RemoteWorker, SentPhotos, WorkerFault, WorkerLost
from studio.jobs.clip_maker import ClipMaker
from studio.jobs.lane import write_end
from studio.library.logbook import describe_shot, report_fault, trace
from studio.nouns import (
    Cancelled,
    Choice,
    Done,
    Failed,
    Interrupted,
    Job,
    Logo,
    Progress,
    Refusal,
    Shot,
    State,
    Track,
    replace,
)

IDLE_SECONDS = 1.0
LOOK_SECONDS = 0.2
"""How often a worker is asked how far its job is."""

PULSE_SECONDS = 2.0
"""How often it says how it stands."""

MOST_LOSSES = 4
"""Workers that may be lost with one job before it has failed: it may be what ends them."""


@dataclass(frozen=True)
class Patience:
    """How many seconds a worker may take: to start, to answer anything at all, between two signs of progress (a model
    of 14B on a slow disk, or compiled for the first time, is long without one), and to stop.
    """

    start: float = 180.0
    answer: float = 20.0
    progress: float = 900.0
    stop: float = 120.0


PATIENCE = Patience()


@dataclass(frozen=True)
class LaneTools:
    """What every lane needs: `take` chooses its next attempt, `lose` is told of a worker that was lost, and why;
    `tell` of each clip.
    """

    maker: ClipMaker
    attempts: Attempts
    photos: SentPhotos
    settings: Settings
    log: logging.Logger
    patience: Patience
    take: Callable[[FarmLane], Attempt | None]
    lose: Callable[[FarmLane, str], None]
    tell: Callable[[str], None]


class FarmLane:
    """The lane of a worker; `number` is its own among all that ever were. `note` says why it does nothing, if it
    can't; `paces` are seconds that a clip of each model took it.
    """

    def __init__(self, number: int, node: Node, is_gpu: bool, worker: RemoteWorker, tools: LaneTools) -> None:
        self.number, self.node, self.machine, self.is_gpu, self.worker = number, node.id, node.machine, is_gpu, worker
        self.id = f"{node.id[:8]}-{number}"
        self.report: WorkerReport | None = None
        self.attempt: Attempt | None = None
        self.note, self.ping, self.done = "starting", 0.0, 0
        self.group = ""
        self.resting = False
        self._last_model = ""
        self.paces: dict[str, float] = {}
        self._tools = tools
        self._closing, self._woken, self._lost = threading.Event(), threading.Event(), threading.Event()
        self._keeping: threading.Thread | None = None
        self._threads = [
            threading.Thread(target=does, name=f"stir-ray-{number}", daemon=True) for does in (self._work, self._hear)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Say that there is something to do."""
        self._woken.set()

    def close(self) -> None:
        """Do no more; what runs is stopped, and Interrupted."""
        self._closing.set()
        self._woken.set()
        if self.attempt:
            self.attempt.watch.stop()

    def join(self, seconds: float) -> None:
        """Wait at most so long until it has stopped, then end the worker."""
        self._threads[0].join(seconds)
        self.worker.tell("close")
        self.worker.kill()

    def give_up(self) -> None:
        """The worker is lost: nothing more is asked of it."""
        self._lost.set()
        self._woken.set()
        self.worker.kill()

    @property
    def is_lost(self) -> bool:
        """Whether it was given up."""
        return self._lost.is_set()

    @property
    def is_ready(self) -> bool:
        """Whether it may be given a job."""
        return self.report is not None and not (self.note or self.resting or self.is_lost)

    # How it is --------------------------------------------------------------------------------------------------------

    def _hear(self) -> None:
        """Hear how the worker stands, as long as it does."""
        seconds = self._tools.patience.start
        while not (self._closing.is_set() or self.is_lost):
            try:
                self.report = self.worker.describe(seconds)
                asked = time.monotonic()
                self.worker.ask("ping", seconds=self._tools.patience.answer)
                self.ping = time.monotonic() - asked
            except OtherVersion:
                self.note = "it runs another version of Stir"
                return
            except WorkerLost as lost:
                self._tools.lose(self, str(lost))
                return
            except Exception as error:
                self._tools.log.error("worker %s: %s", self.id, trace(error))
                self._tools.lose(self, "it can't say how it stands")
                return
            if self.note:
                self.note = ""
                self._woken.set()
            seconds = self._tools.patience.answer
            self._closing.wait(PULSE_SECONDS)

    # Jobs -------------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not (self._closing.is_set() or self.is_lost):
            self._woken.clear()
            attempt = self._take()
            if attempt is None:
                self._woken.wait(IDLE_SECONDS)
                continue
            self.attempt, self.group = attempt, attempt.job.group
            if self._closing.is_set():
                attempt.watch.stop()
            why = self._explain_choice(attempt.job)
            made = self._do(attempt, lambda attempt=attempt: self._make(attempt))
            self.attempt = None
            if isinstance(made, Made):
                self._keep_beside(attempt, made, why)
        self._wait_kept()

    def _wait_kept(self) -> None:
        if self._keeping:
            self._keeping.join()

    def _keep_beside(self, attempt: Attempt, made: Made, why: Choice) -> None:
        """Fetch and keep a clip while the worker begins the next."""
        self._wait_kept()
        self._keeping = threading.Thread(
            target=self._do, args=(attempt, lambda: self._keep(attempt, made, why)), name="stir-ray-keep", daemon=True
        )
        self._keeping.start()

    def _take(self) -> Attempt | None:
        try:
            return self._tools.take(self) if self.is_ready else None
        except Exception as error:
            self._tools.log.error("the queue can't be read: %s", trace(error))
            return None

    def _do(self, attempt: Attempt, does: Callable[[], State | Made | None]) -> State | Made | None:
        """Do something for an attempt; where that is its end, its job has one."""
        job, tools = attempt.job, self._tools
        try:
            state = does()
            if isinstance(state, Made):
                return state
        except WorkerLost as lost:
            tools.lose(self, str(lost))
            state = self._return(attempt)
        except Stopped:
            mine = tools.attempts.claim(attempt)
            state = (Interrupted() if self._closing.is_set() else Cancelled()) if mine else None
        except Exception as error:
            state = tools.maker.explain_failure(job, error) if tools.attempts.give_up(attempt) else None
        self.worker.tell("drop", attempt.id)
        if state is not None:
            write_end(tools.maker.queue, tools.log, attempt.watch, state, self._closing)
        if isinstance(state, Done):
            self.done += 1
            tools.tell(state.clip)
        return state

    def _return(self, attempt: Attempt) -> State | None:
        """Have a job that was lost wait again, unless another worker goes on with it; its end where it was lost too
        often.
        """
        job, attempts = attempt.job, self._tools.attempts
        if not attempts.give_up(attempt):
            return None
        if attempts.count_loss(job) < MOST_LOSSES:
            self._tools.maker.queue.release(job.id)
            return None
        return Failed(
            f"{MOST_LOSSES} workers were lost while they made this clip.",
            "It may be too large for them: choose a smaller size, or see on those machines why Stir ended.",
        )

    def _make(self, attempt: Attempt) -> State | Made | None:
        """Have the clip made. Raises `WorkerLost`, `Stopped`, `Refusal`."""
        tools, job = self._tools, attempt.job
        tools.log.info("job %s: %s, on worker %s", job.id[:8], describe_shot(job.shot), self.id)
        tools.attempts.note(attempt, Progress("load"))
        outcome = self._run(attempt, Task(attempt.id, job, tools.maker.card(job.shot.maker)))
        return outcome if isinstance(outcome, Made) else self._end_unmade(attempt, outcome)

    def _keep(self, attempt: Attempt, made: Made, why: Choice) -> State | None:
        """Fetch a clip's files and keep it. None where another attempt at the job was first. Raises `WorkerLost`,
        `Stopped`, `Refusal`.
        """
        tools, job = self._tools, attempt.job
        with tempfile.TemporaryDirectory(dir=tools.maker.room, ignore_cleanup_errors=True) as folder:
            files = [self._fetch(attempt, one, Path(folder)) for one in made.files]
            tools.attempts.note(attempt, Progress("keep"))
            if not tools.attempts.claim(attempt):
                return None
            took = time.monotonic() - attempt.began
            self.paces[job.shot.maker] = took
            clip = replace(made.clip, took=took, loading=attempt.watch.loading, choices=(*made.clip.choices, why))
            tools.maker.keep(job, clip, files[0], files[1], attempt.watch)
        return Done(clip.id)

    def _explain_choice(self, job: Job) -> Choice:
        stands = self.report.find_state(job.shot.maker) if self.report else None
        why = "it was free"
        if stands:
            holds = stands.memory in ("ram", "gpu") or job.shot.maker == self._last_model
            why = "it held the model" if holds else "it has the model's files"
        self._last_model = job.shot.maker
        name = f"{self.report.machine}, {self.report.device}" if self.report else self.id
        return Choice("machine", name, why)

    def _run(self, attempt: Attempt, task: Task) -> Outcome:
        patience, ask = self._tools.patience, self.worker.ask
        answer = self.worker.begin(task, *self._send_photos(task), self._read_files(task.job))
        ticks, heard, stopping = 0, time.monotonic(), 0.0
        while (outcome := self.worker.wait(answer, LOOK_SECONDS)) is None:
            look, now = self.worker.look(attempt.id, patience.answer), time.monotonic()
            if look.ticks != ticks:
                ticks, heard = look.ticks, now
            if now - heard > patience.progress:
                raise WorkerLost(f"its job made no progress for {patience.progress:.0f} s")
            try:
                self._tools.attempts.note(attempt, look.progress)
            except Stopped:
                if not stopping:
                    stopping = now
                    ask("stop", attempt.id, seconds=patience.answer)
                if now - stopping > patience.stop:
                    raise WorkerLost("its job couldn't be stopped") from None
            if self.is_lost:
                raise WorkerLost("it was given up")
        return outcome

    def _end_unmade(self, attempt: Attempt, outcome: Any) -> State | None:
        if outcome.stopped:
            raise Stopped
        if outcome.reason:
            raise Refusal(outcome.reason, outcome.remedy)
        if not self._tools.attempts.give_up(attempt):
            return None
        self._tools.log.error("job %s, on worker %s: %s", attempt.job.id[:8], self.id, outcome.fault)
        refusal = report_fault(self._tools.log, "this clip was made", RuntimeError(), f"job {attempt.job.id[:8]}")
        return Failed(refusal.reason, refusal.remedy)

    def _send_photos(self, task: Task) -> tuple[Any, Any]:
        """The shot's photos, in the cluster's store. Raises `Refusal`."""
        shot, maker, photos = task.job.shot, self._tools.maker, self._tools.photos
        image = photos.put(f"{shot.photo.id} {shot.mends}", lambda: maker.open_photo(shot))
        last = shot.end if "end_frame" in task.card.supports else None
        return image, photos.put(last.photo.id, lambda: maker.open_end(last)) if last else None

    def _read_files(self, job: Job) -> dict[str, bytes]:
        """What goes with a shot, by its names in a home folder: its photo's depth map and matte, music, voice, logo."""
        shot, home = job.shot, self._tools.settings
        wanted = [
            *(home.depths / f"{one}.png" for one in (shot.depth, shot.photo.own_depth) if len(one) == 64),
            *(home.mattes / f"{one}.png" for one in (shot.photo.own_matte,) if one),
            *(home.attachments / one.attachment.id for one in _list_attached(shot)),
        ]
        return {f"{file.parent.name}/{file.name}": file.read_bytes() for file in wanted if file.is_file()}

    def _fetch(self, attempt: Attempt, file: SentFile, folder: Path) -> Path:
        """A finished file, whole. Raises `WorkerLost` where it doesn't arrive so."""
        place, digest = folder / Path(file.name).name, hashlib.sha256()
        ask, seconds = self.worker.ask, self._tools.patience.answer
        with place.open("wb") as out:
            while out.tell() < file.size:
                try:
                    piece = ask("read", attempt.id, file.name, out.tell(), seconds=seconds)
                except WorkerFault as error:
                    raise WorkerLost("its file can't be read") from error
                if not piece:
                    break
                out.write(piece)
                digest.update(piece)
                self._tools.attempts.note(attempt, Progress("encode"))
        if digest.hexdigest() != file.sha256:
            raise WorkerLost("its file didn't arrive whole")
        return place


def _list_attached(shot: Shot) -> list[Track | Logo]:
    """What of a finish has a file."""
    done = shot.finish
    return [one for one in (done.mix.music, done.mix.voice, done.logo) if one] if done else []
