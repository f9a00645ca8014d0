"""The queue strip and the recent clips: one part that watches the studio, and tells every other part what it saw."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.nouns import Noun
from studio.studio import Studio
from studio.ui.board import board
from studio.ui.clip_calls import One
from studio.ui.parts.part import call, part

TICK = 0.5
"""Seconds between two looks at the studio's version; a look that finds nothing new sends nothing."""


class Place(Noun, frozen=True):
    """A job's new place: before another queued job, or last."""

    id: str
    before: str | None = None


class QueuePanel:
    """Its value is the board; it is replaced only when the studio's version has changed."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        studio = self.studio
        self.part = part(
            "strip",
            None,
            calls=[
                call("cancel_job", One, lambda ask: studio.cancel(ask.id)),
                call("retry_job", One, lambda ask: {"job": studio.retry(ask.id).id}),
                call("move_job", Place, lambda ask: studio.move(ask.id, ask.before)),
                call("clear_ended", dict[str, str], lambda _: studio.clear_ended()),
            ],
        )

    def listen(self, page: gr.Blocks) -> None:
        """One timer for the whole page; a reload or another tab sees the same board."""
        seen = gr.State(None)
        timer = gr.Timer(TICK)
        gr.on(
            [timer.tick, page.load], self.watch, seen, [self.part, seen],
            queue=False, show_progress="hidden", api_visibility="private",
        )  # fmt: skip

    def watch(self, seen: int | None) -> tuple[Any, Any]:
        """The board and its version, or nothing when it has not changed."""
        version = self.studio.version
        if version == seen:
            return gr.skip(), gr.skip()
        return board(self.studio), version
