"""Downloads under way and waiting: one model at a time, in the background, only ever because the user asked.

Knows who is next, how far the present one is and what went wrong with the last. Refuses to know files and the network.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from studio.cards import ModelCard, Quote
from studio.config import Settings
from studio.engines.base import Stopped
from studio.engines.diffusion.hub import Hub
from studio.engines.diffusion.store import Store, checkpoint_of
from studio.nouns import Progress, Refusal

WAITING = Progress("wait", note="waits for the download before it")


@dataclass
class _Wish:
    card: ModelCard
    progress: Progress = WAITING
    stopped: threading.Event = field(default_factory=threading.Event)


class Downloads:
    """The queue of downloads. Any thread may call, and nothing here waits for the network but `quote`."""

    def __init__(self, settings: Settings, store: Store, hub: Hub | None = None) -> None:
        self._hub = hub or Hub(settings, store)
        self._store = store
        self._wishes: list[_Wish] = []
        self._troubles: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def quote(self, card: ModelCard) -> Quote:
        """What a download would take: asks the hub. Raises `Refusal` for a card that has no files."""
        return self._hub.quote(card)

    def start(self, card: ModelCard) -> None:
        """Begin, or go on with, a download; nothing when it is under way or all is here. Raises `Refusal` for a card that has no
        files; whatever the hub says later is in `trouble`."""
        checkpoint_of(card)
        if self._store.disk(card).state == "here":
            return
        with self._lock:
            self._troubles.pop(card.id, None)
            if any(wish.card.id == card.id and not wish.stopped.is_set() for wish in self._wishes):
                return
            self._wishes.append(_Wish(card))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="downloads", daemon=True)
                self._thread.start()

    def stop(self, card: ModelCard) -> None:
        """Stop a download, or take it out of the queue. What has arrived stays; `start` goes on from there."""
        with self._lock:
            for wish in self._wishes:
                if wish.card.id == card.id:
                    wish.stopped.set()

    def progress(self, card: ModelCard) -> Progress | None:
        """How far a download is: stage "load" in MB, "wait" before its turn; None when there is none."""
        with self._lock:
            return next((wish.progress for wish in self._wishes if wish.card.id == card.id), None)

    def trouble(self, card: ModelCard) -> tuple[str, str]:
        """What went wrong with the last download of a card, and the remedy; two empty strings when nothing did."""
        with self._lock:
            return self._troubles.get(card.id, ("", ""))

    def close(self) -> None:
        """Stop everything and wait until it has stopped. Safe to call twice."""
        with self._lock:
            for wish in self._wishes:
                wish.stopped.set()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._wishes:
                    self._thread = None
                    return
                wish = self._wishes[0]
            trouble = self._run(wish)
            with self._lock:
                self._wishes.remove(wish)
                if trouble:
                    self._troubles[wish.card.id] = trouble

    def _run(self, wish: _Wish) -> tuple[str, str] | None:
        """One download to its end. Returns what went wrong."""

        def tick(progress: Progress) -> None:
            if wish.stopped.is_set():
                raise Stopped
            wish.progress = progress

        try:
            tick(Progress("load", note="asking the hub"))
            self._hub.fetch(wish.card, tick)
        except Stopped:
            return None
        except Refusal as refused:
            return refused.reason, refused.remedy
        except Exception as error:  # a fault of ours must not end the downloads that wait
            return f"The download has failed ({type(error).__name__}: {error}).", "Try again."
        return None
