"""A card in memory: its pipeline, and how it was loaded and placed.

Knows what it holds and how many bytes that is. Refuses to know how it came there. Imports without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.cards import ModelCard
from studio.engines.diffusion.families.base import Family
from studio.engines.diffusion.files.manifest import require_checkpoint
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.diffusion.memory.placement import Fit

if TYPE_CHECKING:
    from torch import nn


@dataclass
class Loaded:
    """A card in memory. `took` seconds to load; `reused` names the components that were in memory already.

    `pipe` is None once the card was let go of.
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


def tensor_bytes(tensor: Any) -> int:
    """Bytes of a tensor; of a quantised one, those of what it is made of."""
    if hasattr(tensor, "__tensor_flatten__"):
        return sum(tensor_bytes(getattr(tensor, name)) for name in tensor.__tensor_flatten__()[0])
    return int(tensor.numel() * tensor.element_size())


def module_bytes(module: nn.Module, device: str = "") -> int:
    """Bytes of a component's weights as they are stored now; only those on one kind of device where that is given."""
    tensors = (*module.parameters(), *module.buffers())
    return sum(tensor_bytes(one) for one in tensors if not device or one.device.type == device)


def total_bytes(cards: list[Loaded], device: str = "") -> int:
    """Bytes of several cards together; what they share counts once. Only those on one kind of device where that is given."""
    modules = {id(module): module for loaded in cards for module in loaded.modules.values()}
    return sum(module_bytes(module, device) for module in modules.values())
