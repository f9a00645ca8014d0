"""Wan 2.1 and 2.2: one pipeline class for four shapes of checkpoint, told apart by what they hold.

2.1 I2V (a CLIP look at the photo), 2.1 FLF2V (a look at two), 2.2 A14B (two denoisers, one after the other) and 2.2
TI2V-5B (the photo as the first latent frame). Sizes and schedules are the card's.
"""

from __future__ import annotations

from typing import Any

from studio.cards import Checkpoint
from studio.engines.diffusion.families.family import Family, Request, refuse_end
from studio.nouns import Choice


class Wan(Family):
    """The Wan family, through WanImageToVideoPipeline."""

    def arguments(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """The common ones, and the low-noise denoiser's guidance where there are two denoisers."""
        second = (
            {"guidance_scale_2": choose_second_guidance(request, checkpoint)}
            if pipe.config.get("boundary_ratio")
            else {}
        )
        return {**super().arguments(pipe, request, checkpoint), **second}

    def ending(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """The end frame, for FLF2V and A14B. TI2V-5B ignores one silently and 2.1 I2V fails on one, so both refuse it.

        FLF2V fails without one: where there is none, it is told to come back to the photo.
        """
        if request.end is None and needs_end(pipe):
            return {self.end_argument: request.image}
        if request.end is not None and not takes_end(pipe):
            raise refuse_end()
        return super().ending(pipe, request, checkpoint)

    def choices(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> tuple[Choice, ...]:
        """That FLF2V comes back to the photo, where it does."""
        if request.end is not None or not needs_end(pipe):
            return ()
        return (
            Choice("end", "the photo itself", "this model goes from one photo to another, and no end photo was given"),
        )


def choose_second_guidance(request: Request, checkpoint: Checkpoint) -> float:
    """The low-noise denoiser's guidance: in the card's proportion to the first, which the user may have moved; at least
    1.
    """
    guidance = checkpoint.guidance
    return max(1.0, request.guidance * guidance.second / guidance.default) if guidance.second else request.guidance


def needs_end(pipe: Any) -> bool:
    """Whether this is FLF2V: its denoiser expects a look at two photos, no fewer."""
    return pipe.transformer.config.pos_embed_seq_len is not None


def takes_end(pipe: Any) -> bool:
    """Whether this checkpoint has a place for a last frame: FLF2V has, and A14B, which looks at none through CLIP."""
    return needs_end(pipe) or (pipe.transformer.config.image_dim is None and not pipe.config.get("expand_timesteps"))
