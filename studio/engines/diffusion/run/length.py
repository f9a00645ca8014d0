"""Whether a clip's frames fit into this machine's memory, asked before any of them is made.

Knows how often a pipeline holds all of them at once, and the longest clip that fits. Refuses to know weights and the GPU.
Linux doesn't say no to such an array: it kills the process once its pages are touched.
"""

from __future__ import annotations

import math

from studio.cards import Plan
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.diffusion.memory.placement import GB
from studio.engines.diffusion.run import out_of_memory
from studio.engines.prepare import Prepared, prepare
from studio.nouns import Refusal, replace

ON_GPU, ON_PROCESSOR = 2, 3
"""How many whole clips in float32 are in memory at once, in diffusers 0.42.1, whatever the family.

`VaeImageProcessor.pt_to_numpy` makes the first (`.cpu()...float()`), and `VideoProcessor.postprocess_video` copies it with
`np.stack` while it is still there; `Family.made` is a view of that. On a processor what the VAE decoded is there as well
(FramePack's and Helios' `history_video`, which grows by sections), and `denormalize` makes two more before the other two exist.
"""

HEADROOM = 1.1
"""Sections give some frames more than are kept (Helios 33 for 32), and the rest of the program wants to go on, too."""


class TooLong(MemoryError):
    """A clip whose frames wouldn't fit: out of the machine's memory, but seen beforehand."""


def needed(now: Plan, machine: Machine) -> int:
    """Bytes that the frames of a run take in this machine's memory at the worst moment."""
    clips = ON_GPU if machine.cuda else ON_PROCESSOR
    return round(now.num_frames * now.width * now.height * 3 * 4 * clips * HEADROOM)


def check(now: Plan, machine: Machine) -> None:
    """Raises `TooLong` for a run whose frames don't fit into what is free now."""
    if needed(now, machine) > machine.free_ram():
        raise TooLong


def refusal(prepared: Prepared, machine: Machine) -> Refusal:
    """What is said of a clip that is too long: the longest that fits, in whole seconds, and whether a smaller size would do."""
    shot, now, free = prepared.shot, prepared.plan, machine.free_ram()

    def fits(seconds: int) -> bool:
        return needed(prepare(replace(shot, seconds=float(seconds)), prepared.card).plan, machine) <= free

    longest = next((one for one in range(math.floor(shot.seconds), 0, -1) if fits(one)), 0)
    plans = (less.plan for less in out_of_memory.smaller(prepared))
    smaller = any(less.width * less.height < now.width * now.height for less in plans)
    possible = (
        *((f"{longest} second{'s' * (longest > 1)} or less",) if longest else ()),
        *(("a smaller size",) if smaller else ()),
    )
    return Refusal(
        f"The frames of this clip ({now.width}x{now.height}, {now.num_frames} frames) take {needed(now, machine) / GB:.1f} GB"
        f" of this machine's memory while they are put together, and {free / GB:.1f} GB are free.",
        f"Choose {', or '.join(possible)}." if possible else "Close other programs, or choose a model that makes smaller clips.",
    )
