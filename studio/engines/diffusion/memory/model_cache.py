"""The cache of loaded models in system memory: least recently used evicted first, within a memory budget. It knows no
GPU.

Owned by the model manager, which keeps the GPU's residency beside it. Any thread may call; nothing here waits for a
load or a run. Imports without torch.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from studio.cards import ModelCard
from studio.engines.diffusion.families.family import Family
from studio.engines.diffusion.files.manifest import require_checkpoint
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.diffusion.memory.memory_errors import collect_garbage
from studio.engines.diffusion.memory.placement import GB, SYSTEM_RESERVE, Fit, lower
from studio.engines.diffusion.memory.shared_components import SharedComponents
from studio.nouns import Choice, Refusal
from studio.preferences import Placement, Weights

if TYPE_CHECKING:
    from torch import nn

SHARE = 0.7
"""Of all memory, what models may hold: the rest is for frames, the encoder, the page and the system's file cache."""


@dataclass
class LoadedModel:
    """A model in memory. `took` seconds to load; `reused` names the components that were in memory already.

    `pipe` is None once the model was evicted.
    """

    card: ModelCard
    pipe: Any
    family: Family
    machine: Machine
    fit: Fit
    took: float = 0.0
    reused: tuple[str, ...] = ()

    @property
    def denoisers(self) -> list[nn.Module]:
        """The modules that run at every step, in the card's order."""
        modules = self.modules
        return [modules[name] for name in require_checkpoint(self.card).denoisers if name in modules]

    @property
    def modules(self) -> dict[str, nn.Module]:
        """Every component that has weights, by its name in the pipeline."""
        components: dict[str, Any] = self.pipe.components if self.pipe is not None else {}
        return {name: one for name, one in components.items() if hasattr(one, "named_parameters")}


def count_tensor_bytes(tensor: Any) -> int:
    """Bytes of a tensor; of a quantised one, those of what it is made of."""
    if hasattr(tensor, "__tensor_flatten__"):
        return sum(count_tensor_bytes(getattr(tensor, name)) for name in tensor.__tensor_flatten__()[0])
    return int(tensor.numel() * tensor.element_size())


def count_module_bytes(module: nn.Module) -> int:
    """Bytes of a component's weights as they are stored now: in host memory, where they stay while a copy is on a GPU
    (host_copies.py), and as many there while it is.
    """
    return sum(count_tensor_bytes(one) for one in (*module.parameters(), *module.buffers()))


def count_model_bytes(models: list[LoadedModel]) -> int:
    """Bytes of host memory that several models take together; what they share counts once."""
    modules = {id(module): module for loaded in models for module in loaded.modules.values()}
    return sum(count_module_bytes(module) for module in modules.values())


# The budget -----------------------------------------------------------------------------------------------------------


def find_budget(machine: Machine, held: int, ram_gb: float) -> tuple[int, Choice]:
    """Bytes that all loaded models together may hold, and why. They hold `held` now; `ram_gb` is the user's own cap, or
    0.
    """
    if ram_gb > 0:
        return round(ram_gb * GB), Choice("memory cap", f"{ram_gb:g} GB", "set in Settings")
    others = max(0, machine.ram - machine.free_ram() - held)
    room = max(0, round(SHARE * machine.ram) - others)
    why = f"{SHARE:.0%} of {machine.ram / GB:.0f} GB, less the {others / GB:.1f} GB that other programs use"
    return room, Choice("memory cap", f"{room / GB:.1f} GB", why)


def choose_evictions(
    order: Sequence[str], need: Callable[[Sequence[str]], int], room: Callable[[Sequence[str]], int]
) -> list[str] | None:
    """Which models are evicted, the least recently used first: as few as will do, None when even all of them don't.

    `order` lists those that may go, the oldest first. `need` and `room` tell, for a number of models that are gone, the
    bytes the new model takes then (it may share with one that stays) and the bytes there are for it.
    """
    for count in range(len(order) + 1):
        gone = order[:count]
        if need(gone) <= room(gone):
            return list(gone)
    return None


def refuse_load(title: str, need: int, room: int, allowed: int) -> Refusal:
    """The refusal of a load for which `room`, what is really free, or `allowed`, what the user's cap leaves, doesn't
    suffice.
    """
    if need <= room:
        return Refusal(
            f"{title} needs {need / GB:.1f} GB of memory, and Settings allow models {max(0, allowed) / GB:.1f} GB.",
            "Raise the memory cap in Settings, or set it back to automatic.",
        )
    return Refusal(
        f"{title} needs {need / GB:.1f} GB of memory to load, and {max(0, room) / GB:.1f} GB is free.",
        "Close other programs, choose a model that needs less, or use the built-in Parallax.",
    )


def find_reserve(machine: Machine) -> int:
    """Bytes of free memory that a load leaves alone: on a small machine a tenth of it."""
    return round(min(SYSTEM_RESERVE * GB, 0.1 * machine.ram))


# The cache ------------------------------------------------------------------------------------------------------------


@dataclass
class CachedModel:
    """A cache entry: the model, when it was last `used`, and its `bytes`.

    `failed`: the ways of placing it in which a run ran out of video memory, and the smallest clip volume that did.
    """

    loaded: LoadedModel
    used: float
    bytes: int
    failed: dict[tuple[Placement, Weights], float] = field(default_factory=dict[tuple[Placement, Weights], float])

    def note_failure(self, volume: float) -> None:
        """A run of this volume ran out of video memory in the present way."""
        way = self.loaded.fit.placement, self.loaded.fit.weights
        self.failed[way] = min(volume, self.failed.get(way, volume))

    def choose_fit(self, wanted: Fit, volume: float) -> Fit:
        """How to run a clip of this volume: as `wanted`, or lower if one no larger ran out of video memory that way."""
        while self.failed.get((wanted.placement, wanted.weights), inf) <= volume:
            less = lower(self.loaded.card, self.loaded.machine, wanted)
            if less is None:
                break
            wanted = less
        return wanted


class ModelCache:
    """All models in memory, by card id. `busy` is the one at work, which only its own job may evict.

    `release` is called with a model that is evicted, and a test of whether a component is another model's too, before
    its memory is freed. `clock` counts seconds.
    """

    def __init__(
        self,
        machine: Machine,
        release: Callable[[LoadedModel, Callable[[Any], bool]], None],
        clock: Callable[[], float],
    ) -> None:
        self.shared = SharedComponents()
        self._machine, self._release, self._clock = machine, release, clock
        self._lock = threading.RLock()  # never kept while anything is read or moved
        self._entries: OrderedDict[str, CachedModel] = OrderedDict()  # the least recently used first
        self._busy = ""

    @property
    def busy(self) -> str:
        """The model at work; "" when none is."""
        return self._busy

    def mark_busy(self, name: str) -> None:
        """Say which model is at work from now on; "" for none. What was at work counts as used just now."""
        with self._lock:
            for one in (self._busy, name):
                if one in self._entries:
                    self._entries[one].used = self._clock()
                    self._entries.move_to_end(one)
            self._busy = name

    def forget_all(self) -> None:
        """Hold no model any more, and touch none: a thread that was left behind may be using them."""
        with self._lock:
            for name in self._entries:
                self.shared.leave(name)
            self._entries.clear()
            self._busy = ""

    def get(self, name: str) -> CachedModel | None:
        """A model's entry, if it is in memory."""
        with self._lock:
            return self._entries.get(name)

    def add(self, loaded: LoadedModel) -> None:
        """Take in a model that was just loaded."""
        entry = CachedModel(loaded, self._clock(), count_model_bytes([loaded]))
        with self._lock:
            self._entries[loaded.card.id] = entry

    def update(self, entry: CachedModel, loaded: LoadedModel) -> None:
        """Its model as it is now, placed or stored another way."""
        with self._lock:
            entry.loaded = loaded
            entry.bytes = count_model_bytes([loaded])

    def count_bytes(self) -> int:
        """Bytes that all models hold together; what they share counts once."""
        return count_model_bytes(self._list_models())

    def _list_models(self, without: Sequence[str] = ()) -> list[LoadedModel]:
        with self._lock:
            return [entry.loaded for name, entry in self._entries.items() if name not in without]

    def find_others_use(self, name: str) -> Callable[[Any], bool]:
        """A test of whether a component belongs to another model in memory than `name` too."""
        with self._lock:
            others = [entry.loaded for other, entry in self._entries.items() if other != name]
        return {module for loaded in others for module in loaded.modules.values()}.__contains__

    # ------------------------------------------------------------------------------------------------ eviction

    def find_cap(self, ram_gb: float) -> tuple[int, Choice]:
        """Bytes that all models together may hold, and why. `ram_gb` is the user's own cap, or 0."""
        return find_budget(self._machine, self.count_bytes(), ram_gb)

    def make_room(self, title: str, sizes: dict[str, int], ram_gb: float) -> None:
        """Evict models, the least recently used first, until one of these `sizes` (component identity → bytes) can be
        read.

        Raises `Refusal` when even evicting all that aren't at work wouldn't do, and then evicts none.
        """
        while gone := self._choose_evictions(title, sizes, ram_gb):
            self.evict(gone[0])  # and then look again: a job may have taken one up meanwhile

    def _choose_evictions(self, title: str, sizes: dict[str, int], ram_gb: float) -> list[str]:
        with self._lock:
            order = [name for name in self._entries if name != self._busy]
        most, _ = self.find_cap(ram_gb)
        reserve, held = find_reserve(self._machine), count_model_bytes(self._list_models())
        free, most_free = self._machine.free_ram() - reserve, self._machine.ram - reserve

        def count_needed(gone: Sequence[str]) -> int:
            return sum(size for who, size in sizes.items() if not self.shared.list_users(who) - set(gone))

        def count_room(gone: Sequence[str]) -> int:
            return min(most_free, free + held - count_model_bytes(self._list_models(gone)))

        def count_allowed(gone: Sequence[str]) -> int:
            return most - count_model_bytes(self._list_models(gone))

        gone = choose_evictions(order, count_needed, lambda gone: min(count_room(gone), count_allowed(gone)))
        if gone is None and not ram_gb and count_needed(order) <= count_room(order):
            return order  # one model alone may go over the automatic cap, where it really fits
        if gone is None:
            raise refuse_load(title, count_needed(order), count_room(order), count_allowed(order))
        return gone

    def evict_others(self, keep: str) -> int:
        """Evict every model but this and the one at work. Returns bytes freed."""
        with self._lock:
            others = [name for name in self._entries if name != keep]
        return self._evict_all(others)

    def evict_idle(self, seconds: float) -> int:
        """Evict what hasn't been used for so long, unless a model is at work. Returns bytes freed."""
        with self._lock:
            before = self._clock() - seconds
            old = [name for name, entry in self._entries.items() if entry.used <= before and not self._busy]
        return self._evict_all(old)

    def _evict_all(self, names: list[str]) -> int:
        """Drop models, and collect garbage once for all: it takes a good part of a second. Returns bytes freed."""
        freed = sum(self._drop(name) for name in names)
        if names:
            collect_garbage()
        return freed

    def evict(self, name: str, even_busy: bool = False) -> int:
        """Drop a model; not one at work, unless its own job asks. Returns bytes freed.

        Its `LoadedModel` is emptied, so that whoever still has it doesn't keep the memory.
        """
        freed = self._drop(name, even_busy)
        collect_garbage()
        return freed

    def _drop(self, name: str, even_busy: bool = False) -> int:
        with self._lock:
            if name not in self._entries or (name == self._busy and not even_busy):
                return 0
            entry = self._entries.pop(name)
        is_shared = self.find_others_use(name)
        freed = sum(count_module_bytes(module) for module in {*entry.loaded.modules.values()} if not is_shared(module))
        self._release(entry.loaded, is_shared)
        self.shared.leave(name)
        entry.loaded.pipe = None
        return freed
