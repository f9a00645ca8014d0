"""Engines for the workers of a test's Ray cluster, which make them in processes of their own, by this module's name.

A shelf that pretends to keep models and sleeps as a GPU keeps its processor waiting, and the gradient for what is built in.
"""

from __future__ import annotations

import os
from pathlib import Path

from studio.cards import ModelCard
from studio.config import Settings
from studio.engines import registry
from studio.engines.base import Engine
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.diffusion.run.speed_history import History
from tests.fakes.gpus import Gpu
from tests.fakes.gradient import Gradient

PACE = "STIR_TEST_PACE"
"""Seconds a frame, and a step, that the stand-ins of a node take; a variable of the node."""


class LoadNotes(list[str]):
    """What a shelf notes of its loads, in a file too: the process, and the model."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file

    def append(self, model: str) -> None:
        super().append(model)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {model}\n")


def make(card: ModelCard, settings: Settings) -> Engine:
    """The stand-in of a card's engine."""
    pace = float(os.environ.get(PACE, "0.01"))
    if card.engine != "diffusion":
        return Gradient(pace)
    gpu = Gpu(pace)
    gpu.loads = LoadNotes(settings.home / "loads.txt")
    return gpu


class NotedHistory(History):
    """What was learned of models, and a line for each of their loads."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.models)
        self.notes = LoadNotes(settings.home / "loads.txt")

    def add_load(self, device: str, card: ModelCard, seconds: float) -> None:
        super().add_load(device, card, seconds)
        self.notes.append(card.id)


def make_real(card: ModelCard, settings: Settings) -> Engine:
    """The real engines, whose loads are noted."""
    if card.engine != "diffusion":
        return registry.make(card, settings)
    return DiffusionEngine(settings, history=NotedHistory(settings))
