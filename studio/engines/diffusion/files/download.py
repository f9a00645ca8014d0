"""Downloads: one model at a time in the background, several files at once, each resumed by HTTP ranges and checked as
it arrives.

Why not `snapshot_download`: huggingface_hub 2.4 gives each attempt a temporary file of its own and deletes it when the
attempt ends, over plain HTTPS and over Xet alike (`_download_to_tmp_and_move`), so a stopped download would begin again
at nothing. What a hub keeps in Xet it serves over plain HTTPS too, which is the way taken here.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from glob import escape
from pathlib import Path
from typing import IO

from studio.cards import ModelCard, Quote
from studio.config import Settings
from studio.engines.base import Stopped, Tick
from studio.engines.diffusion.files.hub import FetchPlan, Hub, explain, file_url, is_transient, open_stream
from studio.engines.diffusion.files.local_files import (
    UNFINISHED,
    HubFile,
    extend_ledger,
    get_size,
    partial_path,
    read_ledger,
    write_ledger,
)  # fmt: skip
from studio.engines.diffusion.files.manifest import require_checkpoint
from studio.engines.diffusion.files.store import Store
from studio.library import disk as room
from studio.nouns import Progress, Refusal
from studio.system_errors import refuse_unwritten

ABREAST = 4
"""Files at once: one connection seldom fills a line."""

SEGMENT = 8_000_000_000
"""Bytes asked for at once: signed addresses expire, and some servers refuse more than 50 GB in one answer."""

TRIES = 5
"""Times in a row that a connection may break without a byte having come."""


class _Halt(Exception):
    """The user has stopped, or another file has failed."""


class Transfer:
    """One download. `pause` is how long the first wait before trying again takes, in seconds; each next one is twice as
    long.
    """

    def __init__(self, plans: tuple[FetchPlan, ...], tick: Tick, pause: float = 1.0) -> None:
        self._todo: queue.SimpleQueue[tuple[FetchPlan, HubFile]] = queue.SimpleQueue()
        self._tick, self._pause = tick, pause
        self._halt, self._lock = threading.Event(), threading.Lock()
        self._errors: list[Exception] = []
        self._begun = time.monotonic()
        self._total = self._done = 0
        for plan in plans:
            for file in sorted(plan.missing, key=lambda one: one.size):
                self._todo.put((plan, file))
                self._total += file.size
                self._done += get_size(partial_path(plan.folder / file.path, file)) or 0
        self._marks: deque[tuple[float, int]] = deque([(self._begun, self._done)], maxlen=100)

    def run(self) -> None:
        """Fetch it all. Lets what `tick` raises through, once every connection is closed. Raises `Refusal`."""
        crew = [threading.Thread(target=self._work, name="download", daemon=True) for _ in range(ABREAST)]
        for one in crew:
            one.start()
        try:
            for one in crew:
                while one.is_alive():
                    self._tick(self.progress())
                    one.join(0.1)
        finally:
            self._halt.set()
            for one in crew:
                one.join()
        if self._errors:
            raise self._errors[0]
        self._tick(self.progress())

    def progress(self) -> Progress:
        """How far it is in MB, with the speed of the last seconds and what that leaves."""
        now = time.monotonic()
        with self._lock:
            done = self._done
        if now - self._marks[-1][0] >= 0.1:
            self._marks.append((now, done))
        then, before = self._marks[0]
        speed = (done - before) / (now - then) if now > then else 0.0
        note = f"{room.size(done)} of {room.size(self._total)}" + (
            f", {room.size(round(speed))} a second" if speed > 0 else ""
        )
        left = (self._total - done) / speed if speed > 0 else None
        return Progress("load", done // 1_000_000, -(-self._total // 1_000_000), note, now - self._begun, left)

    def _work(self) -> None:
        while not self._halt.is_set():
            try:
                plan, file = self._todo.get_nowait()
            except queue.Empty:
                return
            try:
                self._fetch(plan, file)
            except _Halt:
                return
            except Exception as error:
                self._errors.append(explain(error, plan.repo))
                self._halt.set()

    def _fetch(self, plan: FetchPlan, file: HubFile) -> None:
        path = plan.folder / file.path
        part = partial_path(path, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in path.parent.glob(f"{escape(path.name)}.*{UNFINISHED}"):
            if old != part:  # of another commit: nothing can be made of it any more
                old.unlink()
        with part.open("ab") as handle:
            if handle.tell() > file.size:
                self._shrink(handle)
            self._fill(plan, file, handle)
        if file.etag and self._checksum(part, file) != file.etag:
            part.unlink()
            raise Refusal(f"{file.path} has arrived damaged.", "Download it again: only that file is fetched.")
        os.replace(part, path)  # noqa: PTH105  (replaces also on Windows)

    def _fill(self, plan: FetchPlan, file: HubFile, handle: IO[bytes]) -> None:
        """Ask again and again, each time for what isn't there yet, as long as something comes now and then."""
        tries = 0
        while (before := handle.tell()) < file.size:
            trouble: Exception | None = None
            try:
                self._stream(plan, file, handle)
            except Exception as error:
                if not is_transient(error):
                    raise
                trouble = error
            tries = 0 if handle.tell() > before else tries + 1
            if tries >= TRIES:
                raise trouble or Refusal(f"{file.path} doesn't arrive.", "Try again later: what has arrived is kept.")
            if (trouble or tries) and self._halt.wait(self._pause * 2**tries):
                raise _Halt

    def _stream(self, plan: FetchPlan, file: HubFile, handle: IO[bytes]) -> None:
        """One answer of the hub, written as it comes. A broken connection raises; what has come stays."""
        from huggingface_hub.utils import hf_raise_for_status

        start = handle.tell()
        last = min(start + SEGMENT, file.size) - 1
        with open_stream(file_url(plan.repo, plan.commit, file.path), start, last) as answer:
            hf_raise_for_status(answer)
            if start and answer.status_code != 206:
                self._shrink(handle)
            for chunk in answer.iter_raw():
                if self._halt.is_set():
                    raise _Halt
                if handle.tell() + len(chunk) > file.size:
                    self._shrink(handle)
                    raise Refusal(f"{file.path} isn't what the hub has announced.", "Try again later.")
                handle.write(chunk)
                with self._lock:
                    self._done += len(chunk)
            handle.flush()

    def _shrink(self, handle: IO[bytes]) -> None:
        """Begin a file again: what has come of it doesn't belong to it."""
        with self._lock:
            self._done -= handle.tell()
        handle.seek(0)
        handle.truncate()

    def _checksum(self, part: Path, file: HubFile) -> str:
        """What the content of a file that has come is known by, in the same way as its etag."""
        large = len(file.etag) == 64
        found = hashlib.sha256() if large else hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
        with part.open("rb") as handle:
            while chunk := handle.read(1 << 22):
                if self._halt.is_set():
                    raise _Halt
                found.update(chunk)
        return found.hexdigest()


def fetch(hub: Hub, card: ModelCard, tick: Tick) -> None:
    """Download what is missing, in this thread. `tick` hears how far it is in MB and raises `Stopped` to stop; what has
    come stays and is gone on with the next time. Raises `Refusal` when it can't be done, now or any more."""
    found = hub.plan(card)
    state, _, problem = hub.store.check(card)
    if not found and state != "here":
        raise Refusal(
            f"{card.title} lies in a folder that Stir doesn't write to, and isn't complete there: {problem}",
            "Complete that folder yourself, or let go of it in Settings and download the model.",
        )
    quote = hub.sum_up(card, found)
    if quote.refused:
        raise Refusal(quote.refused, quote.remedy)
    with hub.store.lock(one.folder for one in found):
        for one in found:
            _prepare(one, card)
        Transfer(tuple(replace(one, stale=frozenset()) for one in found), tick, hub.pause).run()
    state, _, problem = hub.store.check(card)
    if state != "here":
        raise Refusal(
            f"What has arrived isn't complete: {problem}", "Download it again: only what is wrong is fetched."
        )


def _prepare(plan: FetchPlan, card: ModelCard) -> None:
    """Make a folder ready: what is of another commit goes, and its ledger says what is to come. Raises `Refusal`."""
    try:
        for name in plan.stale:
            (plan.folder / name).unlink(missing_ok=True)
        book = read_ledger(plan.folder)
        write_ledger(plan.folder, extend_ledger(book, plan.repo, plan.commit, plan.licence, plan.files, card.id))
    except OSError as error:
        raise refuse_unwritten(error) from None


WAITING = Progress("wait", note="waits for the download before it")


@dataclass
class _Download:
    card: ModelCard
    convert: Callable[[Tick], None] | None = None
    progress: Progress = WAITING
    stopped: threading.Event = field(default_factory=threading.Event)


class Downloads:
    """The queue of downloads. Any thread may call, and nothing here waits for the network but `quote`."""

    def __init__(self, settings: Settings, store: Store, hub: Hub | None = None) -> None:
        self._hub = hub or Hub(settings, store)
        self._store = store
        self._queue: list[_Download] = []
        self._troubles: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def quote(self, card: ModelCard) -> Quote:
        """What a download would take: asks the hub. Raises `Refusal` for a card that has no files."""
        return self._hub.quote(card)

    def start(self, card: ModelCard) -> None:
        """Begin, or go on with, a download; nothing when it is under way or all is here. Raises `Refusal` for a card
        that has no files; whatever the hub says later is in `trouble`."""
        require_checkpoint(card)
        if self._store.check(card).state != "here":
            self._append(_Download(card))

    def convert(self, card: ModelCard, convert: Callable[[Tick], None]) -> None:
        """Convert a card's files in its turn: stopped, shown and failed like a download."""
        self._append(_Download(card, convert))

    def is_converting(self, card: ModelCard) -> bool:
        """Whether what is under way, or waits, for a card is a conversion."""
        with self._lock:
            return any(one.card.id == card.id and one.convert is not None for one in self._queue)

    def _append(self, wanted: _Download) -> None:
        card = wanted.card
        with self._lock:
            self._troubles.pop(card.id, None)
            if any(download.card.id == card.id and not download.stopped.is_set() for download in self._queue):
                return
            self._queue.append(wanted)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="downloads", daemon=True)
                self._thread.start()

    def stop(self, card: ModelCard) -> None:
        """Stop a download, or take it out of the queue. What has arrived stays; `start` goes on from there."""
        with self._lock:
            for download in self._queue:
                if download.card.id == card.id:
                    download.stopped.set()

    def progress(self, card: ModelCard) -> Progress | None:
        """How far a download is: stage "load" in MB, "wait" before its turn; None when there is none."""
        with self._lock:
            return next((download.progress for download in self._queue if download.card.id == card.id), None)

    def trouble(self, card: ModelCard) -> tuple[str, str]:
        """What went wrong with the last download of a card, and the remedy; two empty strings when nothing did."""
        with self._lock:
            return self._troubles.get(card.id, ("", ""))

    def close(self) -> None:
        """Stop everything and wait until it has stopped. Safe to call twice."""
        with self._lock:
            for download in self._queue:
                download.stopped.set()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._thread = None
                    return
                download = self._queue[0]
            trouble = self._run(download)
            with self._lock:
                self._queue.remove(download)
                if trouble:
                    self._troubles[download.card.id] = trouble

    def _run(self, download: _Download) -> tuple[str, str] | None:
        """One download to its end. Returns what went wrong."""

        def tick(progress: Progress) -> None:
            if download.stopped.is_set():
                raise Stopped
            download.progress = progress

        try:
            if download.convert is not None:
                download.convert(tick)
                return None
            tick(Progress("load", note="asking the hub"))
            fetch(self._hub, download.card, tick)
        except Stopped:
            return None
        except Refusal as refused:
            return refused.reason, refused.remedy
        except Exception as error:  # a fault of ours must not end the downloads that wait
            what = "conversion" if download.convert else "download"
            return f"The {what} has failed ({type(error).__name__}: {error}).", "Try again."
        return None
