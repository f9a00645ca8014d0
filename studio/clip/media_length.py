"""How long a sound or a film lasts, and whether it is one: read from its container by PyAV, without decoding it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from studio.system_errors import raise_known

DEMUXERS = "wav,mp3,aac,mov,ogg,flac,matroska"
"""What may be opened: containers that hold everything themselves; a playlist would name other files."""


class NoMedia(Exception):
    """The file holds no such stream, or can't be read."""


def measure_media(file: Path, kind: Literal["audio", "video"]) -> float:
    """Seconds that a file's sound or film lasts. Raises `NoMedia`."""
    import av

    options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
    try:
        with av.open(f"file:{file}", options=options, metadata_errors="replace") as clip:
            stream = next(iter(clip.streams.audio if kind == "audio" else clip.streams.video), None)
            seconds = _find_length(clip, stream) if stream else 0.0
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise_known(error)
        raise NoMedia(file.name) from error
    if seconds <= 0:
        raise NoMedia(file.name)
    return seconds


def _find_length(clip: Any, stream: Any) -> float:
    """The container's own figure, else the end of the last packet: a browser's recording says none."""
    if clip.duration:
        return clip.duration / 1e6
    ends = [packet.pts + (packet.duration or 0) for packet in clip.demux(stream) if packet.pts is not None]
    return float(max(ends, default=0) * stream.time_base)
