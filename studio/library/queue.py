"""The queue: jobs in the database, their order, their states and which may follow which; each change is one
transaction.

A running job carries the token of the process that runs it and a queued one that of the process it was given to:
another process touches neither while that one lives. Jobs are done in jobs/lane.py.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from studio.library.damaged_rows import RowReader
from studio.library.database import Database
from studio.library.live_processes import Owner
from studio.nouns import FINISH, Cancelled, Done, Interrupted, Job, Queued, Refusal, Running, Shot, State

RESUMABLE = ("failed", "cancelled", "interrupted")
SEEN = 12
"""Waiting jobs that the next one is chosen from."""

SHOWN_ENDED = 200
"""How many ended jobs are listed; older ones stay in the database until they are cleared, or `KEPT_DAYS`."""

KEPT_DAYS = 30.0
"""How long an ended job stays that belongs to no comparison and no batch. Its clip stays."""

_COLUMNS = "id, shot, state, place, made_at, batch"
# ruff: noqa: S608 - the SQL is put together from constants only
_SELECT = f"SELECT {_COLUMNS} FROM jobs WHERE "
_ENDED = (
    f"SELECT {_COLUMNS} FROM jobs WHERE name NOT IN ('running', 'queued') AND cleared = 0 AND"
    " (batch IN (SELECT batch FROM jobs WHERE name IN ('running', 'queued') AND batch <> '') OR id IN"
    " (SELECT id FROM jobs WHERE name NOT IN ('running', 'queued') AND cleared = 0 ORDER BY place DESC LIMIT ?))"
    " ORDER BY place DESC"
)
_TAKE = f"UPDATE jobs SET name = 'running', state = ?, owner = ? WHERE id = ? RETURNING {_COLUMNS}"
_MODEL = "coalesce(nullif(json_extract(shot, '$.draft'), ''), json_extract(shot, '$.model'))"
_MAKER = f"CASE WHEN json_array_length(shot, '$.finish.clips') > 0 THEN '{FINISH}' ELSE {_MODEL} END"
_OF_MODELS = f"CASE WHEN json_valid(shot) THEN coalesce({_MAKER} IN (SELECT value FROM json_each(?)), 0) ELSE 0 END"
_UNPAUSED = " AND batch NOT IN (SELECT id FROM batches WHERE paused = 1)"
_WAITING = f"{_SELECT}name = 'queued' AND given IN (SELECT value FROM json_each(?)) AND {_OF_MODELS} = ?{_UNPAUSED}"
_PAID_AT = "id IN (SELECT job FROM paid_jobs WHERE service IN (SELECT value FROM json_each(?)))"
_PAID = "id IN (SELECT job FROM paid_jobs)"
_FREE = "id NOT IN (SELECT job FROM paid_jobs WHERE ? <> '')"
_UNDER_WAY = "id IN (SELECT job FROM paid_jobs WHERE state IN ('confirmed', 'sending', 'sent', 'uncertain'))"
_OVER = (
    "name IN ('done', 'failed', 'cancelled') AND batch NOT IN"
    " (SELECT batch FROM jobs WHERE name IN ('running', 'queued') AND batch <> '')"
)
_COUNTED = "batch IN (SELECT id FROM comparisons UNION ALL SELECT id FROM batches)"


class Share(NamedTuple):
    """Which waiting jobs a lane does: those of `models`, or `others`: all but those; those that cost money at one of
    these `services`, or () those that cost nothing. `seen`: of how many it chooses.
    """

    models: tuple[str, ...] = ()
    others: bool = True
    seen: int = SEEN
    services: tuple[str, ...] = ()


ALL = Share()


def state_name(state: State) -> str:
    """The name a state is indexed by, which is also its tag in JSON: "queued", "running" …"""
    return str(state.__struct_config__.tag)


def _json(state: State) -> str:
    return msgspec.json.encode(state).decode()


def _job(row: tuple[object, ...]) -> Job:
    identity, shot, state, place, made_at, group = (str(value) for value in row)
    decoded: State = msgspec.json.decode(state, type=State)
    return Job(identity, Shot.from_json(shot), decoded, float(place), float(made_at), group)


class Queue:
    """Every job of a home folder, as `owner` sees and changes them. `most_waiting`: jobs that may wait or run at once,
    0 for any number. `unwritten` counts what running jobs said while the database could not be written.
    """

    def __init__(self, database: Database, owner: Owner, most_waiting: int = 0) -> None:
        self._database = database
        self._owner = owner
        self._most = most_waiting
        self.unwritten = 0
        self._rows = RowReader(database, "jobs", {"state": State, "shot": Shot})

    def _read(self, sql: str, values: tuple[object, ...] = ()) -> list[Job]:
        """The jobs of a query for `_COLUMNS`."""
        return self._rows.read(sql, values, _job)

    # Reading ----------------------------------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job:
        """One job. Raises `Refusal` when it isn't in the queue."""
        found = self._read(_SELECT + "id = ?", (job_id,))
        if not found:
            raise Refusal("That job is no longer in the queue.", "Press Animate to make it again.")
        return found[0]

    def get_all(self, job_ids: Sequence[str]) -> dict[str, Job]:
        """Those of these jobs that are there, by their ids."""
        listed = msgspec.json.encode(list(job_ids)).decode()
        among = "id IN (SELECT value FROM json_each(?))"
        return {job.id: job for job in self._read(_SELECT + among, (listed,))}

    def jobs(self) -> list[Job]:
        """Running, then queued in their order, then ended ones, newest first: at most 200, and all of a group that
        isn't done.
        """
        running = self._read(_SELECT + "name = 'running' ORDER BY place")
        queued = self._read(_SELECT + "name = 'queued' ORDER BY place")
        return [*running, *queued, *self._read(_ENDED, (SHOWN_ENDED,))]

    def busy(self) -> set[str]:
        """The ids of jobs that a living process is running."""
        return {job_id for job_id, owner in self._list_running() if self._owner.alive(owner)}

    def orphans(self) -> list[tuple[str, str]]:
        """Jobs whose process ended while they ran, and its token."""
        return [(job_id, owner) for job_id, owner in self._list_running() if not self._owner.alive(owner)]

    def _list_running(self) -> list[tuple[str, str]]:
        rows = self._database.read("SELECT id, owner FROM jobs WHERE name = 'running'")
        return [(str(job_id), str(owner)) for job_id, owner in rows]

    # Submitting and ordering ------------------------------------------------------------------------------------------

    def submit(self, shot: Shot) -> Job:
        """Put a shot at the end of the queue."""
        return self.submit_all((shot,))[0]

    def submit_all(self, shots: tuple[Shot, ...], group: str = "", press: str = "") -> tuple[Job, ...]:
        """Put shots at the end of the queue in their order, all of them or none, as one `group` unless that is "".

        `press` is an id of the press that asked for them: the same one once more answers with the jobs of the first
        time. Two at once are two transactions, so the second finds what the first has written.
        """
        with self._database.write():
            before = self.find_press(press)
            if before:
                return tuple(before)
            self._require_place(len(shots))
            first, now = self._get_last_place(), time.time()
            jobs = tuple(Job(uuid.uuid4().hex, shot, Queued(), first + at, now, group) for at, shot in enumerate(shots))
            for job in jobs:
                self._database.read(
                    "INSERT INTO jobs (id, name, place, made_at, given, state, shot, batch, press)"
                    " VALUES (?, 'queued', ?, ?, ?, ?, ?, ?, ?)",
                    (job.id, job.place, now, self._owner.token, _json(job.state), job.shot.to_json(), group, press),
                )
        return jobs

    def _require_place(self, more: int) -> None:
        """Raises `Refusal` where more jobs would wait than may."""
        if not self._most:
            return
        rows = self._database.read("SELECT count(*) FROM jobs WHERE name IN ('queued', 'running')")
        waiting = int(str(rows[0][0]))
        if waiting + more > self._most:
            raise Refusal(
                f"At most {self._most} of your clips may wait here at once, and {waiting} do.",
                "Wait until one is done, or cancel one.",
            )

    def find_press(self, press: str) -> list[Job]:
        """The jobs that a press has queued already; none for ""."""
        return self._read(_SELECT + "press = ? AND press <> '' ORDER BY place", (press,))

    def retry(self, job_id: str) -> Job:
        """Put a job that failed, was cancelled or was interrupted back at the end of the queue."""
        with self._database.write():
            if state_name(self.get(job_id).state) not in RESUMABLE:
                raise Refusal("That job is waiting, running or done.", "Use Again on its clip to make another.")
            self._require_place(1)
            self._database.read(
                "UPDATE jobs SET name = 'queued', state = ?, place = ?, given = ?, owner = '', cleared = 0"
                " WHERE id = ?",
                (_json(Queued()), self._get_last_place(), self._owner.token, job_id),
            )
            return self.get(job_id)

    def move(self, job_id: str, before: str | None) -> None:
        """Put a queued job right before another queued one, or last. Raises `Refusal` if either is no longer queued."""
        with self._database.write():
            rows = self._database.read("SELECT id FROM jobs WHERE name = 'queued' ORDER BY place")
            order = [str(row[0]) for row in rows]
            if job_id not in order or (before is not None and before not in order):
                raise Refusal("Only a waiting job can be moved.", "It may have started: look at the queue again.")
            if job_id == before:
                return
            order.remove(job_id)
            order.insert(len(order) if before is None else order.index(before), job_id)
            self._renumber(order)

    def _renumber(self, order: list[str]) -> None:
        """Give the queued jobs, all of them in their new order, the places they now stand at."""
        places = sorted(
            float(str(row[0])) for row in self._database.read("SELECT place FROM jobs WHERE name = 'queued'")
        )
        for place, job_id in zip(places, order, strict=True):
            self._database.read("UPDATE jobs SET place = ? WHERE id = ? AND place <> ?", (place, job_id, place))

    def _get_last_place(self) -> float:
        rows = self._database.read("SELECT coalesce(max(place), 0) + 1 FROM jobs")
        return float(str(rows[0][0]))

    # Working ----------------------------------------------------------------------------------------------------------

    def take_next(
        self, adopt: bool, choose: Callable[[list[Job]], Job | None] = lambda waiting: waiting[0], share: Share = ALL
    ) -> Job | None:
        """A queued job that was given to this process, now Running here; None when there is none, or none is chosen.

        It is the first one, or which of the first `share.seen` is chosen. With `adopt`, jobs given to a process that
        has ended count as well.
        """
        givers = [str(row[0]) for row in self._database.read("SELECT DISTINCT given FROM jobs WHERE name = 'queued'")]
        mine = [token for token in givers if token == self._owner.token or (adopt and not self._owner.alive(token))]
        if not mine:
            return None
        with self._database.write():
            waiting = self._list_waiting(mine, share, share.seen)
            chosen = choose(waiting) if waiting else None
            if chosen is None:
                return None
            return self._read(_TAKE, (_json(Running()), self._owner.token, chosen.id))[0]

    def take_over(self, job_ids: Sequence[str]) -> set[str]:
        """Give this process those of these jobs that wait for one which has ended. Returns their ids."""
        wanted = msgspec.json.encode(job_ids).decode()
        waiting = "name = 'queued' AND id IN (SELECT value FROM json_each(?))"
        with self._database.write():
            rows = self._database.read(f"SELECT id, given FROM jobs WHERE {waiting}", (wanted,))
            left = [str(job_id) for job_id, giver in rows if not self._owner.alive(str(giver))]
            for job_id in left:
                self._database.read("UPDATE jobs SET given = ? WHERE id = ?", (self._owner.token, job_id))
        return set(left)

    def list_coming(self, most: int = SEEN, share: Share = ALL) -> list[Job]:
        """The first jobs that were given to this process and still wait; they stay where they are."""
        return self._list_waiting([self._owner.token], share, most)

    def _list_waiting(self, tokens: list[str], share: Share, most: int) -> list[Job]:
        given, models, services = (msgspec.json.encode(one).decode() for one in (tokens, share.models, share.services))
        return self._read(
            f"{_WAITING} AND {_PAID_AT if share.services else _FREE} ORDER BY place LIMIT ?",
            (given, models, int(not share.others), services, most),
        )

    def has_paid_waiting(self) -> bool:
        """Whether a job that costs money waits, given to whichever process."""
        return bool(self._database.read(f"{_SELECT}name = 'queued' AND {_PAID} LIMIT 1"))

    def has_waiting(self, models: Sequence[str]) -> bool:
        """Whether a job of one of these models waits, given to whichever process."""
        where = f"name = 'queued' AND {_OF_MODELS} LIMIT 1"
        return bool(self._database.read(_SELECT + where, (msgspec.json.encode(list(models)).decode(),)))

    def release(self, job_id: str) -> bool:
        """Put a job that runs here back where it waited. False when it was cancelled."""
        return self.become(job_id, Queued())

    def explain_wait(self, job: Job, note: str) -> None:
        """Say why a waiting job is held back, "" when it no longer is."""
        if job.state != Queued(note):
            with self._database.write():
                self._database.read(
                    "UPDATE jobs SET state = ? WHERE id = ? AND name = 'queued'", (_json(Queued(note)), job.id)
                )

    def become(self, job_id: str, state: State) -> bool:
        """Give a job that runs here its next state: further progress, or an end.

        False when it no longer runs here because the user has cancelled it, which leaves it as it is.
        """
        with self._database.write():
            rows = self._database.read(
                "UPDATE jobs SET name = ?, state = ? WHERE id = ? AND name = 'running' AND owner = ? RETURNING id",
                (state_name(state), _json(state), job_id, self._owner.token),
            )
        return bool(rows)

    # Ending -----------------------------------------------------------------------------------------------------------

    def cancel(self, job_id: str) -> None:
        """Cancel a job that waits, runs or was interrupted, in whichever process; one that has ended stays as it is."""
        with self._database.write():
            self._database.read(
                "UPDATE jobs SET name = 'cancelled', state = ? WHERE id = ?"
                " AND name IN ('queued', 'running', 'interrupted')",
                (_json(Cancelled()), job_id),
            )

    def cancel_group(self, group: str) -> list[str]:
        """Cancel whatever of a group waits or runs. The ids of those that ran."""
        with self._database.write():
            ran = self._database.read(
                "SELECT id FROM jobs WHERE batch = ? AND batch <> '' AND name = 'running'", (group,)
            )
            self._database.read(
                "UPDATE jobs SET name = 'cancelled', state = ?"
                " WHERE batch = ? AND batch <> '' AND name IN ('queued', 'running')",
                (_json(Cancelled()), group),
            )
        return [str(row[0]) for row in ran]

    def list_group(self, group: str) -> list[str]:
        """The ids of a group's waiting jobs, in their order."""
        rows = self._database.read(
            "SELECT id FROM jobs WHERE batch = ? AND batch <> '' AND name = 'queued' ORDER BY place", (group,)
        )
        return [str(row[0]) for row in rows]

    def count_group(self, group: str) -> dict[str, int]:
        """How many jobs of a group are in each state: "queued", "running", "done" …"""
        rows = self._database.read(
            "SELECT name, count(*) FROM jobs WHERE batch = ? AND batch <> '' GROUP BY name", (group,)
        )
        return {str(name): int(str(count)) for name, count in rows}

    def order_group(self, job_ids: Sequence[str]) -> None:
        """Put these waiting jobs in this order, in the places that they hold among all."""
        listed = msgspec.json.encode(list(job_ids)).decode()
        among = "name = 'queued' AND id IN (SELECT value FROM json_each(?))"
        with self._database.write():
            rows = self._database.read(f"SELECT id, place FROM jobs WHERE {among} ORDER BY place", (listed,))
            waiting = {str(row[0]) for row in rows}
            places = [float(str(row[1])) for row in rows]
            for place, job_id in zip(places, [one for one in job_ids if one in waiting], strict=True):
                self._database.read("UPDATE jobs SET place = ? WHERE id = ?", (place, job_id))

    def drop(self, job_id: str) -> None:
        """Take a job out that has ended without a clip: another one stands for it. Raises `Refusal` for any other, and
        for one that has gone already.
        """
        gone = self._database.read(
            "DELETE FROM jobs WHERE id = ? AND name IN ('failed', 'cancelled', 'interrupted') RETURNING id", (job_id,)
        )
        if not gone:
            raise Refusal("That job is no longer in the queue.", "It was retried already: look at the queue again.")

    def list_failed(self, group: str) -> list[Job]:
        """The jobs of a group that failed or were interrupted, in their order."""
        return self._read(_SELECT + "batch = ? AND name IN ('failed', 'interrupted') ORDER BY place", (group,))

    def interrupt_orphans(self, finished: Callable[[str], State | None]) -> int:
        """End jobs whose process ended while they ran: as `finished` says of their id, else Interrupted. How many.

        One that was paid for waits again: what was sent is picked up, and never sent again.
        """
        orphans = self.orphans()
        with self._database.write():
            for job_id, owner in orphans:
                paid = self._database.read(f"SELECT 1 FROM jobs WHERE id = ? AND {_UNDER_WAY}", (job_id,))
                state = finished(job_id) or (Queued() if paid else Interrupted())
                self._database.read(
                    "UPDATE jobs SET name = ?, state = ? WHERE id = ? AND name = 'running' AND owner = ?",
                    (state_name(state), _json(state), job_id, owner),
                )
        return len(orphans)

    def end_made(self) -> None:
        """Have those jobs be done whose clips are in the library: they are never made over."""
        made = "id IN (SELECT id FROM clips) AND name NOT IN ('running', 'done')"
        with self._database.write():
            for (job_id,) in self._database.read(f"SELECT id FROM jobs WHERE {made}"):
                state = Done(str(job_id))
                self._database.read(
                    "UPDATE jobs SET name = ?, state = ? WHERE id = ?", (state_name(state), _json(state), job_id)
                )

    def clear_ended(self) -> None:
        """Forget done, failed and cancelled jobs; those of a group that has more to come are still counted in its
        progress, and those of a comparison or a batch are only no longer listed: its cells or rows say how they ended.
        """
        with self._database.write():
            self._database.read(f"UPDATE jobs SET cleared = 1 WHERE {_OVER} AND {_COUNTED}")
            self._database.read(f"DELETE FROM jobs WHERE cleared = 0 AND {_OVER}")

    def forget_ended(self, now: float | None = None) -> None:
        """Delete ended jobs of `KEPT_DAYS` ago that no comparison and no batch counts. `now` in seconds since 1970."""
        oldest = (time.time() if now is None else now) - 86_400 * KEPT_DAYS
        with self._database.write():
            self._database.read(f"DELETE FROM jobs WHERE made_at < ? AND {_OVER} AND NOT {_COUNTED}", (oldest,))
