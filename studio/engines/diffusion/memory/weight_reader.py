"""Reads weight files straight into tensors, once, cast as they arrive, by several threads.

A file that is mapped costs a page fault for each 4 kB, and one that is cast by `tensor.to` is in memory twice. Here
each thread reads a piece at a time: where the dtype stays, into the tensor's own memory, else into a small buffer, from
which it is cast there.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

import torch

from studio.engines.diffusion.files.safetensors_header import DamagedFile, StoredTensor

DTYPES = {
    "BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "I16": torch.int16, "I32": torch.int32, "I64": torch.int64,
    "F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
}  # fmt: skip
"""torch's dtypes, by safetensors' names. The others have no cast in torch."""

PIECE = 4 * 1024 * 1024
"""Bytes read at once by a thread: milliseconds, between two looks at whether the load was stopped."""

GRAIN = 32_768
"""Numbers cast at once: up to so many PyTorch casts in the calling thread (at::internal::GRAIN_SIZE), beyond it would
wake its own threads for each piece.
"""

MOST_THREADS = 8
POLL = 0.05
"""Seconds between two reports while a batch is read."""


class Fill(NamedTuple):
    """A tensor that a stored one is read into: contiguous, of its shape, of any dtype, on any device."""

    source: StoredTensor
    target: torch.Tensor


class _Piece(NamedTuple):
    batch: int
    fill: Fill
    start: int
    size: int


class WeightReader:
    """Threads that fill tensors, batch after batch. `wait` for each in turn, within `with`, which ends the threads.

    `done` counts the bytes read of all batches. A failure of one thread ends all, and comes out of `wait`.
    """

    def __init__(self, batches: Sequence[Sequence[Fill]], threads: int = 0) -> None:
        self.done = 0
        self._left = [sum(fill.source.size for fill in batch) for batch in batches]
        self._pieces = _cut(batches)
        self._changed = threading.Condition()
        self._stopped = False
        self._error: BaseException | None = None
        count = threads or count_threads()
        self._crew = [threading.Thread(target=self._work, name="weights", daemon=True) for _ in range(count)]

    def __enter__(self) -> Self:
        for one in self._crew:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        for one in self._crew:
            one.join()

    def wait(self, batch: int, report: Callable[[], None]) -> None:
        """Wait until a batch is filled, calling `report` meanwhile, which may raise to stop. Raises `DamagedFile`."""
        while True:
            report()
            with self._changed:
                if self._error is None and self._left[batch]:
                    self._changed.wait(POLL)
                if self._error is not None:
                    raise self._error
                if not self._left[batch]:
                    return

    def _work(self) -> None:
        files = _Files()
        try:
            with files:
                while (work := self._take()) is not None:
                    for piece in work:
                        files.fill(piece.fill, piece.start, piece.size)
                    with self._changed:
                        self.done += sum(piece.size for piece in work)
                        for piece in work:
                            self._left[piece.batch] -= piece.size
                        self._changed.notify_all()
        except BaseException as error:  # whoever waits raises it again
            with self._changed:
                self._error = self._error or error
                self._stopped = True
                self._changed.notify_all()

    def _take(self) -> list[_Piece] | None:
        with self._changed:
            return None if self._stopped else next(self._pieces, None)


def count_threads() -> int:
    """How many threads read at once."""
    return min(MOST_THREADS, max(2, os.cpu_count() or 1))


def read_now(fills: Sequence[Fill]) -> None:
    """Fill tensors in this thread. Raises `DamagedFile`."""
    with _Files() as files:
        for fill in fills:
            files.fill(fill, 0, fill.source.size)


def _cut(batches: Sequence[Sequence[Fill]]) -> Iterator[list[_Piece]]:
    """Work for one thread at a time: a piece of a large tensor, or several small ones, of one batch."""
    for number, batch in enumerate(batches):
        some: list[_Piece] = []
        size = 0
        for fill in batch:
            for start in range(0, fill.source.size, PIECE):
                some.append(_Piece(number, fill, start, min(PIECE, fill.source.size - start)))
                size += some[-1].size
                if size >= PIECE:
                    yield some
                    some, size = [], 0
        if some:
            yield some


class _Files:
    """The files that one thread reads, kept open, and its buffer."""

    def __init__(self) -> None:
        self._open: dict[Path, BinaryIO] = {}
        self._stack = ExitStack()
        self._scratch: torch.Tensor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def fill(self, fill: Fill, start: int, size: int) -> None:
        """Read the bytes `start` to `start` + `size` of a stored tensor into its target."""
        source, target = fill
        dtype = DTYPES[source.dtype]
        for first in range(start, start + size, PIECE):
            count = min(PIECE, start + size - first)
            if target.dtype == dtype and target.device.type == "cpu":
                here = target.view(-1).view(torch.uint8)[first : first + count]
                self._read(source, first, here)
                continue
            if self._scratch is None:
                self._scratch = torch.empty(PIECE, dtype=torch.uint8)
            here = self._scratch[:count]
            self._read(source, first, here)
            numbers = here.view(dtype)
            place = first // dtype.itemsize
            to = target.view(-1)[place : place + numbers.numel()]
            for one, other in zip(to.split(GRAIN), numbers.split(GRAIN), strict=True):
                one.copy_(other)

    def _read(self, source: StoredTensor, first: int, here: torch.Tensor) -> None:
        """Fill bytes of memory with what is in the file. Raises `DamagedFile` where it ends before."""
        view = memoryview(here.numpy())
        try:
            handle = self._open.get(source.file)
            if handle is None:
                handle = self._open[source.file] = self._stack.enter_context(source.file.open("rb", buffering=0))
            handle.seek(source.start + first)
            while view:
                count = handle.readinto(view)  # type: ignore[attr-defined]
                if not count:
                    raise DamagedFile(f"{source.file.name} is cut short: it ends at {handle.tell():,} bytes")
                view = view[count:]
        except OSError as error:
            if error.errno == errno.ENOMEM:
                raise
            raise DamagedFile(f"{source.file.name} can't be read: {error.strerror}") from error
