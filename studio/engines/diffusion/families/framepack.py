"""FramePack: HunyuanVideo in sections that look back at what came before, so that the denoiser's memory doesn't grow
with length.

It samples in two ways: "inverted_anti_drifting", from the end backwards, which takes an end frame, and "vanilla" (F1),
forwards, which takes none; a card says which in its arguments. Lengths are the card's: 36 k + 1 frames for k sections
with a window of 9 latent frames, asked for as 33 k.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from studio.cards import Checkpoint
from studio.engines.diffusion.families.family import Family, Request, refuse_end

WINDOW = 9
"""Latent frames of a section, unless the card's `latent_window_size` says otherwise: the pipeline's default."""


class FramePack(Family):
    """The FramePack family, through HunyuanVideoFramepackPipeline."""

    words_arguments = ("prompt_embeds", "pooled_prompt_embeds", "prompt_attention_mask")

    def is_guided(self, request: Request) -> bool:
        """Never: guidance is distilled into the denoiser as a number it reads, and the negative prompt isn't read."""
        return False

    def ending(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """The end frame, for the sampling that begins at the end."""
        if request.end is not None and is_vanilla(checkpoint):
            raise refuse_end()
        return super().ending(pipe, request, checkpoint)

    def join_sections(self, pipe: Any, sections: list[Iterator[Any]], checkpoint: Checkpoint) -> Iterator[Any]:
        """In the order of time (sampling from the end asks for the last section first); where two overlap, they are
        blended by the pipeline's own `_soft_append`. Every section is at least twice as long as the overlap, but for
        the first that is sampled.
        """
        import torch

        overlap = (checkpoint.arguments.get("latent_window_size", WINDOW) - 1) * pipe.vae_scale_factor_temporal + 1
        held: Any = None
        for section in sections if is_vanilla(checkpoint) else reversed(sections):
            joined = torch.cat(list(section), dim=2)
            if held is not None:
                joined = pipe._soft_append(held, joined, overlap)
            yield joined[:, :, :-overlap]
            held = joined[:, :, -overlap:].clone()
        yield held


def is_vanilla(checkpoint: Checkpoint) -> bool:
    """Whether sections are sampled forwards in time."""
    return checkpoint.arguments.get("sampling_type") == "vanilla"
