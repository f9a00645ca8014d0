"""Out-of-memory errors: which memory an error says ran out, the GPU's or the system's; and giving back what allocators
keep: after a failure, and after a job.

What is tried after one is in run/out_of_memory.py. Imports without torch.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import sys
import traceback
from contextlib import suppress
from typing import Literal

from studio.engines.base import Stopped

Memory = Literal["video", "system"]

SPARE_SHARE = 0.1
"""Of a device's memory, what PyTorch may keep reserved and unused after a job; beyond, it goes back to the driver."""

_VIDEO = (
    "cuda out of memory", "cuda error: out of memory", "cublas_status_alloc_failed", "cudnn_status_alloc_failed",
    "cudnn_status_not_enough_workspace", "cuda error: invalid device allocation", "hip out of memory",
)  # fmt: skip
_SYSTEM = (
    "defaultcpuallocator", "can't allocate memory", "cannot allocate memory",
    "not enough memory: you tried to allocate", "cannot pin", "cudahostalloc",
)  # fmt: skip


def find_exhausted(error: BaseException | None) -> Memory | None:
    """Which memory ran out, if that is what this error, or one it was raised from, says; None for any other error.

    "video" is the GPU's: torch.OutOfMemoryError and the RuntimeErrors by which cuBLAS and cuDNN say the same. "system"
    is the machine's: MemoryError, ENOMEM, and what PyTorch's CPU allocator says in a RuntimeError.
    """
    while error is not None:
        found = _classify(error)
        if found:
            return found
        error = error.__cause__
    return None


def _classify(error: BaseException) -> Memory | None:
    torch = sys.modules.get("torch")  # an error of torch's can only come from a torch that is there
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return "video"
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return "system"
    message = str(error).lower() if isinstance(error, RuntimeError) else ""
    if any(phrase in message for phrase in _SYSTEM):
        return "system"
    return "video" if any(phrase in message for phrase in _VIDEO) else None


def empty_frames(error: BaseException | None) -> None:
    """Let go of what the frames hold that an error, and what it was raised from, have come through: half a model, a
    decoder's cache. An error may be kept for long, and Python finds a cycle that it is in late.

    Of a stop, and where memory ran out, the whole traceback goes: frames of PyTorch's modules keep what they were
    called with, however they are emptied. Elsewhere the log wants its lines.
    """
    told = isinstance(error, Stopped) or find_exhausted(error) is not None
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        traceback.clear_frames(error.__traceback__)
        if told:
            error.__traceback__ = None
        error = error.__cause__ or error.__context__


def collect_garbage() -> None:
    """Free what a failed attempt left behind: reference cycles first, then the blocks that PyTorch's GPU allocator
    caches.
    """
    gc.collect()
    empty_device_cache()


def empty_device_cache() -> None:
    """Give the blocks that PyTorch's GPU allocator caches back to the driver; what is in use stays."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def give_back_memory(device: str, total: int) -> None:
    """After a job: give other programs the memory that nothing uses. `total`: bytes of the device's memory.

    The device's, where PyTorch keeps more than a share of it unused (59 GB were reserved for 30 in use, on one H100);
    pinned blocks it keeps for the next copy; and what the C library keeps of the host's (glibc, where there is one).
    """
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and device != "cpu":
        if torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device) > SPARE_SHARE * total:
            torch.cuda.empty_cache()
        if hasattr(torch.accelerator, "empty_host_cache"):
            torch.accelerator.empty_host_cache()
    with suppress(AttributeError, OSError, TypeError):  # another C library has no such function
        ctypes.CDLL(None).malloc_trim(0)
