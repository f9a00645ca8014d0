"""Sound of a file from elsewhere, decoded to 48 kHz stereo from a given second on, in a process of bounded memory and
time.

Nobody vouches for the file, and what a demuxer and a decoder allocate is up to whoever wrote it. Run as a script, this
file is that process: it prints the samples, then what it found.
"""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.frames import Sound
    from studio.system_errors import raise_known

RATE = 48_000
DEMUXERS = "wav,mp3,aac,mov,ogg,flac,matroska"
EXACT = ("wav", "mov", "flac", "ogg")
"""Containers that know how long their sound is. An MP3's length may be a guess from its first frames."""

MOST_CHANNELS, LEAD, BAD_SHARE, MISSING = 16, 1.0, 0.02, 0.5
"""Channels of a source; seconds that are decoded before the first one wanted, for codecs that look back; the share of
packets that may fail; seconds by which a sound may end before its container says."""

MEMORY_BYTES, CPU_SECONDS, SECONDS = 2 << 30, 120, 180
"""Bounds of the process: address space, the processor's time, the time of day."""

_END = struct.Struct("<ddqq")  # seconds in the container, seconds decoded up to, packets, packets that failed


class NoSound(Exception):
    """The file holds no sound that can be read within the bounds, or one that is damaged."""


def read_sound(file: Path, start: float, seconds: float) -> Sound:
    """At most `seconds` of a file's first sound from `start` on, (2, samples) float32 at 48 kHz; empty beyond its end.

    Mono is copied to both sides, more channels are mixed down (ITU-R BS.775, by libswresample). Raises `NoSound`.
    """
    import numpy as np

    from studio.clip.child_processes import run_script  # not at the top: the script knows no studio
    from studio.frames import Sound

    try:
        done = run_script(__file__, str(file.absolute()), repr(start), repr(seconds), seconds=SECONDS)
        if done.returncode:
            raise NoSound(file.name)
        size = len(done.stdout) - _END.size
        told, reached, packets, failed = _END.unpack_from(done.stdout, size)
    except (subprocess.TimeoutExpired, OSError, ValueError, struct.error) as error:
        raise_known(error)
        raise NoSound(file.name) from error
    is_short = start < told and reached < min(told, start + seconds) - MISSING
    if failed > 3 + BAD_SHARE * packets or is_short:
        raise NoSound(file.name)
    samples = np.frombuffer(done.stdout, "<f4", size // 4).reshape(-1, 2).T
    return Sound(np.clip(np.nan_to_num(samples), -4, 4).astype(np.float32, order="C"), RATE)


def _print_sound(file: str, start: float, seconds: float) -> None:
    """Print interleaved float32, then `_END`."""
    import av

    options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
    with av.open(f"file:{file}", options=options, metadata_errors="replace") as clip:
        stream = clip.streams.audio[0]
        if not 1 <= stream.codec_context.channels <= MOST_CHANNELS:
            raise ValueError("channels")
        told = _read_length(clip, stream) if set(EXACT) & set(clip.format.name.split(",")) else 0.0
        mono = stream.codec_context.channels == 1
        mixer = av.AudioResampler("flt", "mono" if mono else "stereo", RATE)
        counts = [0, 0]
        at, left, reached = None, round(seconds * RATE), 0.0
        for frame, begins in _list_frames(clip, stream, start - LEAD, counts):
            if at is None and frame is not None:
                at = round(begins * RATE)
            for part in mixer.resample(frame) if at is not None else ():
                samples = part.to_ndarray().reshape(-1, 1 if mono else 2)
                samples = samples.repeat(2, axis=1) if mono else samples
                skipped = min(len(samples), max(0, round(start * RATE) - at))
                kept = samples[skipped : skipped + left]
                sys.stdout.buffer.write(kept.astype("<f4").tobytes())
                at, left = at + len(samples), left - len(kept)
                reached = at / RATE
            if left <= 0:
                break
        sys.stdout.buffer.write(_END.pack(told, reached, *counts))


def _read_length(clip: Any, stream: Any) -> float:
    """Seconds of the sound itself, which may end before the film that it belongs to; 0 where nothing is said."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return clip.duration / 1e6 if clip.duration and not clip.streams.video else 0.0


def _list_frames(clip: Any, stream: Any, start: float, counts: list[int]) -> Iterator[tuple[Any, float]]:
    """Decoded frames from about `start` on, and the second each begins at, then None; what lies before is skipped
    undecoded. counts: packets, failures."""
    import av

    first = float((stream.start_time or 0) * stream.time_base)  # after what an encoder puts before it
    for packet in clip.demux(stream):
        ends = (
            (packet.pts + (packet.duration or 0)) * packet.time_base if packet.size and packet.pts is not None else None
        )
        if ends is not None and ends - first < start:
            continue
        counts[0] += 1
        try:
            for frame in packet.decode():
                yield frame, float(frame.time or 0.0) - first
        except av.error.InvalidDataError:
            counts[1] += 1
    yield None, 0.0


def _bound_process() -> None:
    """Limit this process; where the system can't, `SECONDS` still holds."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    _bound_process()
    _print_sound(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
