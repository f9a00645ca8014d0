"""How a looped file closes: the step from its last frame to its first beside its largest one, and what that costs.

python -m bench seam --base BUILD sets an older build's files beside this one's, made in the same run. Every build paints its own
frames and encodes them; steps are mean absolute differences of brightness, in grey levels.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench import frame_measures
from bench.album import pictures
from bench.clips import middle, scratch, table, verdict
from bench.steady import FORMATS, Still, luma, make, shot, stills
from studio.config import ROOT
from studio.nouns import Camera, Effect, Format, Move

MOST_SEAM, MOST_BYTES, MOST_TIME = 1.0, 1.1, 1.1


class Figures(NamedTuple):
    """One looped file: its seam over its largest step, and the painted frames' own; the seam in grey levels; PSNR to the painted
    frames in dB; bytes, and seconds of processor time to encode it."""

    ratio: float
    own: float
    seam: float
    likeness: float
    bytes: int
    seconds: float


def loops() -> Iterator[Still]:
    """Loops in which much moves, then those in which hardly anything does."""
    named = pictures()
    yield Still("fig, dolly", named["fig"], Camera((Move("dolly_in", 0.3),), loop=True))
    yield Still("stream, orbit", named["stream"], Camera((Move("orbit_left", 0.4),), loop=True))
    yield Still("dogs, truck, grain", named["dogs"], Camera((Move("truck_left", 0.3),), loop=True), (Effect("grain", 0.3),))
    yield from (still for still in stills() if still.camera.loop)


def figures(still: Still, root: Path, home: Path) -> dict[Format, Figures]:
    """The figures of one loop by one build, by format."""
    image = still.picture()
    made = make(image, shot(image, still), root, home)
    source = list(np.load(home / "source.npy"))
    own = frame_measures.steps(source)
    found: dict[Format, Figures] = {}
    for kind in FORMATS:
        file = Path(made[kind]["file"])
        seen = luma(file)
        steps = frame_measures.steps(seen)
        likeness = float(np.mean([frame_measures.psnr(one, other) for one, other in zip(seen, source, strict=True)]))
        spent = middle(made[kind]["seconds"])
        ratios = (float(all_of[0] / all_of[1:].max()) for all_of in (steps, own))
        found[kind] = Figures(*ratios, float(steps[0]), likeness, file.stat().st_size, spent)
    return found


def _row(name: str, one: Figures, before: Figures | None) -> tuple[str, ...]:
    words = (name, f"{one.own:.2f}", f"{one.ratio:.2f}", f"{one.seam:.2f}", f"{one.likeness:.1f} dB")
    if before is None:
        return words
    sizes = f"{one.bytes / before.bytes:.2f}", f"{one.seconds / before.seconds:.2f}"
    return (*words, f"{before.ratio:.2f}", f"{before.seam:.2f}", f"{one.likeness - before.likeness:+.1f} dB", *sizes)


def run() -> None:
    """Print a table for each format. STIR_BENCH_PHOTOS names some of the pictures, to be quick."""
    chosen, base = os.environ.get("STIR_BENCH_PHOTOS", "").split(), os.environ.get("STIR_BENCH_BASE")
    found: dict[str, tuple[dict[Format, Figures], dict[Format, Figures] | None]] = {}
    for still in loops():
        if not chosen or still.name.split()[0].strip(",") in chosen:
            print(f"Looking at {still.name} …", file=sys.stderr, flush=True)
            before = figures(still, Path(base), scratch("before")) if base else None
            found[still.name] = (figures(still, ROOT, scratch("new")), before)
    head = ("loop", "the frames' own", "seam / largest step", "seam", "likeness")
    if base:
        head = (*head, "seam / largest, before", "seam, before", "likeness over before", "bytes / before", "time / before")
    for kind in FORMATS:
        rows = [_row(name, new[kind], before and before[kind]) for name, (new, before) in found.items()]
        table(f"The seam of looped files, {kind}, 720p24, 5 s", head, rows)
        closed = sum(new[kind].ratio <= MOST_SEAM for new, _ in found.values())
        print(f"\n{closed} of {len(found)} close with no more than their largest step.")
        pairs = [(new[kind], before[kind]) for new, before in found.values() if before]
        if pairs:
            size = sum(new.bytes for new, _ in pairs) / sum(one.bytes for _, one in pairs)
            time = sum(new.seconds for new, _ in pairs) / sum(one.seconds for _, one in pairs)
            print(f"Bytes {verdict(size, MOST_BYTES)}, time {verdict(time, MOST_TIME)} of before.")
