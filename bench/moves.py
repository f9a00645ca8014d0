"""Weights on their way to a GPU and off it: bytes and seconds of each move, beside what its bus gives in the same run.

Through the studio's own residency and host copies (studio/engines/diffusion/memory), with made-up networks of a given size. On a
processor "cpu:0" plays the GPU: bytes are true there, rates say nothing of a bus.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

from bench.clips import table
from studio import presets
from studio.engines.diffusion.families import get_family
from studio.engines.diffusion.memory.machine import Machine, read_machine
from studio.nouns import replace

BLOCK = 50_331_648
"""Bytes of one layer: 4096 x 6144 numbers in bfloat16."""

LEAST_SHARE = 0.75
"""Of the copy ceiling, what a part that comes back should reach."""


class Move(NamedTuple):
    """One move: bytes of weights copied to the device and back from it, and seconds until the device was done."""

    what: str
    to_device: int
    from_device: int
    seconds: float

    @property
    def rate(self) -> float:
        """GB/s of all that was copied; 0 where nothing was."""
        return (self.to_device + self.from_device) / 1e9 / self.seconds


class Ceilings(NamedTuple):
    """GB/s that the device takes from pinned and from plain memory, one large buffer each; the best of three."""

    pinned: float
    plain: float


def measure_ceilings(device: str, size: int = 1 << 30) -> Ceilings:
    """What the bus gives. `size`: bytes of the buffer."""
    import torch

    there, plain = torch.empty(size, dtype=torch.uint8, device=device), torch.ones(size, dtype=torch.uint8)
    pinned = plain.pin_memory() if there.is_cuda else plain

    def measure(host: torch.Tensor) -> float:
        return max(size / 1e9 / _time(lambda: there.copy_(host, non_blocking=True), device) for _ in range(3))

    return Ceilings(measure(pinned), measure(plain))


def measure_moves(device: str, size: int, block: int = BLOCK) -> list[Move]:
    """Two models of `size` bytes in two parts each, which together don't fit: what each move copies and how long it takes."""
    import torch

    from studio.engines.diffusion.memory.host_copies import HostCopies
    from studio.engines.diffusion.memory.pinned_memory import Pinner

    pinner = Pinner(torch.device(device), lambda: 4 * size)
    copies, rows = HostCopies(device, pinner), list[Move]()

    def note(what: str, work: Callable[[], object]) -> None:
        before = copies.traffic.to_device, copies.traffic.from_device
        took = _time(work, device)
        rows.append(Move(what, copies.traffic.to_device - before[0], copies.traffic.from_device - before[1], took))

    residency, (one, other) = _place_models(device, size, block, copies)
    part = next(iter(one.modules.values()))
    note("a part comes for the first time, from plain memory", lambda: copies.bring(part))
    note("its host copy is pinned, meanwhile", pinner.wait)
    note("it leaves", lambda: copies.leave(part))
    note("it takes its turn again", lambda: copies.bring(part))
    copies.leave(part)
    residency.activate(one)
    pinner.wait()
    residency.offload_all()
    note("a model comes back", lambda: residency.activate(one))
    residency.activate(other)
    pinner.wait()
    residency.activate(one)
    note("one model makes room for another, which comes back", lambda: residency.activate(other))
    note("and the other way round", lambda: residency.activate(one))
    for loaded in (one, other):
        residency.detach(loaded)
    if torch.device(device).type != "cpu":
        part.to(device)
        rows.append(Move("for comparison, module.to('cpu')", 0, size // 2, _time(lambda: part.to("cpu"), device)))
    return rows


def _place_models(device: str, size: int, block: int, copies: Any) -> tuple[Any, list[Any]]:
    """A residency whose GPU holds one of these models and no part of the other, and the two."""
    import torch
    from torch import nn

    from studio.engines.diffusion.memory.model_cache import LoadedModel, count_module_bytes
    from studio.engines.diffusion.memory.placement import GB, Fit, estimate_activation
    from studio.engines.diffusion.memory.residency import Residency

    card = presets.card("svd-xt")
    assert card.checkpoint is not None
    limit = round(1.2 * size + estimate_activation(card.checkpoint.needs) * GB)
    machine = Machine(
        device, "for the moves", limit + 4 * size, 8 * size,
        free_vram=lambda: limit - sum(count_module_bytes(module) for module in residency.list_here()),
    )  # fmt: skip
    residency = Residency(machine, copies=copies)

    def build() -> nn.Module:
        like = {"bias": False, "dtype": torch.bfloat16}
        layers = [nn.utils.skip_init(nn.Linear, block // 8192, 4096, **like) for _ in range(max(1, size // 2 // block))]
        for layer in layers:
            layer.weight.data.fill_(0.01)  # as quick as memory, which drawing numbers is not
        return nn.Sequential(*layers).requires_grad_(False)

    def make(name: str) -> LoadedModel:
        pipe = SimpleNamespace(components={"unet": build(), "image_encoder": build()})
        return LoadedModel(replace(card, id=name), pipe, get_family("svd"), machine, Fit("yes", "", "", "resident", "published"))

    return residency, [make("one"), make("other")]


def _time(work: Callable[[], object], device: str) -> float:
    """Seconds until the device has done it."""
    import torch

    def wait() -> None:
        if torch.device(device).type != "cpu":
            torch.cuda.synchronize(device)

    wait()
    began = time.perf_counter()
    work()
    wait()
    return max(time.perf_counter() - began, 1e-9)


def run(gigabytes: float = 10.0) -> None:
    """Print the tables: on this machine's GPU, or 0.2 GB with the processor as one."""
    machine = read_machine()
    device, size = (machine.device, round(gigabytes * 1e9)) if machine.cuda else ("cpu:0", 200_000_000)
    most = measure_ceilings(device, 1 << 30 if machine.cuda else 1 << 26)
    rows = measure_moves(device, size, BLOCK if machine.cuda else BLOCK // 8)
    gc.collect()
    print(f"\n## Moves of weights on {machine.name}{'' if machine.cuda else ', which plays a GPU'}")
    print(f"\nCopies to it reach {most.pinned:.1f} GB/s from pinned memory and {most.plain:.1f} from plain.")
    table(
        "Two models that together don't fit",
        ("what", "copied there", "copied back", "seconds", "GB/s", f"of the pinned ceiling (wanted: {LEAST_SHARE:g})"),
        [
            (
                one.what,
                f"{one.to_device / 1e9:.2f} GB",
                f"{one.from_device / 1e9:.2f} GB",
                f"{one.seconds:.3f}",
                f"{one.rate:.1f}" if one.rate else "",
                f"{one.rate / most.pinned:.2f}" if one.to_device else "",
            )
            for one in rows
        ],
    )
