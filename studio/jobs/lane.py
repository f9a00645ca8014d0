"""A lane: it does jobs one at a time; one that fails, or hangs, never stops the next. A GPU has a lane of its own.

While a job runs, the model of the next one is loaded ahead where the engine finds memory for both, or its photo is read
ahead. How a clip is made is in clip_maker.py; how far a running job is, and how it is stopped, in job_progress.py.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from studio.engines.base import Stopped, Tick
from studio.hung_threads import MOST_LEFT, count_hung
from studio.jobs.clip_maker import ClipMaker
from studio.jobs.deadlines import Deadlines
from studio.jobs.fair_turns import Seat
from studio.jobs.job_progress import JobProgress
from studio.jobs.turns import Turns
from studio.jobs.watched_work import TOO_MANY, WatchedThread
from studio.library.clips import Clips
from studio.library.logbook import describe_shot, trace
from studio.library.queue import ALL, Queue, Share
from studio.nouns import Cancelled, Done, Failed, Interrupted, Job, Progress, Refusal, Running, Stage, State

IDLE_SECONDS = 1.0
"""How often an idle lane looks for what another process has left; what is submitted here wakes it at once."""

LOOK_SECONDS = 0.5
"""How often the queue is looked at while a job runs: what is submitted meanwhile is expected too."""

AT_WORK: tuple[Stage, ...] = ("denoise", "decode", "paint")
"""Stages in which the present job has all it needs: loading the next model before would only make it wait."""


class Lane:
    """Lane `number`, of device `number - 1`; 0 is the processor's, or the only one. `look` is called before each job is
    chosen; `tell` is told of each clip that is done. Where several visitors share the device, their lanes take turns by
    their `seat`. One thread takes the jobs and waits for another that makes the clips, and leaves that behind where it
    gives no sign of life within `deadlines`.
    """

    def __init__(
        self, number: int, maker: ClipMaker, turns: Turns, *, look: Callable[[], None], tell: Callable[[str], None],
        seat: Seat | None = None, deadlines: Callable[[Job], Deadlines] = lambda job: Deadlines(),
    ) -> None:  # fmt: skip
        self.share = ALL
        self._seat = seat
        self._number = number
        self._maker, self._queue, self._log = maker, maker.queue, maker.log
        self._turns = turns
        self._look = look
        self._tell = tell
        self._watch: JobProgress | None = None
        self._adopt = True
        self._closing = threading.Event()
        self._woken = threading.Event()
        name = "stir-worker" if number == 0 else f"stir-gpu-{number - 1}"
        self._deadlines = deadlines
        self._hand = WatchedThread(f"{name}-clips", self._log)
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self, adopt: bool, share: Share = ALL) -> None:
        """Begin with the jobs of `share`. With `adopt`, also those given to a process which has ended."""
        self._adopt, self.share = adopt, share
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something to do."""
        self._woken.set()

    def stop_all(self) -> None:
        """Stop: a running job is Interrupted, and none begins."""
        self._closing.set()
        self._woken.set()
        if self._watch:
            self._watch.stop()

    def join(self, seconds: float) -> None:
        """Wait at most so long until it has stopped."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def stop(self, job_id: str) -> None:
        """Stop this job if it runs here; the engine notices at its next tick."""
        watch = self._watch
        if watch and watch.job.id == job_id:
            watch.stop()

    @property
    def running(self) -> Job | None:
        """The job that runs here, with its progress of this moment."""
        watch = self._watch
        return msgspec.structs.replace(watch.job, state=Running(watch.progress)) if watch else None

    def read_progress(self, job_id: str) -> Progress | None:
        """How far a job is at this moment; None where it doesn't run here."""
        watch = self._watch
        return watch.progress if watch and watch.job.id == job_id else None

    # The loop ---------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._closing.is_set():
            self._woken.clear()
            job = self._take_next()
            if job is None:
                self._woken.wait(IDLE_SECONDS)
            else:
                self._do(job)
                self._turns.end(self._number)
                self._leave_seat()
        self._hand.close()

    def _take_next(self) -> Job | None:
        try:
            recover(self._queue, self._maker.clips)
            self._look()
            job = self._queue.take_next(self._adopt, self._begin, self.share)
        except Exception as error:
            self._log.error("the queue can't be read: %s", trace(error))
            job = None
        if job is None:
            self._leave_seat()
        return job

    def _begin(self, waiting: list[Job]) -> Job | None:
        """Which of these waiting jobs this lane begins now; None where it is another visitor's turn, and the first of
        them says so, and where too much hangs.
        """
        if count_hung() >= MOST_LEFT:
            self._queue.explain_wait(waiting[0], f"{TOO_MANY.reason} {TOO_MANY.remedy}")
            return None
        if self._seat and not self._seat.begin(self._number, self._woken):
            before = self._seat.count_before(self._number)
            self._queue.explain_wait(waiting[0], f"Others' turn: {before} before it")
            return None
        return self._turns.begin(waiting, self._number)

    def _leave_seat(self) -> None:
        if self._seat:
            self._seat.end(self._number)

    def _do(self, job: Job) -> None:
        watch = self._watch = JobProgress(job, self._queue)
        if self._closing.is_set():
            watch.stop()  # stop_all() may have looked before there was a watch
        self._log.info("job %s: %s", job.id[:8], describe_shot(job.shot))
        try:
            with tempfile.TemporaryDirectory(dir=self._maker.room, ignore_cleanup_errors=True) as folder:
                tick, place = self._make_tick(watch), Path(folder)
                make = lambda: self._maker.make(job, place, watch, tick, max(0, self._number - 1))  # noqa: E731
                state: State = self._hand.do(make, watch, self._deadlines(job))
        except Stopped:
            state = Interrupted() if self._closing.is_set() else Cancelled()
        except Exception as error:
            state = self._maker.explain_failure(job, error)
        write_end(self._queue, self._log, watch, state, self._closing)
        self._watch = None
        if isinstance(state, Done):
            self._tell(state.clip)

    def _make_tick(self, watch: JobProgress) -> Tick:
        """How far the job is, for whoever watches it, and now and then a look at the next job."""
        ahead = Ahead(watch.job.shot.maker, self._find_coming, self._expect, self._log)
        most = self._seat.seconds if self._seat else 0.0

        def tick(progress: Progress) -> None:
            watch.tick(progress)
            if most and time.monotonic() - watch.began > most:
                raise Refusal(f"This clip took longer than {most / 60:g} minutes.", "Make it shorter or smaller.")
            ahead.tick(progress)

        return tick

    def _find_coming(self) -> Job | None:
        waiting = self._queue.list_coming(self.share.seen, self.share)
        return self._turns.choose(waiting, self._number) if waiting else None

    def _expect(self, job: Job, running: str) -> None:
        self._maker.expect(job, running, max(0, self._number - 1))


def write_end(queue: Queue, log: logging.Logger, watch: JobProgress, state: State, closing: threading.Event) -> None:
    """Write how a job has ended; while that can't be written, try again until it can or the studio closes, and have
    the job say why it stands still.
    """
    name, tries = watch.job.id[:8], 0
    log.info("job %s: %s after %.1f s", name, type(state).__name__.lower(), time.monotonic() - watch.began)
    while not isinstance(state, Done):  # done is written together with its clip
        try:
            queue.become(watch.job.id, state)
            return
        except Refusal as refusal:
            why = state if isinstance(state, Failed) else refusal
            tries += 1
            watch.show(Progress("keep", tries, 0, f"{why.reason} {why.remedy}"))
            if tries == 1:
                log.error("job %s: its end can't be written: %s", name, refusal.reason)
        if closing.wait(IDLE_SECONDS):
            return


class Ahead:
    """One running job's view of the next."""

    def __init__(
        self,
        model: str,
        find_coming: Callable[[], Job | None],
        expect: Callable[[Job, str], None],
        log: logging.Logger,
    ) -> None:
        self._running = model
        self._expected = ""
        self._find_coming = find_coming
        self._expect = expect
        self._log = log
        self._looked = -LOOK_SECONDS

    def tick(self, progress: Progress) -> None:
        """Have the next job prepared for, once each. Never raises: it is only a hint."""
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
        if coming is None or coming.id == self._expected:
            return
        self._expect(coming, self._running)
        self._expected = coming.id


def recover(queue: Queue, clips: Clips, everything: bool = False) -> tuple[int, int]:
    """Put right what processes that ended have left; how many clips were found again and jobs interrupted.

    A job whose clip had already arrived is Done, any other that was running is Interrupted. `everything` looks for
    files even when no job was running, and for clips of jobs that wait: a database that was put back doesn't know.
    """
    if not everything and not queue.orphans():
        return 0, 0
    found = clips.recover(queue.busy)
    if everything:
        queue.end_made()
    return found, queue.interrupt_orphans(lambda job_id: Done(job_id) if clips.has(job_id) else None)
