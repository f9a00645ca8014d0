"""What is on the GPU: several models at once, each component brought there when it runs, others leaving when room is
needed.

What stays in host memory is host_copies.py's: leaving costs nothing, and coming back is a copy. diffusers'
ComponentsManager, which did this before, copies weights back when they leave, and its search for what leaves tries all
subsets. One job at a time runs; what other threads may call is said with each method.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import torch
from accelerate.hooks import ModelHook, add_hook_to_module, remove_hook_from_module
from accelerate.utils import send_to_device
from torch import nn

from studio.engines.base import Tick
from studio.engines.diffusion.files.manifest import require_checkpoint
from studio.engines.diffusion.memory.host_copies import HostCopies
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.diffusion.memory.memory_errors import empty_device_cache
from studio.engines.diffusion.memory.model_cache import (
    LoadedModel,
    count_module_bytes,
    count_tensor_bytes,
    find_reserve,
)
from studio.engines.diffusion.memory.pinned_memory import Pinner, count_pinned_bytes
from studio.engines.diffusion.memory.placement import (
    ENCODER_RUN,
    GB,
    VIDEO_RESERVE,
    estimate_activation,
    estimate_streamed,
)
from studio.engines.diffusion.memory.streaming import attach_streaming, pin_streamed, remove_streaming
from studio.nouns import Progress

MOST_SEARCHED = 12
"""How many components are weighed in all combinations (4096 of them, milliseconds); of more, the largest leave first.
"""

PINNED_SHARE = 0.5
"""Of all memory, what may be pinned: the system can't take it back, and Windows grants no more than half."""

MOVING = Progress("load", note="Moving the model to the GPU")


def choose_offloads(sizes: dict[str, int], needed: int) -> list[str]:
    """Which of these are moved out to free `needed` bytes: the combination that frees least beyond it, all if none
    suffices.
    """
    if needed <= 0 or not sizes:
        return []
    names = sorted(sizes, key=lambda name: sizes[name], reverse=True)
    if len(names) > MOST_SEARCHED:
        first = names[0]
        rest = {name: size for name, size in sizes.items() if name != first}
        return [first, *choose_offloads(rest, needed - sizes[first])]
    best: Sequence[str] = names
    for count in range(1, len(names) + 1):
        for some in combinations(names, count):
            freed = sum(sizes[name] for name in some)
            if needed <= freed < sum(sizes[name] for name in best):
                best = some
    return list(best)


def find_pinnable(machine: Machine) -> int:
    """Bytes more that may be pinned: a share of all memory, and never what the system itself needs."""
    share = round(PINNED_SHARE * machine.ram) - count_pinned_bytes()
    return min(share, machine.free_ram() - find_reserve(machine))


class BringHook(ModelHook):
    """accelerate's hook on a component: before it runs, or its VAE encodes or decodes, it is brought to the device."""

    def __init__(self, bring: Callable[[nn.Module], None], device: torch.device) -> None:
        self.execution_device = device
        self._bring = bring

    def pre_forward(self, module: nn.Module, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """accelerate's signature. Bring the component, and send what it is given where it is."""
        self._bring(module)
        return send_to_device(args, self.execution_device), send_to_device(kwargs, self.execution_device)


class Residency:
    """The GPU and what is on it. On a processor there is nothing to place and every method does nothing.

    `copies` are given by tests; `margin` is what the run itself needs, in bytes: the running card's.
    """

    def __init__(self, machine: Machine, active: bool | None = None, copies: HostCopies | None = None) -> None:
        self.active = machine.cuda if active is None else active
        self.device = torch.device(machine.device)
        self.margin = 0
        self.pinner = Pinner(self.device, lambda: find_pinnable(machine))
        self.copies = copies or HostCopies(self.device, self.pinner)
        self._machine = machine
        self._lock = threading.RLock()
        self._cards: dict[str, list[nn.Module]] = {}  # what takes turns, by card, the heaviest first
        self._streamed: dict[int, tuple[nn.Module, Any]] = {}

    def activate(self, loaded: LoadedModel, tick: Tick = lambda progress: None, volume: float = 1.0) -> None:
        """Make ready for a run of this card, by the thread that runs it: attached, streamed or brought over as its fit
        says.

        `tick` is called before each component that moves, and may raise to stop. `volume` is how large the clip is.
        """
        if not self.active:
            return
        with self._lock:
            self.margin = round(estimate_activation(require_checkpoint(loaded.card).needs, volume) * GB)
            streams = self.find_streamed(loaded)
            coming = [one for one in streams.values() if id(one) not in self._streamed]
            for module in sorted(
                coming, key=lambda one: one not in loaded.denoisers
            ):  # who come first are pinned first
                tick(MOVING)
                self._stream(loaded, module)
            own = self._attach(loaded.card.id, [one for name, one in loaded.modules.items() if name not in streams])
            coming = own if loaded.fit.placement == "resident" else []
            self._clear(own, coming)
        for module in coming:
            if not self.copies.is_here(module):
                tick(MOVING)
                self._bring(module)

    def _attach(self, card: str, modules: list[nn.Module]) -> list[nn.Module]:
        """Have a card's components take turns. One that another card has attached is shared."""
        own = sorted({id(one): one for one in modules}.values(), key=count_module_bytes, reverse=True)
        for module in own:
            if not isinstance(getattr(module, "_hf_hook", None), BringHook):
                add_hook_to_module(module, BringHook(self._bring, self.device))
        self._cards[card] = own
        return own

    def list_here(self) -> list[nn.Module]:
        """The components that take turns and are on the device now."""
        modules = {id(module): module for own in list(self._cards.values()) for module in own}
        return [module for module in modules.values() if self.copies.is_here(module)]

    def _bring(self, module: nn.Module) -> None:
        """A component is about to run: others leave for it and for the run, and it comes."""
        if self.copies.is_here(module):
            return
        self._free(self.list_here(), count_module_bytes(module) + self.margin)
        self.copies.bring(module)

    def _free(self, modules: list[nn.Module], needed: int) -> int:
        """Have some of these leave, until so many bytes are free or all have left. Returns the bytes that left."""
        sizes = {str(index): count_module_bytes(module) for index, module in enumerate(modules)}
        leaving = choose_offloads(sizes, needed - self._machine.free_vram())
        for index in leaving:
            self.copies.leave(modules[int(index)])
        if leaving:
            empty_device_cache()
        return sum(sizes[index] for index in leaving)

    def _clear(self, own: list[nn.Module], coming: list[nn.Module]) -> None:
        """Have other cards' components leave for those `coming` and for the run: hooks make room only for what comes
        in, one at a time, and would as soon have that leave which has just come. Where parts take turns, own ones leave
        too if others don't do."""
        here = self.list_here()
        needed = sum(count_module_bytes(one) for one in coming if not self.copies.is_here(one)) + self.margin
        owned = {id(one) for one in own}
        self._free([one for one in here if id(one) not in owned], needed)
        if not coming:
            self._free([one for one in here if id(one) in owned], needed)

    def make_room(self, loaded: LoadedModel, needed: int, keep: nn.Module) -> int:
        """Have what isn't needed any more leave before a decode that takes `needed` bytes: other cards' components
        first, then this card's own but `keep`, its VAE. Returns the bytes that left; the next run brings them back.
        """
        if not self.active:
            return 0
        with self._lock:
            owned = {id(one) for one in loaded.modules.values()}
            here = [one for one in self.list_here() if one is not keep]
            freed = self._free([one for one in here if id(one) not in owned], needed)
            return freed + self._free([one for one in here if id(one) in owned], needed)

    def find_streamed(self, loaded: LoadedModel) -> dict[str, nn.Module]:
        """The components that are streamed: those that are already, denoisers of a grouped card, and what never fits
        alone.
        """
        names = require_checkpoint(loaded.card).denoisers if loaded.fit.placement == "grouped" else ()
        most = self._machine.vram - (VIDEO_RESERVE + ENCODER_RUN) * GB
        return {
            name: module
            for name, module in loaded.modules.items()
            if name in names
            or id(module) in self._streamed
            or (count_module_bytes(module) > most and "vae" not in name)
        }

    def detach(self, loaded: LoadedModel, kept: Callable[[nn.Module], bool] = lambda module: False) -> None:
        """Take a card off, before it is placed another way or let go of. Any thread, for a card that doesn't run.

        Its components that no other card has attached leave the device. `kept` says of a streamed one that another card
        in memory uses it too.
        """
        if not self.active:
            return
        with self._lock:
            gone = self._cards.pop(loaded.card.id, [])
            used = {id(module) for own in self._cards.values() for module in own}
            for module in [one for one in gone if id(one) not in used]:
                remove_hook_from_module(module)
                self.copies.release(module)
            for module in loaded.modules.values():
                if not kept(module):
                    self._unstream(module)

    def offload_all(self, keep: str = "") -> int:
        """Have everything leave, card `keep` too; returns the bytes of all but that. Only while no model runs."""
        if not self.active:
            return 0
        with self._lock:
            own = {id(module) for module in self._cards.get(keep, ())}
            here = self.list_here()
            for module in here:
                self.copies.leave(module)
        empty_device_cache()
        return sum(count_module_bytes(module) for module in here if id(module) not in own)

    def count_gpu_bytes(self, loaded: LoadedModel) -> int:
        """Bytes of a card's weights that are on the GPU now. Any thread, at any time."""
        modules = list(loaded.modules.values()) if self.active else []
        return sum(
            count_module_bytes(module)
            if self.copies.is_here(module)
            else sum(count_tensor_bytes(one) for one in module.parameters() if one.device.type != "cpu")
            for module in modules
        )

    def _stream(self, loaded: LoadedModel, module: nn.Module) -> None:
        """Stream a component to the GPU. Before each run of it, room is made for the blocks and the run."""
        self.copies.release(module)
        blocks = module in loaded.denoisers
        attach_streaming(module, self.device, blocks)
        known = weakref.ref(module)  # what is let go of before its turn isn't held for it
        self.pinner.do_later(lambda: pin_streamed(known(), self.pinner))
        needs = require_checkpoint(loaded.card).needs
        coming = round(estimate_streamed(needs, len(loaded.denoisers)) * GB) if blocks else 0

        def make_room(*_: Any) -> None:
            self._free(self.list_here(), coming + self.margin)

        self._streamed[id(module)] = (module, module.register_forward_pre_hook(make_room))

    def _unstream(self, module: nn.Module) -> None:
        found = self._streamed.pop(id(module), None)
        if found is not None:
            found[1].remove()
            remove_streaming(module)
