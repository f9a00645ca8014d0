"""The sound that a clip has already: read from its file, and brought to the times that its frames are shown at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.clip.sound import RATE
from studio.frames import Sound

Floats = NDArray[np.float64]

SEAM = 0.01
"""Seconds over which two stretches that don't follow each other are faded, so that nothing clicks."""


def read_sound(file: Path) -> Sound | None:
    """A film's sound as float32 (2, samples) at 48 kHz; None without a track, or where all of it is silence. Raises
    `OSError`, `ValueError`."""
    import av

    with av.open(str(file)) as film:
        if not film.streams.audio:
            return None
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
        parts = [
            part.to_ndarray() for frame in film.decode(film.streams.audio[0]) for part in resampler.resample(frame)
        ]
        parts += [part.to_ndarray() for part in resampler.resample(None)]
    samples = np.concatenate(parts, axis=1).astype(np.float32) if parts else np.zeros((2, 0), np.float32)
    return Sound(samples, RATE) if samples.size and float(np.abs(samples).max()) > 1e-5 else None


def follow_frames(sound: Sound, at: Floats, rate: float, fps: int) -> Sound:
    """Sound as long as frames are that show a clip's moments `at`, (N,) in frames of the clip, which has `rate` a
    second; `fps` are shown a second.

    What is slowed sounds lower, what is reversed backwards, and a frame that is held is silent.
    """
    count = round(len(at) / fps * RATE)
    steps = np.diff(at, append=2 * at[-1] - at[-2] if len(at) > 1 else at[-1] + 1)
    jumps = np.abs(steps) > 12.0
    steps[jumps] = np.median(steps[~jumps]) if (~jumps).any() else 1.0
    moment = np.arange(count) / RATE * fps
    shown = np.minimum(moment.astype(np.int64), len(at) - 1)
    place = (at[shown] + (moment - shown) * steps[shown]) / rate * sound.rate
    total = sound.samples.shape[1]
    made = np.stack([np.interp(place, np.arange(total), channel, left=0.0, right=0.0) for channel in sound.samples])
    return Sound((made * _find_level(steps, jumps, fps, count)).astype(np.float32), RATE)


def _find_level(steps: Floats, jumps: NDArray[np.bool_], fps: int, count: int) -> Floats:
    """0..1 for each sample: 0 where a frame is held, faded round it and round each jump."""
    moving = np.abs(steps) > 1e-3
    level = np.interp(np.arange(count) / RATE * fps, np.arange(len(steps)) + 0.5, moving.astype(np.float64))
    for joint in (np.flatnonzero(jumps) + 1) / fps:
        away = np.abs(np.arange(count) / RATE - joint)
        level = np.minimum(level, np.clip(away / SEAM, 0.0, 1.0))
    return level


def blend_sounds(first: Sound, second: Sound, share: Floats, fps: int) -> Sound:
    """Two sounds of one length, crossed over as their frames are: `share` (N,) 0..1 of the second at each frame."""
    count = first.samples.shape[1]
    weight = np.interp(np.arange(count) / RATE * fps, np.arange(len(share)), share)
    made = first.samples * np.sqrt(1 - weight) + second.samples * np.sqrt(weight)
    return Sound(made.astype(np.float32), RATE)
