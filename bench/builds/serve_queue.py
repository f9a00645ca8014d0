"""A page over a queue of small clips, of whichever build is on the path: HOME PORT CLIPS.

It says "ready" once the page answers and its jobs wait, begins them when a line comes, and prints as JSON how many seconds
they took, by the clock and of the processor in this process and what it started.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from studio.config import ASSETS, Settings
from studio.nouns import Camera, Motion, Move, Shot
from studio.photo.crop import find_largest
from studio.studio import Studio
from studio.ui.page import build, launch_options


def count_waiting(studio: Studio) -> int:
    """Jobs that have not ended."""
    return sum(type(job.state).__name__ in ("Queued", "Running") for job in studio.queue.jobs())


def main(home: Path, port: int, clips: int) -> None:
    """Serve, wait for the word, do the jobs, and say how long that took."""
    studio = Studio(Settings(home, port=port))
    photo = studio.photos.take_in(ASSETS / "samples" / "dandelion.jpg", "dandelion.jpg")
    crop = find_largest(photo, "16:9")
    motion = Motion(camera=Camera((Move("dolly_in", 0.5),)))
    for seed in range(clips):
        studio.submit(Shot(photo, crop, motion, size="480p", seconds=3.0, fps=24, seed=seed))
    page = build(studio)
    page.launch(prevent_thread_lock=True, **launch_options(studio))
    print("ready", flush=True)
    sys.stdin.readline()
    began, used = time.perf_counter(), os.times()
    studio.start(score=False)
    while count_waiting(studio):
        time.sleep(0.05)
    took, now = time.perf_counter() - began, os.times()
    cpu = sum(now[:4]) - sum(used[:4])
    print(json.dumps({"seconds": took, "cpu": cpu, "failed": clips - studio.library.count()}), flush=True)
    page.close(verbose=False)
    studio.close()


main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
