"""The attention kernel a model runs with: the fastest that passed the probe on this device, or the one the user chose.

The table of kernels that were tried is a JSON file in the home folder's models; trying them is attention_probe.py's.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from studio import cards
from studio.atomic_write import write_whole
from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.diffusion.files import manifest
from studio.engines.diffusion.files.local_files import Folders
from studio.engines.diffusion.library_setup import import_libraries
from studio.engines.diffusion.run.attention_probe import CANDIDATES, HEADS, Candidate, ProbedKernel, probe_kernels
from studio.hung_threads import WorkLock
from studio.nouns import Choice, Noun

if TYPE_CHECKING:
    from torch.nn import Module

NATIVE = "native"
WHAT = "attention"
LEAST_FASTER = 0.95
"""A kernel is preferred to PyTorch's own choice from 5 % less time on: below that it is the noise of measuring."""

MASKLESS = frozenset({
    "WanTransformer3DModel", "SkyReelsV2Transformer3DModel", "HeliosTransformer3DModel",
    "UNetSpatioTemporalConditionModel", "I2VGenXLUNet",
})  # fmt: skip
"""Denoisers that pass no mask when they make a video from a photo. All others are taken to pass one (LTX does for the
words, HunyuanVideo for words and picture together), since some kernels refuse masks in the middle of a run."""

UNETS = frozenset({NATIVE, "xformers"})
"""All that a U-Net can be given."""

FIXED = frozenset({"CogVideoXTransformer3DModel"})
"""Denoisers whose attention diffusers can't be told to compute otherwise: none of their processors takes a kernel."""

_NATIVE_TITLE = "PyTorch's own choice"
_FIXED = "this model's attention can't be changed"

PACKAGES = ("torch", "diffusers", "flash-attn", "flash-attn-3", "sageattention", "xformers")
_probing = WorkLock()


class TorchDevice(Protocol):
    """What is needed of a machine: its device as torch calls it ("cuda:0", "cpu") and its name in words."""

    @property
    def device(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102


class AttentionUse(Noun, frozen=True):
    """What a model asks of a kernel: whether it passes masks, is a U-Net, how many numbers its heads hold (() where
    that isn't known), and whether its kernel is `fixed`.
    """

    masks: bool = True
    unet: bool = False
    heads: tuple[int, ...] = ()
    fixed: bool = False


class KernelTable(Noun, frozen=True):
    """The table as it is kept: `basis` is what it was made with, and it stands as long as none of that has changed."""

    basis: dict[str, str]
    kernels: tuple[ProbedKernel, ...]


def load_or_probe(
    machine: TorchDevice,
    settings: Settings,
    again: bool = False,
    candidates: tuple[Candidate, ...] = CANDIDATES,
    may_go_on: Callable[[], None] = lambda: None,
) -> tuple[ProbedKernel, ...]:
    """The kernels tried on this machine: those kept, or tried now where none are, where they are out of date, or
    `again`.

    Takes some seconds the first time (torch and diffusers are imported). `may_go_on` is called before each trial and
    may raise to stop: then nothing is kept. Empty, and nothing kept, where the device had no memory left to try in.
    """
    with _probing:
        known = () if again else read_table(machine, settings)
        if known:
            return known
        import_libraries()
        import torch

        try:
            found = probe_kernels(machine.device, candidates, may_go_on=may_go_on)
        except torch.OutOfMemoryError:
            return ()
        _write_table(KernelTable(_find_basis(machine), found), machine, settings)
        return found


def read_table(machine: TorchDevice, settings: Settings) -> tuple[ProbedKernel, ...]:
    """The kernels as they were last tried on this machine, without trying; empty where they weren't, or something has
    changed.
    """
    try:
        table = msgspec.json.decode(_find_file(machine, settings).read_bytes(), type=KernelTable)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return ()
    return table.kernels if table.basis == _find_basis(machine) else ()


def list_kernels(table: Sequence[ProbedKernel]) -> tuple[cards.Kernel, ...]:
    """The table as the rest of the studio knows it: each kernel, its time, and why it can or can't be used."""
    return tuple(cards.Kernel(row.name, row.ok, row.milliseconds, row.error, row.title, row.why) for row in table)


def choose_fastest(table: Sequence[ProbedKernel], device: str, masks: bool = True) -> ProbedKernel | None:
    """The kernel the studio chooses on `device` for a model that passes masks or not; None leaves it to PyTorch."""
    native = next((row for row in table if row.name == NATIVE and row.ok), None)
    if device == "cpu" or native is None:
        return None
    fit = [row for row in table if row.ok and row.automatic and (row.masks or not masks)]
    fastest = min(fit, key=lambda row: row.milliseconds, default=native)
    return fastest if fastest.milliseconds < native.milliseconds * LEAST_FASTER else None


def set_kernel(
    pipe: Any, denoisers: Sequence[Module], table: Sequence[ProbedKernel], wanted: str, device: str = ""
) -> Choice:
    """Set the kernel on every denoiser of a pipeline, and say which and why. To be called before every job.

    `wanted` is "auto" or a kernel's name. `device` is where the denoisers will run; by default where their weights are
    now. diffusers keeps one kernel for the whole process beside those of the models (and setting a model's sets that
    too), so a model whose kernel was never set would run with the last one's. Nothing is left to that here: it is put
    back to PyTorch's own, and every other part of the pipeline is set to it as well.
    """
    from diffusers.models.attention_dispatch import AttentionBackendName, _AttentionBackendRegistry  # pyright: ignore

    use = describe_modules(denoisers)
    name, why = _choose(use, table, wanted, device or str(next(denoisers[0].parameters()).device))
    parts = [part for part in getattr(pipe, "components", {}).values() if hasattr(part, "set_attention_backend")]
    for part in parts:
        _set_backend(part, AttentionBackendName(NATIVE))
    changed = sum(_set_backend(denoiser, AttentionBackendName(name)) for denoiser in denoisers)
    _AttentionBackendRegistry.set_active_backend(AttentionBackendName.NATIVE)
    if changed:
        return Choice(WHAT, _find_title(name, table), why)
    return _set_on_unets(denoisers, name, why)


def _set_backend(part: Any, backend: Any) -> int:
    """Set a kernel on each attention processor of a model that takes one; how many did.

    Not by the model's own `set_attention_backend`: that sets the process's too, and some models take it and change
    nothing.
    """
    # Not by getattr: on a module without one it takes microseconds, and there are thousands of modules.
    processors: list[Any] = [
        vars(module).get("processor") or module._modules.get("processor") for module in part.modules()
    ]
    able = [processor for processor in processors if hasattr(processor, "_attention_backend")]
    for processor in able:
        processor._attention_backend = backend
    return len(able)


def foresee_kernel(use: AttentionUse, table: Sequence[ProbedKernel], wanted: str, device: str) -> Choice:
    """The kernel that `set_kernel` will set on a model of this `use` on `device`, and why."""
    name, why = _choose(use, table, wanted, device)
    if use.fixed:
        return Choice(WHAT, _NATIVE_TITLE, _FIXED)
    return Choice(WHAT, _find_title(name, table), why)


def describe_modules(denoisers: Sequence[Module]) -> AttentionUse:
    """What denoisers in memory ask of a kernel."""
    kinds = [type(denoiser).__name__ for denoiser in denoisers]
    return _describe(kinds, {size for one in denoisers for size in _find_head_sizes(getattr(one, "config", {}))})


def describe_files(card: ModelCard, folders: Folders | None) -> AttentionUse:
    """What a card's denoisers will ask of a kernel, by the card and the configurations on the disk; what is missing
    there is taken as the page's usual case."""
    checkpoint = manifest.require_checkpoint(card)
    places = {one.name: one for one in checkpoint.components if one.name in checkpoint.denoisers}
    kinds, sizes = [], set[int]()
    for name in checkpoint.denoisers:
        config: dict[str, Any] = {}
        with contextlib.suppress(OSError):
            if folders is None:
                raise FileNotFoundError
            file = folders.main / (places[name].folder if name in places else name) / "config.json"
            config = manifest.parse_object(file.read_bytes()) or {}
        kinds.append(str(config.get("_class_name") or (places[name].class_name if name in places else "")))
        sizes |= _find_head_sizes(config)
    return _describe([kind for kind in kinds if kind], sizes)


def _describe(kinds: Sequence[str], sizes: set[int]) -> AttentionUse:
    unet = bool(kinds) and all("UNet" in kind for kind in kinds)
    return AttentionUse(
        masks=any(kind not in MASKLESS for kind in kinds) or not kinds,
        unet=unet,
        heads=() if unet else tuple(sorted(sizes)),
        fixed=bool(kinds) and all(kind in FIXED for kind in kinds),
    )


def _choose(use: AttentionUse, table: Sequence[ProbedKernel], wanted: str, device: str) -> tuple[str, str]:
    """A kernel's name, and why that one."""
    if use.unet:
        unfit = next((row for row in table if row.name == wanted and row.name not in UNETS), None)
        if unfit:
            return NATIVE, f"{unfit.title} was chosen in Settings, but isn't for this kind of model"
        table = [row for row in table if row.name in UNETS]
    if wanted != "auto":
        return _choose_wanted(table, wanted, use.masks)
    if device == "cpu":
        return NATIVE, "on a processor PyTorch's own choice is the fastest there is"
    if not table:
        return NATIVE, "no other kernel has been tried on this device yet"
    if odd := set(use.heads) - set(HEADS):
        return NATIVE, f"this model's heads hold {max(odd)} numbers, and the others were only tried with 64 and 128"
    found = choose_fastest(table, device, use.masks)
    native = next((row for row in table if row.name == NATIVE), None)
    if found is None or native is None:
        also = " that takes this model's masks" if use.masks else ""
        return NATIVE, f"no other kernel{also} was faster on this device"
    return (
        found.name,
        f"the fastest here: {found.milliseconds:.2f} ms where PyTorch takes {native.milliseconds:.2f}; {found.why}",
    )


def _find_title(name: str, table: Sequence[ProbedKernel]) -> str:
    return next((row.title for row in table if row.name == name and name != NATIVE), _NATIVE_TITLE)


def _choose_wanted(table: Sequence[ProbedKernel], wanted: str, masks: bool) -> tuple[str, str]:
    row = next((row for row in table if row.name == wanted), None)
    if row is None:
        return NATIVE, f"{wanted} was chosen in Settings, but hasn't been tried on this device"
    if not row.ok:
        return NATIVE, f"{row.title} was chosen in Settings, but {row.why}"
    if masks and not row.masks:
        return NATIVE, f"{row.title} was chosen in Settings, but doesn't take the masks that this model passes"
    return row.name, f"chosen in Settings; {row.why}"


def _find_head_sizes(config: Any) -> set[int]:
    """The sizes of a denoiser's heads by its configuration."""
    sizes = {config.get(key) for key in ("attention_head_dim", "audio_attention_head_dim", "cross_attention_head_dim")}
    return {size for size in sizes if isinstance(size, int)}


def _is_unet(denoiser: Any) -> bool:
    return "UNet" in type(denoiser).__name__


def _set_on_unets(denoisers: Sequence[Any], name: str, why: str) -> Choice:
    """U-Nets know nothing of the dispatch, but have a method of their own for xFormers."""
    unets = [denoiser for denoiser in denoisers if _is_unet(denoiser)]
    for unet in unets:
        if any("XFormers" in type(processor).__name__ for processor in unet.attn_processors.values()):
            unet.disable_xformers_memory_efficient_attention()
    fixed = Choice(WHAT, _NATIVE_TITLE, why if unets else _FIXED)
    if not unets or name != "xformers":
        return fixed
    try:
        for unet in unets:
            unet.enable_xformers_memory_efficient_attention()
    except Exception as fault:  # it tries the kernel itself, which may fail in any way
        for unet in unets:
            unet.disable_xformers_memory_efficient_attention()
        return Choice(WHAT, fixed.value, f"xFormers was tried on this model and failed ({str(fault)[:120]})")
    return Choice(WHAT, "xFormers", why)


def _find_file(machine: TorchDevice, settings: Settings) -> Any:
    slug = re.sub(r"[^a-z0-9]+", "-", f"{machine.name} {machine.device.split(':')[0]}".lower()).strip("-")[:80]
    return settings.home / "models" / f"attention-{slug}.json"


def _find_basis(machine: TorchDevice) -> dict[str, str]:
    return {"device": machine.name, **_read_versions()}


@cache
def _read_versions() -> dict[str, str]:
    """The versions of everything that decides how attention runs."""
    found: dict[str, str] = dict.fromkeys(PACKAGES, "")
    for package in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def _write_table(table: KernelTable, machine: TorchDevice, settings: Settings) -> None:
    """Write the table down; where that fails it is tried again next time, which costs seconds and nothing else."""
    file = _find_file(machine, settings)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, msgspec.json.format(msgspec.json.encode(table)))
    except OSError as fault:
        logging.getLogger(__name__).warning("The table of attention kernels can't be kept: %s", fault)
