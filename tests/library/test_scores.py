"""Scores of clips in the database: kept, of one version, gone with their clip."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.clip_score import ClipFault, Measure, Score
from studio.library import scores
from studio.library.scores import Scores
from tests.library.test_clips import Shelf, made

GOOD = Score(0.8, (Measure("flicker", 0.3, "grey levels", 0.9),))
BAD = Score(0.2, (Measure("flicker", 9.0, "grey levels", 0.1),), (ClipFault("cut", 1.5), ClipFault("flicker", 0.0)))


def test_a_score_is_kept_for_its_version_and_goes_with_its_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path)
    base, clips, kept = shelf.base, shelf.clips, Scores(shelf.base)
    older, newer = shelf.put(made(1)), shelf.put(made(2))
    assert kept.get(newer.id) is None and kept.next_unscored() == newer.id
    before = base.version
    kept.keep(newer.id, BAD)
    assert base.version > before, "a page that watches the library sees the score arrive"
    assert kept.get(newer.id) == BAD and BAD.broken and not GOOD.broken
    measure = BAD.measure("flicker")
    assert measure and measure.value == 9.0 and BAD.measure("seam") is None
    assert kept.next_unscored() == older.id
    kept.keep(older.id, None)
    assert kept.next_unscored() is None and kept.get(older.id) is None, "what can't be scored isn't tried again"
    monkeypatch.setattr(scores, "VERSION", scores.VERSION + 1)
    assert kept.get(newer.id) is None and kept.next_unscored() == newer.id
    kept.keep(newer.id, GOOD)
    clips.trash(newer.id)
    clips.empty_trash()
    kept.keep(newer.id, GOOD)
    assert kept.get_all((newer.id, older.id)) == {}
