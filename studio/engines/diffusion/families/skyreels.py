"""SkyReels-V2 image to video: Wan 2.1's shape, its own denoiser class, whose blocks diffusers' caches haven't met."""

from __future__ import annotations

from typing import Any

from studio.cards import Checkpoint
from studio.engines.diffusion.families.family import register_blocks
from studio.engines.diffusion.families.wan import Wan


class SkyReels(Wan):
    """The SkyReels-V2 family, through SkyReelsV2ImageToVideoPipeline; an end frame is for FLF2V checkpoints only, as
    Wan's.
    """

    def prepare(self, pipe: Any, checkpoint: Checkpoint) -> None:
        """The schedule's shift, and the denoiser's blocks made known to the caches."""
        super().prepare(pipe, checkpoint)
        register_blocks(pipe.transformer)
