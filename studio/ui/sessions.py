"""What the server keeps for an open page: no copy of its parts, and unfetched answers for ten minutes.

Gradio copies the configuration of every part for each session, keeps the last 10,000 of them, and answers in its queue
until they are fetched: a page that is opened and left costs 0.3 MB. The studio's page keeps what stands on it itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import gradio as gr
from gradio.routes import App
from gradio.state_holder import SessionState, StateHolder
from gradio_client.utils import ServerMessage
from starlette.concurrency import run_in_threadpool

from studio.library.logbook import trace

SWEEP_SECONDS = 1.0
"""How often what nobody fetched is looked for: a program can ask hundreds of times a second."""

FILES_SECONDS = 3600.0
"""How often files are looked for that were uploaded and never taken in."""

UNFETCHED_SECONDS = 600.0
"""How long an answer waits in the queue for whoever asked."""

MOST_UNFETCHED = 256
"""Sessions whose answers wait, and messages that wait in one of them; the oldest go first."""


class SharedParts(SessionState):
    """The page's parts as every session sees them. What an event changes of them isn't kept: the page has it."""

    def __init__(self, blocks: gr.Blocks) -> None:
        self.blocks_config = blocks.default_config
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self.is_closed = False

    def __setitem__(self, key: int, value: Any) -> None:
        """Keeps nothing."""

    def _update_config(self, key: int) -> None:
        """Keeps nothing."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Keeps nothing."""


class Sessions(StateHolder):
    """Gives every session the same parts, and holds none: for a page without `gr.State`."""

    def set_blocks(self, blocks: gr.Blocks) -> None:
        """The page that it is for."""
        super().set_blocks(blocks)
        self._parts = SharedParts(blocks)

    def __getitem__(self, session_id: str) -> SessionState:
        return self._parts


class UnfetchedAnswers:
    """The answers in Gradio's queue that nobody has fetched: of `most` sessions, `most` messages each. Used in the
    page's event loop.
    """

    def __init__(self, page: gr.Blocks, most: int = MOST_UNFETCHED) -> None:
        self._page, self._most = page, most
        self._waiting: dict[str, tuple[Any, float]] = {}

    def let_go(self, now: float) -> None:
        """Drop what has waited unchanged for `UNFETCHED_SECONDS`, or longest where more wait than may.

        `now` in seconds of any clock. A session at work stays, and so does one whose answers are being read.
        """
        queue = self._page._queue
        events, answers = queue.pending_event_ids_session, queue.pending_messages_per_session
        for session, unread in answers.items():
            while unread.qsize() > self._most:
                oldest = unread.get_nowait()
                if oldest.msg == ServerMessage.process_completed:
                    events.get(session, set()).discard(oldest.event_id)
        at_work = {event.session_hash for event in queue.event_ids_to_events.values()}
        waiting: dict[str, tuple[Any, float]] = {}
        for session in (events.keys() | answers.keys()) - at_work:
            unread = answers[session].qsize() if session in answers else 0
            mark = (frozenset(events.get(session, ())), unread)
            before = self._waiting.get(session)
            waiting[session] = before if before and before[0] == mark else (mark, now)
        oldest = sorted(waiting, key=lambda one: waiting[one][1])
        for place, session in enumerate(oldest):
            if now - waiting[session][1] >= UNFETCHED_SECONDS or place < len(oldest) - self._most:
                events.pop(session, None)
                answers.pop(session, None)
                del waiting[session]
        self._waiting = waiting


@asynccontextmanager
async def keep_little(app: App, log: logging.Logger, sweep: Callable[[], None]) -> AsyncGenerator[None]:
    """While an app is served: its sessions keep nothing, and what visitors leave is let go of: answers every second,
    files, by `sweep`, every hour.
    """
    page = app.get_blocks()
    app.state_holder = Sessions()
    app.state_holder.set_blocks(page)
    answers = UnfetchedAnswers(page)

    async def drop_answers() -> None:
        answers.let_go(time.monotonic())

    tasks = [
        asyncio.create_task(_repeat(SWEEP_SECONDS, drop_answers, log)),
        asyncio.create_task(_repeat(FILES_SECONDS, lambda: run_in_threadpool(sweep), log)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _repeat(seconds: float, work: Callable[[], Awaitable[None]], log: logging.Logger) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except Exception as error:
            log.error("what visitors left stays: %s", trace(error))
