"""kill -9 before every single change of a file: a salvage, a backup, a migration, settings, a visitor's files."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from studio.config import Settings
from studio.library import database
from studio.library.backup import back_up
from studio.library.clips import Clips
from studio.nouns import Clip, Photo, Shot, replace
from studio.preferences import Preferences, alter, preferences
from studio.visitors.house import GONE, _delete
from tests.fakes.killed_steps import die_before, kill_at_every_step

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills a fork of this process")

INSERT = "INSERT INTO jobs (id, name, place, made_at, given, state, shot) VALUES (?, 'done', 1, 1, '', '{}', ?)"
ROWS = 300


def count(file: Path) -> int:
    with closing(sqlite3.connect(file)) as base:
        assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return base.execute("SELECT count(*) FROM jobs").fetchone()[0]


def fill(folder: Path, log: bool = True) -> Path:
    """A database of `ROWS` rows, a half of them in its write-ahead log only, as a killed process leaves it."""
    folder.mkdir()
    base = database.open(folder / "made.db")
    for number in range(ROWS):
        if number == ROWS // 2:
            base.read("PRAGMA wal_checkpoint(TRUNCATE)")
        base.read(INSERT, (f"{number}", "x" * 100))
    for ending in ("", "-wal") if log else ("",):
        shutil.copyfile(folder / f"made.db{ending}", folder / f"stir.db{ending}")
    base.close()
    (folder / "made.db").unlink()
    return folder


def renew(folder: Path, template: Path) -> Callable[[], None]:
    def begin() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)

    return begin


def test_a_salvage_that_is_killed_loses_nothing_that_could_be_read(tmp_path: Path) -> None:
    template, home = fill(tmp_path / "template"), tmp_path / "home"
    whole = {ending: (template / f"stir.db{ending}").read_bytes() for ending in ("", "-wal")}
    whole[""] = b"\0" * 60 + whole[""][60:]
    (template / "stir.db").write_bytes(whole[""])

    def check(steps: int) -> None:
        base = database.open(home / "stir.db")
        assert base.read("SELECT count(*) FROM jobs") == [(ROWS,)], f"killed before step {steps}"
        base.close()
        names = {file.name.partition("-")[0]: file for file in home.iterdir() if file.name != "locks"}
        assert names.keys() == {"stir.db", "stir.db.damaged"}, f"killed before step {steps}: {names}"
        kept = next(home.glob("stir.db.damaged-*[0-9]"))
        assert kept.read_bytes() == whole[""] and kept.with_name(f"{kept.name}-wal").read_bytes() == whole["-wal"]

    def take_over() -> None:
        assert database.open(home / "stir.db").notes

    assert kill_at_every_step(home, renew(home, template), take_over, check) > 10


def test_two_processes_that_find_a_damaged_database_salvage_it_once(tmp_path: Path) -> None:
    home = fill(tmp_path / "home")
    file = home / "stir.db"
    file.write_bytes(b"\0" * 60 + file.read_bytes()[60:])
    opened: list[database.Database] = []
    threads = [threading.Thread(target=lambda: opened.append(database.open(file))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [base.read("SELECT count(*) FROM jobs") for base in opened] == [[(ROWS,)]] * 4
    assert len(list(home.glob("stir.db.damaged-*[0-9]"))) == 1
    for base in opened:
        base.close()


def test_rows_between_damaged_pages_are_read_too(tmp_path: Path) -> None:
    """Two damaged pages, and a wrong byte in a text before, between and behind them: only what lies on the pages is lost."""
    home = fill(tmp_path / "home", log=False)
    file = home / "stir.db"
    with closing(sqlite3.connect(file)) as base:
        base.executemany(INSERT, [(f"{number} long", "long " * 300) for number in range(ROWS)])
        base.commit()
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = base.execute("SELECT count(*) FROM jobs").fetchone()[0]
    data = bytearray(file.read_bytes())
    pages = [at for at in range(0, len(data), 4096) if data[at] == 13 and data.count(b"long long", at, at + 4096) > 100]
    for at in (pages[len(pages) // 4], pages[3 * len(pages) // 4]):
        data[at : at + 4096] = b"\xff" * 4096
    for share in (1, 4, 7):
        at = data.index(b"long long", pages[share * len(pages) // 8])
        data[at] = 0xFF
    file.write_bytes(data)
    base = database.open(file)
    assert base.notes and before - 6 <= base.read("SELECT count(*) FROM jobs")[0][0] < before
    base.close()


@pytest.mark.parametrize("harmed", [b"CREATE TABLE jobs", b"CREATE INDEX jobs_by_state", b"CREATE TRIGGER jobs_INSERT"])
def test_rows_are_read_where_the_schema_cannot_be(tmp_path: Path, harmed: bytes) -> None:
    home = fill(tmp_path / "home", log=False)
    file = home / "stir.db"
    whole = file.read_bytes()
    assert whole.count(harmed) == 1
    file.write_bytes(whole.replace(harmed, b"CREATE \xff" + harmed[8:]))
    base = database.open(file)
    assert base.notes and base.read("SELECT count(*) FROM jobs") == [(ROWS // 2,)]
    base.close()


def test_a_backup_that_is_killed_is_whole_or_absent(tmp_path: Path) -> None:
    home, dest = fill(tmp_path / "home"), tmp_path / "stick"

    def begin() -> None:
        shutil.rmtree(dest, ignore_errors=True)
        dest.mkdir()

    def check(steps: int) -> None:
        made = list(dest.glob("*.db"))
        assert [count(file) for file in made] in ([], [ROWS]), f"killed before step {steps}"

    assert kill_at_every_step(dest, begin, lambda: back_up(home / "stir.db", dest), check) >= 2
    assert list(dest.glob("*.db"))


def test_a_migration_that_is_killed_begins_again(tmp_path: Path) -> None:
    template, home = tmp_path / "template", tmp_path / "home"
    template.mkdir()
    with closing(sqlite3.connect(template / "stir.db", isolation_level=None)) as base:
        for migration in database.MIGRATIONS[:2]:
            migration(base)
        base.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
        base.execute("PRAGMA user_version = 2")
        base.execute(INSERT, ("old", "{}"))
    done = list(database.MIGRATIONS)

    def check(_: int) -> None:
        base = database.open(home / "stir.db")
        assert base.read("SELECT id, batch FROM jobs") == [("old", "")] and not base.notes
        base.close()

    for at in range(2, len(done) + 1):  # killed in the midst of its transaction
        renew(home, template)()

        def migrate(at: int = at) -> None:
            database.MIGRATIONS = (*done[:at], lambda _: (home / "step").touch())
            database.open(home / "stir.db")

        assert die_before(0, home / "step", migrate)
        check(at)


def test_settings_that_are_written_when_it_is_killed_are_the_old_or_the_new(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "home")

    def begin() -> None:
        shutil.rmtree(settings.home, ignore_errors=True)
        settings.prepare()
        alter(settings, lambda now: replace(now, agreed=("one",), idle_minutes=7))

    def check(steps: int) -> None:
        wanted = preferences(settings)
        assert wanted in (Preferences(agreed=("one",), idle_minutes=7), Preferences(agreed=("one", "two"), idle_minutes=7)), steps
        assert alter(settings, lambda now: replace(now, idle_minutes=8)).agreed == wanted.agreed

    change = lambda: alter(settings, lambda now: replace(now, agreed=(*now.agreed, "two")))  # noqa: E731
    assert kill_at_every_step(settings.home, begin, change, check) >= 3


def test_settings_that_two_processes_change_at_once_hold_both_changes(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "home")
    settings.prepare()

    def change() -> None:
        for number in range(10):
            alter(settings, lambda now, name=f"there {number}": replace(now, agreed=(*now.agreed, name)))

    thread = threading.Thread(target=lambda: die_before(10**9, settings.home, change))
    thread.start()
    for number in range(10):
        alter(settings, lambda now, name=f"here {number}": replace(now, agreed=(*now.agreed, name)))
    thread.join()
    assert len(preferences(settings).agreed) == 20


def fill_trash(home: Path) -> Clips:
    """Three clips in the trash and one that isn't."""
    (home / "clips").mkdir(parents=True, exist_ok=True)
    clips = Clips(database.open(home / "stir.db"), home / "clips")
    shot = Shot(Photo("0" * 64, 640, 480, "photo.jpg"))
    for number in range(4):
        name = f"{number:032x}"
        for made in (home / "made.mp4", home / "made.png"):
            made.touch()
        clip = Clip(name, shot, f"{name}.mp4", f"{name}.png", 640, 480, 24.0, 120, 5.0, 4, 1.0, 1.0, trashed=number > 0)
        clips.keep(clip, home / "made.mp4", home / "made.png")
    return clips


def test_a_trash_that_is_emptied_when_it_is_killed_holds_whole_clips_or_none(tmp_path: Path) -> None:
    home, template = tmp_path / "home", tmp_path / "template"
    fill_trash(template)._database.close()

    def look() -> Clips:
        return Clips(database.open(home / "stir.db"), home / "clips")

    def check(steps: int) -> None:
        clips = look()
        clips.recover(set)
        kept = {clip.id for trashed in (False, True) for clip in clips.find(trashed=trashed)}
        names = {f"{clip}.{ending}" for clip in kept for ending in ("mp4", "png", "json")}
        assert names == {file.name for file in (home / "clips").iterdir()} and f"{0:032x}" in kept, f"killed before step {steps}"
        clips._database.close()

    assert kill_at_every_step(home / "clips", renew(home, template), lambda: look().empty_trash(), check) == 9


def test_a_start_while_the_trash_is_emptied_elsewhere_finds_nothing_of_it(tmp_path: Path) -> None:
    clips = fill_trash(tmp_path)
    other = Clips(database.open(tmp_path / "stir.db"), tmp_path / "clips")
    start = threading.Thread(target=lambda: other.recover(set))
    discard = clips.discard

    def discard_slowly(clip: Clip) -> None:
        if not start.ident:
            start.start()
            start.join(0.3)
        discard(clip)

    clips.discard = discard_slowly
    assert clips.empty_trash() == 3
    start.join()
    assert [len(one.find(trashed=True)) for one in (clips, other)] == [0, 0] and other.count() == 1


def test_a_visitors_files_are_whole_or_out_of_sight(tmp_path: Path) -> None:
    folder = tmp_path / "visitors"

    def begin() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("photos/1.jpg", "photos/1.json", "clips/1.mp4", "stir.db"):
            file = folder / "ada" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()

    def check(steps: int) -> None:
        here = sum(file.is_file() for file in (folder / "ada").rglob("*"))
        assert here in (0, 4), f"killed before step {steps}"
        assert all(one.name == "ada" or one.name.startswith(GONE) for one in folder.iterdir())

    assert kill_at_every_step(folder, begin, lambda: _delete(folder / "ada"), check) > 4
