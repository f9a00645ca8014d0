"""Looking ahead: the model of the next job is loaded while the present one runs, where there is memory for both.

Knows when the present job has its own model and who comes next. Refuses to know whether there is memory: the engine does.
"""

from __future__ import annotations

import logging
import time

from studio.engines.base import Shelf
from studio.jobs.rooms import Rooms
from studio.library.logbook import trace
from studio.library.queue import Queue
from studio.nouns import Progress, Refusal, Stage

LOOK_SECONDS = 2.0
"""How often the queue is looked at while a job runs: what is submitted meanwhile is expected too."""

AT_WORK: tuple[Stage, ...] = ("denoise", "decode", "paint")
"""Stages in which the present job has all it needs: loading the next model before would only make it wait."""


class Ahead:
    """One running job's view of the next."""

    def __init__(self, model: str, queue: Queue, rooms: Rooms, log: logging.Logger) -> None:
        self._expected = model
        self._queue = queue
        self._rooms = rooms
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
        coming = self._queue.coming()
        if coming is None or coming.shot.maker == self._expected:
            return
        card = self._rooms.card(coming.shot.maker)
        engine = self._rooms.engine(card)
        if isinstance(engine, Shelf):
            engine.expect(card)
        self._expected = coming.shot.maker
