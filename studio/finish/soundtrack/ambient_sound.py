"""Ambience synthesised from noise and single events: water, wind, rain, fire, room tone. Of no recording, so free of
rights; the same seed gives the same sound.

Spectra and rates are published ones. Room: octave bands fall by 5 dB an octave, the neutral RC curve of ANSI/ASA S12.2.
Wind: third-octave bands of turbulence fall as f^-2, and intensity grows with the 3.8th power of the wind's speed, that
of the A-weighted part with the 2.26th (Boersma, J. Acoust. Soc. Am. 101, 2104, 1997); gusts are of a -5/3 spectrum
(Kaimal et al., Q. J. R. Meteorol. Soc. 98, 563, 1972). Fire: roar as f^-2.5 (Chadwick and James, Animating Fire with
Sound, ACM Trans. Graph. 30(4), 2011) and crackles whose sizes follow a power law. Rain: impacts are white up to 15 kHz
(Nystuen, J. Acoust. Soc. Am. 79, 972, 1986), of drops as frequent as Marshall and Palmer found (J. Meteorol. 5, 165,
1948). Water: bubbles that ring at 3/r Hz and die away at 0.13/r + 0.0072 r^-1.5 a second (Minnaert 1933; van den Doel,
Physically based models for liquid sounds, ACM Trans. Appl. Percept. 2(4), 2005).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from studio.clip.sound import RATE
from studio.finish.soundtrack.loudness import measure_loudness
from studio.frames import Sound
from studio.nouns import Ambience

Samples = NDArray[np.float32]
Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Power density over frequency in Hz."""

LOUDEST, QUIETEST = -22.0, -46.0
"""LUFS at an amount of 1 and of 0."""

_EARS = 0.25  # metres between two ears or microphones: below 500 Hz both hear the same
_CHUNK, _SEAM = 60.0, 2.0  # seconds that are synthesised at once, and that are blended where two meet


def synthesise(ambience: Ambience, seconds: float, seed: int) -> Samples:
    """(2, samples) float32 at 48 kHz, as loud as its amount says. Its end runs into its beginning without a seam."""
    length = max(1, round(seconds * RATE))
    rng = np.random.default_rng([seed, *ambience.kind.encode()])
    make = _KINDS[ambience.kind]
    made = make(rng, length) if seconds <= _CHUNK else _join_chunks(make, rng, length)
    wanted = QUIETEST + (LOUDEST - QUIETEST) * ambience.amount
    return made * np.float32(10 ** ((wanted - measure_loudness(Sound(made, RATE)).integrated) / 20))


def _join_chunks(make: Callable[..., Samples], rng: np.random.Generator, length: int) -> Samples:
    """Chunks that are blended where they meet, the last one into the first; equal power, as they are independent."""
    count = -(-length // round((_CHUNK - _SEAM) * RATE))
    starts = np.linspace(0, length, count + 1).astype(int)
    seam = round(_SEAM * RATE)
    rise = np.sin(np.linspace(0, np.pi / 2, seam, dtype=np.float32))
    made = np.zeros((2, length), np.float32)
    for start, end in pairwise(starts):
        chunk = make(rng, end - start + seam)
        chunk[:, :seam] *= rise
        chunk[:, -seam:] *= rise[::-1]
        made[:, start:end] += chunk[:, :-seam]
        made[:, (at := end % length) : at + seam] += chunk[:, -seam:]
    return made


# Noise ---------------------------------------------------------------------------------------------------------------


def _make_noise(rng: np.random.Generator, length: int, curve: Curve) -> Samples:
    """Periodic noise of this power density, RMS 1. The sides are as alike as a diffuse field is at two points `_EARS`
    apart (Cook et al., J. Acoust. Soc. Am. 27, 1072, 1955)."""
    at = np.fft.rfftfreq(length, 1 / RATE)
    gain = np.sqrt(np.where(at > 15, curve(np.maximum(at, 1.0)), 0.0)).astype(np.float32)
    alike = np.sinc(2 * at * _EARS / 343).astype(np.float32)
    both = rng.standard_normal((2, 2, at.size), np.float32)
    one, other = both[:, 0] + 1j * both[:, 1]
    sides = np.stack([one, alike * one + np.sqrt(1 - alike**2) * other])
    made = np.fft.irfft(sides * gain, length).astype(np.float32)
    return made / np.float32(max(np.sqrt(np.mean(made**2)), 1e-12))


def _wander(rng: np.random.Generator, length: int, slope: float, slowest: float, fastest: float) -> Samples:
    """A slow periodic curve of mean 0 and deviation 1 whose power falls as f^slope between two frequencies in Hz."""
    steps = max(8, length * 100 // RATE)
    at = np.fft.rfftfreq(steps, length / RATE / steps)
    power = np.where((at > 0) & (at <= fastest), np.maximum(at, slowest) ** slope, 0.0)
    made = np.fft.irfft(np.sqrt(power) * (rng.standard_normal(at.size) + 1j * rng.standard_normal(at.size)), steps)
    made /= max(float(made.std()), 1e-12)
    place = np.arange(length, dtype=np.float64) * (steps / length)
    return np.interp(place, np.arange(steps + 1), np.append(made, made[0])).astype(np.float32)


def _band(low: float, high: float, order: float = 2.0) -> Curve:
    """Flat from `low` to `high` Hz, falling by 6 dB an octave for each `order` beyond."""
    return lambda at: 1 / ((1 + (low / at) ** (2 * order)) * (1 + (at / high) ** (2 * order)))


# Events --------------------------------------------------------------------------------------------------------------


def _scatter(rng: np.random.Generator, length: int, rate: float) -> NDArray[np.int64]:
    """Samples at which events begin, `rate` a second, at random."""
    return rng.integers(0, length, rng.poisson(rate * length / RATE))


def _add_event(made: Samples, start: int, event: NDArray[np.floating], side: float) -> None:
    """Lay an event down at a place from left (-1) to right (1), with equal power; beyond the end it goes on at the
    beginning."""
    length = made.shape[1]
    event = event[:length]
    head = event[: length - start]
    angle = (side + 1) * np.pi / 4
    for channel, gain in zip(made, (np.cos(angle), np.sin(angle)), strict=True):
        channel[start : start + head.size] += head * gain
        channel[: event.size - head.size] += event[head.size :] * gain


def _add_bubbles(made: Samples, rng: np.random.Generator, rate: float, smallest: float, largest: float) -> None:
    """Bubbles of `smallest` to `largest` mm in radius, few of either; a third of them rise in pitch as they near the
    surface."""
    for start in _scatter(rng, made.shape[1], rate):
        radius = smallest * (largest / smallest) ** rng.beta(1.2, 1.8) / 1000
        decay = 0.13 / radius + 0.0072 * radius**-1.5
        at = np.arange(int(7 / decay * RATE)) / RATE
        rising = 0.1 * decay if rng.random() < 0.33 else 0.0
        ring = np.sin(2 * np.pi * 3 / radius * at * (1 + rising * at / 2)) * np.exp(-decay * at)
        ring *= np.minimum(1, at * RATE / 24) * rng.random() ** 2 * (radius * 1000) ** 0.5
        _add_event(made, int(start), ring, rng.uniform(-0.8, 0.8))


def _make_room(rng: np.random.Generator, length: int) -> Samples:
    slope = -1 - 5 / (10 * np.log10(2))  # 5 dB an octave of octave bands, whose width doubles
    return _make_noise(rng, length, lambda at: at**slope * _band(28, 9000)(at))


def _make_wind(rng: np.random.Generator, length: int) -> Samples:
    speed = np.maximum(0.4, 1 + 0.35 * _wander(rng, length, -5 / 3, 0.06, 3.0))
    made = _make_noise(rng, length, lambda at: at**-3.0 * _band(35, 9000)(at)) * speed**1.9
    for number, hertz in enumerate((260, 560, 1200, 2600)):  # what is blown at, higher as the wind rises
        local = speed * (1 + 0.12 * _wander(rng, length, -5 / 3, 0.2, 4.0))
        rustle = _make_noise(rng, length, _band(hertz * 0.8, hertz * 1.25))
        made += rustle * 0.34 * 0.62**number * np.maximum(local, 0.1) ** (1.13 + 0.35 * number)
    return made


def _make_rain(rng: np.random.Generator, length: int) -> Samples:
    made = _make_noise(rng, length, _band(450, 12000, 1.0)) * np.float32(0.10)
    made *= 1 + 0.05 * _wander(rng, length, -1.0, 0.2, 2.0)
    at = np.arange(RATE // 80) / RATE
    for start in _scatter(rng, length, 260):
        width = min(2.6, rng.exponential(0.45) + 0.6)  # mm: an exponential share of each size
        fall = np.exp(-at * rng.uniform(700, 2200) / width)
        impact = rng.standard_normal(at.size) * fall * np.minimum(1, at * RATE / 6)
        near = rng.random() ** 3
        _add_event(made, int(start), impact * 0.05 * width**2.2 * near, rng.uniform(-1, 1))
    _add_bubbles(drips := np.zeros_like(made), rng, 5, 0.7, 2.4)
    return made + drips * np.float32(0.12)


def _make_water(rng: np.random.Generator, length: int) -> Samples:
    made = _make_noise(rng, length, lambda at: at**-0.8 * _band(180, 5000)(at)) * np.float32(0.3)
    made *= 1 + 0.18 * _wander(rng, length, -1.0, 0.3, 6.0)
    _add_bubbles(made, rng, 420, 0.7, 14.0)
    return made


def _make_fire(rng: np.random.Generator, length: int) -> Samples:
    lapping = np.maximum(0.25, 1 + 0.3 * _wander(rng, length, -1.0, 0.4, 9.0))
    made = _make_noise(rng, length, lambda at: at**-2.5 * _band(45, 12000)(at)) * lapping
    hiss = np.maximum(0.0, 1 + 0.8 * _wander(rng, length, -1.0, 0.3, 12.0))
    made += _make_noise(rng, length, _band(2500, 9000)) * np.float32(0.035) * hiss
    at = np.arange(RATE // 25) / RATE
    for first in _scatter(rng, length, 7):
        for later in rng.exponential(0.05, rng.geometric(0.5)).cumsum():  # a crackle seldom comes alone
            size = min(14.0, (1 - rng.random()) ** -0.7)  # power law: many small ones, few that bang
            decay = rng.uniform(500, 2400) / size**0.3
            snap = rng.standard_normal(at.size) + 0.5 * np.sin(2 * np.pi * rng.uniform(900, 4200) / size**0.3 * at)
            snap *= np.exp(-decay * at) * np.minimum(1, at * RATE / 8) * 0.6 * size * rng.uniform(0.3, 1)
            _add_event(made, int(first + later * RATE) % length, snap, rng.uniform(-0.7, 0.7))
    return made


_KINDS = {"water": _make_water, "wind": _make_wind, "rain": _make_rain, "fire": _make_fire, "room": _make_room}
