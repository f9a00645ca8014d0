"""What a machine can run, as its worker says it: the device, its memory, and how each model stands there."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence

from studio.cards import Device, ModelCard, ModelState
from studio.engines.base import Engine, Shelf
from studio.farm.farm_values import WorkerReport
from studio.nouns import Refusal, replace


def describe_worker(
    cards: Sequence[ModelCard], find_engine: Callable[[ModelCard], Engine], is_gpu: bool, cores: int
) -> WorkerReport:
    """How this machine stands. No folder is named. Quick, and never touches the network."""
    import psutil

    memory = psutil.virtual_memory()
    device, used, total = f"processor, {cores} core{'s'[: cores > 1]}", memory.total - memory.available, memory.total
    if is_gpu and (gpus := _list_gpus(cards, find_engine)):
        device, used, total = gpus[0].name, gpus[0].used, gpus[0].total
    states = tuple(_read_state(card, find_engine) for card in cards if card.checkpoint is not None)
    return WorkerReport(socket.gethostname(), device, is_gpu, cores, used, total, states, os.getpid())


def _list_gpus(cards: Sequence[ModelCard], find_engine: Callable[[ModelCard], Engine]) -> tuple[Device, ...]:
    for card in cards:
        if card.checkpoint is not None:
            engine = find_engine(card)
            return engine.gauge().devices if isinstance(engine, Shelf) else ()
    return ()


def _read_state(card: ModelCard, find_engine: Callable[[ModelCard], Engine]) -> ModelState:
    try:
        engine = find_engine(card)
        if isinstance(engine, Shelf):
            return replace(engine.state(card), folder="")
    except Refusal as refusal:
        return ModelState(card.id, "missing", "out", "no", refusal.reason, refusal.remedy)
    return ModelState(card.id, "built in", "ram", "yes", "it needs no loading")
