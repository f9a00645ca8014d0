"""Helios: long clips in sections of 33 frames, each made from the memory of those before; plain, or in a pyramid of
stages.

Two pipeline classes; steps are shared out over the pyramid's stages. Sizes and lengths are the card's: 32 k + 1 frames
for k sections (the pipeline makes 33 k and cuts some off); a pyramid's sides are multiples of 64.
"""

from __future__ import annotations

from typing import Any

from studio.cards import Checkpoint
from studio.engines.diffusion.families.family import (
    Family,
    Request,
    count_sections,
    filter_call_arguments,
    register_blocks,
)

STAGES = "pyramid_num_inference_steps_list"
GAMMA = 0.33333
"""Just under the published 1/3, at which the covariance of the noise between stages (4 x 4, least eigenvalue 1 - 3
gamma) is singular: whether its Cholesky factor can be had is then a matter of rounding, and on some processors it
can't."""


class Helios(Family):
    """The Helios family, through HeliosPipeline or HeliosPyramidPipeline."""

    end_argument = ""

    def prepare(self, pipe: Any, checkpoint: Checkpoint) -> None:
        """The schedule's shift, the denoiser's blocks made known to the caches, and a pyramid's noise kept off the
        edge.
        """
        super().prepare(pipe, checkpoint)
        register_blocks(pipe.transformer)
        if _has_pyramid(pipe) and pipe.scheduler.config.gamma > GAMMA:
            pipe.scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config, gamma=GAMMA)

    def arguments(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """The common ones; for a pyramid the steps by stage instead of their number."""
        made = super().arguments(pipe, request, checkpoint)
        stages = _share_steps(pipe, request.steps)
        return {**made, STAGES: stages} if stages else made

    def steps_in_all(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> int:
        """Every section's steps; a first section that is amplified takes its own twice."""
        stages = _share_steps(pipe, request.steps)
        if not stages:
            return super().steps_in_all(pipe, request, checkpoint)
        twice = bool(checkpoint.arguments.get("is_amplify_first_chunk")) and pipe.config.is_distilled
        return sum(stages) * (count_sections(request.num_frames, checkpoint) + int(twice))


def _has_pyramid(pipe: Any) -> bool:
    return STAGES in filter_call_arguments(pipe, {STAGES: None})


def _share_steps(pipe: Any, steps: int) -> list[int]:
    """`steps` shared out over the pyramid's stages, at least one each, the coarse ones first; [] for the plain
    pipeline.
    """
    if not _has_pyramid(pipe):
        return []
    count = int(pipe.scheduler.config.stages)
    return [max(1, steps // count + (stage < steps % count)) for stage in range(count)]
