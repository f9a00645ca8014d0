"""Checkpoints of the real diffusers classes with random weights, large enough to take time: built in the bench's own folder.

What they make is noise. What can be told by them is time, and how far one run is from another; not how good a clip is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from bench.clips import scratch
from studio.cards import ModelCard, Sizes, Steps
from tests.fakes import tiny, tiny_cards

STEPS = Steps(default=20, least=4, most=50, draft=4, best=20)

LARGER: dict[str, dict[str, Any]] = {
    "wan21_i2v": {"num_attention_heads": 4, "attention_head_dim": 64, "added_kv_proj_dim": 256, "ffn_dim": 1024, "num_layers": 6},
    "ltx_i2v": {"num_attention_heads": 6, "attention_head_dim": 64, "cross_attention_dim": 384, "num_layers": 6},
}  # fmt: skip
"""What is larger in the denoisers that speed-ups are measured on."""

HEAVIER: dict[str, dict[str, Any]] = {
    "wan21_i2v": {
        "num_attention_heads": 3, "attention_head_dim": 64, "added_kv_proj_dim": 192, "ffn_dim": 768, "num_layers": 300,
    },
    "ltx_i2v": {"num_attention_heads": 3, "attention_head_dim": 64, "cross_attention_dim": 192, "num_layers": 330},
}  # fmt: skip
"""And in those whose loading is: many small layers, which take the loader longest, under the gigabyte of weights up to which the
studio runs a model without a GPU."""


def small(name: str) -> ModelCard:
    """The tiny checkpoint itself, allowed as many steps as a real one."""
    place = scratch("tiny")
    if not (place / name).exists():
        tiny.build(name, place)
    return _card(name, place / name)


def grown(name: str, changes: dict[str, Any], kind: str, side: int) -> ModelCard:
    """A tiny checkpoint with the denoiser replaced by a larger one of its class; it makes side x side pixels."""
    import torch

    place = scratch(kind)
    if not (place / name).exists():
        torch.manual_seed(0)
        pipe = tiny.BUILDERS[name]()
        known = {key: value for key, value in pipe.transformer.config.items() if not key.startswith("_")}
        pipe.transformer = type(pipe.transformer)(**{**known, **changes}).eval()
        pipe.save_pretrained(place / name, safe_serialization=True)
    return _card(name, place / name, side, kind)


def _card(name: str, folder: Path, side: int = 64, kind: str = "tiny") -> ModelCard:
    found = tiny_cards.card(name, folder)
    assert found.checkpoint is not None
    sizes = msgspec.structs.replace(found.checkpoint.sizes, native=((side, side),), most=max(side, 192))
    assert isinstance(sizes, Sizes)
    checkpoint = msgspec.structs.replace(found.checkpoint, steps=STEPS, sizes=sizes)
    return msgspec.structs.replace(found, id=f"{kind}-{name.replace('_', '-')}", checkpoint=checkpoint)


def megabytes(card: ModelCard) -> float:
    """What a card's weights weigh, MB."""
    assert card.checkpoint is not None
    return card.checkpoint.needs.weights * 1000


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: on several, what else the machine does falls on whoever waits for the slowest."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
