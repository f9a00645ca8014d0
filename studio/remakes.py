"""Broken clips made again with another seed, up to the number of times that the user allows.

Only a clip that was made here just now, by a model that denoises on this computer: what is wrong with one of the
built-in engine's stays wrong with another seed, and a hosted one would be paid for again. Each attempt is a clip of its
own, kept with the number it was; nothing is put away.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from logging import Logger

from studio.clip_score import Score
from studio.compare.compare_room import Comparisons
from studio.library.scores import Attempt
from studio.models import Models
from studio.nouns import Clip, Job, Refusal, Shot, replace
from studio.score_room import ScoreRoom


class Remakes:
    """Decides about clips that were scored. `submit` queues a shot."""

    def __init__(
        self, scores: ScoreRoom, models: Models, comparisons: Comparisons, submit: Callable[[Shot], Job], log: Logger
    ) -> None:
        self._scores = scores
        self._models = models
        self._comparisons = comparisons
        self._submit = submit
        self._log = log

    def judge(self, clip: Clip, score: Score) -> None:
        """Make a clip again if it is broken and there are attempts left; in the cell of its comparison, if it has
        one."""
        if clip.shot.finish:  # what is wrong with it is the finish, or wrong with the clip it is made of
            return
        before = self._scores.attempt(clip.id)
        first, number = (before.first, before.number) if before else (clip.id, 0)
        if not score.broken or number >= self._models.preferences().remake_limit:
            return
        try:
            if self._models.card(clip.shot.maker).checkpoint is None:
                return
            job_id = self._make_again(clip, secrets.randbelow(2**32))
        except Refusal as refusal:
            self._log.warning("clip %s is broken and isn't made again: %s", clip.id[:8], refusal.reason)
            return
        self._scores.keep_attempt(job_id, Attempt(first, number + 1))
        kinds = ", ".join(fault.kind for fault in score.faults)
        self._log.info("clip %s is broken (%s): attempt %d is job %s", clip.id[:8], kinds, number + 1, job_id[:8])

    def _make_again(self, clip: Clip, seed: int) -> str:
        cell = self._comparisons.find_cell(clip.id)
        if cell is None:
            return self._submit(replace(clip.shot, seed=seed)).id
        one = self._comparisons.retry(*cell, seed=seed)
        return next(other.jobs[-1] for other in one.cells if other.id == cell[1])
