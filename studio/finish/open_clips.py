"""The clips that a finish is made of, opened as one source of frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio.finish.clip_frames import ClipFile, Source
from studio.nouns import Refusal, Shot


def open_clips(files: Sequence[Path], shot: Shot) -> Source:
    """One clip as it is. Raises `Refusal` where one can't be read."""
    if len(files) > 1:
        raise Refusal(
            f"{len(files)} clips can't be joined yet ({shot.finish and shot.finish.join.how}).", "Finish one."
        )
    return ClipFile(files[0])
