"""How torch, diffusers and the like are imported: xFormers finds the CUDA runtime it links, their messages go to a log
file instead of the terminal.

The file is logs/libraries.log in the home folder. Messages are cut at the first quotation, colon or path, since what
follows may be a file's name or the user's words.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import logging
import re
import sys
import warnings
from importlib.util import find_spec
from logging.handlers import RotatingFileHandler
from pathlib import Path

from studio.hung_threads import WorkLock

LIBRARIES = ("torch", "torchao", "diffusers", "transformers", "xformers", "accelerate", "peft", "huggingface_hub")
LARGEST = 256 * 1024
"""Bytes of the log file; one older one is kept."""
LONGEST = 160
"""Characters of a message."""

RUNTIME = "libcudart.so.12"
"""The CUDA runtime that xFormers 0.0.35's kernels are linked with (`readelf -d _C.so`); torch 2.13 brings CUDA 13's."""

_HEAD = re.compile(r"^warning[^:]*:\s*", re.IGNORECASE)
_PRIVATE = re.compile(r"([:\"'\[\n]|\s[/~]|\b[A-Z]:\\).*", re.DOTALL)
_importing = WorkLock()
_log: list[logging.Handler] = []

warnings.filterwarnings("ignore", module=rf"({'|'.join(LIBRARIES)})\b")


class LibraryLog(RotatingFileHandler):
    """The log file of libraries' messages, begun at the first of them. One that can't be written stops nothing."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "libraries.log", maxBytes=LARGEST, backupCount=1, encoding="utf-8", delay=True)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s:%(lineno)d %(beginning)s"))

    def format(self, record: logging.LogRecord) -> str:
        """When, how serious, which library and line, and the beginning of what it says."""
        record.beginning = _PRIVATE.sub("", _HEAD.sub("", str(record.msg)))[:LONGEST]
        return super().format(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Nothing: see the class."""
        del record


def keep_messages(folder: Path) -> None:
    """From now on, what libraries say goes to `folder`/libraries.log. The last folder named is the one that counts."""
    while _log:
        _log.pop().close()
    _log.append(LibraryLog(folder))
    _route_messages()


def _route_messages() -> None:
    """Take the libraries' own handlers away, which print on the terminal; they add one each when they are imported."""
    for name in LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers = list(_log) or [logging.NullHandler()]
        logger.propagate = False


def import_libraries(pipeline: str = "") -> None:
    """Import torch, transformers and diffusers (and the modules of `pipeline`, a class of diffusers) without a word on
    the terminal: no bars, no warnings.

    Takes seconds the first time. Any thread may call it.
    """
    with _importing:
        load_cuda_runtime()
        for module in ("torch", "transformers.utils.logging", "diffusers.utils.logging"):
            importlib.import_module(module)
            _route_messages()  # each has its handlers now, before anything else of it is imported
        diffusers, transformers = importlib.import_module("diffusers"), importlib.import_module("transformers")
        for library in (diffusers, transformers):
            library.utils.logging.disable_progress_bar()
            library.utils.logging.set_verbosity_warning()
        getattr(diffusers, pipeline or "DiffusionPipeline", None)  # its modules are imported when it is first asked for
        importlib.import_module("diffusers.models.attention_dispatch")
        _route_messages()


def load_cuda_runtime() -> bool:
    """Load the CUDA runtime that xFormers links, from NVIDIA's own package, so that it is found when xFormers asks.

    False where there is none to load: not on Linux, or without the packages. It needs no GPU and does nothing by
    itself; torch goes on with the runtime of its own.
    """
    if sys.platform != "linux" or find_spec("xformers") is None:
        return False
    with contextlib.suppress(ImportError, OSError):  # a package that isn't there, a library that can't be loaded
        package = find_spec("nvidia.cuda_runtime")
        for folder in (package.submodule_search_locations or ()) if package else ():
            ctypes.CDLL(str(Path(folder) / "lib" / RUNTIME))
            return True
    return False
