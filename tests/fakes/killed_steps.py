"""Something done in a process that is killed before its first change of a file, before its second, and so on to the last.

A step is what Python's audit events (docs.python.org, "Audit events table") say of files in one folder: SQLite's own writes are
its transactions, and aren't told apart.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

STEPS = {"open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.utime", "os.truncate", "sqlite3.connect"}


def kill_at_every_step(folder: Path, begin: Callable[[], None], does: Callable[[], object], check: Callable[[int], None]) -> int:
    """Before each process `begin`, after it `check`, which is given how many steps it had. How many processes were killed."""
    for steps in count():
        begin()
        killed = die_before(steps, folder, does)
        check(steps)
        if not killed:
            return steps
    raise AssertionError


def die_before(step: int, folder: Path, does: Callable[[], object]) -> bool:
    """Do it in a process of its own that is killed at this step, from 0. False where it ended first."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        _do_and_die(step, str(folder), does)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), f"it failed at step {step}"
    return status != 0


def _do_and_die(step: int, folder: str, does: Callable[[], object]) -> None:
    left = [step]

    def listen(event: str, given: tuple[Any, ...]) -> None:
        at = os.fsdecode(given[0]) if event in STEPS and isinstance(given[0], str | bytes | os.PathLike) else "/"
        if at.startswith(folder) or not Path(at).is_absolute():  # those of an open folder are relative to it
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        sys.addaudithook(listen)
        does()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)
