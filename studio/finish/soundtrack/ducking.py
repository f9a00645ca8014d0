"""Ducking: when one sound is heard, how far another steps back for it, and how smoothly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studio.clip.sound import RATE

Samples = NDArray[np.float32]

DEEPEST = 20.0
"""dB by which music steps back at most: what WCAG 2.2, success criterion 1.4.7, asks between speech and its
background."""

ATTACK, HOLD, RELEASE = 0.15, 0.35, 0.6
"""Seconds: it has stepped back when the voice begins, stays there over pauses between words, and comes back."""

_HOP = RATE // 100
_HEARD = 0.06  # of a sound's loud parts (its 95th percentile), 24 dB below them, is heard


def find_activity(samples: Samples) -> NDArray[np.bool_]:
    """Whether a sound (2, samples) is heard, every 10 ms."""
    whole = np.pad(samples.mean(axis=0), (0, -samples.shape[1] % _HOP)).reshape(-1, _HOP)
    level = np.sqrt((whole**2).mean(axis=1))
    level = np.convolve(np.pad(level, 2, mode="edge"), np.full(5, 0.2), "valid")
    return level > max(_HEARD * float(np.percentile(level, 95)), 1e-4)


def duck_under(samples: Samples, key: Samples, depth: float) -> Samples:
    """A sound (2, samples) that steps back by `depth` dB while `key`, as long as it, is heard."""
    if depth <= 0 or not key.any():
        return samples
    curve = -depth * _ramp(find_activity(key))
    at = (np.arange(samples.shape[1]) + 0.5) / _HOP - 0.5
    decibels = np.interp(at, np.arange(len(curve)), curve).astype(np.float32)
    return samples * np.float32(10) ** (decibels / 20)


def _ramp(active: NDArray[np.bool_]) -> NDArray[np.float64]:
    """0..1 every 10 ms: 1 while active and over pauses of `HOLD`, risen before it begins and fallen after it ends."""
    place = np.arange(len(active))
    last = np.maximum.accumulate(np.where(active, place, -len(active) * 100))
    following = np.minimum.accumulate(np.where(active, place, len(active) * 100)[::-1])[::-1]
    since, until = (place - last) / 100, (following - place) / 100
    after = 1 - np.clip((since - HOLD) / RELEASE, 0, 1)
    before = 1 - np.clip(until / ATTACK, 0, 1)
    between = (since + until < HOLD + ATTACK).astype(float)
    made = np.maximum.reduce([after, before, between])
    return made * made * (3 - 2 * made)  # no corner where it begins or ends
