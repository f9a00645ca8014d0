"""Comparisons in the database: kept, found by words, changed in one transaction each.

What they are made of is in comparison.py; how they are made, in compare/.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from studio.comparison import Comparison
from studio.library.damaged_rows import RowReader
from studio.library.database import Database
from studio.library.file_names import plain
from studio.nouns import Refusal

MOST_WORDS = 8
MOST_LISTED = 1000


def _select(words: str, trashed: bool) -> tuple[str, tuple[object, ...]]:
    """Which rows are looked for: the end of a statement, and its values."""
    wanted = plain(words[:1000]).split()[:MOST_WORDS]
    return " FROM comparisons WHERE trashed = ?" + " AND instr(words, ?)" * len(wanted), (int(trashed), *wanted)


def _decode(row: tuple[object, ...]) -> Comparison:
    return msgspec.json.decode(str(row[1]), type=Comparison)


class ComparisonTable:
    """Every comparison of a home folder. `describe` gives the words that one is found by besides its name."""

    def __init__(self, database: Database, describe: Callable[[Comparison], str]) -> None:
        self._database = database
        self._describe = describe
        self._rows = RowReader(database, "comparisons", {"comparison": Comparison})

    def keep(self, one: Comparison, press: str = "") -> None:
        """Write a new comparison; `press` is the press of a button that asked for it."""
        with self._database.write():
            self._database.read(
                "INSERT INTO comparisons (id, made_at, trashed, press, words, comparison) VALUES (?, ?, ?, ?, ?, ?)",
                (one.id, one.made_at, int(one.trashed), press, self._words(one), msgspec.json.encode(one).decode()),
            )

    def change(self, comparison_id: str, alter: Callable[[Comparison], Comparison]) -> Comparison:
        """Replace a comparison by what `alter` makes of it, in one transaction. Raises `Refusal` when it isn't here."""
        with self._database.write():
            one = alter(self.get(comparison_id))
            self._database.read(
                "UPDATE comparisons SET trashed = ?, words = ?, comparison = ? WHERE id = ?",
                (int(one.trashed), self._words(one), msgspec.json.encode(one).decode(), one.id),
            )
        return one

    def _words(self, one: Comparison) -> str:
        return plain(f"{one.name} {self._describe(one)}")

    def get(self, comparison_id: str) -> Comparison:
        """One comparison, in the trash or not. Raises `Refusal` when it isn't in the library."""
        found = self._rows.read("SELECT id, comparison FROM comparisons WHERE id = ?", (comparison_id,), _decode)
        if not found:
            raise Refusal("That comparison is no longer in the library.", "Look at the list of comparisons again.")
        return found[0]

    def find_name(self, comparison_id: str) -> str:
        """What a comparison is called; "" where there is none."""
        sql = "SELECT json_extract(comparison, '$.name') FROM comparisons WHERE id = ? AND json_valid(comparison)"
        return next((str(row[0]) for row in self._database.read(sql, (comparison_id,))), "")

    def find_press(self, press: str) -> Comparison | None:
        """The comparison that a press has asked for already; None for a new press, or none."""
        rows = self._database.read("SELECT id FROM comparisons WHERE press = ? AND press <> ''", (press,))
        return self.get(str(rows[0][0])) if rows else None

    def find(self, words: str = "", trashed: bool = False, limit: int = 60, offset: int = 0) -> tuple[Comparison, ...]:
        """Comparisons that have every one of the (first eight) words, newest first; at most 1,000 at once."""
        which, values = _select(words, trashed)
        window = (max(0, min(limit, MOST_LISTED)), max(0, offset))
        sql = f"SELECT id, comparison{which} ORDER BY made_at DESC, id LIMIT ? OFFSET ?"
        return tuple(self._rows.read(sql, (*values, *window), _decode))

    def find_hidden(self) -> tuple[Comparison, ...]:
        """Those in blind mode without a winner that aren't in the trash."""
        sql = (
            "SELECT id, comparison FROM comparisons WHERE trashed = 0 AND CASE WHEN json_valid(comparison) THEN"
            " json_extract(comparison, '$.blind') = 1 AND json_extract(comparison, '$.winner') = '' ELSE 1 END"
        )
        return tuple(self._rows.read(sql, (), _decode))

    def count(self, words: str = "", trashed: bool = False) -> int:
        """How many comparisons have every one of the words."""
        which, values = _select(words, trashed)
        return int(str(self._database.read(f"SELECT count(*){which}", values)[0][0]))

    def empty_trash(self) -> int:
        """Delete every comparison in the trash, and the jobs that only its cells still showed. Returns how many."""
        with self._database.write():
            gone = self._database.read("DELETE FROM comparisons WHERE trashed = 1 RETURNING id")
            kept = "SELECT id FROM comparisons UNION ALL SELECT id FROM batches"
            self._database.read(f"DELETE FROM jobs WHERE cleared = 1 AND batch NOT IN ({kept})")  # noqa: S608
        return len(gone)
