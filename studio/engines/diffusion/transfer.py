"""Files from a hub to the disk: several at once, gone on with where they stopped, and checked as they arrive.

Knows HTTP ranges and checksums. Refuses to know which files, and what they are for.
Why not `snapshot_download`: huggingface_hub 2.4 gives each attempt a temporary file of its own and deletes it when the attempt
ends, over plain HTTPS and over Xet alike (`_download_to_tmp_and_move`), so a stopped download would begin again at nothing. What
a hub keeps in Xet it serves over plain HTTPS too, which is the way taken here.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
import time
from collections import deque
from glob import escape
from pathlib import Path
from typing import IO

from studio.engines.base import Tick
from studio.engines.diffusion import answers, shares, whole, wire
from studio.engines.diffusion.parcel import File, Parcel, half
from studio.library import disk as room
from studio.nouns import Progress, Refusal

ABREAST = 4
"""Files at once: one connection seldom fills a line."""

SEGMENT = 8_000_000_000
"""Bytes asked for at once: signed addresses expire, and some servers refuse more than 50 GB in one answer."""

TRIES = 5
"""Times in a row that a connection may break without a byte having come."""


class _Halted(Exception):
    """The user has stopped, or another file has failed."""


class Transfer:
    """One download. `pause` is how long the first wait before trying again takes, in seconds; each next one is twice as long."""

    def __init__(self, parcels: tuple[Parcel, ...], tick: Tick, pause: float = 1.0) -> None:
        self._todo: queue.SimpleQueue[tuple[Parcel, File]] = queue.SimpleQueue()
        self._tick, self._pause = tick, pause
        self._halt, self._lock = threading.Event(), threading.Lock()
        self._errors: list[Exception] = []
        self._begun = time.monotonic()
        self._total = self._done = 0
        for parcel in parcels:
            for file in sorted(parcel.missing, key=lambda one: one.size):
                self._todo.put((parcel, file))
                self._total += file.size
                self._done += whole.length(half(parcel.folder / file.path, file)) or 0
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
        note = f"{room.size(done)} of {room.size(self._total)}" + (f", {room.size(round(speed))} a second" if speed > 0 else "")
        left = (self._total - done) / speed if speed > 0 else None
        return Progress("load", done // 1_000_000, -(-self._total // 1_000_000), note, now - self._begun, left)

    def _work(self) -> None:
        while not self._halt.is_set():
            try:
                parcel, file = self._todo.get_nowait()
            except queue.Empty:
                return
            try:
                self._fetch(parcel, file)
            except _Halted:
                return
            except Exception as error:
                self._errors.append(answers.refusal(error, parcel.repo))
                self._halt.set()

    def _fetch(self, parcel: Parcel, file: File) -> None:
        path = parcel.folder / file.path
        part = half(path, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in path.parent.glob(f"{escape(path.name)}.*{shares.UNFINISHED}"):
            if old != part:  # of another commit: nothing can be made of it any more
                old.unlink()
        with part.open("ab") as handle:
            if handle.tell() > file.size:
                self._shrink(handle)
            self._fill(parcel, file, handle)
        if file.etag and self._sum(part, file) != file.etag:
            part.unlink()
            raise Refusal(f"{file.path} has arrived damaged.", "Download it again: only that file is fetched.")
        os.replace(part, path)  # noqa: PTH105  (replaces also on Windows)

    def _fill(self, parcel: Parcel, file: File, handle: IO[bytes]) -> None:
        """Ask again and again, each time for what isn't there yet, as long as something comes now and then."""
        tries = 0
        while (before := handle.tell()) < file.size:
            trouble: Exception | None = None
            try:
                self._stream(parcel, file, handle)
            except Exception as error:
                if not answers.passing(error):
                    raise
                trouble = error
            tries = 0 if handle.tell() > before else tries + 1
            if tries >= TRIES:
                raise trouble or Refusal(f"{file.path} doesn't arrive.", "Try again later: what has arrived is kept.")
            if (trouble or tries) and self._halt.wait(self._pause * 2**tries):
                raise _Halted

    def _stream(self, parcel: Parcel, file: File, handle: IO[bytes]) -> None:
        """One answer of the hub, written as it comes. A broken connection raises; what has come stays."""
        from huggingface_hub.utils import hf_raise_for_status

        start = handle.tell()
        last = min(start + SEGMENT, file.size) - 1
        with wire.stream(wire.file(parcel.repo, parcel.commit, file.path), start, last) as answer:
            hf_raise_for_status(answer)
            if start and answer.status_code != 206:
                self._shrink(handle)
            for chunk in answer.iter_raw():
                if self._halt.is_set():
                    raise _Halted
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

    def _sum(self, part: Path, file: File) -> str:
        """What the content of a file that has come is known by, in the same way as its etag."""
        large = len(file.etag) == 64
        found = hashlib.sha256() if large else hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
        with part.open("rb") as handle:
            while chunk := handle.read(1 << 22):
                if self._halt.is_set():
                    raise _Halted
                found.update(chunk)
        return found.hexdigest()
