"""When each clip of a reel is shown: one after the other, dissolved into each other, or cut on the music's beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from studio.finish.soundtrack.beats import Beats
from studio.nouns import Choice, Join

STEPS = (16, 8, 4, 2, 1)
"""Beats that a clip may be shown for."""

SHORTEST = 0.35
"""Seconds that a clip is shown for at least, however fast the beat."""

BAR = 4
"""Beats of a bar: most music is in four."""


class Part(NamedTuple):
    """Where a clip, by its place in the reel, is shown: from frame `start` to before frame `end` of the reel; over its
    last `blend` frames it dissolves into the next one, whose first frames they are."""

    clip: int
    start: int
    end: int
    blend: int = 0


def lay_out_reel(
    seconds: Sequence[float], join: Join, fps: int, beats: Beats | None
) -> tuple[tuple[Part, ...], tuple[Choice, ...]]:
    """The parts of a reel of clips that last so many seconds, and what was chosen. beats: of the music, None without
    any.

    Each clip is shown from its beginning; what a cut on the beat leaves over at its end isn't seen.
    """
    if join.how == "beat" and beats is not None and beats.is_clear:
        return _cut_on_beats(seconds, fps, beats)
    frames = [max(1, round(one * fps + 1e-6)) for one in seconds]
    blend = round(join.seconds * fps) if join.how == "dissolve" else 0
    parts: list[Part] = []
    start = 0
    for number, count in enumerate(frames):
        after = frames[number + 1] if number + 1 < len(frames) else 0
        over = min(blend, count // 2, after // 2)
        parts.append(Part(number, start, start + count, over))
        start += count - over
    return tuple(parts), _explain(join, beats, len(parts))


def _explain(join: Join, beats: Beats | None, count: int) -> tuple[Choice, ...]:
    if join.how == "beat":
        why = "there is no music whose beat they could follow" if beats is None else "the music has no clear beat"
        return (Choice("cuts", "at the ends of the clips", why),)
    how = f"dissolved over {join.seconds:g} s" if join.how == "dissolve" and join.seconds else "cut"
    return (Choice("cuts", how, f"{count} clips in their order"),)


def _cut_on_beats(seconds: Sequence[float], fps: int, beats: Beats) -> tuple[tuple[Part, ...], tuple[Choice, ...]]:
    """Cuts on the frame that is shown when a beat is heard. A clip is shown for as many of STEPS as it lasts; the first
    one until a beat that begins a bar, where there is one; a clip that ends before the next beat is cut at its end."""
    times, accents = beats.times.astype(float), _find_accents(beats)
    period = 60 / beats.tempo
    parts: list[Part] = []
    start, missed = 0, 0
    for number, length in enumerate(seconds):
        most = start + max(1, round(length * fps + 1e-6))
        at = start / fps
        within = np.flatnonzero((times >= at + SHORTEST) & (times * fps <= most + 0.5))
        end = most
        if within.size:
            end = min(most, round(times[_choose_beat(within, accents, times - at, period, number == 0)] * fps))
        elif number < len(seconds) - 1:
            missed += 1
        parts.append(Part(number, start, max(start + 1, end)))
        start = parts[-1].end
    why = f"{beats.tempo:.0f} beats a minute were found in it"
    why += f"; {missed} {'clip ends' if missed == 1 else 'clips end'} before the next beat" if missed else ""
    return tuple(parts), (Choice("cuts", "on the beat of the music", why),)


def _find_accents(beats: Beats) -> np.ndarray:
    """Which beats begin a bar: every fourth, of the four ways to count the one at which most begins anew."""
    change = [beats.change[phase::BAR].mean() for phase in range(min(BAR, len(beats.times)))]
    return np.arange(len(beats.times)) % BAR == int(np.argmax(change))


def _choose_beat(within: np.ndarray, accents: np.ndarray, after: np.ndarray, period: float, is_first: bool) -> int:
    """The beat that a clip is shown until, of those it reaches; after: seconds from the clip's beginning to each."""
    strong = within[accents[within]]
    if is_first:
        return int(strong[-1] if strong.size else within[-1])
    longest = after[within[-1]] / period
    step = next(step for step in STEPS if step <= longest + 0.5 or step == 1)
    if step >= BAR and strong.size:  # back on the beginning of a bar
        return int(strong[np.abs(after[strong] / period - step).argmin()])
    return int(within[np.abs(after[within] / period - step).argmin()])
