"""What the libraries that serve the page say through Python's logging: one line in the studio's log, none on the
terminal.

Their words may hold what somebody has sent, so only the place in their code is written. Libraries of the diffusion
engine have a log of their own: engines/diffusion/library_setup.py.
"""

from __future__ import annotations

import logging

SERVER = "uvicorn.error"
"""The server's logger. It has a handler of its own, made when the server starts, that writes to the terminal."""


class _OneLine(logging.Handler):
    """Writes where a message comes from to the log of whichever page was built last."""

    log: logging.Logger | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self.log:
            self.log.log(record.levelno, "%s at %s:%d", record.name, record.module, record.lineno)


_handler = _OneLine(logging.WARNING)


def keep_terminal_quiet(log: logging.Logger) -> None:
    """From now on `log` is where warnings and errors of libraries go."""
    _handler.log = log
    logging.getLogger().addHandler(_handler)  # a handler or a filter that is there already isn't added again
    logging.getLogger(SERVER).addFilter(_divert)


def _divert(record: logging.LogRecord) -> bool:
    if record.levelno >= _handler.level:
        _handler.emit(record)
    return False
