"""A real engine that paints moving gradients at a pace of its own: a stand-in for tests, and it says so in its choices.

Nothing here looks at the photo. What it shares with a true engine is the door: frames as they are read, ticks, refusals.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.base import Engine, Image, Tick
from studio.engines.prepare import Prepared
from studio.frames import Frames
from studio.nouns import Choice, Progress, Refusal, Shot
from studio.photo.crop import find_output_size

CARD = ModelCard(
    id="gradient",
    title="Gradient (a stand-in)",
    engine="gradient",
    where="built in",
    summary="Paints gradients; only tests use it.",
    good_at=("tests",),
    licence="Apache-2.0",
    supports=("camera", "effects", "loop", "seed"),
    fps=(1, 60),
    seconds=(1.0, 10.0),
    speed="as slow as it is told",
)


class Gradient:
    """Paints gradients, `pace` seconds a frame. The prompt chooses what goes wrong: "refuse", "break" or "fill memory"."""

    def __init__(self, pace: float = 0.0) -> None:
        self.pace = pace
        self.painted = 0

    def animate(self, prepared: Prepared, image: Image, end: Image | None, tick: Tick) -> Frames:
        shot = prepared.shot
        tick(Progress("read", 1, 1))
        if shot.motion.prompt == "refuse":
            raise Refusal("The stand-in was told to refuse.", "Tell it otherwise.")
        size = find_output_size(shot)
        said = (Choice("engine", "gradient", "a stand-in for tests: it paints gradients and never looks at the photo"),)
        images = self._paint(shot, size.width, size.height, tick)
        return Frames(images, size.width, size.height, shot.fps, shot.num_frames, choices=said)

    def _paint(self, shot: Shot, width: int, height: int, tick: Tick) -> Iterator[NDArray[np.uint8]]:
        across = np.linspace(0, 255, width, dtype=np.float32)[None, :, None]
        for index in range(shot.num_frames):
            time.sleep(self.pace)
            if index == shot.num_frames // 2:
                fail(shot.motion.prompt)
            tick(Progress("paint", index, shot.num_frames))
            colour = np.float32([index * 5 % 256, shot.seed % 256, 128])
            yield ((across + np.zeros((height, 1, 1), np.float32) + colour) % 256).astype(np.uint8)
            self.painted += 1


def fail(prompt: str) -> None:
    """Go wrong as the prompt says."""
    if prompt == "break":
        raise ZeroDivisionError("a secret: /home/somebody/holiday.jpg")
    if prompt == "fill memory":
        raise MemoryError


def finder(engine: Engine):
    """How a Studio is told of one engine for every card: `Studio(settings, cards=(CARD,), engines=finder(Gradient()))`."""

    def find(card: ModelCard, settings: Settings) -> Engine:
        return engine

    return find


def photograph(folder: Path, width: int = 320, height: int = 240, seed: int = 0) -> Path:
    """A small picture that is unlike any other seed's, as a PNG file."""
    from PIL import Image as Pictures

    noise = np.random.default_rng(seed).integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    file = folder / f"picture {seed}.png"
    Pictures.fromarray(noise).resize((width, height)).save(file)
    return file
