"""A backup of the database, taken while another process writes to it: whole, checked, and one can go on from it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from studio.config import Settings
from studio.hosted_demo.stand_in import StandIn
from studio.nouns import Done, Interrupted, Shot
from studio.spending import Unconfirmed
from studio.studio import Studio
from tests.fakes.gradient import photograph
from tests.fakes.paying import ask_for, buy, count_creates, open_studio
from tests.fakes.waiting import ended

Say = Callable[..., tuple[int, str, str]]


def count_jobs(file: Path) -> int:
    with closing(sqlite3.connect(file)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return copy.execute("SELECT count(*) FROM jobs").fetchone()[0]


def test_a_backup_is_one_moment_of_a_library_that_is_written_to(opened: Callable[..., Studio], stir: Say, tmp_path: Path) -> None:
    studio = opened(start=False)
    shot = Shot(studio.photos.take_in(photograph(tmp_path), "harbour.jpg"), model="gradient", seconds=1, fps=16)
    studio.submit(shot)
    with studio._database.write():  # another process copies it in the middle of a change
        studio._database.read("INSERT INTO jobs SELECT 'x', name, place, made_at, given, owner, state, shot, '', '', 0 FROM jobs")
        assert stir("backup", tmp_path / "one.db") == (0, f"{tmp_path / 'one.db'}\n", "")
    (tmp_path / "stick").mkdir()
    code, said, _ = stir("backup", "--json", tmp_path / "stick")
    two = Path(json.loads(said)["path"])
    assert (code, count_jobs(tmp_path / "one.db"), count_jobs(two)) == (0, 1, 2)
    assert list((tmp_path / "stick").iterdir()) == [two]

    studio.close()
    studio.settings.database.unlink()
    two.rename(studio.settings.database)
    assert [job.shot.photo for job in opened(start=False).jobs()] == [shot.photo, shot.photo]


def test_a_backup_that_cannot_be_made_says_why(stir: Say, tmp_path: Path) -> None:
    assert stir("backup", "copy.db")[::2] == (
        2, "There is no library in this home folder yet. Name another home folder with --home.\n",
    )  # fmt: skip
    stir("library")
    database = tmp_path / "home" / "stir.db"
    assert "itself" in stir("backup", database)[2] and count_jobs(database) == 0
    code, _, said = stir("backup", tmp_path / "nowhere" / "copy.db")
    assert code == 2 and "Traceback" not in said


def go_back(studio: Studio, copy: Path) -> None:
    """What the help says, after a process that was killed: it leaves its log beside the database."""
    log = studio.settings.database.with_name("stir.db-wal")
    left = log.read_bytes()
    studio.close()
    assert left
    log.write_bytes(left)
    shutil.copyfile(copy, studio.settings.database)


def test_who_goes_back_to_a_backup_keeps_the_clips_made_since_as_they_are(
    opened: Callable[..., Studio], stir: Say, tmp_path: Path
) -> None:
    studio = opened(start=False)
    shot = Shot(studio.photos.take_in(photograph(tmp_path), "harbour.jpg"), model="gradient", seconds=1, fps=16)
    job = studio.submit(shot)
    stir("backup", tmp_path / "copy.db")
    studio.start(score=False)
    ended(studio, job.id)
    studio.library.rate(job.id, 5)
    before = studio.library.get(job.id)
    go_back(studio, tmp_path / "copy.db")
    again = opened()
    assert isinstance(again.job(job.id).state, Done) and again.library.find() == (before,)
    assert again._database.read("PRAGMA integrity_check") == [("ok",)]


def test_who_goes_back_to_a_backup_pays_nothing_twice(
    settings: Settings, stir: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StandIn(seconds=0.0) as service:
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        studio = open_studio(settings, start=False)
        job = buy(studio, ask_for(studio))
        stir("backup", tmp_path / "copy.db")
        studio.start(score=False)
        ended(studio, job.id)
        studio.library.trash(job.id)
        studio.library.empty_trash()
        go_back(studio, tmp_path / "copy.db")
        with closing(open_studio(settings)) as again:
            assert isinstance(again.job(job.id).state, Interrupted)
            with pytest.raises(Unconfirmed):
                again.retry(job.id)
        assert count_creates(service) == 1
