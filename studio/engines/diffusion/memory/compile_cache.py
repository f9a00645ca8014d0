"""torch.compile's own cache in the home folder: what was compiled is found again by the next process; bounded in size.

torch (2.13) keeps graphs (FX graph cache, AOT autograd cache) and kernels, Triton's too, under TORCHINDUCTOR_CACHE_DIR:
by itself in the system's temporary folder, which is cleared. Also what a machine lacks for compiling at all.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from studio.config import Settings

MOST_BYTES = 2_000_000_000
"""Bytes of the cache that are kept: the blocks of a model at one size take some megabytes."""

MOST_SIZES = 64
"""Sizes and lengths for which one block is compiled in a process; torch's own limit is 8."""

NAME = "TORCHINDUCTOR_CACHE_DIR"
TORCH_DEFAULT = "torchinductor_"
"""How the folder's name begins that torch sets by itself as soon as its compiler is imported: no word of the user's."""

_set = [""]  # what was set here before
_faults: list[str] = []


def keep_compiled(settings: Settings, most: int = MOST_BYTES) -> Path:
    """Have torch keep what it compiles in the home folder's cache, and sweep that; to be called before compiling.

    A folder that the user's environment names stays as it is, unswept. Returns the folder.
    """
    now = os.environ.get(NAME, "")
    if now not in ("", *_set) and not Path(now).name.startswith(TORCH_DEFAULT):
        return Path(now)
    folder = settings.cache / "compiled"
    _set[0] = os.environ[NAME] = str(folder)
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder, most)
    return folder


def allow_sizes() -> None:
    """Have torch compile a block for up to `MOST_SIZES` sizes of clips; beyond, it runs as it is, silently."""
    import torch._dynamo as dynamo

    dynamo.config.recompile_limit = max(MOST_SIZES, dynamo.config.recompile_limit)


@cache
def guard_backend(name: str) -> Callable[..., Any]:
    """torch.compile's backend `name`; a graph that it fails on runs as it is, and `list_faults` says why.

    The same for the same name: torch compares backends to know what it has compiled.
    """

    def compile_or_run(graph: Any, inputs: Any) -> Callable[..., Any]:
        import torch
        from torch._dynamo.backends.registry import lookup_backend

        try:
            return lookup_backend(name)(graph, inputs)
        except torch.OutOfMemoryError:
            raise
        except Exception as fault:  # a compiler may fail in any way, and none of them may cost a run
            logging.getLogger(__name__).warning("blocks run uncompiled", exc_info=fault)
            _faults.append(f"{type(fault).__name__}: {(str(fault).strip().splitlines() or [''])[0][:120]}")
            return graph.forward

    return compile_or_run


def list_faults() -> tuple[str, ...]:
    """Why graphs couldn't be compiled in this process, the last one last."""
    return tuple(_faults)


def sweep(folder: Path, most: int) -> int:
    """Remove the files that were used longest ago until no more than `most` bytes are left; returns the bytes freed.

    torch takes a file that is gone for one that never was, and compiles again.
    """
    found: list[tuple[float, int, Path]] = []
    for file in folder.rglob("*"):
        with suppress(OSError):
            stat = file.stat()
            if file.is_file():
                found.append((max(stat.st_atime, stat.st_mtime), stat.st_size, file))
    freed, over = 0, sum(size for _, size, _ in found) - most
    for _, size, file in sorted(found):
        if freed >= over:
            break
        with suppress(OSError):
            file.unlink()
            freed += size
    return freed


def find_missing_compiler(device: str) -> str:
    """What torch.compile would miss on `device` ("cuda:0", "cpu"), in words; "" where nothing."""
    windows = sys.platform == "win32"
    if not device.startswith("cpu"):
        if find_spec("triton") is None:
            return f"it needs the package {'triton-windows' if windows else 'triton'}"
        if windows:
            return ""  # triton-windows brings a compiler of its own
        headers = Path(sysconfig.get_paths()["include"], "Python.h").is_file()
        if not _find_program("CC", "gcc", "clang", "cc"):
            return "it needs a C compiler on this machine (gcc or clang)"
        return "" if headers else "it needs Python's headers on this machine (the package python3-dev)"
    if windows:
        return "" if _find_program("CXX", "cl") else "it needs a C++ compiler on this machine (Visual Studio's)"
    return "" if _find_program("CXX", "g++", "clang++", "c++") else "it needs a C++ compiler on this machine"


def _find_program(variable: str, *names: str) -> str | None:
    wanted = os.environ.get(variable)
    return shutil.which(wanted) if wanted else next(filter(None, map(shutil.which, names)), None)
