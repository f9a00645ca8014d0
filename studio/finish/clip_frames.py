"""Frames of clips by their number, at full quality and in bounded memory: of a kept file, or of an engine at work.

A frame is planar I420, (height * 3 // 2, width) uint8, BT.709, limited range; width and height are even. A file is read
through cursors, each with a decoder of its own, so that two places of a clip are read in turns without seeking.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from studio.clip import gif_webp
from studio.frames import Frames, Sound
from studio.nouns import Choice, Refusal
from studio.system_errors import raise_known

Bytes = NDArray[np.uint8]

MOST_HELD = 160 << 20
"""Bytes of decoded frames that one cursor holds: 115 frames at 720p, 13 at 2160p. Who reads backwards decodes half of
that at once."""

LEAST_HELD = 4
"""Frames that a cursor holds however large they are."""

FAR = 48
"""Frames ahead from which a seek is tried instead of decoding on."""

THREADS = 4
"""Threads of a decoder; each holds a frame of its own."""

MOST_PIXELS = 8192 * 4352
"""The largest frame that is decoded: 8K."""


class Facts(NamedTuple):
    """What a clip holds: its size in pixels, frames, frames a second."""

    width: int
    height: int
    num_frames: int
    rate: float

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.num_frames / self.rate


class Reader(Protocol):
    """Reads frames by their number, from 0."""

    def read(self, index: int) -> Bytes:
        """One frame, not to be written on."""
        ...

    def close(self) -> None:
        """Let go of decoder and frames."""
        ...


class Source(Protocol):
    """What is finished."""

    @property
    def facts(self) -> Facts:
        """What it holds."""
        ...

    @property
    def sound(self) -> Sound | None:
        """What it sounds like."""
        ...

    @property
    def choices(self) -> tuple[Choice, ...]:
        """How it was put together."""
        ...

    def open(self) -> Reader:
        """A reader of its own."""
        ...


class ClipFile:
    """A clip that Stir has kept: MP4, WebM, GIF or WebP. Raises `Refusal` where it can't be read."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @cached_property
    def _index(self) -> tuple[Facts, list[int]]:
        """What the file holds, and the time of each frame in ticks of its track, in order; [] for GIF and WebP."""
        try:
            if self.file.suffix in (".gif", ".webp"):
                return _look_into_loop(self.file), []
            return _look_into_film(self.file)
        except (OSError, ValueError, ArithmeticError) as error:  # PyAV's errors are of these
            raise_known(error)
            raise _refuse_damaged(self.file) from error

    @property
    def facts(self) -> Facts:
        """What it holds."""
        return self._index[0]

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Nothing: it is one clip."""
        return ()

    @property
    def sound(self) -> Sound | None:
        """Its sound at 48 kHz in stereo; None without one."""
        from studio.finish.own_sound import read_sound

        return None if self.file.suffix in (".gif", ".webp") else read_sound(self.file)

    def open(self) -> Cursor:
        """A cursor with a decoder of its own."""
        return Cursor(self.file, *self._index)


def _look_into_loop(file: Path) -> Facts:
    read, ticks = (
        (gif_webp.read_gif_delays, gif_webp.GIF_TICKS)
        if file.suffix == ".gif"
        else (gif_webp.read_webp_delays, gif_webp.WEBP_TICKS)
    )
    with file.open("rb") as source:
        width, height, delays = read(source)
    if len(delays) < 2 or not sum(delays):
        raise Refusal("That clip is a still picture.", "Choose one that moves.")
    return Facts(width // 2 * 2, height // 2 * 2, len(delays), len(delays) * ticks / sum(delays))


def _look_into_film(file: Path) -> tuple[Facts, list[int]]:
    import av

    with av.open(str(file)) as film:
        if not film.streams.video:
            raise _refuse_damaged(file)
        stream = film.streams.video[0]
        times = sorted({packet.pts for packet in film.demux(stream) if packet.pts is not None})
        size = stream.codec_context
        if len(times) < 2 or size.width * size.height > MOST_PIXELS:
            raise _refuse_damaged(file)
        rate = float(stream.average_rate or 0)
        if not rate:
            rate = (len(times) - 1) / float((times[-1] - times[0]) * (stream.time_base or 1))
        return Facts(size.width // 2 * 2, size.height // 2 * 2, len(times), rate), times


def _refuse_damaged(file: Path) -> Refusal:
    return Refusal(f"The clip {file.stem} can't be read.", "Its file is damaged: make the clip again.")


class Cursor:
    """Reads one file. Frames are decoded once where they are asked for in order, forwards; those asked for backwards, a
    stretch at a time."""

    def __init__(self, file: Path, facts: Facts, times: list[int]) -> None:
        self._file, self._facts = file, facts
        self._times = times
        self._places = {pts: index for index, pts in enumerate(times)}
        self._most = max(LEAST_HELD, MOST_HELD // (facts.width * facts.height * 3 // 2))
        self._held: OrderedDict[int, Bytes] = OrderedDict()
        self._next = 0
        self._film: Any = None
        self._frames: Iterator[tuple[int, Bytes]] = iter(())

    def read(self, index: int) -> Bytes:
        """One frame, not to be written on. Raises `Refusal` where the file ends before it."""
        found = self._held.get(index)
        if found is None:
            start = index if index >= self._next else max(0, index + 1 - max(1, self._most // 2))
            try:
                found = self._decode(start, index)
            except (OSError, ValueError, ArithmeticError, EOFError) as error:
                raise_known(error)
                raise _refuse_damaged(self._file) from error
        self._held.move_to_end(index)
        return found

    def close(self) -> None:
        """Let go of decoder and frames."""
        self._held.clear()
        self._frames = iter(())
        if self._film is not None:
            self._film.close()
            self._film = None

    def _decode(self, start: int, index: int) -> Bytes:
        if self._film is None or start < self._next or start - self._next > FAR:
            self._begin(start)
        for place, frame in self._frames:
            self._next = place + 1
            if place >= start:
                self._held[place] = frame
                while len(self._held) > self._most:
                    self._held.popitem(last=False)
            if place >= index:
                break
        if index not in self._held:
            raise _refuse_damaged(self._file)
        return self._held[index]

    def _begin(self, start: int) -> None:
        """Decode from the last key frame before `start` on; from the beginning where the file can't be sought."""
        held = OrderedDict(self._held)
        self.close()
        self._held = held
        self._next = 0
        if self._file.suffix == ".webp":
            self._frames = _read_webp(self._file, self._facts)
            return
        import av

        self._film = av.open(str(self._file))
        stream = self._film.streams.video[0]
        stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
        stream.thread_type, stream.codec_context.thread_count = "AUTO", THREADS
        if start and self._times:
            self._film.seek(self._times[start], stream=stream, backward=True)
        self._frames = self._decode_film(stream)

    def _decode_film(self, stream: Any) -> Iterator[tuple[int, Bytes]]:
        from av.video.reformatter import VideoReformatter

        reformatter = VideoReformatter()
        for count, frame in enumerate(self._film.decode(stream)):
            place = self._places.get(frame.pts) if self._times else count
            if place is not None:
                yield place, _convert(frame, self._facts, reformatter)


def _read_webp(file: Path, facts: Facts) -> Iterator[tuple[int, Bytes]]:
    import av
    from av.video.reformatter import VideoReformatter
    from PIL import Image, ImageSequence

    reformatter = VideoReformatter()
    with Image.open(file, formats=("WEBP",)) as picture:
        for place, still in enumerate(ImageSequence.Iterator(picture)):
            shown = av.VideoFrame.from_ndarray(np.asarray(still.convert("RGB")), "rgb24")
            yield place, _convert(shown, facts, reformatter)


def _convert(frame: Any, facts: Facts, reformatter: Any) -> Bytes:
    """A decoded frame as I420, BT.709, limited range; unchanged where it is that already."""
    is_plain = frame.format.name == "yuv420p" and int(frame.colorspace) in (1, 2) and int(frame.color_range) != 2
    if not is_plain or (frame.width, frame.height) != (facts.width, facts.height):
        frame = reformatter.reformat(
            frame, facts.width, facts.height, "yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG", threads=1
        )
    return np.asarray(frame.to_ndarray(), np.uint8)


class LiveFrames:
    """Frames of an engine as they are made, for whoever reads them in order: the last few can be read again."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._held: OrderedDict[int, Bytes] = OrderedDict()
        self._next = 0

    @property
    def facts(self) -> Facts:
        """What the engine has promised."""
        made = self._frames
        return Facts(made.width, made.height, made.num_frames, float(made.fps))

    @property
    def sound(self) -> Sound | None:
        """What the model made together with the picture."""
        return self._frames.sound

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Nothing: the engine says what it chose when all frames are read."""
        return ()

    def open(self) -> LiveFrames:
        """Itself: there is one engine."""
        return self

    def read(self, index: int) -> Bytes:
        """One frame, not to be written on. Raises `ValueError` for one that has gone by."""
        while self._next <= index:
            frame = next(self._frames.images, None)
            if frame is None:
                raise ValueError(f"the engine made {self._next} frames where {self._frames.num_frames} were promised")
            self._held[self._next] = convert_frame(frame, self._frames)
            self._next += 1
            if len(self._held) > LEAST_HELD:
                self._held.popitem(last=False)
        if index not in self._held:
            raise ValueError(f"frame {index} has gone by")
        return self._held[index]

    def close(self) -> None:
        """End the engine's work."""
        self._held.clear()
        close = getattr(self._frames.images, "close", None)
        if close is not None:
            close()


def convert_frame(frame: Bytes, frames: Frames) -> Bytes:
    """An engine's frame as I420, BT.709, limited range; a copy where the engine may paint over it."""
    if frames.pixels == "yuv420p":
        return frame.copy()
    import av

    shown = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")
    made = shown.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG", interpolation="BICUBIC")
    return np.asarray(made.to_ndarray(), np.uint8)
