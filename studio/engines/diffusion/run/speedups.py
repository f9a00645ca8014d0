"""What trades likeness or patience for time or memory, switched on for one run and off again: step caches, compiled
blocks, a VAE in tiles.

Knows which of them fit a model and a run, and says what each of them did, also when that is nothing. Refuses to choose any by
itself. Afterwards the model computes exactly as before. VAE slicing is not among them: it decodes the clips of a batch one by
one, and a batch here is one clip, so there is nothing to gain (bench/RESULTS.md has it beside tiling).
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import logging
import os
import shutil
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cards import Checkpoint
from studio.engines.diffusion.run import step_caches
from studio.engines.diffusion.run.vae_decode import switched
from studio.nouns import Choice, SpeedUp

if TYPE_CHECKING:
    from torch.nn import Module

TITLES: dict[SpeedUp, str] = {
    "first_block_cache": "first-block cache",
    "mag_cache": "MagCache",
    "taylorseer": "TaylorSeer",
    "compile": "compiled blocks",
    "vae_tiling": "VAE tiling",
}
HOW: dict[SpeedUp, str] = {
    "first_block_cache": "a pass whose first block changed little repeats what the rest changed last time",
    "mag_cache": "passes that are known to change little repeat the last one's change",
    "taylorseer": "two of three passes are guessed from those before",
}
NOTHING, OFF, ON, MEASURING = "no effect", "off", "on", "measuring"


@contextlib.contextmanager
def applied(
    pipe: Any,
    denoisers: Sequence[Module],
    speedups: Sequence[SpeedUp],
    checkpoint: Checkpoint,
    steps: int,
    folder: Path | None = None,
    backend: str = "inductor",
) -> Generator[list[Choice]]:
    """Run a pipeline with `speedups` inside this context; yields what became of each, and completes it when the run has ended.

    `folder` (home/models) is where MagCache's ratios are kept that a first run measures; None: only the card's are used.
    `backend` is torch.compile's. Only one cache can be on at a time: the first that was asked for.
    """
    asked: list[SpeedUp] = [name for name in dict.fromkeys(speedups) if name != "vae_tiling"]
    choices: list[Choice] = []
    with contextlib.ExitStack() as stack:
        if asked:
            stack.enter_context(_sped_up(pipe, denoisers, asked, checkpoint, steps, folder, backend, choices))
        if "vae_tiling" in speedups:
            stack.enter_context(_tiled(pipe, choices))
        yield choices


@contextlib.contextmanager
def _sped_up(
    pipe: Any, denoisers: Sequence[Module], asked: Sequence[SpeedUp], checkpoint: Checkpoint, steps: int, folder: Path | None,
    backend: str, choices: list[Choice],
) -> Generator[None]:  # fmt: skip
    """What changes the denoisers on, and off again; what became of each goes first into `choices`."""
    cache: SpeedUp | None = next((name for name in asked if name != "compile"), None)
    watch: _Passes | step_caches.Measured | None = None
    try:
        if cache:
            choices.append(_cache(cache, pipe, denoisers, checkpoint, steps, folder))
            watch = _watcher(choices[0], denoisers, "compile" in asked)
        if "compile" in asked:
            choices.append(_compile(denoisers, cache if choices and choices[0].value != OFF else None, backend))
        first = f"only one cache at a time, and {TITLES[cache]} was first" if cache else ""
        choices += [Choice(TITLES[name], OFF, first) for name in asked if name not in (cache, "compile")]
        yield
        if isinstance(watch, _Passes):
            choices[0] = watch.told(choices[0])
        if isinstance(watch, step_caches.Measured) and folder:
            choices[0] = _keep_ratios(
                choices[0], watch.ratios, step_caches.shares(pipe, steps, len(denoisers)), checkpoint, folder
            )
    finally:
        if watch:
            watch.close()
        for denoiser in denoisers:
            step_caches.detach(denoiser)
            _uncompile(denoiser)


@contextlib.contextmanager
def _tiled(pipe: Any, choices: list[Choice]) -> Generator[None]:
    """The VAE in tiles, and as it was afterwards; adds to `choices` what came of it, once it has decoded.

    It holds for the photo that is encoded too. decode.py takes tiles that are on for given, and may only go on to smaller pieces.
    """
    title = TITLES["vae_tiling"]
    vae: Any = getattr(pipe, "vae", None)
    if not hasattr(vae, "use_tiling") or not hasattr(vae, "tiled_decode"):
        choices.append(Choice(title, NOTHING, "this model's VAE knows no tiles"))
        yield
        return
    whole, calls, place = vae.tiled_decode, 0, len(choices)

    @functools.wraps(whole)
    def counted(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        return whole(*given, **named)

    choices.append(Choice(title, ON, "decoded in tiles: less memory for decoding, slower, and faint seams are possible"))
    vae.tiled_decode = counted
    try:
        with switched(vae, ("use_tiling",)):
            yield
        if not calls:
            choices[place] = Choice(title, NOTHING, "it was on, but the picture is no larger than one tile")
    finally:
        del vae.tiled_decode


def _cache(
    name: SpeedUp, pipe: Any, denoisers: Sequence[Module], checkpoint: Checkpoint, steps: int, folder: Path | None
) -> Choice:
    """Set one cache on all denoisers, or on none."""
    title = TITLES[name]
    why = step_caches.refusal(pipe, denoisers, checkpoint, steps)
    if why:
        return Choice(title, OFF, why)
    each = step_caches.shares(pipe, steps, len(denoisers))
    measuring = name == "mag_cache" and not step_caches.ratios(checkpoint, each, folder)
    if measuring and folder is None:
        return Choice(title, OFF, "it needs ratios of this very model, and its card names none")
    try:
        hooks = [
            step_caches.attach(name, denoiser, config)
            for denoiser, config in zip(denoisers, _configs(name, denoisers, checkpoint, each, folder), strict=True)
        ]
    except Exception as fault:  # diffusers raises a kind for every reason; none of them may cost a run
        for denoiser in denoisers:
            step_caches.detach(denoiser)
        return Choice(title, NOTHING, f"it doesn't fit this model ({str(fault).strip()[:120]})")
    if not all(hooks):
        return Choice(title, NOTHING, "it attached to nothing in this model")
    if measuring:
        return Choice(title, MEASURING, "this run takes its usual time and measures the model; the next one is the faster for it")
    return Choice(title, ON, f"{HOW[name]}; attached in {sum(hooks)} places")


def _configs(
    name: SpeedUp, denoisers: Sequence[Module], checkpoint: Checkpoint, each: list[int], folder: Path | None
) -> list[Any]:
    """The settings of a cache for each denoiser."""
    if name == "first_block_cache":
        return [step_caches.first_block() for _ in denoisers]
    if name == "taylorseer":
        return [step_caches.taylorseer(denoiser, steps) for denoiser, steps in zip(denoisers, each, strict=True)]
    known = step_caches.ratios(checkpoint, each, folder)
    if known:
        return [step_caches.mag(ratios, steps) for ratios, steps in zip(known, each, strict=True)]
    return [step_caches.mag_measuring(steps) for steps in each]


def _keep_ratios(choice: Choice, found: list[list[float]], each: list[int], checkpoint: Checkpoint, folder: Path) -> Choice:
    if [len(ratios) for ratios in found] != each:
        return Choice(choice.what, NOTHING, "this run couldn't be measured: its passes weren't one a step")
    try:
        step_caches.keep(checkpoint, folder, found)
    except OSError as fault:
        logging.getLogger(__name__).warning("MagCache's ratios can't be kept: %s", fault)
    return choice


def _watcher(choice: Choice, denoisers: Sequence[Module], compiled: bool) -> _Passes | step_caches.Measured | None:
    """What watches a run with a cache; what counts passes would be in a compiler's way."""
    if choice.value == MEASURING:
        return step_caches.Measured(denoisers)
    return _Passes(denoisers) if choice.value == ON and not compiled else None


class _Passes:
    """Counts the passes of the denoisers, and those of them in which the last block was really computed."""

    def __init__(self, denoisers: Sequence[Module]) -> None:
        self.passes = self.computed = 0
        self._in_this = False
        self._hooks: list[Any] = []
        for denoiser in denoisers:
            block = step_caches.last_block(denoiser)
            if block is None:
                continue
            self._hooks.append(denoiser.register_forward_pre_hook(self._begin))
            # A cache replaces the block's own forward: only what lies within tells whether it was computed.
            self._hooks += [child.register_forward_pre_hook(self._inside) for child in block.children()]

    def _begin(self, module: Module, given: Any) -> None:
        self.passes += 1
        self._in_this = False

    def _inside(self, module: Module, given: Any) -> None:
        self.computed += not self._in_this
        self._in_this = True

    def told(self, choice: Choice) -> Choice:
        """The choice, with what came of it."""
        skipped = self.passes - self.computed
        if not skipped:
            return Choice(choice.what, NOTHING, f"it was on, but found nothing to skip in {self.passes} passes")
        return Choice(choice.what, choice.value, f"{choice.reason}; skipped {skipped} of {self.passes} passes")

    def close(self) -> None:
        """Stop counting."""
        for hook in self._hooks:
            hook.remove()


def _compile(denoisers: Sequence[Any], cached: SpeedUp | None, backend: str) -> Choice:
    """Have the repeated blocks compiled when they first run."""
    title = TITLES["compile"]
    if cached == "mag_cache":
        return Choice(title, NOTHING, "MagCache keeps the compiler out of the blocks")
    if not all(getattr(denoiser, "_repeated_blocks", None) for denoiser in denoisers):
        return Choice(title, NOTHING, "this model doesn't say which of its blocks are alike")
    lacking = lacks_compiler(str(next(denoisers[0].parameters()).device)) if backend == "inductor" else ""
    if lacking:
        return Choice(title, OFF, lacking)
    for denoiser in denoisers:
        denoiser.compile_repeated_blocks(backend=backend, dynamic=False)
    blocks = sum(len(_compiled(denoiser)) for denoiser in denoisers)
    return Choice(title, ON, f"{blocks} blocks; the first pass of a size takes a minute or more, those after it are faster")


def _compiled(denoiser: Module) -> list[Module]:
    return [module for module in denoiser.modules() if module._compiled_call_impl is not None]  # pyright: ignore


def _uncompile(denoiser: Module) -> None:
    """Back to the blocks as they were; what was compiled stays with torch and is found again."""
    for module in _compiled(denoiser):
        module._compiled_call_impl = None  # pyright: ignore


def lacks_compiler(device: str) -> str:
    """What torch.compile would miss on `device`; "" where nothing."""
    cxx = os.environ.get("CXX") or next(filter(shutil.which, ("g++", "clang++", "c++")), "")
    if device.startswith("cuda"):
        return "" if importlib.util.find_spec("triton") else "it needs the package triton"
    return "" if cxx and shutil.which(cxx) else "it needs a C++ compiler on this machine"
