"""Waiting for what another thread or process does: until it is so, or the test has failed."""

from __future__ import annotations

import time
from collections.abc import Callable

from studio.nouns import Job, Queued, Running
from studio.studio import Studio

PATIENCE = 40.0
"""Seconds; never a measure, only the end of hope."""


def until(condition: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait for a condition."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)


def ended(studio: Studio, job_id: str) -> Job:
    """The job once it is neither queued nor running."""
    until(lambda: not isinstance(studio.job(job_id).state, Queued | Running))
    return studio.job(job_id)


def painting(studio: Studio, job_id: str) -> None:
    """Wait until some of a job's frames are painted."""

    def begun() -> bool:
        state = studio.job(job_id).state
        return isinstance(state, Running) and state.progress.stage == "paint" and state.progress.done > 0

    until(begun)
