"""The database: safe in threads and processes, brought up to date, moved aside when it is damaged."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from studio.config import ROOT
from studio.library import database
from studio.nouns import Refusal

INSERT = "INSERT INTO jobs (id, name, place, made_at, given, state, shot) VALUES (?, 'queued', ?, 1, '', '{}', '{}')"


def add(base: database.Database, name: str) -> None:
    with base.write():
        base.read(
            "INSERT INTO jobs (id, name, place, made_at, given, state, shot) VALUES (?, 'queued', 1, 1, '', '{}', '{}')", (name,)
        )


def names(base: database.Database) -> set[object]:
    return {row[0] for row in base.read("SELECT id FROM jobs")}


def test_a_change_survives_closing(tmp_path: Path) -> None:
    first = database.open(tmp_path / "stir.db")
    add(first, "kept")
    first.close()
    first.close()
    assert names(database.open(tmp_path / "stir.db")) == {"kept"}


def test_the_version_grows_with_every_change_and_every_process_sees_it(tmp_path: Path) -> None:
    here, there = database.open(tmp_path / "stir.db"), database.open(tmp_path / "stir.db")
    before = here.version
    assert there.version == before
    add(there, "from there")
    assert here.version > before
    seen = here.version
    there.read("UPDATE jobs SET place = 2")
    there.read("DELETE FROM jobs")
    assert here.version == seen + 2


def test_a_transaction_is_all_or_nothing_also_when_nested(tmp_path: Path) -> None:
    base = database.open(tmp_path / "stir.db")
    with pytest.raises(KeyError), base.write():
        add(base, "inner")
        raise KeyError
    assert names(base) == set()
    add(base, "after")
    assert names(base) == {"after"}


def test_threads_share_it(tmp_path: Path) -> None:
    base = database.open(tmp_path / "stir.db")
    threads = [threading.Thread(target=lambda n=n: [add(base, f"{n}-{i}") for i in range(25)]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(base)) == 200


def test_processes_may_open_a_new_home_at_the_same_moment(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from studio.library import database; sys.stdin.readline();"
        "base = database.open(Path(sys.argv[1]));"
        "base.read(sys.argv[2], (sys.argv[3], 1))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "stir.db"), INSERT]
    running = [subprocess.Popen([*command, str(n)], cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for n in range(6)]
    errors = []
    for process in running:
        assert process.stdin
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in running:
        errors.append(process.communicate()[1])
    assert errors == [b""] * 6
    assert len(names(database.open(tmp_path / "stir.db"))) == 6


@pytest.mark.parametrize("harm", ["header", "middle", "text"])
def test_a_damaged_database_is_moved_aside_and_kept(tmp_path: Path, harm: str) -> None:
    file = tmp_path / "stir.db"
    base = database.open(file)
    for number in range(200):
        add(base, f"{number}-{'x' * 200}")
    base.close()
    whole = file.read_bytes()
    bad = {
        "header": b"\0" * 100 + whole[100:],
        "middle": whole[:4096] + b"\xff" * (len(whole) - 8192) + whole[-4096:],
        "text": b"this was never a database" * 1000,
    }[harm]
    file.write_bytes(bad)
    fresh = database.open(file)
    assert len(names(fresh)) == (200 if harm == "header" else 0), "what can be read is taken over"
    aside = [other for other in tmp_path.glob("stir.db.damaged-*") if other.suffix != ".db-wal"]
    assert [other.read_bytes() for other in aside] == [bad]
    assert aside[0].name in fresh.notes[0].reason
    add(fresh, "works")
    fresh.close()
    assert database.open(file).notes == ()


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    (tmp_path / "stir.db").touch()
    assert database.open(tmp_path / "stir.db").notes == ()


def test_a_newer_library_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "stir.db"
    base = database.open(file)
    base.read("CREATE TABLE newer (x)")
    base.read(f"PRAGMA user_version = {len(database.MIGRATIONS) + 1}")
    base.close()
    with pytest.raises(Refusal, match="newer Stir"):
        database.open(file)
    assert sqlite3.connect(file).execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "stir.db"
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    with pytest.raises(Refusal, match="another program"):
        database.open(file)
    assert sqlite3.connect(file).execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


def test_a_foreign_tool_cannot_put_in_what_does_not_fit(tmp_path: Path) -> None:
    base = database.open(tmp_path / "stir.db")
    with pytest.raises(Refusal):
        base.read(
            "INSERT INTO jobs (id, name, place, made_at, given, state, shot) VALUES ('a', 'queued', 'first', 1, '', '', '')"
        )


def test_a_path_that_cannot_hold_a_database_is_refused_without_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Refusal) as refused:
        database.open(tmp_path / "file" / "stir.db")
    assert str(tmp_path) not in str(refused.value)
