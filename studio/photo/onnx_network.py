"""Small neural networks on the CPU: ONNX files run by ONNX Runtime, each opened once for the process.

Against OpenCV 5's engine the same files take 0.53 (U2-NetP), 0.75 (Real-ESRGAN) and 0.52 (the far face detector) of
the processor's time, answers equal to 3e-5.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.hung_threads import WorkLock

Floats = NDArray[np.float32]


class Unreadable(Exception):
    """The file is not there, or is no network that can be run."""


_NO_MEMORY = ("allocat", "bad_alloc", "pthread_create")
"""What ONNX Runtime says where memory is missing: its errors have no code for it."""


def _explain(name: str, error: Exception) -> Exception:
    """The library's own errors have no common base."""
    said = str(error)
    return MemoryError(name) if any(word in said for word in _NO_MEMORY) else Unreadable(f"{name}: {said}")


class Network:
    """One network. Any thread may run it; one run at a time, as what is held between layers is most of its memory."""

    def __init__(self, file: Path) -> None:
        """Raises `Unreadable`, MemoryError."""
        runtime = _import_runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = os.cpu_count() or 1
        # Threads that wait for the next run by spinning would take the encoder's core.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # U2-NetP takes 355 MB; 548, and no less time, where memory is planned in one piece; 1.4 times as long without
        # an arena.
        options.enable_mem_pattern = False
        try:
            self._session = runtime.InferenceSession(
                str(file),
                options,
                providers=["CPUExecutionProvider"],
                enable_fallback=0,  # which would print
            )
        except Exception as error:
            raise _explain(file.name, error) from error
        self._name = file.name
        self._input: str = self._session.get_inputs()[0].name
        self._outputs: list[str] = [output.name for output in self._session.get_outputs()]
        self._running = WorkLock()

    def run(self, given: Floats, *outputs: str) -> tuple[Floats, ...]:
        """The outputs of these names, the first one where none is named. `given`: its only input, with a leading 1.

        Raises `Unreadable` when it has no such output, or takes no such input, and MemoryError.
        """
        wanted = list(outputs) or self._outputs[:1]
        with self._running:
            try:
                return tuple(self._session.run(wanted, {self._input: np.ascontiguousarray(given, np.float32)}))
            except Exception as error:
                raise _explain(self._name, error) from error


@cache
def _import_runtime() -> Any:
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)  # fatal: what fails is raised
    onnxruntime.disable_telemetry_events()  # its builds for Windows report to their maker
    return onnxruntime


_opening = WorkLock()


def load_network(file: Path) -> Network:
    """The network of a file, opened once for the process. Raises `Unreadable`."""
    with _opening:
        return _load(file)


@cache
def _load(file: Path) -> Network:
    return Network(file)
