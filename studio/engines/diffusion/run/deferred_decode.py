"""A pipeline's decode, put off until the pipeline is done: then frames leave the VAE one by one, already as uint8.

While a pipeline runs, its VAE's `decode` only notes what it was asked for and gives tensors without memory (torch's
"meta" device), which the pipeline shapes, joins and crops as it would frames. So all that it does with latents before
(statistics, noise, padding) is its own doing, sound is there before the frames, and memory that runs out while decoding
costs no denoising.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.engines.diffusion.families.seeded_noise import draw_from
from studio.engines.diffusion.run.decode_pieces import Call
from studio.engines.diffusion.run.vae_decode import count_frames, find_spatial_scale
from studio.nouns import Refusal


class DeferredDecode:
    """The calls of one pipeline run's VAE in order, and what the pipeline made of their results: `video`, without
    memory, (1, 3, frames, height, width). `generator` is the run's.
    """

    def __init__(self, pipe: Any, generator: torch.Generator) -> None:
        self._pipe, self._generator = pipe, generator
        self.calls: list[Call] = []
        self.video: Any = None

    @contextmanager
    def defer(self) -> Generator[None]:
        """Decodes are put off for as long as this lasts."""
        vae, processor = self._pipe.vae, self._pipe.video_processor
        vae.decode, processor.postprocess_video = self._note_call, self._note_video
        try:
            yield
        finally:
            del vae.decode, processor.postprocess_video

    def _note_call(self, latents: Tensor, *rest: Any, return_dict: bool = True, **named: Any) -> Any:
        from diffusers.models.autoencoders.vae import DecoderOutput

        self.calls.append(Call(latents, rest, named, self._generator.get_state()))
        vae, side = self._pipe.vae, find_spatial_scale(self._pipe.vae)
        size = latents.shape[-2] * side, latents.shape[-1] * side
        frames = count_frames(vae, tuple(latents.shape))
        shape = (1, 3, frames, *size) if latents.ndim == 5 else (frames, 3, *size)
        video = torch.empty(shape, dtype=latents.dtype, device="meta")
        return DecoderOutput(sample=video) if return_dict else (video,)

    def _note_video(self, video: Tensor, output_type: str = "np", **_: Any) -> list[Tensor]:
        self.video = video
        return [video]

    @torch.no_grad()
    def convert(self, pieces: Iterable[Tensor], count: int) -> Iterator[NDArray[np.uint8]]:
        """The first `count` frames of decoded pieces as (H, W, 3) uint8 RGB, each computed where the VAE is.

        As `VaeImageProcessor.postprocess` and rounding would make them, with the numbers the pipeline has widened
        widened here too. Raises `Refusal` for frames that aren't finite or that are fewer.
        """
        widen, denormalise = self.video.dtype == torch.float32, self._pipe.video_processor.config.do_normalize
        given = 0
        for piece in self._draw_each(iter(pieces)):
            frames = piece[0].transpose(0, 1) if piece.ndim == 5 else piece
            frames = frames[: count - given]
            require_finite(frames)
            for frame in frames:
                yield convert_to_uint8(frame.float() if widen else frame, denormalise)
            given += len(frames)
            if given == count:
                return
        raise Refusal(
            f"The model made {given} frames instead of {count}.",
            "The lengths in its card don't fit the model: correct them, or choose another length.",
        )

    def _draw_each(self, pieces: Iterator[Tensor]) -> Iterator[Tensor]:
        """The pieces, each made with the random numbers of the run: some VAEs add noise as they decode."""
        while True:
            with draw_from(self._generator):
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece


def require_finite(frames: Tensor) -> None:
    """Raises `Refusal` if what came out is no picture: not all numbers are finite."""
    if not torch.isfinite(frames).all():
        raise Refusal(
            "The model's numbers ran over, and there is no picture in them.",
            "Choose another attention kernel or other weights in Settings, or another seed.",
        )


def convert_to_uint8(frame: Tensor, denormalise: bool) -> NDArray[np.uint8]:
    """A frame (3, H, W) in -1..1 (in 0..1 without `denormalise`) as (H, W, 3) uint8 in the processor's memory."""
    if denormalise:
        frame = frame * 0.5 + 0.5
    levels = frame.clamp(0, 1).float() * 255.0 + 0.5
    return levels.to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()
