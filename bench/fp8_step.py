"""fp8 products and compiled blocks: seconds a step beside the plain one, and compiling in a first and in a second process.

For `python -m bench gpu`: `measure_step` and `measure_compiling`, each with a model and size of denoiser_step.py. Alone it
measures the same small on a processor, where fp8 is emulated and slow: that shows the error, and the ratio of the two processes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.clips import table
from studio import presets
from studio.config import ROOT, Settings
from studio.engines.diffusion.memory import compile_cache

LAYERS = 2
"""Blocks of the denoiser that is compiled in a process of its own: all are alike, and one is compiled for all."""


@dataclass(frozen=True)
class Fp8Step:
    """Seconds a step plain and with fp8 products in compiled blocks; the relative error of a pass; how many layers are fp8."""

    plain: float
    fast: float
    apart: float
    layers: int


@dataclass(frozen=True)
class Compiling:
    """Seconds that a first pass takes longer than those after it: in a process with an empty cache, and in one after that."""

    first: float
    second: float


def keep() -> tuple[str, ...]:
    """The layers of Wan's denoiser that stay, as its card names them."""
    checkpoint = presets.card("wan21-i2v-480p").checkpoint
    assert checkpoint is not None
    return checkpoint.fp8_keep


def measure_step(
    model: Any,
    size: Any,
    device: str,
    home: Path,
    backend: str = "inductor",
    tell: Callable[[float], object] = lambda plain: None,
) -> Fp8Step:
    """A denoiser with random weights, plain and then with fp8 products in compiled blocks. What is compiled stays in `home`.

    `tell` is given the plain step's seconds as soon as they are known.
    """
    import torch

    from bench import denoiser_step
    from studio.engines.diffusion.memory import fp8_products

    compile_cache.keep_compiled(Settings(home))
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    denoiser, arguments = denoiser_step.built(model, device, dtype), denoiser_step.given(model, size, device, dtype)
    plain, before = denoiser_step.step_seconds(denoiser, arguments, device), _take_pass(denoiser, arguments)
    tell(plain)
    layers = fp8_products.convert(denoiser, keep())
    for block in fp8_products.find_blocks(denoiser):
        block.compile(backend=compile_cache.guard_backend(backend), dynamic=False)
    after = _take_pass(denoiser, arguments)
    apart = float((after - before).norm() / before.norm())
    return Fp8Step(plain, denoiser_step.step_seconds(denoiser, arguments, device), apart, layers)


def _take_pass(denoiser: Any, arguments: dict[str, Any]) -> Any:
    import torch

    with torch.inference_mode(), denoiser.cache_context("cond"):
        return denoiser(**arguments)[0].float()


def measure_compiling(model: int, small: bool, device: str, home: Path) -> Compiling:
    """Compile the blocks of `denoiser_step.RUNS[model]` in two processes, by turns, with `home`'s cache, empty at first."""
    return Compiling(*(_compile_apart(model, small, device, home) for _ in range(2)))


def _compile_apart(model: int, small: bool, device: str, home: Path) -> float:
    command = [sys.executable, "-m", "bench.fp8_step", str(model), str(int(small)), device, str(home)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"a process that compiles failed: {done.stderr[-400:]}")
    return float(json.loads(done.stdout.splitlines()[-1]))


def _compile_here(number: int, small: bool, device: str, home: Path) -> float:
    """Seconds that the first pass takes longer than the second, in this process."""
    import torch

    from bench import denoiser_step
    from studio.engines.diffusion.memory import fp8_products
    from studio.engines.diffusion.run import attention_probe

    compile_cache.keep_compiled(Settings(home))
    model, size = denoiser_step.small(*denoiser_step.RUNS[number]) if small else denoiser_step.RUNS[number]
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    denoiser = denoiser_step.built(replace(model, config={**model.config, "num_layers": LAYERS}), device, dtype)
    arguments = denoiser_step.given(model, size, device, dtype)
    _take_pass(denoiser, arguments)  # the device wakes up, kernels are chosen
    fp8_products.convert(denoiser, keep())
    for block in fp8_products.find_blocks(denoiser):
        block.compile(backend=compile_cache.guard_backend("inductor"), dynamic=False)
    times: list[float] = []
    for _ in range(2):
        attention_probe.synchronize(device)
        began = time.perf_counter()
        _take_pass(denoiser, arguments)
        attention_probe.synchronize(device)
        times.append(time.perf_counter() - began)
    if faults := compile_cache.list_faults():
        raise RuntimeError(faults[-1])
    return times[0] - times[1]


def run() -> None:
    """Print what a processor can show of both."""
    from bench import denoiser_step

    print("\n## fp8 products and compiled blocks")
    lacking = compile_cache.find_missing_compiler("cpu")
    if lacking:
        print(f"\nNot run: {lacking}.")
        return
    with tempfile.TemporaryDirectory() as folder:
        compiling = measure_compiling(0, True, "cpu", Path(folder))
        model, size = denoiser_step.small(*denoiser_step.RUNS[0])
        step = measure_step(model, size, "cpu", Path(folder))
    table("A small Wan 2.1 denoiser on the processor", ("what", "measured"), [
        ("compiling, a first process", f"{compiling.first:.1f} s"),
        ("compiling, a second process", f"{compiling.second:.1f} s, {compiling.second / compiling.first:.2f} of the first"),
        ("a step, plain", f"{step.plain * 1000:.1f} ms"),
        (f"a step, {step.layers} layers in fp8 (emulated), compiled", f"{step.fast * 1000:.1f} ms"),
        ("a pass in fp8 beside the plain one", f"{step.apart:.3f} off (|out - plain| / |plain|)"),
    ])  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(_compile_here(int(sys.argv[1]), sys.argv[2] == "1", sys.argv[3], Path(sys.argv[4]))))
