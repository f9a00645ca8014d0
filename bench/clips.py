"""What the benches share: one photo, one move, and the walk from a photo on disk to a playable file."""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studio.clip.encode import encode
from studio.config import ASSETS, Settings
from studio.engines import registry
from studio.engines.parallax.parallax_engine import ParallaxEngine
from studio.engines.prepare import prepare
from studio.frames import Frames
from studio.nouns import Camera, Motion, Move, Noun, Progress, Shot, Size
from studio.photo import crop, photo_store
from studio.presets import card

PHOTO = ASSETS / "samples" / "fig.jpg"
"""A bowl before a textured ground, 1920 pixels wide: the engine needs its layers and has a hole to fill."""

OTHERS = (ASSETS / "samples" / "dandelion.jpg", ASSETS / "samples" / "stream.jpg")
"""A subject before a blur, which is cheap to encode; and a wood without a subject, drawn as one layer and dear to encode."""

MOTION = Motion(camera=Camera((Move("dolly_in", 0.6), Move("orbit_right", 0.3))))
RUNS = 5


def ignore(progress: Progress) -> None:
    """A watcher that never stops the work."""
    del progress


@cache
def settings() -> Settings:
    """A home folder of the bench's own, gone when the process ends."""
    made = Settings(Path(_folder().name) / "home")
    made.prepare()
    return made


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="stir-bench-")


def scratch(name: str) -> Path:
    """A place for a file that nobody keeps."""
    return Path(_folder().name) / name


def shot_of(file: Path, size: Size, seconds: float, fps: int) -> tuple[Shot, NDArray[np.uint8]]:
    """A 16:9 shot of a photo on disk, and the photo's pixels."""
    photo, image = photo_store.read_photo(file)
    shot = Shot(photo, crop.find_largest(photo, "16:9"), MOTION, size=size, seconds=seconds, fps=fps)
    return shot, image


def animate(file: Path, size: Size, seconds: float, fps: int) -> tuple[Frames, Shot]:
    """The frames of a photo on disk, not yet rendered."""
    shot, image = shot_of(file, size, seconds, fps)
    chosen = card("parallax")
    return registry.engine(chosen, settings()).animate(prepare(shot, chosen), image, None, ignore), shot


def read_depth(image: NDArray[np.uint8], shot: Shot) -> NDArray[np.float32]:
    """The depth that the engine has read for a shot, as the studio hands it to the score."""
    engine = registry.engine(card("parallax"), settings())
    assert isinstance(engine, ParallaxEngine)
    return engine.read(image, prepare(shot, card("parallax")).shot).disparity


def make(file: Path, size: Size, seconds: float, fps: int) -> Path:
    """From a photo on disk to a playable MP4."""
    frames, shot = animate(file, size, seconds, fps)
    return encode(frames, scratch("clip.mp4"), shot, ignore).file


def unseen(number: int, photo: Path = PHOTO) -> Path:
    """A photo with one corner a shade different: the same work, and nothing that was remembered of it can be used."""
    file = scratch(f"{photo.stem}-{number}.jpg")
    if not file.exists():
        with Image.open(photo) as picture:
            changed = picture.convert("RGB")
        changed.paste((number % 256, number // 256 % 256, 0), (0, 0, 16, 16))
        changed.save(file, quality=95)
    return file


def seconds(work: Callable[[], object]) -> float:
    """How long something takes, by the wall clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def middle(times: list[float]) -> float:
    """The median, which a busy moment of the machine doesn't move."""
    return statistics.median(times)


def write_noun(noun: Noun) -> str:
    """A shot or a card as JSON that an older build reads too: what is as always is left out, and it may not know of it."""
    return json.dumps(_leave_out_defaults(noun))


def _leave_out_defaults(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_leave_out_defaults(one) for one in value]
    if isinstance(value, dict):
        return {name: _leave_out_defaults(one) for name, one in value.items()}
    if not isinstance(value, Noun):
        return value
    fields = ((one.encode_name, getattr(value, one.name), one.default) for one in msgspec.structs.fields(value))
    return {name: _leave_out_defaults(held) for name, held, default in fields if held != default}


def python_path(build: Path) -> str:
    """The PYTHONPATH with which a process runs a build's modules, and finds them by `bench/builds/either_build.py`."""
    return os.pathsep.join((str(build), str(Path(__file__).parent / "builds")))


def table(title: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a markdown table."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def verdict(value: float, most: float) -> str:
    """A figure against its limit, in words."""
    return f"{value:.2f} ({'within' if value <= most else 'over'} {most:g})"
