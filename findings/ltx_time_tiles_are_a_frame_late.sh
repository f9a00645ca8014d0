#!/usr/bin/env bash
# diffusers' LTX VAEs, decoding in tiles of time (use_framewise_decoding), give every frame after the first tile one frame late.
#
# Guess: tiles in time differ from a decode in one go near their joins, and otherwise show the same moments.
# Seen with diffusers 0.42.1, torch 2.13.0, Python 3.11, Linux: from the second tile on frame n shows what frame n - 1 shows in a
# decode in one go. The first latent frame that a decoder sees becomes one frame, every other becomes eight; so a tile that begins
# at latent i begins with a frame that the tile before has given already. AutoencoderKLHunyuanVideo drops that first frame,
# AutoencoderKLLTXVideo and AutoencoderKLLTX2Video drop the tile's last.
# What follows: decode tiles in a loop of one's own and drop the first frame (`tile[:, :, 1:]`) before they are blended.
#
# Output seen:
#   diffusers 0.42.1, torch 2.13.0+cpu; levels of 255 from a decode in one go, from the second tile on
#   beside the same frame 23.3, beside the frame before 11.8; neighbours are 24.2 apart
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check diffusers==0.42.1 torch==2.13.0 transformers accelerate
cat > "$folder/try.py" <<'PY'
from importlib.metadata import version

import torch
from diffusers import AutoencoderKLLTXVideo

torch.manual_seed(0)
vae = AutoencoderKLLTXVideo(
    latent_channels=8, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8), layers_per_block=(1,) * 5,
    decoder_layers_per_block=(1,) * 5,
).eval()
latents = torch.cumsum(torch.randn(1, 8, 13, 4, 4), dim=2) * 0.4


@torch.no_grad()
def decode(in_tiles):
    vae.use_framewise_decoding = in_tiles
    video = vae.decode(latents).sample
    return (video - video.min()) / (video.max() - video.min()) * 255


whole, tiled = decode(False), decode(True)
first = vae.tile_sample_stride_num_frames + 1
same = (tiled[:, :, first:] - whole[:, :, first:]).abs().mean()
before = (tiled[:, :, first:] - whole[:, :, first - 1 : -1]).abs().mean()
apart = (whole[:, :, 1:] - whole[:, :, :-1]).abs().mean()
print(f"diffusers {version('diffusers')}, torch {torch.__version__}; levels of 255 from a decode in one go, from the second tile on")
print(f"beside the same frame {same:.1f}, beside the frame before {before:.1f}; neighbours are {apart:.1f} apart")
PY
"$folder/venv/bin/python" "$folder/try.py"
