"""The lane of hosted jobs: several under way at once, since others' machines work; one thread says when each is due.

It never takes a local job, nor does a local lane take one of these. A few more threads ask, send and fetch, so that a
slow line or a silent service holds up nobody else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from studio.engines.hosted.ways import TITLES
from studio.jobs.daemon_pool import DaemonPool
from studio.jobs.hosted_job import POLL_SECONDS, HostedJob, HostedTools, delete_uploads, end_abandoned
from studio.library.logbook import describe_shot, trace
from studio.library.paid_jobs import PaidJob
from studio.library.queue import Share
from studio.nouns import Done, Job, Progress

IDLE_SECONDS = 1.0
"""How often the queue is looked at; what is submitted here wakes the lane at once."""

SWITCHED_OFF = "It waits: hosted models are switched off here. Unset STIR_NO_HOSTED and start Stir again."

SWEEP_SECONDS = 30.0
"""How often what earlier processes have left at a service is looked for."""

POLLS_A_SECOND = 3.0
"""Requests are asked after this often, all together: with many under way each is asked less often."""

SEEN = 60
"""Of so many waiting jobs of a service one is chosen, and it is said why the others wait."""

THREADS = {"ask": 8, "send": 4, "fetch": 4}
"""Threads for what takes one short call unless the service is silent, for what is sent, and for what is fetched, which
takes a core as well: none of them waits for another."""

CLOSE_SECONDS = 10.0


class HostedLane:
    """All hosted jobs of one studio. `list_services` names those that are there, `limit` how many jobs of one may be
    under way; `hold` says why a job waits, "" where it needn't; `is_alive` whether a process lives; `tell` is told of
    each clip.
    """

    def __init__(
        self, tools: HostedTools, log: logging.Logger, *, list_services: Callable[[], Sequence[str]],
        limit: Callable[[], int], hold: Callable[[PaidJob], str], is_alive: Callable[[str], bool],
        tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._tools, self._queue, self._log = tools, tools.maker.queue, log
        self._list_services, self._limit, self._hold = list_services, limit, hold
        self._is_alive, self._tell = is_alive, tell
        self._jobs: dict[str, HostedJob] = {}
        self._adopt = True
        self._looked, self._swept = 0.0, 0.0
        self._closing, self._woken = threading.Event(), threading.Event()
        report = lambda error: log.error("hosted: %s", trace(error))  # noqa: E731
        self._pools = {name: DaemonPool(size, f"stir-{name}", report) for name, size in THREADS.items()}
        self._thread = threading.Thread(target=self._work, name="stir-hosted", daemon=True)

    def start(self, adopt: bool) -> None:
        """Begin. With `adopt`, what processes that have ended left at a service is taken up."""
        self._adopt = adopt
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something to do."""
        self._looked = 0.0
        self._woken.set()

    def stop(self, job_id: str) -> None:
        """Stop this job if it is under way here: the service is told so."""
        found = self._jobs.get(job_id)
        if found:
            found.watch.stop()
            found.due = 0.0
            self._woken.set()

    def close(self) -> None:
        """Leave what is under way to the next start. Waits at most 10 seconds for answers. Safe to call twice."""
        self._closing.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)
        for pool in self._pools.values():
            pool.close(CLOSE_SECONDS)

    def read_progress(self, job_id: str) -> Progress | None:
        """How far a job is, as was last heard of it; None where it isn't under way here. Waits for nothing."""
        found = self._jobs.get(job_id)
        return found.watch.progress if found else None

    # The loop ---------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._closing.is_set():
            self._woken.clear()
            try:
                self._sweep()
                self._take()
                wait = self._step_all()
            except Exception as error:
                self._log.error("hosted jobs can't be looked at: %s", trace(error))
                wait = IDLE_SECONDS
            self._woken.wait(wait)
        self._leave()

    def _take(self) -> None:
        """Begin jobs as far as each service's limit allows."""
        now = time.monotonic()
        if now - self._looked < IDLE_SECONDS:
            return
        self._looked = now
        if not self._queue.has_paid_waiting():
            return
        there, most = self._list_services(), self._limit()
        for name in TITLES:
            while not self._closing.is_set() and self._count(name) < most:
                choose = lambda waiting, is_on=name in there: self._choose(waiting, is_on)  # noqa: E731
                job = self._queue.take_next(self._adopt, choose, Share(seen=SEEN, services=(name,)))
                if job is None:
                    break
                self._begin(job)

    def _count(self, service: str, *stages: str) -> int:
        """How many jobs of a service are under way, or in one of these stages."""
        mine = [one for one in self._jobs.values() if one.row.service == service]
        return sum(not stages or one.stage in stages for one in mine)

    def _begin(self, job: Job) -> None:
        """Take a job in hand. Where that can't be written, it waits in the queue again."""
        try:
            row = self._tools.paid.get(job.id)
            assert row
            self._jobs[job.id] = HostedJob(job, row, self._tools)
        except Exception:
            self._queue.release(job.id)
            raise
        self._log.info("job %s: %s, %s at %s", job.id[:8], describe_shot(job.shot), row.state, row.service)

    def _choose(self, waiting: list[Job], is_on: bool) -> Job | None:
        """The first job that nothing holds back; why the others wait is written down."""
        rows = self._tools.paid.get_all([job.id for job in waiting])
        for job in waiting:
            row = rows[job.id]
            note = self._find_hold(row) if is_on else SWITCHED_OFF
            self._queue.explain_wait(job, note)
            if not note:
                if row.state == "confirmed" and self._tools.pauses.is_wary(row.service):
                    return None if self._count(row.service, "send") else job
                return job
        return None

    def _find_hold(self, row: PaidJob) -> str:
        if row.state != "confirmed":
            return ""
        if says := self._hold(row):
            return says
        pauses = self._tools.pauses
        return pauses.explain(
            row.service, self._tools.paid.find_newest(row.service) if pauses.is_wary(row.service) else 0
        )

    def _step_all(self) -> float:
        """Take the steps that are due; seconds until the next is."""
        for one in list(self._jobs.values()):
            if one.stage == "over" and not one.is_busy:
                self._forget(one)
        polled = sum(one.stage == "poll" for one in self._jobs.values())
        apart = max(POLL_SECONDS, polled / POLLS_A_SECOND)
        for one in list(self._jobs.values()):
            if self._closing.is_set():
                return 0.0
            if one.is_busy or one.stage == "over" or one.due > time.monotonic():
                continue
            one.is_busy = True
            self._pools.get(one.stage, self._pools["ask"]).do(lambda one=one: self._step(one, apart))
        return self._find_wait()

    def _find_wait(self) -> float:
        idle = [one for one in self._jobs.values() if not one.is_busy]
        if any(one.stage == "over" for one in idle):
            return 0.0
        now = time.monotonic()
        return max(0.0, min([IDLE_SECONDS, *(one.due - now for one in idle)]))

    def _step(self, one: HostedJob, apart: float) -> None:
        try:
            one.step()
            if one.stage == "poll":
                one.due = max(one.due, time.monotonic() + apart)
        except Exception as error:
            self._log.error("job %s: %s", one.job.id[:8], trace(error))
            one.due = time.monotonic() + IDLE_SECONDS
        finally:
            one.is_busy = False
            self._woken.set()

    def _forget(self, one: HostedJob) -> None:
        del self._jobs[one.job.id]
        self._looked = 0.0
        took, how = time.monotonic() - one.watch.began, type(one.ended).__name__.lower() if one.ended else "waits again"
        self._log.info("job %s: %s after %.1f s", one.job.id[:8], how, took)
        if isinstance(one.ended, Done):
            self._tell(one.ended.clip)

    def _sweep(self) -> None:
        """Cancel requests that nobody waits for, and delete uploads of jobs that are over."""
        if not self._adopt or time.monotonic() - self._swept < SWEEP_SECONDS:
            return
        self._swept = time.monotonic()
        paid = self._tools.paid
        left = ((paid.find_abandoned(), end_abandoned), (paid.find_left_uploads(), delete_uploads))
        names = self._list_services() if any(found for found, _ in left) else ()
        for found, end in left:
            for row in found:
                elsewhere = row.owner != self._tools.token and self._is_alive(row.owner)
                if row.service in names and row.job not in self._jobs and not elsewhere:
                    self._pools["send"].do(lambda row=row, end=end: end(row, self._tools))

    def _leave(self) -> None:
        """The studio closes: what is under way waits in the queue for whoever takes it up."""
        for one in list(self._jobs.values()):
            one.closing = True
            one.watch.stop()
        end = time.monotonic() + CLOSE_SECONDS
        for one in list(self._jobs.values()):
            while one.is_busy and time.monotonic() < end:
                time.sleep(0.02)
            if one.stage != "over" and not one.is_busy:
                self._queue.release(one.job.id)
