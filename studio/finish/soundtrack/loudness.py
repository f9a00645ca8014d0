"""Loudness by ITU-R BS.1770-5 (EBU R 128), and sound brought to a target in two passes: measured, then changed by one
gain for all of it; a limiter works only where a peak would pass the ceiling.

Sound stays at 48 kHz throughout. Checked against ffmpeg's `ebur128` and the signals of EBU Tech 3341 in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.clip.sound import RATE
from studio.clip.sound_reader import read_sound
from studio.frames import Sound
from studio.nouns import Format

Samples = NDArray[np.float32]
"""(2, samples) at 48 kHz."""

SILENCE = -70.0
"""LUFS and dBTP of what is silent: BS.1770's absolute gate. Nothing is reported below."""

SHORT = 3.0
"""Seconds under which a sound is measured as it is heard where clips play over and over: end to end, for twice this
long. Integrated loudness gates blocks of 400 ms, and of one or two seconds it has too few, or at 0.3 s none."""

MOST_GAIN = 24.0
"""The most by which sound is made louder, in dB: beyond it the noise of a nearly silent recording would be heard."""

MOST_LIMITING = 9.0
"""The most that the limiter takes off a peak, in dB; what would need more stays quieter than its target."""

HEADROOM: dict[Format, float] = {"mp4": 0.7, "webm": 1.2}
"""dB by which the ceiling of a track is lowered before it is coded: what AAC at 192 and Opus at 128 kb/s raise peaks of
noise and speech by. Of drums it is more: coded_level.py tries."""

_HOP = RATE // 10
_BLOCK = 1 << 18
_TAIL = 1 << 14  # the K filter's response has fallen by 200 dB after so many samples
_REACH = 16  # samples to each side that the oversampled peak looks at
_STEP = 32  # samples that share one value of the limiter's gain
_HOLD = 30  # steps: 20 ms over which the limiter's gain falls and rises


class Loudness(NamedTuple):
    """How loud a sound is: integrated in LUFS, its true peak in dBTP; repeated: it is shorter than `SHORT`."""

    integrated: float
    true_peak: float
    repeated: bool = False

    @property
    def is_silent(self) -> bool:
        """Whether nothing in it passes the absolute gate."""
        return self.integrated <= SILENCE


class Levelled(NamedTuple):
    """A sound brought to a target: what it was and is, the gain in dB, and the most dB the limiter took off."""

    sound: Sound
    before: Loudness
    after: Loudness
    gain: float
    limited: float


def measure_loudness(sound: Sound) -> Loudness:
    """Integrated loudness and true peak; mono counts as heard from both sides. 48 kHz only: raises `ValueError`."""
    if sound.rate != RATE:
        raise ValueError(f"loudness is measured at {RATE} Hz, not {sound.rate}")
    samples = as_stereo(sound.samples)
    length = samples.shape[1]
    if not length or not samples.any():
        return Loudness(SILENCE, SILENCE, length < SHORT * RATE)
    peak = max(float(block.max()) for block in _list_peaks(samples))
    short = length < SHORT * RATE
    heard = np.tile(samples, -(-int(2 * SHORT * RATE) // length)) if short else samples
    return Loudness(_integrate(_measure_hops(heard)), max(SILENCE, _to_decibels(peak)), short)


def measure_file(file: Path) -> Loudness:
    """Loudness of a file's first sound, decoded in a bounded process. Raises `NoSound` (sound_reader)."""
    return measure_loudness(read_sound(file, 0.0, 3600.0))


def level_sound(sound: Sound, target: float, ceiling: float) -> Levelled:
    """Bring a sound to `target` LUFS with no true peak over `ceiling` dBTP. What is silent stays as it is.

    One gain for all of it, at most `MOST_GAIN`; where peaks would pass the ceiling they are limited by at most
    `MOST_LIMITING`, and what that takes of the loudness is given back once.
    """
    before = measure_loudness(sound)  # the first pass
    if before.is_silent:
        return Levelled(sound, before, before, 0.0, 0.0)
    most = min(MOST_GAIN, ceiling + MOST_LIMITING - before.true_peak)
    gain = min(target - before.integrated, most)
    samples = as_stereo(sound.samples)
    for _ in range(3):
        made, limited = _limit(samples * np.float32(10 ** (gain / 20)), ceiling)
        if not limited:  # one gain changes both figures by itself
            after = Loudness(before.integrated + gain, before.true_peak + gain, before.repeated)
            break
        after = measure_loudness(Sound(made, RATE))
        short = min(target - after.integrated, most - gain)
        if abs(short) < 0.05:
            break
        gain += short
    return Levelled(Sound(made, RATE), before, after, gain, limited)


def as_stereo(samples: Samples) -> Samples:
    """(2, samples): mono is copied to both sides, of more than two channels the first two are taken, and what is not a
    number is silence."""
    wide = samples[None] if samples.ndim == 1 else samples
    wide = np.repeat(wide, 2, axis=0) if len(wide) == 1 else wide[:2]
    return np.nan_to_num(wide, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32, copy=False)


# BS.1770-5 annex 1 --------------------------------------------------------------------------------------------------

_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
_HIGHPASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))


@cache
def _weigh_frequencies() -> NDArray[np.complex128]:
    """The K weighting (tables 1 and 2) at the frequencies of a block's transform."""
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(_BLOCK + _TAIL))
    made = np.ones_like(z)
    for above, below in (_SHELF, _HIGHPASS):
        made *= np.polyval(above[::-1], z) / np.polyval(below[::-1], z)
    return made


def _measure_hops(samples: Samples) -> NDArray[np.float64]:
    """The weighted energy of every whole 100 ms, both channels together."""
    left = np.zeros((2, _TAIL))
    rest = np.empty((2, 0))
    found: list[NDArray[np.float64]] = []
    for at in range(0, samples.shape[1], _BLOCK):
        block = samples[:, at : at + _BLOCK]
        size = block.shape[1]
        made = np.fft.irfft(np.fft.rfft(block, _BLOCK + _TAIL) * _weigh_frequencies(), _BLOCK + _TAIL)
        made[:, :_TAIL] += left
        left = made[:, size : size + _TAIL].copy()
        rest = np.concatenate((rest, made[:, :size]), axis=1)
        whole = rest.shape[1] // _HOP * _HOP
        found.append((rest[:, :whole].reshape(2, -1, _HOP) ** 2).mean(axis=2).sum(axis=0))
        rest = rest[:, whole:]
    return np.concatenate(found)


def _integrate(hops: NDArray[np.float64]) -> float:
    """Gated loudness of blocks of 400 ms that overlap by three quarters, in LUFS."""
    energy = np.convolve(hops, np.full(4, 0.25), "valid")
    energy = energy[_to_lufs(energy) > SILENCE]
    if not energy.size:
        return SILENCE
    energy = energy[_to_lufs(energy) > _to_lufs(energy.mean()) - 10]
    return float(_to_lufs(energy.mean()))


def _to_lufs(energy: NDArray[np.float64] | np.floating) -> NDArray[np.float64]:
    return -0.691 + 10 * np.log10(np.maximum(energy, 1e-12))


def _to_decibels(amplitude: float) -> float:
    return 20 * float(np.log10(max(amplitude, 1e-9)))


# Peaks between samples, annex 2 -------------------------------------------------------------------------------------


@cache
def _interpolate_phases() -> NDArray[np.float32]:
    """Three filters that give the values at 1/4, 2/4 and 3/4 between two samples: a sinc under a Kaiser window."""
    place = np.arange(-_REACH + 1, _REACH + 1)
    made = [
        np.sinc(place - part / 4) * np.kaiser(8 * _REACH + 1, 8)[4 * _REACH + 4 * place - part] for part in (1, 2, 3)
    ]
    return np.array([row / row.sum() for row in made], np.float32)


def _list_peaks(samples: Samples) -> Iterator[NDArray[np.float32]]:
    """The largest of every `_STEP` samples and of three values between each two, both channels together, in blocks of
    `_BLOCK` samples; the sound is taken to begin again at its end."""
    size = samples.shape[1]
    for at in range(0, size, _BLOCK):
        place = np.arange(at - _REACH, min(at + _BLOCK, size) + _REACH)
        near = np.take(samples, place, axis=1, mode="wrap")
        most = np.abs(near).max(axis=0)
        for taps in _interpolate_phases():
            between = cv2.sepFilter2D(near, cv2.CV_32F, taps, np.ones(1, np.float32), anchor=(_REACH - 1, 0))
            np.maximum(most, np.abs(between).max(axis=0), out=most)
        most = most[_REACH:-_REACH]
        yield np.pad(most, (0, -len(most) % _STEP)).reshape(-1, _STEP).max(axis=1)


def _limit(samples: Samples, ceiling: float) -> tuple[Samples, float]:
    """Sound with no true peak over `ceiling` dBTP, and the most dB that was taken off. The gain is one for both
    channels, falls 20 ms ahead of a peak, rises as slowly after it, and is continuous where the sound begins again."""
    peaks = np.concatenate(list(_list_peaks(samples)))
    most = 10 ** (ceiling / 20)
    if peaks.max() <= most:
        return samples, 0.0
    need = np.pad(np.minimum(1.0, most / np.maximum(peaks, 1e-9)), _HOLD, mode="wrap")
    lowest = np.lib.stride_tricks.sliding_window_view(np.pad(need, _HOLD // 2 + 1, mode="edge"), _HOLD + 3).min(axis=1)
    window = np.hanning(_HOLD + 1 + 2)[1:-1]
    gain = np.convolve(lowest, window / window.sum(), "same")[_HOLD - 1 : -_HOLD + 1]
    at = (np.arange(samples.shape[1]) + 0.5) / _STEP + 0.5
    made = samples * np.interp(at, np.arange(len(gain)), gain).astype(np.float32)
    peak = max(float(block.max()) for block in _list_peaks(made))
    return made * np.float32(min(1.0, most / peak)), -_to_decibels(float(gain.min()))
