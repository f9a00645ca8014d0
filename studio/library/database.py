"""The one SQLite database of a home folder: opened, brought up to date, and moved aside when it is damaged.

Write-ahead logging lets a page and a command line use one home at once; every change counts `version` up by a trigger,
so each sees what the other did. What jobs, clips and comparisons mean is in queue.py, clips.py and comparisons.py.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from studio.file_locks import hold_alone
from studio.library.file_names import sorting
from studio.library.salvage import drop_foreign_log, is_header_damaged, is_under_way, read_text, take_over
from studio.nouns import Choice, Refusal
from studio.system_errors import Hindrance, find_hindrance, refuse_absent, refuse_busy, refuse_unwritten
from studio.wall_clock import STEP

T = TypeVar("T")

APPLICATION_ID = 0x53746972
""""Stir" in ASCII, written into the file's header so that another program's database is never taken for ours."""

BUSY_SECONDS = 10.0
"""How long a statement waits for another process to finish its own."""

OPENING_SECONDS = 60.0
"""How long opening waits for another process that opens the same one, which may have to take over a damaged one."""

LOCKS = "locks"
"""The folder beside it in which a lock is held meanwhile, as `Owner` holds its own."""

BUSY_STEP = 0.05
"""Seconds between its tries, in which other threads of this process read."""

OURS = {"change", "jobs", "clips"}
"""Tables that every database of ours has, whatever its header says."""

MOST_VERSIONS = 200
"""No Stir has had so many: a header that says so is damaged."""

LATEST = 4_102_444_800
"""The year 2100: what says it was made later is damaged."""

UNREACHED = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
"""What SQLite says where the disk doesn't answer: the file is opened anew before the next try."""

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _create(connection: sqlite3.Connection) -> None:
    """Jobs, clips and the counter of changes. Texts that are searched or sorted come before the long JSON."""
    connection.execute("CREATE TABLE change (n INTEGER NOT NULL) STRICT")
    connection.execute("INSERT INTO change VALUES (1)")
    connection.execute(
        "CREATE TABLE jobs (id TEXT PRIMARY KEY, name TEXT NOT NULL, place REAL NOT NULL, made_at REAL NOT NULL,"
        " given TEXT NOT NULL, owner TEXT NOT NULL DEFAULT '', state TEXT NOT NULL, shot TEXT NOT NULL) STRICT"
    )
    connection.execute("CREATE INDEX jobs_by_state ON jobs (name, place)")
    connection.execute(
        "CREATE TABLE clips (id TEXT PRIMARY KEY, file TEXT NOT NULL, made_at REAL NOT NULL, trashed INTEGER NOT NULL,"
        " words TEXT NOT NULL, clip TEXT NOT NULL) STRICT"
    )
    connection.execute("CREATE INDEX clips_by_age ON clips (trashed, made_at DESC)")
    for table in ("jobs", "clips"):
        for verb in ("INSERT", "UPDATE", "DELETE"):
            connection.execute(
                f"CREATE TRIGGER {table}_{verb} AFTER {verb} ON {table} BEGIN UPDATE change SET n = n + 1; END"  # noqa: S608
            )


def _add_sorting(connection: sqlite3.Connection) -> None:
    """Clips are sorted by what they are called, how long they are and how they are rated: columns of their own, and
    indexes.

    The table is made anew, because a column that is added lies behind the long JSON.
    """
    rows = connection.execute("SELECT id, file, made_at, trashed, words, clip FROM clips").fetchall()
    connection.execute("DROP TABLE clips")
    connection.execute(
        "CREATE TABLE clips (id TEXT PRIMARY KEY, file TEXT NOT NULL, made_at REAL NOT NULL, trashed INTEGER NOT NULL,"
        " rating INTEGER NOT NULL, seconds REAL NOT NULL, name TEXT NOT NULL, words TEXT NOT NULL,"
        " clip TEXT NOT NULL) STRICT"
    )
    for clip_id, file, made_at, trashed, words, clip in rows:
        rating, seconds, name = _read_sorting(clip)
        connection.execute(
            "INSERT INTO clips VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (clip_id, file, made_at, trashed, rating, seconds, name, words, clip),
        )
    for name, columns in SORTED.items():
        connection.execute(f"CREATE INDEX clips_by_{name} ON clips (trashed, {columns})")
    for verb in ("INSERT", "UPDATE", "DELETE"):
        connection.execute(
            f"CREATE TRIGGER clips_{verb} AFTER {verb} ON clips BEGIN UPDATE change SET n = n + 1; END"  # noqa: S608
        )


SORTED = {
    "age": "made_at DESC, id", "length": "seconds DESC, made_at DESC, id",
    "rating": "rating DESC, made_at DESC, id", "name": "name, made_at DESC, id",
}  # fmt: skip


def _read_sorting(clip: str) -> tuple[int, float, str]:
    """What a clip of an older library is sorted by; one that can't be read goes last."""
    try:
        made = json.loads(clip)
        return (
            int(made.get("rating", 0)),
            float(made["seconds"]),
            sorting(made.get("title") or made["shot"]["photo"]["name"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return 0, 0.0, ""


def _add_groups(connection: sqlite3.Connection) -> None:
    """Which jobs belong together, and which press of a button they came from; "" for neither."""
    connection.execute("ALTER TABLE jobs ADD COLUMN batch TEXT NOT NULL DEFAULT ''")
    connection.execute("ALTER TABLE jobs ADD COLUMN press TEXT NOT NULL DEFAULT ''")
    connection.execute("CREATE INDEX jobs_by_batch ON jobs (batch) WHERE batch <> ''")
    connection.execute("CREATE INDEX jobs_by_press ON jobs (press) WHERE press <> ''")


def _add_scores(connection: sqlite3.Connection) -> None:
    """Scores of clips, each of one version of the measures; "" for a clip that can't be scored. They go with their
    clip.
    """
    connection.execute(
        "CREATE TABLE scores (clip TEXT PRIMARY KEY, version INTEGER NOT NULL, score TEXT NOT NULL) STRICT"
    )
    connection.execute(
        "CREATE TRIGGER clips_unscored AFTER DELETE ON clips BEGIN DELETE FROM scores WHERE clip = OLD.id; END"
    )
    connection.execute("CREATE TRIGGER scores_INSERT AFTER INSERT ON scores BEGIN UPDATE change SET n = n + 1; END")


def _add_comparisons(connection: sqlite3.Connection) -> None:
    """Comparisons; and jobs that were cleared from the queue, but are still a comparison's."""
    connection.execute(
        "CREATE TABLE comparisons (id TEXT PRIMARY KEY, made_at REAL NOT NULL, trashed INTEGER NOT NULL,"
        " press TEXT NOT NULL, words TEXT NOT NULL, comparison TEXT NOT NULL) STRICT"
    )
    connection.execute("CREATE INDEX comparisons_by_age ON comparisons (trashed, made_at DESC, id)")
    for verb in ("INSERT", "UPDATE", "DELETE"):
        connection.execute(
            f"CREATE TRIGGER comparisons_{verb} AFTER {verb} ON comparisons"  # noqa: S608
            " BEGIN UPDATE change SET n = n + 1; END"
        )
    connection.execute("ALTER TABLE jobs ADD COLUMN cleared INTEGER NOT NULL DEFAULT 0")


def _add_remakes(connection: sqlite3.Connection) -> None:
    """Jobs that make a broken clip again: the first clip of all, and which attempt it is, from 1."""
    connection.execute(
        "CREATE TABLE remakes (clip TEXT PRIMARY KEY, first TEXT NOT NULL, number INTEGER NOT NULL) STRICT"
    )


def _add_paid_jobs(connection: sqlite3.Connection) -> None:
    """Jobs that cost money. Their rows stay when the job is cleared away: they are what was spent."""
    connection.execute(
        "CREATE TABLE paid_jobs (job TEXT PRIMARY KEY, service TEXT NOT NULL, way TEXT NOT NULL, ref TEXT NOT NULL,"
        " remote_id TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'confirmed', price REAL,"
        " currency TEXT NOT NULL, at REAL NOT NULL, session TEXT NOT NULL, owner TEXT NOT NULL DEFAULT '',"
        " uploads TEXT NOT NULL DEFAULT '[]', inputs TEXT NOT NULL DEFAULT '{}', note TEXT NOT NULL DEFAULT '') STRICT"
    )
    connection.execute("CREATE INDEX paid_jobs_by_state ON paid_jobs (state, at)")
    for verb in ("INSERT", "UPDATE"):
        connection.execute(
            f"CREATE TRIGGER paid_jobs_{verb} AFTER {verb} ON paid_jobs"  # noqa: S608
            " BEGIN UPDATE change SET n = n + 1; END"
        )


def _add_batches(connection: sqlite3.Connection) -> None:
    """Batches and their photos. What waits of a batch that is paused isn't begun; `unread` rows are to be read."""
    connection.execute(
        "CREATE TABLE batches (id TEXT PRIMARY KEY, made_at REAL NOT NULL, paused INTEGER NOT NULL,"
        " owner TEXT NOT NULL, press TEXT NOT NULL, words TEXT NOT NULL, batch TEXT NOT NULL) STRICT"
    )
    connection.execute(
        "CREATE TABLE batch_rows (id TEXT PRIMARY KEY, batch TEXT NOT NULL, place REAL NOT NULL,"
        " unread INTEGER NOT NULL, row TEXT NOT NULL) STRICT"
    )
    connection.execute("CREATE INDEX batch_rows_by_place ON batch_rows (batch, place, id)")
    connection.execute("CREATE INDEX batch_rows_unread ON batch_rows (batch, place, id) WHERE unread = 1")
    for table in ("batches", "batch_rows"):
        for verb in ("INSERT", "UPDATE", "DELETE"):
            connection.execute(
                f"CREATE TRIGGER {table}_{verb} AFTER {verb} ON {table} BEGIN UPDATE change SET n = n + 1; END"  # noqa: S608
            )


def _add_damaged_rows(connection: sqlite3.Connection) -> None:
    """Rows that can't be read, whole: `origin` is their table, `columns` a JSON object (see damaged_rows.py)."""
    connection.execute(
        "CREATE TABLE IF NOT EXISTS damaged_rows (origin TEXT NOT NULL, id TEXT NOT NULL, at REAL NOT NULL,"
        " columns TEXT NOT NULL, PRIMARY KEY (origin, id)) STRICT"
    )


def _add_words_index(connection: sqlite3.Connection) -> None:
    """Words are looked for, and files compared with those of the folder, in indexes: a tenth of the table with its
    JSON.
    """
    connection.execute("CREATE INDEX IF NOT EXISTS clips_by_words ON clips (trashed, rating, words)")
    connection.execute("CREATE INDEX IF NOT EXISTS clips_by_file ON clips (file, id)")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _create,
    _add_sorting,
    _add_groups,
    _add_scores,
    _add_comparisons,
    _add_remakes,
    _add_paid_jobs,
    _add_batches,
    _add_damaged_rows,
    _add_words_index,
)
"""Each takes the tables from the version before to its own: `PRAGMA user_version` is how many have run. Only ever add,
and let each change a table: by these a damaged header is known."""


def refuse_failure(error: sqlite3.Error, folder: Path) -> Refusal:
    """What a failure of SQLite means to a person; what it doesn't know itself, writing in the folder tells."""
    match find_code(error):
        case sqlite3.SQLITE_FULL:
            return Hindrance("The disk is full.", "Free some space, then try again.")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return refuse_busy()
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return Refusal("The library's database is damaged.", "Restart Stir: it finds your clips again.")
        case sqlite3.SQLITE_NOMEM:
            return Refusal("There isn't enough memory for this.", "Close other programs, then try again.")
        case _:
            return find_hindrance(folder) or Refusal(
                "The library's database can't be read or written.", "Check that the home folder can be written."
            )


def find_code(error: sqlite3.Error) -> int:
    """The primary result code of an error (sqlite.org/rescode.html); 0 for one of Python's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _is_busy(error: sqlite3.Error) -> bool:
    return find_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Database:
    """One connection, shared by every thread of this process under a lock. `notes` say what was done when it was
    opened.

    Nothing is written while its file isn't where it was, as on a drive that was taken out; once it is there again it
    is opened anew, and `reopened` is called.
    """

    def __init__(
        self, file: Path, connection: sqlite3.Connection, notes: tuple[Choice, ...] = (),
        log: logging.Logger | None = None, reopened: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self.notes, self.log = notes, log or logging.getLogger("stir")
        self._file, self._connection, self._reopened = file, connection, reopened
        self._identity, self._failed = _identify(file), False
        self._lock = threading.RLock()
        self._depth = 0
        self._ahead = 0.0

    def read(self, sql: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        """The rows a query finds. Raises `Refusal` when the database can't be read."""
        return self._try(lambda: self._connection.execute(sql, values).fetchall())

    def _try(self, does: Callable[[], T]) -> T:
        """What it returns, tried again while another process keeps the database busy: meanwhile other threads may
        read. Raises `Refusal`.
        """
        end = time.monotonic() + BUSY_SECONDS
        while True:
            with self._lock:
                try:
                    if not self._depth:
                        self._reopen()
                    return does()
                except sqlite3.Error as error:
                    if not _is_busy(error) or time.monotonic() >= end:
                        self._failed = find_code(error) in UNREACHED
                        raise refuse_failure(error, self._file.parent) from error
            time.sleep(BUSY_STEP)

    def _reopen(self) -> None:
        """Open the file anew where another lies in its place, or it could not be read and is there. Raises
        sqlite3.Error.
        """
        here = _identify(self._file)
        if here is None or (here == self._identity and not self._failed):
            return
        self._connection.close()
        self._connection = _connect(self._file)
        self._identity, self._failed = here, False
        self._reopened()

    def names(self, file_id: str) -> bool:
        """Whether a clip, job, comparison or batch names a file that it was given; those in the trash too."""
        held = "SELECT clip AS words FROM clips UNION ALL SELECT shot FROM jobs"
        held += " UNION ALL SELECT comparison FROM comparisons UNION ALL SELECT batch FROM batches"
        held += " UNION ALL SELECT row FROM batch_rows"
        return bool(self.read(f"SELECT 1 FROM ({held}) WHERE instr(words, ?) LIMIT 1", (file_id,)))  # noqa: S608

    @contextmanager
    def write(self, durable: bool = False) -> Generator[None]:
        """A transaction: all of it or none of it. One inside another belongs to the outer one.

        durable: it has reached the disk itself when this returns; others survive the end of the process, and a failure
        of the power costs only the newest. Raises `Refusal` when the change can't be written.
        """
        self._try(lambda: self._begin(durable))
        try:
            yield
            if self._depth == 1:
                self.read("COMMIT")
        except BaseException:
            if self._depth == 1 and self._connection.in_transaction:
                with suppress(sqlite3.Error):
                    self._connection.rollback()
            raise
        finally:
            self._depth -= 1
            if durable and not self._depth:
                with suppress(Refusal):
                    self.read("PRAGMA synchronous = NORMAL")
            self._lock.release()

    def _begin(self, durable: bool) -> None:
        """Begin a transaction, or go on with the outer one, and hold the lock until it ends. Raises `Refusal`."""
        if not self._depth:
            if _identify(self._file) is None:
                raise refuse_absent()
            if durable:
                self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("BEGIN IMMEDIATE")
        self._lock.acquire()
        self._depth += 1

    @property
    def version(self) -> int:
        """How many changes jobs, clips and comparisons have seen, from every process."""
        rows = self.read("SELECT n FROM change")
        return int(str(rows[0][0]))

    def date_next(self, table: str) -> float:
        """The time of a row that is to be the newest of its table, seconds since 1970: now, or later than all others
        where the clock was set back, by a clock that goes on from there. Raises `Refusal`.
        """
        now = time.time()
        rows = self.read(f"SELECT coalesce(max(made_at), 0.0) FROM {table} WHERE made_at < {LATEST}")  # noqa: S608
        newest = float(str(rows[0][0]))
        self._ahead = 0.0 if now > newest else max(self._ahead, newest + STEP - now)
        return now + self._ahead

    def close(self) -> None:
        """Let go of the file. Safe to call twice."""
        with self._lock:
            self._connection.close()


def _identify(file: Path) -> tuple[int, int] | None:
    """Which file lies here: its device and inode; None for none."""
    with suppress(OSError):
        about = file.stat()
        return about.st_dev, about.st_ino
    return None


def has_waiting_jobs(file: Path) -> bool:
    """Whether jobs wait in a database that is not opened for it; False where it can't be read."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as found:
        return found.execute("SELECT 1 FROM jobs WHERE name = 'queued' LIMIT 1").fetchone() is not None
    return False


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite doesn't wait for this lock as for others, so a home opened twice at once tries again."""
    for _ in range(100):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if find_code(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            time.sleep(0.05)
    connection.execute("PRAGMA journal_mode = WAL")


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.text_factory = read_text
    try:
        if is_header_damaged(file):
            raise make_damage_error()
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        if connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":  # 25 ms for ten thousand clips
            raise make_damage_error()
        _migrate(connection)
        connection.execute(f"PRAGMA busy_timeout = {round(2000 * BUSY_STEP)}")  # from now on `Database` tries again
    except UnicodeDecodeError:  # SQLite's own message holds what it has read
        connection.close()
        raise make_damage_error() from None
    except BaseException:
        connection.close()
        raise
    return connection


def make_damage_error() -> sqlite3.DatabaseError:
    """What SQLite raises for a damaged database."""
    error = sqlite3.DatabaseError("a check failed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date. Raises `Refusal` for a database of another program or of a newer Stir."""
    connection.execute("BEGIN IMMEDIATE")
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if not 0 <= version <= MOST_VERSIONS or (application != APPLICATION_ID and tables >= OURS):
        raise make_damage_error()  # in its header
    if application not in (0, APPLICATION_ID) or (application == 0 and tables):
        raise Refusal(
            "The database in the home folder belongs to another program.", "Choose another folder with --home."
        )
    if version != len(MIGRATIONS) and tables and _describe_tables(connection) == _describe_ours():
        version = len(MIGRATIONS)  # the header's number is damaged
    if version > len(MIGRATIONS):
        raise Refusal("This library was made by a newer Stir.", "Update Stir, or choose another folder with --home.")
    for migration in MIGRATIONS[version:]:
        migration(connection)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.commit()


def _describe_tables(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Every table, index and trigger, with the statement that made it."""
    return set(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql <> '' AND name NOT LIKE 'sqlite_%'"))


def _describe_ours() -> set[tuple[str, str]]:
    """The same of a database of this version."""
    with closing(sqlite3.connect(":memory:")) as made:
        for migration in MIGRATIONS:
            migration(made)
        return _describe_tables(made)


def open(  # noqa: A001 - the verb the contract names
    file: Path, log: logging.Logger | None = None, reopened: Callable[[], None] = lambda: None
) -> Database:
    """The database in `file`, made or brought up to date, by one process at a time. `reopened` is as in `Database`.

    A damaged one is moved aside and a fresh one begun with what can still be read of it, also where a kill ended that;
    the other clips come back from the recipes beside them, and `notes` say so. Raises `Refusal` when the file can't be
    used at all.
    """
    aside = None
    try:
        (file.parent / LOCKS).mkdir(exist_ok=True)
        with hold_alone(file.parent / LOCKS / file.name, OPENING_SECONDS):
            if is_under_way(file):
                aside = take_over(file, _connect)
            drop_foreign_log(file)
            try:
                connection = _connect(file)
            except sqlite3.DatabaseError as error:
                if find_code(error) not in DAMAGED:
                    raise
                aside = take_over(file, _connect)
                connection = _connect(file)
    except sqlite3.Error as error:
        raise refuse_failure(error, file.parent) from error
    except OSError as error:
        raise refuse_unwritten(error, "The library's database") from error
    reason = f"the database was damaged and is kept as {aside and aside.name}; what could be read of it was taken over"
    notes = (Choice("library", "found again", reason),) if aside else ()
    return Database(file, connection, notes, log, reopened)
