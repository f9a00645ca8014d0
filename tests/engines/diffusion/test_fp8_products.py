"""fp8 products on tiny denoisers of the real classes: which layers take part, how near a pass comes, LoRAs, and the refusals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from studio import nouns, presets
from studio.cards import ModelCard
from studio.engines.diffusion.files.local_files import Folders
from studio.engines.diffusion.memory import fp8_products, loader
from studio.engines.diffusion.memory.model_cache import count_module_bytes
from studio.engines.diffusion.memory.placement import Fit
from studio.engines.diffusion.memory.shared_components import SharedComponents
from studio.engines.diffusion.run import speedups
from studio.nouns import SpeedUp
from tests.fakes import tiny_runs
from tests.rows import each_row

Tiny = Callable[[str], ModelCard]
FAST = Fit("yes", "", "", "resident", "fp8_fast")
TINY = {
    "wan": "wan21_i2v", "ltx": "ltx_condition", "ltx2": "ltx2_condition", "hunyuan15": "hunyuan15_i2v", "framepack": "framepack",
    "cogvideox": "cogvideox15_i2v", "skyreels": "skyreels_v2", "kandinsky5": "kandinsky5_i2v", "helios": "helios",
}  # fmt: skip
LTX23: dict[str, Any] = {
    "gated_attn": True, "audio_gated_attn": True, "cross_attn_mod": True, "audio_cross_attn_mod": True,
    "use_prompt_embeddings": False,
}  # fmt: skip
"""What sets LTX-2.3's denoiser apart from LTX-2's, by the comments of its class."""

PASS = 0.08
"""Largest relative error of a pass of a tiny denoiser with random weights: one product is 0.037 off (two roundings to 3 bits)."""


def keep(family: str) -> tuple[str, ...]:
    """The layers that a shipped card of this family keeps."""
    found = (one.checkpoint for one in presets.cards() if one.checkpoint and one.checkpoint.family == family)
    return next(one.fp8_keep for one in found)


def carded(card: ModelCard, **changes: Any) -> ModelCard:
    """A tiny card that keeps what the shipped card of its family keeps."""
    assert card.checkpoint is not None
    changes = {"fp8_keep": keep(card.checkpoint.family), **changes}
    return nouns.replace(card, checkpoint=nouns.replace(card.checkpoint, **changes))


def folders(card: ModelCard, *companions: Path) -> Folders:
    assert card.checkpoint is not None
    return Folders(Path(card.checkpoint.repo), companions)


def load(card: ModelCard, *companions: Path, fit: Fit = FAST) -> Any:
    return loader.load(card, folders(card, *companions), fit, lambda _: None, SharedComponents())


CARDS = [one for one in presets.cards() if one.checkpoint and one.checkpoint.fp8_keep]


def build_empty(card: ModelCard, tiny: Tiny) -> Any:
    """The denoiser of a shipped card's class, as small as the tiny checkpoint's, without weights."""
    import diffusers
    from accelerate import init_empty_weights

    point, small = card.checkpoint, tiny(TINY[card.checkpoint.family]).checkpoint if card.checkpoint else None
    assert point is not None and small is not None
    kind = getattr(diffusers, next(one.class_name for one in point.components if one.name == point.denoisers[0]))
    config = {**kind.load_config(f"{small.repo}/transformer"), **(LTX23 if "ltx-23" in card.id else {})}
    with init_empty_weights():
        return kind.from_config(config)


@each_row("card", CARDS)
def test_a_card_names_exactly_the_layers_that_stay(tiny: Tiny, card: ModelCard) -> None:
    assert card.checkpoint is not None
    names, denoiser = card.checkpoint.fp8_keep, build_empty(card, tiny)
    blocks = fp8_products.find_blocks(denoiser)
    within = {id(layer) for block in blocks for layer in block.modules()}
    paths = {
        path: re.sub(r"\.\d+", "", path, count=1) if id(layer) in within else path
        for path, layer in denoiser.named_modules()
        if isinstance(layer, nn.Linear)
    }
    inner = {path for path, layer in denoiser.named_modules() if path in paths and id(layer) in within}
    named = {path for path in paths if fp8_products.is_named(paths[path], names)}
    taken = set(fp8_products.list_layers(denoiser, names))
    assert taken == inner - named, "every layer of the blocks that isn't named, and nothing else"
    assert set(paths) - inner <= named, "what lies outside of the blocks is named"
    unknown = [name for name in names if not any(fp8_products.is_named(path, (name,)) for path in paths.values())]
    assert not unknown, f"{type(denoiser).__name__} has no layers {unknown}"
    assert len(taken) >= 6 * len(blocks), "attention and feed-forward take part"


def test_cards_of_every_family_with_such_blocks_name_them() -> None:
    assert {one.checkpoint.family for one in CARDS if one.checkpoint} == set(TINY)
    without = {one.id for one in presets.cards() if one.checkpoint} - {one.id for one in CARDS}
    assert without == {"svd-xt", "i2vgen-xl", "sana-video"}, "U-Nets, and a denoiser that is mostly convolutions"


@contextmanager
def passes(denoiser: nn.Module) -> Iterator[list[torch.Tensor]]:
    """What each pass of a denoiser returns."""
    out: list[torch.Tensor] = []
    hook = denoiser.register_forward_hook(lambda module, given, result: out.append(result[0].detach().clone()))
    try:
        yield out
    finally:
        hook.remove()


def run(pipe: Any, card: ModelCard, *names: SpeedUp, **more: Any) -> tuple[list[torch.Tensor], list[str]]:
    """Every pass of a short clip, and what was said of speed-ups."""
    assert card.checkpoint is not None
    asked, denoiser = tiny_runs.request(card, steps=4, own_steps=False), pipe.transformer
    with passes(denoiser) as out, speedups.apply_speedups(pipe, [denoiser], names, card.checkpoint, 4, **more) as choices:
        tiny_runs.run(pipe, card, asked)
    return out, [f"{one.what}: {one.value}: {one.reason}" for one in choices]


def apart(out: torch.Tensor, reference: torch.Tensor) -> float:
    return float((out.float() - reference.float()).norm() / reference.float().norm())


@each_row("name", ["ltx_condition", "ltx2_condition", "cogvideox15_i2v"])
def test_a_pass_in_fp8_is_near_the_plain_one_and_weighs_less(tiny: Tiny, pipeline: Any, name: str) -> None:
    plain, card = pipeline(name)[0], carded(tiny(name))
    fast = load(card)
    first, said = run(fast, card, backend="eager")
    assert 1e-4 < apart(first[0], run(plain, card)[0][0]) < PASS
    assert fast.transformer.dtype == plain.transformer.dtype
    assert any(words.startswith("compiled blocks: on") for words in said), "compiled blocks go with it"
    shapes = fp8_products.count_shapes(card, folders(card))
    layers = [one for one in fast.transformer.modules() if isinstance(one, fp8_products.Fp8Linear)]
    assert len(layers) == sum(shapes.values())
    assert shapes == Counter((one.in_features, one.out_features) for one in layers)
    saved = sum(3 * one.weight.numel() - 4 * one.out_features for one in layers)
    assert count_module_bytes(plain.transformer) - count_module_bytes(fast.transformer) == saved, "a byte for each number"
