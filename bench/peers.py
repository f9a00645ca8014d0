"""DepthFlow, the other photo-to-parallax tool, on the same photo with the same depth map.

It is AGPL-3.0 and so only ever run, as a separate program in a virtual environment of its own (about 400 MB, made on first
use in the user's cache folder). It draws with OpenGL; on a machine without a GPU that is Mesa's llvmpipe, in software. Needs
Linux with EGL: Debian's libegl1 and libgl1-mesa-dri. Without them this bench says so and is skipped.
"""

from __future__ import annotations

import ctypes.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import platformdirs
from PIL import Image

from bench import clips
from bench.clips import PHOTO, RUNS, middle, scratch, table
from studio.clip.ffmpeg import find_ffmpeg
from studio.engines import registry
from studio.engines.parallax.parallax_engine import ParallaxEngine
from studio.presets import card

VERSION = "1.0.1"
PACKAGES = (
    "shaderflow==0.12.0", "attrs", "cyclopts", "diskcache", "imageio", "numpy", "pillow", "platformdirs", "pooch", "pydantic",
    "scipy", "xxhash",
)  # fmt: skip
"""What it runs on when it is given a depth map: all it asks for but torch, torchvision and transformers (6 GB)."""

NEEDS = "needs Linux with EGL (Debian: apt-get install libegl1 libgl1-mesa-dri) and, the first time, PyPI"
SHORT, LONG = 6, 18  # frames; the difference of the two leaves out its start
LEAST_FASTER = 15.0


def _install() -> Path:
    """The depthflow program, installed on first use."""
    place = Path(platformdirs.user_cache_dir("stir-bench", appauthor=False)) / f"depthflow-{VERSION}"
    tool = place / "bin" / "depthflow"
    if not tool.exists():
        print("Installing DepthFlow for the comparison (once) …", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        pip = [str(place / "bin" / "pip"), "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES], check=True)
        subprocess.run([*pip, "--no-deps", f"depthflow=={VERSION}"], check=True)
    return tool


def _given() -> tuple[Path, Path]:
    """The crop and our depth of it, at the clip's size, as PNG files."""
    shot, image = clips.shot_of(PHOTO, "720p", 5.0, 24)
    engine = registry.engine(card("parallax"), clips.settings())
    assert isinstance(engine, ParallaxEngine)
    disparity = np.rint(np.clip(engine.read(image, shot).disparity, 0, 1) * 255).astype(np.uint8)
    photo, depth = scratch("given.png"), scratch("given-depth.png")
    Image.fromarray(image).resize((1280, 720), Image.Resampling.LANCZOS).save(photo)
    Image.fromarray(disparity).resize((1280, 720)).save(depth)
    return photo, depth


def _depthflow(tool: Path, photo: Path, depth: Path, num_frames: int) -> None:
    """Render so many frames at 720p with its own defaults and our encoder settings."""
    tools = scratch("bin")
    tools.mkdir(exist_ok=True)
    if not (tools / "ffmpeg").exists():
        (tools / "ffmpeg").symlink_to(find_ffmpeg())
    scene = ["input", "-i", str(photo), "-d", str(depth), "state", "--offset", "0.3", "0.0"]
    size = ["-w", "1280", "-h", "720", "--fps", "24", "--ssaa", "1", "--quality", "50", "--time", str(num_frames / 24)]
    encoder = ["h264", "--preset", "veryfast", "--crf", "19"]
    command = [str(tool), *scene, *encoder, "main", *size, "-o", str(scratch("depthflow.mp4"))]
    settings = {**os.environ, "WINDOW_BACKEND": "headless", "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}"}
    subprocess.run(command, check=True, env=settings, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)


def run() -> None:
    """Print the comparison, or why there is none."""
    print("\n## DepthFlow")
    if sys.platform != "linux" or ctypes.util.find_library("EGL") is None:
        print(f"\nSkipped: it {NEEDS}.")
        return
    try:
        tool = _install()
        photo, depth = _given()
        _depthflow(tool, photo, depth, 1)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"\nSkipped ({type(error).__name__}): it {NEEDS}.")
        return
    _compare(tool, photo, depth)


def _compare(tool: Path, photo: Path, depth: Path) -> None:
    ours: list[float] = []
    theirs: list[float] = []
    clips.make(clips.unseen(300), "720p", 5.0, 24)
    for number in range(RUNS):
        ours.append(clips.seconds(lambda number=number: clips.make(clips.unseen(301 + number), "720p", 5.0, 24)) / 120)
        short, long = (clips.seconds(lambda count=count: _depthflow(tool, photo, depth, count)) for count in (SHORT, LONG))
        theirs.append((long - short) / (LONG - SHORT))
        print(".", end="", file=sys.stderr, flush=True)
    mine, other = middle(ours), middle(theirs)
    faster = other / mine
    rows = [
        ("Stir, parallax: a new photo to an MP4, all included", f"{mine * 1000:.0f} ms", "1"),
        (f"DepthFlow {VERSION}, depth map given, its start left out", f"{other * 1000:.0f} ms", f"{faster:.1f}"),
    ]
    table("Time a frame at 720p, libx264 veryfast crf 19, software OpenGL (llvmpipe)", ("tool", "a frame", "times ours"), rows)
    judged = "within" if faster >= LEAST_FASTER else "short of"
    print(f"\nStir is {faster:.1f} times as fast ({judged} the {LEAST_FASTER:g} wanted).")
    print("OpenGL in software is what a machine without a GPU has; DepthFlow's place is a machine with one.")
