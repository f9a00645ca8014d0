"""Two builds of Stir on the same photos: what of their frames has no likeness in the photo, and how far the subject moves.

python -m bench coherence [NAME ...] [--base PATH] [--keep DIR] [--save DIR] [--amount 0.6] [--size 720p]

NAME    photos by name, or files; "tuned", "held" or "hard" for those of bench/photos/hard.toml; all of them without one
--base  an older build's folder, whose own code films the same photos for comparison (or STIR_BENCH_BASE)
--keep  remember the older build's figures here, and take them from here the next time
--save  write the worst frame of every photo and move here, what has no likeness in magenta
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from bench import coherence, hard
from bench.album import pictures, read
from bench.clips import python_path, table
from studio.config import ROOT

Image = NDArray[np.uint8]

MOVES = ("orbit_left", "truck_right")
FLOOR = "zoom_in"
"""It moves no layer against another. Its first frame is the floor; its last is nearer than the scales that are looked at."""

TOGETHER = 6
"""Photos filmed by one process while those before are measured."""

RING = 0.12
"""Of the long side: as far around a subject its background is looked at."""


class Taken(NamedTuple):
    """One move of one photo by one build.

    excess: per mille, the worst of first and last frame; shift: how far the subject went against its background between them, in
    pixels of the frame, nan where there is too little texture to tell.
    """

    excess: float
    shift: float


Figures = dict[str, Taken]


def measure(file: str, frames: str, save: str = "") -> Figures:
    """What a build made of a photo. file: its PNG; frames: the .npz that bench/film.py wrote of it."""
    cv2.setNumThreads(1)
    filmed, image = np.load(frames), cv2.cvtColor(cv2.imread(file), cv2.COLOR_BGR2RGB)
    height, width = filmed[FLOOR].shape[1:3]
    photo = coherence.prepare(image, width, height)
    floor = coherence.excess(filmed[FLOOR][0], photo)
    figures = {FLOOR: Taken(floor, 0.0)}
    for move in MOVES:
        first, _, last = filmed[move]
        found = [coherence.strangers(frame, photo) for frame in (first, last)]
        worst = int(np.argmax([one.mean() for one in found]))
        figures[move] = Taken(1000 * float(found[worst].mean()), parallax(image, first, last, filmed["subject"]))
        if save:
            shown = np.vstack([coherence.marked((first, last)[worst], found[worst]), (first, last)[worst]])
            cv2.imwrite(f"{save}/{Path(file).stem}-{move}.png", cv2.cvtColor(shown, cv2.COLOR_RGB2BGR))
    return figures


def parallax(image: Image, first: Image, last: Image, subject: Image) -> float:
    """How far a subject goes against its background between two frames, in pixels; nan where there is nothing to hold on to.

    Corners of the photo (Shi and Tomasi 1994) are followed into both frames (Lucas and Kanade, pyramidal) and back; those that
    come back count, and the medians inside the subject and in a ring around it are compared. subject: (h, w) 0..255.
    """
    height, width = first.shape[:2]
    photo = cv2.cvtColor(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    mask = cv2.resize(subject, (width, height))
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    inside, near = cv2.erode((mask > 230).astype(np.uint8), reach), cv2.dilate((mask > 20).astype(np.uint8), reach)
    around = ((cv2.distanceTransform(1 - near, cv2.DIST_L2, 3) < RING * max(height, width)) & (near == 0)).astype(np.uint8)
    went = [_went(photo, (first, last), where) for where in (inside, around)]
    if any(len(one) < 12 for one in went):
        return float("nan")
    return float(np.linalg.norm(np.median(went[0], 0) - np.median(went[1], 0)))


def _went(photo: Image, frames: tuple[Image, Image], where: Image) -> NDArray[np.float64]:
    """From the first frame to the last, the ways of those corners of a photo that are followed with certainty: (N, 2) pixels."""
    points = cv2.goodFeaturesToTrack(photo, 300, 0.01, 6, mask=255 * where)
    if points is None:
        return np.zeros((0, 2))
    places, sure = [], np.ones(len(points), np.bool_)
    for frame in frames:
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        there, found, _ = cv2.calcOpticalFlowPyrLK(photo, grey, points, None, winSize=(25, 25), maxLevel=4)  # type: ignore[call-overload]
        back, returned, _ = cv2.calcOpticalFlowPyrLK(grey, photo, there, None, winSize=(25, 25), maxLevel=4)  # type: ignore[call-overload]
        sure &= (found[:, 0] > 0) & (returned[:, 0] > 0) & (np.abs(back - points).max((1, 2)) < 1)
        places.append(there[:, 0].astype(np.float64))
    return np.asarray(places[1] - places[0])[sure]


def film(build: Path, to: Path, photos: list[Path], size: str, amount: float) -> None:
    """Film photos with a build's own code."""
    to.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("film.py")
    moves = ",".join((FLOOR, *MOVES))
    command = [sys.executable, "-P", str(script), str(to), size, str(amount), moves, *map(str, photos)]
    subprocess.run(command, check=True, cwd=build, env=os.environ | {"PYTHONPATH": python_path(build)}, stdin=subprocess.DEVNULL)


def gather(names: list[str], to: Path) -> dict[str, Path]:
    """The chosen pictures by name, written as PNG: the shipped and well-known ones, the hard ones, and files."""
    difficult = hard.photos()
    known = pictures() | {name: lambda one=one: read(one.file) for name, one in difficult.items()}
    known["motorcycle"] = lambda: skimage.data.stereo_motorcycle()[0]
    groups = {
        "hard": list(difficult),
        "held": [name for name, one in difficult.items() if one.held_out],
        "tuned": [name for name in known if name not in difficult or not difficult[name].held_out],
    }
    found: dict[str, Path] = {}
    for name in [one for asked in names or known for one in groups.get(asked, [asked])]:
        image = known[name]() if name in known else read(Path(name))
        found[Path(name).stem] = to / f"{Path(name).stem}.png"
        cv2.imwrite(str(found[Path(name).stem]), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return found


def _kept(folder: Path | None, file: Path, build: Path, asked: argparse.Namespace) -> Path | None:
    """Where an older build's figures of a photo are remembered: as long as the measure is the same."""
    if not folder:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    said = f"{build.resolve()} {asked.size} {asked.amount}".encode() + file.read_bytes() + Path(coherence.__file__).read_bytes()
    return folder / f"{file.stem}-{hashlib.blake2b(said, digest_size=6).hexdigest()}.json"


def compared(photos: dict[str, Path], base: Path | None, asked: argparse.Namespace, folder: Path) -> dict[str, list[Figures]]:
    """Figures of this build, and of the older one where there is one, by photo."""
    found: dict[str, list[Figures]] = {name: [] for name in photos}
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for build in [ROOT] + ([base] if base else []):
            kept = {name: _kept(None if build == ROOT else asked.keep, file, build, asked) for name, file in photos.items()}
            missing = [name for name, memory in kept.items() if not memory or not memory.exists()]
            waiting: dict[str, Future[Figures]] = {}
            for first in range(0, len(missing), TOGETHER):
                names = missing[first : first + TOGETHER]
                print(f"Filming {', '.join(names)} with {build.name} …", file=sys.stderr, flush=True)
                to = folder / ("new" if build == ROOT else "base")
                film(build, to, [photos[name] for name in names], asked.size, asked.amount)
                save = asked.save if build == ROOT else ""
                waiting |= {name: pool.submit(measure, str(photos[name]), str(to / f"{name}.npz"), save) for name in names}
            for name, memory in kept.items():
                if name in waiting and memory:
                    memory.write_text(json.dumps(waiting[name].result()))
                figures = waiting[name].result() if name in waiting else json.loads(str(memory and memory.read_text()))
                found[name].append({move: Taken(*taken) for move, taken in figures.items()})
    return found


def over(figures: Figures, move: str) -> float:
    """What a move adds to the floor, per mille."""
    return max(0.0, figures[move].excess - figures[FLOOR].excess)


def lines(found: dict[str, list[Figures]]) -> list[tuple[str, ...]]:
    """The rows of the table: new (and base) excess over the floor for every move, and the ratio of the subject's shifts."""
    rows = []
    for name, builds in found.items():
        cells = [name, " / ".join(f"{one[FLOOR].excess:.2f}" for one in builds)]
        cells += [" / ".join(f"{over(one, move):.2f}" for one in builds) for move in MOVES]
        shifts = [" / ".join(f"{one[move].shift:.1f}" for one in builds) for move in MOVES]
        rows.append((*cells, *shifts))
    held = {name for name, one in hard.photos().items() if one.held_out}
    for title, part in (("tuned on", found.keys() - held), ("held out", found.keys() & held), ("all", found.keys())):
        sums = [[sum(over(found[name][which], move) for name in part) for which in range(_builds(found))] for move in MOVES]
        rows.append((f"sum, {title}: {len(part)}", "", *(" / ".join(f"{one:.1f}" for one in move) for move in sums), "", ""))
    return rows


def _builds(found: dict[str, list[Figures]]) -> int:
    return min(map(len, found.values()))


def verdicts(found: dict[str, list[Figures]]) -> None:
    """Say how this build stands against the older one."""
    new, old = (sum(over(one[which], move) for one in found.values() for move in MOVES) for which in (0, 1))
    print(f"\nExcess over the floor: {new:.1f} against {old:.1f} per mille, {new / max(old, 1e-9):.2f} of it (0.2 wanted).")
    worse = [
        f"{name} {move} {over(b[0], move):.2f} against {over(b[1], move):.2f}"
        for name, b in found.items()
        for move in MOVES
        if over(b[0], move) > over(b[1], move) + 0.1
    ]
    print("Worse than before: " + ("; ".join(worse) or "none") + ".")
    ratios = {(n, m): b[0][m].shift / b[1][m].shift for n, b in found.items() for m in MOVES if b[1][m].shift > 2}
    flat = [f"{name} {move} {ratio:.2f}" for (name, move), ratio in ratios.items() if ratio < 0.7]
    print("The subject's shift is below 0.7 of before: " + ("; ".join(flat) or "nowhere") + ".")


def main(arguments: list[str]) -> None:
    """Compare and print; see the module's docstring for the arguments."""
    parser = argparse.ArgumentParser(prog="python -m bench coherence", description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--base", type=Path, default=os.environ.get("STIR_BENCH_BASE") and Path(os.environ["STIR_BENCH_BASE"]))
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--save", default="")
    parser.add_argument("--amount", type=float, default=0.6)
    parser.add_argument("--size", default="720p")
    asked = parser.parse_args(arguments)
    if asked.save:
        Path(asked.save).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="stir-bench-") as folder:
        found = compared(gather(asked.names, Path(folder)), asked.base, asked, Path(folder))
    head = ("photo", "floor (zoom)", *MOVES, *(f"shift {move}, px" for move in MOVES))
    beside = " (this build / the older one)" if asked.base else ""
    table(
        f"Likeness, {asked.size}, amount {asked.amount:g}: per mille without a likeness, over the floor{beside}",
        head,
        lines(found),
    )
    if asked.base:
        verdicts(found)
