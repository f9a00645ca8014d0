"""A batch of photos against one `animate` process each and against ffmpeg alone; its memory over many clips; kills.

python -m bench batch          50 photos of 12 megapixels as 5 s 720p24, 200 small clips, 12 kills: 15 minutes on two cores
STIR_BENCH_PHOTOS=8 …          fewer photos; STIR_BENCH_CLIPS=40, STIR_BENCH_KILLS=3 the same for the other rows
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from bench import clips
from bench.clips import middle, table, verdict
from bench.speed import FPS, SECONDS, encode_alone
from studio.batch.batch_nouns import BatchSettings
from studio.config import ASSETS, ROOT, Settings
from studio.studio import Studio
from tests.fakes.batch_process import kill_and_go_on, require_whole

MOST_OVER_ANIMATE, MOST_OVER_FFMPEG, MOST_MB_A_CLIP = 0.75, 1.25, 0.5
SAMPLES = ("fig", "stream", "dandelion")
SIZE = (4000, 3000)
SETTLED = 40
"""Clips after which what is kept of photos that were read is full, and memory is to stay as it is."""

EACH = 3
"""How often each photo kind is made alone, and its frames encoded alone."""


def count(name: str, usual: int) -> int:
    """How many the user wants of something, by the environment."""
    return int(os.environ.get(f"STIR_BENCH_{name}", usual))


def make_photo(number: int, folder: Path, size: tuple[int, int] = SIZE) -> Path:
    """A photo of 12 megapixels of a sample, no two alike: another part of it, with the grain of a camera."""
    chance = np.random.default_rng(number)
    with Image.open(ASSETS / "samples" / f"{SAMPLES[number % len(SAMPLES)]}.jpg") as picture:
        wide, high = picture.size
        left, top = chance.uniform(0, 0.04, 2)
        box = (left * wide, top * high, wide * (0.96 + left), high * (0.96 + top))
        large = np.asarray(picture.convert("RGB").resize(size, Image.Resampling.LANCZOS, box), np.int16)
    grain = chance.integers(-3, 4, large.shape[:2], np.int16)[..., None]
    file = folder / f"photo-{number:03d}.jpg"
    Image.fromarray(np.clip(large + grain, 0, 255).astype(np.uint8)).save(file, quality=92)
    return file


def run_studio(home: Path, *words: object) -> tuple[float, str]:
    """Seconds that a command takes, as its own process, and what it prints."""
    command, said = [sys.executable, "-m", "studio", "--home", str(home), *map(str, words)], [""]

    def work() -> None:
        said[0] = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout

    return clips.seconds(work), said[0]


def list_gaps(home: Path, wanted: int) -> list[float]:
    """The seconds from each clip of a home to the next; so many clips have to be there."""
    with closing(Studio(Settings(home))) as studio:
        made = sorted(clip.made_at for clip in studio.library.find(limit=1000))
    assert len(made) == wanted
    return [later - before for before, later in pairwise(made)]


def speed(room: Path) -> None:
    """The batch beside one process a clip and beside the encoder alone, in turns within one run."""
    photos = room / "photos"
    photos.mkdir()
    files = [make_photo(number, photos) for number in range(count("PHOTOS", 50))]
    shape = ("--aspect", "16:9", "--size", "720p", "--seconds", SECONDS, "--fps", FPS)
    alone: list[float] = []
    single: list[float] = []
    for number in range(EACH * len(SAMPLES)):
        frames, shot = clips.animate(files[number % len(files)], "720p", SECONDS, FPS)
        images = [image.copy() for image in frames.images]
        alone.append(clips.seconds(lambda i=images, f=frames, s=shot: encode_alone(i, f, s)))
        del images
        single.append(run_studio(room / f"single-{number}", "animate", files[number % len(files)], *shape)[0])
    _, told = run_studio(room / "home", "batch", photos, *shape, "--dry-run", "--json")
    go_on = ("batch", "--resume", json.loads(told)["id"], "--take-doubtful", "-o", room / "out")
    seen = run_studio(room / "home", *go_on)[0] / len(files)
    at_once = run_studio(room / "at-once", "batch", photos, *shape, "--take-doubtful", "-o", room / "out")[0] / len(files)
    gaps = {name: list_gaps(room / name, len(files)) for name in ("home", "at-once")}
    ways = {
        "a batch that was looked at before, from clip to clip": middle(gaps["home"]),
        "the same, from the command's start to its end, files and sheet written": seen,
        "a batch that is looked at meanwhile, from clip to clip": middle(gaps["at-once"]),
        "the same, from start to end": at_once,
    }
    rows = [
        (
            name,
            f"{each:.2f} s",
            verdict(each / middle(single), MOST_OVER_ANIMATE),
            verdict(each / middle(alone), MOST_OVER_FFMPEG),
        )
        for name, each in ways.items()
    ]
    rows.append(("one `animate` process each", f"{middle(single):.2f} s", "1", f"{middle(single) / middle(alone):.2f}"))
    rows.append(("the encoder alone, its frames in memory", f"{middle(alone):.2f} s", "", "1"))
    head = ("what", "each (median)", "times `animate`", "times the encoder")
    table(f"{len(files)} photos of 12 megapixels as 5 s 720p24 clips", head, rows)


def memory(room: Path) -> None:
    """The slope of this process's memory over many small clips of the built-in engine."""
    total, photos = count("CLIPS", 200), room / "small"
    photos.mkdir()
    for number in range(total):
        make_photo(number, photos, (960, 720))
    held: list[float] = []
    with closing(Studio(Settings(room / "memory-home"))) as studio:
        one = studio.batches.create([photos], BatchSettings(size="240p", seconds=1.0, fps=16))
        studio.start(adopt=False)
        studio.batches.start(one.id)
        process, done = psutil.Process(), 0
        while done < total:
            states = [row.state for row in studio.batches.stand(one.id)]
            if "aside" in states:
                studio.batches.take_anyway(one.id)
            now = states.count("done")
            held += [process.memory_info().rss / 2**20] * (now - done)
            done = now
            time.sleep(0.3)
    first = min(SETTLED, len(held) // 2)
    settled = np.array(held[first:])
    slope = float(np.polyfit(np.arange(len(settled)), settled, 1)[0])
    rows = [(f"after {first} clips", f"{settled[0]:.0f} MB"), ("at the end", f"{settled[-1]:.0f} MB")]
    rows.append(("slope a clip, MB", verdict(slope, MOST_MB_A_CLIP)))
    table(f"Memory over {total} small clips of a batch", ("when", "memory"), rows)


def kills(room: Path) -> None:
    """A real process killed with kill -9 at random moments, and what is left."""
    number, seed, photos = count("KILLS", 12), count("SEED", random.randrange(10**6)), room / "killed"
    photos.mkdir()
    for at in range(8):
        make_photo(at, photos, (640, 480))
    print(f"\nseed {seed}")
    at_work = kill_and_go_on(room / "killed-home", photos, room / "killed-out", 0.01, number, seed, longest=14.0)
    files = require_whole(room / "killed-home", photos, room / "killed-out")
    rows = [(f"{at_work} of {number}", str(seed), f"{sum(files.values())}", "nothing lost, made twice or half written")]
    table("kill -9 at random moments", ("killed at work", "seed", "files", "found"), rows)


def run() -> None:
    """Print every table of this bench."""
    print("\n## Batch")
    for part in (speed, memory, kills):
        room = Path(tempfile.mkdtemp(prefix="stir-batch-"))
        try:
            part(room)
        finally:
            shutil.rmtree(room, ignore_errors=True)
