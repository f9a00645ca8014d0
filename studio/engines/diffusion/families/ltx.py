"""LTX-Video 0.9: two pipeline classes, one for a first frame and one for conditions at any frame.

An end frame is a condition at the last frame. A checkpoint is distilled where its card says so with `timesteps`
(LTXConditionPipeline alone takes them) and its constants (`image_cond_noise_scale`, `decode_timestep`,
`decode_noise_scale`, `guidance_rescale`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from studio.cards import Checkpoint
from studio.engines.diffusion.families.family import Family, Request, filter_call_arguments, refuse_end
from studio.nouns import Refusal

DECODE_TIMESTEP, DECODE_NOISE = 0.05, 0.025
"""How noisy latents are when a VAE that knows timesteps decodes them: diffusers' documentation for 0.9.1 and later."""


class LTX(Family):
    """The LTX-Video family, by LTXImageToVideoPipeline or LTXConditionPipeline. One denoiser call a step: batched."""

    words_arguments = (
        "prompt_embeds",
        "prompt_attention_mask",
        "negative_prompt_embeds",
        "negative_prompt_attention_mask",
    )

    def prepare(self, pipe: Any, checkpoint: Checkpoint) -> None:
        """A scheduler that takes a distilled schedule as it is. Raises `Refusal` where the class can't take one."""
        super().prepare(pipe, checkpoint)
        if checkpoint.steps.timesteps and not takes_conditions(pipe):
            raise Refusal(
                f"{checkpoint.pipeline} can't take the timesteps on the model's card.",
                "Use LTXConditionPipeline on that card.",
            )
        if checkpoint.steps.timesteps or checkpoint.steps.sigmas:
            take_as_given(pipe)

    def arguments(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """The common ones, the rate, the schedule for so many steps, and conditions in a picture's place where it takes
        them.
        """
        ours: dict[str, Any] = {
            "frame_rate": request.fps,
            **resample_schedule(request, checkpoint),
            **self.decoding(pipe),
        }
        made = {**ours, **super().arguments(pipe, request, checkpoint)}
        if takes_conditions(pipe):
            made["conditions"] = self.conditions(request)
            made.pop("image", None)
        return made

    def decoding(self, pipe: Any) -> dict[str, float]:
        """How the VAE is told to decode, where it wants to be told."""
        if not pipe.vae.config.timestep_conditioning:
            return {}
        return {"decode_timestep": DECODE_TIMESTEP, "decode_noise_scale": DECODE_NOISE}

    def ending(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """Nothing of its own: an end frame is one of `conditions`. Raises `Refusal` where the class takes none."""
        if request.end is not None and not takes_conditions(pipe):
            raise refuse_end()
        return {}

    def conditions(self, request: Request) -> list[Any]:
        """The first frame, and the last where there is one; a frame index counts frames of the clip."""
        from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition

        first = LTXVideoCondition(image=request.image, frame_index=0)
        if request.end is None:
            return [first]
        return [first, LTXVideoCondition(image=request.end, frame_index=request.num_frames - 1)]

    def picture_latents(self, pipe: Any, latents: Any, request: Request) -> Any:
        """Tokens as latents again, without those of an end frame, which LTXConditionPipeline puts before the clip's
        own.
        """
        return unpack_latents(pipe, latents[:, -count_tokens(pipe, request) :], request)

    def calls_per_step(self, pipe: Any, request: Request) -> int:
        """Always one: with guidance the batch is doubled instead."""
        return 1


def takes_conditions(pipe: Any) -> bool:
    """Whether the pipeline takes conditions at any frame."""
    return bool(filter_call_arguments(pipe, {"conditions": None}))


def find_latent_grid(pipe: Any, request: Request) -> tuple[int, int, int]:
    """Frames, height and width of the clip in latents."""
    frames = (request.num_frames - 1) // pipe.vae_temporal_compression_ratio + 1
    side = pipe.vae_spatial_compression_ratio
    return frames, request.height // side, request.width // side


def count_tokens(pipe: Any, request: Request) -> int:
    """How many tokens the clip itself has."""
    frames, height, width = find_latent_grid(pipe, request)
    side, deep = pipe.transformer_spatial_patch_size, pipe.transformer_temporal_patch_size
    return (frames // deep) * (height // side) * (width // side)


def unpack_latents(pipe: Any, packed: Any, request: Request) -> Any:
    """The clip's tokens ((batch, tokens, channels)) as latents ((channels, frames, height, width))."""
    side, deep = pipe.transformer_spatial_patch_size, pipe.transformer_temporal_patch_size
    return pipe._unpack_latents(packed, *find_latent_grid(pipe, request), side, deep)[0]


def take_as_given(pipe: Any) -> None:
    """Let the scheduler take a schedule as it is: LTX's own bend it by the clip's size and stretch its end to 0.1."""
    scheduler = pipe.scheduler
    pipe.scheduler = type(scheduler).from_config(scheduler.config, use_dynamic_shifting=False, shift_terminal=None)


def resample_schedule(request: Request, checkpoint: Checkpoint) -> dict[str, list[float]]:
    """A distilled schedule for another number of steps than its own: the same curve to 0, taken at other places."""
    own = {"sigmas": checkpoint.steps.sigmas, "timesteps": checkpoint.steps.timesteps}
    return {
        name: [
            float(value)
            for value in np.interp(
                np.arange(request.steps) * len(curve) / request.steps, range(len(curve) + 1), (*curve, 0.0)
            )
        ]
        for name, curve in own.items()
        if curve
    }
