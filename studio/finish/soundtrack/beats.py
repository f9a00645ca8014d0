"""Beats of music: onsets by spectral flux, one tempo by autocorrelation, beat times by dynamic programming, bars by
where the harmony changes.

After Ellis, Beat Tracking by Dynamic Programming, J. New Music Res. 36(1), 51-60, 2007, and Davies and Plumbley, A
Spectral Difference Approach to Downbeat Extraction in Musical Audio, EUSIPCO 2006, on NumPy alone.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.clip.sound import RATE
from studio.frames import Sound

Floats = NDArray[np.float32]

SLOWEST, FASTEST = 55.0, 190.0
"""Beats a minute that are looked for."""

CLEAR = 0.27
"""How periodic onsets must be for a beat to be spoken of: noise, rain, wind and sustained chords stay below 0.2,
drums are above 0.3 even where the tempo wanders (tests/finish/test_beats.py)."""

_HOP = 240  # 5 ms
_WINDOW = 1024
_BANDS = 36
_LIKELY, _WIDTH = 120.0, 0.8  # beats a minute that are tapped most, and the deviation in octaves
_TIGHT = 120.0  # how much an even beat counts against strong onsets
_TRIAL = 6000  # frames of the middle on which tempos are tried: 30 s
_PRESS = 15.0  # how much the loudest band is compressed: more of it, and a weak note counts as much as a strong one
_LAG = 0.0064  # seconds by which the flux peaks before the onset it belongs to


class Beats(NamedTuple):
    """The beats of a sound: seconds, ascending, how much begins anew at each (the larger, the likelier a bar begins
    there), beats a minute, and how clear the beat is: 0 none at all, 1 perfectly periodic."""

    times: Floats
    change: Floats
    tempo: float
    clarity: float

    @property
    def is_clear(self) -> bool:
        """Whether there is a beat that a cut would be felt on."""
        return self.clarity >= CLEAR and len(self.times) > 3


def find_beats(sound: Sound) -> Beats:
    """Beats of a sound at 48 kHz; less than two seconds have none."""
    samples = sound.samples.mean(axis=0) if sound.samples.ndim == 2 else sound.samples
    onsets = _measure_onsets(samples)
    if len(onsets) < 2 * RATE // _HOP or not onsets.any():
        return Beats(np.empty(0, np.float32), np.empty(0, np.float32), 0.0, 0.0)
    period, clarity = _find_period(onsets)
    frames = _follow(onsets, period)
    strength = _find_near(onsets, frames)
    heard = np.flatnonzero(strength > 0.3 * np.median(strength))  # before the first and after the last, it is a guess
    inner = slice(heard[0], heard[-1] + 1) if heard.size else slice(0)
    times = frames[inner] * (_HOP / RATE) + _LAG
    change = _measure_change(samples, times, period * _HOP / RATE)
    return Beats(times.astype(np.float32), change, 60 * RATE / _HOP / period, clarity)


def _find_near(onsets: Floats, frames: NDArray[np.int64]) -> Floats:
    """The strongest onset within 10 ms of each of these frames."""
    return np.stack([np.roll(onsets, shift) for shift in (-2, -1, 0, 1, 2)]).max(axis=0)[frames]


def _measure_change(samples: Floats, times: NDArray[np.float64], period: float) -> Floats:
    """How far what sounds below 1.4 kHz from each beat to the next differs from what sounded before it, 0..1, the
    drums' own attacks left out."""
    size = 1 << round(np.log2(0.7 * period * RATE))
    kept = round(1400 * size / RATE)
    window = np.hanning(size)
    spectra = np.zeros((len(times), kept))
    for number, time in enumerate(times):
        start = round((time + 0.2 * period) * RATE)
        part = samples[start : start + size]
        found = np.sqrt(np.abs(np.fft.rfft(np.pad(part, (0, size - len(part))) * window))[2:kept])
        spectra[number, 2:] = found / max(float(np.linalg.norm(found)), 1e-9)
    alike = (spectra[1:] * spectra[:-1]).sum(axis=1)
    return np.append(0.0, 1 - alike).astype(np.float32)[: len(times)]


@cache
def _spread_bands() -> Floats:
    """(bins, bands): which share of each frequency belongs to which of the bands, spaced as the ear does (mel)."""
    hertz = np.fft.rfftfreq(_WINDOW, 1 / RATE)
    edges = 700 * (10 ** (np.linspace(0, np.log10(1 + 16000 / 700), _BANDS + 2)) - 1)
    rise = (hertz[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - hertz[:, None]) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(rise, fall), 0, None).astype(np.float32)


def _weigh_bands() -> Floats:
    """How much each band counts: what is low, drum and bass, as much as all that is higher."""
    return (1 + 5 * np.exp(-np.arange(_BANDS) / 4)).astype(np.float32)


def _measure_onsets(samples: Floats) -> Floats:
    """How much louder all bands together become, every 5 ms, less what is usual around; deviation 1."""
    padded = np.pad(samples.astype(np.float32), (_WINDOW // 2, _WINDOW))
    count = len(samples) // _HOP
    view = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:count]
    window = np.hanning(_WINDOW).astype(np.float32)
    bands = np.empty((count, _BANDS), np.float32)
    for at in range(0, count, 4096):
        spectrum = np.abs(np.fft.rfft(view[at : at + 4096] * window)).astype(np.float32)
        bands[at : at + 4096] = spectrum @ _spread_bands()
    bands = np.log1p(bands * (_PRESS / max(float(np.percentile(bands.max(axis=1), 95)), 1e-9)))
    rise = np.maximum(0, bands[2:] - bands[:-2]) @ _weigh_bands()
    flux = np.pad(rise, (1, 1))[:count]
    usual = np.convolve(np.pad(flux, 40, mode="edge"), np.full(81, 1 / 81), "valid")[:count]
    made = np.maximum(0, flux - usual)
    made = np.convolve(made, np.array([0.25, 0.5, 0.25]), "same")
    return (made / max(float(made.std()), 1e-9)).astype(np.float32)


def _find_period(onsets: Floats) -> tuple[float, float]:
    """Frames between two beats, and how clear they are."""
    size = 1 << (2 * len(onsets) - 1).bit_length()
    centred = onsets - onsets.mean()
    spectrum = np.fft.rfft(np.convolve(centred, np.hanning(13) / 6, "same"), size)
    alike = np.fft.irfft(np.abs(spectrum) ** 2, size)[: len(onsets)]
    alike = alike / max(alike[0], 1e-9) / np.linspace(1, 0.02, len(onsets)).clip(0.25)
    rate = 60 * RATE / _HOP
    lags = np.arange(round(rate / FASTEST), min(round(rate / SLOWEST), len(onsets) // 2 - 2) + 1)
    score = np.zeros(len(lags))
    for times, weight in ((1, 1.0), (2, 0.5), (4, 0.25)):
        place = np.minimum(lags * times, len(alike) - 2)
        score += (
            weight * np.maximum.reduce([alike[place - 1], alike[place], alike[place + 1]]) * (lags * times < len(alike))
        )
    score = np.maximum(score, 0) * np.exp(-0.5 * (np.log2(rate / lags / _LIKELY) / _WIDTH) ** 2)
    middle = max(0, (len(onsets) - _TRIAL) // 2)
    part = onsets[middle : middle + _TRIAL]
    tried: dict[int, float] = {}
    for _ in range(4):  # two thirds of the tempo, or twice as fast, repeat as well: beats are where onsets are strong
        best = int(score.argmax())
        lag = int(lags[best])
        tried[lag] = score[best] * float(np.sqrt(_find_near(part, _follow(part, lag))).mean())
        score[(lags > lag * 0.92) & (lags < lag * 1.08)] = 0
    lag = max(tried, key=lambda one: tried[one])
    return _refine(alike, lag), float(alike[lag - 1 : lag + 2].max())


def _refine(alike: NDArray[np.float64], lag: int) -> float:
    """A lag to a fraction of a frame: from its eighth, fourth or second multiple where there is one, else itself."""
    for times in (8, 4, 2):
        at, reach = lag * times, times
        if at + reach + 1 < len(alike):
            found = at - reach + int(alike[at - reach : at + reach + 1].argmax())
            if alike[found] > 0.4 * alike[lag]:
                return found / times
    return float(lag)


def _follow(onsets: Floats, period: float) -> NDArray[np.int64]:
    """The frames of the beats: strong onsets, as evenly spaced as they can be."""
    spread = np.exp(-0.5 * (np.arange(-round(period), round(period) + 1) * 32 / period) ** 2)
    local = np.convolve(onsets, spread, "same")
    back = np.arange(-round(2 * period), -round(period / 2) + 1)
    cost = -_TIGHT * np.log(-back / period) ** 2
    total, before = local.astype(np.float64).copy(), np.full(len(local), -1)
    for at in range(len(local)):
        first = max(0, -(at + back[0]))
        if first >= len(back):
            continue
        reached = total[at + back[first] : at + back[-1] + 1] + cost[first:]
        if not reached.size:
            continue
        best = int(reached.argmax())
        if reached[best] > 0:
            total[at] += reached[best]
            before[at] = at + back[first] + best
    tail = round(1.5 * period)
    at = len(total) - tail + int(total[-tail:].argmax())
    found: list[int] = []
    while at >= 0:
        found.append(at)
        at = int(before[at])
    return np.array(found[::-1], np.int64)
