"""What is on the GPU: several models at once, each component brought there when it runs, others offloaded when room is
needed.

Built on diffusers' ComponentsManager and group offloading. What stays in system memory is model_cache.py's. One job at
a time runs; what other threads may call is said with each method.

The ComponentsManager's own way to add a component moves all others to memory and forgets its strategy and margin
(diffusers 0.42.1), and its search for what to offload tries all subsets. So here a model is attached and detached
without touching the others, hooks may be added while another model runs, and the search is bounded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any, cast

import torch
from diffusers.hooks.hooks import HookRegistry
from diffusers.modular_pipelines.components_manager import ComponentsManager, custom_offload_with_hook
from torch import nn

from studio.engines.base import Tick
from studio.engines.diffusion.files.manifest import require_checkpoint
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.diffusion.memory.memory_errors import collect_garbage, find_exhausted
from studio.engines.diffusion.memory.model_cache import LoadedModel, count_module_bytes, count_tensor_bytes
from studio.engines.diffusion.memory.placement import GB, VIDEO_RESERVE, estimate_activation, estimate_streamed
from studio.nouns import Progress

MOST_SEARCHED = 12
"""How many components are weighed in all combinations (4096 of them, milliseconds); of more, the largest leave first.
"""

ENCODER_RUN = 1.0
"""GB a text encoder needs to run, besides itself: one prompt is short."""

MOVING = Progress("load", note="Moving the model to the GPU")

_GROUP_HOOKS = ("group_offloading", "layer_execution_tracker", "lazy_prefetch_group_offloading")


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


class OffloadStrategy:
    """The strategy by which hooks make room. `margin` is what the run itself needs, in bytes: the running card's."""

    def __init__(self, free: Callable[[], int]) -> None:
        self.free = free
        self.margin = 0

    def __call__(self, hooks: list[Any], model_id: str, model: nn.Module, execution_device: Any) -> list[Any]:
        """diffusers' signature: the hooks of what is on the GPU, what comes in, and whither; returns those that must
        leave.
        """
        return self.choose(hooks, count_module_bytes(model))

    def choose(self, hooks: list[Any], coming: int) -> list[Any]:
        """Those of `hooks` whose models must leave for `coming` bytes and the run."""
        needed = coming + self.margin - self.free()
        names = set(choose_offloads({hook.model_id: count_module_bytes(hook.model) for hook in hooks}, needed))
        return [hook for hook in hooks if hook.model_id in names]


class GpuComponents(ComponentsManager):
    """diffusers' ComponentsManager, whose collections here are cards, attached and detached one at a time."""

    def __init__(self, device: str, strategy: OffloadStrategy) -> None:
        super().__init__()
        self.device = torch.device(device)
        self.strategy = strategy
        self.hooks: list[Any] = []

    def attach(self, card: str, modules: dict[str, nn.Module]) -> None:
        """Register a card's components. One that another card has registered is shared, whatever either calls it."""
        collection: set[str] = self.collections.setdefault(card, set())
        for name, module in modules.items():
            key = next((key for key, one in self.components.items() if one is module), None)
            if key is None:
                key = self.add(name, module)
                self._hook(key, module)
            collection.add(key)

    def detach(self, card: str) -> list[nn.Module]:
        """Let go of a card's components, and return those no other card uses, off their hooks and where they are."""
        keys: set[str] = self.collections.pop(card, set())
        gone = {key for key in keys if not any(key in others for others in self.collections.values())}
        for hook in [one for one in self.hooks if one.model_id in gone]:
            hook.remove()
        self.hooks = [one for one in self.hooks if one.model_id not in gone]
        for hook in self.hooks:
            hook.hook.other_hooks = [one for one in self.hooks if one is not hook]
        self.added_time = type(self.added_time)((key, when) for key, when in self.added_time.items() if key not in gone)
        return [cast("nn.Module", self.components.pop(key)) for key in gone]

    def list_hooks(self, card: str) -> list[Any]:
        """The hooks of a card's components, the heaviest first."""
        keys = self.collections.get(card, set())
        found = [hook for hook in self.hooks if hook.model_id in keys]
        return sorted(found, key=lambda hook: count_module_bytes(hook.model), reverse=True)

    def list_on_device(self) -> list[Any]:
        """The hooks of what is on the device now."""
        return [hook for hook in self.hooks if hook.model.device == self.device]

    def _hook(self, key: str, module: nn.Module) -> None:
        new = custom_offload_with_hook(key, module, self.device, offload_strategy=cast("Any", self.strategy))
        for other in self.hooks:
            new.add_other_hook(other)
        for other in self.hooks:
            other.hook.other_hooks = [*(other.hook.other_hooks or ()), new]
        self.hooks = [*self.hooks, new]


class Residency:
    """The GPU and what is on it. On a processor there is nothing to place and every method does nothing."""

    def __init__(self, machine: Machine, active: bool | None = None) -> None:
        self.active = machine.cuda if active is None else active
        self._machine = machine
        self._lock = threading.RLock()
        self.strategy = OffloadStrategy(machine.free_vram)
        self.components = GpuComponents(machine.device, self.strategy)
        self._streamed: dict[int, tuple[nn.Module, Any]] = {}

    def activate(self, loaded: LoadedModel, tick: Tick = lambda progress: None, volume: float = 1.0) -> None:
        """Make ready for a run of this card, by the thread that runs it: registered, streamed or brought over as its
        fit says.

        `tick` is called before each component that moves or is pinned, and may raise to stop. `volume` is how large the
        clip is.
        """
        if not self.active:
            return
        with self._lock:
            self.strategy.margin = round(estimate_activation(require_checkpoint(loaded.card).needs, volume) * GB)
            streams = self.find_streamed(loaded)
            for module in [one for one in streams.values() if id(one) not in self._streamed]:
                tick(MOVING)
                self._stream(loaded, module)
            self.components.attach(
                loaded.card.id, {name: one for name, one in loaded.modules.items() if name not in streams}
            )
            own = self.components.list_hooks(loaded.card.id)
            coming = own if loaded.fit.placement == "resident" else []
            self._clear(own, coming)
        for hook in coming:
            if hook.model.device != self.components.device:
                tick(MOVING)
            hook.hook.pre_forward(hook.model)

    def _clear(self, own: list[Any], coming: list[Any]) -> None:
        """Have other cards' components leave for those `coming` and for the run: hooks make room only for what comes
        in, one at a time, and would as soon move out what has just come. Where parts take turns, own ones leave too if
        others don't do."""
        here = self.components.list_on_device()
        size = sum(count_module_bytes(hook.model) for hook in coming if hook not in here)
        others, mine = [hook for hook in here if hook not in own], [hook for hook in here if hook in own and not coming]
        for hooks in (others, mine):
            offloads = self.strategy.choose(hooks, size)
            for hook in offloads:
                hook.offload()
            if offloads:
                collect_garbage()

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

        `kept` says of a streamed component that another card in memory uses it too.
        """
        if not self.active:
            return
        with self._lock:
            self.components.detach(loaded.card.id)
            for module in loaded.modules.values():
                if not kept(module):
                    self._unstream(module)

    def offload_all(self, keep: str = "") -> int:
        """Move everything to memory, card `keep` too; returns the bytes of all but that. Only while no model runs."""
        if not self.active:
            return 0
        with self._lock:
            own = {hook.model_id for hook in self.components.list_hooks(keep)} if keep else set[str]()
            freed = sum(
                count_module_bytes(hook.model) for hook in self.components.list_on_device() if hook.model_id not in own
            )
            for hook in self.components.list_on_device():
                hook.offload()
        collect_garbage()
        return freed

    def count_gpu_bytes(self, loaded: LoadedModel) -> int:
        """Bytes of a card's weights that are on the GPU now. Any thread, at any time."""
        modules = list(loaded.modules.values()) if self.active else []
        return sum(
            count_tensor_bytes(one) for module in modules for one in module.parameters() if one.device.type != "cpu"
        )

    def _stream(self, loaded: LoadedModel, module: nn.Module) -> None:
        """Stream a component to the GPU, block by block. Before each run of it, room is made for the blocks and the
        run.
        """
        module.to("cpu")
        blocks = module in loaded.denoisers
        size = count_module_bytes(module)
        streams = self.components.device.type == "cuda"
        options: dict[str, Any] = {"onload_device": self.components.device, "offload_device": torch.device("cpu")}
        if streams:
            options |= {"use_stream": True, "record_stream": True}
        # Pinned copies are made of everything at once; where memory doesn't hold them, blocks are pinned as they go.
        tight = not streams or self._machine.free_ram() < size + 4 * GB
        attach_pinned(
            module,
            lambda tight: attach_group_offloading(module, {**options, "low_cpu_mem_usage": tight and streams}, blocks),
            tight,
        )
        coming = (
            round(estimate_streamed(require_checkpoint(loaded.card).needs, len(loaded.denoisers)) * GB) if blocks else 0
        )

        def make_room(*_: Any) -> None:
            for hook in self.strategy.choose(self.components.list_on_device(), coming):
                hook.offload()

        self._streamed[id(module)] = (module, module.register_forward_pre_hook(make_room))

    def _unstream(self, module: nn.Module) -> None:
        found = self._streamed.pop(id(module), None)
        if found is None:
            return
        found[1].remove()
        remove_group_offloading(module)
        module.to("cpu")


def attach_pinned(module: nn.Module, attach: Callable[[bool], None], tight: bool) -> None:
    """Attach group offloading, and do it again with `tight` where memory can't be pinned for all of the component at
    once.

    The driver then says "CUDA error: out of memory", as for video memory, though how much may be pinned is the system's
    word.
    """
    for last in (tight, True):
        try:
            attach(last)
            return
        except BaseException as error:
            remove_group_offloading(
                module
            )  # half a set of hooks would be taken for a whole one, and keep the old weights
            if last or not find_exhausted(error):
                raise
        collect_garbage()
        if torch.cuda.is_available() and hasattr(torch.accelerator, "empty_host_cache"):
            torch.accelerator.empty_host_cache()  # or what was pinned would be kept for the next


def attach_group_offloading(module: nn.Module, options: dict[str, Any], blocks: bool) -> None:
    """Group offloading: block by block where the component has blocks, else leaf by leaf (transformers' encoders)."""
    from diffusers.hooks.group_offloading import apply_group_offloading

    if blocks and any(isinstance(one, nn.ModuleList) for one in module.children()):
        apply_group_offloading(module, offload_type="block_level", num_blocks_per_group=1, **options)
    else:
        apply_group_offloading(module, offload_type="leaf_level", **options)


def remove_group_offloading(module: nn.Module) -> None:
    """Take group offloading off a component, also one that it was only begun on."""
    registry = HookRegistry.check_if_exists_or_initialize(module)
    for name in _GROUP_HOOKS:
        registry.remove_hook(name, recurse=True)
