"""A clip's frames made small as they are read: for previews, which go the way of the finished clip at less cost."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.finish.clip_frames import Facts, Reader, Source
from studio.finish.yuv_planes import split_planes
from studio.frames import Sound
from studio.nouns import Choice

Bytes = NDArray[np.uint8]


class SmallFrames:
    """A source with a shorter side of at most `side` pixels."""

    def __init__(self, source: Source, side: int) -> None:
        self._source = source
        made = source.facts
        scale = min(1.0, side / min(made.width, made.height))
        width, height = (max(2, 2 * round(one * scale / 2)) for one in (made.width, made.height))
        self.facts = Facts(width, height, made.num_frames, made.rate)

    @property
    def sound(self) -> Sound | None:
        """That of the source."""
        return self._source.sound

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Those of the source."""
        return self._source.choices

    def open(self) -> SmallReader:
        """A reader of its own."""
        return SmallReader(self._source.open(), self.facts)


class SmallReader:
    """Reads frames of another reader at the size of `facts`."""

    def __init__(self, reader: Reader, facts: Facts) -> None:
        self._reader, self._facts = reader, facts

    def read(self, index: int) -> Bytes:
        """One frame."""
        frame, (width, height) = self._reader.read(index), self._facts[:2]
        if frame.shape == (height * 3 // 2, width):
            return frame
        made = np.empty((height * 3 // 2, width), np.uint8)
        for plane, into in zip(split_planes(frame), split_planes(made), strict=True):
            into[:] = cv2.resize(plane, (into.shape[1], into.shape[0]), interpolation=cv2.INTER_AREA)
        return made

    def close(self) -> None:
        """Let go of decoder and frames."""
        self._reader.close()
