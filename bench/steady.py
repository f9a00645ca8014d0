"""How steady a clip is in which hardly anything moves: no pulse at key frames, no bands in dark gradients, no more to send.

STIR_BENCH_BASE=/another/checkout (or --base) sets another build's clips beside this one's, made in the same run. A figure over
today's is that build's. Every build paints its own frames and encodes them; measures are those of studio/score/frame_measures.py.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from bench import frame_measures
from bench.album import pictures
from bench.clips import python_path, scratch, table, verdict, write_noun
from studio.config import ROOT
from studio.nouns import Camera, Effect, Format, Motion, Move, Photo, Shot
from studio.photo import crop

Image = NDArray[np.uint8]

FPS, SECONDS = 24, 5.0
KEYS = (48, 96)
"""Where key frames were when one came every two seconds: looked at whether there is one today or not."""

FORMATS: tuple[Format, ...] = ("mp4", "webm")
MOST_PULSE, MOST_BYTES, MOST_TIME = 1.5, 1.1, 1.05
MAKE = """
import json, resource, sys
from pathlib import Path
import numpy as np
from studio.clip.encode import encode
from studio.config import Settings
from either_build import ParallaxEngine, animate, ignore
from studio.frames import Frames
from studio.nouns import Shot, replace
home, image, shot = Path(sys.argv[1]), np.load(sys.argv[2]), Shot.from_json(sys.argv[3])
settings = Settings(home / "home")
settings.prepare()
made = animate(ParallaxEngine(settings), image, shot)
images = [frame.copy() for frame in made.images]
np.save(home / "source.npy", np.stack([frame[: made.height] for frame in images]))
def spent():
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)
found = {}
for kind in sys.argv[4:]:
    times = []
    for _ in range(3):
        began = spent()
        again = Frames(iter(images), made.width, made.height, made.fps, made.num_frames, made.pixels)
        file = encode(again, home / f"clip.{kind}", replace(shot, format=kind), ignore).file
        times.append(spent() - began)
    found[kind] = {"file": str(file), "seconds": times}
print(json.dumps(found))
"""
"""Run on a build's own Python path: a shot painted once, encoded three times, with the processor time of each."""


class Still(NamedTuple):
    """A shot in which hardly anything moves."""

    name: str
    picture: Callable[[], Image]
    camera: Camera
    effects: tuple[Effect, ...] = ()


class Figures(NamedTuple):
    """One clip of one build: pulse at KEYS and of the frames it was made from; in grey levels the seam (of a loop) and the
    largest step; how much of what is dark and smooth lies on a band's edge, per mille; bytes, and seconds of processor time."""

    pulse: float
    own: float
    seam: float
    most: float
    bands: float
    bytes: int
    seconds: float


def night() -> Image:
    """A drawn night sky, 1920x1080: dark gradients without grain, some stars, a black ridge."""
    chance, (height, width) = np.random.default_rng(5), (1080, 1920)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    glow = np.exp(-(((x - width * 0.7) / 700) ** 2 + ((y - height * 0.9) / 400) ** 2))
    sky = (10 + 26 * (y / height) ** 1.3 + 22 * glow)[..., None] * np.array([0.75, 0.85, 1.15], np.float32)
    for _ in range(90):
        across, down, wide = chance.uniform(0, width), chance.uniform(0, height * 0.6), chance.uniform(0.8, 2)
        sky += (chance.uniform(40, 180) * np.exp(-((x - across) ** 2 + (y - down) ** 2) / wide**2))[..., None]
    ridge = height * 0.82 + 40 * np.sin(np.arange(width) / 140) + 15 * np.sin(np.arange(width) / 37)
    sky[y > ridge[None]] *= 0.25
    return np.clip(np.rint(sky), 0, 255).astype(np.uint8)


def grained(image: Image) -> Image:
    """A picture with a film's grain, 9 grey levels strong."""
    grain = np.random.default_rng(1).normal(0, 9, (*image.shape[:2], 1))
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def stills() -> Iterator[Still]:
    """Shots in which hardly anything moves: a slow camera, a hand, or a held one and something that stirs in a part."""
    named, held = pictures(), Camera((Move("static", 0.0),), loop=True)
    yield Still("night, dolly", night, Camera((Move("dolly_in", 0.1),)))
    yield Still("fig, dolly", named["fig"], Camera((Move("dolly_in", 0.1),)))
    yield Still("stream, dolly", named["stream"], Camera((Move("dolly_in", 0.08),)))
    yield Still("dogs, hand", named["dogs"], Camera((Move("handheld", 0.15),)))
    yield Still("wine, hand", named["wine"], Camera((Move("handheld", 0.2),), loop=True))
    yield Still("dandelion, wind", named["dandelion"], held, (Effect("wind", 0.4, "subject"),))
    yield Still("valley, light", named["valley"], held, (Effect("light", 0.4),))
    yield Still("mountains, fog", named["mountains"], held, (Effect("fog", 0.5),))
    yield Still("sunset with grain, clouds", lambda: grained(named["sunset"]()), held, (Effect("clouds", 0.3, "sky"),))


def shot(image: Image, still: Still) -> Shot:
    """Five seconds of it at 720p24."""
    photo = Photo("3" * 64, image.shape[1], image.shape[0])
    motion = Motion(camera=still.camera, effects=still.effects)
    return Shot(photo, crop.find_largest(photo, "16:9"), motion, size="720p", seconds=SECONDS, fps=FPS)


def make(image: Image, wanted: Shot, root: Path, home: Path) -> dict[str, Any]:
    """The clips of a shot by the build in `root`, one a format: files and seconds of processor time; its frames beside them."""
    home.mkdir(parents=True, exist_ok=True)
    np.save(home / "photo.npy", image)
    command = [sys.executable, "-c", MAKE, str(home), str(home / "photo.npy"), write_noun(wanted), *FORMATS]
    place = os.environ | {"PYTHONPATH": python_path(root)}
    made = subprocess.run(command, cwd=root, env=place, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(made.stdout))


def luma(file: Path) -> list[Image]:
    """The brightness of every frame of a clip, as the file has it."""
    with av.open(str(file)) as video:
        return [frame.to_ndarray(format="yuv420p")[: frame.height] for frame in video.decode(video=0)]


def measure(source: list[Image], clip: dict[str, Any], loop: bool) -> Figures:
    """Everything about one clip."""
    file = Path(clip["file"])
    seen = luma(file)
    steps = frame_measures.steps(seen)
    return Figures(
        frame_measures.pulse(seen, KEYS),
        frame_measures.pulse(source, KEYS),
        float(steps[0]) if loop else 0.0,
        float(steps[1:].max()),
        statistics.fmean(frame_measures.banding(frame) for frame in seen[::24]),
        file.stat().st_size,
        statistics.median(clip["seconds"]),
    )


def figures(still: Still, root: Path, home: Path) -> dict[Format, Figures]:
    """The figures of one still by one build, by format."""
    image = still.picture()
    wanted = shot(image, still)
    made = make(image, wanted, root, home)
    source = list(np.load(home / "source.npy"))
    return {kind: measure(source, made[kind], wanted.motion.camera.loop) for kind in FORMATS}


def _row(name: str, one: Figures, today: Figures | None) -> tuple[str, ...]:
    words = [
        name,
        f"{one.pulse:.2f}",
        f"{one.own:.2f}",
        f"{one.seam:.2f}" if one.seam else "",
        f"{one.most:.2f}",
        f"{one.bands:.1f}",
    ]
    if today:
        words[1:1] = [f"{today.pulse:.2f}"]
        words += [f"{today.seam:.2f}" if one.seam else "", f"{today.bands:.1f}"]
        words += [f"{one.bytes / today.bytes:.2f}", f"{one.seconds / today.seconds:.2f}"]
    return tuple(words)


def run() -> None:
    """Print a table for each format. STIR_BENCH_PHOTOS names some of the pictures, to be quick."""
    chosen, base = os.environ.get("STIR_BENCH_PHOTOS", "").split(), os.environ.get("STIR_BENCH_BASE")
    found: dict[str, tuple[dict[Format, Figures], dict[Format, Figures] | None]] = {}
    for still in stills():
        if not chosen or still.name.split()[0].strip(",") in chosen:
            print(f"Looking at {still.name} …", file=sys.stderr, flush=True)
            today = figures(still, Path(base), scratch("today")) if base else None
            found[still.name] = (figures(still, ROOT, scratch("new")), today)
    head = ("clip", "pulse", "the frames' own", "seam", "largest step", "bands")
    if base:
        head = ("clip", "pulse, today", *head[1:], "seam, today", "bands, today", "bytes / today's", "time / today's")
    for kind in FORMATS:
        rows = [_row(name, new[kind], today and today[kind]) for name, (new, today) in found.items()]
        table(f"What hardly moves, {kind}, 720p24: step at frames 48 and 96 over the median step", head, rows)
        pairs = [(new[kind], today[kind]) for new, today in found.values() if today]
        worst = max(new[kind].pulse / max(1.0, new[kind].own) for new, _ in found.values())
        print(f"\nWorst pulse, over the frames' own: {verdict(worst, MOST_PULSE)}.")
        if pairs:
            size = sum(new.bytes for new, _ in pairs) / sum(one.bytes for _, one in pairs)
            time = sum(new.seconds for new, _ in pairs) / sum(one.seconds for _, one in pairs)
            print(f"Bytes {verdict(size, MOST_BYTES)}, time {verdict(time, MOST_TIME)} of today's.")
