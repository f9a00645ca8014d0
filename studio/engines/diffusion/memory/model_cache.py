"""The cards that are in memory: what they hold together, which makes room for another, and how one is let go of.

Knows the order of use, what is shared, and the budget. Refuses to know jobs, threads of loads and how a component is read. Any
thread may call; nothing here waits for a load or a run. Imports without torch.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, Any

from studio.engines.diffusion.files.manifest import require_checkpoint
from studio.engines.diffusion.memory import budget
from studio.engines.diffusion.memory.loaded import Loaded, total_bytes
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.diffusion.memory.placement import Fit, lower
from studio.engines.diffusion.memory.shared_components import Shared
from studio.engines.diffusion.run import out_of_memory
from studio.nouns import Choice, Refusal
from studio.preferences import Placement, Weights

if TYPE_CHECKING:
    from studio.engines.diffusion.memory.residency import Residency


@dataclass
class Held:
    """A card in memory. `failed`: the ways in which a run ran out of video memory, and the smallest volume that did."""

    loaded: Loaded
    used: float
    bytes: int
    failed: dict[tuple[Placement, Weights], float] = field(default_factory=dict[tuple[Placement, Weights], float])

    def fail(self, volume: float) -> None:
        """A run of this volume ran out of video memory in the present way."""
        way = self.loaded.fit.placement, self.loaded.fit.weights
        self.failed[way] = min(volume, self.failed.get(way, volume))

    def way(self, wanted: Fit, volume: float) -> Fit:
        """How a clip of this volume is run: as `wanted`, or lower where one no larger ran out of video memory that way."""
        while self.failed.get((wanted.placement, wanted.weights), inf) <= volume:
            less = lower(self.loaded.card, self.loaded.machine, wanted)
            if less is None:
                break
            wanted = less
        return wanted


class Kept:
    """All cards in memory. `busy` is the id of the one at work, which only its own job may let go of."""

    def __init__(self, machine: Machine, residency: Residency | None, clock: Callable[[], float]) -> None:
        self.shared = Shared()
        self._machine, self._placed, self._clock = machine, residency, clock
        self._lock = threading.RLock()  # never kept while anything is read or moved
        self._held: OrderedDict[str, Held] = OrderedDict()  # the least recently used first
        self._busy = ""

    @property
    def placing(self) -> Residency:
        """The GPU and what is on it, made at the first use: it brings torch."""
        with self._lock:
            if self._placed is None:
                from studio.engines.diffusion.memory.residency import Residency

                self._placed = Residency(self._machine)
            return self._placed

    @property
    def placed(self) -> Residency | None:
        """The same, if there is one yet."""
        return self._placed

    @property
    def busy(self) -> str:
        """The card at work; "" when none is."""
        return self._busy

    def work(self, name: str) -> None:
        """Say which card is at work from now on; "" for none. What was at work counts as used just now."""
        with self._lock:
            for one in (self._busy, name):
                if one in self._held:
                    self._held[one].used = self._clock()
                    self._held.move_to_end(one)
            self._busy = name

    def get(self, name: str) -> Held | None:
        """A card, if it is in memory."""
        with self._lock:
            return self._held.get(name)

    def keep(self, loaded: Loaded) -> None:
        """Take in a card that was just loaded."""
        held = Held(loaded, self._clock(), total_bytes([loaded]))
        with self._lock:
            self._held[loaded.card.id] = held

    def total(self) -> int:
        """Bytes that all cards hold together; what they share counts once."""
        return total_bytes(self._cards())

    def _cards(self, without: Sequence[str] = ()) -> list[Loaded]:
        with self._lock:
            return [held.loaded for name, held in self._held.items() if name not in without]

    # ------------------------------------------------------------------------------------------------ making room

    def cap(self, ram_gb: float) -> tuple[int, Choice]:
        """Bytes that all cards together may hold, and why. `ram_gb` is the user's own cap, or 0."""
        return budget.cap(self._machine, self.total(), ram_gb)

    def make_room(self, title: str, sizes: dict[str, int], ram_gb: float) -> None:
        """Let go of cards, the least recently used first, until one of these `sizes` (identity → bytes) can be read.

        Raises `Refusal` when even letting go of all that aren't at work wouldn't do, and then lets go of none.
        """
        while gone := self._leaving(title, sizes, ram_gb):
            self.let_go(gone[0])  # and then look again: a job may have taken one up meanwhile

    def _leaving(self, title: str, sizes: dict[str, int], ram_gb: float) -> list[str]:
        with self._lock:
            order = [name for name in self._held if name != self._busy]
        most, _ = self.cap(ram_gb)
        reserve, waiting = budget.reserve(self._machine), total_bytes(self._cards(), "cpu")
        free, most_free = self._machine.free_ram() - reserve, self._machine.ram - reserve

        def need(gone: Sequence[str]) -> int:
            return sum(size for who, size in sizes.items() if not self.shared.users(who) - set(gone))

        def room(gone: Sequence[str]) -> int:
            return min(most_free, free + waiting - total_bytes(self._cards(gone), "cpu"))

        def allowed(gone: Sequence[str]) -> int:
            return most - total_bytes(self._cards(gone))

        gone = budget.evicted(order, need, lambda gone: min(room(gone), allowed(gone)))
        if gone is None and not ram_gb and need(order) <= room(order):
            return order  # one card alone may go over the automatic cap, where it really fits
        if gone is None:
            raise Refusal(*budget.short(title, need(order), room(order), allowed(order)))
        return gone

    def let_go_others(self, keep: str) -> int:
        """Let go of every card but this and the one at work. Returns bytes freed."""
        with self._lock:
            others = [name for name in self._held if name != keep]
        return self._let_go_all(others)

    def let_go_idle(self, seconds: float) -> int:
        """Let go of what hasn't been used for so long, unless a card is at work. Returns bytes freed."""
        with self._lock:
            before = self._clock() - seconds
            old = [name for name, held in self._held.items() if held.used <= before and not self._busy]
        return self._let_go_all(old)

    def _let_go_all(self, names: list[str]) -> int:
        """Forget cards, and sweep once for all of them: it takes a good part of a second. Returns bytes freed."""
        freed = sum(self._forget(name) for name in names)
        if names:
            out_of_memory.sweep()
        return freed

    def let_go(self, name: str, even_busy: bool = False) -> int:
        """Forget a card; not one at work, unless its own job asks. Returns bytes freed.

        Its `Loaded` is emptied, so that whoever still has it doesn't keep the memory.
        """
        freed = self._forget(name, even_busy)
        out_of_memory.sweep()
        return freed

    def _forget(self, name: str, even_busy: bool = False) -> int:
        with self._lock:
            if name not in self._held or (name == self._busy and not even_busy):
                return 0
            before = total_bytes(self._cards())
            held = self._held.pop(name)
            after = total_bytes(self._cards())
        if self._placed is not None:
            self._placed.detach(held.loaded, self._others(name))
        self.shared.leave(name)
        held.loaded.pipe = None
        return before - after

    def _others(self, name: str) -> Callable[[Any], bool]:
        """Whether a component belongs to another card in memory too."""
        with self._lock:
            used = {module for other, held in self._held.items() if other != name for module in held.loaded.modules.values()}
        return used.__contains__

    # ------------------------------------------------------------------------------------------------ placing

    def place(self, held: Held, fit: Fit) -> None:
        """Place a card another way, and narrow its denoisers where that is the way, without reading it again.

        Where only the reasons differ, nothing moves.
        """
        loaded = held.loaded
        if (loaded.fit.placement, loaded.fit.weights) == (fit.placement, fit.weights):
            loaded.fit = fit
            return
        from studio.engines.diffusion.memory.loader import store_fp8

        self.placing.detach(loaded, self._others(loaded.card.id))
        self.placing.retreat()
        for module in loaded.modules.values():
            module.to("cpu")
        if fit.weights == "fp8":
            store_fp8(loaded.pipe, require_checkpoint(loaded.card))
        with self._lock:
            held.loaded = replace(loaded, fit=fit)
            held.bytes = total_bytes([held.loaded])
