"""Decoding with encoding beside it, and what it holds: python -m bench decoding.

A Wan VAE of real structure and few channels with random weights decodes latents on one thread: alone, its frames dropped; with
libx264 beside it, as the studio does; and one after the other, as it was until build 332110b (the whole clip decoded and joined,
made into float32 frames, then read as uint8 and encoded). There ffmpeg gets what torch's thread leaves of the processor, which a
decode on a GPU doesn't need. So a stand-in for a GPU follows: real frames handed over at the pace at which an H100 decoded them
(Wan 2.2 5B: 121 frames of 1280x704 in 11.7 s, RESULTS.md), the processor idle in between, and the real encoder.

The peak is of memory above what the process held before it decoded, in a process of its own for each length. glibc keeps freed
blocks of up to 32 MB and divides them; tensors of this small a picture are all below that, and what it keeps grows for a while.
At real sizes tensors are above it and go back at once: so the table shows both, as glibc does by itself and with that limit at
256 KB (MALLOC_MMAP_THRESHOLD_).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
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
TIMED = 9
"""Latent frames: 33 frames."""

HELD = (9, 33, 65)
"""Latent frames whose peak is taken: 33, 129 and 257 frames."""

PACED: tuple[int, int, int, float] = (1280, 704, 121, 11.7)
"""Width, height, frames and seconds that a GPU took to decode them."""

PIECE = 4
"""Frames that leave the stand-in at once, as Wan's VAE gives them."""

MOST = 1.1
LEVEL = 1.25
"""The peak of the longest clip over that of the shortest: frames that wait for the encoder are in it."""

GIVEN_BACK = {"MALLOC_MMAP_THRESHOLD_": str(256 << 10)}


def measure(vae: Any, latents: Any, how: How, folder: Path) -> float:
    """Seconds to decode latents (1, channels, frames, rows, columns) in [-1, 1], where they and the VAE are.

    "alone": as they come, as uint8 in memory, and dropped. "beside": encoded in the meantime. "after": decoded in one go, then
    encoded. For bench/gpu.py's row "decode with encode"; the clip is left in `folder`.
    """
    from types import SimpleNamespace

    import torch
    from diffusers.video_processor import VideoProcessor

    from studio.engines.diffusion.run.deferred_decode import DeferredDecode
    from studio.engines.diffusion.run.frame_queue import FrameQueue

    count, side = count_frames(vae, tuple(latents.shape)), find_spatial_scale(vae)
    size = latents.shape[-1] * side, latents.shape[-2] * side
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
    _consume(FrameQueue(stream()) if how != "after" else read_all(), (*size, count), how, folder)
    return time.perf_counter() - began


def _consume(images: Iterator[Any], clip: tuple[int, int, int], how: How, folder: Path) -> None:
    """Read all frames of a clip (width, height, frames) and drop them, or encode them."""
    from studio.clip.encode import encode
    from studio.nouns import Motion, Shot
    from studio.photo import photo_store

    if how == "alone":
        for _ in images:
            pass
        return
    width, height, count = clip
    shot = Shot(photo_store.read_photo(PHOTO)[0], motion=Motion(""), seconds=max(1.0, count / FPS), fps=FPS)
    encode(Frames(images, width, height, FPS, count), folder / f"{how}.mp4", shot, ignore)


def measure_paced(how: How, folder: Path) -> float:
    """Seconds for frames at a GPU's pace: a photo that the camera passes over. "after": all of them first, then the encoder."""
    import cv2

    from studio.engines.diffusion.run.frame_queue import FrameQueue

    width, height, count, seconds = PACED
    photo = cv2.cvtColor(cv2.imread(str(PHOTO)), cv2.COLOR_BGR2RGB)
    photo = cv2.resize(photo, (width + count, height), interpolation=cv2.INTER_AREA)
    shown = [np.ascontiguousarray(photo[:, at : at + width]) for at in range(count)]
    began = time.perf_counter()

    def stream() -> Generator[Any]:
        for at in range(0, count, PIECE):
            due = began + seconds * min(count, at + PIECE) / count
            time.sleep(max(0.0, due - time.perf_counter()))
            yield from shown[at : at + PIECE]

    _consume(FrameQueue(stream()) if how != "after" else iter(list(stream())), (width, height, count), how, folder)
    return time.perf_counter() - began


def make_vae() -> Any:
    """Wan 2.1's VAE with a twelfth of its channels."""
    import torch
    from diffusers import AutoencoderKLWan

    torch.manual_seed(0)
    return AutoencoderKLWan(base_dim=8).eval()


def _make_latents(frames: int) -> Any:
    import torch

    return torch.randn((1, 16, frames, SIZE[1] // 8, SIZE[0] // 8), generator=torch.Generator().manual_seed(0))


def measure_peak(frames: int) -> float:
    """The most bytes that decoding and encoding `frames` latent frames took on top, in this process."""
    import torch

    from studio.engines.peak_memory import PeakMemory

    torch.set_num_threads(1)
    vae, noise = make_vae(), _make_latents(frames)
    with tempfile.TemporaryDirectory() as folder:
        measure(vae, noise[:, :, :2], "beside", Path(folder))  # what is loaded and allocated once
        with PeakMemory() as peak:
            measure(vae, noise, "beside", Path(folder))
            return float(peak.bytes)


def _measure_apart(frames: int, given_back: bool) -> float:
    command = [sys.executable, "-P", "-m", "bench.decoding", str(frames)]
    place = os.environ | {"PYTHONPATH": python_path(ROOT)} | (GIVEN_BACK if given_back else {})
    done = subprocess.run(command, cwd=ROOT, env=place, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return float(done.stdout.splitlines()[-1])


def _show_times(title: str, rounds: int, take: Callable[[How, Path], float]) -> None:
    """A table of the three ways, in turns."""
    took: dict[How, list[float]] = {how: [] for how in HOWS}
    with tempfile.TemporaryDirectory() as folder:
        for how in HOWS * rounds:
            took[how].append(take(how, Path(folder)))
            print(".", end="", file=sys.stderr, flush=True)
    said = {"alone": "decoding alone", "beside": "with encoding beside it", "after": "one after the other (332110b)"}
    rows: list[tuple[str, ...]] = []
    for how in HOWS:
        ratio = middle(took[how]) / middle(took["alone"])
        turns = ", ".join(f"{one:.1f}" for one in took[how])
        rows.append((
            said[how], f"{middle(took[how]):.2f} s", turns, verdict(ratio, MOST) if how == "beside" else f"{ratio:.2f}",
        ))  # fmt: skip
    table(f"{title}, medians of {rounds}", ("how", "seconds", "turn by turn", "of decoding alone"), rows)


def _show_peaks() -> None:
    """A table of peaks by length."""
    rows: list[tuple[str, ...]] = []
    for said, given_back in (("as glibc keeps blocks below 32 MB", False), ("given back at once, as larger ones are", True)):
        peaks = [_measure_apart(frames, given_back) / 1e6 for frames in HELD]
        ratio = peaks[-1] / peaks[0]
        levels = verdict(ratio, LEVEL) if given_back else f"{ratio:.2f}"
        rows.append((said, *(f"{one:.0f} MB" for one in peaks), levels))
    head = ("blocks", *(f"{(one - 1) * 4 + 1} frames" for one in HELD), "longest to shortest")
    table(f"Peak of memory, decoding {SIZE[0]}x{SIZE[1]} with encoding beside it", head, rows)


def run(rounds: int = ROUNDS) -> None:
    """Print the tables."""
    import torch

    width, height, count, seconds = PACED
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores; {load:.1f} programs at work on them when this began, this one aside")
    torch.set_num_threads(1)
    vae, latents = make_vae(), _make_latents(TIMED)
    with tempfile.TemporaryDirectory() as folder:
        measure(vae, latents[:, :, :2], "beside", Path(folder))
    title = f"A small Wan VAE, {(TIMED - 1) * 4 + 1} frames of {SIZE[0]}x{SIZE[1]}, decoded on the processor"
    _show_times(title, rounds, lambda how, folder: measure(vae, latents, how, folder))
    title = f"Stand-in for a GPU: {count} frames of {width}x{height} in {seconds} s"
    _show_times(title, rounds, measure_paced)
    _show_peaks()


if __name__ == "__main__":
    print(measure_peak(int(sys.argv[1])))
