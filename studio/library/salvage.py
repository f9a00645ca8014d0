"""A damaged database moved aside, and what can still be read of it taken over into a fresh one, by one start or, where
it is killed meanwhile, by the next.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

PAGE = 4096

MARK = b"Stir"
"""Our application id, in bytes 68 to 71 of the header."""

HEADER = {0: b"SQLite format 3\0\x10\0", 20: b"\0\x40\x20\x20", 44: b"\0\0\0\4", 56: b"\0\0\0\1"}
"""What stands in the header of every database of ours (sqlite.org/fileformat2.html, 1.3): pages of 4096 bytes, schema
format 4, texts in UTF-8. Bytes 18 and 19 are 2 in write-ahead logging and 1 in a backup.
"""


FIRST, LAST = -(2**63), 2**63 - 1
"""The least and the greatest number that a row may have."""

MOST_TRIES, WIDEST = 2000, 64
"""How often rows are looked for past a damaged page, and how many numbers at most each look goes on."""

UNREADABLE = (sqlite3.DatabaseError, OverflowError, UnicodeDecodeError)
"""What reading a damaged database raises; the last where SQLite's own message holds what it has read."""


def is_header_damaged(file: Path) -> bool:
    """Whether a database that is ours has a header that isn't."""
    with suppress(OSError), file.open("rb") as page:
        head = page.read(100)
        whole = all(head[at : at + len(what)] == what for at, what in HEADER.items()) and head[18] == head[19] in (1, 2)
        return len(head) == 100 and head[68:72] == MARK and not whole
    return False


def drop_foreign_log(file: Path) -> None:
    """Delete the log beside a backup that was put in the place of a database: it is that one's, and SQLite would write
    it into the backup. Only what opens the database first, and alone, may call it. Raises OSError.
    """
    with suppress(FileNotFoundError), file.open("rb") as page:
        if page.read(20)[18:] == b"\1\1":  # not in write-ahead logging, as only a backup is
            for ending in ("-wal", "-shm"):
                file.with_name(file.name + ending).unlink(missing_ok=True)


def is_under_way(file: Path) -> bool:
    """Whether a salvage was begun that a kill has ended before it was over."""
    return _name_damaged(file).exists()


def take_over(file: Path, connect: Callable[[Path], sqlite3.Connection]) -> Path:
    """Put a fresh database, as `connect` opens one, in the place of a damaged one, with the rows that can still be
    read of that, which is kept as it is. Returns where.

    The damaged one has a name of its own until all is done, by which the next start goes on where a kill ended this.
    Only one process at a time may call it. Raises OSError, sqlite3.Error.
    """
    damaged, scratch = _name_damaged(file), file.with_name(f".{file.name}.salvage")
    if not damaged.exists() or not file.exists():
        _move(file, damaged, ("", "-wal", "-shm"))
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        fresh = scratch / "fresh.db"
        with closing(connect(fresh)) as connection:
            _salvage(damaged, scratch / "damaged.db", connection)
            connection.execute("PRAGMA journal_mode = DELETE")  # so that it is one file
        fresh.replace(file)
    shutil.rmtree(scratch, ignore_errors=True)
    written = damaged.stat().st_mtime_ns
    when = time.strftime("%Y%m%d-%H%M%S", time.localtime(written // 10**9))
    aside = file.with_name(f"{file.name}.damaged-{when}-{written % 10**9 // 1000:06d}")
    _move(damaged, aside, ("-wal", "-shm", ""))
    return aside


def _name_damaged(file: Path) -> Path:
    return file.with_name(f"{file.name}.salvage")


def _move(file: Path, dest: Path, endings: tuple[str, ...]) -> None:
    """Move what is there of a database and its log."""
    for ending in endings:
        with suppress(FileNotFoundError):
            file.with_name(file.name + ending).replace(dest.with_name(dest.name + ending))


def _salvage(damaged: Path, copy: Path, connection: sqlite3.Connection) -> None:
    """Copy the rows that can still be read of a damaged database, of which a `copy` is made to read it.

    Where the first page has lost its header, it is read with the one that every database of ours has.
    """
    for ending in ("", "-wal"):
        with suppress(FileNotFoundError):
            shutil.copyfile(damaged.with_name(damaged.name + ending), copy.with_name(copy.name + ending))
    _mend_header(copy)
    tables = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT IN ('change', 'sqlite_stat1')"
    ).fetchall()
    with closing(_open_damaged(copy)) as source:
        _mend_schema(source, dict(tables))
    with closing(_open_damaged(copy)) as source:
        connection.execute("BEGIN IMMEDIATE")
        for table, _ in tables:
            _RowCopier(source, connection, table).copy_all()
        connection.execute("COMMIT")


def _open_damaged(copy: Path) -> sqlite3.Connection:
    """A connection that passes over what it can't read of the schema, and may change it."""
    source = sqlite3.connect(copy, isolation_level=None)
    source.text_factory = read_text
    with suppress(*UNREADABLE):
        source.execute("PRAGMA writable_schema = ON")
    return source


def _mend_schema(source: sqlite3.Connection, tables: dict[str, str]) -> None:
    """Write anew how those tables are made that SQLite can't read any more; `tables` are those of a fresh database."""
    with suppress(*UNREADABLE):
        for table, sql in tables.items():
            if not _list_columns(source, table):
                source.execute("UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", (sql, table))


class _RowCopier:
    """Copies the rows of one table as far as they can be read; those that are there already stay. A database of an
    older build may lack some of the columns.
    """

    def __init__(self, source: sqlite3.Connection, connection: sqlite3.Connection, table: str) -> None:
        columns = [name for name in _list_columns(connection, table) if name in _list_columns(source, table)]
        named, places = ", ".join(columns), ", ".join("?" * len(columns))
        self._source, self._connection, self._is_there = source, connection, bool(columns)
        self._insert = f"INSERT OR IGNORE INTO {table} ({named}) VALUES ({places})"  # noqa: S608
        self._select = f"SELECT rowid, {named} FROM {table} NOT INDEXED WHERE rowid BETWEEN ? AND ? ORDER BY rowid"  # noqa: S608

    def copy_all(self) -> None:
        """From both ends, and then what lies between damaged pages: past each, further and further on."""
        whole, left = self._copy(FIRST, LAST) if self._is_there else (True, None)
        if whole:
            return
        right = self._copy(FIRST, LAST, backwards=True)[1] or LAST
        unread, step = left or 0, 1
        for _ in range(MOST_TRIES):
            at = unread + step
            if at >= right:
                self._copy(unread + 1, right - 1, backwards=True)
                return
            whole, read = self._copy(at, right - 1)
            if whole or read is not None:
                self._copy(unread + 1, at - 1, backwards=True)
            if whole:
                return
            unread, step = (at, min(2 * step, WIDEST)) if read is None else (read, 1)

    def _copy(self, first: int, last: int, backwards: bool = False) -> tuple[bool, int | None]:
        """Copy the rows of these numbers. Whether all could be read, and the number of the last one that was."""
        number: int | None = None
        for row in self._read(first, last, backwards):
            if row is None:
                return False, number
            number = int(str(row[0]))
            with suppress(sqlite3.IntegrityError):  # a value that its column doesn't take
                self._connection.execute(self._insert, row[1:])
        return True, number

    def _read(self, first: int, last: int, backwards: bool) -> Iterator[tuple[object, ...] | None]:
        """The rows of these numbers, each behind its number; then None where the next can't be read. Python steps on
        before it gives a row, and so keeps back the last one before the damage: that is asked for alone.
        """
        select = f"{self._select}{' DESC' * backwards} LIMIT ?"
        for most in (-1, 1):
            try:
                for row in self._source.execute(select, (first, last, most)):
                    number = int(row[0])
                    first, last = (first, number - 1) if backwards else (number + 1, last)
                    yield row
            except UNREADABLE:
                continue
            if most < 0:
                return
        yield None


def _list_columns(connection: sqlite3.Connection, table: str) -> list[str]:
    with suppress(*UNREADABLE):
        return [str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")]
    return []


def read_text(data: bytes) -> str:
    """A text of the database: one wrong byte fails no whole answer."""
    return data.decode("utf-8", "replace")


def _mend_header(file: Path) -> None:
    pages = (file.stat().st_size // PAGE).to_bytes(4)
    with file.open("r+b") as page:
        for at, what in {**HEADER, 18: b"\2\2", 28: pages}.items():
            page.seek(at)
            page.write(what)
