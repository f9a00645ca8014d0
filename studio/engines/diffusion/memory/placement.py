"""Memory placement: whether a model fits this machine, and how: on the GPU, offloaded in turns, streamed, or in 8 bits.

Arithmetic over a card's needs and the machine's memory, with the reason for each decision; nothing is loaded or
measured. The ways are tried in order of speed; a preference of the user's goes before the order. GB are 1e9 bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import inf
from typing import Literal, NamedTuple

from studio.cards import Checkpoint, ModelCard, Needs, Plan
from studio.engines.diffusion.memory.machine import Machine
from studio.nouns import Choice
from studio.preferences import Placement, Preferences, Weights

GB = 1e9
VIDEO_RESERVE = 1.0
"""GB of video memory that are never ours: the driver, CUDA's own context, the desktop."""

SYSTEM_RESERVE = 2.5
"""GB of memory that are left to the system, Python and the libraries."""

PROCESSOR_LIMIT = 1.0
"""GB of weights up to which a model is run without a GPU at all: beyond, one clip takes hours."""

ENCODER_RUN = 1.0
"""GB a text encoder needs to run, besides itself: one prompt is short."""

LARGEST_LEAF = 0.2
"""Of a text encoder, what is on the GPU at once while it is streamed: its embedding (0.19 of UMT5-XXL; less of others).
"""

TILED_DECODE = 3.0
"""GB that a decode takes at least: tiles of 256 pixels of the heaviest VAE (vae_decode.py) in float32, and frames."""

ORDER: tuple[tuple[Placement, Weights], ...] = (
    ("resident", "published"), ("managed", "published"), ("grouped", "published"),
    ("managed", "fp8"), ("grouped", "fp8"),
    ("managed", "int8"), ("grouped", "int8"),
    ("managed", "gguf"), ("grouped", "gguf"),
)  # fmt: skip
"""The ways to run, the fastest and truest first. Cost of each: see `_WHY`."""

FAST: tuple[tuple[Placement, Weights], ...] = tuple((way, "fp8_fast") for way in ("resident", "managed", "grouped"))
"""The ways to run with fp8 products: only when the user has chosen them, for their pictures differ."""

FP8_CAPABILITY = (8, 9)
"""CUDA compute capability from which a GPU multiplies in fp8: Ada, Hopper and newer (CUDA C++ Programming Guide)."""

SHRINK: dict[Weights, float] = {"published": 1.0, "fp8": 0.51, "fp8_fast": 0.51, "int8": 0.52, "gguf": 0.45}
"""What a denoiser weighs of what it weighs in bfloat16: norms stay whole in fp8 and int8; GGUF at Q5, the usual one."""

KINDS: tuple[Weights, ...] = ("published", "fp8", "int8", "gguf")
PACKAGES: dict[Weights, str] = {"int8": "torchao", "gguf": "gguf"}
_WHY: dict[Weights, str] = {
    "published": "as they were published",
    "fp8": "kept in 8 bits and widened when used: half the memory, slightly slower, almost the same pictures",
    "fp8_fast": "rounded to fp8, in which its blocks also multiply: half the memory, about 0.72 of a step once compiled"
    " (measured on an H100); the picture differs slightly",
    "int8": "rounded to 8 bits by torchao: half the memory, slightly different pictures",
    "gguf": "from the card's GGUF file: the least memory, visibly different pictures",
}
PARALLAX = "Use the built-in Parallax, which runs on any computer, or a model that needs less."


@dataclass(frozen=True)
class Fit:
    """The verdict on a card: "slowly" where weights are streamed or there is no GPU. Reason and remedy in the user's
    words.
    """

    fits: Literal["yes", "slowly", "no"]
    reason: str
    remedy: str
    placement: Placement
    weights: Weights
    choices: tuple[Choice, ...] = ()


def is_installed(package: str) -> bool:
    """Whether a package can be imported here."""
    return find_spec(package) is not None


def find_volume(card: ModelCard, plan: Plan | None) -> float:
    """How large a clip is: 1 at the card's default size and length. A model of sections makes a longer one piece by
    piece.
    """
    if card.checkpoint is None or plan is None:
        return 1.0
    (width, height), lengths = card.checkpoint.sizes.native[0], card.checkpoint.lengths
    longer = 1.0 if lengths.ask_step else plan.num_frames / lengths.default
    return plan.width * plan.height / (width * height) * longer


def estimate_activation(needs: Needs, volume: float = 1.0) -> float:
    """GB that a run of so large a clip takes, besides the weights. The card's own number is the least: decoders work in
    tiles.
    """
    return needs.activation * max(1.0, volume)


def fit(
    card: ModelCard,
    machine: Machine,
    preferences: Preferences,
    have: Callable[[str], bool] = is_installed,
    volume: float = 1.0,
) -> Fit:
    """How `card` would run on `machine`. `have` tells which optional packages there are.

    For a clip of a larger `volume` the weights are the same, and wait elsewhere where they'd leave its run no room:
    unless the user has said where.
    """
    checkpoint = card.checkpoint
    if checkpoint is None:
        return Fit("yes", "It is built in.", "", "resident", "published")
    wanted = preferences.placement.get(card.id, "auto"), preferences.weights.get(card.id, "auto")
    refused = _refuse_impossible(wanted[1], checkpoint, machine, have)
    if refused is not None and (machine.cuda or wanted[1] == "fp8_fast"):
        return refused
    if not machine.cuda:
        return _fit_processor(checkpoint.needs, machine)
    if wanted == ("auto", "auto") and machine.vram / GB < checkpoint.needs.vram:
        return _reject(
            f"It needs {_format_gb(checkpoint.needs.vram)} of video memory;"
            f" this {machine.name} has {_format_gb(machine.vram / GB)}."
        )
    for placement, weights in _list_ways(wanted, checkpoint, have):
        if find_shortage(checkpoint, machine, placement, weights) is None:
            found = _accept(checkpoint, machine, placement, weights, wanted)
            return found if wanted[0] != "auto" else _place_for_volume(checkpoint, machine, found, volume)
    if wanted != ("auto", "auto"):
        return _fit_as_set(checkpoint, machine, wanted)
    least = find_shortage(checkpoint, machine, *_list_ways(wanted, checkpoint, have)[-1]) or ""
    if any(one.kind == "gguf" for one in checkpoint.companions) and not find_shortage(
        checkpoint, machine, "grouped", "gguf"
    ):
        return _reject(least, "In Settings, set its weights to GGUF: with those it fits. Or use the built-in Parallax.")
    return _reject(least)


def lower(card: ModelCard, machine: Machine, now: Fit, have: Callable[[str], bool] = is_installed) -> Fit | None:
    """The next way that needs less video memory than `now`, for a run that didn't fit after all; None when there is
    none.
    """
    checkpoint = card.checkpoint
    if checkpoint is None or not machine.cuda:
        return None
    kinds = _list_kinds(checkpoint, have, gguf=now.weights == "gguf")
    before = estimate_stepping(checkpoint, now.placement, now.weights)
    for placement, weights in FAST if now.weights == "fp8_fast" else ORDER:
        narrower = weights == now.weights or (weights in kinds and KINDS.index(weights) >= KINDS.index(now.weights))
        less = estimate_stepping(checkpoint, placement, weights) < before
        if narrower and less and estimate_ram(checkpoint, weights) <= machine.ram / GB - SYSTEM_RESERVE:
            why = "the way before it ran out of video memory"
            choices = Choice("placement", placement, why), Choice("weights", weights, _WHY[weights])
            return Fit("slowly", f"Runs {_describe(placement, weights)}: {why}.", "", placement, weights, choices)
    return None


class Phases(NamedTuple):
    """GB of video memory at the peak of each part of a run: reading the words, the steps, decoding."""

    words: float
    steps: float
    decode: float


def estimate_phases(
    checkpoint: Checkpoint, placement: Placement, weights: Weights, volume: float = 1.0, most: float = inf
) -> Phases:
    """What a run takes, phase by phase. `most` is what the GPU has for it, in GB: a text encoder for which that is too
    little is streamed, and where weights aren't all there the denoiser leaves before the decode, which goes in tiles.
    The card's own minimum is of a streamed run of the default size, and no more is counted for one.
    """
    needs, run = checkpoint.needs, estimate_activation(checkpoint.needs, volume)
    steps = estimate_stepping(checkpoint, placement, weights) + run
    if placement == "resident":
        return Phases(steps, steps, steps)
    encoder = min(needs.encoder, needs.largest)
    words = ENCODER_RUN + (encoder if encoder + ENCODER_RUN <= most else encoder * LARGEST_LEAF)
    decode = needs.other + min(run, TILED_DECODE)
    if placement == "grouped" and volume <= 1:
        steps = min(steps, needs.vram - VIDEO_RESERVE)
    return Phases(words, steps, decode)


def estimate_stepping(checkpoint: Checkpoint, placement: Placement, weights: Weights) -> float:
    """GB of weights that are on the GPU during the steps."""
    needs, count = checkpoint.needs, max(1, len(checkpoint.denoisers))
    if placement == "resident":
        return needs.denoiser * SHRINK[weights] + needs.encoder + needs.other
    if placement == "managed":
        return needs.denoiser * SHRINK[weights] / count
    return estimate_streamed(needs, count) * SHRINK[weights]


def estimate_vram(
    checkpoint: Checkpoint, placement: Placement, weights: Weights, volume: float = 1.0, most: float = inf
) -> float:
    """GB of video memory at the peak of a run, its words, steps and decode."""
    return max(estimate_phases(checkpoint, placement, weights, volume, most))


def find_most(machine: Machine) -> float:
    """GB of a GPU's memory that a run may take."""
    return machine.vram / GB - VIDEO_RESERVE


def estimate_streamed(needs: Needs, count: int = 1) -> float:
    """GB on the GPU while a denoiser is streamed: two blocks are under way at a time, of some thirty there are."""
    return needs.denoiser / count / 15


def estimate_ram(checkpoint: Checkpoint, weights: Weights) -> float:
    """GB of memory that a card takes: all its parts wait there. Files are mapped and not copied while weights are
    narrowed.
    """
    needs = checkpoint.needs
    return needs.encoder + needs.other + needs.denoiser * SHRINK[weights]


def estimate_memory(checkpoint: Checkpoint, machine: Machine, found: Fit, volume: float = 1.0) -> float:
    """GB that a run takes of the memory it runs in: the GPU's, or without one the system's, all in float32."""
    if machine.cuda:
        return estimate_vram(checkpoint, found.placement, found.weights, volume, find_most(machine))
    widened = 1 if checkpoint.dtype == "float32" else 2
    return widened * estimate_ram(checkpoint, found.weights) + estimate_activation(checkpoint.needs, volume)


def find_shortage(checkpoint: Checkpoint, machine: Machine, placement: Placement, weights: Weights) -> str | None:
    """What is missing for this way, in the user's words; None when nothing is. Below the memory that its card asks for
    the published weights aren't loaded.
    """
    needs, there = checkpoint.needs, machine.vram / GB
    need = estimate_vram(checkpoint, placement, weights, most=find_most(machine)) + VIDEO_RESERVE
    way = _describe(placement, weights)
    if need > there:
        return f"It needs {_format_gb(need)} of video memory even {way}; this {machine.name} has {_format_gb(there)}."
    need, there = estimate_ram(checkpoint, weights) + SYSTEM_RESERVE, machine.ram / GB
    if weights == "published":
        need = max(need, needs.ram)
    if need > there:
        return f"It needs {_format_gb(need)} of memory even {way}; this machine has {_format_gb(there)}."
    return None


def _list_ways(
    wanted: tuple[Placement, Weights], checkpoint: Checkpoint, have: Callable[[str], bool]
) -> list[tuple[Placement, Weights]]:
    """The ways that are open to this card here, by the user's wishes. Never empty."""
    placement, weights = wanted
    if weights == "fp8_fast":
        return [way for way in FAST if placement in ("auto", way[0])]
    kinds = _list_kinds(checkpoint, have, gguf=weights == "gguf")
    first: tuple[tuple[Placement, Weights], ...] = () if weights in ("auto", "published") else (("resident", weights),)
    order = (*first, *ORDER)
    ways = [way for way in order if way[1] in kinds and placement in ("auto", way[0]) and weights in ("auto", way[1])]
    return ways or [("resident" if placement == "auto" else placement, "published" if weights == "auto" else weights)]


def _list_kinds(checkpoint: Checkpoint, have: Callable[[str], bool], gguf: bool) -> set[Weights]:
    """The kinds of weights that are open. GGUF only where it is preferred: its file isn't fetched otherwise."""
    kinds: set[Weights] = set()
    kinds.update(kind for kind in KINDS if kind not in PACKAGES or have(PACKAGES[kind]))
    named = any(companion.kind == "gguf" for companion in checkpoint.companions)
    return kinds if gguf and named else kinds - {"gguf"}


def find_fp8_obstacle(checkpoint: Checkpoint, machine: Machine) -> str:
    """Why a card can't multiply in fp8 on this machine, in words; "" where nothing known stands in its way."""
    if not checkpoint.fp8_keep:
        return "This model's card doesn't say which of its layers may multiply in fp8."
    if checkpoint.dtype != "bfloat16":
        return f"fp8 products are for models that run in bfloat16, and this one runs in {checkpoint.dtype}."
    if machine.capability >= FP8_CAPABILITY:
        return ""
    where = f"this {machine.name} has {machine.capability[0]}.{machine.capability[1]}" if machine.cuda else machine.note
    return (
        "fp8 products need an NVIDIA GPU of compute capability 8.9 or newer (RTX 40 and 50, L4, L40, H100),"
        f" and {where or 'there is no GPU'}."
    )


def list_impossible(
    card: ModelCard, machine: Machine, have: Callable[[str], bool] = is_installed
) -> tuple[Choice, ...]:
    """The kinds of weights that a card can't have on this machine, each with the reason."""
    if card.checkpoint is None:
        return ()
    kinds = (*KINDS, "fp8_fast")
    refused = {kind: _refuse_impossible(kind, card.checkpoint, machine, have) for kind in kinds}
    return tuple(Choice(kind, "off", fit.reason) for kind, fit in refused.items() if fit is not None)


def _refuse_impossible(
    weights: Weights, checkpoint: Checkpoint, machine: Machine, have: Callable[[str], bool]
) -> Fit | None:
    """A wish that can't be granted, said so."""
    package = PACKAGES.get(weights)
    obstacle = find_fp8_obstacle(checkpoint, machine) if weights == "fp8_fast" else ""
    if obstacle:
        return _reject(obstacle, "Set its weights back to automatic on the Models tab, or choose others there.")
    if weights == "gguf" and not any(companion.kind == "gguf" for companion in checkpoint.companions):
        return _reject("This model's card names no GGUF file.", "Choose other weights for it in Settings.")
    if package and not have(package):
        return _reject(
            f"{weights} weights need the Python package {package}.", f"Install it with: pip install {package}"
        )
    return None


def _fit_processor(needs: Needs, machine: Machine) -> Fit:
    """Without a GPU: everything in memory, in float32, and only what is small."""
    why = machine.note or "there is no GPU"
    if needs.weights > PROCESSOR_LIMIT:
        return _reject(f"It needs a GPU with {_format_gb(needs.vram)} of memory, and {why}.")
    choices = (
        Choice("device", "processor", why),
        Choice("placement", "resident", "there is only one memory"),
        Choice("weights", "published", "they are small enough for the processor"),
        Choice("dtype", "float32", "processors are slow at shorter numbers"),
    )
    return Fit(
        "slowly", f"It is small enough for the processor, which is slow; {why}.", "", "resident", "published", choices
    )


def _accept(
    checkpoint: Checkpoint, machine: Machine, placement: Placement, weights: Weights, wanted: tuple[Placement, Weights]
) -> Fit:
    needs, there = checkpoint.needs, _format_gb(machine.vram / GB)
    run = f"{_format_gb(needs.activation)} for the run"
    streams = min(needs.encoder, needs.largest) + ENCODER_RUN > find_most(machine)
    part = "denoiser" if streams else "heaviest part"
    reasons: dict[Placement, str] = {
        "resident": f"all its weights and {run} fit in {there} of video memory",
        "managed": f"not all its weights fit in {there} at once, but its {part} and {run} do: parts take turns",
        "grouped": f"the denoiser doesn't fit beside {run} in {there}: it is streamed block by block, which is slower",
    }
    where, what = reasons[placement], _WHY[weights]
    if streams and placement != "resident":
        where += "; the text encoder, which doesn't fit alone, is streamed"
    if weights != "published":
        lack = find_shortage(checkpoint, machine, "grouped", "published")
        what = f"{what}; " + ("memory is too small for the published ones" if lack else "as set in Settings")
    choices = [
        Choice("device", machine.name, "the GPU that was found"),
        Choice("placement", placement, where if wanted[0] == "auto" else f"set in Settings; {where}"),
        Choice("weights", weights, what if wanted[1] == "auto" else f"set in Settings; {_WHY[weights]}"),
    ]
    if checkpoint.dtype == "bfloat16" and machine.capability < (8, 0):
        choices.append(
            Choice("dtype", "bfloat16", f"what the model needs, though {machine.name} is slow at it (before Ampere)")
        )
    fits = "slowly" if placement == "grouped" else "yes"
    return Fit(fits, f"Runs {_describe(placement, weights)}: {where}.", "", placement, weights, tuple(choices))


def _place_for_volume(checkpoint: Checkpoint, machine: Machine, found: Fit, volume: float) -> Fit:
    """The same weights placed the next way that leaves room for a run of this size; streamed where none does."""
    most = find_most(machine)
    peak = estimate_vram(checkpoint, found.placement, found.weights, volume, most)
    if volume <= 1 or found.placement == "grouped" or peak <= most:
        return found
    parted = found.placement == "resident" and estimate_vram(checkpoint, "managed", found.weights, volume, most) <= most
    placement: Placement = "managed" if parted else "grouped"
    run, there = _format_gb(estimate_activation(checkpoint.needs, volume)), _format_gb(machine.vram / GB)
    how = "its parts take turns" if parted else "the denoiser is streamed block by block, which is slower"
    where = f"{how} for this size: the run alone needs {run} of the {there} of video memory"
    device, _, *others = found.choices  # as `_accept` puts them
    choices = device, Choice("placement", placement, where), *others
    reason = f"Runs {_describe(placement, found.weights)}: {where}."
    return replace(found, fits="yes" if parted else "slowly", reason=reason, placement=placement, choices=choices)


def _fit_as_set(checkpoint: Checkpoint, machine: Machine, wanted: tuple[Placement, Weights]) -> Fit:
    """What the user set, although by the numbers it doesn't fit: the numbers are estimates, and it is the user's
    machine.
    """
    placement: Placement = "grouped" if wanted[0] == "auto" else wanted[0]
    weights: Weights = "published" if wanted[1] == "auto" else wanted[1]
    doubt = find_shortage(checkpoint, machine, placement, weights) or ""
    choices = Choice("placement", placement, f"set in Settings. {doubt}"), Choice("weights", weights, _WHY[weights])
    return Fit("slowly", f"Runs as set in Settings, if at all. {doubt}", "Set it back to automatic in Settings.",
               placement, weights, choices)  # fmt: skip


def _reject(reason: str, remedy: str = PARALLAX) -> Fit:
    return Fit("no", reason, remedy, "grouped", "published")


def _describe(placement: Placement, weights: Weights) -> str:
    where = {"resident": "entirely on the GPU", "managed": "part by part on the GPU", "grouped": "streamed to the GPU"}[
        placement
    ]
    return where if weights == "published" else f"{where} with {weights.replace('_', ' ')} weights"


def _format_gb(gigabytes: float) -> str:
    return f"{gigabytes:.0f} GB" if gigabytes >= 10 else f"{max(gigabytes, 0.1):.1f} GB"
