"""A track as long as the clip: read from its in-point, looped where it is shorter, faded, brought to a common
loudness."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.clip.sound import RATE
from studio.clip.sound_reader import NoSound, read_sound
from studio.finish.soundtrack.beats import find_beats
from studio.finish.soundtrack.loudness import measure_loudness
from studio.frames import Sound
from studio.nouns import Attachment, Refusal, Track

Samples = NDArray[np.float32]
FindFile = Callable[[Attachment], Path]
"""Where an attachment lies; raises `Refusal` when it isn't here any more."""

REFERENCE = -18.0
"""LUFS of music, voice and the clip's own sound before their gains: as loud as each other, whatever the file."""

SEAM = 0.4
"""Seconds over which the end of a looped track is blended into its beginning."""

EDGE = 0.005
"""Seconds in which sound begins or ends where no fade is asked for: no click."""

ALIGN = 0.012
"""Seconds by which the period of a loop may be changed so that its seam is in phase: a period of 80 Hz; as a rhythm it
isn't heard."""

LEAST = 0.2
"""Seconds of sound after the in-point without which there is nothing to play."""


def read_track(track: Track, seconds: float, find_file: FindFile, circular: bool = False) -> Samples:
    """(2, samples) at 48 kHz of exactly `seconds`, at `REFERENCE` and its own gain. circular: the clip plays over and
    over; without fades its end is then blended into its beginning.

    Raises `Refusal` for a file that is gone, damaged, or shorter than the in-point.
    """
    length = round(seconds * RATE)
    blended = circular and track.loop and not (track.fade_in or track.fade_out)
    needed = length + (round(SEAM * RATE) if blended else 0)
    found = _read(track, needed / RATE, find_file)
    level = measure_loudness(Sound(found, RATE))
    if not level.is_silent:
        found = found * np.float32(10 ** ((REFERENCE - level.integrated + track.gain) / 20))
    if found.shape[1] < needed and track.loop:
        found = loop_to_length(found, needed)
    if blended:
        return _close_circle(found, length)
    made = np.zeros((2, length), np.float32)
    made[:, : found.shape[1]] = fade(found[:, :length], track.fade_in, track.fade_out)
    return made


def _read(track: Track, seconds: float, find_file: FindFile) -> Samples:
    name = track.attachment.name
    try:
        found = read_sound(find_file(track.attachment), track.start, seconds).samples
    except NoSound:
        raise Refusal(
            f"{name} can't be read as sound: it is damaged, or of a kind that isn't known here.",
            "Save it again as WAV, MP3, M4A, FLAC or OGG, or choose another file.",
        ) from None
    if found.shape[1] < LEAST * RATE:
        raise Refusal(
            f"{name} has no sound left after its in-point at {track.start:.1f} s.", "Choose an earlier in-point."
        )
    return found


def fade(samples: Samples, fade_in: float, fade_out: float) -> Samples:
    """Sound that rises and falls as a raised cosine over so many seconds, `EDGE` at least, together at most its
    length."""
    length = samples.shape[1]
    wanted = np.array([max(EDGE, fade_in), max(EDGE, fade_out)]) * RATE
    first, last = (wanted * min(1.0, length / wanted.sum())).astype(int)
    made = samples.copy()
    made[:, :first] *= _rise(first)
    made[:, length - last :] *= _rise(last)[::-1]
    return made


def _rise(length: int) -> NDArray[np.float32]:
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / max(1, length))).astype(np.float32)


def loop_to_length(samples: Samples, length: int) -> Samples:
    """Sound that begins again as often as it takes, blended over `SEAM` at each seam.

    Where it has a clear beat it is cut to a whole number of bars of four beats, or of beats, so that the beat goes on
    through the seam.
    """
    period, seam = _choose_period(samples)
    if not seam:  # made as a loop
        whole = fade(samples, 0.0, 0.0) if np.abs(samples[:, 0] - samples[:, -1]).max() > 0.05 else samples
        return np.ascontiguousarray(np.tile(whole, -(-length // period))[:, :length])
    period, alike = _align_seam(samples, period, seam)
    body = samples[:, : period + seam].copy()
    rise = np.sin(np.linspace(0, np.pi / 2, seam, dtype=np.float32))
    joint = body[:, period:] * rise[::-1] + body[:, :seam] * rise
    joint /= np.sqrt(1 + 2 * alike * rise * rise[::-1])
    turn = np.concatenate([joint, body[:, seam:period]], axis=1)
    rest = length - period
    made = np.concatenate([body[:, :period], *[turn] * (-(-max(0, rest) // period))], axis=1)[:, :length]
    return np.ascontiguousarray(made)


def _align_seam(samples: Samples, period: int, seam: int) -> tuple[int, float]:
    """The period within `ALIGN` of this one after which the sound is most like its beginning, so that tones don't
    cancel out while they are blended; and how alike both are, 0 to 1 (WSOLA: Verhelst and Roelands, ICASSP 1993).
    """
    mono = samples.mean(axis=0, dtype=np.float64)
    reach = round(ALIGN * RATE)
    first = max(1, period - reach)
    near = mono[first : min(period + reach, len(mono) - seam) + seam]
    if len(near) < seam or not seam:
        return period, 0.0
    start = mono[:seam]
    shared = np.fft.irfft(np.fft.rfft(near, 2 * len(near)) * np.conj(np.fft.rfft(start, 2 * len(near))))
    energy = np.cumsum(np.append(0.0, near**2))
    count = len(near) - seam + 1
    alike = shared[:count] / np.sqrt(np.maximum((energy[seam:] - energy[:count]) * (start**2).sum(), 1e-12))
    best = int(np.argmax(alike))
    return first + best, float(np.clip(alike[best], 0.0, 1.0))


def _choose_period(samples: Samples) -> tuple[int, int]:
    """Samples after which a loop begins again, and samples of its seam: together at most the sound's length. No seam
    where the sound is a whole number of bars already."""
    total = samples.shape[1]
    seam = min(round(SEAM * RATE), total // 4)
    beats = find_beats(Sound(samples[:, : 120 * RATE], RATE)) if total <= 120 * RATE else None
    if beats is None or not beats.is_clear:
        return total - seam, seam
    beat = 60 / beats.tempo * RATE
    count = int((total - seam) / beat)
    if abs(total - round(total / beat) * beat) < 0.02 * RATE and round(total / beat) % 4 == 0:
        return total, 0
    count -= count % 4 if count >= 8 else 0
    return (round(count * beat), seam) if count else (total - seam, seam)


def _close_circle(samples: Samples, length: int) -> Samples:
    """Sound of `length` whose end runs into its beginning: what follows its end is blended over its beginning."""
    extra = samples.shape[1] - length
    if extra <= 0:
        return fade(samples[:, :length], 0.0, 0.0)
    rise = np.sin(np.linspace(0, np.pi / 2, extra, dtype=np.float32))
    made = samples[:, :length].copy()
    made[:, :extra] = made[:, :extra] * rise + samples[:, length:] * rise[::-1]
    return made
