"""Attempts at jobs: which worker tries which job, and which attempt's clip counts where a job is tried twice.

A job has one attempt; a second one where its worker is slow and another is idle. The first that is finished claims the
job, and what any other brings is dropped: so a worker that was given up for lost, and comes back, delivers nothing.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter

from studio.engines.base import Stopped
from studio.jobs.job_progress import JobProgress
from studio.library.queue import Queue
from studio.nouns import Job, Progress


class Attempt:
    """One worker's try at a job. `watch` is the job's own, whoever tries it."""

    def __init__(self, watch: JobProgress, worker: str) -> None:
        self.id = uuid.uuid4().hex
        self.watch, self.worker = watch, worker
        self.began = time.monotonic()
        self.progress = Progress("load")
        self.is_over = self.has_claimed = False

    @property
    def job(self) -> Job:
        """The job it tries."""
        return self.watch.job

    def estimate_left(self) -> float | None:
        """Seconds until it is done, by what is done of it; None while too little is."""
        now = self.progress
        share = now.done / now.total if now.total and now.stage in ("denoise", "paint") else 0.0
        return (time.monotonic() - self.began) * (1 - share) / share if share > 0.05 else None


class Attempts:
    """All that is under way. Any thread may call."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._lock = threading.Lock()
        self._jobs: dict[str, list[Attempt]] = {}
        self._losses: Counter[str] = Counter()

    def begin(self, job: Job, worker: str) -> Attempt:
        """The first attempt at a job that was taken from the queue, or another one at one that is under way."""
        with self._lock:
            others = self._jobs.setdefault(job.id, [])
            attempt = Attempt(others[0].watch if others else JobProgress(job, self._queue), worker)
            others.append(attempt)
            return attempt

    def note(self, attempt: Attempt, progress: Progress) -> None:
        """Note how far an attempt is; the first one's is shown. Raises `Stopped` where it needn't go on."""
        with self._lock:
            attempt.progress = progress
            leads = not attempt.is_over and self._jobs.get(attempt.job.id, [None])[0] is attempt
        if attempt.is_over or attempt.watch.is_stopped:
            raise Stopped
        if leads:
            attempt.watch.tick(progress)

    def claim(self, attempt: Attempt) -> bool:
        """Whether this attempt's end is the job's: it is the first to end, and wasn't given up."""
        with self._lock:
            if attempt.is_over:
                return False
            for other in self._jobs.pop(attempt.job.id, []):
                other.is_over = other is not attempt
            attempt.has_claimed = True
            return True

    def give_up(self, attempt: Attempt) -> bool:
        """An attempt ends without an end for its job. Whether no other one goes on, so that the job waits again."""
        with self._lock:
            others = self._jobs.get(attempt.job.id, [])
            if attempt.is_over or attempt not in others:
                return attempt.has_claimed
            attempt.is_over = True
            others.remove(attempt)
            if not others:
                del self._jobs[attempt.job.id]
            return not others

    def count_loss(self, job: Job) -> int:
        """Note that a worker was lost with a job. How many were, by now."""
        with self._lock:
            self._losses[job.id] += 1
            return self._losses[job.id]

    def find(self, job_id: str) -> Attempt | None:
        """The attempt that is shown for a job; None where none is under way."""
        with self._lock:
            found = self._jobs.get(job_id)
            return found[0] if found else None

    def list_single(self) -> list[Attempt]:
        """The attempts at jobs that only one worker tries."""
        with self._lock:
            return [each[0] for each in self._jobs.values() if len(each) == 1]

    def list_leading(self) -> list[Attempt]:
        """One attempt for each job that is under way."""
        with self._lock:
            return [each[0] for each in self._jobs.values()]
