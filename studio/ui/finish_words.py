"""A finish in words for people: "a reel of 3 clips", "cut, slowed, music, 2 titles"."""

from __future__ import annotations

from studio.finish_nouns import Finish

LOOPS = {"cut": "looped", "dissolve": "looped", "flow": "looped", "ping_pong": "there and back"}


def describe_finish(finish: Finish) -> str:
    """What was done to a clip, in the order it was done; "as it was" for nothing."""
    mix, factors = finish.mix, [point.factor for point in finish.speed]
    slower, faster = any(factor < 1 for factor in factors), any(factor > 1 for factor in factors)
    said = [
        f"a reel of {len(finish.clips)} clips" if len(finish.clips) > 1 else "",
        "cut" if finish.trim else "",
        "reversed" if finish.reverse else "",
        "with a speed ramp" if slower and faster else "slowed" if slower else "sped up" if faster else "",
        LOOPS.get(finish.loop, ""),
        f"held {finish.hold:g} s" if finish.hold else "",
        f"{finish.fps} fps by motion interpolation" if finish.fps else "",
        "deflickered" if finish.deflicker else "",
        "colour held" if finish.keep_colour else "",
        "grain" if finish.grain else "",
        _count(len(finish.titles), "title"),
        "logo" if finish.logo else "",
        "music" if mix.music else "",
        "voice" if mix.voice else "",
        *(one.kind if one.kind != "room" else "room tone" for one in mix.ambience),
    ]
    return ", ".join(filter(None, said)) or "as it was"


def _count(number: int, noun: str) -> str:
    return "" if not number else f"{number} {noun}s" if number > 1 else f"a {noun}"
