"""Stable Video Diffusion: a photo, no words, and two numbers for how much moves.

The studio's motion strength becomes those two; guidance grows from the first frame to the last. It has no text encoder.
"""

from __future__ import annotations

from typing import Any

from studio.cards import Checkpoint
from studio.engines.diffusion.families.family import Family, Request


class SVD(Family):
    """The SVD family, through StableVideoDiffusionPipeline. One denoiser call a step: with guidance the batch is
    doubled.
    """

    words_arguments = ()
    end_argument = ""

    def arguments(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """The common ones, the rate (the pipeline takes the 1 off that training did), the motion, and the last frame's
        guidance.

        A card may set `min_guidance_scale` (1: the first frame is not guided), `motion_bucket_id`, `noise_aug_strength`
        and `decode_chunk_size`; without that all frames are decoded together, for steadiness, unless memory is short.
        """
        ours = {
            "fps": request.fps,
            "max_guidance_scale": request.guidance,
            "min_guidance_scale": min(1.0, request.guidance),
            **choose_motion(request.strength),
        }
        return {**ours, **super().arguments(pipe, request, checkpoint)}

    def picture_latents(self, pipe: Any, latents: Any, request: Request) -> Any:
        """Frames and channels change places, and the noise (its sigma begins at 700) is scaled down to that of other
        models.
        """
        sigma = pipe.scheduler.sigmas[pipe.scheduler.step_index or 0].to(latents.device)
        return latents[0].permute(1, 0, 2, 3) / (sigma**2 + 1) ** 0.5

    def calls_per_step(self, pipe: Any, request: Request) -> int:
        """Always one."""
        return 1


def choose_motion(strength: float) -> dict[str, float]:
    """The studio's motion strength as SVD's two numbers: 0.5 is its own default of both.

    `motion_bucket_id` is what it was trained to read as the amount of motion, 0 to 255, so it takes the whole range:
    254 times the strength. `noise_aug_strength`, noise on the photo, frees the picture too, and costs likeness: it
    stays at the default 0.02 up to the middle and rises to 0.1 at most, the most that diffusers' documentation shows
    (with bucket 180).
    """
    return {"motion_bucket_id": round(254 * strength), "noise_aug_strength": 0.02 + 0.16 * max(0.0, strength - 0.5)}
