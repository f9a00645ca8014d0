"""Easing: how far along a camera is at any time, through the joints between its legs, and round a loop.

A camera of several legs doesn't stop at a joint: around it one leg's speed dies away while the next one's rises, both
along a smooth step, so that together they stay what they were. A leg's way is the integral of its speed, which makes it
smooth.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from studio.nouns import Camera, Ease, Speed

JOINT = 0.25  # how far into either leg a joint reaches, of a leg's time
ENDS: dict[Ease, tuple[float, float]] = {
    "smooth": (0.6, 0.6), "linear": (0.0, 0.0), "ease_in": (0.75, 0.0), "ease_out": (0.0, 0.75),
}  # fmt: skip
"""How long the first leg takes to reach its speed and the last one to lose it, of a leg's time."""

SPEEDS: dict[Speed, float] = {"slow": 0.6, "normal": 1.0, "fast": 1.4}
"""How far a move goes in the same time, of its amount."""

TURNING = 0.25  # the least of both for a loop, which turns at its ends


def ease(kind: Ease, x: float) -> float:
    """How far along at time x, both 0..1."""
    if kind == "linear":
        return x
    if kind == "ease_in":
        return x * x
    if kind == "ease_out":
        return x * (2 - x)
    return x * x * (3 - 2 * x)


def sway(kind: Ease, t: float) -> float:
    """How far along at time t (0..1) of a loop: there by the middle, back by the end, never with a jolt."""
    swing = (1 - math.cos(2 * math.pi * t)) / 2
    if kind == "linear":  # a triangle with rounded corners
        return 0.5 - math.asin(0.95 * math.cos(2 * math.pi * t)) / (2 * math.asin(0.95))
    power = {"ease_in": 1.5, "ease_out": 0.75}.get(kind, 1.0)
    return swing**power


def progress(camera: Camera, t: float) -> NDArray[np.float64]:
    """How far along each leg is, 0..1, at time t (0..1) of the clip; a loop goes there by the middle and back by the
    end.
    """
    if not camera.then:
        return np.array([sway(camera.ease, t) if camera.loop else ease(camera.ease, t)])
    return along(camera, _ease_once(camera, t))


def along(camera: Camera, way: float) -> NDArray[np.float64]:
    """How far along each leg is where this share (0..1) of the whole way's time has gone, there only and not back."""
    count = 1 + len(camera.then)
    if count == 1:
        return np.array([way])
    found: list[float] = []
    for leg in range(count):
        rise, fall = _find_ramps(camera, leg)
        x = way * count - leg
        found.append((_run(x, *rise) - _run(x, *fall)) / (_run(2.0, *rise) - _run(2.0, *fall)))
    return np.array(found)


def presence(camera: Camera, t: float) -> NDArray[np.float64]:
    """How much each leg is at work, 0..1 and 1 together, at time t: for what goes nowhere, as a hand's unrest."""
    legs = np.arange(1 + len(camera.then))
    joints = [_step(_ease_once(camera, t) * len(legs) - joint, -JOINT, JOINT) for joint in legs[1:]]
    return np.array([1.0, *joints]) - np.array([*joints, 0.0])


def _ease_once(camera: Camera, t: float) -> float:
    return 1 - abs(1 - 2 * t) if camera.loop else t


def _find_ramps(camera: Camera, leg: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Between which times of its own (0..1) a leg's speed rises, and between which it dies away."""
    begin, finish = (max(one, TURNING if camera.loop else 0.0) for one in ENDS[camera.ease])
    rise = (-JOINT, JOINT) if leg else (0.0, begin)
    fall = (1 - JOINT, 1 + JOINT) if leg < len(camera.then) else (1 - finish, 1.0)
    return rise, fall


def _step(x: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, a smooth step between."""
    if high <= low:
        return float(x >= high)
    y = min(1.0, max(0.0, (x - low) / (high - low)))
    return y * y * (3 - 2 * y)


def _run(x: float, low: float, high: float) -> float:
    """The integral of that step up to x."""
    if high <= low:
        return max(0.0, x - high)
    y = min(1.0, max(0.0, (x - low) / (high - low)))
    return (high - low) * (y**3 - y**4 / 2) + max(0.0, x - high)
