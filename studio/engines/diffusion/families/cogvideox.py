"""CogVideoX 1.0 and 1.5 image to video.

1.5 pads its latents at the front to whole patches of two, and guidance may be dynamic. 1.0 makes exactly 480x720, 1.5
other sizes too; its offset embedding is the pipeline's own affair.
"""

from __future__ import annotations

from typing import Any

from studio.cards import Checkpoint
from studio.engines.diffusion.families.family import Family, Request


class CogVideoX(Family):
    """The CogVideoX family, through CogVideoXImageToVideoPipeline. One denoiser call a step: batched."""

    end_argument = ""

    def arguments(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """The common ones, and `use_dynamic_cfg` unless the card says: on with the DPM scheduler, off with DDIM, as
        upstream.
        """
        dynamic = type(pipe.scheduler).__name__ == "CogVideoXDPMScheduler"
        return {"use_dynamic_cfg": dynamic, **super().arguments(pipe, request, checkpoint)}

    def picture_latents(self, pipe: Any, latents: Any, request: Request) -> Any:
        """Frames and channels change places; frames that 1.5 padded with are let go."""
        frames = (request.num_frames - 1) // pipe.vae_scale_factor_temporal + 1
        return latents[0, -frames:].permute(1, 0, 2, 3)

    def calls_per_step(self, pipe: Any, request: Request) -> int:
        """Always one."""
        return 1
