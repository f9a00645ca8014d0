"""One load of a checkpoint by whichever build is on the path: load_once.py CARD.json WARM.json, prints JSON.

Run by bench/load.py with PYTHONPATH=BUILD:bench/builds. WARM is a small card of the same family, loaded first so that no
library is imported, and no class prepared, while the other is measured. Linux.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import psutil

from studio.cards import ModelCard
from studio.engines.diffusion.files.local_files import Folders
from studio.engines.diffusion.memory import loader
from studio.engines.diffusion.memory.placement import Fit
from studio.engines.diffusion.memory.shared_components import SharedComponents

FIT = Fit("slowly", "", "", "resident", "published")
mapped = [0]
"""Bytes of tensors that were taken from mapped files."""


class CountedFile:
    """safetensors' open file, whose tensors are counted when they are taken."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __exit__(self, *given: Any) -> None:
        self._real.__exit__(*given)

    def get_slice(self, name: str) -> CountedSlice:
        """A slice that counts what is read of it."""
        return CountedSlice(self._real.get_slice(name))


class CountedSlice:
    """A stored tensor, counted when it is taken."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __getitem__(self, which: Any) -> Any:
        found = self._real[which]
        mapped[0] += found.nbytes
        return found


def count_mapped() -> None:
    """Count what the libraries take of mapped files from now on: both ask for whole tensors, each once."""
    import safetensors.torch
    import transformers.modeling_utils as transformers

    load_file, safe_open = safetensors.torch.load_file, transformers.safe_open

    def counted(*given: Any, **named: Any) -> Any:
        found = load_file(*given, **named)
        mapped[0] += sum(tensor.nbytes for tensor in found.values())
        return found

    safetensors.torch.load_file = counted
    transformers.safe_open = lambda *given, **named: CountedFile(safe_open(*given, **named))


def load(card: ModelCard) -> Any:
    """The pipeline, in the dtypes that a GPU would run it in, in system memory."""
    assert card.checkpoint is not None
    return loader.load(card, Folders(Path(card.checkpoint.repo)), FIT, lambda progress: None, SharedComponents(), False)


def read_high_water() -> int:
    """The most memory this process has held, bytes."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def main(file: str, warm: str) -> None:
    """Load the small card, then the other, measured."""
    cards = [msgspec.json.decode(Path(one).read_bytes(), type=ModelCard) for one in (file, warm)]
    count_mapped()
    load(cards[1])
    gc.collect()
    me = psutil.Process()
    before, mapped[0] = me.io_counters().read_chars, 0
    Path("/proc/self/clear_refs").write_text("5")
    held = me.memory_info().rss
    began = time.perf_counter()
    pipe = load(cards[0])
    seconds = time.perf_counter() - began
    weights = sum({
        one.data_ptr(): one.nbytes for module in pipe.components.values() if hasattr(module, "state_dict")
        for one in module.state_dict().values()
    }.values())  # fmt: skip
    print(json.dumps({
        "seconds": seconds, "read": me.io_counters().read_chars - before, "mapped": mapped[0],
        "peak": read_high_water() - held, "weights": weights,
    }))  # fmt: skip


assert find_spec("studio.engines.diffusion.memory.loader"), "this build is older than the loader of that name"
main(*sys.argv[1:])
