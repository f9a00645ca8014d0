"""Copies a sound or a film without what it tells of its owner: place, device, dates, names, chapters, covers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from studio.clip import ffmpeg
from studio.clip.media_length import DEMUXERS

SECONDS = 120
MUXERS = {
    "mp3": "mp3", "wav": "wav", "m4a": "ipod", "aac": "adts", "ogg": "ogg", "flac": "flac", "webm": "webm",
    "mp4": "mp4", "mov": "mov", "mkv": "matroska",
}  # fmt: skip
"""ffmpeg's writer of each kind of file, by its ending."""

_BARE = (
    "-c", "copy", "-map_metadata", "-1", "-map_metadata:s", "-1", "-map_chapters", "-1",
    "-fflags", "+bitexact", "-flags", "+bitexact",
)  # fmt: skip


def copy_bare(file: Path, dest: Path, kind: Literal["audio", "video"], ending: str) -> None:
    """Copy the first sound, or the first film with its first sound, undecoded. Raises `Refusal` where it can't be."""
    tracks = ["-map", "0:a:0"] if kind == "audio" else ["-map", "0:v:0", "-map", "0:a:0?"]
    muxer = MUXERS[ending]
    given = ["-protocol_whitelist", "file,pipe", "-format_whitelist", DEMUXERS, "-i", f"file:{file}"]
    ffmpeg.run_ffmpeg([*given, *tracks, *_BARE, "-f", muxer, "-y", f"file:{dest}"], SECONDS)
