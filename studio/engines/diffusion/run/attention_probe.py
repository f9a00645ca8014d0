"""Tries attention kernels out on a device: which run, their error against the plain sum, and their time.

A kernel is called through the very function that the models call it through (diffusers' dispatch), with shapes as the
video models have them, so what is tried here is what runs later.
"""

from __future__ import annotations

import contextlib
import statistics
import time
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from packaging.version import Version

from studio.engines.diffusion.memory.machine import use_device
from studio.nouns import Noun

HEADS = (64, 128)
"""Numbers a head holds in the denoisers of the cards: CogVideoX, SVD, LTX 2B and LTX-2's sound 64; Wan, LTX 13B, LTX-2,
Hunyuan, SkyReels, Helios and FramePack 128 (their `attention_head_dim`)."""

BFLOAT16, FLOAT32, QUANTISED = 0.01, 1e-4, 0.08
"""Largest relative error, |out - reference| / |reference| over all numbers, against the plain sum in float32 of the
same inputs.

bfloat16 keeps 8 bits: rounding weights and result alone costs about 0.003, and 0.01 leaves room for another order of
sums. float32 is limited by the order of sums, about 1e-6; 1e-4 still rules out sums in TF32 (10 bits, about 1e-3).
Kernels that round queries and keys to 8-bit integers and values to 8-bit floats are 0.02 to 0.06 off by design
(SageAttention reports similar relative errors); they are held to 0.08 and never chosen but by name."""

CPU_TOKENS, GPU_TOKENS, ERROR_TOKENS = 512, 8192, 1024
ROUNDS = 5
FAR = 9.0  # an error past telling


@dataclass(frozen=True)
class Candidate:
    """A kernel by diffusers' name for it; `package` is what must be installed, `least` the oldest version of it that
    diffusers 0.42 takes (models/attention_dispatch.py), `source` where it comes from if not from PyPI.

    `caution` says why it is only used when the user chooses it; `quantised`, that it rounds what it is given to 8 bits.
    """

    name: str
    title: str
    package: str = ""
    least: str = ""
    source: str = ""
    caution: str = ""
    quantised: bool = False


CANDIDATES = (
    Candidate("native", "PyTorch's own choice"),
    Candidate("_native_flash", "PyTorch flash"),
    Candidate("_native_cudnn", "cuDNN"),
    Candidate("_native_efficient", "PyTorch memory-efficient"),
    Candidate("flash", "FlashAttention 2", "flash-attn", "2.6.3"),
    Candidate("_flash_3", "FlashAttention 3", "flash-attn-3", source=", which is built from its source"),
    Candidate("sage", "SageAttention", "sageattention", "2.1.1", caution="rounds to 8 bits", quantised=True),
    Candidate("xformers", "xFormers", "xformers", "0.0.29"),
    Candidate("_native_math", "PyTorch plain sum", caution="the reference itself, and slow"),
)
REFERENCE = "_native_math"


class ProbedKernel(Noun, frozen=True):
    """What came of trying one kernel on one device.

    `error` is the worst relative error, `milliseconds` the median time at 128 numbers a head; both 0 where it never
    ran. `why` says what stood in its way, or how near it is. `masks`: it also takes the masks that some models pass.
    `automatic`: the studio may choose it by itself.
    """

    name: str
    title: str
    ok: bool
    error: float
    milliseconds: float
    why: str
    masks: bool = False
    automatic: bool = True


Attend = Callable[..., Any]
"""Query, key, value (batch, tokens, heads, numbers), a mask or None, and a kernel's name → the result, shaped like the
query.
"""


def attend(query: Any, key: Any, value: Any, mask: Any, name: str) -> Any:
    """Attention by the named kernel, through diffusers' own dispatch. Raises whatever the kernel raises."""
    from diffusers.models.attention_dispatch import (
        AttentionBackendName,
        _check_attention_backend_requirements,  # pyright: ignore[reportPrivateUsage]
        dispatch_attention_fn,
    )

    backend = AttentionBackendName(name)
    _check_attention_backend_requirements(backend)
    return dispatch_attention_fn(query, key, value, attn_mask=mask, backend=backend)


def probe_kernels(
    device: str,
    candidates: tuple[Candidate, ...] = CANDIDATES,
    by: Attend = attend,
    may_go_on: Callable[[], None] = lambda: None,
) -> tuple[ProbedKernel, ...]:
    """Every candidate tried on `device` ("cuda:0", "cpu"): bfloat16 on a GPU, float32 on the processor.

    About a second on the processor. `may_go_on` is called before each trial, and may raise to stop. Raises torch's
    OutOfMemoryError where there is no room even for that: such a result is no result and must not be kept.
    """
    import torch

    with use_device(device), torch.inference_mode(), _quiet():
        cases = [_Case(device, size) for size in HEADS]
        rows: list[ProbedKernel] = []
        for candidate in candidates:
            may_go_on()
            rows.append(_probe_one(candidate, cases, by))
        may_go_on()
        times = _time_kernels(device, [row.name for row in rows if row.ok], by, may_go_on)
    return tuple(_add_time(row, times.get(row.name, 0.0)) for row in rows)


def _add_time(row: ProbedKernel, milliseconds: float) -> ProbedKernel:
    return ProbedKernel(row.name, row.title, row.ok, row.error, milliseconds, row.why, row.masks, row.automatic)


class _Case:
    """Queries, keys and values of one head size with the reference's answers, without a mask and with the two kinds
    there are.
    """

    def __init__(self, device: str, size: int) -> None:
        import torch

        self.dtype = torch.float32 if device == "cpu" else torch.bfloat16
        tokens = CPU_TOKENS if device == "cpu" else ERROR_TOKENS
        self.query, self.key, self.value = _make_inputs(device, tokens, 2, size, self.dtype)
        keep = torch.arange(tokens, device=device) < tokens - tokens // 4
        # HunyuanVideo passes one truth a pair of tokens, LTX a number added to each key's score, for each head.
        pairs = (keep[:, None] & keep[None, :]) | torch.eye(tokens, dtype=torch.bool, device=device)
        added = torch.where(keep, 0.0, -10_000.0).to(self.dtype).expand(1, 2, 1, tokens)
        self.masks = (pairs.expand(1, 1, tokens, tokens), added)
        self.plain = self._compute_reference(None)
        self.masked = tuple(self._compute_reference(mask) for mask in self.masks)

    def _compute_reference(self, mask: Any) -> Any:
        import torch

        whole = mask if mask is None or mask.dtype == torch.bool else mask.float()
        return attend(self.query.float(), self.key.float(), self.value.float(), whole, REFERENCE)

    def measure_error(self, by: Attend, name: str) -> float:
        """The relative error without a mask."""
        return _measure_error(by(self.query, self.key, self.value, None, name), self.plain)

    def measure_masked_error(self, by: Attend, name: str) -> float:
        """The worst relative error with a mask."""
        found = [by(self.query, self.key, self.value, mask, name) for mask in self.masks]
        return max(_measure_error(out, reference) for out, reference in zip(found, self.masked, strict=True))


def _make_inputs(device: str, tokens: int, heads: int, size: int, dtype: Any) -> list[Any]:
    import torch

    random = torch.Generator(device).manual_seed(0)  # on the device: the processor takes a second for as many numbers
    return [torch.randn((1, tokens, heads, size), generator=random, device=device).to(dtype) for _ in range(3)]


def _measure_error(out: Any, reference: Any) -> float:
    """How far a result is off: the difference's size over the reference's; infinite where it isn't a number."""
    apart = float((out.float() - reference).norm() / reference.norm())
    return apart if apart == apart else float("inf")


def _probe_one(candidate: Candidate, cases: list[_Case], by: Attend) -> ProbedKernel:
    """One candidate's row, not yet timed."""
    import torch

    most = QUANTISED if candidate.quantised else FLOAT32 if cases[0].dtype == torch.float32 else BFLOAT16
    try:
        error = max(case.measure_error(by, candidate.name) for case in cases)
    except torch.OutOfMemoryError:
        raise
    except Exception as fault:  # a kernel may fail in any way at all: that is what is being found out
        return ProbedKernel(
            candidate.name,
            candidate.title,
            False,
            0.0,
            0.0,
            _explain_fault(fault, candidate),
            automatic=not candidate.caution,
        )
    if not error <= most:
        why = f"differs from the plain sum by {_say_percent(error)}, where at most {_say_percent(most)} is allowed"
        return ProbedKernel(
            candidate.name, candidate.title, False, min(error, FAR), 0.0, why, automatic=not candidate.caution
        )
    masks = _takes_masks(candidate, cases, by, most)
    why = f"differs from the plain sum by {_say_percent(error)}" + ("" if masks else "; not for models that pass masks")
    why += f"; {candidate.caution}, so it is only used when you choose it" if candidate.caution else ""
    return ProbedKernel(candidate.name, candidate.title, True, error, 0.0, why, masks, not candidate.caution)


def _takes_masks(candidate: Candidate, cases: list[_Case], by: Attend, most: float) -> bool:
    """Whether a kernel also takes masks and heeds them (xFormers takes a truth for a number, and says nothing)."""
    import torch

    try:
        return max(case.measure_masked_error(by, candidate.name) for case in cases) <= most
    except torch.OutOfMemoryError:
        raise
    except Exception:  # refusing masks is the usual reason
        return False


def _say_percent(error: float) -> str:
    if error >= FAR:
        return "far too much"
    return f"{error * 100:.2g} %" if error >= 1e-4 else "less than 0.01 %"


def _find_lack(candidate: Candidate) -> str:
    """What its package lacks: it isn't there, or is older than diffusers takes; "" where it is there and new enough."""
    try:
        found = metadata.version(candidate.package)
    except metadata.PackageNotFoundError:
        return f"needs the package {candidate.package}{candidate.source}"
    if candidate.least and Version(found) < Version(candidate.least):
        return f"the package {candidate.package} is too old: {found} is here, {candidate.least} or newer is needed"
    return ""


def _explain_fault(fault: Exception, candidate: Candidate) -> str:
    """Why a kernel can't be used, in words."""
    message = str(fault).strip().split("\n")[0]
    if candidate.package and (lack := _find_lack(candidate)):
        return lack
    if (
        isinstance(fault, NotImplementedError)
        or "No operator" in message
        or "No available kernel" in message
        or "No viable" in message
    ):
        return "has no operator for this device"
    if "CUDA" in message and "device" in message:
        return "needs a CUDA device"
    return f"failed here ({type(fault).__name__}: {message[:120]})"


def _time_kernels(device: str, names: list[str], by: Attend, may_go_on: Callable[[], None]) -> dict[str, float]:
    """Median milliseconds of each, in turns, so that a busy moment falls on everyone. The plain sum: of one head, times
    all.
    """
    tokens, heads = (CPU_TOKENS, 4) if device == "cpu" else (GPU_TOKENS, 24)
    import torch

    query, key, value = _make_inputs(
        device, tokens, heads, HEADS[-1], torch.float32 if device == "cpu" else torch.bfloat16
    )
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(ROUNDS + 2):
        may_go_on()
        for name in names:
            few = heads if name != REFERENCE else 1  # it keeps every pair of tokens: of 24 heads on a GPU some 13 GB
            given = [one[:, :, :few].contiguous() for one in (query, key, value)]
            synchronize(device)
            began = time.perf_counter()
            by(*given, None, name)
            synchronize(device)
            if number >= 2:  # the first two warm up: kernels are built and clocks rise
                times[name].append((time.perf_counter() - began) * 1000 * heads / few)
    return {name: statistics.median(each) for name, each in times.items()}


def synchronize(device: str) -> None:
    """Until the device has done what it was given; the processor has."""
    if not device.startswith("cpu"):
        import torch

        torch.cuda.synchronize(device)


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Torch explains at length why a kernel doesn't run; the table says it in four words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
