"""Workers on Ray: what they cost beside the local worker, what a second one brings, and that killed ones lose nothing.

A real cluster of nodes on this machine. GPUs are pretended: they sleep as a real one keeps its processor waiting. Give
`--only NAME` and `--seed N` by STIR_FARM_ONLY (overhead, two, dispatch, kills, head) and STIR_FARM_SEED.
"""

from __future__ import annotations

import os
import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, contextmanager
from pathlib import Path

from bench.clips import MOTION, PHOTO, scratch, table
from studio import presets
from studio.cards import ModelCard
from studio.config import Settings
from studio.engines import registry
from studio.engines.base import Engine
from studio.nouns import Done, Photo, Queued, Running, Shot
from studio.photo.crop import find_largest
from studio.studio import Studio
from studio.ui.queue_snapshot import take_snapshot
from tests.fakes import farm_engines, tiny, tiny_cards
from tests.fakes.gradient import CARD, photograph
from tests.fakes.ray_nodes import Nodes
from tests.fakes.shelf import CARDS, OTHER, READY

Make = Callable[[ModelCard, Settings], Engine]
JOBS, MOST = 24, 1.05
TWICE, PACE, LEAST = 12, 0.3, 1.9
"""Jobs of each of two models for two workers; seconds a step."""

WAITING, PAGE_CALLS = 2000, 40
PARALLAX, DENOISED, MODELS = 40, 12, ("wan22_ti2v_5b", "ltx_i2v", "svd")
KILLS = 12


def _open(name: str, cards: tuple[ModelCard, ...], make: Make, nodes: Nodes | None = None) -> Studio:
    home = Path(scratch(name))
    return Studio(Settings(home, ray=str(nodes.address) if nodes else ""), cards, make)


@contextmanager
def _cluster(name: str):  # noqa: ANN202
    with closing(Nodes(Path(scratch(name)))) as nodes:
        nodes.home.mkdir(parents=True, exist_ok=True)
        yield nodes


def _wait(studio: Studio, count: int) -> None:
    while studio.library.count() < count:
        time.sleep(0.005)


def _is_ready(studio: Studio, count: int) -> bool:
    return studio.farm is not None and sum(row.state == "idle" for row in studio.farm.list_workers()) == count


def _make_ready(studio: Studio, workers: int) -> None:
    studio.start()
    while workers and not _is_ready(studio, workers):
        time.sleep(0.02)


# The same jobs on one Ray worker and by the local one -----------------------------------------------------------------


def _time_jobs(studio: Studio, workers: int) -> float:
    """Seconds that `JOBS` clips of the built-in engine take, after a first one."""
    with closing(studio):
        photo = studio.photos.take_in(PHOTO, "fig.jpg")
        shot = Shot(photo, find_largest(photo, "1:1"), MOTION, size="360p", seconds=2, fps=24)
        _make_ready(studio, workers)
        studio.submit(shot)
        _wait(studio, 1)
        began = time.monotonic()
        studio.submit_each(tuple(_reseed(shot, seed) for seed in range(1, 1 + JOBS)))
        _wait(studio, 1 + JOBS)
        return time.monotonic() - began


def _reseed(shot: Shot, seed: int) -> Shot:
    import msgspec

    return msgspec.structs.replace(shot, seed=seed)


def measure_overhead() -> None:
    """One table: three times each, in turns."""
    cards = (presets.card("parallax"),)
    local: list[float] = []
    remote: list[float] = []
    with _cluster("overhead") as nodes:
        nodes.add("one", cores=os.cpu_count() or 1)
        for run in range(3):
            local.append(_time_jobs(_open(f"local-{run}", cards, registry.make), 0))
            remote.append(_time_jobs(_open(f"remote-{run}", cards, registry.make, nodes), 1))
    here, there = statistics.median(local), statistics.median(remote)
    rows = [(f"{JOBS} clips, 360p, 2 s", f"{here:.2f} s", f"{there:.2f} s", f"{there / here:.3f} (at most {MOST})")]
    table("One Ray worker beside the local worker, medians of three", ("", "local", "on Ray", "of the time"), rows)


# Two workers against one ----------------------------------------------------------------------------------------------


def _time_pretended(nodes: Nodes, workers: int) -> float:
    with closing(_open(f"pretended-{workers}", (CARD, *CARDS), farm_engines.make, nodes)) as studio:
        photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
        _make_ready(studio, workers)
        began = time.monotonic()
        for seed in range(TWICE):
            for model in (READY.id, OTHER.id):
                studio.submit(Shot(photo, model=model, seconds=1, fps=16, seed=seed))
        _wait(studio, 2 * TWICE)
        return time.monotonic() - began


def measure_two() -> None:
    """One table."""
    with _cluster("two") as nodes:
        nodes.add("one", pace=PACE)
        alone = _time_pretended(nodes, 1)
        before = len(nodes.read_loads())
        nodes.add("two", pace=PACE)
        both = _time_pretended(nodes, 2)
        loads = len(nodes.read_loads()) - before
    rows = [
        (f"{2 * TWICE} jobs of two models", f"{alone:.1f} s", f"{both:.1f} s", f"{alone / both:.2f} (at least {LEAST})"),
        ("loads of a model", str(before), str(loads), ""),
    ]
    table("Workers on Ray, with GPUs that are pretended", ("", "one", "two", "times as fast"), rows)


# A long queue ---------------------------------------------------------------------------------------------------------


def _time_page(studio: Studio) -> float:
    """Milliseconds that the page's look at the queue takes, the median."""
    took: list[float] = []
    for _ in range(PAGE_CALLS):
        began = time.monotonic()
        take_snapshot(studio)
        took.append(time.monotonic() - began)
        time.sleep(0.05)
    return 1000 * statistics.median(took)


def _time_busy(studio: Studio) -> tuple[float, float]:
    """Milliseconds of the page's look while jobs are done, and clips a second."""
    count, began = studio.library.count(), time.monotonic()
    busy = _time_page(studio)
    return busy, (studio.library.count() - count) / (time.monotonic() - began)


def measure_dispatch() -> None:
    """One table: the page's calls and the time between two jobs, with 2,000 jobs waiting and with few."""
    with _cluster("dispatch") as nodes:
        nodes.add("one", pace=0.0)
        nodes.add("two", pace=0.0)
        with closing(_open("dispatch-studio", (CARD, *CARDS), farm_engines.make, nodes)) as studio:
            photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
            shots = tuple(Shot(photo, model=CARD.id, seconds=1, fps=8, size="240p", seed=seed) for seed in range(WAITING))
            studio.queue.submit_all(shots)
            still = _time_page(studio)
            _make_ready(studio, 0)
            _wait(studio, 20)
            busy, pace = _time_busy(studio)
        with closing(_open("dispatch-local", (CARD, *CARDS), farm_engines.make)) as studio:
            studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
            studio.queue.submit_all(shots)
            studio.start()
            _wait(studio, 20)
            local, local_pace = _time_busy(studio)
        with closing(_open("dispatch-short", (CARD, *CARDS), farm_engines.make, nodes)) as studio:
            photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
            _make_ready(studio, 2)
            began = time.monotonic()
            studio.queue.submit_all(tuple(_reseed(shots[0], seed) for seed in range(60)))
            _wait(studio, 60)
            short = 60 / (time.monotonic() - began)
    rows = [
        ("the page's look at the queue, ms", f"{still:.0f}", f"{local:.0f}", f"{busy:.0f}", f"{busy / local:.2f}"),
        ("clips a second", "", f"{local_pace:.1f}", f"{pace:.1f}", f"{pace / local_pace:.2f}"),
        ("clips a second with 60 waiting", "", "", f"{short:.1f}", ""),
    ]
    heads = ("", "nobody at work", "local worker", "two on Ray", "Ray to local")
    table(f"{WAITING:,} jobs waiting, of a pretended model that takes no time", heads, rows)


# Killed at random -----------------------------------------------------------------------------------------------------


def _make_cards(folder: Path) -> tuple[ModelCard, ...]:
    return (presets.card("parallax"), *(tiny_cards.card(name, tiny.build(name, folder)) for name in MODELS))


def _list_shots(photo: Photo, cards: tuple[ModelCard, ...]) -> list[Shot]:
    shot = Shot(photo, find_largest(photo, "1:1"), MOTION, size="480p", seconds=4, fps=24)
    shots = [_reseed(shot, seed) for seed in range(PARALLAX)]
    for at in range(DENOISED):
        card = cards[1 + at % len(MODELS)]
        shots.append(Shot(photo, find_largest(photo, "1:1"), MOTION, card.id, seconds=1, fps=card.fps[0], seed=at))
    return shots


def measure_kills() -> None:
    """One table: whole nodes are killed at random while 52 jobs are made, and begun again."""
    seed = int(os.environ.get("STIR_FARM_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
    print(f"seed {seed}", flush=True)
    chance, kills, coming = random.Random(seed), 0, list[threading.Thread]()
    with _cluster("kills") as nodes:
        cards = _make_cards(nodes.home)
        head = nodes.add("head")
        names = {nodes.add(f"node {at}"): f"node {at}" for at in range(3)}
        with closing(_open("kills-studio", cards, farm_engines.make_real, nodes)) as studio:
            shots = _list_shots(studio.photos.take_in(PHOTO, "fig.jpg"), cards)
            chance.shuffle(shots)
            jobs = studio.queue.submit_all(tuple(shots))
            began = time.monotonic()
            studio.start()
            while any(isinstance(job.state, Queued | Running) for job in studio.queue.get_all([one.id for one in jobs]).values()):
                time.sleep(chance.uniform(0.5, 3.0))
                victims = [node for node in nodes.nodes if node is not head]
                if kills < KILLS and victims and len(studio.farm.running if studio.farm else ()) > 1:
                    victim = chance.choice(victims)
                    nodes.kill(victim)
                    kills += 1
                    print(f"{time.monotonic() - began:6.1f} s  killed {names[victim]}, {studio.library.count()} done", flush=True)
                    again = threading.Thread(target=lambda name=names[victim]: names.update({nodes.add(name): name}))
                    again.start()
                    coming.append(again)
            took = time.monotonic() - began
            for again in coming:
                again.join()
            rows = _count_clips(studio, [job.id for job in jobs], nodes)
    table(f"{len(jobs)} jobs, {kills} kills of a node, seed {seed}, {took:.0f} s", ("", "", "wanted"), rows)


def measure_head() -> None:
    """One table: the head of the cluster is killed, and with it everything; the studio begins another one."""
    import psutil

    with _cluster("head") as nodes, closing(_open("head-studio", (CARD, *CARDS), farm_engines.make, nodes)) as studio:
        photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
        studio.start()
        jobs = studio.queue.submit_all(tuple(Shot(photo, model=CARD.id, seconds=4, fps=24, seed=one) for one in range(20)))
        _wait(studio, 5)
        heads = [one for one in psutil.process_iter(["name", "cmdline"]) if one.info["name"] == "gcs_server"]
        next(one for one in heads if str(nodes.address.port) in " ".join(one.info["cmdline"])).kill()
        killed = time.monotonic()
        _wait(studio, len(jobs))
        rows = _count_clips(studio, [job.id for job in jobs], nodes)[:4]
    table(
        f"The head killed while {len(jobs)} jobs are made: all done {time.monotonic() - killed:.0f} s later",
        ("", "", "wanted"),
        rows,
    )


def _count_clips(studio: Studio, jobs: list[str], nodes: Nodes) -> list[tuple[str, str, str]]:
    states = studio.queue.get_all(jobs)
    done = [job for job in jobs if isinstance(states[job].state, Done)]
    clips = studio.library.find(limit=1000)
    files = {file.name for file in studio.settings.clips.iterdir()}
    wanted = {name for clip in clips for name in (clip.file, clip.poster, f"{clip.id}.json")}
    whole = sum((studio.settings.clips / clip.file).stat().st_size == clip.bytes for clip in clips)
    log = (studio.settings.home / "logs" / "stir.log").read_text("utf-8")
    loads = Counter(nodes.read_loads())
    return [
        ("lost", str(len(jobs) - len(done)), "0"),
        ("doubled", str(len(clips) - len({clip.id for clip in clips}) + studio.library.count() - len(done)), "0"),
        ("half written, or left over", str(len(clips) - whole + len(files ^ wanted)), "0"),
        ("attempts at them", str(log.count(", on worker ")), ""),
        ("loads of a model by one worker, the most", str(max(loads.values(), default=0)), "1"),
        ("workers that loaded one, and loads", f"{len({line.split()[0] for line in loads})}, {loads.total()}", ""),
    ]


def run() -> None:
    """Print the tables."""
    only = os.environ.get("STIR_FARM_ONLY", "")
    parts = {
        "overhead": measure_overhead,
        "two": measure_two,
        "dispatch": measure_dispatch,
        "kills": measure_kills,
        "head": measure_head,
    }
    for name, measure in parts.items():
        if only in ("", name):
            measure()
