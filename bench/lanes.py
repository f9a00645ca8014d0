"""Several lanes: two pretended GPUs against one, and how often a model is loaded.

The GPUs sleep as a real one keeps its processor waiting: what is measured is the queue, not a model.
"""

from __future__ import annotations

import time
from pathlib import Path

from bench.clips import scratch, table
from studio.config import Settings
from studio.engines.base import Engine
from studio.nouns import Shot
from studio.studio import Studio
from tests.fakes.gpus import Gpu, join
from tests.fakes.gradient import CARD, Gradient, photograph
from tests.fakes.shelf import CARDS, OTHER, READY

JOBS, PACE, LEAST = 8, 0.3, 1.9
"""Jobs of each of two models; seconds a step, of six, and a piece of a load, of four."""


def _time(engine: Engine, name: str) -> float:
    """Seconds that `JOBS` jobs of each model take, queued in turns."""
    settings = Settings(Path(scratch(name)))
    studio = Studio(settings, (CARD, *CARDS), lambda card, given: engine if card.engine == "diffusion" else Gradient())
    photo = studio.photos.take_in(photograph(settings.home), "harbour.jpg")
    for seed in range(JOBS):
        for model in (READY.id, OTHER.id):
            studio.submit(Shot(photo, model=model, seconds=1, fps=16, seed=seed))
    began = time.monotonic()
    studio.start()
    while studio.library.count() < 2 * JOBS:
        time.sleep(0.01)
    took = time.monotonic() - began
    studio.close()
    return took


def run() -> None:
    """Print one table."""
    one, two = Gpu(PACE), (Gpu(PACE), Gpu(PACE))
    alone = _time(one, "one-gpu")
    both = _time(join(*two), "two-gpus")
    rows = [
        (f"{2 * JOBS} jobs of two models", f"{alone:.1f} s", f"{both:.1f} s", f"{alone / both:.2f} (at least {LEAST})"),
        ("loads of a model", str(len(one.loads)), str(sum(len(gpu.loads) for gpu in two)), ""),
    ]
    table("Lanes, with GPUs that are pretended", ("", "one", "two", "times as fast"), rows)
