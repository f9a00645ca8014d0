"""The best quality of a film whose file is no larger than so many bytes: found by encoding it until it is.

H.264 and HEVC are told their bit rate, in two passes; of the others the quality is halved in on, and where the least is
still too large, the size goes down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from studio.delivery.delivery_plan import DeliveryPlan
from studio.delivery.file_arguments import Aim
from studio.library.disk import size
from studio.nouns import Refusal
from studio.platforms import FileKind

LEAST_KBPS = 40
"""Kilobits a second under which a picture is mud whatever its size."""

CONTAINER_BYTES = 4096
"""What an MP4 takes beside its picture and sound."""

LEAST_BITS = 0.012
"""Bits for a pixel under which H.264 shows blocks: a smaller picture looks better."""

LEAST_SIDE = 160
"""Pixels of the short side under which a loop isn't worth looking at."""

LOWEST = {"webm": 55, "webp": 25, "gif": 79, "avif": 15}
"""The least quality that is tried, by container, as `FileKind.quality` counts it."""

HALF_RATE_FROM, LEAST_RATE = 0.6, 8
"""The share of its sides under which a loop shows every other frame before it gets smaller still, where so many frames
a second are left."""

STEPS, TRIES = 4, 6
"""How often the interval of qualities is halved; how often a rate is corrected, or the size goes down."""

Encode = Callable[[Aim], int]
"""Encodes by an aim and returns the bytes of the file."""


class Found(NamedTuple):
    """The aim whose file stands now, and its bytes."""

    aim: Aim
    bytes: int


def find_aim(encode: Encode, plan: DeliveryPlan, kind: FileKind, sound_bytes: int) -> Found:
    """Encode until the file is small enough; the file of the aim that is returned was written last. Raises `Refusal`
    where nothing is.
    """
    first = Found(Aim(kind.quality), encode(Aim(kind.quality)))
    if not plan.most_bytes or first.bytes <= plan.most_bytes:
        return first
    if kind.codec in ("h264", "hevc"):
        return _find_rate(encode, plan, sound_bytes)
    if kind.codec == "prores":
        raise _refuse(plan, first.bytes)
    return _find_quality(encode, plan, kind, first)


def _find_rate(encode: Encode, plan: DeliveryPlan, sound_bytes: int) -> Found:
    """Two passes at the rate that fills the bytes, corrected by what came of it."""
    room = plan.most_bytes - sound_bytes - CONTAINER_BYTES
    kbps = room * 8 / plan.seconds / 1000 * 0.96
    found = None
    for _ in range(TRIES):
        if kbps < LEAST_KBPS:
            break
        bits = kbps * 1000 / (plan.width * plan.height * float(plan.rate))
        aim = Aim(0, int(kbps), min(1.0, (bits / LEAST_BITS) ** 0.5))
        found = Found(aim, encode(aim))
        if found.bytes <= plan.most_bytes:
            return found
        kbps *= plan.most_bytes / found.bytes * 0.96
    raise _refuse(
        plan, found.bytes if found else round(LEAST_KBPS * 125 * plan.seconds) + sound_bytes + CONTAINER_BYTES
    )


def _find_quality(encode: Encode, plan: DeliveryPlan, kind: FileKind, first: Found) -> Found:
    found, aim = first, Aim(LOWEST[kind.container])
    for _ in range(TRIES):
        found = Found(aim, encode(aim))
        if found.bytes <= plan.most_bytes:
            return _halve_in(encode, plan, kind.quality, found)
        shrink = aim.shrink * max(0.5, min(0.9, (plan.most_bytes / found.bytes) ** 0.5))
        least = min(1.0, LEAST_SIDE / min(plan.width, plan.height))
        if aim.every == 1 and shrink < HALF_RATE_FROM and plan.rate / 2 >= LEAST_RATE:
            aim = aim._replace(every=2)
        elif aim.shrink > least:
            aim = aim._replace(shrink=max(shrink, least))
        else:
            break
    raise _refuse(plan, found.bytes)


def _halve_in(encode: Encode, plan: DeliveryPlan, best: int, found: Found) -> Found:
    """From the lowest quality, which fits, towards the best one."""
    low, high, last = found.aim.quality, best, found
    for _ in range(STEPS):
        middle = (low + high) // 2 if high > low else (low + high + 1) // 2
        if middle in (low, high):
            break
        aim = found.aim._replace(quality=middle)
        last = Found(aim, encode(aim))
        if last.bytes <= plan.most_bytes:
            low, found = middle, last
        else:
            high = middle
    return found if last == found else Found(found.aim, encode(found.aim))


def _refuse(plan: DeliveryPlan, got: int) -> Refusal:
    return Refusal(
        f"This clip can't be made smaller than about {size(got)}; at most {size(plan.most_bytes)} was asked for.",
        "Allow a larger file, or make the clip shorter.",
    )
