"""A model card in words: sizes, steps, licence and speed, and the controls the page offers for it.

How a model stands on this machine: `model_status`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from studio.cards import Checkpoint, Companion, Guidance, ModelCard, Steps
from studio.nouns import SpeedUp
from studio.photo.crop import SHORT_SIDES

SPEEDUPS: dict[SpeedUp, tuple[str, str]] = {
    "first_block_cache": (
        "First-block cache",
        "skips steps that change little; fine detail and small movements may differ",
    ),
    "mag_cache": ("MagCache", "skips steps as measured for this checkpoint; fine detail may differ"),
    "taylorseer": ("TaylorSeer", "foretells some steps from those before; takes more memory, and detail may differ"),
    "compile": ("Compile", "every frame stays as it is, or nearly; the first run waits a minute or more"),
    "vae_tiling": ("VAE tiling", "less memory for decoding, slower, faint seams are possible"),
}
"""What a speed-up is called, and what it costs."""

CLIP_USE = {
    "yes": "Clips may be used commercially.",
    "limits": "Commercial use has limits.",
    "no": "Not for commercial use.",
    "unknown": "Commercial use isn't stated.",
}
COMPANIONS = {"component": "part", "lora": "LoRA", "gguf": "GGUF file", "upscaler": "upscaler"}


def format_bytes(count: float) -> str:
    """Bytes in words: "33.1 GB", "420 MB"."""
    if count >= 1e9:
        return f"{count / 1e9:.3g} GB" if count < 1e12 else f"{count / 1e12:.3g} TB"
    return f"{max(1, round(count / 1e6))} MB"


def format_time(seconds: float) -> str:
    """A time in words: "~40 s", "~6 min", "~1.5 h"."""
    if seconds < 90:
        return f"~{max(1, round(seconds, -1 if seconds >= 20 else 0)):.0f} s"
    return f"~{seconds / 60:.0f} min" if seconds < 5400 else f"~{seconds / 3600:.2g} h"


def make_sentence(words: str) -> str:
    """The words with a capital and a full stop."""
    words = words.strip()
    return words and words[0].upper() + words[1:] + ("" if words[-1] in ".!?" else ".")


def describe_card(card: ModelCard) -> dict[str, Any]:
    """Everything about a card that never changes, for the picker, the desk and the models tab."""
    return {
        "id": card.id, "title": card.title, "where": card.where, "summary": card.summary, "supports": card.supports,
        "good_at": card.good_at, "licence": shorten_licence(card), "speed": card.speed, "controls": list_controls(card),
        "sound": "sound" in card.supports, "end_frame": "end_frame" in card.supports,
        "local": card.checkpoint is not None, "gpu": card.checkpoint.needs.vram if card.checkpoint else 0.0,
        "rows": list_facts(card), "maker": card.hosted.maker if card.hosted else "",
        "published": msgspec.to_builtins(card.checkpoint.published) if card.checkpoint else [],
    }  # fmt: skip


def shorten_licence(card: ModelCard) -> str:
    """The licence as a chip says it: its name, and that it has limits."""
    name = card.licence.split(",")[0].split(" (")[0].strip()
    return name + {"no": " · not commercial", "limits": " · limits"}.get(card.commercial, "")


def list_facts(card: ModelCard) -> list[tuple[str, str]]:
    """A card's facts as name and words."""
    found = [("Good at", ", ".join(card.good_at))]
    if card.checkpoint:
        found += _list_checkpoint_facts(card, card.checkpoint)
    use = "" if card.licence_limits and card.commercial == "yes" else CLIP_USE[card.commercial]
    licence = [make_sentence(card.licence), make_sentence(card.licence_limits), use]
    return [*found, ("Licence", " ".join(words for words in licence if words))]


def _list_checkpoint_facts(card: ModelCard, checkpoint: Checkpoint) -> list[tuple[str, str]]:
    steps, guidance, needs = checkpoint.steps, checkpoint.guidance, checkpoint.needs
    native = ", ".join(f"{width} × {height}" for width, height in checkpoint.sizes.native)
    low, high = card.fps
    rate = f"{low}" if low == high else f"{low} to {high}"
    parts = f"denoiser {needs.denoiser:g}, encoder {needs.encoder:g}, the rest {needs.other:g}"
    counts = f"{steps.default} by default, {steps.draft} for a draft, {steps.best} at best"
    scale = f"{guidance.default:g} by default" if guidance.most > guidance.least else f"{guidance.default:g}, fixed"
    return [
        ("Sizes", f"{native}; sides are multiples of {checkpoint.sizes.step}"),
        ("Length", f"{checkpoint.lengths.least} to {checkpoint.lengths.most} frames at {rate} fps"),
        ("Steps", counts if steps.least < steps.most else f"{steps.default}, fixed"),
        ("Guidance", scale),
        ("Weighs", f"{needs.weights:.3g} GB: {parts}"),
        ("On disk", _describe_disk(checkpoint)),
        ("Needs", f"{needs.vram:g} GB of video memory, {needs.ram:g} GB of memory ({needs.source.rstrip('.')})"),
        ("Files", " ".join([checkpoint.repo, *(f"+ {_describe_companion(one)}" for one in checkpoint.companions)])),
    ]  # fmt: skip


def _describe_disk(checkpoint: Checkpoint) -> str:
    """What the files weigh as published, what is kept of them once they are converted, and how that is known."""
    if checkpoint.stored is None:
        return f"about {checkpoint.disk:.3g} GB"
    kept = f"; {checkpoint.disk_converted:.3g} GB once what runs in {checkpoint.dtype} is converted to it"
    known = checkpoint.stored.source.rstrip(".")
    return f"{checkpoint.disk:.3g} GB as published{kept if checkpoint.convertible else ''} ({known})"


def _describe_companion(one: Companion) -> str:
    return f"{COMPANIONS[one.kind]} {one.file.rsplit('/', 1)[-1] or one.repo}"


def list_controls(card: ModelCard) -> dict[str, Any]:
    """What the desk may ask of a card: sizes, lengths in seconds, rates, and for models that denoise steps and
    guidance.
    """
    short, long = card.seconds
    usual = min(max(5.0, short), long)
    every: dict[str, Any] = {
        "sizes": [name for name in SHORT_SIDES if name != "240p"],
        "length": {"least": short, "most": long, "step": 0.5, "default": usual},
        "fps": card.fps, "steps": None, "guidance": None, "speedups": [],
    }  # fmt: skip
    point = card.checkpoint
    if point is None:
        return every
    guided = point.guidance.most > point.guidance.least
    return every | {
        "sizes": _list_sizes(point), "length": _find_lengths(card, point),
        "steps": _show_range(point.steps), "guidance": _show_range(point.guidance) if guided else None,
        "speedups": [{"name": name, "title": SPEEDUPS[name][0], "cost": SPEEDUPS[name][1]} for name in point.speedups],
    }  # fmt: skip


def _show_range(of: Steps | Guidance) -> dict[str, float]:
    return {"default": of.default, "least": of.least, "most": of.most}


def _list_sizes(point: Checkpoint) -> list[str]:
    """The named sizes that a checkpoint makes; none where it picks the size itself or knows only one."""
    shorts = [min(pair) for pair in point.sizes.native]
    if point.sizes.rule == "bucket":
        return []
    if point.sizes.rule == "listed":
        found = [name for name, side in SHORT_SIDES.items() if any(abs(side - one) <= 0.1 * side for one in shorts)]
    else:
        found = [name for name, side in SHORT_SIDES.items() if point.sizes.least <= side <= 1.1 * max(shorts)]
    return found if len(found) > 1 else []


def _find_lengths(card: ModelCard, point: Checkpoint) -> dict[str, float]:
    """Shortest, longest, step and default in seconds; where the rate is fixed every step is a length the model really
    makes.
    """
    low, high = card.fps
    short, long = card.seconds
    if low != high:
        return {
            "least": short,
            "most": long,
            "step": 0.5,
            "default": min(max(point.lengths.default / high, short), long),
        }
    lengths = point.lengths
    first = lengths.least + (lengths.first - lengths.least) % lengths.step
    counts = [count for count in range(first, lengths.most + 1, lengths.step) if 1.0 <= count / low <= 60.0] or [
        lengths.default
    ]
    return {
        "least": counts[0] / low, "most": counts[-1] / low, "step": lengths.step / low,
        "default": min(max(lengths.default, counts[0]), counts[-1]) / low,
    }  # fmt: skip
