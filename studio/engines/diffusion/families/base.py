"""What every family of models has in common, and the few ways in which they differ.

Knows how a request becomes the arguments of a diffusers pipeline and how its output becomes frames and sound. Refuses to know
where weights come from, where they lie, and what is done when memory runs out.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image as Picture

from studio.cards import Checkpoint
from studio.nouns import Sound


@dataclass(frozen=True)
class Request:
    """One run, all of it decided: pictures are RGB and exactly `width` x `height`, cut and never stretched.

    `num_frames` is what the clip will have; `steps` and `guidance` are final; `strength` 0..1 is how much moves, 0.5 the model's
    own default. `own_steps` says that `steps` is the card's default, so that a distilled schedule stands.
    """

    image: Picture
    prompt: str
    negative: str
    width: int
    height: int
    num_frames: int
    fps: int
    steps: int
    guidance: float
    seed: int
    end: Picture | None = None
    strength: float = 0.5
    sound: bool = True
    own_steps: bool = True


@dataclass(frozen=True)
class Made:
    """What came out: frames as float32 (T, H, W, 3) in 0..1, and sound where the model makes it."""

    frames: NDArray[np.float32]
    sound: Sound | None = None


Words = dict[str, Any]
"""Prompt embeddings and their masks, as keyword arguments of the pipeline: tensors on the CPU, so that they can be kept."""


class Family:
    """The common way. A family's module subclasses it and overrides what differs; an instance holds no state.

    A pipeline is passed in each time as `pipe`, always an instance of the card's concrete class.
    """

    words_arguments: tuple[str, ...] = ("prompt_embeds", "negative_prompt_embeds")
    """What `encode_prompt` returns, in order, by the names the pipeline takes them under. Empty: the family reads no words."""

    def prepare(self, pipe: Any, checkpoint: Checkpoint) -> None:
        """Once after loading: scheduler shift, work-arounds, blocks registered for caches."""
        raise NotImplementedError

    def words(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> Words:
        """The prompt read by the text encoders. Called only when this prompt isn't remembered."""
        raise NotImplementedError

    def arguments(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """Everything else that the pipeline is called with, a seeded generator included."""
        raise NotImplementedError

    def made(self, pipe: Any, output: Any, request: Request) -> Made:
        """Frames and sound from the pipeline's output."""
        raise NotImplementedError

    def picture_latents(self, pipe: Any, latents: Any, request: Request) -> Any:
        """A step callback's latents as (channels, frames, height, width), for a preview; None where they can't be had."""
        raise NotImplementedError

    def calls_per_step(self, pipe: Any, request: Request) -> int:
        """How often the denoiser runs in one step (2 with classifier-free guidance done in two passes)."""
        raise NotImplementedError


def accepted(pipe: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Only those arguments that the pipeline's `__call__` takes."""
    known = inspect.signature(type(pipe).__call__).parameters
    return {name: value for name, value in arguments.items() if name in known}
