"""I2VGen-XL: an old pipeline that diffusers keeps, with a flaw that is worked around here.

It looks for the text encoder's inner model, which transformers 5 has done away with. (That it draws the photo's latents
from no generator is seen to in seeded_noise.py.) It takes no callback: progress and previews come from its bar and its
denoiser.
"""

from __future__ import annotations

from typing import Any

from studio.cards import Checkpoint
from studio.engines.diffusion.families.family import Family, Request, Words

CLIP_SKIP = 1
"""The pipeline reads the layer before CLIP's last; `encode_prompt` alone would read the last."""


class I2VGen(Family):
    """The I2VGen-XL family, through I2VGenXLPipeline. One denoiser call a step: with guidance the batch is doubled."""

    end_argument = ""

    def prepare(self, pipe: Any, checkpoint: Checkpoint) -> None:
        """The text encoder under the name the pipeline looks for; past nn.Module's own registry, or it would hold
        itself.
        """
        super().prepare(pipe, checkpoint)
        if not hasattr(pipe.text_encoder, "text_model"):
            object.__setattr__(pipe.text_encoder, "text_model", pipe.text_encoder)

    def words(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> Words:
        """As the others; this `encode_prompt` asks the pipeline itself whether guidance is on."""
        pipe._guidance_scale = request.guidance
        return super().words(pipe, request, checkpoint)

    def encoding(
        self, pipe: Any, prompt: str, negative: str, request: Request, checkpoint: Checkpoint
    ) -> dict[str, Any]:
        """With the layer that the call itself would read."""
        skip = checkpoint.arguments.get("clip_skip", CLIP_SKIP)
        return {**super().encoding(pipe, prompt, negative, request, checkpoint), "clip_skip": skip}

    def arguments(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """The common ones and the rate."""
        return {"target_fps": request.fps, **super().arguments(pipe, request, checkpoint)}

    def calls_per_step(self, pipe: Any, request: Request) -> int:
        """Always one."""
        return 1
