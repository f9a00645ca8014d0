"""The score of clips on a labelled set: good clips that were damaged in known ways, and good ones left as they are.

Parallax clips of eighteen photos at 360 lines, each damaged in eleven ways at two strengths (bench/damage_kinds.py); the limits
were set on twelve of the photos, six were kept out and are counted apart. A hundred clean clips of forty-two photos, of every
move and effect, in several sizes, shapes and lengths. Clips are kept in a folder of the temp directory, named by what made them.

STIR_BENCH_PHOTOS names some of the photos, to be quick; `all` in it names every miss.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import get_args

from bench.clips import table
from bench.damage_clips import Case, Image, album, film, score, share, take, write
from bench.damage_kinds import DAMAGES, Film, open_seam
from bench.damage_parts import list_part_cases
from studio.clip_score import Score
from studio.motion.ambient_effects import EFFECTS, needs_brush
from studio.motion.camera_moves import MOVES
from studio.nouns import Aspect, Camera, Effect, Format, Leg, Motion, Move, MoveName, Refusal, Shot, Size, replace

TUNED = (
    "dandelion",
    "dogs",
    "fig",
    "mountains",
    "stream",
    "sunset",
    "wine",
    "astronaut",
    "chelsea",
    "macaque",
    "kitten",
    "boats",
)
HELD_OUT = ("valley", "brushes", "coffee", "flower", "bee", "crab")
WAYS: tuple[MoveName, ...] = (
    "dolly_in", "truck_left", "pan_right", "orbit_left", "zoom_out", "roll_right", "crane_up", "tilt_down", "push_orbit_right",
)  # fmt: skip
LOOPS: tuple[MoveName, ...] = ("dolly_in", "truck_right", "pan_left", "orbit_right", "zoom_in")
LEAST_BELOW, LEAST_NAMED, MOST_BROKEN = 0.97, 0.90, 3
LONG, LONG_TUNED, LONG_HELD_OUT = 5.0, ("fig", "stream"), ("valley", "coffee")
"""Seconds of long clips, and of which photos they are."""


def turned(motion: Motion, amount: float) -> Motion:
    """The same motion with its camera going the opposite way."""
    moves = tuple(Move(MOVES[move.name].opposite or move.name, amount) for move in motion.camera.moves)
    return replace(motion, camera=replace(motion.camera, moves=moves))


def damage(name: str, way: MoveName, loop: MoveName, other: Film, length: float) -> Iterator[Case]:
    """Every damage of one photo's clips. other: frames of another photo's."""
    image = album()[name]()
    shot = take(name, image, Motion(camera=Camera((Move(way, 0.6),))), length=length)
    frames = film(image, shot)
    clean = score(write(shot, "clean", lambda: frames), image, shot)
    for strong in (False, True):
        for kind, (harm, names) in DAMAGES.items():
            file = write(shot, f"{kind} {strong} {len(other)}", lambda harm=harm, strong=strong: harm(frames, strong, other))
            yield Case(name, kind, strong, names, clean, score(file, image, shot))
        other_way = replace(shot, motion=turned(shot.motion, 0.6 if strong else 0.3))
        file = write(shot, f"direction {strong}", lambda other_way=other_way: film(image, other_way))
        yield Case(name, "wrong direction", strong, ("direction",), clean, score(file, image, shot))
    looped = replace(shot, motion=Motion(camera=Camera((Move(loop, 0.6),), loop=True)))
    frames = film(image, looped)
    clean = score(write(looped, "clean", lambda: frames), image, looped)
    for strong in (False, True):
        file = write(looped, f"seam {strong}", lambda strong=strong: open_seam(frames, strong, other))
        yield Case(name, "seam", strong, ("seam",), clean, score(file, image, looped))


def list_cases(names: tuple[str, ...], length: float = 2.5) -> list[Case]:
    """Every damaged clip of these photos."""
    found: list[Case] = []
    spare = {
        name: film(image, take(name, image, Motion(), length=length))
        for name in ("rocket", "meerkats")
        for image in [album()[name]()]
    }
    for at, name in enumerate(names):
        other = spare["rocket" if at % 2 else "meerkats"]
        found += damage(name, WAYS[at % len(WAYS)], LOOPS[at % len(LOOPS)], other, length)
        print(".", end="", flush=True)
    print()
    return found


def clean_shots() -> Iterator[tuple[str, Image, Shot]]:
    """Shots of clean clips: every photo, every move and effect, in several sizes, shapes, lengths and formats."""
    effects = [None, *(effect for effect in EFFECTS if not needs_brush(Effect(effect)))]
    paces = ((0.6, False), (0.35, True), (1.0, False))
    ways = [Camera((Move(move, amount),), loop=loop) for amount, loop in paces for move in get_args(MoveName)]
    ways.append(Camera((Move("dolly_in"),), then=(Leg((Move("orbit_left"),)),)))
    ways.append(Camera((Move("pan_left"), Move("zoom_in", 0.4))))
    cameras = cycle(ways)
    shapes: Iterator[tuple[Aspect, Size, float, Format]] = cycle(
        [("16:9", "360p", 2.5, "mp4"), ("9:16", "240p", 2.0, "mp4"), ("1:1", "360p", 2.0, "mp4"), ("photo", "240p", 3.0, "mp4"),
         ("4:5", "480p", 2.0, "mp4"), ("16:9", "240p", 4.0, "webm"), ("16:9", "720p", 2.0, "mp4")]
    )  # fmt: skip
    stirring = cycle(effects)
    for _ in range(4):
        for name, photo in album().items():
            image = photo()
            aspect, size, length, kind = next(shapes)
            effect = next(stirring)
            motion = Motion(camera=next(cameras), effects=(Effect(effect, 0.5),) if effect else ())
            yield name, image, replace(take(name, image, motion, aspect, size, length), format=kind)


def list_clean(count: int) -> list[tuple[str, Score]]:
    """Clean clips and their scores; a shot in which nothing would move is passed over."""
    found: list[tuple[str, Score]] = []
    for name, image, shot in clean_shots():
        try:
            file = write(shot, "clean", lambda image=image, shot=shot: film(image, shot))
        except Refusal:
            continue
        moves = "+".join(move.name for move in shot.motion.camera.moves)
        stirring = " ".join(effect.name for effect in shot.motion.effects)
        found.append((f"{name} {moves} {stirring} {shot.size} {shot.crop.aspect} {shot.format}", score(file, image, shot)))
        print(".", end="", flush=True)
        if len(found) == count:
            break
    print()
    return found


def print_cases(title: str, tuned: list[Case], held_out: list[Case], everything: bool) -> None:
    """The table of damaged clips, the photos kept out apart; with `everything` also every miss."""
    cases, rows = [*tuned, *held_out], []
    asks: tuple[Callable[[Case], bool], ...] = (lambda one: one.below, lambda one: one.named)
    for kind in dict.fromkeys(one.damage for one in cases):
        for strong in (False, True):
            parts = [[one for one in part if one.damage == kind and one.strong == strong] for part in (tuned, held_out)]
            rows.append((kind, "strong" if strong else "mild", *(share(part, ask) for part in parts for ask in asks)))
    rows.append(("all", "", *(share(part, ask) for part in (tuned, held_out) for ask in asks)))
    head = ("damage", "strength", "below its parent", "named", "below, held out", "named, held out")
    wanted = f"at least {LEAST_BELOW:.0%} below, {LEAST_NAMED:.0%} named, wanted"
    table(f"{title}: ranked below the clean one, and the first fault named is the damage ({wanted})", head, rows)
    for one in cases if everything else ():
        if not (one.below and one.named):
            faults = " ".join(f"{fault.kind}@{fault.at_second}" for fault in one.damaged.faults)
            kept = " ".join(f"{m.name}={m.value:.2f}/{m.goodness:.2f}" for m in one.damaged.measures)
            print(f"{one.photo} {one.damage} {one.strong}: {one.clean.total:.3f} -> {one.damaged.total:.3f} [{faults}] {kept}")


def print_clean(clean: list[tuple[str, Score]], everything: bool) -> None:
    """The table of clean clips."""
    broken = [name for name, found in clean if found.broken]
    faulty = [name for name, found in clean if found.faults]
    totals = [found.total for _, found in clean]
    rows = [
        ("marked as broken", f"{len(broken)} of {len(clean)} (at most {MOST_BROKEN} of 100 wanted)"),
        ("any fault named", f"{len(faulty)} of {len(clean)}"),
        ("score, median and lowest", f"{statistics.median(totals):.2f}, {min(totals):.2f}"),
    ]
    table("Clean clips", ("what", "how many"), rows)
    for name, found in clean if everything else ():
        if found.faults:
            kept = " ".join(f"{m.name}={m.value:.2f}/{m.goodness:.2f}" for m in found.measures)
            print(f"{name}: {found.total:.3f} {[(fault.kind, fault.at_second) for fault in found.faults]} {kept}")


def split(cases: list[Case]) -> tuple[list[Case], list[Case]]:
    """Those of photos that limits were set on, and those of the others."""
    return [one for one in cases if one.photo in TUNED], [one for one in cases if one.photo in HELD_OUT]


def run() -> None:
    """Print the tables."""
    chosen = os.environ.get("STIR_BENCH_PHOTOS", "").split()
    everything, named = "all" in chosen, tuple(name for name in chosen if name != "all") or (*TUNED, *HELD_OUT)
    print_cases("Damaged clips", *split(list_cases(named)), everything)
    long = tuple(name for name in (*LONG_TUNED, *LONG_HELD_OUT) if name in named)
    print_cases(f"The same at {LONG:g} s", *split(list_cases(long, LONG)), everything)
    print_cases("Clips of which a part is damaged", *list_part_cases(), everything)
    print_clean(list_clean(100), everything)
