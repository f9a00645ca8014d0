"""The queue and the recent clips; its script watches the studio for the whole page, models included.

It asks by a call, not by a `gr.Timer`: for every event, Gradio's page copies the values of all its parts twice, and
draws frames until the answer is there. Twice a second, that was most of what an open page took of the processor.

What is answered is made and encoded once for all pages that look at one studio: before, each of twenty tabs had it made
anew, twice a second, which took more of the processor than the clips did.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from starlette.responses import Response

from studio.library.logbook import trace
from studio.library.queue import Queue
from studio.nouns import Id, Noun, Refusal, Short
from studio.spending import Confirmation
from studio.studio import Studio
from studio.system_errors import refuse_absent
from studio.ui.clip_actions import ById, PaidById
from studio.ui.html_part import Nothing, describe_refusal, make_call, make_part
from studio.ui.model_status import show_models
from studio.ui.price_words import make_paid_call
from studio.ui.queue_snapshot import take_snapshot
from studio.visitors.house import AWAY_SECONDS

TICK = 0.5
"""Seconds between two looks at the studio's version; a look that finds nothing new sends nothing."""

HIDDEN_SECONDS = AWAY_SECONDS + 15
"""The same of a visitor's page that lies behind another and has nothing at work: its desk is given to who comes."""


class Seen(Noun, frozen=True):
    """What a page has been sent, in marks of `QueuePanel.watch`: of everything, and of the models alone."""

    version: Short = ""
    models: Short = ""


class Board(Noun, frozen=True):
    """What pages are answered: as JSON with the models' status and without, the marks of both, and when it was made."""

    seen: Seen = Seen()
    whole: bytes = b""
    without_models: bytes = b""
    made_at: float = -TICK


class BoardCache:
    """The newest board of one studio. Those who ask while it is being made wait for it, and it is made anew at most
    once in half a `TICK`: a page that looks alone is always answered what there is now, and twenty cost two.
    """

    def __init__(self, run: str) -> None:
        self._run, self._board, self._making = run, Board(), threading.Lock()

    def find(self, studio: Studio) -> Board:
        """The board of this version of the studio, or one that was made a moment ago."""
        with self._making:
            version = f"{self._run}.{studio.version}"
            if version != self._board.seen.version and time.monotonic() - self._board.made_at >= TICK / 2:
                self._board = self._make(studio, version)
            return self._board

    def _make(self, studio: Studio, version: str) -> Board:
        models = show_models(studio)
        seen = Seen(version, f"{self._run}.{hash(msgspec.json.encode(models))}")
        found = {"seen": seen, "board": take_snapshot(studio)}
        whole = msgspec.json.encode({**found, "models": models})
        return Board(seen, whole, msgspec.json.encode(found), time.monotonic())


class JobMove(Noun, frozen=True):
    """A job's new place: before another queued job, or last."""

    id: Id
    before: Id | None = None


class QueuePanel:
    """The queue's snapshot, which scripts hear as "board", and the models' status, "models"; each sent on change."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self._run = uuid.uuid4().hex  # a page that was open before the studio's restart is sent everything again
        self._faults: set[str] = set()
        self._boards: WeakKeyDictionary[Queue, BoardCache] = WeakKeyDictionary()  # a visitor's goes with its studio

    def render(self) -> None:
        """Draw the part."""
        studio = self.studio
        self.part = make_part(
            "queue_panel",
            {"tick": TICK, "away": HIDDEN_SECONDS if studio.settings.visitors else 0},
            elem_id="strip",
            calls=[
                make_call("watch", Seen, self.look),
                make_call("cancel_job", ById, lambda ask: studio.cancel(ask.id)),
                make_paid_call(studio, "retry_job", PaidById, lambda ask, paid: {"job": studio.retry(ask.id, paid).id}),
                make_call("cancel_group", ById, lambda ask: studio.cancel_group(ask.id)),
                make_paid_call(studio, "retry_group", PaidById, self.retry_group),
                make_call("move_job", JobMove, lambda ask: studio.move(ask.id, ask.before)),
                make_call("clear_ended", Nothing, lambda _: studio.queue.clear_ended()),
            ],
        )

    def retry_group(self, ask: PaidById, paid: Confirmation | None) -> dict[str, Any]:
        """Queue again what failed of a group. Raises `Refusal`."""
        return {"jobs": [job.id for job in self.studio.retry_group(ask.id, paid)]}

    def look(self, seen: Seen) -> Response | dict[str, Any]:
        """What `watch` finds. A look that fails leaves the page as it was, and is logged once, not twice a second; what
        keeps everything from being done is told.
        """
        try:
            return self.watch(seen) or self._look_at_home()
        except Exception as error:
            where = trace(error)
            if where not in self._faults:
                self._faults.add(where)
                self.studio.log.error("the page's board: %s", where)
            return describe_refusal(error) if isinstance(error, Refusal) else {}

    def _look_at_home(self) -> dict[str, Any]:
        """Why nothing can be done now: the home folder is away. {} where it is there."""
        return {} if self.studio.settings.home.is_dir() else describe_refusal(refuse_absent())

    def watch(self, seen: Seen) -> Response | dict[str, Any]:
        """Marks of what there is, the snapshot, and the models' status; only what has changed since `seen`."""
        if seen.version == f"{self._run}.{self.studio.version}":
            return {}
        board = self._boards.setdefault(self.studio.queue, BoardCache(self._run)).find(self.studio)
        if seen.version == board.seen.version:
            return {}
        known = seen.models == board.seen.models
        return Response(board.without_models if known else board.whole, media_type="application/json")
