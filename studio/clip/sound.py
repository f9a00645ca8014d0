"""Sound of a clip: samples from a model as a 16-bit WAV file for ffmpeg, or silence where a platform wants a track; the
codec of each format.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.frames import Frames, Sound
from studio.nouns import Choice, Format, Shot

RATE = 48_000
"""Samples a second of every track: what Opus has, and the most that Instagram takes."""

AAC_PRIMING = 1024
"""Samples by which ffmpeg's AAC encoder is late. What hides them elsewhere is an edit list, which an MP4 has none of
(formats.MP4_MUXER): the first 21 ms are left out instead, and all that follows is heard on time. It rises within 5 ms:
begun in the middle of a sound, it would click."""

CODECS: dict[Format, tuple[str, tuple[str, ...]]] = {
    "mp4": (
        "AAC",
        (
            *("-af", f"aresample={RATE},atrim=start_sample={AAC_PRIMING},asetpts=N/SR/TB,afade=ns={RATE // 200}"),
            *("-c:a", "aac", "-b:a", "192k"),
        ),
    ),
    "webm": ("Opus", ("-c:a", "libopus", "-b:a", "128k", "-disposition:a", "default")),
}
"""What sound becomes in each format that carries it: a title, and ffmpeg's arguments."""


def has_sound(frames: Frames, kind: Format, wanted: bool) -> bool:
    """Whether a clip of these frames in this format is heard."""
    return wanted and kind in CODECS and frames.sound is not None and frames.sound.samples.size > 0


def explain_silence(kind: Format, silence: str) -> tuple[Choice, ...]:
    """The silent track of a clip that isn't heard: () where its format carries none, or its platform wants none.

    silence: why the platform wants one (presets.explain_silent_track).
    """
    return (Choice("sound", f"a silent {CODECS[kind][0]} track", silence),) if silence and kind in CODECS else ()


def explain_sound(frames: Frames, shot: Shot, silence: str) -> tuple[Choice, ...]:
    """What became of the sound an engine gave, and why, or of the lack of it; () where there is nothing to say."""
    kind = shot.format
    if has_sound(frames, kind, shot.sound or shot.finish is not None) and frames.sound:
        channels = "stereo" if _take_channels(frames.sound).shape[0] == 2 else "mono"
        made = f"{CODECS[kind][0]}, {RATE} Hz {channels}"
        why = "mixed as the finish asks" if shot.finish else "the model made it together with the picture"
        return (Choice("sound", made, why),)
    silent = explain_silence(kind, silence)
    if silent or frames.sound is None or not frames.sound.samples.size:
        return silent
    if not (shot.sound or shot.finish):
        return (Choice("sound", "left out", "a clip without sound was asked for"),)
    return (Choice("sound", "left out", f"a {kind.upper()} is silent: choose MP4 or WebM to keep it"),)


def list_silence(seconds: float) -> list[str]:
    """ffmpeg's input of so many seconds of silence, in stereo."""
    return ["-f", "lavfi", "-t", f"{seconds:.6f}", "-i", f"anullsrc=r={RATE}:cl=stereo"]


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
