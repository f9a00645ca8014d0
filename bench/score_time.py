"""What a score costs: scoring a clip beside making it, and the jobs that run while clips are scored in the background."""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import clips
from bench.clips import middle, seconds, table, verdict
from studio.clip.clip_reader import read_footage
from studio.config import Settings
from studio.nouns import Done, Shot, replace
from studio.photo import crop
from studio.score.reference import make_reference
from studio.score.scoring import score_footage
from studio.studio import Studio

Image = NDArray[np.uint8]

MOST_TIME, MOST_DELAY = 0.15, 1.05


def time_scoring() -> None:
    """How long scoring a 5 s 720p24 clip takes beside making it: a new photo each time, in turns, medians of five."""
    made, scored = [], []
    for number in range(clips.RUNS + 1):
        photo = clips.unseen(700 + number)
        shot, image = clips.shot_of(photo, "720p", 5.0, 24)
        making = seconds(lambda photo=photo: clips.make(photo, "720p", 5.0, 24))
        near = clips.read_depth(image, shot)

        def work(image: Image = image, shot: Shot = shot, near: NDArray[np.float32] = near) -> None:
            footage = read_footage(clips.scratch("clip.mp4"), trusted=True)
            score_footage(footage, make_reference(image, shot, footage, near=near), shot)

        scoring = seconds(work)
        if number:  # the first one opens networks and probes encoders
            made.append(making)
            scored.append(scoring)
    ratio = middle([one / other for one, other in zip(scored, made, strict=True)])
    row = (f"{middle(made):.2f} s", f"{middle(scored):.2f} s", verdict(ratio, MOST_TIME))
    table("Scoring a 5 s 720p24 clip of a new photo, engine warm", ("making it", "scoring it", "scoring over making"), [row])


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
    """What scoring in the background costs the jobs that run meanwhile: in turns, medians of three."""
    times = {scored: [queue_time(scored) for _ in range(1)] for scored in (False, True)}  # warm
    for scored in (False, True, True, False, False, True):
        times[scored].append(queue_time(scored))
    alone, beside = (middle(times[scored][1:]) for scored in (False, True))
    row = (f"{alone:.2f} s", f"{beside:.2f} s", verdict(beside / alone, MOST_DELAY))
    table("Three 720p clips in a queue, the clip before each scored meanwhile", ("unscored", "scored", "ratio"), [row])


def run() -> None:
    """Print the tables."""
    time_scoring()
    time_queue()
