"""Which moment of a clip each frame of the finished one shows: trim, reverse, speed ramp, rate, loop and hold.

Moments are in frames of the clip, from 0, and may lie between two. A speed ramp with factor f at the share u of the
clip takes the time T = D * integral of du / f(u), D being the clip's length. f is linear between points, so that a
stretch from a to b takes ln(b / a) / (b - a) of what it would at speed 1, and the moment at a time has a closed form:
the length is exact and no frame ever goes backwards.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.finish.clip_frames import Facts
from studio.nouns import Finish, Refusal, SpeedPoint

Floats = NDArray[np.float64]

LONGEST, LONGEST_REEL = 60.0, 180.0
"""Seconds of the longest clip that is made, of one clip and of several."""

FAST = 2.0
"""Frames of a clip by which it goes on from one shown frame to the next, from which none is interpolated: what lies
between wouldn't be missed."""

NEAR = 0.04
"""How near to a frame of the clip a moment is shown as that frame."""

EVEN = 0.002
"""By how much a clip's rate may differ from a whole number and still be played at that."""


class Timeline(NamedTuple):
    """What each shown frame is made of, N of them at `fps`.

    at: (N,) moments. to: (N,) moments they are blended with, share: (N,) 0..1 how much of that; 0 where nothing is.
    between: how many of the frames lie between two of the clip and are interpolated.
    """

    at: Floats
    to: Floats
    share: Floats
    fps: int
    between: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.at) / self.fps

    @property
    def is_forward(self) -> bool:
        """Whether the clip's frames are needed in their order, each once."""
        return not self.share.any() and bool((np.diff(self.at) >= 0).all())


def find_rate(rate: float) -> int:
    """The whole rate that a clip is played at: its own, or the lowest multiple up to 60 that is whole; else the nearest
    one up to 60."""
    for times in (1, 2, 3, 4, 5, 6):
        near = round(rate * times)
        if near and near <= 60 and abs(rate * times - near) <= EVEN * near:
            return near
    return min(60, max(1, round(rate)))


def lay_out(finish: Finish, facts: Facts, wraps: bool = False) -> Timeline:
    """The moments of a clip that are shown, before its loop is closed and its end held. Raises `Refusal`.

    wraps: the clip's last frame is followed by its first one.
    """
    first, last = _cut(finish, facts)
    count = last - first
    whole = wraps and count == facts.num_frames
    own = find_rate(facts.rate)
    rate = float(own) if abs(facts.rate - own) <= EVEN * own else facts.rate
    fps = finish.fps or own
    length = _stretch(finish.speed) * count / rate
    _check_length(length, finish)
    shown = round(length * fps)
    if shown < 2:
        raise Refusal("Of this clip not even two frames would be left.", "Use more of it, or play it slower.")
    moment = _play(finish.speed, (np.arange(shown) / shown)) * count
    if not finish.fps and not finish.speed:
        moment = np.floor(moment + 1e-6)
    moment = np.minimum(moment, count - (1e-6 if whole else 1))
    return _settle(first + (count - 1 - moment if finish.reverse else moment), fps, facts.num_frames, whole)


def _settle(at: Floats, fps: int, count: int, wraps: bool) -> Timeline:
    """Moments near to a frame, or in a stretch that runs fast, become that frame."""
    near = np.rint(at)
    step = np.abs(np.gradient(at)) if len(at) > 1 else np.zeros(1)
    plain = (np.abs(at - near) <= NEAR) | (step >= FAST)
    at = np.where(plain, near, at)
    at = np.where(at < 0, at + count, at) if wraps else np.clip(at, 0, count - 1)
    at = np.where(at > count - NEAR, 0.0, at) if wraps else at
    return Timeline(at, at, np.zeros(len(at)), fps, int((~plain).sum()))


def _cut(finish: Finish, facts: Facts) -> tuple[int, int]:
    """The first frame that is used, and the one after the last. Raises `Refusal`."""
    if finish.trim is None:
        return 0, facts.num_frames
    start, end = finish.trim.start, finish.trim.end or facts.seconds
    about = f"The clip lasts {facts.seconds:.2f} s"
    if start >= facts.seconds or end > facts.seconds + 1 / facts.rate:
        at = start if start >= facts.seconds else end
        raise Refusal(f"{about}: there is nothing at {at:g} s.", "Trim it within its length.")
    first, last = round(start * facts.rate), min(facts.num_frames, round(end * facts.rate))
    if last - first < 2:
        raise Refusal("Of this clip not even two frames would be left.", "Let the trim end after it begins.")
    return first, last


def _check_length(seconds: float, finish: Finish) -> None:
    most = LONGEST_REEL if len(finish.clips) > 1 else LONGEST
    if seconds > most + 1e-6:
        raise Refusal(f"That would last {seconds:.1f} s.", f"Keep it within {most:g}: trim it, or play it faster.")


# Speed ----------------------------------------------------------------------------------------------------------------


def _list_points(speed: tuple[SpeedPoint, ...]) -> list[tuple[float, float]]:
    """The ramp from 0 to 1: (share of the clip, factor), sorted; of two at one place the later is a jump."""
    points = sorted(((point.at, point.factor) for point in speed), key=lambda one: one[0]) or [(0.0, 1.0)]
    return [(0.0, points[0][1]), *points, (1.0, points[-1][1])]


def _take(a: float, b: float) -> float:
    """How many times as long a stretch takes at a speed that goes evenly from a to b: 1 / their logarithmic mean."""
    return 1 / a if abs(b - a) < 1e-9 * a else math.log(b / a) / (b - a)


def _stretch(speed: tuple[SpeedPoint, ...]) -> float:
    """How many times as long a clip takes with this ramp."""
    points = _list_points(speed)
    return sum((right[0] - left[0]) * _take(left[1], right[1]) for left, right in pairwise(points))


def _play(speed: tuple[SpeedPoint, ...], time: Floats) -> Floats:
    """The share of the clip that has gone by at these times, both 0..1 of the whole."""
    gone, clock, total = np.zeros_like(time), 0.0, _stretch(speed)
    for (u, a), (v, b) in pairwise(_list_points(speed)):
        if v <= u:
            continue
        takes = (v - u) * _take(a, b) / total
        inside = np.clip(time - clock, 0.0, takes) * total
        rise = (b - a) / (v - u)
        part = a * inside if abs(b - a) < 1e-9 * a else a * np.expm1(rise * inside) / rise
        gone += np.minimum(part, v - u)
        clock += takes
    return gone


# Loop and hold --------------------------------------------------------------------------------------------------------


def count_blend(finish: Finish, shown: int, fps: int) -> int:
    """Frames over which a loop's end is blended into its beginning; 0 where it isn't. At most a third of the clip."""
    if finish.loop not in ("dissolve", "flow"):
        return 0
    return max(1, min(round(finish.blend * fps), shown // 3))


def close_loop(line: Timeline, finish: Finish, seam: tuple[int, int] | None = None) -> Timeline:
    """The timeline with its loop closed and its end held. Raises `Refusal`.

    seam: the shown frames (i, j) between which it loops, found by loop_seam.py: the frame after j is i. A blend mixes
    the frames up to j with those before i. None: the whole clip, as far as a blend leaves it.
    """
    if finish.loop and finish.hold:
        raise Refusal("A loop has no last frame that could be held.", "Choose one of the two.")
    shown, blend = len(line.at), count_blend(finish, len(line.at), line.fps)
    first, last = seam or (blend, shown - 1)
    if finish.loop == "ping_pong":
        line = _list_frames(line, [*range(shown), *range(shown - 2, 0, -1)])
    elif finish.loop:
        whole, line = line, _list_frames(line, list(range(first, last + 1)))
        if blend:
            line.to[-blend:] = whole.at[first - blend : first]
            line.share[-blend:] = np.arange(1, blend + 1) / (blend + 1)
    held = round(finish.hold * line.fps)
    if held:
        line = _list_frames(line, [*range(shown), *[shown - 1] * held])
    _check_length(line.seconds, finish)
    return line


def _list_frames(line: Timeline, which: list[int]) -> Timeline:
    at = line.at[which]
    between = int((np.abs(at - np.rint(at)) > 1e-9).sum())
    return Timeline(at, line.to[which].copy(), line.share[which].copy(), line.fps, between)
