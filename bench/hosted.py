"""Hosted jobs on the imitation of the services: what a hundred of them cost under random faults, what is lost or paid twice,
how long a press takes until its job is sent, and whether the page's thread or the local queue wait for them.

The imitation runs in a process of its own, so that only Stir's own processor time is counted. The seed of the faults is printed.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.clips import middle, scratch, table, verdict
from studio import presets
from studio.config import ROOT, Settings
from studio.engines import registry
from studio.nouns import Done, Failed, Job, Motion, Queued, Running, Shot, replace
from studio.spending import Spending
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, photograph

MODEL = presets.card("p-video")
JOBS, RATE, SECONDS = 100, 0.08, 60.0
"""Jobs; the share of calls that fault; how long each takes at the imitation."""

MOST_CORE, MOST_PRESS, MOST_SLOWER = 0.02, 0.3, 1.05
PRESSES = 5

SERVER = """
import json, sys, time
from studio.hosted_demo.injected_faults import InjectedFaults
from studio.hosted_demo.stand_in import StandIn
faults = InjectedFaults(rate=float(sys.argv[1]), seed=int(sys.argv[2]))
with StandIn(seconds=float(sys.argv[3]), faults=faults) as made:
    print(json.dumps(made.environment()), flush=True)
    for line in sys.stdin:
        print(json.dumps([json.loads(one.body)["input"]["prompt"] for one in made.list_calls("create")]), flush=True)
"""


class Imitation:
    """The imitation's process."""

    def __init__(self, rate: float, seed: int, seconds: float) -> None:
        command = [sys.executable, "-c", SERVER, str(rate), str(seed), str(seconds)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        os.environ.update(self._read())

    def _read(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())

    def list_sent(self) -> list[str]:
        """The words of each paid request that came in."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End it."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(60)


@contextmanager
def _open(name: str, imitation: Imitation) -> Generator[Studio]:
    settings = Settings(Path(scratch(name)))
    pace = 0.02
    studio = Studio(settings, (CARD, MODEL), lambda card, given: registry.make(card, given) if card.hosted else Gradient(pace))
    assert MODEL.hosted
    studio.spending.agree("replicate", MODEL.hosted.maker)
    try:
        yield studio
    finally:
        studio.close()
        imitation.close()


def _buy(studio: Studio, shot: Shot) -> Job:
    spending: Spending = studio.spending
    return studio.submit(shot, confirmation=spending.confirm([shot], spending.quote([shot])))


def run_hundred(jobs: int = JOBS, rate: float = RATE, seconds: float = SECONDS, seed: int | None = None) -> dict[str, float]:
    """Queue jobs, all at once under way, and wait until each has ended. What it took, and what became of them."""
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    print(f"seed {seed}", file=sys.stderr)
    imitation = Imitation(rate, seed, seconds)
    with _open(f"hundred-{seed}", imitation) as studio:
        studio.models.alter(lambda now: replace(now, hosted_at_once=100))
        photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
        queued = [
            _buy(studio, Shot(photo, motion=Motion(prompt=f"wave {at}"), model=MODEL.id, seconds=1.0, seed=at))
            for at in range(jobs)
        ]
        studio.start()
        while any(isinstance(studio.job(job.id).state, Queued) for job in queued):
            time.sleep(0.2)
        began, cpu = time.monotonic(), time.process_time()
        end = began + 0.6 * seconds  # while they are under way, and none has come back
        while time.monotonic() < end:
            time.sleep(1.0)
        core = (time.process_time() - cpu) / (time.monotonic() - began)
        while any(isinstance(studio.job(job.id).state, Queued | Running) for job in queued):
            time.sleep(0.2)
        states = [studio.job(job.id).state for job in queued]
        sent = imitation.list_sent()
        rows = studio.spending.paid.get_all([job.id for job in queued])
        return {
            "seed": seed, "core": core, "done": sum(isinstance(state, Done) for state in states),
            "told": sum(isinstance(state, Failed) for state in states), "twice": len(sent) - len(set(sent)),
            "lost": sum(not isinstance(state, Done | Failed) for state in states),
            "uncertain": sum(row.state == "uncertain" for row in rows.values()),
        }  # fmt: skip


def time_press() -> list[float]:
    """Seconds from the press until the request leaves, for a photo of 24 megapixels that the page holds."""
    imitation = Imitation(0.0, 0, 0.0)
    with _open("press", imitation) as studio:
        studio.start()
        noise = np.random.default_rng(1).integers(0, 255, (250, 375, 3), dtype=np.uint8)
        file = scratch("large.jpg")
        Image.fromarray(noise).resize((6000, 4000), Image.Resampling.BICUBIC).save(file, quality=92)
        photo = studio.photos.take_in(file, "large.jpg")
        took: list[float] = []
        for seed in range(PRESSES):
            shot = Shot(photo, motion=Motion(prompt="the boat rocks"), model=MODEL.id, seconds=1.0, seed=seed)
            total = studio.spending.quote([shot])
            began = time.time()
            job = studio.submit(shot, confirmation=studio.spending.confirm([shot], total))
            while (row := studio.spending.paid.get(job.id)) is None or row.state == "confirmed":
                time.sleep(0.002)
            took.append(row.at - began)
            while isinstance(studio.job(job.id).state, Queued | Running):
                time.sleep(0.02)
        return took


def time_local(hosted: int) -> float:
    """Seconds of four local clips, with so many hosted jobs under way beside them."""
    imitation = Imitation(0.0, 0, 30.0)
    with _open(f"beside-{time.monotonic_ns()}", imitation) as studio:
        photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
        studio.models.alter(lambda now: replace(now, hosted_at_once=100))
        studio.start()
        paid = [
            _buy(studio, Shot(photo, motion=Motion(prompt=f"wave {at}"), model=MODEL.id, seconds=1.0)) for at in range(hosted)
        ]
        while paid and not all(isinstance(studio.job(job.id).state, Running) for job in paid):
            time.sleep(0.05)
        time.sleep(2.0)
        began = time.monotonic()
        for seed in range(4):
            studio.submit(Shot(photo, model=CARD.id, seconds=2, fps=16, seed=seed))
        while studio.library.count() < 4:
            time.sleep(0.01)
        return time.monotonic() - began


def run() -> None:
    """Print one table."""
    found = run_hundred()
    press = time_press()
    pairs = [(time_local(0), time_local(20)) for _ in range(3)]
    slower = middle([beside / alone for alone, beside in pairs])
    core = f"{verdict(100 * found['core'], 100 * MOST_CORE)} %"
    ends = f"{found['done']:.0f} and {found['told']:.0f}, {found['uncertain']:.0f} of them uncertain"
    rows = [
        (f"{JOBS} jobs under way, {RATE:.0%} of calls fault, seed {found['seed']:.0f}: of a core", core),
        ("of these: clips that arrived, and failures that were said", ends),
        ("lost", verdict(found["lost"], 0)),
        ("requests sent twice", verdict(found["twice"], 0)),
        (f"press until the request leaves, 24 megapixels, median of {PRESSES}", f"{verdict(middle(press), MOST_PRESS)} s"),
        ("four local clips with 20 hosted jobs beside them, over without", verdict(slower, MOST_SLOWER)),
    ]
    table("Hosted jobs, on the imitation of the services", ("", ""), rows)
