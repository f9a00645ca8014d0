"""The queue and the recent clips; its timer watches the studio for the whole page, models included."""

from __future__ import annotations

from typing import Any

import gradio as gr
import msgspec

from studio.library.logbook import trace
from studio.nouns import Noun
from studio.studio import Studio
from studio.ui.clip_actions import ById
from studio.ui.html_part import QUIET, make_call, make_part
from studio.ui.model_status import show_models
from studio.ui.queue_snapshot import take_snapshot

TICK = 0.5
"""Seconds between two looks at the studio's version; a look that finds nothing new sends nothing."""


class JobMove(Noun, frozen=True):
    """A job's new place: before another queued job, or last."""

    id: str
    before: str | None = None


class QueuePanel:
    """Two parts: the queue's snapshot, which scripts hear as "board", and silently the models' status; each sent on
    change.
    """

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self._faults: set[str] = set()

    def render(self) -> None:
        """Draw the part."""
        studio = self.studio
        self.part = make_part(
            "queue_panel",
            elem_id="strip",
            calls=[
                make_call("cancel_job", ById, lambda ask: studio.cancel(ask.id)),
                make_call("retry_job", ById, lambda ask: {"job": studio.retry(ask.id).id}),
                make_call("cancel_group", ById, lambda ask: studio.cancel_group(ask.id)),
                make_call("retry_group", ById, lambda ask: {"jobs": [job.id for job in studio.retry_group(ask.id)]}),
                make_call("move_job", JobMove, lambda ask: studio.queue.move(ask.id, ask.before)),
                make_call("clear_ended", dict[str, str], lambda _: studio.queue.clear_ended()),
            ],
        )
        self.models = make_part("model_status", elem_id="standing")

    def listen(self, page: gr.Blocks) -> None:
        """One timer for the whole page; a reload or another tab sees the same queue."""
        seen = gr.State(None)
        timer = gr.Timer(TICK)
        gr.on([timer.tick, page.load], self.look, seen, [self.part, self.models, seen], **QUIET)

    def look(self, seen: tuple[int, int] | None) -> tuple[Any, Any, Any]:
        """What `watch` finds. A look that fails leaves the page as it was, and is logged once, not twice a second."""
        try:
            return self.watch(seen)
        except Exception as error:
            where = trace(error)
            if where not in self._faults:
                self._faults.add(where)
                self.studio.log.error("the page's board: %s", where)
            return gr.skip(), gr.skip(), gr.skip()

    def watch(self, seen: tuple[int, int] | None) -> tuple[Any, Any, Any]:
        """The snapshot, the models' status, and a mark of both; of each only what has changed."""
        version, before = seen or (None, None)
        now = self.studio.version
        if now == version:
            return gr.skip(), gr.skip(), gr.skip()
        models = show_models(self.studio)
        mark = hash(msgspec.json.encode(models))
        return take_snapshot(self.studio), gr.skip() if mark == before else models, (now, mark)
