"""Sound: samples from a model as a 16-bit WAV file for ffmpeg, exactly as long as the picture, and the codec of each
format.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.frames import Frames, Sound
from studio.nouns import Choice, Format

CODECS: dict[Format, tuple[str, tuple[str, ...]]] = {
    "mp4": ("AAC", ("-c:a", "aac", "-b:a", "192k")),
    "webm": ("Opus", ("-c:a", "libopus", "-b:a", "128k")),
}
"""What sound becomes in each format that carries it: a title, and ffmpeg's arguments."""


def has_sound(frames: Frames, kind: Format, wanted: bool) -> bool:
    """Whether a clip of these frames in this format has sound."""
    return wanted and kind in CODECS and frames.sound is not None and frames.sound.samples.size > 0


def explain_sound(frames: Frames, kind: Format, wanted: bool) -> tuple[Choice, ...]:
    """What became of the sound an engine gave, and why; () when it gave none."""
    if frames.sound is None or not frames.sound.samples.size:
        return ()
    if not wanted:
        return (Choice("sound", "left out", "a clip without sound was asked for"),)
    if kind not in CODECS:
        return (Choice("sound", "left out", f"a {kind.upper()} is silent: choose MP4 or WebM to keep it"),)
    channels = "stereo" if _take_channels(frames.sound).shape[0] == 2 else "mono"
    made = f"{CODECS[kind][0]}, {frames.sound.rate} Hz {channels}"
    return (Choice("sound", made, "the model made it together with the picture"),)


def write_wav(sound: Sound, seconds: float, file: Path) -> None:
    """Sound as a 16-bit WAV file of exactly `seconds`: cut, or followed by silence. Raises `OSError`.

    What is beyond -1..1 is clipped, what is not a number is silence, and of more than two channels the first two are
    kept.
    """
    samples = _take_channels(sound)
    length = round(seconds * sound.rate)
    fitted = np.zeros((length, samples.shape[0]), "<i2")
    kept = samples[:, :length]
    fitted[: kept.shape[1]] = np.rint(np.clip(np.nan_to_num(kept.T), -1.0, 1.0) * 32767).astype("<i2")
    with file.open("wb") as sink, wave.open(sink, "wb") as made:
        made.setnchannels(fitted.shape[1])
        made.setsampwidth(2)
        made.setframerate(sound.rate)
        made.writeframes(fitted.tobytes())


def _take_channels(sound: Sound) -> NDArray[np.float32]:
    """One or two channels: (channels, samples)."""
    samples = sound.samples[None] if sound.samples.ndim == 1 else sound.samples
    return samples[:2]
