"""The score worker: one thread that scores clips in the background, the newest first, after they are shown.

It has the lowest priority the system gives a thread, and works while no job runs or waits: beside one of the built-in
engine it would take a twentieth of its time. A clip made just now waits for that only so long. One that a crash left
without a score gets it when the studio runs again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable

from studio.clip_score import Score
from studio.hung_threads import MOST_LEFT, count_hung
from studio.jobs.watched_work import TOO_MANY, run_watched
from studio.library.clips import Clips
from studio.library.logbook import trace
from studio.library.scores import Scores
from studio.nouns import Clip, Refusal
from studio.system_errors import Hindrance, explain_system_error

IDLE_SECONDS = 5.0
"""How often an idle worker looks for clips without a score; a clip that was made here wakes it at once."""

PATIENCE_SECONDS = 15.0
"""How long a clip that was made just now waits for the jobs after it; beside a long one it is scored."""

LOOK_SECONDS = 0.1
"""How often such a clip looks whether they are done."""

SCORE_SECONDS = 1200.0
"""How long the score of one clip may take: it is taken at the lowest priority, in one go."""

PAUSE_SECONDS = 0.5
"""How long the worker rests after a clip that it was not woken for."""


class ScoreWorker:
    """The thread. `measure` takes a clip's score, or raises `Refusal`; `is_busy`: whether a job runs or waits here;
    `judge` is told of each score of a clip made here just now."""

    def __init__(
        self,
        clips: Clips,
        scores: Scores,
        measure: Callable[[Clip], Score],
        log: logging.Logger,
        *,
        is_busy: Callable[[], bool],
        judge: Callable[[Clip, Score], None],
    ) -> None:
        self._clips = clips
        self._scores = scores
        self._measure = measure
        self._is_busy = is_busy
        self._judge = judge
        self._log = log
        self._fresh: list[tuple[str, float]] = []  # ids, and when they were made
        self._woken, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="stir-score", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def expect(self, clip_id: str) -> None:
        """Score a clip that was made just now, before any other."""
        self._fresh.append((clip_id, time.monotonic()))
        self._woken.set()

    def close(self) -> None:
        """Stop after the clip that is being scored. Safe to call twice."""
        self._closing.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def score(self, clip: Clip) -> Score | None:
        """Score a clip now and keep its score; None when it can't be scored."""
        try:
            found = run_watched("score", lambda tick: self._measure(clip), SCORE_SECONDS, log=self._log)
        except Hindrance:
            raise
        except Refusal as refusal:
            if refusal is TOO_MANY:
                return None  # it gets its score once there is room again
            self._log.warning("clip %s isn't scored: %s", clip.id[:8], refusal.reason)
            found = None
        self._scores.keep(clip.id, found)
        return found

    def _work(self) -> None:
        _yield_to_everything()
        while not self._closing.is_set():
            self._woken.clear()
            try:
                rested = self._score_next()
            except Exception as error:
                self._log.error("scores can't be kept: %s", trace(error))
                rested = False
            if not rested and not self._closing.is_set():
                self._woken.wait(LOOK_SECONDS if self._fresh else IDLE_SECONDS)

    def _score_next(self) -> bool:
        """Score one clip, if one waits; whether to look for another at once."""
        if count_hung() >= MOST_LEFT:
            return False
        busy = self._is_busy()
        waited = bool(self._fresh) and time.monotonic() - self._fresh[0][1] >= PATIENCE_SECONDS
        fresh = self._fresh.pop(0)[0] if self._fresh and (waited or not busy) else None
        clip_id = fresh or (None if busy else self._scores.next_unscored())
        if clip_id is None:
            return False
        if self._clips.has(clip_id):
            clip = self._clips.get(clip_id)
            try:
                found = self.score(clip)
            except Refusal:
                raise
            except Exception as error:
                if isinstance(explain_system_error(error), Hindrance):  # not the clip's fault: it is scored later
                    raise
                self._log.error("clip %s can't be scored: %s", clip_id[:8], trace(error))
                self._scores.keep(clip_id, found := None)
            if fresh and found:
                self._judge(clip, found)
        if not fresh:
            self._closing.wait(PAUSE_SECONDS)
        return True


def _yield_to_everything() -> None:
    """Give this thread, and those it starts, what nobody else needs of the processor. Linux has that for a thread."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
