"""FramePack: HunyuanVideo in sections that look back at what came before, so that the denoiser's memory doesn't grow
with length.

The frames' memory does: the pipeline keeps every section it has decoded, and copies them all at the end
(run/out_of_memory.py).

It samples in two ways: "inverted_anti_drifting", from the end backwards, which takes an end frame, and "vanilla" (F1),
forwards, which takes none; a card says which in its arguments. Lengths are the card's: 36 k + 1 frames for k sections
with a window of 9 latent frames, asked for as 33 k.
"""

from __future__ import annotations

from typing import Any

from studio.cards import Checkpoint
from studio.engines.diffusion.families.family import Family, Request, refuse_end


class FramePack(Family):
    """The FramePack family, through HunyuanVideoFramepackPipeline."""

    words_arguments = ("prompt_embeds", "pooled_prompt_embeds", "prompt_attention_mask")

    def is_guided(self, request: Request) -> bool:
        """Never: guidance is distilled into the denoiser as a number it reads, and the negative prompt isn't read."""
        return False

    def ending(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """The end frame, for the sampling that begins at the end."""
        if request.end is not None and checkpoint.arguments.get("sampling_type") == "vanilla":
            raise refuse_end()
        return super().ending(pipe, request, checkpoint)
