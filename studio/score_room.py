"""Scores of clips and of any file: taken at once, or in the background after a clip is shown, and kept.

How a score is measured is in score/, the thread in jobs/score_worker.py, the rows in library/scores.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from logging import Logger
from pathlib import Path
from typing import TYPE_CHECKING

from studio.clip_score import Score
from studio.engines.prepare import prepare
from studio.jobs.score_worker import ScoreWorker
from studio.library.clips import Clips
from studio.library.database import Database
from studio.library.scores import Attempt, Scores
from studio.models import Models
from studio.nouns import FINISH, Clip, Refusal, Shot
from studio.photo.mend import settle_mends

LEAST_SIDE = 24
"""Pixels of the shorter side of a clip that movement can be found in."""

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from studio.photo.photo_store import PhotoStore


class ScoreRoom:
    """The scores of one studio. Any thread may ask. `find_near` gives how near things are in a shot's crop, (h, w)
    0..1, None where that isn't known; `is_busy` and `judge` are the worker's."""

    def __init__(
        self, *, database: Database, library: Clips, models: Models, photos: Callable[[], PhotoStore], log: Logger,
        find_near: Callable[[Shot], NDArray[np.float32] | None], is_busy: Callable[[], bool],
        judge: Callable[[Clip, Score], None],
    ) -> None:  # fmt: skip
        self._table = Scores(database)
        self._library = library
        self._models = models
        self._photos = photos
        self._find_near = find_near
        self._worker = ScoreWorker(library, self._table, self._score_kept, log, is_busy=is_busy, judge=judge)

    def start(self) -> None:
        """Score in the background from now on."""
        self._worker.start()

    def expect(self, clip_id: str) -> None:
        """Score a clip that was made just now, before any other."""
        self._worker.expect(clip_id)

    def close(self) -> None:
        """Stop scoring. Safe to call twice."""
        self._worker.close()

    def get(self, clip_id: str) -> Score | None:
        """A clip's score; None before it has been scored, and for a clip that can't be."""
        return self._table.get(clip_id)

    def get_all(self, clip_ids: Sequence[str]) -> dict[str, Score]:
        """The scores there are of these clips, by clip id."""
        return self._table.get_all(clip_ids)

    def attempt(self, clip_id: str) -> Attempt | None:
        """Which attempt a clip is, of those made because the first was broken; None for one that was asked for."""
        return self._table.attempt(clip_id)

    def keep_attempt(self, clip_id: str, attempt: Attempt) -> None:
        """Keep which attempt a job is that was queued just now."""
        self._table.keep_attempt(clip_id, attempt)

    def score_clip(self, clip_id: str) -> Score | None:
        """A clip's score, taken now if it has none; None for one that can't be scored. Half a second or so."""
        return self.get(clip_id) or self._worker.score(self._library.get(clip_id))

    def score_file(self, file: Path) -> Score:
        """The score of any file: against its photo and what was asked where its recipe is inside, and the photo here.

        Read in bounded memory and time. Raises `Refusal` for what can't be read, is too small or holds no three
        frames.
        """
        from studio.clip.recipe import read_recipe

        try:
            shot = read_recipe(file)
        except Refusal:
            shot = None
        return self._score(file, shot, trusted=False)

    def _score_kept(self, clip: Clip) -> Score:
        shot = clip.shot
        asked = None if shot.finish else shot  # a finished clip doesn't show what the motion asked for
        return self._score(self._library.file(clip), asked, trusted=not shot.service or shot.maker == FINISH)

    def _score(self, file: Path, shot: Shot | None, trusted: bool) -> Score:
        """`shot` is what a clip was made from, None where nobody knows; trusted: Stir has made the file."""
        from studio.clip.clip_reader import Unreadable, read_footage
        from studio.score.reference import make_reference, use_first_frame
        from studio.score.scoring import score_footage

        try:
            footage = read_footage(file, trusted)
        except Unreadable:
            raise Refusal(
                f"{file.name} can't be read as a clip.", "Give a whole MP4, WebM, GIF or WebP of at most 5120 pixels."
            ) from None
        if len(footage.luma) < 3:
            raise Refusal(f"{file.name} holds fewer than three frames.", "Give a clip in which something moves.")
        if min(footage.luma.shape[1:]) < LEAST_SIDE:
            raise Refusal(
                f"{file.name} is too small to be scored.", f"Give a clip of at least {LEAST_SIDE} pixels a side."
            )
        settled = self._settle(shot) if shot else None
        photo = self._find_photo(shot) if shot else None
        if shot is None or settled is None or photo is None:
            return score_footage(footage, use_first_frame(footage), settled)
        marked = self._photos().resolve_subject(settled.photo, settled.subject)
        return score_footage(footage, make_reference(photo, settled, footage, marked, self._find_near(shot)), settled)

    def _settle(self, shot: Shot) -> Shot:
        """The shot as its model was given it."""
        try:
            return prepare(shot, self._models.card(shot.maker)).shot
        except Refusal:  # the model is not on offer any more
            return settle_mends(shot)

    def _find_photo(self, shot: Shot) -> NDArray[np.uint8] | None:
        """The photo of a shot with its mends done; None when it is not here."""
        try:
            return self._photos().mend(shot.photo, shot.mends)
        except Refusal:
            return None
