"""Honest model cards of the tiny checkpoints in tests/fakes/tiny.py: each with its family's real rules, at 64 pixels and 2 steps.

The weights are random, so "good at" and licences say so. Only tests show these cards.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.cards import Checkpoint, Guidance, Lengths, ModelCard, Needs, Sizes, Steps

GRID = ((64, 64), (96, 64), (64, 96))
"""Sizes in pixels, the default first: square, wide and tall."""

STEPS = Steps(default=2, least=1, most=8, draft=1, best=3)
READS = ("seed", "prompt", "negative_prompt")
CACHES = ("first_block_cache", "mag_cache", "taylorseer", "compile")
ALL = (*CACHES, "vae_tiling")


def _free(step: int, least: int = 64) -> Sizes:
    return Sizes(native=GRID, step=step, least=least, most=192)


def _every(step: int, first: int, most: int, default: int = 0) -> Lengths:
    return Lengths(step=step, first=first, least=step + first, most=most, default=default or step + first)


_WAN: dict[str, Any] = {
    "family": "wan", "pipeline": "WanImageToVideoPipeline", "sizes": _free(16), "lengths": _every(4, 1, 33),
    "guidance": Guidance(default=5.0, least=1.0, most=10.0, shift=3.0), "text_tokens": 512, "speedups": ALL,
    "dtypes": {"vae": "float32"}, "fps": 8, "supports": (*READS, "lora"),
}  # fmt: skip
_LTX: dict[str, Any] = {
    "family": "ltx", "sizes": _free(32), "lengths": _every(8, 1, 33), "speedups": ALL, "fps": 8, "supports": (*READS, "lora"),
    "guidance": Guidance(default=3.0, least=1.0, most=8.0),
}  # fmt: skip
_LTX2: dict[str, Any] = {
    "family": "ltx2", "sizes": _free(32), "lengths": _every(8, 1, 33), "fps": 8, "text_tokens": 1024,
    "speedups": ("compile", "vae_tiling"),
    "guidance": Guidance(default=3.0, least=1.0, most=8.0), "supports": (*READS, "sound", "motion_strength", "lora"),
}  # fmt: skip
_FRAMEPACK: dict[str, Any] = {
    # With a window of 3 instead of 9 latent frames a section is 12 frames long, and asked for as 9.
    "family": "framepack", "pipeline": "HunyuanVideoFramepackPipeline", "sizes": _free(16),
    "lengths": Lengths(step=12, first=1, least=13, most=61, default=13, ask_step=9, ask_first=0),
    "guidance": Guidance(default=9.0, least=1.0, most=15.0), "encoders": ("text_encoder", "text_encoder_2"), "fps": 30,
    "text_tokens": 256, "speedups": ("mag_cache", "compile"),
}  # fmt: skip
_HELIOS: dict[str, Any] = {
    "family": "helios", "sizes": _free(16), "speedups": CACHES, "fps": 8, "supports": (*READS, "long", "lora"),
    "lengths": Lengths(step=32, first=1, least=33, most=129, default=33, ask_step=33, ask_first=0),
    "dtypes": {"vae": "float32"}, "text_tokens": 512,
}  # fmt: skip

FACTS: dict[str, dict[str, Any]] = {
    "wan21_i2v": _WAN,
    "wan21_flf2v": {**_WAN, "supports": (*READS, "lora", "end_frame"),
                    "guidance": Guidance(default=5.5, least=1.0, most=10.0, shift=16.0)},
    "wan22_a14b": {**_WAN, "supports": (*READS, "lora", "end_frame"), "denoisers": ("transformer", "transformer_2"),
                   "guidance": Guidance(default=3.5, least=1.0, most=10.0, second=3.0, shift=5.0)},
    "wan22_ti2v_5b": {**_WAN, "sizes": _free(32), "fps": 8,
                      "guidance": Guidance(default=5.0, least=1.0, most=10.0, shift=5.0)},
    "ltx_i2v": {**_LTX, "pipeline": "LTXImageToVideoPipeline", "text_tokens": 128},
    "ltx_condition": {**_LTX, "pipeline": "LTXConditionPipeline", "text_tokens": 256,
                      "supports": (*READS, "lora", "end_frame")},
    "ltx2_i2v": {**_LTX2, "pipeline": "LTX2ImageToVideoPipeline"},
    "ltx2_condition": {**_LTX2, "pipeline": "LTX2ConditionPipeline", "supports": (*_LTX2["supports"], "end_frame")},
    "svd": {"family": "svd", "pipeline": "StableVideoDiffusionPipeline", "sizes": _free(8), "lengths": _every(1, 0, 25, 4),
            "guidance": Guidance(default=3.0, least=1.0, most=6.0), "fps": 7, "denoisers": ("unet",), "encoders": (),
            "supports": ("seed", "motion_strength")},
    "i2vgen_xl": {"family": "i2vgen", "pipeline": "I2VGenXLPipeline", "sizes": _free(8), "lengths": _every(1, 0, 16, 4),
                  "guidance": Guidance(default=9.0, least=1.0, most=15.0), "fps": 8, "denoisers": ("unet",),
                  "text_tokens": 77, "supports": READS},
    "hunyuan15_i2v": {"family": "hunyuan15", "pipeline": "HunyuanVideo15ImageToVideoPipeline",
                      "sizes": Sizes(native=((64, 64),), step=16, rule="bucket", least=16, most=192, bucket=64),
                      "lengths": _every(4, 1, 33), "guidance": Guidance(default=6.0, least=1.0, most=10.0, shift=7.0),
                      "encoders": ("text_encoder", "text_encoder_2"), "fps": 8, "supports": READS, "speedups": ALL},
    "cogvideox_i2v": {"family": "cogvideox", "pipeline": "CogVideoXImageToVideoPipeline",
                      "sizes": Sizes(native=((64, 64),), step=16, rule="listed", least=64, most=64),
                      "lengths": _every(8, 1, 9), "guidance": Guidance(default=6.0, least=1.0, most=10.0), "fps": 8,
                      "text_tokens": 226, "supports": (*READS, "lora"),
                      "speedups": ("first_block_cache", "mag_cache", "taylorseer", "vae_tiling")},
    "framepack": {**_FRAMEPACK, "supports": ("seed", "prompt", "end_frame", "long"),
                  "arguments": {"latent_window_size": 3, "sampling_type": "inverted_anti_drifting"}},
    "skyreels_v2": {**_WAN, "family": "skyreels", "pipeline": "SkyReelsV2ImageToVideoPipeline", "fps": 8,
                    "guidance": Guidance(default=5.0, least=1.0, most=10.0, shift=5.0),
                    "supports": (*READS, "lora")},
    "framepack_f1": {**_FRAMEPACK, "supports": ("seed", "prompt", "long"),
                     "arguments": {"latent_window_size": 3, "sampling_type": "vanilla"}},
    "helios": {**_HELIOS, "pipeline": "HeliosPipeline", "guidance": Guidance(default=5.0, least=1.0, most=10.0)},
    "helios_pyramid": {**_HELIOS, "pipeline": "HeliosPyramidPipeline", "supports": ("seed", "prompt", "long", "lora"),
                       "sizes": Sizes(native=((64, 64), (128, 64), (64, 128)), step=64, least=64, most=192),
                       "steps": Steps(default=3, least=3, most=9, draft=3, best=6)},
}  # fmt: skip


def known(name: str) -> dict[str, Any]:
    """What is known of one of `tiny.BUILDERS`."""
    from tests.fakes import tiny_more

    return FACTS[name] if name in FACTS else tiny_more.FACTS[name]


def _weights(repo: Path, components: tuple[str, ...]) -> float:
    """What these components' weight files hold, GB."""
    return sum(file.stat().st_size for name in components for file in (repo / name).glob("*.safetensors")) / 1e9


def _needs(repo: Path, denoisers: tuple[str, ...], encoders: tuple[str, ...]) -> Needs:
    names = tuple(sorted({file.parent.name for file in repo.glob("*/*.safetensors")}))
    rest = tuple(name for name in names if name not in (*denoisers, *encoders))
    largest = max(_weights(repo, (name,)) for name in names)
    return Needs(
        denoiser=_weights(repo, denoisers), encoder=_weights(repo, encoders), other=_weights(repo, rest), largest=largest,
        activation=0.02, vram=0.05, ram=0.1, source="the sizes of the tiny checkpoint's own files",
    )  # fmt: skip


def card(name: str, repo: Path, facts: dict[str, Any] | None = None) -> ModelCard:
    """The card of the tiny checkpoint `name`, one of `tiny.BUILDERS`, that was saved in the folder `repo`."""
    facts = {"denoisers": ("transformer",), "encoders": ("text_encoder",), **(facts or known(name))}
    fps, supports = facts.pop("fps"), facts.pop("supports")
    lengths = facts["lengths"]
    checkpoint = Checkpoint(
        repo=str(repo), dtype="float32", needs=_needs(repo, facts["denoisers"], facts["encoders"]), **{"steps": STEPS, **facts}
    )
    return ModelCard(
        id=f"tiny-{name.replace('_', '-')}", title=f"Tiny {name}", engine="diffusion", where="local",
        summary="Random weights of the real class; it makes noise.", good_at=("tests",), licence="Apache-2.0",
        supports=supports, fps=(fps, fps), seconds=(max(1.0, lengths.least / fps), lengths.most / fps), speed="at once",
        checkpoint=checkpoint,
    )  # fmt: skip
