"""What decoding is estimated to take, beside what tensors take that are alive at once, in published configurations."""

from __future__ import annotations

from typing import Any

import diffusers
import pytest
import torch

from studio.engines.diffusion.run import vae_decode
from studio.engines.diffusion.run.decode_pieces import Call
from studio.engines.diffusion.run.vae_decode import Decoding
from tests.fakes.live_tensors import count_most

BF16, FP16, FP32 = torch.bfloat16, torch.float16, torch.float32
SD = {"block_out_channels": (128, 256, 512, 512), "latent_channels": 4, "layers_per_block": 2}

# The vae/config.json of Wan-AI/Wan2.1-I2V-14B-480P-Diffusers (diffusers' defaults), Wan-AI/Wan2.2-TI2V-5B-Diffusers,
# THUDM/CogVideoX-5b-I2V, hunyuanvideo-community/HunyuanVideo (defaults; FramePack and Kandinsky 5 use it),
# HunyuanVideo-1.5 (defaults), Lightricks/LTX-Video 0.9.0 (defaults) and 0.9.5 (0.9.8 without its timesteps), LTX-2 (defaults),
# stabilityai/stable-video-diffusion-img2vid-xt and ali-vilab/i2vgen-xl.
WAN22: dict[str, Any] = {
    "base_dim": 160, "decoder_base_dim": 256, "z_dim": 48, "dim_mult": [1, 2, 4, 4], "temperal_downsample": [False, True, True],
    "is_residual": True, "in_channels": 12, "out_channels": 12, "patch_size": 2, "scale_factor_spatial": 16,
    "latents_mean": [0.0] * 48, "latents_std": [1.0] * 48,
}  # fmt: skip
COG: dict[str, Any] = {
    "block_out_channels": (128, 256, 256, 512), "down_block_types": ("CogVideoXDownBlock3D",) * 4, "latent_channels": 16,
    "up_block_types": ("CogVideoXUpBlock3D",) * 4, "layers_per_block": 3, "sample_height": 480, "sample_width": 720,
}  # fmt: skip
LTX095: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 1024, 2048), "down_block_types": ("LTXVideo095DownBlock3D",) * 4,
    "decoder_block_out_channels": (256, 512, 1024), "layers_per_block": (4, 6, 6, 2, 2), "decoder_layers_per_block": (5, 5, 5, 5),
    "spatio_temporal_scaling": (True,) * 4, "decoder_spatio_temporal_scaling": (True,) * 3, "decoder_inject_noise": (False,) * 4,
    "downsample_type": ("spatial", "temporal", "spatiotemporal", "spatiotemporal"), "upsample_residual": (True,) * 3,
    "upsample_factor": (2,) * 3, "decoder_causal": False, "spatial_compression_ratio": 32, "temporal_compression_ratio": 8,
}  # fmt: skip
LTX2 = {"spatial_compression_ratio": 32, "temporal_compression_ratio": 8}
KL = {**SD, "down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}

SHORT_AND_LONG: list[tuple[str, dict[str, Any], torch.dtype, tuple[int, ...], tuple[int, ...]]] = [
    ("AutoencoderKLWan", {}, FP32, (1, 16, 3, 60, 104), (1, 16, 5, 60, 104)),
    ("AutoencoderKLWan", WAN22, FP32, (1, 48, 3, 44, 80), (1, 48, 7, 44, 80)),
    ("AutoencoderKLCogVideoX", COG, BF16, (1, 16, 5, 60, 90), (1, 16, 9, 60, 90)),
    ("AutoencoderKLHunyuanVideo", {}, FP16, (1, 16, 9, 60, 90), (1, 16, 17, 60, 90)),
]
"""Those that decode in pieces of time: what they take doesn't grow with the clip."""

WHOLE: list[tuple[str, dict[str, Any], torch.dtype, tuple[int, ...]]] = [
    ("AutoencoderKLHunyuanVideo15", {}, FP16, (1, 32, 2, 16, 16)),
    ("AutoencoderKLLTXVideo", {}, BF16, (1, 128, 16, 16, 22)),
    ("AutoencoderKLLTXVideo", LTX095, BF16, (1, 128, 16, 22, 38)),
    ("AutoencoderKLLTX2Video", LTX2, BF16, (1, 128, 16, 16, 24)),
    ("AutoencoderKLTemporalDecoder", SD, FP16, (25, 4, 72, 128)),
]


def count(
    kind: str, config: dict[str, Any], dtype: torch.dtype, shape: tuple[int, ...], way: int = 0, **named: Any
) -> tuple[int, int]:
    """Bytes of a decode as they are estimated, and as they were counted."""
    estimated: list[int] = []

    def make() -> Any:
        return getattr(diffusers, kind)(**config)

    def decode(vae: Any, latents: Any) -> None:
        chosen = vae_decode.list_ways(vae, shape)[way]
        estimated.append(vae_decode.estimate_bytes(vae, shape, dtype.itemsize, chosen))
        room = estimated[0] * vae_decode.HEADROOM + 1 if way else 1 << 60
        for piece in Decoding(vae, lambda: int(room), lambda: None).decode(vae.decode, Call(latents, (), named)):
            del piece

    counted = count_most(make, shape, dtype, decode)
    return estimated[0], counted


@pytest.mark.parametrize("case", SHORT_AND_LONG, ids=lambda case: f"{case[0]}{len(case[1])}")
def test_what_is_decoded_in_pieces_takes_no_more_for_a_longer_clip(case: Any) -> None:
    kind, config, dtype, short, long = case
    estimated, counted = count(kind, config, dtype, short)
    assert counted / estimated == pytest.approx(1, abs=0.15)
    again, more = count(kind, config, dtype, long)
    assert again == estimated and more / counted == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: f"{case[0]}{len(case[1])}")
def test_what_is_decoded_whole_takes_what_was_estimated(case: Any) -> None:
    kind, config, dtype, shape = case
    named = {"num_frames": shape[0]} if len(shape) == 4 else {}
    estimated, counted = count(kind, config, dtype, shape, **named)
    assert counted / estimated == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(
    ("case", "way"),
    [
        (("AutoencoderKLLTXVideo", LTX095, BF16, (1, 128, 4, 16, 22)), 2),
        (("AutoencoderKLTemporalDecoder", SD, FP16, (25, 4, 72, 128)), 1),
        (("AutoencoderKL", KL, FP16, (4, 4, 88, 160)), 1),
    ],
    ids=lambda case: case[0] if isinstance(case, tuple) else "",
)
def test_a_lesser_way_takes_what_was_estimated(case: Any, way: int) -> None:
    kind, config, dtype, shape = case
    named = {"num_frames": shape[0]} if kind == "AutoencoderKLTemporalDecoder" else {}
    whole, _ = count(kind, config, dtype, shape, **named)
    estimated, counted = count(kind, config, dtype, shape, way, **named)
    assert estimated < whole and counted / estimated == pytest.approx(1, abs=0.15)


def test_a_longer_clip_takes_more_at_least_where_it_is_not_decoded_in_pieces_of_time() -> None:
    with torch.device("meta"):
        whole, causal = diffusers.AutoencoderKLHunyuanVideo15().to(FP16), diffusers.AutoencoderKLWan().to(FP32)
    least = [vae_decode.estimate_least(whole, frames, 1280, 704) for frames in (61, 121)]
    assert 1.9 < least[1] / least[0] < 2.1
    shape = (1, 32, 31, 44, 80)
    assert least[1] == vae_decode.estimate_bytes(whole, shape, 2, vae_decode.list_ways(whole, shape)[-1])
    most = [vae_decode.estimate_least(causal, frames, 1280, 704) for frames in (61, 121)]
    joined = 2 * 60 * 1280 * 704 * 3 * 4
    assert most[1] - most[0] == joined, "what tiles are joined into, in float32, and nothing else"
