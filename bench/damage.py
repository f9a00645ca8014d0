"""The score of clips on a labelled set: good clips that were damaged in known ways, and good ones left as they are.

Parallax clips of eighteen photos at 360 lines, each damaged in eleven ways at two strengths (bench/damage_kinds.py); the limits
were set on twelve of the photos, six were kept out and are counted apart. A hundred clean clips of forty-two photos, of every
move and effect, in several sizes, shapes and lengths. Clips are kept in a folder of the temp directory, named by what made them.

STIR_BENCH_PHOTOS names some of the photos, to be quick; `all` in it names every miss.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from bench import clips
from bench.album import pictures, read
from bench.clips import ignore, middle, seconds, settings, table, verdict
from bench.damage_kinds import DAMAGES, Film, open_seam
from studio.clip.clip_reader import read_footage
from studio.clip.encode import encode
from studio.clip_score import FaultKind, Score
from studio.config import ROOT, Settings
from studio.engines.parallax.parallax_engine import ParallaxEngine
from studio.engines.prepare import prepare
from studio.frames import Frames
from studio.motion.ambient_effects import EFFECTS, needs_brush
from studio.motion.camera_moves import MOVES
from studio.nouns import Aspect, Camera, Done, Effect, Format, Leg, Motion, Move, MoveName, Photo, Refusal, Shot, Size, replace
from studio.photo import crop
from studio.presets import card
from studio.score.reference import make_reference
from studio.score.scoring import score_footage
from studio.studio import Studio

Image = NDArray[np.uint8]

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
LEAST_BELOW, LEAST_NAMED, MOST_BROKEN, MOST_TIME, MOST_DELAY = 0.97, 0.90, 3, 0.15, 1.05


class Case(NamedTuple):
    """One damaged clip beside its clean parent: what was done, what it may be called, and both scores."""

    photo: str
    damage: str
    strong: bool
    names: tuple[FaultKind, ...]
    clean: Score
    damaged: Score

    @property
    def below(self) -> bool:
        """Whether the damaged clip ranks below."""
        return self.damaged.total < self.clean.total

    @property
    def named(self) -> bool:
        """Whether the first fault that is named is the damage."""
        return bool(self.damaged.faults) and self.damaged.faults[0].kind in self.names


@cache
def engine() -> ParallaxEngine:
    """One engine for all clips."""
    return ParallaxEngine(settings())


@cache
def album() -> dict[str, Callable[[], Image]]:
    """Every photo by name, the hard ones among them."""
    hard = sorted((ROOT / "bench" / "photos" / "hard").glob("*.jpg"))
    return {**pictures(), **{file.stem: lambda file=file: read(file) for file in hard}}


@cache
def shelf() -> Path:
    """Where made clips are kept: a folder for this build of the engine, the encoder and the damages."""
    digest = hashlib.sha256()
    for file in (*sorted((ROOT / "studio/engines/parallax").rglob("*.py")), *sorted((ROOT / "studio/clip").glob("e*.py"))):
        digest.update(file.read_bytes())
    digest.update((ROOT / "bench/damage_kinds.py").read_bytes())
    folder = Path(tempfile.gettempdir()) / f"stir-damage-{digest.hexdigest()[:16]}"
    folder.mkdir(exist_ok=True)
    return folder


def take(name: str, image: Image, motion: Motion, aspect: Aspect = "16:9", size: Size = "360p", length: float = 2.5) -> Shot:
    """A shot of a photo."""
    photo = Photo(hashlib.sha256(name.encode()).hexdigest(), image.shape[1], image.shape[0], name)
    return Shot(photo, crop.find_largest(photo, aspect), motion, size=size, seconds=length)


def film(image: Image, shot: Shot) -> Film:
    """Every frame of a shot, I420."""
    frames = engine().animate(prepare(shot, card("parallax")), image, None, ignore)
    return [np.array(frame) for frame in frames.images]


def write(shot: Shot, label: str, make: Callable[[], Film]) -> Path:
    """The clip of a shot, made unless it is kept; label: what was done to it."""
    file = shelf() / f"{hashlib.sha256(f'{shot.to_json()} {label}'.encode()).hexdigest()[:24]}.{shot.format}"
    if not file.exists():
        images = make()
        high, wide = len(images[0]) * 2 // 3, images[0].shape[1]
        encode(Frames(iter(images), wide, high, shot.fps, len(images), "yuv420p"), file, shot, ignore)
    return file


def score(file: Path, image: Image, shot: Shot) -> Score:
    """A clip's score against the photo and the shot it is said to be of."""
    footage = read_footage(file, trusted=True)
    near = engine().read(image, shot).disparity
    return score_footage(footage, make_reference(image, shot, footage, near=near), shot)


def turned(motion: Motion, amount: float) -> Motion:
    """The same motion with its camera going the opposite way."""
    moves = tuple(Move(MOVES[move.name].opposite or move.name, amount) for move in motion.camera.moves)
    return replace(motion, camera=replace(motion.camera, moves=moves))


def damage(name: str, way: MoveName, loop: MoveName, other: Film) -> Iterator[Case]:
    """Every damage of one photo's clips. other: frames of another photo's."""
    image = album()[name]()
    shot = take(name, image, Motion(camera=Camera((Move(way, 0.6),))))
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


def list_cases(names: tuple[str, ...]) -> list[Case]:
    """Every damaged clip of these photos."""
    found: list[Case] = []
    spare = {name: film(image, take(name, image, Motion())) for name in ("rocket", "meerkats") for image in [album()[name]()]}
    for at, name in enumerate(names):
        other = spare["rocket" if at % 2 else "meerkats"]
        found += damage(name, WAYS[at % len(WAYS)], LOOPS[at % len(LOOPS)], other)
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


def share(cases: list[Case], ask: Callable[[Case], bool]) -> str:
    """How many of these cases, and the share."""
    hits = sum(map(ask, cases))
    return f"{hits} of {len(cases)} ({hits / max(1, len(cases)):.0%})"


def print_cases(cases: list[Case], everything: bool) -> None:
    """The tables of damaged clips, the photos kept out apart."""
    parts = {
        "tuned on": [one for one in cases if one.photo in TUNED],
        "held out": [one for one in cases if one.photo in HELD_OUT],
    }
    rows = []
    for kind in dict.fromkeys(one.damage for one in cases):
        for strong in (False, True):
            mine = {part: [one for one in those if one.damage == kind and one.strong == strong] for part, those in parts.items()}
            cells = [share(those, ask) for those in mine.values() for ask in (lambda one: one.below, lambda one: one.named)]
            rows.append((kind, "strong" if strong else "mild", *cells))
    cells = [share(those, ask) for those in parts.values() for ask in (lambda one: one.below, lambda one: one.named)]
    rows.append(("all", "", *cells))
    head = ("damage", "strength", "below its parent", "named", "below, held out", "named, held out")
    wanted = f"at least {LEAST_BELOW:.0%} below, {LEAST_NAMED:.0%} named, wanted"
    table(f"Damaged clips: ranked below the clean one, and the first fault named is the damage ({wanted})", head, rows)
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
        while studio.queue.coming() or any(not isinstance(studio.job(job.id).state, Done) for job in jobs):
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
    chosen = os.environ.get("STIR_BENCH_PHOTOS", "").split()
    named = tuple(name for name in (*TUNED, *HELD_OUT) if not set(chosen) - {"all"} or name in chosen)
    print_cases(list_cases(named), "all" in chosen)
    print_clean(list_clean(100), "all" in chosen)
    time_scoring()
    time_queue()
