"""Tries fp8 products out on a device before a model first runs with them: error and time of each shape its blocks have.

They are off for a model where one of its shapes differs from the bfloat16 product by more than `TOLERANCE` or can't
run, or where all its layers together aren't faster. What was tried is kept in a JSON file of the home folder, by device
and versions. Torch is imported where a trial is made, and not for reading what is kept.
"""

from __future__ import annotations

import logging
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from studio import cards
from studio.atomic_write import write_whole
from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.base import Tick
from studio.engines.diffusion.files.components import find_components
from studio.engines.diffusion.files.local_files import Folders
from studio.engines.diffusion.files.manifest import require_checkpoint
from studio.engines.diffusion.memory import compile_cache
from studio.engines.diffusion.memory.machine import Machine, use_device
from studio.hung_threads import WorkLock
from studio.nouns import Noun, Progress, Refusal

TOLERANCE = 0.05
"""Largest relative error, |fp8 - plain| / |plain| over all numbers. e4m3 keeps 3 bits after the leading one: rounding
normally distributed numbers with a scale for each row costs 0.026, both factors together 0.037 (a pass of Wan2.1 14B:
0.041, measured on an H100), and 0.05 still rules out a scale that is wrong."""

FASTER = 0.95
"""fp8 products are used from 5 % less time on: below that it is the noise of measuring."""

GPU_TOKENS, CPU_TOKENS, ERROR_TOKENS = 8192, 32, 1024
ROUNDS = 5
TRIED = Progress("load", note="Trying out fp8 products, once for this model on this device")

Shape = tuple[int, int]
"""Numbers that go into a layer, and numbers that come out."""

_trying = WorkLock()


class ShapeTrial(Noun, frozen=True):
    """What came of a layer of `columns` numbers to `rows`: relative `error`, and median milliseconds of the bfloat16
    product and of the fp8 one. `why` says what stood in its way where it couldn't run: the rest is 0 then.
    """

    columns: int
    rows: int
    error: float = 0.0
    plain: float = 0.0
    fast: float = 0.0
    why: str = ""


class TrialTable(Noun, frozen=True):
    """Every shape tried on one device; it stands as long as `basis`, what it was tried with, hasn't changed."""

    basis: dict[str, str]
    trials: tuple[ShapeTrial, ...]


Try = Callable[[str, Shape, str], ShapeTrial]
"""A device, a shape and torch.compile's backend ("": not compiled) to what came of it."""


def require_products(
    card: ModelCard,
    folders: Folders,
    machine: Machine,
    settings: Settings,
    tick: Tick,
    by: Try | None = None,
) -> None:
    """Raises `Refusal` where fp8 products differ too much or aren't faster for this card on this machine.

    Shapes that were never tried on it are tried now, a second or two for each (it is compiled as in a run); `by` stands
    in for the trial itself.
    """
    shapes, lacking = count_shapes(card, folders), compile_cache.find_missing_compiler(machine.device)
    with _trying:
        known = {(one.columns, one.rows): one for one in read_trials(machine, settings)}
        missing = [shape for shape in shapes if shape not in known]
        if missing:
            compile_cache.keep_compiled(settings)
            for shape in missing:
                tick(TRIED)
                known[shape] = (by or try_shape)(machine.device, shape, "" if lacking else "inductor")
            _write(TrialTable(_find_basis(machine), tuple(known.values())), machine, settings)
    why = find_objection(shapes, known)
    if why:
        why += f" (to be compiled, which they have to be to gain anything, {lacking})" if lacking else ""
        raise Refusal(
            f"fp8 products are off for {card.title} on this {machine.name}: {why}.",
            "Set its weights back to automatic on the Models tab.",
        )


def find_objection(shapes: Mapping[Shape, int], known: Mapping[Shape, ShapeTrial]) -> str:
    """Why a model with so many layers of each shape shouldn't run so, in words; "" where nothing speaks against it."""
    if not shapes:
        return "none of its layers has a shape that can"
    tried = {shape: known[shape] for shape in shapes}
    for (columns, rows), one in tried.items():
        if one.why:
            return f"a layer of {columns} to {rows} numbers {one.why}"
        if not one.error <= TOLERANCE:
            return (
                f"a layer of {columns} to {rows} numbers differs by {one.error:.1%}, where {TOLERANCE:.0%} is allowed"
            )
    plain, fast = (
        sum(getattr(tried[shape], how) * count for shape, count in shapes.items()) for how in ("plain", "fast")
    )
    if fast >= plain * FASTER:
        return (
            f"they take {fast:.1f} ms where bfloat16 takes {plain:.1f}, for {GPU_TOKENS} tokens through all its layers"
        )
    return ""


def count_shapes(card: ModelCard, folders: Folders) -> Counter[Shape]:
    """The shapes of the layers that multiply in fp8 in a card's denoisers, and how many have each.

    By the configurations on the disk: no weight is read.
    """
    from accelerate import init_empty_weights

    from studio.engines.diffusion.memory.fp8_products import is_even, list_layers
    from studio.engines.diffusion.memory.loader import find_class

    checkpoint, shapes = require_checkpoint(card), Counter[Shape]()
    for part in find_components(card, folders):
        if part.name in checkpoint.denoisers:
            kind: Any = find_class(part)
            with init_empty_weights():
                denoiser = kind.from_config(kind.load_config(str(part.folder)))
            layers: list[Any] = [one for one in list_layers(denoiser, checkpoint.fp8_keep).values() if is_even(one)]
            shapes.update((layer.in_features, layer.out_features) for layer in layers)
    return shapes


# The trial ------------------------------------------------------------------------------------------------------------


def try_shape(
    device: str, shape: Shape, backend: str = "inductor", clock: Callable[[], float] = time.perf_counter
) -> ShapeTrial:
    """One shape tried on a device with random numbers, as a compiled block computes it; not compiled where `backend`
    is "".

    Error beside the bfloat16 product (float32 on the processor) of the same numbers, and both times. Out-of-memory
    errors come out: such a trial says nothing.
    """
    import torch

    from studio.engines.diffusion.memory import fp8_products

    columns, rows = shape
    try:
        with use_device(device), torch.inference_mode():
            dtype = torch.float32 if device.startswith("cpu") else torch.bfloat16
            random = torch.Generator().manual_seed(0)
            given = torch.randn(CPU_TOKENS if device.startswith("cpu") else GPU_TOKENS, columns, generator=random)
            given, weight = given.to(device, dtype), torch.randn(rows, columns, generator=random).to(device, dtype)
            layer = fp8_products.Fp8Linear(weight, None)
            multiply = _compile(fp8_products.multiply, backend)

            def fast() -> Any:
                return multiply(given, layer.weight, layer.scale)

            def plain() -> Any:
                return torch.nn.functional.linear(given, weight)

            reference = plain()[:ERROR_TOKENS].float()
            error = float((fast()[:ERROR_TOKENS].float() - reference).norm() / reference.norm())
            times = _time((plain, fast), device, clock)
    except torch.OutOfMemoryError:
        raise
    except Exception as fault:  # kernels and compilers may fail in any way: that is what is being found out
        message = str(fault).strip().split("\n")[0][:120]
        return ShapeTrial(columns, rows, why=f"failed here ({type(fault).__name__}: {message})")
    return ShapeTrial(columns, rows, error if error == error else float("inf"), times[0], times[1])


def _compile(function: Any, backend: str) -> Any:
    """A function compiled by torch, also for its ninth size, where torch gives up; as it is without a backend."""
    import torch

    if not backend:
        return function
    compile_cache.allow_sizes()
    return torch.compile(function, backend=backend, dynamic=False)


def _time(calls: Sequence[Callable[[], Any]], device: str, clock: Callable[[], float]) -> list[float]:
    """Median milliseconds of each call, in turns, so that a busy moment falls on all."""
    times: list[list[float]] = [[] for _ in calls]
    for number in range(ROUNDS + 1):
        for call, own in zip(calls, times, strict=True):
            _synchronize(device)
            began = clock()
            call()
            _synchronize(device)
            if number:  # the first warms up
                own.append((clock() - began) * 1000)
    return [statistics.median(own) for own in times]


def _synchronize(device: str) -> None:
    if not device.startswith("cpu"):
        import torch

        torch.cuda.synchronize(device)


# What is kept ---------------------------------------------------------------------------------------------------------


def list_products(machine: Machine, settings: Settings) -> tuple[cards.Kernel, ...]:
    """What was tried on this machine as the rest of the studio knows it: a row for each shape, with error and time."""
    return tuple(_describe(one) for one in read_trials(machine, settings))


def _describe(one: ShapeTrial) -> cards.Kernel:
    title = f"fp8 product, {one.columns} to {one.rows}"
    why = (
        one.why or f"bfloat16 takes {one.plain:.2f} ms; differs from it by {one.error:.1%}, {TOLERANCE:.0%} is allowed"
    )
    ok = not one.why and one.error <= TOLERANCE and one.fast < one.plain * FASTER
    return cards.Kernel(f"fp8_{one.columns}_{one.rows}", ok, one.fast, one.error, title, why)


def read_trials(machine: Machine, settings: Settings) -> tuple[ShapeTrial, ...]:
    """The shapes tried on this machine before; empty where there are none, or where something has changed since."""
    try:
        table = msgspec.json.decode(_find_file(machine, settings).read_bytes(), type=TrialTable)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return ()
    return table.trials if table.basis == _find_basis(machine) else ()


def _write(table: TrialTable, machine: Machine, settings: Settings) -> None:
    """Write the table down; where that fails it is tried again next time, which costs seconds and nothing else."""
    file = _find_file(machine, settings)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, msgspec.json.format(msgspec.json.encode(table)))
    except OSError as fault:
        logging.getLogger(__name__).warning("The table of fp8 products can't be kept: %s", fault)


def _find_file(machine: Machine, settings: Settings) -> Path:
    slug = re.sub(r"[^a-z0-9]+", "-", f"{machine.name} {machine.device.split(':')[0]}".lower()).strip("-")[:80]
    return settings.models / f"fp8-{slug}.json"


def _find_basis(machine: Machine) -> dict[str, str]:
    """The device and the versions that decide how a product runs, and whether it is compiled."""
    compiled = compile_cache.find_missing_compiler(machine.device) or "yes"
    return {"device": machine.name, "torch": metadata.version("torch"), "compiled": compiled}


msgspec.json.Decoder(TrialTable)  # built before threads read it: see the end of nouns.py
