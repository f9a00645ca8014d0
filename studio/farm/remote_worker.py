"""The studio's end of one worker: its actor in the Ray cluster, asked and told, with every kind of silence as one
error.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.base import Engine, Image
from studio.farm.farm_actor import FarmActor
from studio.farm.farm_values import LOOK, OUTCOME, REPORT, Look, Outcome, Task, WorkerReport, name_protocol
from studio.farm.ray_cluster import Node

THREADS = 8
"""Calls that a worker answers at once: one is as long as a clip."""

MOST_PHOTOS = 8
"""Photos that the cluster keeps for the next jobs."""


class WorkerLost(Exception):
    """A worker has ended, or gives no sign of life; says which."""


class WorkerFault(Exception):
    """A worker's answer is an error that nobody foresaw."""


class OtherVersion(Exception):
    """A worker that runs another version of Stir."""


class SentPhotos:
    """Photos in the cluster's object store: each is put there once and fetched once by each machine. Any thread."""

    def __init__(self) -> None:
        self._refs: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, key: str, open_photo: Callable[[], Image]) -> Any:
        """The photo of a key in the store; it is opened where it isn't there yet."""
        import numpy as np
        import ray

        with self._lock:
            if key not in self._refs:
                self._refs[key] = ray.put(np.ascontiguousarray(open_photo()))
            self._refs.move_to_end(key)
            while len(self._refs) > MOST_PHOTOS:
                self._refs.popitem(last=False)
            return self._refs[key]

    def clear(self) -> None:
        """Forget all: the cluster has gone."""
        with self._lock:
            self._refs.clear()


def _choose_variables(cores: int, is_gpu: bool) -> dict[str, str]:
    """As many threads as cores, where Ray would say 1; and no GPU for a worker that has none of its own."""
    return {"OMP_NUM_THREADS": str(cores)} | ({} if is_gpu else {"CUDA_VISIBLE_DEVICES": ""})


class RemoteWorker:
    """One actor on a node: of one of its GPUs, or of its processor with `cores` of it."""

    def __init__(
        self, node: Node, cards: Sequence[ModelCard], engines: Callable[[ModelCard, Settings], Engine], is_gpu: bool
    ) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        cores = max(1, node.cores // (1 + node.gpus))
        there = NodeAffinitySchedulingStrategy(node.id, soft=False)
        options: dict[str, Any] = {
            "num_cpus": 0, "num_gpus": int(is_gpu), "max_concurrency": THREADS, "max_restarts": 0,
            "max_task_retries": 0, "scheduling_strategy": there,
            "runtime_env": {"env_vars": _choose_variables(cores, is_gpu)},
        }  # fmt: skip
        made = ray.remote(FarmActor).options(**options)
        self._actor: Any = made.remote(msgspec.json.encode(tuple(cards)), engines, is_gpu, cores)

    def ask(self, method: str, *values: object, seconds: float) -> Any:
        """What a method answers. Raises `WorkerLost` when it doesn't within so many seconds, or `WorkerFault`."""
        return self._get(getattr(self._actor, method).remote(*values), seconds)

    def tell(self, method: str, *values: object) -> None:
        """Call a method, and wait for nothing."""
        with contextlib.suppress(Exception):
            getattr(self._actor, method).remote(*values)

    def _get(self, answer: Any, seconds: float | None) -> Any:
        import ray
        from ray.exceptions import GetTimeoutError, RayTaskError

        try:
            return ray.get(answer, timeout=seconds)
        except GetTimeoutError:
            raise WorkerLost("it gave no sign of life") from None
        except RayTaskError as error:
            raise WorkerFault from error
        except Exception as error:
            raise WorkerLost(f"it has ended ({type(error).__name__})") from error

    def describe(self, seconds: float) -> WorkerReport:
        """How it stands. Raises `WorkerLost` or `OtherVersion`."""
        protocol, report = self.ask("describe", seconds=seconds)
        if protocol != name_protocol():
            raise OtherVersion
        return REPORT.decode(report)

    def begin(self, task: Task, image: Any, end: Any, files: dict[str, bytes]) -> Any:
        """Send a task, with photos that `SentPhotos` holds. Returns the answer that `wait` waits for."""
        return self._actor.run.remote(msgspec.json.encode(task), image, end, files)

    def wait(self, answer: Any, seconds: float) -> Outcome | None:
        """What came of a task, None while it runs. Raises `WorkerLost`."""
        import ray

        try:
            ready, _ = ray.wait([answer], timeout=seconds)
        except Exception as error:
            raise WorkerLost(f"the cluster has gone ({type(error).__name__})") from error
        return OUTCOME.decode(self._get(answer, 10.0)) if ready else None

    def look(self, attempt: str, seconds: float) -> Look:
        """How far a task is. Raises `WorkerLost`."""
        return LOOK.decode(self.ask("look", attempt, seconds=seconds))

    def kill(self) -> None:
        """End it, whatever it does."""
        import ray

        with contextlib.suppress(Exception):
            ray.kill(self._actor, no_restart=True)
