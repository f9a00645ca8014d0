"""How long a photo takes to be taken in, and in how much memory: 24 megapixels, and the 200 that phones make.

STIR_BENCH_BASE=/another/checkout (or --base) sets another build beside this one: they take turns, each photo in
a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from bench.album import pictures
from bench.clips import middle, python_path, scratch, table, verdict
from studio.config import ROOT
from tests.photo import made, made_heif

SLOWER, MOST_MEMORY = 1.0, 600.0
"""What a 24-megapixel JPEG may take, as a share of the base's time; MB of all of the process at 200 megapixels."""

NOISE = 0.03
"""The share of the time by which two builds that do the same differ here."""

ROUNDS = 7
TAKE = r"""
import json, re, sys, time
from pathlib import Path
import psutil
from studio.config import read
from studio.nouns import Refusal
from studio.photo.photo_store import PhotoStore
settings = read(home=sys.argv[2])
settings.prepare()
store = PhotoStore(settings)
def peak(process):  # not getrusage's: after a fork it counts the parent's memory too
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) * 1024 if found else process.memory_info().rss
began, worked = time.perf_counter(), time.process_time()
try:
    photo = store.take_in(Path(sys.argv[1]))
    said = f"{photo.width} x {photo.height}"
except Refusal as refusal:
    said = refusal.reason
wall, worked = time.perf_counter() - began, time.process_time() - worked
print(json.dumps([said, wall, worked, peak(psutil.Process()) / 1e6]))
"""


def take(build: Path, file: Path) -> tuple[str, float, float, float]:
    """What is said of a photo, seconds by the clock and of the processor, and the peak of a process that takes it in, MB."""
    home = scratch(f"intake-{len(list(scratch('.').glob('intake-*')))}")
    told = subprocess.run(
        [sys.executable, "-c", TAKE, str(file), str(home)],
        env={**os.environ, "PYTHONPATH": python_path(build)},
        cwd=build, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said, wall, worked, peak = json.loads(told.stdout.splitlines()[-1])
    return said, wall, worked, peak


def write(name: str, data: bytes) -> Path:
    """A file for the children."""
    file = scratch(name)
    file.write_bytes(data)
    return file


def marked(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def enlarged(width: int, height: int) -> Image.Image:
    """A photograph enlarged, with the grain of a sensor: it compresses as a real one does."""
    large = cv2.resize(pictures()["mountains"](), (width, height), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(1).normal(0, 3, (height // 8, width, 3)).astype(np.int8)
    for top in range(0, height - height % 8, height // 8):
        part = large[top : top + height // 8]
        part[:] = np.clip(part.astype(np.int16) + grain[: len(part)], 0, 255)
    return Image.fromarray(large)


def compare(base: Path | None) -> None:
    """24 megapixels, today's build and the other by turns."""
    photo = enlarged(6000, 4000)
    files = {
        "24-megapixel JPG": write("upright.jpg", made.saved(photo, "JPEG", quality=92)),
        "the same, stored turned": write("turned.jpg", made.saved(photo, "JPEG", quality=92, exif=marked(6))),
        "the same, its end marker missing": write("open.jpg", made.saved(photo, "JPEG", quality=92)[:-2]),
    }
    builds = [ROOT, *([base] if base else [])]
    rows: list[tuple[str, ...]] = []
    for name, file in files.items():
        found = {build: [] for build in builds}
        for _ in range(ROUNDS):
            for build in builds:
                found[build].append(take(build, file))
        own = middle([one[2] for one in found[ROOT]])
        row = (name, f"{own:.2f}", f"{middle([one[3] for one in found[ROOT]]):.0f}")
        if base:
            before = middle([one[2] for one in found[base]])
            row += (f"{before:.2f}", f"{middle([one[3] for one in found[base]]):.0f}", found[base][0][0])
            if name.startswith("24"):
                print(f"\nAgainst the base: {verdict(own / before - NOISE, SLOWER)} of its time.")
        rows.append(row)
    head = ("photo", "seconds of processor", "peak, MB")
    table("Taking in 24 megapixels", (*head, "base, seconds", "peak, MB", "said") if base else head, rows)


def large_files() -> Iterator[tuple[str, Path]]:
    """200 megapixels of every kind that opens them."""
    photo = enlarged(16320, 12240)
    yield "JPG", write("200.jpg", made.saved(photo, "JPEG", quality=90))
    yield "JPG, stored turned", write("200-turned.jpg", made.saved(photo, "JPEG", quality=90, exif=marked(6)))
    yield "progressive JPG", write("200-progressive.jpg", made.saved(photo, "JPEG", quality=90, progressive=True))
    smooth = cv2.GaussianBlur(np.asarray(photo), (0, 0), 3)
    yield "PNG", write("200.png", cv2.imencode(".png", smooth, [cv2.IMWRITE_PNG_COMPRESSION, 2])[1].tobytes())
    tile = photo.crop((4000, 4000, 4510, 4510)).resize((510, 510))
    yield "HEIC of tiles", write("200.heic", made_heif.of_tiles(tile, 32, 24))


def measure_large() -> None:
    """Time and memory of 200 megapixels, one photo a process."""
    rows: list[tuple[str, ...]] = []
    for name, file in large_files():
        said, wall, worked, peak = take(ROOT, file)
        rows.append((name, f"{file.stat().st_size / 1e6:.1f}", said, f"{wall:.1f}", f"{worked:.1f}", verdict(peak, MOST_MEMORY)))
        file.unlink()
    table(
        "Taking in 200 megapixels (16320 x 12240)",
        ("kind", "MB", "opens as", "seconds", "of processor", "peak of the process, MB"),
        rows,
    )


def run() -> None:
    """Print both tables."""
    base = os.environ.get("STIR_BENCH_BASE")
    compare(Path(base) if base else None)
    measure_large()
