"""What a score costs: scoring a clip beside making it, and the jobs that run while clips are scored in the background."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import clips
from bench.clips import middle, seconds, table, verdict
from studio.clip.clip_reader import read_footage
from studio.config import ROOT, Settings
from studio.nouns import Done, Shot, replace
from studio.photo import crop
from studio.score.reference import make_reference
from studio.score.scoring import score_footage
from studio.studio import Studio

Image = NDArray[np.uint8]

MOST_TIME, MOST_DELAY = 0.15, 1.05


Times = list[tuple[float, float]]
"""Seconds of making a clip and of scoring it, for each photo."""


def time_engine() -> Times:
    """From a photo on disk to a playable file, the engine warm, as `python -m bench speed` counts it."""
    found: Times = []
    for number in range(clips.RUNS + 1):
        photo = clips.unseen(700 + number)
        shot, image = clips.shot_of(photo, "720p", 5.0, 24)
        making = seconds(lambda photo=photo: clips.make(photo, "720p", 5.0, 24))
        near = clips.read_depth(image, shot)

        def work(image: Image = image, shot: Shot = shot, near: NDArray[np.float32] = near) -> None:
            footage = read_footage(clips.scratch("clip.mp4"), trusted=True)
            score_footage(footage, make_reference(image, shot, footage, near=near), shot)

        found.append((making, seconds(work)))
    return found[1:]  # the first one opens networks and probes encoders


def time_studio() -> Times:
    """In a running studio: from the photo dropped and the press to the clip in the library, and its score kept."""
    found: Times = []
    with tempfile.TemporaryDirectory(prefix="stir-bench-") as folder, closing(Studio(Settings(Path(folder) / "home"))) as studio:
        studio.start(adopt=False)
        for number in range(clips.RUNS + 1):
            file = clips.unseen(720 + number)
            began = time.perf_counter()
            photo = studio.photos.take_in(file, file.name)
            shot = Shot(photo, crop.find_largest(photo, "16:9"), clips.MOTION, size="720p", seconds=5.0, fps=24)
            job = studio.submit(shot)
            while not isinstance(studio.job(job.id).state, Done):
                time.sleep(0.005)
            making = time.perf_counter() - began
            found.append((making, seconds(lambda job=job: studio.scores.score_clip(job.id))))
    return found[1:]


def time_command() -> Times:
    """From the command line, the process started each time; scored in a process that runs."""
    found: Times = []
    with tempfile.TemporaryDirectory(prefix="stir-bench-") as folder, closing(Studio(Settings(Path(folder) / "home"))) as studio:
        home, out = Path(folder) / "home", Path(folder) / "clip.mp4"
        flags = ("--size", "720p", "--seconds", "5", "--fps", "24", "--move", "dolly in", "--json", "-o", str(out))
        for number in range(3):
            command = [sys.executable, "-m", "studio", "--home", str(home), "animate", str(clips.unseen(740 + number)), *flags]
            making = seconds(lambda command=command: subprocess.run(command, check=True, capture_output=True, cwd=ROOT))
            newest = studio.library.find(limit=1)[0]
            found.append((making, seconds(lambda newest=newest: studio.scores.score_clip(newest.id))))
    return found[1:]


def time_scoring() -> None:
    """How long scoring a 5 s 720p24 clip takes beside making it, of a new photo each time."""
    rows = []
    for title, times in (
        ("engine warm, photo on disk to playable file", time_engine()),
        ("in a running studio, press to library", time_studio()),
        ("`animate`, process started", time_command()),
    ):
        ratio = middle([scored / made for made, scored in times])
        made, scored = (middle([pair[at] for pair in times]) for at in (0, 1))
        rows.append((title, f"{made:.2f} s", f"{scored:.2f} s", verdict(ratio, MOST_TIME)))
    table("Scoring a 5 s 720p24 clip of a new photo", ("made", "making it", "scoring it", "scoring over making"), rows)


def queue_time(scored: bool) -> float:
    """Seconds from the first of four 720p clips in a queue to the last, scored in the background meanwhile or not."""
    with tempfile.TemporaryDirectory(prefix="stir-bench-") as folder, closing(Studio(Settings(Path(folder) / "home"))) as studio:
        photo = studio.photos.take_in(clips.PHOTO, clips.PHOTO.name)
        shot = Shot(photo, crop.find_largest(photo, "16:9"), clips.MOTION, size="720p", seconds=3.0)
        jobs = [studio.submit(replace(shot, seed=seed)) for seed in range(4)]
        studio.start(adopt=scored)
        while studio.queue.list_coming(1) or any(not isinstance(studio.job(job.id).state, Done) for job in jobs):
            time.sleep(0.01)
        made = [studio.library.get(job.id).made_at for job in jobs]
    return made[-1] - made[0]


def time_queue() -> None:
    """What scoring in the background costs the jobs that run meanwhile: in turns, medians of five."""
    times: dict[bool, list[float]] = {False: [], True: []}
    for scored in (False, True, *(False, True, True, False) * 2, False, True):
        times[scored].append(queue_time(scored))
    alone, beside = (middle(times[scored][1:]) for scored in (False, True))  # the first ones warm up
    row = (f"{alone:.2f} s", f"{beside:.2f} s", verdict(beside / alone, MOST_DELAY))
    table("Three 720p clips in a queue, the clip before each scored meanwhile", ("unscored", "scored", "ratio"), [row])


def run() -> None:
    """Print the tables."""
    time_scoring()
    time_queue()
