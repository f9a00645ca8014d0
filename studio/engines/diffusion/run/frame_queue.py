"""A bounded queue of frames between the thread that decodes them and the one that encodes them.

The decode goes on while frames are encoded, and waits where the encoder is more than `MOST_BYTES` behind: memory
doesn't grow with the clip.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from studio.engines.diffusion.memory.memory_errors import empty_frames
from studio.hung_threads import give_master

MOST_BYTES = 256 << 20
"""How far decoded frames may run ahead: 95 frames of 1280x720, of which a decoder gives at most 8 or so at once."""

Image = NDArray[np.uint8]


class FrameQueue:
    """An iterator over the frames of `source`, which is read in a thread of its own from the first moment on.

    What `source` raises is raised by `next` at once, whatever still waits. `close` ends the source, as does letting go
    of the queue; after it, and after the last frame, the source has been closed and its thread is over.
    """

    def __init__(self, source: Generator[Image], most: int = MOST_BYTES) -> None:
        self._shared = _Shared(most)
        self._thread = threading.Thread(target=_fill, args=(self._shared, source), name="stir-decode", daemon=True)
        give_master(self._thread)
        self._thread.start()

    def __iter__(self) -> FrameQueue:
        return self

    def __next__(self) -> Image:
        frame = self._shared.take()
        if frame is None:
            self._thread.join()
            if self._shared.error is not None:
                raise self._shared.error
            raise StopIteration
        return frame

    def close(self) -> None:
        """Read no further, and wait until the source is closed. Safe to call twice."""
        self._shared.end()
        self._thread.join()

    def __del__(self) -> None:
        self._shared.end()


class _Shared:
    """What both threads hold: the frames, and how it ended."""

    def __init__(self, most: int) -> None:
        self._most, self._bytes = most, 0
        self._frames: deque[Image] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self.error: BaseException | None = None

    def put(self, frame: Image) -> bool:
        """Add a frame, when there is room for it; whether anybody still wants more."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or not self._frames or self._bytes + frame.nbytes <= self._most)
            if not self._ended:
                self._frames.append(frame)
                self._bytes += frame.nbytes
                self._changed.notify_all()
            return not self._ended

    def take(self) -> Image | None:
        """The next frame, when it is there; None after the last, or once there is an error."""
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._ended)
            if not self._frames or self.error is not None:
                return None
            frame = self._frames.popleft()
            self._bytes -= frame.nbytes
            self._changed.notify_all()
            return frame

    def end(self, error: BaseException | None = None) -> None:
        """There will be no more frames."""
        with self._changed:
            self._ended = True
            self.error = self.error or error
            self._changed.notify_all()


def _fill(shared: _Shared, source: Generator[Image]) -> None:
    error: BaseException | None = None
    try:
        for frame in source:
            if not shared.put(frame):
                break
    except BaseException as raised:
        error = raised
    try:
        source.close()
    except BaseException as raised:
        error = error or raised
    empty_frames(error)
    shared.end(error)
