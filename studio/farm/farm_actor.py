"""What runs on a worker's machine: it renders the shots it is sent, one at a time, and keeps the files until they are
fetched.

It has engines and a scratch folder, and no database, library or token. Ray calls its methods from several threads:
`run` lasts as long as its clip, the others answer beside it, so that a job is followed and stopped while it runs.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from studio import config
from studio.cards import ModelCard
from studio.clip.child_processes import SECRETS
from studio.config import Settings
from studio.engines.base import Engine, Image, Shelf, Stopped
from studio.engines.prepare import prepare
from studio.farm.farm_values import TASK, Look, Made, SentFile, Task, Unmade, name_protocol
from studio.farm.worker_report import describe_worker
from studio.jobs.clip_maker import describe_clip
from studio.jobs.clip_renderer import ClipRenderer, explain_error, require_room
from studio.library.logbook import trace
from studio.nouns import Progress, Refusal

PIECE = 4 << 20
"""Bytes of a finished file that are sent at once."""

SENT = re.compile(r"(depths|mattes)/[0-9a-f]{64}\.png|attachments/[0-9a-f]{64}")
"""What comes with a shot, under the names that its home folder gives it: maps of its photo, music, voice and logo."""

FIRST = Progress("load")


class Attempt:
    """One task under way or held ready: its folder, how far it is, and whether it was told to stop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.progress, self.ticks = FIRST, 0
        self.stopped = threading.Event()

    def tick(self, progress: Progress) -> None:
        """Note how far the task is. Raises `Stopped` once it was told to stop."""
        if self.stopped.is_set():
            raise Stopped
        self.progress, self.ticks = progress, self.ticks + 1


class FarmActor:
    """One worker: `is_gpu` says whether it has a GPU, `cores` how many it may use; `cards` are the models on offer, as
    JSON, and `engines` makes the engine of a card.
    """

    def __init__(
        self, cards: bytes, engines: Callable[[ModelCard, Settings], Engine], is_gpu: bool, cores: int
    ) -> None:
        for name in SECRETS:
            os.environ.pop(name, None)
        self._settings = config.read()
        self._settings.prepare()
        self._cards = msgspec.json.decode(cards, type=tuple[ModelCard, ...])
        self._make, self._is_gpu, self._cores = engines, is_gpu, cores
        self._engines: dict[str, Engine] = {}
        self._making, self._working = threading.RLock(), threading.Lock()
        self._room = self._settings.cache / "farm" / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._attempts: dict[str, Attempt] = {}
        self._renderer = ClipRenderer(self._find_engine, lambda given: self._room / "attachments" / given.id)
        _sweep(self._room.parent)
        self._room.mkdir(parents=True)

    def _find_engine(self, card: ModelCard) -> Engine:
        with self._making:
            if card.engine not in self._engines:
                self._engines[card.engine] = self._make(card, self._settings)
            return self._engines[card.engine]

    def describe(self) -> tuple[str, bytes]:
        """The protocol spoken here, and a `WorkerReport` as JSON."""
        report = describe_worker(self._cards, self._find_engine, self._is_gpu, self._cores)
        return name_protocol(), msgspec.json.encode(report)

    def ping(self) -> None:
        """Answer."""

    def run(self, task: bytes, image: Image, end: Image | None, sent: dict[str, bytes]) -> bytes:
        """Make a `Task`'s clip of a mended photo, (H, W, 3) uint8 RGB. Returns an `Outcome` as JSON; never raises for
        what goes wrong with the clip.
        """
        asked = TASK.decode(task)
        attempt = self._attempts.setdefault(asked.attempt, Attempt(self._room / asked.attempt))
        try:
            with self._working:
                attempt.folder.mkdir()
                self._take_files(sent)
                made: Made | Unmade = self._render(asked, attempt, np.array(image), None if end is None else end.copy())
        except Stopped:
            made = Unmade(stopped=True)
        except Exception as error:
            why = explain_error(error)
            made = Unmade(reason=why.reason, remedy=why.remedy) if why else Unmade(fault=trace(error))
        if isinstance(made, Unmade):
            self.drop(asked.attempt)
        return msgspec.json.encode(made)

    def _render(self, task: Task, attempt: Attempt, image: Image, end: Image | None) -> Made:
        attempt.tick(FIRST)
        began = time.monotonic()
        prepared = prepare(task.job.shot, task.card)
        require_room(prepared.plan, task.job.shot, attempt.folder)
        done = self._renderer.render(prepared, image, end, attempt.folder, attempt.tick)
        clip = describe_clip(task.job, done.encoded, done.choices, time.monotonic() - began, memory=done.memory)
        return Made(clip, tuple(_seal(file) for file in (done.encoded.file, done.encoded.poster)))

    def _take_files(self, sent: dict[str, bytes]) -> None:
        """Keep what goes with a shot where it is looked for."""
        for name, data in sent.items():
            if not SENT.fullmatch(name):
                raise Refusal("A file with an impossible name was sent.", "Use the same version of Stir everywhere.")
            place = (self._room if name.startswith("attachments/") else self._settings.home) / name
            if not place.is_file():
                place.parent.mkdir(exist_ok=True)
                part = place.with_suffix(f".{uuid.uuid4().hex[:8]}.part")
                part.write_bytes(data)
                part.replace(place)

    def look(self, attempt: str) -> bytes:
        """How far a task is, a `Look` as JSON; with no ticks where it hasn't arrived."""
        found = self._attempts.get(attempt)
        return msgspec.json.encode(Look(found.ticks, found.progress) if found else Look(0, FIRST))

    def stop(self, attempt: str) -> None:
        """Have a task's next tick raise, also where the task has yet to arrive."""
        self._attempts.setdefault(attempt, Attempt(self._room / attempt)).stopped.set()

    def expect(self, model: str) -> None:
        """Have a model loaded ahead, where there is room for it."""
        card = next((one for one in self._cards if one.id == model), None)
        if card:
            self._renderer.expect(card)

    def read(self, attempt: str, name: str, offset: int) -> bytes:
        """A piece of a finished file, from this byte on."""
        with (self._attempts[attempt].folder / Path(name).name).open("rb") as file:
            file.seek(offset)
            return file.read(PIECE)

    def drop(self, attempt: str) -> None:
        """Forget a task, and delete its files."""
        found = self._attempts.pop(attempt, None)
        if found:
            shutil.rmtree(found.folder, ignore_errors=True)

    def close(self) -> None:
        """Let go of all memory and files."""
        for attempt in list(self._attempts.values()):
            attempt.stopped.set()
        for engine in self._engines.values():
            if isinstance(engine, Shelf):
                engine.close()
        shutil.rmtree(self._room, ignore_errors=True)


def _seal(file: Path) -> SentFile:
    with file.open("rb") as opened:
        return SentFile(file.name, file.stat().st_size, hashlib.file_digest(opened, "sha256").hexdigest())


def _sweep(folder: Path) -> None:
    """Delete what workers left whose process has ended."""
    import psutil

    for left in folder.glob("*-*"):
        pid = left.name.partition("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
