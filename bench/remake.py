"""An older build's clips made again from their recipes, the same bytes of frames wanted: python -m bench remake --base BUILD.

The older build makes clips in a home folder of its own, by the command line. This build opens that folder, finds the clips in
its library, makes each one again from the recipe inside its file, and both are decoded and compared byte by byte.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.clips import table
from studio.clip import ffmpeg
from studio.config import ASSETS, ROOT

FIG, DANDELION, DOGS = (ASSETS / "samples" / f"{name}.jpg" for name in ("fig", "dandelion", "dogs"))
CLIPS: dict[str, tuple[object, ...]] = {
    "push.mp4": (FIG, "--move", "dolly in", "--size", "480p"),
    "orbit.webm": (DOGS, "--move", "orbit left", "--effect", "grain", "--aspect", "1:1", "--size", "360p"),
    "words.mp4": (DANDELION, "--prompt", "slow truck right, leaves sway in the wind, snow falls", "--size", "360p"),
    "boxes.mp4": (FIG, "--start-box", "0,0,1,1", "--end-box", "0.2,0.2,0.8,0.8", "--size", "360p"),
    "loop.gif": (DANDELION, "--move", "orbit right", "--loop", "--size", "360p"),
    "mended.webp": (DOGS, "--move", "crane up", "--mend", "denoise", "--size", "360p"),
}
"""Every format; a camera alone, effects, words, an end box, a loop and a mend."""


def ask(build: Path, home: Path, *words: object) -> str:
    """What a build's command line says."""
    command = [sys.executable, "-P", "-m", "studio", "--home", str(home), *map(str, words)]
    place = os.environ | {"PYTHONPATH": str(build)}
    return subprocess.run(command, cwd=build, env=place, stdout=subprocess.PIPE, text=True, check=True).stdout


def decode(file: Path) -> tuple[int, str]:
    """How many bytes the frames of a clip are, decoded, and their digest."""
    command = [ffmpeg.find_ffmpeg(), "-v", "error", "-i", str(file), "-f", "rawvideo", "-pix_fmt", "yuv444p", "pipe:1"]
    frames = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return len(frames), hashlib.sha256(frames).hexdigest()


def recipe(build: Path, home: Path, file: Path) -> Any:
    """The recipe inside a clip, as a build reads it."""
    return json.loads(ask(build, home, "recipe", file, "--json"))


def keep_known(new: Any, old: Any) -> Any:
    """What an older build knew of what this one says: the same fields, however deep, and no others."""
    if isinstance(new, dict) and isinstance(old, dict):
        return {name: keep_known(value, old[name]) for name, value in new.items() if name in old}
    if isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        return [keep_known(one, other) for one, other in zip(new, old, strict=True)]
    return new


def run() -> None:
    """Print the table."""
    base = os.environ.get("STIR_BENCH_BASE")
    if not base:
        print("remake compares with an older build: give it with --base BUILD.")
        return
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        home, old = Path(folder) / "home", Path(base)
        for name, words in CLIPS.items():
            ask(old, home, "animate", *words, "--seconds", 1, "--fps", 16, "-o", Path(folder) / name)
        before, now = (json.loads(ask(build, home, "library", "--json")) for build in (old, ROOT))
        rows.append(("clips in the library", str(len(before)), "the same" if keep_known(now, before) == before else "DIFFERENT"))
        for name in CLIPS:
            made, again = Path(folder) / name, Path(folder) / f"again-{name}"
            ask(ROOT, home, "again", made, "-o", again)
            size, digest = decode(made)
            asked = recipe(old, home, made)
            known = [keep_known(recipe(ROOT, home, file), asked) for file in (made, again)]
            alike = decode(again) == (size, digest) and known == [asked, asked]
            rows.append((name, f"{size:,} bytes of frames", "the same, recipe too" if alike else "DIFFERENT"))
    table("Clips of an older build, made again from their recipes", ("clip", "what", "made again"), rows)
