"""Whose turn it is in the queue: the first job's, or for a while one's behind it whose model is loaded already.

So that two comparisons of the same models, or single jobs in between, load each of them once. No job is passed by more
than `MOST_PASSED`, none that the user has put in its place by hand, and none that needs no loading. Where several GPUs
work, a job goes to the one that holds its model, else to a free one that its model fits.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from studio.nouns import Job

MOST_PASSED = 8
"""Jobs that may be done before one that waited longer."""

MOST_COUNTED = 1000
"""Waiting jobs whose passes are counted: those that were cancelled while they waited are among them."""

SHARED_FROM = 2
"""Jobs of one model that wait for the GPU which holds it, from which on another that is free loads it too: a load takes
seconds, and a clip longer."""


class Turns:
    """The order of one home's jobs. `needs_loading`: whether a model has to be loaded; `rank`: how well the GPU of a
    lane suits it, the more the better. Lanes are numbered; one alone is 0. Any thread may call.
    """

    def __init__(
        self, needs_loading: Callable[[str], bool], rank: Callable[[int, str], int] = lambda lane, model: 0
    ) -> None:
        self._needs_loading = needs_loading
        self._rank = rank
        self._lock = threading.Lock()
        self._loaded: dict[int, str] = {0: ""}
        self._busy: set[int] = set()
        self._passed: dict[str, int] = {}
        self._placed: frozenset[str] = frozenset()

    def share(self, lanes: Iterable[int]) -> None:
        """These lanes do the jobs that need loading, from now on."""
        with self._lock:
            self._loaded = {lane: self._loaded.get(lane, "") for lane in lanes}

    def choose(self, waiting: Sequence[Job], lane: int = 0) -> Job | None:
        """The job that a lane does next, of those that wait, in their order; None where all are left to other lanes."""
        with self._lock:
            mine = self._find_own(waiting, lane)
            return self._choose(mine, lane) if mine else None

    def _choose(self, mine: Sequence[Job], lane: int) -> Job:
        head, loaded = mine[0], self._loaded.get(lane, "")
        if head.shot.maker == loaded or not self._needs_loading(head.shot.maker):
            return head
        if head.id in self._placed or self._passed.get(head.id, 0) >= MOST_PASSED:
            return head
        return next((job for job in mine if job.shot.maker == loaded), head)

    def _find_own(self, waiting: Sequence[Job], lane: int) -> list[Job]:
        """The jobs that a lane may begin: the rest are left to others. Another lane's model is loaded here as well only
        where nothing else can be done and enough of its jobs wait.
        """
        if len(self._loaded) < 2 or lane not in self._loaded:
            return list(waiting)
        counts = Counter(job.shot.maker for job in waiting if self._needs_loading(job.shot.maker))
        fit = [model for model in counts if self._fits_best(model, lane)]
        held = set(self._loaded.values()) - {self._loaded[lane]}
        own = {model for model in fit if model not in held}
        own = own or {model for model in fit if counts[model] >= SHARED_FROM}
        return [job for job in waiting if job.shot.maker in own or job.shot.maker not in counts]

    def _fits_best(self, model: str, lane: int) -> bool:
        """Whether no other lane suits a model better: one with a faster place for it, or a free one that holds none."""
        ranks = {other: self._rank(other, model) for other in self._loaded}
        if ranks[lane] < max(ranks.values()):
            return False
        if model in self._loaded.values() or not self._loaded[lane]:
            return True
        others = ranks.keys() - self._busy - {lane}
        return not any(ranks[other] == ranks[lane] and not self._loaded[other] for other in others)

    def begin(self, waiting: Sequence[Job], lane: int = 0) -> Job | None:
        """Choose the job that a lane begins now."""
        with self._lock:
            mine = self._find_own(waiting, lane)
            if not mine:
                return None
            job = self._choose(mine, lane)
            for other in mine[: mine.index(job)]:
                self._passed[other.id] = self._passed.get(other.id, 0) + 1
            self._passed.pop(job.id, None)
            for gone in list(self._passed)[:-MOST_COUNTED]:  # cancelled ones stay otherwise
                del self._passed[gone]
            if self._needs_loading(job.shot.maker):
                self._loaded[lane] = job.shot.maker
            self._busy.add(lane)
            return job

    def end(self, lane: int = 0) -> None:
        """The job that a lane has begun is over."""
        with self._lock:
            self._busy.discard(lane)

    def keep_order(self, job_ids: Iterable[str]) -> None:
        """The user has put these in order: none of them is passed."""
        self._placed = frozenset(job_ids)
