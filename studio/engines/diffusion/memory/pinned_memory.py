"""Pinned (page-locked) host memory: the only kind from which a GPU copies at the full rate of its bus.

Plain pages are registered with the driver (cudaHostRegister) rather than had from PyTorch's pinned allocator, which
rounds a size up to the next power of two and keeps what is let go of. On one H100: 54.7 GB/s from pinned memory to the
GPU, 8.5 from plain memory; pinning new memory takes 1.65 GB/s, so it is done once for a set of weights.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import torch

CHUNK = 256 * 1024 * 1024
"""Bytes that are pinned at a time: what is there twice for a moment."""

STAGE = 64 * 1024 * 1024
"""Bytes of each of the two pinned buffers through which plain memory goes to a GPU."""

LEAST_STAGED = 4 * 1024 * 1024
"""Bytes from which a plain tensor goes through the pinned buffers; a smaller one is copied as it is."""

ALIGNED = 256
PORTABLE = 1
"""cudaHostRegisterPortable: pinned for every GPU of the machine."""


class PinnedMemory(mmap.mmap):
    """Memory of our own, registered with the device's driver, until the last tensor that lies in it is gone."""

    held: ClassVar[dict[int, int]] = {}
    """Address and bytes of each that is there."""

    address = 0
    device: torch.device | None = None

    @classmethod
    def allocate(cls, size: int, device: torch.device) -> torch.Tensor | None:
        """`size` bytes, as a uint8 tensor that keeps them; None where the driver or the system has none to give.

        For a processor that stands for a GPU there is no driver, and nothing to register.
        """
        try:
            memory = cls(-1, size) if os.name == "nt" else cls(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            if hasattr(mmap, "MADV_HUGEPAGE"):
                with contextlib.suppress(OSError):
                    memory.madvise(mmap.MADV_HUGEPAGE)  # a 512th of the page faults
        except OSError:
            return None
        tensor = torch.frombuffer(memory, dtype=torch.uint8)
        if device.type != "cpu" and not _register(tensor, device):
            return None
        memory.device, memory.address = device, tensor.data_ptr()
        cls.held[memory.address] = size
        return tensor

    def __del__(self) -> None:
        if self.held.pop(self.address, 0) and self.device is not None and self.device.type != "cpu":
            with contextlib.suppress(Exception):  # at the program's end the driver may be gone before
                torch.get_device_module(self.device).synchronize(self.device)  # no copy from here is under way
                cudart: Any = torch.cuda.cudart()
                cudart.cudaHostUnregister(self.address)


def _register(tensor: torch.Tensor, device: torch.device) -> bool:
    """Register a tensor's pages with the driver. Where it can't, its error is cleared for this thread's next call."""
    with contextlib.suppress(Exception):
        cudart: Any = torch.cuda.cudart()
        with torch.get_device_module(device).device(device):
            if int(cudart.cudaHostRegister(tensor.data_ptr(), tensor.numel(), PORTABLE)) == 0:
                return True
    with contextlib.suppress(RuntimeError):
        torch.zeros(1, device=device)
    return False


def count_pinned_bytes() -> int:
    """Bytes that are pinned now, for all devices."""
    return sum(list(PinnedMemory.held.values()))


def is_pinned(tensor: torch.Tensor) -> bool:
    """Whether a tensor lies in pinned memory, ours or PyTorch's."""
    return tensor.untyped_storage().data_ptr() in PinnedMemory.held or bool(tensor.is_pinned())


def is_pinnable(tensor: torch.Tensor) -> bool:
    """Whether a tensor can be pinned and isn't. One whose numbers aren't in order (channels last) stays as it is."""
    return tensor.numel() > 0 and tensor.is_contiguous() and not is_pinned(tensor)


def split_chunks(sizes: Sequence[int]) -> Iterator[range]:
    """Indices of neighbouring tensors of these bytes that are pinned together: up to `CHUNK`, or one alone."""
    first = total = 0
    for index, size in enumerate(sizes):
        if total and total + size > CHUNK:
            yield range(first, index)
            first, total = index, 0
        total += size
    if first < len(sizes):
        yield range(first, len(sizes))


class Pinner:
    """Pins weights for one device, in a thread of its own. `find_most` says how many bytes more may be pinned."""

    def __init__(self, device: torch.device, find_most: Callable[[], int]) -> None:
        self.device, self._find_most = device, find_most
        self._lock = threading.Lock()
        self._queue: list[Callable[[], None]] = []
        self._thread: threading.Thread | None = None

    def pin(self, tensors: Sequence[torch.Tensor]) -> list[torch.Tensor] | None:
        """Copies of these in pinned memory, side by side; None where that goes over the budget or can't be had."""
        starts = [0]
        for tensor in tensors:
            size = tensor.numel() * tensor.element_size()
            starts.append(starts[-1] + -(-size // ALIGNED) * ALIGNED)
        memory = PinnedMemory.allocate(starts[-1], self.device) if 0 < starts[-1] <= self._find_most() else None
        if memory is None:
            return None
        copies: list[torch.Tensor] = []
        for tensor, (start, _) in zip(tensors, pairwise(starts), strict=True):
            place = memory[start : start + tensor.numel() * tensor.element_size()]
            copies.append(place.view(tensor.dtype).view(tensor.shape).copy_(tensor) if tensor.numel() else tensor)
        return copies

    def do_later(self, work: Callable[[], None]) -> None:
        """Have this done in the background, after what was asked for before: nobody waits for weights to be pinned."""
        with self._lock:
            self._queue.append(work)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="pin weights", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._thread = None
                    return
                work = self._queue.pop(0)
            with contextlib.suppress(Exception), torch.no_grad():  # unpinned they come more slowly, and that is all
                work()

    def wait(self) -> None:
        """Wait until all that was asked for is pinned, or can't be."""
        thread = self._thread
        if thread is not None:
            thread.join()


class Stage:
    """Copies tensors in host memory to one device: pinned ones at once, plain ones through two pinned buffers in turn.

    One thread at a time. Copies are queued on the device's present stream; who runs there next finds them done.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._buffers: list[torch.Tensor] | None = None
        self._events: list[Any] = [None, None]

    def copy(self, host: torch.Tensor) -> torch.Tensor:
        """A new tensor on the device with this one's numbers."""
        size = host.numel() * host.element_size()
        if size >= LEAST_STAGED and host.is_contiguous() and not is_pinned(host) and self._find_buffers():
            return self._copy_staged(host)
        return host.to(self.device, non_blocking=is_pinned(host), copy=True)

    def _find_buffers(self) -> list[torch.Tensor]:
        """The two buffers, allocated at first use; none where memory can't be pinned."""
        if self._buffers is None:
            made = [PinnedMemory.allocate(STAGE, self.device) for _ in range(2)]
            self._buffers = [one for one in made if one is not None] if None not in made else []
        return self._buffers

    def _copy_staged(self, host: torch.Tensor) -> torch.Tensor:
        there = torch.empty_like(host, device=self.device)
        source, target = host.view(-1).view(torch.uint8), there.view(-1).view(torch.uint8)
        for number, start in enumerate(range(0, source.numel(), STAGE)):
            turn, part = number % 2, source[start : start + STAGE]
            if self._events[turn] is not None:
                self._events[turn].synchronize()  # the buffer's last content has arrived
            buffer = self._find_buffers()[turn][: part.numel()]
            buffer.copy_(part)
            target[start : start + STAGE].copy_(buffer, non_blocking=True)
            if self.device.type != "cpu":
                self._events[turn] = torch.get_device_module(self.device).Event()
                self._events[turn].record(torch.get_device_module(self.device).current_stream(self.device))
        return there
