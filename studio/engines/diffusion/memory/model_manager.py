"""The model manager: which models are loaded, which is at work, and which makes room; it owns the cache and the GPU's
residency.

The cache (model_cache.py) holds what is in system memory, the residency (residency.py) what of it is on the GPU; loads
go through a queue (load_queue.py), and one Stir process at a time works on a GPU (gpu_lock.py). Imports without torch,
which the first load brings.

A job that waits for a load stops at once when it is stopped; the load itself ends before its next component.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from studio.cards import ModelCard, Plan
from studio.config import Settings
from studio.engines.base import Tick
from studio.engines.diffusion import library_setup
from studio.engines.diffusion.families import get_family
from studio.engines.diffusion.files.local_files import Folders
from studio.engines.diffusion.files.manifest import require_checkpoint
from studio.engines.diffusion.memory import compile_cache, fp8_trial, placement
from studio.engines.diffusion.memory.gpu_lock import GpuLock
from studio.engines.diffusion.memory.load_queue import POLL, Load, LoadQueue
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.diffusion.memory.memory_errors import Memory, find_exhausted, give_back_memory
from studio.engines.diffusion.memory.model_cache import CachedModel, LoadedModel, ModelCache
from studio.engines.diffusion.memory.placement import Fit
from studio.hung_threads import WorkLock
from studio.nouns import Choice, Progress, Refusal
from studio.preferences import Placement, Preferences, Weights

if TYPE_CHECKING:
    from studio.engines.diffusion.memory.residency import Residency

WATCH = 5.0
"""Seconds between two looks of the thread that lets go of what has long been idle."""

CLOSE_SECONDS = 10.0
"""How long closing waits for that thread, which a GPU that hangs may hold."""


class MemoryState(NamedTuple):
    """How a model is in memory: `bytes` it holds (with what it shares), `progress` while it loads, `problem` of its
    last load.
    """

    state: Literal["out", "loading", "ram", "gpu"]
    bytes: int = 0
    progress: Progress | None = None
    problem: str = ""


class ModelManager:
    """The cards in memory. Every method may be called from any thread; only `use`, and `lower` within it, wait for
    loads.

    `load` and `residency` are the real ones unless given; `clock` counts seconds. `loads` counts how often a card was
    read.
    """

    def __init__(
        self,
        settings: Settings,
        machine: Machine,
        folders: Callable[[ModelCard], Folders],
        preferences: Callable[[], Preferences],
        *,
        load: Callable[..., Any] | None = None,
        residency: Residency | None = None,
        lock: GpuLock | None = None,
        clock: Callable[[], float] = time.monotonic,
        watch: float = WATCH,
    ) -> None:
        self.machine, self.settings, self.loads = machine, settings, 0
        self._folders, self._preferences, self._clock, self._watch = folders, preferences, clock, watch
        self._read = load
        self._gpu_lock = lock or (GpuLock(machine.device) if machine.cuda else None)
        self._residency = residency
        self._making = WorkLock()
        self._cache = ModelCache(machine, self._take_off_gpu, clock)
        self._loads = LoadQueue(self._do_load)
        self._one_job, self._volume = WorkLock(), 1.0  # of the job that runs
        self._closing = threading.Event()
        self._watcher: threading.Thread | None = None

    # ------------------------------------------------------------------------------------------------ one job

    @contextmanager
    def use(self, card: ModelCard, tick: Tick, plan: Plan | None = None) -> Generator[LoadedModel]:
        """The card, loaded and ready to run, for one job at a time; it is loaded where it isn't.

        `plan` is what the job will make: a larger clip is given more room beside the weights, which may wait elsewhere
        for it. `tick` is called while waiting and may raise to stop. Raises `Refusal` for a card that doesn't fit,
        isn't on the disk or is damaged. Errors of memory come out as they are, after idle cards have made room and it
        was tried again.
        """
        while (turn := self._one_job.take(POLL)) is None:
            tick(Progress("wait", note="Waiting for the job that is running"))
        try:
            self._leave_hung()
            with self._gpu_lock.hold(tick) if self._gpu_lock else nullcontext():
                self._cache.mark_busy(card.id)
                try:
                    yield self._ready(card, tick, placement.find_volume(card, plan))
                finally:
                    if self._one_job.is_held_by(turn):
                        self._rest()
        finally:
            self._one_job.give_back(turn)

    def _rest(self) -> None:
        """A job is over."""
        self._cache.mark_busy("")
        if self._gpu_lock and self._residency and self._gpu_lock.is_wanted():
            self._residency.offload_all()
        give_back_memory(self.machine.device, self.machine.vram)

    def _leave_hung(self) -> None:
        """Where the job before was left behind at its work, no model that is in memory is used again: it may have any
        of their parts. They are read anew; what it holds stays taken until its thread ends."""
        if self._cache.busy:
            self._cache.forget_all()
            self._residency = None
            if self._gpu_lock:
                self._gpu_lock.let_go()

    def _ready(self, card: ModelCard, tick: Tick, volume: float) -> LoadedModel:
        self._volume = volume
        wanted, held = self._fit(card, volume), self._cache.get(card.id)
        wanted = held.choose_fit(wanted, volume) if held is not None else wanted
        held = self._wait(card, wanted, tick)
        self._place(held, wanted)
        self._cache.mark_busy(card.id)
        while True:
            try:
                self.residency.activate(held.loaded, tick, volume)
                return held.loaded
            except Exception as error:
                if find_exhausted(error) != "video":
                    raise
                failed = error.with_traceback(None)
            self.residency.offload_all()
            lowered = self._lower(held, tick)
            if lowered is None:
                raise failed
            held = lowered

    def _wait(self, card: ModelCard, wanted: Fit, tick: Tick) -> CachedModel:
        """The card in memory with these weights: it is, or a load under way brings it, or one that begins here."""
        failed: dict[tuple[Placement, Weights], float] = {}
        while True:
            held = self._cache.get(card.id)
            if held is not None and held.loaded.fit.weights == wanted.weights:
                held.failed = failed | held.failed
                return held
            if held is not None:
                failed = held.failed
                self._cache.evict(card.id, even_busy=True)
            load, mine = self._loads.start(card, wanted)
            if load.fit.weights != wanted.weights:
                load.stop()
            try:
                load.wait(tick)
            except BaseException:
                if mine:
                    load.stop()
                raise
            if mine and load.error is not None:
                raise load.error

    def lower(self, loaded: LoadedModel, tick: Tick = lambda progress: None) -> LoadedModel | None:
        """The same card in the next way that needs less video memory, for the job that uses it; None when there is
        none.

        What can stay in memory stays: only int8 weights are read again, and then the old `loaded` is empty.
        """
        held = self._cache.get(loaded.card.id)
        held = self._lower(held, tick) if held is not None else None
        if held is None:
            return None
        self.residency.activate(held.loaded, tick, self._volume)
        return held.loaded

    def _lower(self, held: CachedModel, tick: Tick) -> CachedModel | None:
        card, now = held.loaded.card, held.loaded.fit
        less = placement.lower(card, self.machine, now)
        if less is None:
            return None
        held.note_failure(self._volume)
        if less.weights in (now.weights, "fp8"):
            self._place(held, less)
            return held
        return self._wait(card, less, tick)

    # ------------------------------------------------------------------------------------------------ the GPU

    @property
    def residency(self) -> Residency:
        """What is on the GPU; made at the first use, which brings torch."""
        with self._making:
            if self._residency is None:
                from studio.engines.diffusion.memory.residency import Residency

                self._residency = Residency(self.machine)
            return self._residency

    def _take_off_gpu(self, loaded: LoadedModel, shared: Callable[[Any], bool]) -> None:
        """A model is evicted from the cache: off the GPU with it, but for what is `shared` with another."""
        if self._residency is not None:
            self._residency.detach(loaded, shared)

    def _place(self, held: CachedModel, fit: Fit) -> None:
        """Place a model another way, and store its denoisers in 8 bits where that is the way, without reading it again.

        Where only the reasons differ, nothing moves.
        """
        loaded = held.loaded
        if (loaded.fit.placement, loaded.fit.weights) == (fit.placement, fit.weights):
            loaded.fit = fit
            return
        from studio.engines.diffusion.memory.loader import store_fp8

        self.residency.detach(loaded, self._cache.find_others_use(loaded.card.id))
        self.residency.offload_all()
        if fit.weights == "fp8":
            store_fp8(loaded.pipe, require_checkpoint(loaded.card))
        self._cache.update(held, replace(loaded, fit=fit))

    # ------------------------------------------------------------------------------------------------ loading

    def begin(self, card: ModelCard) -> None:
        """Begin to load a card in the background. Raises `Refusal` for one that doesn't fit or that no folder is known
        for.
        """
        wanted = self._fit(card)
        self._folders(card)
        if self._cache.get(card.id) is None:
            self._loads.start(card, wanted)

    def expect(self, card: ModelCard) -> None:
        """A hint that this card comes next: loads it in the background where memory allows, or does nothing and says
        nothing.
        """
        try:
            wanted = self._fit(card)
            if self._cache.get(card.id) is None:
                self._loads.start(card, wanted, hint=True)
        except Refusal:
            return

    def _fit(self, card: ModelCard, volume: float = 1.0) -> Fit:
        found = placement.fit(card, self.machine, self._preferences(), volume=volume)
        if found.fits == "no":
            raise Refusal(found.reason, found.remedy)
        return found

    def _do_load(self, load: Load) -> None:
        """One load, in its thread: make room, read, prepare, keep."""
        load.tick(Progress("load", note="Starting PyTorch"))
        library_setup.import_libraries(require_checkpoint(load.card).pipeline)
        from studio.engines.diffusion.memory import loader

        card, began = load.card, self._clock()
        folders = self._folders(card)
        compile_cache.keep_compiled(self.settings)
        if load.fit.weights == "fp8_fast":
            fp8_trial.require_products(card, folders, self.machine, self.settings, load.tick)
        sizes = loader.estimate_sizes(card, folders, load.fit, not self.machine.cuda)
        self._cache.make_room(card.title, sizes, self._preferences().ram_gb)
        pipe = self._read_pipeline(load, folders, self._read or loader.load)
        shared = self._cache.shared
        try:
            kind = get_family(require_checkpoint(card).family)
            kind.prepare(pipe, require_checkpoint(card))
            load.tick(load.progress)
        except BaseException:
            shared.leave(card.id)
            raise
        self._cache.add(
            LoadedModel(card, pipe, kind, self.machine, load.fit, self._clock() - began, shared.list_reused(card.id))
        )
        self.loads += 1
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch_idle, name="idle models", daemon=True)
            self._watcher.start()

    def _read_pipeline(self, load: Load, folders: Folders, read: Callable[..., Any]) -> Any:
        """The pipeline; when memory runs out, idle cards are let go of and it is tried once more."""
        for last in (False, True):
            try:
                return read(load.card, folders, load.fit, load.tick, self._cache.shared, not self.machine.cuda)
            except Exception as error:
                if last or not find_exhausted(error):
                    raise
                failed = error.with_traceback(None)  # whose frames hold what was half loaded
            if not self._cache.evict_others(load.card.id):
                raise failed
        raise AssertionError

    # ------------------------------------------------------------------------------------------------ letting go

    def unload(self, card: ModelCard) -> None:
        """Let go of a card's memory, or stop its load. Raises `Refusal` while it is at work."""
        if self._cache.busy == card.id:
            raise Refusal(f"{card.title} is working.", "Stop its clip first, or wait for it.")
        load = self._loads.get(card.id)
        if load is not None:
            load.stop()
        self._cache.evict(card.id)

    def free_idle(self, keep: ModelCard, memory: Memory = "video") -> int:
        """Free what doesn't belong to `keep`: "video": it moves to memory; "system": it is let go of. Returns bytes.

        `keep` itself leaves the GPU too, which costs a moment and isn't counted: what of it isn't needed next is out of
        the way. Called by the job that runs, between runs of its pipeline. Without a GPU there is only the system's
        memory.
        """
        if memory == "video" and self.machine.cuda:
            return self.residency.offload_all(keep.id)
        return self._cache.evict_others(keep.id)

    def evict_idle(self, minutes: float) -> int:
        """Let go of every card that hasn't been used for so long, unless a job runs. Returns bytes."""
        return self._cache.evict_idle(minutes * 60)

    def _watch_idle(self) -> None:
        while not self._closing.wait(self._watch):
            minutes = self._preferences().idle_minutes
            if minutes:
                self.evict_idle(minutes)
            if self._gpu_lock and self._residency and (turn := self._one_job.take(0.0)):
                try:
                    if self._gpu_lock.is_held_elsewhere():
                        self._residency.offload_all()
                finally:
                    self._one_job.give_back(turn)

    def close(self) -> None:
        """Stop loads and the idle watch, and let go of all that no job is using. Safe to call twice."""
        self._closing.set()
        self._loads.close()
        if self._watcher is not None:
            self._watcher.join(CLOSE_SECONDS)
        self._cache.evict_others("")

    # ------------------------------------------------------------------------------------------------ looking

    def read_state(self, card: ModelCard) -> MemoryState:
        """How a card is in memory right now. Never waits."""
        held, load = self._cache.get(card.id), self._loads.get(card.id)
        if held is not None:
            on_gpu = self._residency is not None and self._residency.count_gpu_bytes(held.loaded) > 0
            return MemoryState("gpu" if on_gpu else "ram", held.bytes)
        if load is not None:
            return MemoryState("loading", 0, load.progress)
        return MemoryState("out", 0, None, self._loads.find_problem(card.id))

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs or loads here, nor in another Stir on this GPU."""
        if self._one_job.is_taken or self._loads.is_busy:
            return False
        return self._gpu_lock is None or not self._gpu_lock.is_held_elsewhere()

    def count_bytes(self) -> int:
        """Bytes that all cards hold together; what they share counts once."""
        return self._cache.count_bytes()

    def find_cap(self) -> Choice:
        """How much they may hold, and why."""
        return self._cache.find_cap(self._preferences().ram_gb)[1]
