"""A backup of the database, taken while another process writes to it: whole, checked, and one can go on from it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from studio.nouns import Shot
from studio.studio import Studio
from tests.fakes.gradient import photograph

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
