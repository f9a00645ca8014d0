"""Clips of the labelled set: taken of a photo, kept in a folder of the temp directory named by what made them, and scored."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.album import pictures, read
from bench.clips import ignore, settings
from bench.damage_kinds import Film
from studio.clip.clip_reader import read_footage
from studio.clip.encode import encode
from studio.clip_score import FaultKind, Score
from studio.config import ROOT
from studio.engines.parallax.parallax_engine import ParallaxEngine
from studio.engines.prepare import prepare
from studio.frames import Frames
from studio.nouns import Aspect, Motion, Photo, Shot, Size
from studio.photo import crop
from studio.presets import card
from studio.score.reference import make_reference
from studio.score.scoring import score_footage

Image = NDArray[np.uint8]


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


def share(cases: list[Case], ask: Callable[[Case], bool]) -> str:
    """How many of these cases, and the share."""
    hits = sum(map(ask, cases))
    return f"{hits} of {len(cases)} ({hits / max(1, len(cases)):.0%})"
