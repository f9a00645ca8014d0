"""The machine models run on: its GPU, its memory, and how much of both is free right now. Bytes.

From nvidia-smi, psutil and a container's own limit. torch is imported only where nvidia-smi answers, so that a machine
without an NVIDIA GPU never waits for it.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import psutil

CPU_NOTE = "no NVIDIA GPU was found"


@dataclass(frozen=True)
class Machine:
    """What there is to run on. `device` is "cuda:0", "cuda:1" or "cpu"; `vram` and `ram` are all there is, in bytes.

    `free_vram` and `free_ram` ask anew each time. `note` says why the device is the processor, when it is.
    """

    device: str
    name: str
    vram: int
    ram: int
    capability: tuple[int, int] = (0, 0)
    free_vram: Callable[[], int] = lambda: 0
    free_ram: Callable[[], int] = lambda: 0
    note: str = ""

    @property
    def cuda(self) -> bool:
        """Whether models run on a GPU here."""
        return self.device != "cpu"


@contextmanager
def use_device(device: str) -> Generator[None]:
    """Within it `device` is this thread's own: each thread begins with the first GPU, and kernels written in Triton run
    on the thread's, wherever their tensors are.
    """
    if not device.startswith("cuda"):
        yield
        return
    import torch

    with torch.cuda.device(device if torch.cuda.is_available() else -1):  # -1: as it is
        yield


def read_machine() -> Machine:
    """This machine with its first GPU, or its processor."""
    return read_machines()[0]


@cache
def read_machines() -> tuple[Machine, ...]:
    """This machine with each of its GPUs, or once with its processor. Asked once: neither a GPU nor memory comes and
    goes while the studio runs.
    """
    found = _find_nvidia_gpu()
    if found is None:
        return (_describe_processor(CPU_NOTE),)
    import torch

    if not torch.cuda.is_available():
        why = f"there is an NVIDIA GPU ({found}), but this PyTorch ({torch.__version__}) can't use it"
        return (_describe_processor(why),)
    return tuple(_describe_gpu(index) for index in range(torch.cuda.device_count()))


def _describe_gpu(index: int) -> Machine:
    import torch

    about = torch.cuda.get_device_properties(index)
    capability, memory = (int(about.major), int(about.minor)), int(about.total_memory)
    free = partial(_count_free_vram, index)
    return Machine(f"cuda:{index}", str(about.name), memory, _count_ram(), capability, free, _count_free_ram)


def _describe_processor(note: str) -> Machine:
    return Machine(
        "cpu", platform.processor() or platform.machine(), 0, _count_ram(), free_ram=_count_free_ram, note=note
    )


def _find_nvidia_gpu() -> str | None:
    """The first GPU's name as the driver gives it; None where there is no driver or it doesn't answer."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    try:
        done = subprocess.run(
            [command, "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    names = done.stdout.strip().splitlines()
    return names[0].strip() if names else None


def _count_free_vram(index: int) -> int:
    """What the driver has left, and what PyTorch has reserved of it without using it: both can be had."""
    import torch

    free, _ = torch.cuda.mem_get_info(index)
    return int(free) + int(torch.cuda.memory_reserved(index)) - int(torch.cuda.memory_allocated(index))


def _count_ram() -> int:
    limit, _ = read_container_limit()
    return min(int(psutil.virtual_memory().total), limit or 1 << 62)


def _count_free_ram() -> int:
    """What can be taken without anything being swapped out or killed: a container's own limit counts too."""
    free = int(psutil.virtual_memory().available)
    limit, used = read_container_limit()
    return max(0, min(free, limit - used)) if limit else free


def read_container_limit(root: Path = Path("/sys/fs/cgroup")) -> tuple[int, int]:
    """The memory limit of the container we run in and what is used of it (without what the system can drop); 0, 0 for
    none.

    psutil doesn't know of it: it reports the whole machine's memory, and the system kills who goes over the limit.
    """
    for folder, limit_name, used_name, cached in (
        (root, "memory.max", "memory.current", "inactive_file"),
        (root / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            text = (folder / limit_name).read_text("ascii").strip()
            used = int((folder / used_name).read_text("ascii"))
            stat = dict(line.split() for line in (folder / "memory.stat").read_text("ascii").splitlines())
        except (OSError, ValueError):
            continue
        if text.isdigit() and int(text) < 1 << 50:
            return int(text), max(0, used - int(stat.get(cached, 0)))
    return 0, 0
