"""The log of a home folder: what happened, never whose photo or which words.

Messages of errors (they hold file names) and paths outside the program are never written: a fault is logged as its kind
and the lines of code it came through. Whatever looks like a token of a service is blotted out of every line.
"""

from __future__ import annotations

import logging
import re
import secrets
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path

from studio.nouns import FINISH, Refusal, Shot
from studio.system_errors import explain_system_error

LARGEST = 512 * 1024
"""Bytes of one log file; three older ones are kept."""


TOKENS = re.compile(
    r"\br8_\w+"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{16,}"
    r"|\b(?:Bearer|Key)\s+(?=[^\s,;]*\d)[^\s,;'\"]{8,}"
)
"""What looks like a token: Replicate's, fal's (an id, a colon, a secret), or whatever follows Bearer or Key in a
header."""


def scrub(text: str) -> str:
    """A text without anything that looks like a token."""
    return TOKENS.sub("[token]", text)


class _Scrubbed(logging.Formatter):
    """Lines in which no token stands."""

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))


class _Quiet(RotatingFileHandler):
    """A log that can't be written must not stop a clip, nor print over the command line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        del record


def open(folder: Path) -> logging.Logger:  # noqa: A001 - as database.open
    """The log in `folder`, begun at the first line that is written to it."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = _Quiet(folder / "stir.log", maxBytes=LARGEST, backupCount=3, encoding="utf-8", delay=True)
    handler.setFormatter(_Scrubbed("%(asctime)s %(levelname)s %(message)s"))
    log = logging.Logger("stir", logging.INFO)
    log.addHandler(handler)
    return log


def close(log: logging.Logger) -> None:
    """Let go of the file."""
    for handler in log.handlers:
        handler.close()


def describe_shot(shot: Shot) -> str:
    """A shot as the log may know it."""
    if shot.maker == FINISH:
        return f"finish of {len(shot.finish.clips) if shot.finish else 0} clips as {shot.format}"
    legs = (shot.motion.camera.moves, *(leg.moves for leg in shot.motion.camera.then))
    moves = " then ".join("+".join(move.name for move in leg) for leg in legs)
    effects = "+".join(effect.name for effect in shot.motion.effects)
    return f"{shot.model} {moves} [{effects}] {shot.size} {shot.seconds:g} s {shot.fps} fps {shot.format}"


def report_fault(log: logging.Logger, what: str, error: BaseException, about: str = "") -> Refusal:
    """An error that nobody foresaw, written down under a short name: what to tell people, with the name to look for.
    A failure of the machine (system_errors.py) needs no name: it is told as it is.

    `what` says what was being done ("this clip was made"), `about` is for the log alone ("job 1a2b3c4d").
    """
    if known := explain_system_error(error):
        log.error("%s: %s", about or what, trace(error))
        return known
    entry = secrets.token_hex(3)
    log.error("entry %s, %s: %s", entry, about or what, trace(error))
    reason = f"Something went wrong inside Stir while {what}."
    return Refusal(
        reason, f"Try again, or with other settings. Entry {entry} in logs/stir.log, in the home folder, says where."
    )


def trace(error: BaseException) -> str:
    """Where an error came from: each kind in its chain and the lines it passed, without its words."""
    lines: list[str] = []
    link: BaseException | None = error
    while link is not None:
        lines.append(type(link).__name__)
        for frame in traceback.extract_tb(link.__traceback__):
            lines.append(f"  {'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno} in {frame.name}")
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n".join(lines)
