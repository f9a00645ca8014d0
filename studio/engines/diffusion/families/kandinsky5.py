"""Kandinsky 5 image to video: Qwen2.5-VL and CLIP read the prompt, HunyuanVideo's VAE decodes.

It has its own names for embeddings, and its latents carry the photo's beside them. A warning for cards: the pipeline
evens the first four latent frames out with those that follow, so clips of 13 frames and fewer have nothing to be evened
out with and come out as NaN; 17 is the least.
"""

from __future__ import annotations

from typing import Any

from studio.cards import Checkpoint
from studio.engines.diffusion.families.family import (
    Family,
    Request,
    Words,
    encode_prompt,
    limit_tokens,
    name_embeddings,
)

NAMES = ("prompt_embeds_qwen", "prompt_embeds_clip", "prompt_cu_seqlens")
NEGATIVE = (
    "Static, 2D cartoon, cartoon, 2d animation, paintings, images, worst quality, low quality, ugly, deformed, "
    "walking backwards"
)
"""What is avoided when nothing is said: the pipeline's own default."""


class Kandinsky5(Family):
    """The Kandinsky 5 family, through Kandinsky5I2VPipeline. Two denoiser calls a step with guidance."""

    words_arguments = (*NAMES, *(f"negative_{name}" for name in NAMES))
    end_argument = ""

    def prompts(self, request: Request, checkpoint: Checkpoint) -> tuple[str, str]:
        """The prompt, and what is said to be avoided or else the model's own."""
        prompt, negative = super().prompts(request, checkpoint)
        return prompt, (negative.strip() or NEGATIVE) if self.is_guided(request) else ""

    def words(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> Words:
        """Both encoders, of the prompt and, with guidance, of what to avoid: `encode_prompt` reads one at a time."""
        prompt, negative = self.prompts(request, checkpoint)
        common = {"device": pipe._execution_device, **limit_tokens(pipe, checkpoint)}
        words = name_embeddings(NAMES, encode_prompt(pipe, {"prompt": prompt, **common}))
        if self.is_guided(request):
            avoided = name_embeddings(NAMES, encode_prompt(pipe, {"prompt": negative, **common}))
            words |= {f"negative_{name}": value for name, value in avoided.items()}
        return words

    def picture_latents(self, pipe: Any, latents: Any, request: Request) -> Any:
        """Channels come last here, and after the latents' own those of the photo and a mask."""
        return latents[0, ..., : pipe.transformer.config.in_visual_dim].permute(3, 0, 1, 2)
