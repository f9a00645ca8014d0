"""Jobs that cost money: what was confirmed, what was sent where, and what became of it; a row for each, kept for ever.

"sending" is on the disk before a request leaves, so that no end of the process makes anyone send it again: a row whose
answer is lost is looked for in the account's own list, and is "uncertain" where it isn't found. Nothing here holds a
token or the address of a film.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple

import msgspec

from studio.library.database import Database

PaidState = Literal["confirmed", "sending", "sent", "uncertain", "arrived", "failed", "canceled"]
"""confirmed: it waits; sending: its request leaves; sent: the service has it; uncertain: it may have it, and may charge
for it. failed and canceled ones were sent where they have a `remote_id`."""

_COLUMNS = "job, service, way, ref, remote_id, state, price, currency, at, session, owner, uploads, inputs, note"
_BILLED = "(at >= ? AND (state IN ('sending', 'sent', 'uncertain', 'arrived') OR remote_id <> ''))"
"""Rows of which something was sent since a time: they are charged, or may be. What leaves or waits is spent
from now on, whenever it was confirmed."""

_LEAVES = "(state = 'confirmed' AND job IN (SELECT id FROM jobs WHERE name = 'running'))"
_WAITS = "(state = 'confirmed' AND job IN (SELECT id FROM jobs WHERE name IN ('queued', 'running')))"


class PaidJob(NamedTuple):
    """One row. `way` is what the card calls the way in, `ref` the model's name at the service. `price` is what was
    shown, None for unknown; `at` is when it was confirmed and, from then on, when it was sent, seconds since 1970.

    `session` is the token of the process in which it was confirmed, `owner` of the one that has it in hand. `uploads`
    are the ids of files that lie at the service; `inputs` are the fields that were sent, without files. `note` says in
    the user's words what is known of its charge, where that isn't plain.
    """

    job: str
    service: str
    way: str
    ref: str
    remote_id: str
    state: PaidState
    price: float | None
    currency: str
    at: float
    session: str
    owner: str
    uploads: tuple[str, ...]
    inputs: dict[str, Any]
    note: str

    @property
    def is_billed(self) -> bool:
        """Whether something was sent, so that it is charged or may be."""
        return self.state in ("sending", "sent", "uncertain", "arrived") or bool(self.remote_id)


class Spent(NamedTuple):
    """Money: the sum of what is known, and how many jobs' price isn't."""

    amount: float
    unknown: int


class PaidJobs:
    """The rows of one home folder. Any thread may ask."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: str, service: str, way: str, ref: str, price: float | None, currency: str, session: str) -> None:
        """A job that was confirmed. Written in the transaction that queues it; once more changes nothing."""
        values = (job, service, way, ref, price, currency, time.time(), session)
        with self._database.write():
            self._database.read(
                "INSERT OR IGNORE INTO paid_jobs (job, service, way, ref, price, currency, at, session)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )

    def get(self, job: str) -> PaidJob | None:
        """The row of a job; None for one that costs nothing."""
        return self.get_all((job,)).get(job)

    def get_all(self, jobs: Sequence[str]) -> dict[str, PaidJob]:
        """The rows of those of these jobs that cost money."""
        listed = msgspec.json.encode(list(jobs)).decode()
        return {row.job: row for row in self._find("job IN (SELECT value FROM json_each(?))", listed)}

    def find(self, *states: PaidState) -> list[PaidJob]:
        """The rows in any of these states, the oldest first."""
        listed = msgspec.json.encode(list(states)).decode()
        return self._find("state IN (SELECT value FROM json_each(?)) ORDER BY at", listed)

    def find_newest(self, service: str) -> float:
        """When a job that wasn't sent was last confirmed at a service, seconds since 1970; 0.0 for never."""
        rows = self._database.read(
            "SELECT coalesce(max(at), 0.0) FROM paid_jobs WHERE state = 'confirmed' AND service = ?", (service,)
        )
        return float(str(rows[0][0]))

    def find_left_uploads(self) -> list[PaidJob]:
        """Rows of jobs that are over, whose files still lie at the service."""
        gone = "NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = paid_jobs.job AND name <> 'cancelled')"
        return self._find(
            f"uploads <> '[]' AND (state NOT IN ('confirmed', 'sending', 'sent') OR state = 'confirmed' AND {gone})"
            " ORDER BY at"
        )

    def find_abandoned(self) -> list[PaidJob]:
        """Rows of requests that run or may run, while nobody waits for them: their job was cancelled, or has gone."""
        return self._find(
            "state IN ('sending', 'sent') AND NOT EXISTS"
            " (SELECT 1 FROM jobs WHERE jobs.id = paid_jobs.job AND name <> 'cancelled') ORDER BY at"
        )

    def knows(self, service: str, remote_id: str) -> bool:
        """Whether a request at a service is already some job's."""
        return bool(self._find("service = ? AND remote_id = ?", service, remote_id))

    def _find(self, where: str, *values: object) -> list[PaidJob]:
        rows = self._database.read(f"SELECT {_COLUMNS} FROM paid_jobs WHERE {where}", values)  # noqa: S608
        return [_read(row) for row in rows]

    def change(self, job: str, *, durable: bool = False, **values: Any) -> None:
        """Change columns of a row. durable: it is on the disk itself when this returns, also should the power fail."""
        for name in ("uploads", "inputs"):
            if name in values:
                values[name] = msgspec.json.encode(values[name]).decode()
        columns = ", ".join(f"{name} = ?" for name in values)
        with self._database.write(durable):
            self._database.read(f"UPDATE paid_jobs SET {columns} WHERE job = ?", (*values.values(), job))  # noqa: S608

    def begin(self, job: str, owner: str, ref: str, inputs: dict[str, Any]) -> float | None:
        """Note, on the disk itself, that a request leaves now: once for a job, and only while it runs in the process
        `owner`. Returns when that is; None where it may not leave: it was sent or cancelled, or is another process's.
        """
        now = time.time()
        with self._database.write(durable=True):
            rows = self._database.read(
                "UPDATE paid_jobs SET state = 'sending', at = ?, ref = ?, inputs = ?"
                " WHERE job = ? AND state = 'confirmed' AND EXISTS (SELECT 1 FROM jobs"
                " WHERE jobs.id = paid_jobs.job AND jobs.name = 'running' AND jobs.owner = ?)"
                " RETURNING job",
                (now, ref, msgspec.json.encode(inputs).decode(), job, owner),
            )
        return now if rows else None

    def sum_up(self, since: float = 0.0, session: str = "", waiting: bool = False) -> Spent:
        """What was spent since a time, or in a session: what is sent by now, with `waiting` also what waits."""
        which = f"({_BILLED} OR {_WAITS if waiting else _LEAVES})"
        rows = self._database.read(
            "SELECT coalesce(sum(price), 0.0), count(*) - count(price) FROM paid_jobs"  # noqa: S608
            f" WHERE {which} AND (? = '' OR session = ?)",
            (since, session, session),
        )
        return Spent(float(str(rows[0][0])), int(str(rows[0][1])))


def _read(row: tuple[object, ...]) -> PaidJob:
    """A row as a noun. What was paid stands in columns of its own: lists that can't be read count as empty."""
    *plain, uploads, inputs, note = row
    held: tuple[str, ...] = ()
    given: dict[str, Any] = {}
    with suppress(msgspec.DecodeError, UnicodeError):
        held = msgspec.json.decode(str(uploads), type=tuple[str, ...])
    with suppress(msgspec.DecodeError, UnicodeError):
        given = msgspec.json.decode(str(inputs), type=dict[str, Any])
    return PaidJob(*plain, held, given, note)  # type: ignore[arg-type]
