"""Scores of clips in the database, and which clips wait for one.

A score is of one version of the measures (studio/clip_score.py); one of another version counts as none.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec

from studio.clip_score import VERSION, Score
from studio.library.database import Database
from studio.nouns import Refusal


class Attempt(NamedTuple):
    """That a clip was made because another was broken: the id of the first one, and which remake it is, from 1."""

    first: str
    number: int


class Scores:
    """The scores of a home folder's clips. Any thread may ask."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, clip_id: str) -> Score | None:
        """A clip's score; None before it has been scored, and for a clip that can't be."""
        return self.get_all((clip_id,)).get(clip_id)

    def get_all(self, clip_ids: Sequence[str]) -> dict[str, Score]:
        """The scores there are of these clips, by clip id."""
        rows = self._database.read(
            "SELECT clip, score FROM scores WHERE version = ? AND score <> ''"
            " AND clip IN (SELECT value FROM json_each(?))",
            (VERSION, msgspec.json.encode(list(clip_ids)).decode()),
        )
        found: dict[str, Score] = {}
        for clip_id, score in rows:
            try:
                found[str(clip_id)] = msgspec.json.decode(str(score), type=Score)
            except (msgspec.DecodeError, UnicodeError):  # it is scored again
                with suppress(Refusal):
                    self._database.read("DELETE FROM scores WHERE clip = ?", (clip_id,))
        return found

    def keep(self, clip_id: str, score: Score | None) -> None:
        """Keep a clip's score; None says that it can't be scored. A clip that is gone keeps none."""
        text = "" if score is None else msgspec.json.encode(score).decode()
        with self._database.write():
            self._database.read(
                "INSERT OR REPLACE INTO scores (clip, version, score) SELECT id, ?, ? FROM clips WHERE id = ?",
                (VERSION, text, clip_id),
            )

    def next_unscored(self) -> str | None:
        """The newest clip outside the trash that has not been scored by this version; None when all have."""
        rows = self._database.read(
            "SELECT id FROM clips WHERE trashed = 0 AND NOT EXISTS"
            " (SELECT 1 FROM scores WHERE clip = id AND version = ?) ORDER BY made_at DESC LIMIT 1",
            (VERSION,),
        )
        return str(rows[0][0]) if rows else None

    def attempt(self, clip_id: str) -> Attempt | None:
        """Which attempt a clip is; None for one that was asked for. A job's id is its clip's."""
        rows = self._database.read("SELECT first, number FROM remakes WHERE clip = ?", (clip_id,))
        return Attempt(str(rows[0][0]), int(str(rows[0][1]))) if rows else None

    def keep_attempt(self, clip_id: str, attempt: Attempt) -> None:
        """Keep which attempt a job is that was queued just now."""
        with self._database.write():
            self._database.read("INSERT OR REPLACE INTO remakes VALUES (?, ?, ?)", (clip_id, *attempt))
