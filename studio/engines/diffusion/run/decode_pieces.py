"""Decoding a video VAE's latents piece by piece in time, each piece as soon as it is there, in diffusers' own loops.

diffusers' decoders collect all pieces before they return; here they are handed over one by one. Which numbers are
computed, and in which order, is the same (diffusers 0.42.1), so frames are bit for bit those of a decode in one go:

- AutoencoderKLWan: one latent frame at a time; its causal convolutions remember the frames before in `_feat_map`.
- AutoencoderKLCogVideoX: two latent frames at a time (three at first), the memory handed from call to call.
- AutoencoderKLHunyuanVideo, and AutoencoderKLLTXVideo and AutoencoderKLLTX2Video where `use_framewise_decoding` is on:
  overlapping tiles in time, each blended with the one before. LTX's own are one frame late from the second tile on
  (findings/ltx_time_tiles_are_a_frame_late.sh); here they are in time, as Hunyuan's.
- AutoencoderKLTemporalDecoder (SVD's), where not all frames fit: runs of frames that overlap, for it sees neighbours
  and evens groups of channels out over all it sees. So they differ from a decode in one go: on random weights, with 9
  of 25 frames at a time, by 5.6 levels of 255 without an overlap and by 2.1 with one (means).

In tiles of the picture, diffusers decodes each tile through all of time before the next: then there is one piece, and
6 numbers a pixel and frame are held (vae_decode.py counts them). Going piece by piece through all tiles would give the
same frames but holds what every tile remembers: 2360 numbers a pixel for Wan 2.1, 1780 for Wan 2.2, 7330 for CogVideoX
(counted on the published configurations), 1.8 times that with the tiles' overlap. That is more up to 500 frames and
longer, so tiles stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from studio.engines.diffusion.families.seeded_noise import rewind


@dataclass(frozen=True)
class Call:
    """One call of a VAE's `decode`: latents (1, channels, frames, rows, columns), or (frames, channels, rows, columns)
    for a VAE of images, and what else it is given. `noise` is the state of the run's generator when it was called."""

    latents: Tensor
    rest: tuple[Any, ...] = ()
    named: dict[str, Any] = field(default_factory=dict[str, Any])
    noise: Tensor | None = None


Decode = Callable[..., Any]

OVERLAP = 2
"""Frames that runs of SVD's decoder share on either side; each of its layers looks one frame back and one ahead."""


def decode_in_pieces(vae: Any, decode: Decode, call: Call, images: int = 0) -> Iterator[Tensor]:
    """What `decode` makes of a call, in pieces in order: (1, 3, frames, height, width), or (frames, 3, height, width).

    images: how many go through at a time in a VAE of images; 0: all. `decode` is the VAE's own, for what has no pieces.
    """
    if call.noise is not None:
        rewind(call.noise)
    latents = call.latents
    loop = find_loop(vae, latents)
    if loop is not None:
        yield from loop(vae, latents, *call.rest)
        return
    if images and latents.ndim == 4:
        yield from _decode_runs(decode, call, images)
    else:
        yield decode(latents, *call.rest, **{**call.named, "return_dict": False})[0]


def find_loop(vae: Any, latents: Tensor) -> Callable[..., Iterator[Tensor]] | None:
    """The loop in time that this VAE decodes such latents in; None where it takes them at once."""
    if latents.ndim != 5 or latents.shape[0] != 1:
        return None
    frames, rows, columns = latents.shape[-3:]
    if type(vae).__name__ in _TILED_IN_TIME:
        least = vae.tile_sample_min_num_frames // vae.temporal_compression_ratio
        return _decode_time_tiles if vae.use_framewise_decoding and frames > least else None
    loop = _LOOPS.get(type(vae).__name__)
    return None if loop is None or is_tiled(vae, rows, columns) else loop


def is_tiled(vae: Any, rows: int, columns: int) -> bool:
    """Whether latents of this size are decoded in tiles of the picture: tiles are on, and it is larger than one."""
    if not getattr(vae, "use_tiling", False):
        return False
    side = getattr(vae, "spatial_compression_ratio", 0)
    height = vae.tile_sample_min_height // side if side else vae.tile_latent_min_height
    width = vae.tile_sample_min_width // side if side else vae.tile_latent_min_width
    return rows > height or columns > width


def _decode_runs(decode: Decode, call: Call, images: int) -> Iterator[Tensor]:
    """Runs of at most `images` frames. Where the VAE is told how many there are, it sees neighbours: then up to
    `OVERLAP` frames on either side are decoded too and let go of.
    """
    frames, overlap = call.latents.shape[0], min(OVERLAP, images // 4) if "num_frames" in call.named else 0
    step = images - 2 * overlap
    for start in range(0, frames, step):
        first = max(0, start - overlap)
        part = call.latents[first : start + step + overlap]
        counted = {"num_frames": part.shape[0]} if "num_frames" in call.named else {}
        run = decode(part, *call.rest, **{**call.named, **counted, "return_dict": False})[0]
        yield run[start - first :][:step]


def _decode_wan(vae: Any, latents: Tensor) -> Iterator[Tensor]:
    """AutoencoderKLWan._decode, latent frame by latent frame: 1 frame, then 4 each."""
    from diffusers.models.autoencoders.autoencoder_kl_wan import unpatchify

    vae.clear_cache()
    latents = vae.post_quant_conv(latents)
    for index in range(latents.shape[2]):
        vae._conv_idx = [0]
        first = {"first_chunk": True} if index == 0 else {}
        piece = vae.decoder(latents[:, :, index : index + 1], feat_cache=vae._feat_map, feat_idx=vae._conv_idx, **first)
        if vae.config.patch_size is not None:
            piece = unpatchify(piece, patch_size=vae.config.patch_size)
        yield torch.clamp(piece, min=-1.0, max=1.0)
    vae.clear_cache()


def _decode_cogvideox(vae: Any, latents: Tensor) -> Iterator[Tensor]:
    """AutoencoderKLCogVideoX._decode, batch by batch of latent frames: what is left over goes with the first."""
    size = vae.num_latent_frames_batch_size
    frames, memory = latents.shape[2], None
    over = frames % size
    for index in range(max(frames // size, 1)):
        part = latents[:, :, size * index + (over if index else 0) : size * (index + 1) + over]
        if vae.post_quant_conv is not None:
            part = vae.post_quant_conv(part)
        piece, memory = vae.decoder(part, conv_cache=memory)
        yield piece


def _decode_time_tiles(vae: Any, latents: Tensor, *rest: Any) -> Iterator[Tensor]:
    """`_temporal_tiled_decode` of Hunyuan's and LTX's VAEs, tile by tile. Each tile but the first gives a frame less:
    its first, which a VAE makes of the first latent frame it sees.
    """
    scale = vae.temporal_compression_ratio
    most, stride = vae.tile_sample_min_num_frames, vae.tile_sample_stride_num_frames
    left = (latents.shape[2] - 1) * scale + 1
    before: Tensor | None = None
    for start in range(0, latents.shape[2], stride // scale):
        tile = _decode_at_once(vae, latents[:, :, start : start + most // scale + 1], *rest)
        if before is not None:
            tile = vae.blend_t(before, tile[:, :, 1:], most - stride)
        piece = tile[:, :, : min(left, stride + (before is None))]
        left -= piece.shape[2]
        before = tile
        if piece.shape[2]:
            yield piece


def _decode_at_once(vae: Any, latents: Tensor, *rest: Any) -> Tensor:
    """What the VAE makes of these latents without tiles in time."""
    vae.use_framewise_decoding = False
    try:
        return vae._decode(latents, *rest).sample
    finally:
        vae.use_framewise_decoding = True


_LOOPS = {"AutoencoderKLWan": _decode_wan, "AutoencoderKLCogVideoX": _decode_cogvideox}
_TILED_IN_TIME = {"AutoencoderKLHunyuanVideo", "AutoencoderKLLTXVideo", "AutoencoderKLLTX2Video"}
