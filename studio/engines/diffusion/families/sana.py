"""SANA-Video image to video.

Motion strength is a score in the prompt. The size asked for has to be the size made: the pipeline would pick from bins
of sizes by itself, so the card lists sizes, and nothing is resized afterwards.
"""

from __future__ import annotations

import inspect
from typing import Any

from studio.cards import Checkpoint
from studio.engines.diffusion.families.family import Family, Request


class Sana(Family):
    """The SANA-Video family, through SanaImageToVideoPipeline. One denoiser call a step: batched."""

    words_arguments = (
        "prompt_embeds",
        "prompt_attention_mask",
        "negative_prompt_embeds",
        "negative_prompt_attention_mask",
    )
    frames_argument = "frames"
    end_argument = ""

    def prompts(self, request: Request, checkpoint: Checkpoint) -> tuple[str, str]:
        """The prompt with its motion score: 30, the documentation's, in the middle; 0 to 60."""
        prompt, negative = super().prompts(request, checkpoint)
        return f"{prompt.strip()} motion score: {round(60 * request.strength)}.", negative

    def encoding(
        self, pipe: Any, prompt: str, negative: str, request: Request, checkpoint: Checkpoint
    ) -> dict[str, Any]:
        """With the instruction that the call itself puts before a prompt; `encode_prompt` alone has none."""
        default = inspect.signature(type(pipe).__call__).parameters["complex_human_instruction"].default
        ours = {"complex_human_instruction": default, "clean_caption": checkpoint.arguments.get("clean_caption", False)}
        return {**super().encoding(pipe, prompt, negative, request, checkpoint), **ours}

    def arguments(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """The common ones, no bins, and no negative prompt: its default "" may not stand beside remembered words."""
        made = super().arguments(pipe, request, checkpoint)
        return {"use_resolution_binning": False, "negative_prompt": None, **made}

    def normalise_latents(self, pipe: Any, encoded: Any) -> Any:
        """By the VAE's statistics; a VAE that has none is left alone here, its scaling factor too, as the pipeline
        does.
        """
        has = hasattr(pipe.vae, "latents_mean") or pipe.vae.config.get("latents_mean") is not None
        return super().normalise_latents(pipe, encoded) if has else encoded

    def calls_per_step(self, pipe: Any, request: Request) -> int:
        """Always one."""
        return 1
