"""A damaged database moved aside, and what can still be read of it taken over into a fresh one."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

PAGE = 4096

MARK = b"Stir"
"""Our application id, in bytes 68 to 71 of the header."""

HEADER = {0: b"SQLite format 3\0\x10\0", 20: b"\0\x40\x20\x20", 44: b"\0\0\0\4", 56: b"\0\0\0\1"}
"""What stands in the header of every database of ours (sqlite.org/fileformat2.html, 1.3): pages of 4096 bytes, schema
format 4, texts in UTF-8. Bytes 18 and 19 are 2 in write-ahead logging and 1 in a backup.
"""


def is_header_damaged(file: Path) -> bool:
    """Whether a database that is ours has a header that isn't."""
    with suppress(OSError), file.open("rb") as page:
        head = page.read(100)
        whole = all(head[at : at + len(what)] == what for at, what in HEADER.items()) and head[18] == head[19] in (1, 2)
        return len(head) == 100 and head[68:72] == MARK and not whole
    return False


def set_aside(file: Path) -> Path:
    """Move a damaged database and its log out of the way, keeping both."""
    aside = file.with_name(f"{file.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**6:06d}")
    for ending in ("", "-wal", "-shm"):
        part = file.with_name(file.name + ending)
        if part.exists():
            part.replace(aside.with_name(aside.name + ending))
    return aside


def salvage(damaged: Path, connection: sqlite3.Connection) -> None:
    """Copy the rows that can still be read of a damaged database, which stays as it is.

    Each table is read from both ends, so that what lies beyond a damaged page is reached too. Where the first page has
    lost its header, it is read with the one that every database of ours has.
    """
    with suppress(OSError, sqlite3.Error), tempfile.TemporaryDirectory(dir=damaged.parent, prefix=".new-") as folder:
        copy = Path(folder) / damaged.name
        for ending in ("", "-wal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(damaged.with_name(damaged.name + ending), copy.with_name(copy.name + ending))
        _mend_header(copy)
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('change', 'sqlite_stat1')"
        ).fetchall()
        with closing(sqlite3.connect(copy, isolation_level=None)) as source:
            connection.execute("BEGIN IMMEDIATE")
            for (table,) in tables:
                for order in ("rowid", "rowid DESC"):
                    _copy_rows(source, connection, table, order)
            connection.execute("COMMIT")


def _copy_rows(source: sqlite3.Connection, connection: sqlite3.Connection, table: str, order: str) -> None:
    """The rows of a table as far as they can be read; those that are there already stay."""
    columns = [str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")]
    named, places = ", ".join(columns), ", ".join("?" * len(columns))
    with suppress(sqlite3.Error, OverflowError, UnicodeDecodeError):
        for row in source.execute(f"SELECT {named} FROM {table} NOT INDEXED ORDER BY {order}"):  # noqa: S608
            with suppress(sqlite3.Error):
                connection.execute(f"INSERT OR IGNORE INTO {table} ({named}) VALUES ({places})", row)  # noqa: S608


def _mend_header(file: Path) -> None:
    pages = (file.stat().st_size // PAGE).to_bytes(4)
    with file.open("r+b") as page:
        for at, what in {**HEADER, 18: b"\2\2", 28: pages}.items():
            page.seek(at)
            page.write(what)
