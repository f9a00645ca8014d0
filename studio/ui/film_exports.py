"""Comparisons exported from the page: a film is written in a thread of its own, followed and stopped by the page."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from weakref import WeakKeyDictionary

import msgspec

from studio.compare.grid import MOST_CELLS
from studio.exports import Ending, Exports
from studio.jobs.watched_work import Pulse, Stopped, run_watched
from studio.library.logbook import report_fault
from studio.nouns import Id, Progress, Refusal
from studio.studio import Studio
from studio.ui.clip_actions import ById
from studio.ui.html_part import Call, describe_refusal, make_call

MOST_AT_ONCE = 4
"""Exports that are remembered: what nobody asks about any more is let go of."""


class ComparisonExport(ById, frozen=True):
    """What is wanted of a comparison: which file, the cells that are shown and the one that is heard (ids)."""

    kind: Literal["grid", "wipe", "sheet"] = "grid"
    ending: Ending = "hold"
    sound: Id = ""
    cells: Annotated[tuple[Id, ...], msgspec.Meta(max_length=MOST_CELLS)] = ()


class ExportRun:
    """One file being written: how far it is, and what came of it. Thread-safe: each value is set once or replaced.
    `seconds` is its deadline."""

    def __init__(
        self, write: Callable[[Callable[[Progress], None]], Path], fail: Callable[[Exception], Refusal], seconds: float
    ) -> None:
        self.id = uuid.uuid4().hex
        self.progress = Progress()
        self.file: Path | None = None
        self.refusal: Refusal | None = None
        self._watch = Pulse(self._note)
        self._write, self._seconds = write, seconds
        self._fail = fail
        threading.Thread(target=self._run, daemon=True, name="export").start()

    def _run(self) -> None:
        try:
            self.file = run_watched("an export", self._write, self._seconds, watch=self._watch)
        except Stopped:
            self.refusal = Refusal("The export was stopped.", "")
        except Refusal as refusal:
            self.refusal = refusal
        except Exception as error:
            self.refusal = self._fail(error)

    def _note(self, progress: Progress) -> None:
        self.progress = progress

    def stop(self) -> None:
        """Have it end at its next frame."""
        self._watch.stop()


class FilmExports:
    """The exports of one page. Any thread may ask."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._runs: WeakKeyDictionary[Exports, dict[str, ExportRun]] = WeakKeyDictionary()  # of each visitor's own

    def list_calls(self) -> list[Call]:
        """Begin an export, look how far it is, stop it."""
        return [
            make_call("export_comparison", ComparisonExport, self.begin),
            make_call("look_at_export", ById, lambda ask: self.look(ask.id)),
            make_call("stop_export", ById, lambda ask: self.stop(ask.id)),
        ]

    def begin(self, ask: ComparisonExport) -> dict[str, str]:
        """Begin to write; answers with an id to ask by."""
        exports = self._studio.exports

        def write(tick: Callable[[Progress], None]) -> Path:
            if ask.kind == "sheet":
                return exports.export_sheet(ask.id, cells=ask.cells)
            return exports.export_grid(
                ask.id, layout=ask.kind, ending=ask.ending, sound=ask.sound, cells=ask.cells, tick=tick
            )

        fail = lambda error: report_fault(self._studio.log, "this was exported", error, "an export")  # noqa: E731
        run = ExportRun(write, fail, self._studio.settings.deadline)
        runs = {**self._runs.get(exports, {}), run.id: run}
        self._runs[exports] = dict(list(runs.items())[-MOST_AT_ONCE:])
        return {"export": run.id}

    def look(self, export_id: str) -> dict[str, Any]:
        """How far it is, or the finished file, or why there is none."""
        run = self._find(export_id)
        if run.refusal:
            return describe_refusal(run.refusal)
        if run.file:
            return {"path": str(run.file), "name": run.file.name}
        return {"done": run.progress.done, "total": run.progress.total}

    def stop(self, export_id: str) -> bool:
        """Stop it; nothing is left of it."""
        self._find(export_id).stop()
        return True

    def _find(self, export_id: str) -> ExportRun:
        runs = self._runs.get(self._studio.exports, {})
        if export_id not in runs:
            raise Refusal("That export is over.", "Export it again.")
        return runs[export_id]
