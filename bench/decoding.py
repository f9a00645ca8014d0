"""Decoding with encoding beside it, and what it holds: python -m bench decoding.

A Wan VAE of real structure and few channels with random weights decodes latents on one thread, each time in a process of its own:
alone, its frames dropped; with libx264 beside it, as the studio does; and one after the other, as it was until build 332110b
(the whole clip decoded and joined, made into float32 frames, then read as uint8 and encoded). The peak is of memory above what
the process held before it decoded. ffmpeg takes what torch's thread leaves of the processor.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bench.clips import PHOTO, ignore, middle, python_path, table, verdict
from studio.config import ROOT
from studio.engines.diffusion.run.decode_pieces import Call
from studio.engines.diffusion.run.vae_decode import Decoding, count_frames, find_spatial_scale
from studio.frames import Frames

How = Literal["alone", "beside", "after"]
HOWS: tuple[How, ...] = ("alone", "beside", "after")
FPS, SIZE, ROUNDS = 16, (128, 80), 3
LENGTHS = (5, 17)
"""Latent frames: 17 and 65 frames."""

MOST = 1.1


def measure(vae: Any, latents: Any, how: How, folder: Path) -> float:
    """Seconds to decode latents (1, channels, frames, rows, columns) in [-1, 1], where they and the VAE are.

    "alone": as they come, as uint8 in memory, and dropped. "beside": encoded in the meantime. "after": decoded in one go, then
    encoded. For bench/gpu.py's row "decode with encode"; the clip is left in `folder`.
    """
    from types import SimpleNamespace

    import torch
    from diffusers.video_processor import VideoProcessor

    from studio.clip.encode import encode
    from studio.engines.diffusion.run.deferred_decode import DeferredDecode
    from studio.engines.diffusion.run.frame_queue import FrameQueue
    from studio.nouns import Motion, Shot
    from studio.photo import photo_store

    count, side = count_frames(vae, tuple(latents.shape)), find_spatial_scale(vae)
    size = latents.shape[-1] * side, latents.shape[-2] * side
    shot = Shot(photo_store.read_photo(PHOTO)[0], motion=Motion(""), seconds=max(1.0, count / FPS), fps=FPS)
    processor = VideoProcessor()
    deferred = DeferredDecode(SimpleNamespace(vae=vae, video_processor=processor), torch.Generator())
    deferred.video = torch.empty((1, 3, count, size[1], size[0]), dtype=latents.dtype, device="meta")

    def stream() -> Generator[Any]:
        decoding = Decoding(vae, lambda: 1 << 60, lambda: None)
        yield from deferred.convert(decoding.decode(vae.decode, Call(latents)), count)

    def read_all() -> Iterator[Any]:
        with torch.no_grad():
            video = processor.postprocess_video(vae.decode(latents).sample, output_type="np")[0]
        for frame in np.asarray(video, np.float32):
            yield (np.clip(frame, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)

    began = time.perf_counter()
    images = FrameQueue(stream()) if how != "after" else read_all()
    if how == "alone":
        for _ in images:
            pass
    else:
        encode(Frames(images, *size, FPS, count), folder / f"{how}.mp4", shot, ignore)
    return time.perf_counter() - began


def make_vae() -> Any:
    """Wan 2.1's VAE with a twelfth of its channels."""
    import torch
    from diffusers import AutoencoderKLWan

    torch.manual_seed(0)
    return AutoencoderKLWan(base_dim=8).eval()


def measure_here(how: How, frames: int) -> dict[str, float]:
    """One decode of `frames` latent frames in this process: seconds, and the most bytes it took on top."""
    import torch

    from studio.engines.peak_memory import PeakMemory

    torch.set_num_threads(1)
    vae = make_vae()
    noise = torch.randn((1, 16, frames, SIZE[1] // 8, SIZE[0] // 8), generator=torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as folder:
        measure(vae, noise[:, :, :2], how, Path(folder))  # what is loaded and allocated once
        with PeakMemory() as peak:
            took = measure(vae, noise, how, Path(folder))
            return {"seconds": took, "peak": float(peak.bytes)}


def _measure_apart(how: How, frames: int) -> dict[str, float]:
    command = [sys.executable, "-P", "-m", "bench.decoding", how, str(frames)]
    place = os.environ | {"PYTHONPATH": python_path(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=place, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def run(rounds: int = ROUNDS) -> None:
    """Print the table."""
    found: dict[tuple[How, int], list[dict[str, float]]] = {(how, frames): [] for how in HOWS for frames in LENGTHS}
    for _ in range(rounds):
        for how, frames in found:
            found[how, frames].append(_measure_apart(how, frames))
            print(".", end="", file=sys.stderr, flush=True)
    times = {key: middle([one["seconds"] for one in many]) for key, many in found.items()}
    peaks = {key: middle([one["peak"] for one in many]) / 1e6 for key, many in found.items()}
    said = {"alone": "decoding alone", "beside": "with encoding beside it", "after": "one after the other (332110b)"}
    rows: list[tuple[str, ...]] = []
    for how in HOWS:
        short, long = ((how, frames) for frames in LENGTHS)
        ratio = times[long] / times["alone", LENGTHS[1]]
        beside = verdict(ratio, MOST) if how == "beside" else f"{ratio:.2f}"
        rows.append((
            said[how], f"{times[short]:.2f} s", f"{times[long]:.2f} s", beside,
            f"{peaks[short]:.0f} MB", f"{peaks[long]:.0f} MB",
        ))  # fmt: skip
    frames = [(one - 1) * 4 + 1 for one in LENGTHS]
    head = ("how", *(f"{one} frames" for one in frames), "of decoding alone", *(f"peak, {one} frames" for one in frames))
    table(f"Decoding {SIZE[0]}x{SIZE[1]} by a small Wan VAE and encoding, medians of {rounds}", head, rows)


if __name__ == "__main__":
    print(json.dumps(measure_here(sys.argv[1], int(sys.argv[2]))))  # pyright: ignore[reportArgumentType]
