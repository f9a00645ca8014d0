"""How much memory models may hold, and which of them are let go of to stay within it.

Knows arithmetic, and says the reason for the cap. Refuses to know what a model is: bytes and names in, names out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from studio.engines.diffusion.memory.machine import Machine
from studio.engines.diffusion.memory.placement import GB, SYSTEM_RESERVE
from studio.nouns import Choice

SHARE = 0.7
"""Of all memory, what models may hold: the rest is for frames, the encoder, the page and the system's file cache."""


def cap(machine: Machine, held: int, ram_gb: float) -> tuple[int, Choice]:
    """Bytes that all loaded cards together may hold, and why. They hold `held` now; `ram_gb` is the user's own cap, or 0."""
    if ram_gb > 0:
        return round(ram_gb * GB), Choice("memory cap", f"{ram_gb:g} GB", "set in Settings")
    others = max(0, machine.ram - machine.free_ram() - held)
    room = max(0, round(SHARE * machine.ram) - others)
    why = f"{SHARE:.0%} of {machine.ram / GB:.0f} GB, less the {others / GB:.1f} GB that other programs use"
    return room, Choice("memory cap", f"{room / GB:.1f} GB", why)


def evicted(order: Sequence[str], need: Callable[[Sequence[str]], int], room: Callable[[Sequence[str]], int]) -> list[str] | None:
    """Which cards are let go of, the least recently used first: as few as will do, None when even all of them don't.

    `order` lists those that may go, the oldest first. `need` and `room` tell, for a number of cards that are gone, the bytes
    the new card takes then (it may share with one that stays) and the bytes there are for it.
    """
    for count in range(len(order) + 1):
        gone = order[:count]
        if need(gone) <= room(gone):
            return list(gone)
    return None


def short(title: str, need: int, room: int, allowed: int) -> tuple[str, str]:
    """Reason and remedy where `room`, what is really free, or `allowed`, what the user's cap leaves, doesn't suffice."""
    if need <= room:
        return (
            f"{title} needs {need / GB:.1f} GB of memory, and Settings allow models {max(0, allowed) / GB:.1f} GB.",
            "Raise the memory cap in Settings, or set it back to automatic.",
        )
    return (
        f"{title} needs {need / GB:.1f} GB of memory to load, and {max(0, room) / GB:.1f} GB is free.",
        "Close other programs, choose a model that needs less, or use the built-in Parallax.",
    )


def reserve(machine: Machine) -> int:
    """Bytes of free memory that a load leaves alone: on a small machine a tenth of it."""
    return round(min(SYSTEM_RESERVE * GB, 0.1 * machine.ram))
