"""What the studio and its workers tell each other, as JSON: a task, how far it is, what came of it, how a worker
stands.
"""

from __future__ import annotations

import hashlib
import json

import msgspec

from studio.cards import ModelCard, ModelState
from studio.nouns import Clip, Job, Noun, Progress


class Task(Noun, frozen=True):
    """A job that a worker is to make. `attempt` is an id of this one try: a job that was lost has another one."""

    attempt: str
    job: Job
    card: ModelCard


class Look(Noun, frozen=True):
    """How far a task is; `ticks` counts the signs of life so far."""

    ticks: int
    progress: Progress


class SentFile(Noun, frozen=True):
    """A file that a worker holds ready: its name, its size in bytes and its sha256."""

    name: str
    size: int
    sha256: str


class Made(Noun, frozen=True, tag="made"):
    """The clip is encoded: its noun, and its files, the clip first and its poster second."""

    clip: Clip
    files: tuple[SentFile, ...]


class Unmade(Noun, frozen=True, tag="unmade"):
    """There is no clip: it was stopped, or why not and what to do; `fault` is where an error that nobody foresaw came
    from.
    """

    stopped: bool = False
    reason: str = ""
    remedy: str = ""
    fault: str = ""


Outcome = Made | Unmade


class WorkerReport(Noun, frozen=True):
    """How a worker stands: its device ("NVIDIA H100", or the processor), the device's memory in bytes, and each model
    there.
    """

    machine: str
    device: str
    is_gpu: bool
    cores: int
    memory_used: int
    memory_total: int
    models: tuple[ModelState, ...] = ()
    pid: int = 0

    def find_state(self, model: str) -> ModelState | None:
        """How a model stands there; None for one that the worker doesn't know."""
        return next((one for one in self.models if one.id == model), None)


class WorkerRow(Noun, frozen=True):
    """A worker as it is shown: what it does, the titles of the models it holds, the job it is at, and how many
    milliseconds an answer takes.
    """

    id: str
    machine: str
    device: str
    state: str
    memory_used: int = 0
    memory_total: int = 0
    models: tuple[str, ...] = ()
    job: str = ""
    ping: float = 0.0
    done: int = 0
    resting: bool = False


TASK, LOOK, OUTCOME = msgspec.json.Decoder(Task), msgspec.json.Decoder(Look), msgspec.json.Decoder(Outcome)
REPORT = msgspec.json.Decoder(WorkerReport)
"""Built before threads read them: see the end of nouns.py."""


def name_protocol() -> str:
    """A name for what these values look like: a worker with another one runs another version of Stir."""
    schema = msgspec.json.schema_components((Task, Look, Made, Unmade, WorkerReport))
    return hashlib.sha256(json.dumps(schema, sort_keys=True, default=str).encode()).hexdigest()[:12]
