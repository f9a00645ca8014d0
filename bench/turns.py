"""Two builds in turns, in one run: `python -m bench speed --base BUILD` (or STIR_BENCH_BASE) compares this one with an older one.

Each build is a process of its own, kept warm and told over a pipe what to do (turn.py), so that a busy moment of the machine
falls on both. Times are medians by the wall clock; beside them the ratio of processor time, ffmpeg's counted, which other work
on the machine moves less. A draft's rows are the studio's part; on the page the wait for the desk to settle and the sentence's
answer come before it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from bench import clips
from bench.clips import RUNS, middle, python_path, scratch, table, verdict
from studio.config import ASSETS, ROOT

PHOTOS = tuple(ASSETS / "samples" / f"{name}.jpg" for name in ("fig", "dandelion", "dogs"))
CHOOSING = 2.0
"""Seconds between a photo that is dropped and the first tile that is pressed: as long as it takes to look at them."""

TILES = ("dolly_in", "orbit_right", "truck_left", "orbit_left")
MOST_NEW, MOST_READ, MOST_LARGE, MOST_DRAFT, MOST_PEAK = 0.7, 0.9, 2.2, 0.5, 1.15


class Took(NamedTuple):
    """How long something took: seconds by the wall clock, and of the processor's time."""

    wall: float
    cpu: float


class Build:
    """A build's process."""

    def __init__(self, root: Path, name: str) -> None:
        command = [sys.executable, "-P", str(Path(__file__).with_name("turn.py")), str(scratch(f"{name}-{time.monotonic_ns()}"))]
        place = os.environ | {"PYTHONPATH": python_path(root)}
        self._process = subprocess.Popen(command, cwd=root, env=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(60)

    def do(self, what: str, **how: Any) -> Took:
        """Have it done, and how long it took."""
        return Took(**self.ask(what, **how))

    def ask(self, what: str, **how: Any) -> dict[str, Any]:
        """Have it done, and what it says."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": what, **how}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a build's process has ended; its errors stand above")
        return json.loads(line)


Times = dict[str, list[tuple[Took, Took]]]


def _clip(photo: Path, size: str = "720p") -> dict[str, Any]:
    return {"photo": str(photo), "size": size, "seconds": 5.0, "fps": 24}


def _round(builds: tuple[Build, Build], number: int, times: Times) -> None:
    """Everything once with photos nobody has seen, the builds in turns, which of them begins as well."""

    def both(name: str, what: str, **how: Any) -> None:
        order = builds if number % 2 else builds[::-1]
        took = {build: build.do(what, **how) for build in order}
        times.setdefault(name, []).append((took[builds[0]], took[builds[1]]))
        print(".", end="", file=sys.stderr, flush=True)

    for photo in PHOTOS:
        fresh = clips.unseen(1000 + number, photo)
        both(f"{photo.stem}, a new photo", "clip", **_clip(fresh))
        both(f"{photo.stem}, read before", "clip", **_clip(fresh))
    fresh = clips.unseen(2000 + number, PHOTOS[0])
    both("fig, a new photo at 1080p", "clip", **_clip(fresh, "1080p"))
    both("fig, read before, at 1080p", "clip", **_clip(fresh, "1080p"))
    for photo in PHOTOS[:2]:
        for build in builds:
            build.do("open", photo=str(clips.unseen(3000 + number, photo)))
            time.sleep(CHOOSING)
        both(f"{photo.stem}, the draft after the first tile", "draft", move=TILES[0])
        for move in TILES[1:]:
            both("the draft after another tile", "draft", move=move)


def _shown(times: Times) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, pairs in times.items():
        base, new = (middle([pair[side].wall for pair in pairs]) for side in (0, 1))
        cpu = middle([two.cpu for _, two in pairs]) / middle([one.cpu for one, _ in pairs])
        most = MOST_DRAFT if "draft" in name else MOST_READ if "before" in name else MOST_NEW
        rows.append((name, f"{base:.2f} s", f"{new:.2f} s", verdict(new / base, most), f"{cpu:.2f}"))
    for kind in ("a new photo", "read before"):
        small = f"fig, {kind}"
        large = next(name for name in times if name.startswith(small) and "1080p" in name)
        sides = [middle([p[s].wall for p in times[large]]) / middle([p[s].wall for p in times[small]]) for s in (0, 1)]
        rows.append((f"1080p over 720p, {kind}", f"{sides[0]:.2f}", verdict(sides[1], MOST_LARGE), "", ""))
    return rows


def _peaks(base: Path) -> tuple[str, ...]:
    found: list[float] = []
    for root in (base, ROOT):
        with Build(root, "peak") as build:
            build.do("clip", photo=str(PHOTOS[0]), size="1080p", seconds=3.0, fps=30)
            found.append(build.ask("peak")["peak"] / 2**20)
    ratio = verdict(found[1] / found[0], MOST_PEAK)
    return ("peak memory, a 1080p30 clip in a fresh process", f"{found[0]:.0f} MB", f"{found[1]:.0f} MB", ratio, "")


def run(base: Path, runs: int = RUNS) -> None:
    """Print one table."""
    times: Times = {}
    with Build(base, "base") as older, Build(ROOT, "new") as newer:
        for build in (older, newer):  # warm: networks loaded, encoders probed
            build.do("clip", **_clip(clips.unseen(999)))
            build.do("open", photo=str(clips.unseen(998)))
            build.do("draft", move="pan_left")
        for number in range(runs):
            _round((older, newer), number, times)
    head = ("5 s 720p24, where nothing else is said", "older build", "this build", "of the older's", "of its processor time")
    table(f"Against an older build, in turns, medians of {runs}", head, [*_shown(times), _peaks(base)])
