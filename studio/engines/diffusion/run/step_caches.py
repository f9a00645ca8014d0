"""The step caches of diffusers on a denoiser: FirstBlockCache, MagCache, TaylorSeer; passes are skipped or guessed, not
computed.

How each is attached, which hooks it should have, and how it comes off again. Which are wanted is speedups.py's.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import msgspec

from studio.atomic_write import write_whole
from studio.cards import Checkpoint
from studio.nouns import SpeedUp

if TYPE_CHECKING:
    from torch.nn import Module

FEWEST_STEPS = 9
"""Below this nothing is cached: distilled models take 4 to 8 steps, each unlike the last."""

FIRST_BLOCK_THRESHOLD = 0.1
"""How much the first block's change may differ from the last pass's before all is computed. diffusers documents 0.05 to
0.2.
"""

MAG_THRESHOLD, MAG_SKIPS, MAG_FIRST = 0.06, 3, 0.2
"""MagCache: largest accumulated error, most passes skipped in a row, and the share of first passes that is always
computed; the defaults of diffusers and of its authors (github.com/Zehong-Ma/MagCache)."""

TAYLOR_INTERVAL, TAYLOR_FIRST = 3, 3
TAYLOR_SKIPPED, TAYLOR_GUESSED = r"(transformer_|single_transformer_)?blocks\.\d+", r"(audio_)?proj_out"
"""TaylorSeer computes the first 3 passes and then every third, and guesses the rest from the slope between two.

diffusers' own patterns match no video model and attach to nothing. Matching every attention layer would do, but each
then keeps two copies of its output: for Wan 14B at 480p and 81 frames 80 layers x 2 x 335 MB, twice over with guidance,
107 GB. So what is guessed is the denoiser's output, and its blocks are skipped (the "lite" way of the method's
authors)."""

HOOKS: dict[SpeedUp, tuple[str, ...]] = {
    "first_block_cache": ("fbc_leader_block_hook", "fbc_block_hook"),
    "mag_cache": ("mag_cache_leader_block_hook", "mag_cache_block_hook"),
    "taylorseer": ("taylorseer_cache",),
}
"""The names that diffusers gives to the hooks of each."""


def find_obstacle(pipe: Any, denoisers: Sequence[Module], checkpoint: Checkpoint, steps: int) -> str:
    """Why no cache can be used in this run; "" where one can."""
    if steps < FEWEST_STEPS:
        return f"with {steps} steps each differs too much from the last; from {FEWEST_STEPS} on it would help"
    if checkpoint.lengths.ask_step:
        return "this model makes a clip in sections, and nothing may be carried from one into the next"
    if not all(hasattr(denoiser, "enable_cache") for denoiser in denoisers):
        return "this model has no blocks it could attach to"
    if not has_cache_context(pipe):
        return "this model's pipeline doesn't say which pass is which, so they would be mixed up"
    return ""


def has_cache_context(pipe: Any) -> bool:
    """Whether a pipeline tells its denoiser which pass it is in (`cache_context`): without, every cache raises or mixes
    them.
    """
    found = (member for kind in type(pipe).__mro__ for member in vars(kind).values())
    functions = (getattr(member, "__wrapped__", member) for member in found)
    return any("cache_context" in each.__code__.co_names for each in functions if isinstance(each, FunctionType))


def split_steps(pipe: Any, steps: int, denoisers: int) -> list[int]:
    """How many of the steps each denoiser takes: of two (Wan2.2 A14B) the first takes those above the boundary."""
    boundary = getattr(pipe.config, "boundary_ratio", None)
    if denoisers == 1 or boundary is None:
        return [steps] * denoisers
    scheduler = copy.deepcopy(pipe.scheduler)
    scheduler.set_timesteps(steps)
    first = int((scheduler.timesteps >= boundary * scheduler.config.num_train_timesteps).sum())
    return [first, len(scheduler.timesteps) - first]


def attach(name: SpeedUp, denoiser: Any, config: Any) -> int:
    """Set a cache on a denoiser; how many hooks it attached. Where that fails nothing stays behind, and the error goes
    on.
    """
    detach(denoiser)
    try:
        denoiser.enable_cache(config)
        _check_hooks(name, denoiser)
    except Exception:
        detach(denoiser)
        raise
    return count_hooks(name, denoiser)


def _check_hooks(name: SpeedUp, denoiser: Any) -> None:
    """Raise for what diffusers only finds out in the middle of a run."""
    hooked = [
        (path, module) for path, module in denoiser.named_modules() if _list_hook_names(module) & set(HOOKS[name])
    ]
    if name == "taylorseer":
        guessed = [path for path, _ in hooked if re.fullmatch(TAYLOR_GUESSED, path)]
        if hooked and not 0 < len(guessed) < len(hooked):
            raise ValueError("blocks would be skipped whose outcome isn't guessed")
    if name == "first_block_cache":
        takes = (inspect.signature(type(module).forward).parameters for _, module in hooked)
        if not all("hidden_states" in parameters for parameters in takes):
            raise ValueError("the blocks take their picture under another name")


def detach(denoiser: Any) -> None:
    """Take every cache off a denoiser, one that is half attached too. It then computes exactly as before."""
    if getattr(denoiser, "is_cache_enabled", False):
        denoiser.disable_cache()
    ours = {hook for hooks in HOOKS.values() for hook in hooks}
    for module in denoiser.modules():
        for hook in _list_hook_names(module) & ours:
            module._diffusers_hook.remove_hook(hook, recurse=False)


def count_hooks(name: SpeedUp, denoiser: Module) -> int:
    """How many hooks of a cache a denoiser carries."""
    return sum(len(_list_hook_names(module) & set(HOOKS[name])) for module in denoiser.modules())


def find_last_block(denoiser: Module) -> Module | None:
    """The last block that carries a cache's hook: the one that isn't computed in a pass that is skipped."""
    ours = {hook for hooks in HOOKS.values() for hook in hooks}
    blocks = [
        module
        for module in denoiser.modules()
        if _list_hook_names(module) & ours and any(True for _ in module.children())
    ]
    return blocks[-1] if blocks else None


def _list_hook_names(module: Any) -> set[str]:
    registry = module.__dict__.get("_diffusers_hook")
    return set(registry.hooks) if registry else set()


def configure_first_block() -> Any:
    """The first-block cache's settings."""
    from diffusers.hooks.first_block_cache import FirstBlockCacheConfig

    return FirstBlockCacheConfig(threshold=FIRST_BLOCK_THRESHOLD)


def configure_taylorseer(denoiser: Any, steps: int) -> Any:
    """TaylorSeer's settings for a denoiser that takes `steps` passes: the last is always computed."""
    from diffusers.hooks.taylorseer_cache import TaylorSeerCacheConfig

    return TaylorSeerCacheConfig(
        cache_interval=TAYLOR_INTERVAL,
        disable_cache_before_step=TAYLOR_FIRST,
        disable_cache_after_step=steps - 1,
        taylor_factors_dtype=denoiser.dtype,
        skip_predict_identifiers=[TAYLOR_SKIPPED],
        cache_identifiers=[TAYLOR_GUESSED],
    )


def configure_mag(ratios: Sequence[float], steps: int) -> Any:
    """MagCache's settings for a denoiser that takes `steps` passes; `ratios` are stretched to as many."""
    from diffusers.hooks.mag_cache import MagCacheConfig

    return MagCacheConfig(
        threshold=MAG_THRESHOLD,
        max_skip_steps=MAG_SKIPS,
        retention_ratio=MAG_FIRST,
        num_inference_steps=steps,
        mag_ratios=list(ratios),
    )


def configure_mag_measuring(steps: int) -> Any:
    """MagCache's settings for a run that skips nothing and measures. One step too many: at the end it would print and
    forget.
    """
    from diffusers.hooks.mag_cache import MagCacheConfig

    return MagCacheConfig(num_inference_steps=steps + 1, calibrate=True)


class RatioWatcher:
    """Watches a measuring run: the ratios it finds are forgotten by diffusers when the pipeline ends, and are held
    here.
    """

    def __init__(self, denoisers: Sequence[Module]) -> None:
        self.ratios: list[list[float]] = [[] for _ in denoisers]
        self._watchers = [
            denoiser.register_forward_hook(self._watch(number, _find_leader(denoiser)))
            for number, denoiser in enumerate(denoisers)
        ]

    def _watch(self, number: int, leader: Any) -> Any:
        def look(*_: Any) -> None:
            states: list[Any] = list(leader.state_manager._state_cache.values())
            if states and not self.ratios[number]:
                self.ratios[number] = states[
                    0
                ].calibration_ratios  # the pass with the prompt is the first; it grows by itself

        return look

    def close(self) -> None:
        """Stop watching."""
        for watcher in self._watchers:
            watcher.remove()


def _find_leader(denoiser: Module) -> Any:
    """MagCache's hook on the first block."""
    name = HOOKS["mag_cache"][0]
    module: Any = next(module for module in denoiser.modules() if name in _list_hook_names(module))
    return module._diffusers_hook.hooks[name]


def find_ratios(checkpoint: Checkpoint, steps: Sequence[int], folder: Path | None) -> list[list[float]]:
    """MagCache's ratios for each denoiser: the card's, which run over all steps together, else those measured here,
    else none.
    """
    if not checkpoint.mag_ratios:
        return _read_ratios(checkpoint, folder, len(steps))
    whole, total = checkpoint.mag_ratios, sum(steps)
    stretched = [whole[round(index * (len(whole) - 1) / max(total - 1, 1))] for index in range(total)]
    begins = [sum(steps[:number]) for number in range(len(steps))]
    return [stretched[begin : begin + each] for begin, each in zip(begins, steps, strict=True)]


def _read_ratios(checkpoint: Checkpoint, folder: Path | None, denoisers: int) -> list[list[float]]:
    if folder is None:
        return []
    try:
        found = msgspec.json.decode(_find_file(checkpoint, folder).read_bytes(), type=list[list[float]])
    except (OSError, msgspec.MsgspecError):
        return []
    return found if len(found) == denoisers and all(found) else []


def write_ratios(checkpoint: Checkpoint, folder: Path, found: list[list[float]]) -> None:
    """Write measured ratios down. Raises OSError."""
    file = _find_file(checkpoint, folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, msgspec.json.encode(found))


def _find_file(checkpoint: Checkpoint, folder: Path) -> Path:
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", f"{checkpoint.repo}@{checkpoint.revision}").strip("-")
    return folder / f"magcache-{slug[-120:]}.json"
