"""Out of memory in a job: what is tried, in order, so that it still ends in a clip.

Which memory an error speaks of is memory/memory_errors.py's; how a fallback is done is the model manager's and the VAE
decode's. Nothing is ever shrunk without the consent given in the shot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from studio import nouns
from studio.cards import Plan
from studio.engines.diffusion.memory.memory_errors import Memory
from studio.engines.prepare import Prepared, prepare
from studio.nouns import Choice, Refusal, Size
from studio.photo.crop import SHORT_SIDES

SHORTER = 0.67
"""How much of its length a clip keeps at each step down: about two thirds, so that two steps halve it."""

FAILS = 3
"""How often a fallback that may be taken again may fail: as many ways of placing weights as there are below the first.
"""


# Fallbacks ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fallback:
    """One thing to try. `helps` says which memories it frees; `take` does it and says so, or None where it can do
    nothing.

    `take` is given the memory that ran out. `often`: it may be taken again and again, until it can do nothing more.
    """

    helps: tuple[Memory, ...]
    take: Callable[[Memory], Choice | None]
    often: bool = False


class Fallbacks:
    """The fallbacks of one job, from the one that costs least. One that can do nothing at the time is passed over, and
    kept.

    One that fails itself is spent; one that may be taken often, once it has failed `FAILS` times: it may get further
    each time.
    """

    def __init__(self, fallbacks: Iterable[Fallback]) -> None:
        self._fallbacks = list(fallbacks)
        self._failed: list[Fallback] = []
        self.taken: list[Choice] = []

    def next(self, memory: Memory) -> Choice | None:
        """Take the next fallback that helps with this memory, and say what it did; None when there is none left.

        What a fallback raises comes out; the next call goes on from there.
        """
        for fallback in list(self._fallbacks):
            try:
                choice = fallback.take(memory) if memory in fallback.helps else None
            except Exception:
                self._failed.append(fallback)
                if not fallback.often or self._failed.count(fallback) == FAILS:
                    self._fallbacks.remove(fallback)
                raise
            if choice is not None:
                if not fallback.often:
                    self._fallbacks.remove(fallback)
                self.taken.append(choice)
                return choice
        return None


def list_smaller(prepared: Prepared) -> Iterator[Prepared]:
    """The same shot made ever smaller, seed and all else kept: first fewer frames, then smaller frames; the mildest
    first.

    Each is what the card really makes of it, and each is less than the one before.
    """
    while (found := _shorter(prepared)) is not None:
        prepared = found
        yield found
    while (found := _lower(prepared)) is not None:
        prepared = found
        yield found


def _shorter(prepared: Prepared) -> Prepared | None:
    """About two thirds of the length, or the next length the card makes; None when there is none."""
    card, now = prepared.card, prepared.plan
    lengths = card.checkpoint.lengths if card.checkpoint else None
    if lengths is None:
        return None
    for frames in (round(now.num_frames * SHORTER), now.num_frames - lengths.step):
        less = prepare(nouns.replace(prepared.shot, seconds=max(1.0, min(60.0, frames / now.fps))), card)
        if less.plan.num_frames < now.num_frames:
            return less
    return None


def _lower(prepared: Prepared) -> Prepared | None:
    """The next named size under the present one at which the card makes fewer pixels; None when there is none."""
    now = prepared.plan
    below: list[Size] = [size for size, short in SHORT_SIDES.items() if short <= min(now.width, now.height)]
    for size in sorted(below, key=SHORT_SIDES.__getitem__, reverse=True):
        less = prepare(nouns.replace(prepared.shot, size=size), prepared.card)
        if less.plan.width * less.plan.height < now.width * now.height:
            return less
    return None


def describe_shrink(before: Plan, after: Plan) -> Choice:
    """What a step down changed, for the recipe."""
    if after.num_frames < before.num_frames:
        was, now, what = f"{before.num_frames} frames", f"{after.num_frames} frames", "shorter"
    else:
        was, now, what = f"{before.width}x{before.height}", f"{after.width}x{after.height}", "smaller"
    return Choice(
        "memory", f"{what}: {now}", f"{was} didn't fit in memory, and a smaller clip was allowed; the seed is the same"
    )


def refuse_out_of_memory(memory: Memory, taken: list[Choice], may_shrink: bool, now: Plan) -> Refusal:
    """The refusal when nothing is left to try, in the user's words: what ran out, what was tried, what would help."""
    which = "The GPU's memory" if memory == "video" else "This machine's memory"
    tried = f" Tried: {'; '.join(choice.value for choice in taken)}." if taken else ""
    size = f"{now.width}x{now.height}, {now.num_frames} frames"
    reason = f"{which} doesn't suffice for this clip ({size}).{tried}"
    if not may_shrink:
        return Refusal(
            reason, "Allow a smaller clip should memory run out, or choose a smaller size or a shorter length."
        )
    close = "Close other programs that use the GPU" if memory == "video" else "Close other programs"
    return Refusal(reason, f"{close}, or choose a model that needs less memory.")
