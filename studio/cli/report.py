"""What is printed on the terminal: results as lines or JSON on stdout, all else and one progress bar on stderr."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any

import msgspec

from studio.nouns import Progress, Stage

STAGES: dict[Stage, str] = {
    "wait": "waiting", "load": "loading", "read": "reading the photo", "denoise": "denoising", "decode": "decoding",
    "paint": "painting", "encode": "closing the file", "keep": "keeping",
}  # fmt: skip
_WIDTH = 24  # characters of the bar
_REDRAW = 0.1  # seconds


class Failure(Exception):
    """Work that was begun and did not succeed; its words are for the user."""


def say(line: str) -> None:
    """One line of the result, on stdout."""
    sys.stdout.write(line + "\n")


def say_json(value: Any) -> None:
    """The whole result as indented JSON on stdout, for scripts."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def complain(words: str) -> None:
    """One line on stderr, whatever line breaks the words hold."""
    sys.stderr.write(" ".join(words.split()) + "\n")


def format_clock(seconds: float) -> str:
    """Seconds as people read them: 0:07, 12:30."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Bar:
    """A progress bar on stderr: redrawn in place on a terminal, a line at each new stage and quarter elsewhere.

    `loading` is what the stage "load" is called, `unit` what is counted.
    """

    def __init__(self, title: str, loading: str = STAGES["load"], unit: str = "") -> None:
        self._stages = {**STAGES, "load": loading}
        self._unit = unit
        self._title = title if len(title) <= 28 else f"{title[:27]}…"
        self._live = sys.stderr.isatty()
        self._drawn = 0.0
        self._said = ""
        self._full, self._empty = ("█", "░") if "utf" in (sys.stderr.encoding or "").lower() else ("#", ".")

    def draw(self, progress: Progress) -> None:
        """Show how far it is."""
        share = progress.done / progress.total if progress.total else 0.0
        if not self._live:
            stage = self._stages[progress.stage]
            self._write_line(f"{stage} {int(share * 4) * 25} %" if progress.total else stage)
            return
        now = time.monotonic()
        if now - self._drawn < _REDRAW:
            return
        self._drawn = now
        filled = round(share * _WIDTH)
        bar = self._full * filled + self._empty * (_WIDTH - filled)
        count = f"{progress.done}/{progress.total}{self._unit}" if progress.total else ""
        about = f"  {progress.note}" if progress.note else ""
        left = (
            f"{format_clock(progress.remaining + 0.5)} left"
            if progress.remaining is not None
            else format_clock(progress.elapsed)
        )
        line = f"{self._title}  {bar} {self._stages[progress.stage]}  {count}  {left}{about}"
        room = shutil.get_terminal_size().columns - 1  # a line that wraps can't be drawn over
        sys.stderr.write(f"\r\x1b[K{line[:room]}")
        sys.stderr.flush()

    def _write_line(self, words: str) -> None:
        if words != self._said:
            self._said = words
            sys.stderr.write(f"{self._title}: {words}\n")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the bar away, so that other words can stand there."""
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
