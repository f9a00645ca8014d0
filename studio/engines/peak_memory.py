"""The most memory a run takes: on a GPU by PyTorch's own count, else how far the process grows (20 looks a second).

ffmpeg is a process of its own and isn't counted.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
from types import TracebackType
from typing import Any

SAMPLE_SECONDS = 0.05


class PeakMemory:
    """Watches this process while it is entered; `bytes` says the most that was taken.

    On the processor it is counted from what the process took before its first run, without what other models hold
    (`others`, bytes): so a clip whose photo was read before counts like the one that read it. On a GPU all that is
    allocated on it (`device`, by default on any) counts where the run has a model of its own (`has_model`), else what
    comes on top.
    """

    def __init__(self, others: int = 0, has_model: bool = False, device: int | None = None) -> None:
        import psutil

        _return_freed()
        self._process = psutil.Process()
        self._most = self._process.memory_info().rss
        self._least = _recall_first(self._most) + others
        self._has_model = has_model
        self._device = device
        self._first_gpu = _count_gpu_bytes(device, reset=True)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="peak-memory", daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self._look()

    def _look(self) -> None:
        self._most = max(self._most, self._process.memory_info().rss)

    @property
    def bytes(self) -> int:
        """The most so far: of the GPU's memory where any of it was taken, else of the system's."""
        self._look()
        gpu = _count_gpu_bytes(self._device) - (0 if self._has_model else self._first_gpu)
        return gpu if gpu > 0 else max(0, self._most - self._least)


_first: list[int] = []


def _recall_first(now: int) -> int:
    """Bytes that the process took when the first of its runs began."""
    if not _first:
        _first.append(now)
    return _first[0]


def _return_freed() -> None:
    """Have the C library give back what runs before have freed, where it can (glibc): what is kept hides growth."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _count_gpu_bytes(device: int | None, reset: bool = False) -> int:
    """The most bytes PyTorch has allocated on a GPU, or on any of them, since the last `reset`; 0 where it hasn't begun
    to use one.
    """
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return 0
    every = range(torch.cuda.device_count()) if device is None else (device,)
    if reset:
        for one in every:
            torch.cuda.reset_peak_memory_stats(one)
    return max((int(torch.cuda.max_memory_allocated(one)) for one in every), default=0)
