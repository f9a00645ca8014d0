"""HunyuanVideo 1.5 image to video: a photo of a size the model knows, guided by an object of its own.

The size is the photo's, one of the card's `Sizes.bucket`; words in quotation marks are read letter by letter by a
second text encoder. It takes no callback: progress and previews come from its bar and its denoiser, whose first
channels are the latents.
"""

from __future__ import annotations

from typing import Any

from studio.cards import Checkpoint
from studio.engines.diffusion.families.family import (
    Family,
    Request,
    Words,
    encode_prompt,
    name_embeddings,
    register_blocks,
)

NAMES = ("prompt_embeds", "prompt_embeds_mask", "prompt_embeds_2", "prompt_embeds_mask_2")


class HunyuanVideo15(Family):
    """The HunyuanVideo 1.5 family, by HunyuanVideo15ImageToVideoPipeline. Two denoiser calls a step with guidance."""

    words_arguments = (*NAMES, *(f"negative_{name}" for name in NAMES))
    end_argument = ""

    def prepare(self, pipe: Any, checkpoint: Checkpoint) -> None:
        """The schedule's shift, the denoiser's blocks made known to the caches, and sizes taken as they are.

        The pipeline picks a bucket by the photo's ratio, rounded to five places, and a third of its own buckets,
        848x480 among them, come out as a neighbour. A photo here is cut to its bucket already, so its size is the size.
        """
        super().prepare(pipe, checkpoint)
        register_blocks(pipe.transformer, ("transformer_blocks",), hidden=0, encoder=1)
        pipe.video_processor.calculate_default_height_width = find_own_size

    def words(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> Words:
        """Both encoders, of the prompt and, with guidance, of what to avoid."""
        prompt, negative = self.prompts(request, checkpoint)
        words = name_embeddings(NAMES, encode_prompt(pipe, {"prompt": prompt, "device": pipe._execution_device}))
        if self.is_guided(request):
            avoided = name_embeddings(
                NAMES, encode_prompt(pipe, {"prompt": negative, "device": pipe._execution_device})
            )
            words |= {f"negative_{name}": value for name, value in avoided.items()}
        return words

    def arguments(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """The common ones. Guidance isn't among them: a new guider takes it, so that none remembers the last run's
        steps.
        """
        pipe.guider = pipe.guider.new(guidance_scale=max(1.0, request.guidance))
        return super().arguments(pipe, request, checkpoint)

    def picture_latents(self, pipe: Any, latents: Any, request: Request) -> Any:
        """Latents, or what the denoiser was given: the channels after them are the photo's latents and a mask."""
        return latents[0, : pipe.num_channels_latents]


def find_own_size(height: int, width: int, target_size: int) -> tuple[int, int]:
    """A photo's own height and width, in place of the pipeline's choice of a bucket."""
    return height, width
