"""Batches in the database: a row of the table for each batch and one for each of its photos, changed on their own.

So that a change of one photo of two thousand writes that photo alone. Each change is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from studio.batch.batch_nouns import Batch, BatchRow
from studio.library.damaged_rows import RowReader
from studio.library.database import Database
from studio.library.file_names import plain
from studio.nouns import Refusal, replace

MOST_LISTED = 1000
MOST_WORDS = 8


class BatchTable:
    """Every batch of a home folder. `owner` is the token of the process that reads its photos."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batches = RowReader(database, "batches", {"batch": Batch})
        self._rows = RowReader(database, "batch_rows", {"row": BatchRow})

    # Batches ----------------------------------------------------------------------------------------------------------

    def keep(self, one: Batch, rows: Sequence[BatchRow], owner: str, press: str = "") -> None:
        """Write a new batch with its rows; `press` is the press of a button that asked for it."""
        with self._database.write():
            self._database.read(
                "INSERT INTO batches (id, made_at, paused, owner, press, words, batch) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (one.id, one.made_at, int(one.is_paused), owner, press, plain(one.name), _json(one)),
            )
            for place, row in enumerate(rows):
                self._database.read(
                    "INSERT INTO batch_rows (id, batch, place, unread, row) VALUES (?, ?, ?, ?, ?)",
                    (row.id, one.id, float(place), int(not row.is_read), _json(row)),
                )

    def change(self, batch_id: str, alter: Callable[[Batch], Batch]) -> Batch:
        """Replace a batch by what `alter` makes of it, in one transaction. Raises `Refusal` when it isn't here."""
        with self._database.write():
            one = alter(self.get(batch_id))
            self._database.read(
                "UPDATE batches SET paused = ?, words = ?, batch = ? WHERE id = ?",
                (int(one.is_paused), plain(one.name), _json(one), one.id),
            )
        return one

    def get(self, batch_id: str) -> Batch:
        """One batch. Raises `Refusal` when it isn't here."""
        found = self._batches.read("SELECT id, batch FROM batches WHERE id = ?", (batch_id,), _decode_batch)
        if not found:
            raise Refusal("That batch is no longer here.", "Look at the list of batches again.")
        return found[0]

    def find_press(self, press: str) -> Batch | None:
        """The batch that a press has asked for already; None for a new press, or none."""
        rows = self._database.read("SELECT id FROM batches WHERE press = ? AND press <> ''", (press,))
        return self.get(str(rows[0][0])) if rows else None

    def find(self, words: str = "", limit: int = 60) -> tuple[Batch, ...]:
        """Batches whose names have every one of the (first eight) words, newest first."""
        wanted = plain(words[:1000]).split()[:MOST_WORDS]
        which = "".join(" AND instr(words, ?)" for _ in wanted)
        sql = f"SELECT id, batch FROM batches WHERE 1{which} ORDER BY made_at DESC, id LIMIT ?"  # noqa: S608
        most = max(0, min(limit, MOST_LISTED))
        return tuple(self._batches.read(sql, (*wanted, most), _decode_batch))

    def find_name(self, batch_id: str) -> str:
        """What a batch is called; "" where there is none."""
        sql = "SELECT json_extract(batch, '$.name') FROM batches WHERE id = ? AND json_valid(batch)"
        return next((str(row[0]) for row in self._database.read(sql, (batch_id,))), "")

    def forget(self, batch_id: str) -> None:
        """Delete a batch and its rows; its clips stay in the library."""
        with self._database.write():
            self._database.read("DELETE FROM batch_rows WHERE batch = ?", (batch_id,))
            self._database.read("DELETE FROM batches WHERE id = ?", (batch_id,))

    # Who reads its photos ---------------------------------------------------------------------------------------------

    def take_over(self, batch_id: str, owner: str) -> None:
        """Have this process read what is unread of a batch from now on."""
        with self._database.write():
            self._database.read("UPDATE batches SET owner = ? WHERE id = ?", (owner, batch_id))

    def list_owners(self) -> list[tuple[str, str]]:
        """Every batch with photos to be read or clips to be planned, and the process that does it; oldest first."""
        sql = (
            "SELECT id, owner FROM batches WHERE EXISTS"
            " (SELECT 1 FROM batch_rows WHERE batch = batches.id AND unread = 1) ORDER BY made_at, id"
        )
        return [(str(batch), str(owner)) for batch, owner in self._database.read(sql)]

    # Rows -------------------------------------------------------------------------------------------------------------

    def rows(self, batch_id: str) -> tuple[BatchRow, ...]:
        """The rows of a batch in their order."""
        sql = "SELECT id, row FROM batch_rows WHERE batch = ? ORDER BY place, id"
        return tuple(self._rows.read(sql, (batch_id,), _decode_row))

    def row(self, batch_id: str, row_id: str) -> BatchRow:
        """One row. Raises `Refusal` when it isn't there any more."""
        sql = "SELECT id, row FROM batch_rows WHERE batch = ? AND id = ?"
        found = self._rows.read(sql, (batch_id, row_id), _decode_row)
        if not found:
            raise Refusal("That photo is no longer in this batch.", "Look at the batch again.")
        return found[0]

    def next_unread(self, batch_id: str) -> tuple[BatchRow, int] | None:
        """The first row whose photo is to be read, or whose clips are to be planned, and its number in the batch from
        0; None when all are.
        """
        before = "(SELECT count(*) FROM batch_rows AS other WHERE other.batch = one.batch AND other.place < one.place)"
        sql = (
            f"SELECT id, row, {before} FROM batch_rows AS one WHERE batch = ? AND unread = 1 ORDER BY place, id LIMIT 1"  # noqa: S608
        )
        found = self._rows.read(sql, (batch_id,), lambda row: (_decode_row(row), int(str(row[2]))))
        return found[0] if found else None

    def count_unread(self, batch_id: str) -> int:
        """How many rows are to be read or planned."""
        sql = "SELECT count(*) FROM batch_rows WHERE batch = ? AND unread = 1"
        return int(str(self._database.read(sql, (batch_id,))[0][0]))

    def write_rows(self, batch_id: str, rows: Iterable[BatchRow], unread: bool = False) -> None:
        """Write changed rows that are there; `unread`: they are to be read or planned again."""
        with self._database.write():
            for row in rows:
                self._database.read(
                    "UPDATE batch_rows SET unread = ?, row = ? WHERE batch = ? AND id = ?",
                    (int(unread), _json(row), batch_id, row.id),
                )

    def change_row(self, batch_id: str, row_id: str, alter: Callable[[BatchRow], BatchRow]) -> BatchRow:
        """Replace a row by what `alter` makes of it, in one transaction. Raises `Refusal` when it isn't there."""
        with self._database.write():
            row = alter(self.row(batch_id, row_id))
            self._database.read(
                "UPDATE batch_rows SET row = ? WHERE batch = ? AND id = ?", (_json(row), batch_id, row_id)
            )
        return row

    def change_job(self, batch_id: str, before: str, now: str) -> None:
        """Have the clip that a job was to make wait for another one."""

        def alter(row: BatchRow) -> BatchRow:
            clips = tuple(replace(clip, job=now) if clip.job == before else clip for clip in row.clips)
            return replace(row, clips=clips)

        with self._database.write():
            sql = "SELECT id FROM batch_rows WHERE batch = ? AND instr(row, ?)"
            for row in self._database.read(sql, (batch_id, before)):
                self.change_row(batch_id, str(row[0]), alter)

    def mark_unread(self, batch_id: str) -> None:
        """Have every row of a batch looked at again, its settings having changed."""
        with self._database.write():
            self._database.read("UPDATE batch_rows SET unread = 1 WHERE batch = ?", (batch_id,))

    def remove_rows(self, batch_id: str, row_ids: Sequence[str]) -> None:
        """Take rows out of a batch."""
        with self._database.write():
            for row_id in row_ids:
                self._database.read("DELETE FROM batch_rows WHERE batch = ? AND id = ?", (batch_id, row_id))

    def order_rows(self, batch_id: str, row_ids: Sequence[str]) -> None:
        """Put the rows of a batch in this order."""
        with self._database.write():
            for place, row_id in enumerate(row_ids):
                self._database.read(
                    "UPDATE batch_rows SET place = ? WHERE batch = ? AND id = ?", (float(place), batch_id, row_id)
                )


def _decode_batch(row: tuple[object, ...]) -> Batch:
    return msgspec.json.decode(str(row[1]), type=Batch)


def _decode_row(row: tuple[object, ...]) -> BatchRow:
    return msgspec.json.decode(str(row[1]), type=BatchRow)


def _json(noun: Batch | BatchRow) -> str:
    return msgspec.json.encode(noun).decode()
