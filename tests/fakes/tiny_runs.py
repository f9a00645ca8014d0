"""How a test drives a tiny checkpoint: loaded through the concrete class, called as the studio calls it, and as anybody would.

Knows families, requests and pipelines. Refuses to know loaders, engines and the studio.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studio.cards import ModelCard
from studio.engines.diffusion.families import get_family
from studio.engines.diffusion.families.family import Request, Words, move_to_device
from studio.engines.diffusion.families.seeded_noise import draw_from
from studio.frames import Sound


def picture(width: int = 64, height: int = 64, flipped: bool = False) -> Image.Image:
    """A small picture with a gradient each way and a chequer."""
    y, x = np.mgrid[0:height, 0:width]
    chequer = ((x // 8 + y // 8) % 2) * 200
    planes = np.stack([x * 255 // (width - 1), y * 255 // (height - 1), chequer], -1).astype(np.uint8)
    return Image.fromarray(planes[:, ::-1].copy() if flipped else planes)


def request(card: ModelCard, **changes: Any) -> Request:
    """A run of a card as its defaults say, of `picture`, with some fields changed."""
    point = card.checkpoint
    assert point is not None
    width, height = changes.get("width", point.sizes.native[0][0]), changes.get("height", point.sizes.native[0][1])
    fields: dict[str, Any] = {
        "image": picture(width, height), "prompt": "the waves roll in", "negative": "blurry", "width": width, "height": height,
        "num_frames": point.lengths.default, "fps": card.fps[0], "steps": point.steps.default,
        "guidance": point.guidance.default, "seed": 7,
    }  # fmt: skip
    return Request(**{**fields, **changes})


def load(card: ModelCard) -> Any:
    """The card's pipeline, through its concrete class and from its folder alone, prepared by its family."""
    import diffusers

    point = card.checkpoint
    assert point is not None
    pipe = getattr(diffusers, point.pipeline).from_pretrained(point.repo, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    get_family(point.family).prepare(pipe, point)
    return pipe


def run(pipe: Any, card: ModelCard, asked: Request, words: Words | None = None, **more: Any) -> Result:
    """One run, as the studio does it: words first (unless remembered), then the pipeline with them."""
    point = card.checkpoint
    assert point is not None
    kind = get_family(point.family)
    words = kind.words(pipe, asked, point) if words is None else words
    arguments = {**kind.arguments(pipe, asked, point), "output_type": "np"}
    with draw_from(arguments["generator"]):
        output = pipe(**arguments, **move_to_device(pipe, words), **more)
    return Result(np.asarray(output.frames[0], np.float32)[: asked.num_frames], kind.read_sound(pipe, output, asked))


@dataclass(frozen=True)
class Result:
    """What diffusers itself decodes: frames (T, H, W, 3) in 0..1, those asked for, and sound where the model makes it."""

    frames: NDArray[np.float32]
    sound: Sound | None = None


def stepped(pipe: Any, card: ModelCard, asked: Request) -> int:
    """How many steps a run takes, counted by the pipeline's own callback."""
    seen: list[int] = []

    def count(_: Any, step: int, time: Any, kept: dict[str, Any]) -> dict[str, Any]:
        seen.append(step)
        return kept

    run(pipe, card, asked, callback_on_step_end=count)
    return len(seen)


def bare(pipe: Any, **arguments: Any) -> NDArray[np.float32]:
    """A call of the pipeline as its documentation shows it, with nothing of ours."""
    return np.asarray(pipe(output_type="np", **arguments).frames[0])


def with_point(card: ModelCard, **changes: Any) -> ModelCard:
    """The card with some fields of its checkpoint changed, and its seconds with them."""
    assert card.checkpoint is not None
    point = msgspec.structs.replace(card.checkpoint, **changes)
    seconds = (max(1.0, point.lengths.least / card.fps[1]), min(60.0, point.lengths.most / card.fps[0]))
    return msgspec.structs.replace(card, checkpoint=point, seconds=seconds)


@contextmanager
def counted(*modules: Any) -> Iterator[list[int]]:
    """How often these modules run, summed: `[calls]`, seen by hooks as the run goes."""
    calls = [0]

    def count(*_: Any) -> None:
        calls[0] += 1

    hooks = [module.register_forward_pre_hook(count) for module in modules]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()
