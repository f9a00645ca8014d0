"""Speed-ups and memory savers of one run: step caches, compiled blocks, a VAE in tiles; on for the run, and off again.

Each says what came of it, also when that is nothing. Afterwards the model computes exactly as before. The caches
themselves are set in step_caches.py. VAE slicing is not among them: it decodes the clips of a batch one by one, and a
batch here is one clip, so there is nothing to gain (bench/RESULTS.md has it beside tiling).
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from studio.cards import Checkpoint
from studio.engines.diffusion.memory import fp8_products
from studio.engines.diffusion.memory.compile_cache import allow_sizes, find_missing_compiler, guard_backend, list_faults
from studio.engines.diffusion.memory.streaming import list_groups
from studio.engines.diffusion.run import step_caches
from studio.engines.diffusion.run.vae_decode import switch_on
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

CacheState = Literal["off", "no effect", "on", "measuring"]
"""How a step cache stands: left off, tried in vain, on, or measuring the model for the next run."""


@contextlib.contextmanager
def apply_speedups(
    pipe: Any,
    denoisers: Sequence[Module],
    speedups: Sequence[SpeedUp],
    checkpoint: Checkpoint,
    steps: int,
    *,
    folder: Path | None = None,
    device: str = "cpu",
    backend: str = "inductor",
) -> Generator[list[Choice]]:
    """Run a pipeline with `speedups` inside this context; yields what became of each, and completes it when the run has
    ended.

    `folder` (home/models) is where MagCache's ratios are kept that a first run measures; None: only the card's are
    used. `device` is where the denoisers will run: their weights may still wait elsewhere. `backend` is
    torch.compile's. Blocks that multiply in fp8 are compiled unasked. Only one cache can be on at a time: the first
    that was asked for.
    """
    asked: list[SpeedUp] = [name for name in dict.fromkeys(speedups) if name != "vae_tiling"]
    if "compile" not in asked and any(fp8_products.has_products(denoiser) for denoiser in denoisers):
        asked.append("compile")  # otherwise rounding the activations takes longer than fp8 products save
    choices: list[Choice] = []
    with contextlib.ExitStack() as stack:
        if asked:
            run = _Run(pipe, denoisers, checkpoint, steps, folder, device, backend)
            stack.enter_context(_speed_up(run, asked, choices))
        if "vae_tiling" in speedups:
            stack.enter_context(_tile_vae(pipe, choices))
        yield choices


@dataclass(frozen=True)
class _Run:
    """What speed-ups are switched on for, as `apply_speedups` is given it."""

    pipe: Any
    denoisers: Sequence[Module]
    checkpoint: Checkpoint
    steps: int
    folder: Path | None
    device: str
    backend: str

    @property
    def each(self) -> list[int]:
        """How many of the steps each denoiser takes."""
        return step_caches.split_steps(self.pipe, self.steps, len(self.denoisers))


@contextlib.contextmanager
def _speed_up(run: _Run, asked: Sequence[SpeedUp], choices: list[Choice]) -> Generator[None]:
    """What changes the denoisers on, and off again; what became of each goes first into `choices`."""
    cache: SpeedUp | None = next((name for name in asked if name != "compile"), None)
    state: CacheState = "off"
    watch: _PassCounter | step_caches.RatioWatcher | None = None
    try:
        if cache:
            state, choice = _attach_cache(cache, run)
            choices.append(choice)
            watch = _watch(state, run.denoisers, "compile" in asked)
        if "compile" in asked:
            choices.append(_compile(run, cache if state != "off" else None))
        first = f"only one cache at a time, and {TITLES[cache]} was first" if cache else ""
        choices += [Choice(TITLES[name], OFF, first) for name in asked if name not in (cache, "compile")]
        yield
        if faults := list_faults():
            failed = Choice(TITLES["compile"], OFF, f"the compiler failed on this model's blocks ({faults[-1]})")
            choices[:] = [failed if (one.what, one.value) == (failed.what, ON) else one for one in choices]
        if isinstance(watch, _PassCounter):
            choices[0] = watch.describe(choices[0])
        if isinstance(watch, step_caches.RatioWatcher) and run.folder:
            choices[0] = _write_ratios(choices[0], watch.ratios, run)
    finally:
        if watch:
            watch.close()
        for denoiser in run.denoisers:
            step_caches.detach(denoiser)
            _uncompile(denoiser)


@contextlib.contextmanager
def _tile_vae(pipe: Any, choices: list[Choice]) -> Generator[None]:
    """The VAE in tiles, and as it was afterwards; adds to `choices` what came of it, once it has decoded.

    It holds for the photo that is encoded too. decode.py takes tiles that are on for given, and may only go on to
    smaller pieces.
    """
    title = TITLES["vae_tiling"]
    vae: Any = getattr(pipe, "vae", None)
    if not hasattr(vae, "use_tiling") or not hasattr(vae, "tiled_decode"):
        choices.append(Choice(title, NOTHING, "this model's VAE knows no tiles"))
        yield
        return
    whole, calls, place = vae.tiled_decode, 0, len(choices)

    @functools.wraps(whole)
    def count(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        return whole(*given, **named)

    choices.append(
        Choice(title, ON, "decoded in tiles: less memory for decoding, slower, and faint seams are possible")
    )
    vae.tiled_decode = count
    try:
        with switch_on(vae, ("use_tiling",)):
            yield
        if not calls:
            choices[place] = Choice(title, NOTHING, "it was on, but the picture is no larger than one tile")
    finally:
        del vae.tiled_decode


def _attach_cache(name: SpeedUp, run: _Run) -> tuple[CacheState, Choice]:
    """Set one cache on all denoisers, or on none; how it stands, for code and in words."""
    title = TITLES[name]
    why = step_caches.find_obstacle(run.pipe, run.denoisers, run.checkpoint, run.steps)
    if why:
        return "off", Choice(title, OFF, why)
    measuring = name == "mag_cache" and not step_caches.find_ratios(run.checkpoint, run.each, run.folder)
    if measuring and run.folder is None:
        return "off", Choice(title, OFF, "it needs ratios of this very model, and its card names none")
    try:
        configs = _configure(name, run)
        hooks = [step_caches.attach(name, *pair) for pair in zip(run.denoisers, configs, strict=True)]
    except Exception as fault:  # diffusers raises a kind for every reason; none of them may cost a run
        for denoiser in run.denoisers:
            step_caches.detach(denoiser)
        return "no effect", Choice(title, NOTHING, f"it doesn't fit this model ({str(fault).strip()[:120]})")
    if not all(hooks):
        return "no effect", Choice(title, NOTHING, "it attached to nothing in this model")
    if measuring:
        why = "this run takes its usual time and measures the model; the next one is the faster for it"
        return "measuring", Choice(title, MEASURING, why)
    return "on", Choice(title, ON, f"{HOW[name]}; attached in {sum(hooks)} places")


def _configure(name: SpeedUp, run: _Run) -> list[Any]:
    """The settings of a cache for each denoiser."""
    if name == "first_block_cache":
        return [step_caches.configure_first_block() for _ in run.denoisers]
    if name == "taylorseer":
        return [step_caches.configure_taylorseer(*pair) for pair in zip(run.denoisers, run.each, strict=True)]
    ratios = step_caches.find_ratios(run.checkpoint, run.each, run.folder)
    if ratios:
        return [step_caches.configure_mag(*pair) for pair in zip(ratios, run.each, strict=True)]
    return [step_caches.configure_mag_measuring(steps) for steps in run.each]


def _write_ratios(choice: Choice, ratios: list[list[float]], run: _Run) -> Choice:
    if [len(one) for one in ratios] != run.each:
        return Choice(choice.what, NOTHING, "this run couldn't be measured: its passes weren't one a step")
    try:
        if run.folder:
            step_caches.write_ratios(run.checkpoint, run.folder, ratios)
    except OSError as fault:
        logging.getLogger(__name__).warning("MagCache's ratios can't be kept: %s", fault)
    return choice


def _watch(
    state: CacheState, denoisers: Sequence[Module], compiled: bool
) -> _PassCounter | step_caches.RatioWatcher | None:
    """What watches a run with a cache; what counts passes would be in a compiler's way."""
    if state == "measuring":
        return step_caches.RatioWatcher(denoisers)
    return _PassCounter(denoisers) if state == "on" and not compiled else None


class _PassCounter:
    """Counts the passes of the denoisers, and those of them in which the last block was really computed."""

    def __init__(self, denoisers: Sequence[Module]) -> None:
        self.passes = self.computed = 0
        self._in_this = False
        self._hooks: list[Any] = []
        for denoiser in denoisers:
            block = step_caches.find_last_block(denoiser)
            if block is None:
                continue
            self._hooks.append(denoiser.register_forward_pre_hook(self._begin))
            # A cache replaces the block's own forward: only what lies within tells whether it was computed.
            self._hooks += [child.register_forward_pre_hook(self._count_block) for child in block.children()]

    def _begin(self, module: Module, given: Any) -> None:
        self.passes += 1
        self._in_this = False

    def _count_block(self, module: Module, given: Any) -> None:
        self.computed += not self._in_this
        self._in_this = True

    def describe(self, choice: Choice) -> Choice:
        """The choice, with what came of it."""
        skipped = self.passes - self.computed
        if not skipped:
            return Choice(choice.what, NOTHING, f"it was on, but found nothing to skip in {self.passes} passes")
        return Choice(choice.what, choice.value, f"{choice.reason}; skipped {skipped} of {self.passes} passes")

    def close(self) -> None:
        """Stop counting."""
        for hook in self._hooks:
            hook.remove()


def _compile(run: _Run, cached: SpeedUp | None) -> Choice:
    """Have the repeated blocks compiled when they first run."""
    title, backend = TITLES["compile"], run.backend
    denoisers: Sequence[Any] = run.denoisers
    if cached == "mag_cache":
        return Choice(title, NOTHING, "MagCache keeps the compiler out of the blocks")
    fast = all(fp8_products.has_products(denoiser) for denoiser in denoisers)
    if not fast and not all(getattr(denoiser, "_repeated_blocks", None) for denoiser in denoisers):
        return Choice(title, NOTHING, "this model doesn't say which of its blocks are alike")
    if any(True for denoiser in denoisers for _ in list_groups(denoiser)):
        return Choice(title, OFF, "blocks that are streamed would each be compiled anew")
    lacking = find_missing_compiler(run.device) if backend == "inductor" else ""
    if lacking:
        return Choice(title, OFF, lacking)
    allow_sizes()
    for denoiser in denoisers:
        if fast:
            for block in fp8_products.find_blocks(denoiser):
                block.compile(backend=guard_backend(backend), dynamic=False)
        else:
            denoiser.compile_repeated_blocks(backend=guard_backend(backend), dynamic=False)
    blocks = sum(len(_list_compiled(denoiser)) for denoiser in denoisers)
    return Choice(
        title, ON, f"{blocks} blocks; the first pass of a size takes a minute or more, those after it are faster"
    )


def _list_compiled(denoiser: Module) -> list[Module]:
    return [module for module in denoiser.modules() if module._compiled_call_impl is not None]  # pyright: ignore


def _uncompile(denoiser: Module) -> None:
    """Back to the blocks as they were; what was compiled stays with torch and is found again."""
    for module in _list_compiled(denoiser):
        module._compiled_call_impl = None  # pyright: ignore
