"""Sounds made by numpy (tones, noise, syllables, drums at given times), files of them, and ffmpeg's own measure of loudness."""

from __future__ import annotations

import re
import subprocess
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.clip import ffmpeg
from studio.clip.sound import RATE

Samples = NDArray[np.float32]


def sine(level: float, seconds: float, hertz: float = 1000.0) -> Samples:
    """A stereo tone whose peak is `level` dB below full scale."""
    wave_ = 10 ** (level / 20) * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
    return np.stack([wave_, wave_]).astype(np.float32)


def noise(level: float, seconds: float, seed: int = 1) -> Samples:
    """White stereo noise of so many dB (RMS)."""
    return (np.random.default_rng(seed).standard_normal((2, round(seconds * RATE))) * 10 ** (level / 20)).astype(np.float32)


def speech(seconds: float, pause: tuple[float, float] = (0.0, 0.0)) -> Samples:
    """Syllables of a low voice, three a second, silent from pause[0] to pause[1] seconds."""
    at = np.arange(round(seconds * RATE)) / RATE
    turn = 2 * np.pi * np.cumsum(110 + 20 * np.sin(np.pi * at)) / RATE
    voice = sum(np.sin(k * turn) / k for k in range(1, 40)) * np.clip(np.sin(2 * np.pi * 3.1 * at), 0, 1) ** 2 * 0.2
    voice[(at >= pause[0]) & (at < pause[1])] = 0.0
    return np.stack([voice, voice]).astype(np.float32)


def drums(times: Sequence[float], seconds: float, seed: int = 0, accents: Sequence[float] = ()) -> Samples:
    """A drum at each of `times`: every other one is a kick or a snare; `accents`: how loud each is, 1 where it isn't said."""
    rng = np.random.default_rng(seed)
    made = np.zeros(round(seconds * RATE) + RATE)
    for number, time in enumerate(times):
        start, at = round(time * RATE), np.arange(RATE // 4) / RATE
        hit = np.sin(2 * np.pi * (50 * at + 8 * (1 - np.exp(-at * 30)))) * np.exp(-at * 18)
        hit = hit + 0.6 * rng.standard_normal(at.size) * np.exp(-at * 60) if number % 2 else hit
        made[start : start + at.size] += hit * 0.4 * (accents[number] if len(accents) else 1.0)
    made = made[: round(seconds * RATE)]
    return np.stack([made, made]).astype(np.float32)


def write_sound(file: Path, samples: Samples, *options: str) -> Path:
    """A sound file whose kind its ending says; options: more of ffmpeg's arguments."""
    raw = file.with_name(f"{file.stem}.source.wav")
    with wave.open(str(raw), "wb") as made:
        made.setnchannels(len(samples))
        made.setsampwidth(2)
        made.setframerate(RATE)
        made.writeframes(np.rint(np.clip(samples.T, -1, 1) * 32767).astype("<i2").tobytes())
    ffmpeg.run_ffmpeg(["-i", str(raw), *options, "-y", str(file)], 60)
    raw.unlink()
    return file


def hear(given: Samples | Path) -> tuple[float, float]:
    """Integrated loudness (LUFS) and true peak (dBTP) by ffmpeg's ebur128 filter, to a tenth."""
    named = isinstance(given, Path)
    source = ["-i", str(given)] if named else ["-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i", "pipe:0"]
    done = subprocess.run(
        [ffmpeg.find_ffmpeg(), "-hide_banner", *source, "-map", "0:a", "-af", "ebur128=peak=true", "-f", "null", "-"],
        input=None if named else given.T.astype("<f4").tobytes(), capture_output=True, check=True,
    )  # fmt: skip
    found = re.findall(r"(?:I|Peak): +(-?[\d.]+|-inf) (?:LUFS|dBFS)", done.stderr.decode().rpartition("Summary:")[2])
    return float(found[0]), float(found[1])
