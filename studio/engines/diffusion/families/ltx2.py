"""LTX-2, 2.3 and 2.5: picture and sound from one denoiser.

Three kinds of guidance; motion strength is its motion speed. With guidance off (a distilled card's default is 1) every
kind is off, and the card's `sigmas` stand.

A card's constants may be `use_cross_timestep` (false for LTX-2.0) and, for while guidance is on, `audio_guidance_scale`
(7), `stg_scale` (1), `modality_scale` (3) and `guidance_rescale` (0.7), these three with `audio_` before them where
sound differs, and `spatio_temporal_guidance_blocks`, one number (28; LTX-2.0 wants 29).

A tiny checkpoint in float32 came out 23 to 25 dB from the processor's on an H100, other families 54 to 64. It isn't the
noise: all of it is drawn on the processor. On a processor, errors of 5e-4 in every product leave 59 dB, angles of the
rotary embedding wrong by 1e-3 leave 72, and what lies in padded words changes nothing; another prompt gives 26 dB,
another seed 18. So the words are where to look first on a GPU; it isn't explained yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from studio.cards import Checkpoint
from studio.engines.diffusion.families.family import Request
from studio.engines.diffusion.families.ltx import LTX, count_tokens, unpack_latents
from studio.frames import Sound

GUIDED: dict[str, float] = {
    "audio_guidance_scale": 7.0, "stg_scale": 1.0, "audio_stg_scale": 1.0, "modality_scale": 3.0,
    "audio_modality_scale": 3.0, "guidance_rescale": 0.7, "audio_guidance_rescale": 0.7,
}  # fmt: skip
"""With guidance on: the pipeline's own defaults, which are those of Lightricks for LTX-2.3."""

UNGUIDED: dict[str, float] = {
    "guidance_scale": 1.0, "audio_guidance_scale": 1.0, "stg_scale": 0.0, "audio_stg_scale": 0.0, "modality_scale": 1.0,
    "audio_modality_scale": 1.0, "guidance_rescale": 0.0, "audio_guidance_rescale": 0.0,
}  # fmt: skip
"""With guidance off: all of it, or the sound's own guidance of 7 would double every call. One denoiser call a step."""

BLOCKS = "spatio_temporal_guidance_blocks"


class LTX2(LTX):
    """The LTX-2 family, through LTX2ImageToVideoPipeline or LTX2ConditionPipeline (first and last frame)."""

    def prepare(self, pipe: Any, checkpoint: Checkpoint) -> None:
        """As LTX; and the side Gemma's prompts are padded on: only encoding sets it, remembered words would miss it."""
        super().prepare(pipe, checkpoint)
        pipe.tokenizer.padding_side = "left"
        pipe.tokenizer_padding_side = "left"

    def arguments(self, pipe: Any, request: Request, checkpoint: Checkpoint) -> dict[str, Any]:
        """LTX's, the speed of motion, and every guidance scale said, for each has a default that is on."""
        plain = {name: value for name, value in checkpoint.arguments.items() if name != BLOCKS}
        made = super().arguments(pipe, request, msgspec.structs.replace(checkpoint, arguments=plain))
        scales = {**made, **read_guidance(plain)} if self.is_guided(request) else {**made, **UNGUIDED}
        block = checkpoint.arguments.get(BLOCKS)
        return {
            "motion_speed": find_motion_speed(request.strength),
            **scales,
            **({BLOCKS: [int(block)]} if block is not None else {}),
        }

    def decoding(self, pipe: Any) -> dict[str, float]:
        """Nothing: no LTX-2 VAE is told a timestep so far, and the pipelines' own default stands."""
        return {}

    def conditions(self, request: Request) -> list[Any]:
        """The first frame, and the last where there is one; an index counts latent frames, -1 the last."""
        from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition

        first = LTX2VideoCondition(frames=request.image, index=0)
        return [first] if request.end is None else [first, LTX2VideoCondition(frames=request.end, index=-1)]

    def read_sound(self, pipe: Any, output: Any, request: Request) -> Sound | None:
        """The sound at the rate the vocoder makes, unless none was asked for."""
        if not request.sound:
            return None
        samples = np.clip(output.audio[0].float().cpu().numpy(), -1.0, 1.0)
        return Sound(np.ascontiguousarray(samples, np.float32), int(pipe.vocoder.config.output_sampling_rate))

    def picture_latents(self, pipe: Any, latents: Any, request: Request) -> Any:
        """Tokens as latents again, without those of an end frame, which LTX2ConditionPipeline puts after the clip's
        own.
        """
        return unpack_latents(pipe, latents[:, : count_tokens(pipe, request)], request)

    def calls_per_step(self, pipe: Any, request: Request, checkpoint: Checkpoint | None = None) -> int:
        """Three with guidance on: guided (a doubled batch), without some blocks, and picture and sound apart; those a
        card turns off are left out, where the card is given. One with guidance off.
        """
        if not self.is_guided(request):
            return 1
        scales = read_guidance(checkpoint.arguments if checkpoint else {})
        off = {"stg_scale": 0.0, "modality_scale": 1.0}
        return 1 + sum(max(scales[name], scales[f"audio_{name}"]) > value for name, value in off.items())


def read_guidance(constants: Mapping[str, Any]) -> dict[str, float]:
    """Every scale while guidance is on: the card's, for sound else the card's for the picture, else the default."""
    return {
        name: float(constants.get(name, constants.get(name.removeprefix("audio_"), own)))
        for name, own in GUIDED.items()
    }


def find_motion_speed(strength: float) -> float:
    """How fast things move against real time: 0.5 to 1.5, and 1 in the middle.

    The pipeline tells the denoiser a rate of fps / speed, and it was trained between about 24 and 60 frames a second
    (diffusers, pipelines/ltx2/utils.py): at 24 fps these speeds say 48 to 16, as far as it can be trusted to follow.
    """
    return 0.5 + strength
