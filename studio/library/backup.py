"""A checked copy of a home folder's database, taken while others go on writing to it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import msgspec

from studio.atomic_write import replace_whole
from studio.library.database import BUSY_SECONDS, make_damage_error, refuse_failure
from studio.nouns import Interrupted, Refusal
from studio.system_errors import refuse_unwritten

_HOLD_PAID = (
    "UPDATE jobs SET name = 'interrupted', state = ? WHERE name IN ('queued', 'running')"
    " AND id IN (SELECT job FROM paid_jobs WHERE state = 'confirmed')"
)


def back_up(file: Path, dest: Path) -> Path:
    """A checked copy of the database in `file`, as it is at one moment, while others go on writing to it.

    In the copy jobs that wait to be sent to a hosted service are interrupted: by the time that somebody goes back to it
    they may have been sent, and paid for. It is written to `dest`, whole or not at all; into a folder under the time's
    name. Returns where it is. Raises `Refusal`.
    """
    made = dest / time.strftime("stir-%Y%m%d-%H%M%S.db") if dest.is_dir() else dest
    if not file.is_file():
        raise Refusal("There is no library in this home folder yet.", "Name another home folder with --home.")
    if made.exists() and made.samefile(file):
        raise Refusal("That is the library's database itself.", "Give another file or a folder.")
    try:
        with (
            replace_whole(made) as part,
            closing(sqlite3.connect(file, timeout=BUSY_SECONDS)) as source,
            closing(sqlite3.connect(part, isolation_level=None)) as copy,
        ):
            source.backup(copy)  # in one step, which in write-ahead logging keeps nobody from writing
            copy.execute("PRAGMA journal_mode = DELETE")
            if copy.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
                raise make_damage_error()
            if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'paid_jobs'").fetchone():
                copy.execute(_HOLD_PAID, (msgspec.json.encode(Interrupted()).decode(),))
    except sqlite3.Error as error:
        raise refuse_failure(error, made.parent) from error
    except OSError as error:
        raise refuse_unwritten(error) from error
    return made
