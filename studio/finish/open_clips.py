"""The clips that a finish is made of, opened as one source of frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio.finish.clip_frames import ClipFile, Source
from studio.finish.soundtrack.music import FindFile
from studio.nouns import Shot


def open_clips(files: Sequence[Path], shot: Shot, find_file: FindFile) -> Source:
    """One clip as it is, several as a reel; `find_file` says where an attachment lies. Raises `Refusal` where one can't
    be read."""
    if len(files) > 1:
        from studio.finish.reel import Reel

        return Reel(files, shot, find_file)
    return ClipFile(files[0])
