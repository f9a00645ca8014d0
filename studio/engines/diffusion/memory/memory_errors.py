"""Out-of-memory errors: which memory an error says ran out, the GPU's or the system's; and freeing what a failure left
behind.

What is tried after one is in run/out_of_memory.py. Imports without torch.
"""

from __future__ import annotations

import errno
import gc
import sys
from typing import Literal

Memory = Literal["video", "system"]

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
