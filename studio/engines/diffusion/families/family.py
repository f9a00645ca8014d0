"""The base class of model families: how a request becomes a diffusers pipeline's arguments, and what it makes a clip.

A family is a module beside this one that overrides what differs. Loading weights is memory/loader.py's, running a
pipeline and running out of memory run/'s.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from PIL.Image import Image as Picture

from studio.cards import Checkpoint
from studio.frames import Sound
from studio.nouns import Choice, Refusal


@dataclass(frozen=True)
class Request:
    """One run, all of it decided: pictures are RGB and exactly `width` x `height`, cut and never stretched.

    `num_frames` is what the clip will have; `steps` and `guidance` are final; `strength` 0..1 is how much moves, 0.5
    the model's own default. `own_steps` says that `steps` is the card's default, so that a distilled schedule stands.
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


Words = dict[str, Any]
"""Prompt embeddings and their masks, as keyword arguments of the pipeline: tensors on the CPU, so that they can be
kept.
"""


class Family:
    """The common way. A family's module subclasses it and overrides what differs; an instance holds no state.

    A pipeline is passed in each time as `pipe`, always an instance of the card's concrete class. A run is
    `pipe(**family.arguments(pipe, request, checkpoint), **move_to_device(pipe, words))`, its frames decoded by
    run/deferred_decode.py.
    """

    words_arguments: tuple[str, ...] = ("prompt_embeds", "negative_prompt_embeds")
    """What `encode_prompt` returns, in order, by the names the pipeline takes them under. Empty: the family reads no
    words.
    """

    frames_argument: str = "num_frames"
    """The name the pipeline takes the number of frames under."""

    end_argument: str = "last_image"
    """The name the pipeline takes the end frame under; empty where it takes none."""

    def prepare(self, pipe: Any, checkpoint: Checkpoint) -> None:
        """Once after loading: scheduler shift, work-arounds, blocks registered for caches. Doing it twice changes
        nothing.
        """
        if checkpoint.guidance.shift:
            shift_schedule(pipe, checkpoint.guidance.shift)

    def is_guided(self, request: Request) -> bool:
        """Whether classifier-free guidance is on, and so whether the negative prompt is read at all."""
        return request.guidance > 1.0

    def prompts(self, request: Request, checkpoint: Checkpoint) -> tuple[str, str]:
        """The prompt and the negative prompt as the encoders will read them: with `guided`, all that `words` depends
        on.
        """
        return request.prompt, request.negative if self.is_guided(request) else ""

    def words(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> Words:
        """The prompt read by the text encoders. Called only when this prompt isn't remembered."""
        if not self.words_arguments:
            return {}
        prompt, negative = self.prompts(request, checkpoint)
        return name_embeddings(
            self.words_arguments, encode_prompt(pipe, self.encoding(pipe, prompt, negative, request, checkpoint))
        )

    def encoding(
        self, pipe: Any, prompt: str, negative: str, request: Request, checkpoint: Checkpoint
    ) -> dict[str, Any]:
        """What `encode_prompt` is called with; names that it doesn't take are dropped."""
        return {
            "prompt": prompt, "negative_prompt": negative, "do_classifier_free_guidance": self.is_guided(request),
            "num_videos_per_prompt": 1, "device": pipe._execution_device, **limit_tokens(pipe, checkpoint),
        }  # fmt: skip

    def arguments(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """Everything else that the pipeline is called with, a seeded generator included."""
        ours = {
            "image": request.image, "height": request.height, "width": request.width,
            self.frames_argument: count_pipeline_frames(request.num_frames, checkpoint),
            "num_inference_steps": request.steps, "guidance_scale": request.guidance,
            "generator": self.generator(pipe, request), "output_type": "np", **limit_tokens(pipe, checkpoint),
            **find_schedule(request, checkpoint),
        }  # fmt: skip
        return {
            **filter_call_arguments(pipe, ours),
            **self.ending(pipe, request, checkpoint),
            **read_constants(pipe, checkpoint),
        }

    def generator(self, pipe: Any, request: Request) -> Any:
        """The run's one source of random numbers, on the processor (seeded_noise.py)."""
        import torch

        return torch.Generator("cpu").manual_seed(request.seed)

    def ending(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """The end frame as an argument. Raises `Refusal` where there is one and the pipeline can't be told."""
        if request.end is None:
            return {}
        if not filter_call_arguments(pipe, {self.end_argument: None}):
            raise refuse_end()
        return {self.end_argument: request.end}

    def choices(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> tuple[Choice, ...]:
        """What this family decided by itself for this run, each with its reason."""
        return ()

    def read_sound(self, pipe: Any, output: Any, request: Request) -> Sound | None:
        """The sound in the pipeline's output, where the model makes it and it was asked for."""
        return None

    def join_sections(self, pipe: Any, sections: list[Iterator[Any]], checkpoint: Checkpoint) -> Iterator[Any]:
        """Decoded pieces in the order of time, from those of each decode the pipeline asked for: as the pipeline joins
        them. One after the other, unless a family's pipeline does otherwise.
        """
        return chain.from_iterable(sections)

    def picture_latents(self, pipe: Any, latents: Any, request: Request) -> Any:
        """A step callback's latents as (channels, frames, height, width), for a preview; None where they can't be had.

        They are left in the space the denoiser works in, the one `normalised` leads to; noise is still in them.
        """
        return latents[0]

    def normalise_latents(self, pipe: Any, encoded: Any) -> Any:
        """What the VAE encoded ((batch, channels, frames, height, width)), in the space the denoiser works in."""
        return normalise_latents(pipe.vae, encoded)

    def calls_per_step(self, pipe: Any, request: Request) -> int:
        """How often the denoiser runs in one step (2 with classifier-free guidance done in two passes)."""
        return 2 if self.is_guided(request) else 1

    def steps_in_all(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> int:
        """How many steps the whole run has: those of one section, times the sections."""
        own = find_schedule(request, checkpoint)
        return count_sections(request.num_frames, checkpoint) * (
            len(next(iter(own.values()))) if own else request.steps
        )


def filter_call_arguments(pipe: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Only those arguments that the pipeline's `__call__` takes."""
    return filter_arguments(type(pipe).__call__, arguments)


def filter_arguments(function: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Only those arguments that the function takes."""
    known = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in known}


def read_constants(pipe: Any, checkpoint: Checkpoint) -> dict[str, Any]:
    """The card's constant call arguments. Raises `Refusal` for one that the pipeline doesn't take."""
    unknown = set(checkpoint.arguments) - set(filter_call_arguments(pipe, checkpoint.arguments))
    if unknown:
        raise Refusal(
            f"The model's card gives {', '.join(sorted(unknown))}, which {checkpoint.pipeline} doesn't take.",
            "Take it out of the card's [checkpoint.arguments].",
        )
    return dict(checkpoint.arguments)


def count_sections(num_frames: int, checkpoint: Checkpoint) -> int:
    """How many sections a clip of so many frames is made in: 1 unless the card's lengths are asked for by section."""
    lengths = checkpoint.lengths
    return max(1, -(-(num_frames - lengths.first) // lengths.step)) if lengths.ask_step else 1


def count_pipeline_frames(num_frames: int, checkpoint: Checkpoint) -> int:
    """How many frames the pipeline is asked for so that it gives `num_frames` (`Lengths.ask_step`)."""
    lengths = checkpoint.lengths
    if not lengths.ask_step:
        return num_frames
    return lengths.ask_step * count_sections(num_frames, checkpoint) + lengths.ask_first


def find_schedule(request: Request, checkpoint: Checkpoint) -> dict[str, list[float]]:
    """The card's distilled schedule, which stands while the number of steps is the card's own; {} otherwise."""
    steps = checkpoint.steps
    own = {"sigmas": list(steps.sigmas), "timesteps": list(steps.timesteps)} if request.own_steps else {}
    return {name: values for name, values in own.items() if values}


def limit_tokens(pipe: Any, checkpoint: Checkpoint) -> dict[str, int]:
    """How many tokens are read: the card's figure, else the pipeline's own (`encode_prompt` alone may default to
    another).
    """
    known = inspect.signature(type(pipe).__call__).parameters
    if "max_sequence_length" not in known:
        return {}
    return {"max_sequence_length": checkpoint.text_tokens or known["max_sequence_length"].default}


def encode_prompt(pipe: Any, arguments: dict[str, Any]) -> tuple[Any, ...]:
    """What the pipeline's `encode_prompt` makes of those arguments that it takes; no gradients are kept."""
    import torch

    with torch.no_grad():
        return tuple(pipe.encode_prompt(**filter_arguments(pipe.encode_prompt, arguments)))


def name_embeddings(names: Iterable[str], values: Iterable[Any]) -> Words:
    """Named embeddings as they are remembered: on the CPU; those that are None (no guidance) left out."""
    return {name: value.detach().cpu() for name, value in zip(names, values, strict=True) if value is not None}


def move_to_device(pipe: Any, words: Words) -> Words:
    """Remembered words where this pipeline runs: most pipelines don't move embeddings themselves."""
    device = pipe._execution_device  # found by a walk through all modules
    return {name: value.to(device) for name, value in words.items()}


def shift_schedule(pipe: Any, shift: float) -> None:
    """Give the scheduler another flow shift; UniPC calls it `flow_shift`, FlowMatchEuler `shift`. Others keep their
    own.
    """
    scheduler = pipe.scheduler
    name = next((name for name in ("flow_shift", "shift") if name in scheduler.config), "")
    if name:
        pipe.scheduler = type(scheduler).from_config(scheduler.config, **{name: shift})


def register_blocks(
    model: Any, lists: tuple[str, ...] = ("blocks",), hidden: int = 0, encoder: int | None = None
) -> None:
    """Tell diffusers' caches about a denoiser's blocks, where diffusers itself doesn't know them.

    `hidden` and `encoder` say which element of a block's result the hidden states and the text's are; None: it returns
    none.
    """
    from diffusers.hooks._helpers import TransformerBlockMetadata, TransformerBlockRegistry

    for block in {type(getattr(model, name)[0]) for name in lists}:
        metadata: Any = TransformerBlockMetadata(hidden)
        metadata.return_encoder_hidden_states_index = encoder
        TransformerBlockRegistry.register(block, metadata)


def normalise_latents(vae: Any, encoded: Any) -> Any:
    """A VAE's latents by its own statistics: per channel (`latents_mean`, `latents_std`) and by its scaling factor.

    As in the pipelines: LTX keeps the statistics as buffers, Wan and others in the config; a plain scaling factor is
    the rest.
    """
    import torch

    buffers = dict(vae.named_buffers(recurse=False))
    mean, std = (buffers.get(name, vae.config.get(name)) for name in ("latents_mean", "latents_std"))
    scale = vae.config.get("scaling_factor") or 1.0
    if mean is None or std is None:
        return (encoded - (vae.config.get("shift_factor") or 0.0)) * scale
    shape = (1, -1, *(1 for _ in encoded.shape[2:]))
    mean, std = (
        torch.as_tensor(values, device=encoded.device, dtype=encoded.dtype).view(shape) for values in (mean, std)
    )
    return (encoded - mean) * (scale / std)


def refuse_end() -> Refusal:
    """What is said where a model can't be told how a clip ends."""
    return Refusal(
        "This model can't be told how a clip ends.", "Take the end photo away, or choose a model that takes one."
    )
