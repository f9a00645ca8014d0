"""Attention kernels tried in the background, while the device has nothing else to do and before a job asks for them.

A job never waits for it: until the table is there it runs with PyTorch's own choice. What attention_probe.py needs to
try them is not held while it waits, and a trial that a job or a load comes across is given up and begun again later.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from studio.config import Settings
from studio.engines.diffusion.run import attention
from studio.engines.diffusion.run.attention import TorchDevice

LOOK = 5.0
"""Seconds between two looks at whether there is a model to try them for, and nothing at work."""


class Interrupted(Exception):
    """The device has other things to do."""


class KernelTrial:
    """The one trial of a device. `is_wanted`: whether a model is on the disk; `is_idle`: whether nothing runs or loads.

    Any thread may call.
    """

    def __init__(
        self,
        machine: TorchDevice,
        settings: Settings,
        is_wanted: Callable[[], bool],
        is_idle: Callable[[], bool],
        apart: float = LOOK,
    ) -> None:
        self._machine, self._settings = machine, settings
        self._is_wanted, self._is_idle, self._apart = is_wanted, is_idle, apart
        self._closing, self._lock = threading.Event(), threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Try the kernels as soon as there is a reason and a pause; does nothing where the table is there already."""
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._wait_and_try, name="attention kernels", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Give up, at the next kernel. Safe to call twice."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(10)

    def _wait_and_try(self) -> None:
        while not self._closing.is_set():
            try:
                if attention.read_table(self._machine, self._settings):
                    return
                if self._is_wanted() and self._is_idle():
                    attention.load_or_probe(self._machine, self._settings, may_go_on=self._require_idle)
            except Interrupted:
                pass
            except Exception as fault:  # the device itself may fail: then PyTorch's own choice stays, as before
                logging.getLogger(__name__).warning("Attention kernels can't be tried: %s", type(fault).__name__)
                return
            self._closing.wait(self._apart)

    def _require_idle(self) -> None:
        if self._closing.is_set() or not self._is_idle():
            raise Interrupted
