"""What a comparison saves, and what it costs: six parallax clips at once against one by one, and three models over two axes.

The six are made by the command line, `compare` against six times `animate`, each in a home of its own and in turns. Scenes are
counted in a studio in this process. The models are the tiny ones with random weights; what comes on top of their single runs is
the comparison itself: its record, its order, and the looking at its cells.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import grown
from bench.clips import PHOTO, middle, table, verdict
from studio.comparison import Axis, Comparison
from studio.config import ROOT, Settings
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.parallax import parallax_engine
from studio.nouns import Done, Failed, Job, Motion, Refusal, Shot, replace
from studio.photo import crop
from studio.presets import card
from studio.studio import Studio

ROUNDS, PARALLAX_MOST, OVERHEAD_MOST = 3, 0.75, 1.03
MODELS = ("wan21_i2v", "ltx_i2v", "cogvideox_i2v")
AMOUNTS, MOVES = ("0.3", "0.6", "0.9"), ("dolly in", "orbit left")
FILM = ("--size", "720p", "--seconds", "5")
MODEL_ROUNDS, STEPS, SEEDS = 5, 50, ("1", "2", "3", "4")


def stir(home: Path, *words: str) -> None:
    """One command, in a process of its own."""
    command = [sys.executable, "-m", "studio", "--home", str(home), *words]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    subprocess.run(command, check=True, cwd=ROOT, env=os.environ, **quiet)  # type: ignore[call-overload]


def together(home: Path) -> None:
    """Six clips as one comparison."""
    axes = ("--axis", f"amount={','.join(AMOUNTS)}", "--axis", f"move={','.join(MOVES)}")
    stir(home, "compare", str(PHOTO), *axes, *FILM)


def one_by_one(home: Path) -> None:
    """The same six, each by a command of its own."""
    for move in MOVES:
        for amount in AMOUNTS:
            stir(home, "animate", str(PHOTO), "--move", move, "--amount", amount, *FILM)


def count_scenes(folder: Path) -> int:
    """How often the scene is read for the six, in one studio."""
    read, count = parallax_engine.read_scene, [0]

    def counted(*given: object, **named: object) -> object:
        count[0] += 1
        return read(*given, **named)  # type: ignore[arg-type]

    parallax_engine.read_scene = counted  # type: ignore[assignment]
    studio = Studio(Settings(folder), (card("parallax"),))
    try:
        shot = Shot(studio.photos.take_in(PHOTO, PHOTO.name), size="720p", seconds=1.0)
        one = studio.comparisons.start(shot, [Axis("amount", AMOUNTS), Axis("move", MOVES)])
        studio.start()
        wait(studio, one)
    finally:
        studio.close()
        parallax_engine.read_scene = read
    return count[0]


def wait(studio: Studio, one: Comparison) -> None:
    """Until every cell is done. Looked at as seldom as the page does, and at the last job in between."""
    while not all(standing.state == "done" for standing in studio.comparisons.stand(one).values()):
        wait_for(studio, max((studio.job(cell.jobs[-1]) for cell in one.cells), key=lambda job: job.place))


def wait_for(studio: Studio, job: Job) -> None:
    """Until a job is done. Raises `Refusal` when it fails."""
    while not isinstance(state := studio.job(job.id).state, Done):
        if isinstance(state, Failed):
            raise Refusal(state.reason, state.remedy)
        time.sleep(0.01)


def parallax() -> None:
    """The first table: processes, scenes, time and ratio."""
    times: dict[str, list[float]] = {"together": [], "one by one": []}
    for _ in range(ROUNDS):
        for name, work in (("together", together), ("one by one", one_by_one)):
            with TemporaryDirectory(prefix="stir-bench-") as folder:
                began = time.perf_counter()
                work(Path(folder))
                times[name].append(time.perf_counter() - began)
            print(".", end="", file=sys.stderr, flush=True)
    with TemporaryDirectory(prefix="stir-bench-") as folder:
        scenes = count_scenes(Path(folder))
    whole, parts = middle(times["together"]), middle(times["one by one"])
    rows = [
        ("six times `animate`", "6", "6", f"{parts:.2f} s", "1"),
        ("one `compare`", "1", str(scenes), f"{whole:.2f} s", verdict(whole / parts, PARALLAX_MOST)),
    ]
    table(
        f"Six parallax clips of 5 s, 720p: three amounts by two moves; medians of {ROUNDS}",
        ("how", "processes", "scenes read", "time", "of one by one"),
        rows,
    )


# Three models ---------------------------------------------------------------------------------------------------------------


def models() -> None:
    """The second table: loads, time together, and the sum of single runs."""
    cards = [grown.small(name) for name in MODELS]
    whole: list[float] = []
    parts: list[float] = []
    loads: list[int] = []
    with TemporaryDirectory(prefix="stir-bench-") as folder, grown.one_thread():
        studio = Studio(Settings(Path(folder)), (card("parallax"), *cards))
        studio.start()
        engine = studio.models.engine(cards[0])
        assert isinstance(engine, DiffusionEngine)
        photo = studio.photos.take_in(PHOTO, PHOTO.name)
        shot = Shot(photo, crop.find_largest(photo, "1:1"), Motion("leaves stir"), cards[0].id, seconds=1.0, steps=STEPS)
        axes = [Axis("seed", SEEDS), Axis("model", tuple(one.id for one in cards))]
        compare(studio, shot, axes, [])  # warm: torch and diffusers are imported, the kernels are there
        for number in range(MODEL_ROUNDS):
            fresh = replace(shot, motion=Motion(f"leaves stir {number}"))
            for work in (compare, run_singly) if number % 2 else (run_singly, compare):
                for one in cards:
                    studio.models.unload(one.id)
                before = engine.manager.loads
                work(studio, fresh, axes, whole if work is compare else parts)
                if work is compare:
                    loads.append(engine.manager.loads - before)
                print(".", end="", file=sys.stderr, flush=True)
        studio.close()
    ratio = middle([one / sum_ for one, sum_ in zip(whole, parts, strict=True)])
    rows = [
        ("single runs, one after the other", "3", f"{middle(parts):.2f} s", "1"),
        ("one comparison", "/".join(map(str, sorted(set(loads)))), f"{middle(whole):.2f} s", verdict(ratio, OVERHEAD_MOST)),
    ]
    table(
        f"Three tiny models by {len(SEEDS)} seeds, {STEPS} steps, the seed as the first axis; medians of {MODEL_ROUNDS}",
        ("how", "models loaded", "time", "of the sum"),
        rows,
    )


def compare(studio: Studio, shot: Shot, axes: list[Axis], times: list[float]) -> None:
    """Make the six as one comparison, and note how long it took."""
    began = time.perf_counter()
    wait(studio, studio.comparisons.start(shot, axes))
    times.append(time.perf_counter() - began)


def run_singly(studio: Studio, shot: Shot, axes: list[Axis], times: list[float]) -> None:
    """Make the six one after the other, model by model, each submitted when the one before is done; the sum of their times."""
    total = 0.0
    for model in axes[1].values:
        for seed in axes[0].values:
            wanted = replace(shot, model=model, seed=int(seed), steps=STEPS)
            began = time.perf_counter()
            wait_for(studio, studio.submit(wanted))
            total += time.perf_counter() - began
    times.append(total)


def run() -> None:
    """Print both tables."""
    print("\n## Side by side")
    parallax()
    models()
