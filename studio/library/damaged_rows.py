"""Rows whose JSON can't be read: moved into a table of their own, whole, so that one never hides the others.

A row may be damaged by a disk or a tool, or be of a version of Stir that is newer than this one. It is told once, in
the log and on the page, and put back at a start that can read it: after an update, or when it was repaired in the table
`damaged_rows`, where `columns` holds every column of it as JSON.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from studio.library.database import Database
from studio.nouns import Refusal

# ruff: noqa: S608 - the SQL is put together from names of our own tables and columns only
T = TypeVar("T")
UNREADABLE = (msgspec.DecodeError, ValueError, TypeError, RecursionError, Refusal)
"""What decoding a row's JSON raises when it holds something else."""

TITLES = {
    "clips": "clip", "jobs": "job in the queue", "comparisons": "comparison", "batches": "batch",
    "batch_rows": "photo of a batch",
}  # fmt: skip
"""What a row of a table is to people."""


class DamagedRow(NamedTuple):
    """A row that was set aside: when, in seconds since 1970, and what it is in the user's words."""

    at: float
    title: str


class RowReader:
    """Reads rows of one table, whose key is the column `key`; `columns` are those that hold JSON, and of what type.

    `mend` may put a row right that can't be read, by its key, and says whether it has; else the row is set aside.
    """

    def __init__(
        self, database: Database, table: str, columns: Mapping[str, Any], key: str = "id",
        mend: Callable[[str], bool] = lambda _: False,
    ) -> None:  # fmt: skip
        self._database, self._table, self._columns, self._key, self._mend = database, table, columns, key, mend
        self._put_back()

    def read(self, sql: str, values: tuple[object, ...], build: Callable[[tuple[object, ...]], T]) -> list[T]:
        """What `build` makes of the rows of a query that begin with their key. One that it can't read is left out, and
        set aside, or put right and read again.
        """
        found, mended = self._read_once(sql, values, build)
        return self._read_once(sql, values, build)[0] if mended else found

    def _read_once(
        self, sql: str, values: tuple[object, ...], build: Callable[[tuple[object, ...]], T]
    ) -> tuple[list[T], int]:
        found: list[T] = []
        mended = 0
        for row in self._database.read(sql, values):
            try:
                found.append(_require_id(build(row), str(row[0])))
            except UNREADABLE:
                mended += self._put_right(str(row[0]))
        return found, mended

    def _put_right(self, key: str) -> bool:
        """Mend a row, which is answered with True, or set it aside; where neither can be written, the next look tries
        again.
        """
        log = self._database.log
        try:
            if self._mend(key):
                log.warning("a row of %s could not be read and was put right", self._table)
                return True
            self._set_aside(key)
        except Refusal as refusal:
            log.error("a row of %s can't be read, nor set aside: %s", self._table, refusal.reason)
            return False
        log.error("a row of %s can't be read: it is kept in damaged_rows, the others are as they were", self._table)
        return False

    def _set_aside(self, key: str) -> None:
        names = self._list_columns()
        whole = ", ".join(f"'{name}', {name}" for name in names)
        where = f"FROM {self._table} WHERE {self._key} = ?"
        with self._database.write():
            self._database.read(
                f"INSERT OR REPLACE INTO damaged_rows SELECT ?, ?, ?, json_object({whole}) {where}",
                (self._table, key, time.time(), key),
            )
            self._database.read(f"DELETE {where}", (key,))

    def _list_columns(self) -> list[str]:
        return [str(row[1]) for row in self._database.read(f"PRAGMA table_info({self._table})")]

    def _put_back(self) -> None:
        """Move back what was set aside of this table and can be read now."""
        kept = self._database.read("SELECT id, columns FROM damaged_rows WHERE origin = ?", (self._table,))
        for key, columns in kept:
            try:
                row = msgspec.json.decode(str(columns), type=dict[str, Any])
                for name, kind in self._columns.items():
                    _require_id(msgspec.json.decode(row[name], type=kind), str(key))
            except (*UNREADABLE, KeyError):
                continue
            held = [name for name in self._list_columns() if name in row]
            places = ", ".join("?" * len(held))
            with self._database.write():
                self._database.read(
                    f"INSERT OR IGNORE INTO {self._table} ({', '.join(held)}) VALUES ({places})",
                    tuple(row[name] for name in held),
                )
                self._database.read("DELETE FROM damaged_rows WHERE origin = ? AND id = ?", (self._table, key))


def _require_id(one: T, key: str) -> T:
    """What was read of a row. Raises ValueError where it says another id than the row: nobody could ask for it."""
    if getattr(one, "id", key) != key:
        raise ValueError("a row of another id")
    return one


def list_damaged(database: Database) -> tuple[DamagedRow, ...]:
    """What lies aside, newest first."""
    rows = database.read("SELECT at, origin FROM damaged_rows ORDER BY at DESC LIMIT 100")
    return tuple(DamagedRow(float(str(at)), TITLES.get(str(origin), "entry")) for at, origin in rows)
