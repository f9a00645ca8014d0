"""Whose turn it is in the queue: the first job's, or for a while one's behind it whose model is loaded already.

So that two comparisons of the same models, or single jobs in between, load each of them once. No job is passed by more
than `MOST_PASSED`, none that the user has put in its place by hand, and none that needs no loading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from studio.nouns import Job

MOST_PASSED = 8
"""Jobs that may be done before one that waited longer."""


class Turns:
    """The order of one worker. `needs_loading`: whether a model has to be loaded. One thread begins jobs, any asks."""

    def __init__(self, needs_loading: Callable[[str], bool]) -> None:
        self._needs_loading = needs_loading
        self._loaded = ""
        self._passed: dict[str, int] = {}
        self._placed: frozenset[str] = frozenset()

    def choose(self, waiting: Sequence[Job]) -> Job:
        """The job to do next, of those that wait, in their order; one at least."""
        head = waiting[0]
        if head.shot.maker == self._loaded or not self._needs_loading(head.shot.maker):
            return head
        if head.id in self._placed or self._passed.get(head.id, 0) >= MOST_PASSED:
            return head
        return next((job for job in waiting if job.shot.maker == self._loaded), head)

    def begin(self, waiting: Sequence[Job]) -> Job:
        """Choose the job that begins now."""
        job = self.choose(waiting)
        at = waiting.index(job)
        self._passed = {
            other.id: self._passed.get(other.id, 0) + (place < at) for place, other in enumerate(waiting) if place != at
        }
        if self._needs_loading(job.shot.maker):
            self._loaded = job.shot.maker
        return job

    def keep_order(self, job_ids: Iterable[str]) -> None:
        """The user has put these in order: none of them is passed."""
        self._placed = frozenset(job_ids)
