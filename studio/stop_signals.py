"""Ctrl+C, and what else tells a process to end: the first one closes Stir in order, the next is ignored while that goes
on, a third ends it at once, as does a minute without an end; what ran is Interrupted when Stir starts again."""

from __future__ import annotations

import faulthandler
import os
import signal
from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

IGNORED = 1
"""Signals after the first that are ignored: a key held too long must not leave half-made files."""

CLOSE_SECONDS = 60
"""How long closing may take before the process ends all the same, and says on its terminal what hung."""

_heard = 0


def end_in_time() -> None:
    """Have this process end soon, whatever hangs in it: closing has begun, or all is done."""
    faulthandler.dump_traceback_later(CLOSE_SECONDS, exit=True)


def close_or_end(number: int, frame: FrameType | None) -> None:
    """The handler. Raises `KeyboardInterrupt` at the first signal."""
    global _heard
    _heard += 1
    if _heard == 1:
        end_in_time()
        raise KeyboardInterrupt
    if _heard > 1 + IGNORED:
        os._exit(128 + number)


def handle_stop_signals() -> None:
    """Have them handled so from now on, but for those that whoever started this process has it ignore (nohup). Only in
    the main thread."""
    for name in NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, close_or_end)
