"""Frames of a clip at a reduced size, decoded once: every few frames, runs of neighbours, and three larger stills.

Frames that no other frame is predicted from are not even decoded, outside the runs (PyAV, `skip_frame`): that takes
half of the time of decoding all. A clip that Stir has made is read here; of any other file what a decoder allocates
and how long it takes is up to whoever wrote it, and it is read in a process of bounded memory and time: this file as a
script, which prints the frames.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (4, b"ftyp", "mov"),
    (0, b"GIF8", "gif"),
    (8, b"WEBP", "webp"),
)
"""Containers that are read, by their first bytes and the names of ffmpeg's demuxers; none is ever probed for."""

AREA = 320 * 180
"""Pixels of a sampled frame, about; a still has four times as many."""

RUN, LONG_RUN, LONG = 12, 8, 100
"""Frames of each of the three runs of neighbours, the first, the middle and the last ones; and in a clip of more than
so many frames."""

A_SECOND, LONG_STEPS, MOST = 6.5, 18, 90
"""Samples a second between the runs; steps from end to end of a long clip, three a second at least; and samples at
most."""

THREADS = 8
"""Threads of the decoder. A skipped frame takes up one's turn: with three between frames that are decoded, as Stir's
encoder has them, eight threads have two of those under way at any time."""

MOST_SECONDS, MOST_BYTES, MOST_PIXELS = 61.0, 512 << 20, 5120 * 5120
"""What is read of a clip: its first minute, so much of a file, frames up to so large."""

MEMORY_BYTES, CPU_SECONDS, SECONDS = 3 << 30, 60, 90
"""Bounds of the process that reads what nobody vouches for: address space (a 5K frame's decoder takes 1 GB), the
processor's time, the time of day."""


FIRST = (960, 540)
"""The largest size of a first frame in pixels: a cell of three in a row on a wide screen."""


class Unreadable(Exception):
    """The file holds no clip, or none that can be read within the bounds."""


class Footage(NamedTuple):
    """What was read of a clip, N frames of it in their order.

    luma: (N, h, w), chroma: (N, 2, h / 2, w / 2), BT.709, limited range. frame: (N,) which frames of the clip they are,
    from 0; at: (N,) their seconds. stills: (K, H, W, 3) RGB of the first, a middle and the last one, and which samples
    those are. num_frames, rate: frames in the clip, frames a second. width, height: of its frames.
    """

    luma: Bytes
    chroma: Bytes
    frame: NDArray[np.int64]
    at: NDArray[np.float64]
    stills: Bytes
    still_samples: NDArray[np.int64]
    num_frames: int
    rate: float
    width: int
    height: int

    @property
    def seconds(self) -> float:
        """How long the clip is."""
        return self.num_frames / self.rate


def read_footage(file: Path, trusted: bool) -> Footage:
    """Read a clip: MP4, WebM, GIF or WebP. trusted: Stir itself has made the file. Raises `Unreadable`."""
    return decode_footage(file) if trusted else _read_bounded(file)


def _read_bounded(file: Path) -> Footage:
    from studio.clip.child_processes import run_script  # not at the top: the script knows no studio
    from studio.system_errors import raise_known

    try:
        done = run_script(__file__, str(file.absolute()), seconds=SECONDS)
        with np.load(io.BytesIO(done.stdout), allow_pickle=False) as arrays:
            found = dict(arrays)
        return Footage(**{name: found[name] if found[name].ndim else found[name].item() for name in Footage._fields})
    except (subprocess.TimeoutExpired, OSError, ValueError, KeyError, EOFError) as error:
        raise_known(error)
        raise Unreadable(file.name) from error


def decode_first_frame(file: Path) -> Bytes:
    """The first frame of a clip that Stir has made, (H, W, 3) RGB, no larger than FIRST. Raises `OSError`,
    `ValueError`."""
    if file.suffix in (".gif", ".webp"):
        from PIL import Image

        with Image.open(file) as picture:
            small = picture.convert("RGB")
        small.thumbnail(FIRST)
        return np.asarray(small)
    import av

    with av.open(str(file)) as clip:
        frame = next(clip.decode(video=0), None)
        if frame is None:
            raise ValueError("no frame")
        scale = min(1.0, FIRST[0] / frame.width, FIRST[1] / frame.height)
        return frame.to_ndarray(
            format="rgb24", width=round(frame.width * scale), height=round(frame.height * scale), interpolation="AREA"
        )


def decode_footage(file: Path) -> Footage:
    """Read a clip in this process, with no bound but its size. Raises `Unreadable`."""
    try:
        with file.open("rb") as source:
            head = source.read(16)
        container = next((name for at, mark, name in SIGNATURES if head[at : at + len(mark)] == mark), None)
        if container is None:
            raise Unreadable(file.name)
        return _sample_webp(file) if container == "webp" else _sample(file, container)
    except (OSError, ValueError, MemoryError, ArithmeticError, EOFError) as error:  # PyAV's errors are of these
        raise Unreadable(file.name) from error


class _Collector:
    """Frames as they come: those that are wanted are kept at a reduced size."""

    def __init__(self, count: int, rate: float) -> None:
        from av.video.reformatter import VideoReformatter

        self._small, self._still = VideoReformatter(), VideoReformatter()  # a frame's own prepares its tables anew
        self.count, self.rate = count, rate
        step, run = round(rate / A_SECOND), RUN
        if count > LONG:
            step, run = max(step, min(round(rate / 3), count // LONG_STEPS)), LONG_RUN
        self._step = max(1, step, -(-count // MOST))
        middle = max(0, (count - run) // 2)
        self.runs = (range(run), range(middle, middle + run), range(max(0, count - run), count))
        self._stills = {0, middle + run // 2, count - 1}
        self._next = 0
        self._kept: list[tuple[int, float, Bytes, Bytes]] = []
        self._large: list[tuple[int, Bytes]] = []
        self.size = (0, 0)

    def is_in_run(self, index: int) -> bool:
        """Whether a frame is one of a run of neighbours."""
        return any(index in run for run in self.runs)

    def add(self, index: int, at: float, frame: Any) -> None:
        """Take a frame, if it is wanted."""
        near = self.is_in_run(index)
        if not near and index < self._next:
            return
        self._next = index + self._step
        self.size = self.size if self.size[0] else (frame.width, frame.height)
        width, height = _fit(self.size, AREA)
        small = self._small.reformat(
            frame, width, height, "yuv420p", dst_colorspace="ITU709", interpolation="AREA", threads=1
        ).to_ndarray()
        chroma = small[height:].reshape(2, height // 2, width // 2)
        self._kept.append((index, at, small[:height], chroma))
        if index in self._stills:
            width, height = _fit(self.size, 4 * AREA)
            large = self._still.reformat(frame, width, height, "rgb24", interpolation="AREA", threads=1).to_ndarray()
            self._large.append((len(self._kept) - 1, large))

    def finish(self) -> Footage:
        """All that was taken. Raises `Unreadable` when that is nothing."""
        if not self._kept:
            raise Unreadable("no frames")
        index, at, luma, chroma = zip(*self._kept, strict=True)
        samples = np.array([sample for sample, _ in self._large], np.int64)
        stills = np.stack([large for _, large in self._large]) if self._large else np.empty((0, 2, 2, 3), np.uint8)
        return Footage(
            np.stack(luma), np.stack(chroma), np.array(index), np.array(at), stills, samples, self.count, self.rate,
            *self.size,
        )  # fmt: skip


def _fit(size: tuple[int, int], area: int) -> tuple[int, int]:
    """The even size of about so many pixels that a frame is brought to; never larger than it is."""
    scale = min(1.0, (area / (size[0] * size[1])) ** 0.5)
    wide, high = (max(16, 2 * round(side * scale / 2)) for side in size)
    return wide, high


def _sample(file: Path, container: str) -> Footage:
    """The frames of an MP4, WebM or GIF."""
    import av

    undecoded = {"skip_frame": "all"}  # while the file is opened, else its first frame is decoded twice
    with av.open(f"file:{file}", format=container, options=undecoded, metadata_errors="replace") as clip:
        if not clip.streams.video:
            raise Unreadable(file.name)
        stream = clip.streams.video[0]
        context = stream.codec_context
        if context.width * context.height > MOST_PIXELS:
            raise Unreadable(file.name)
        context.options = {"max_pixels": str(MOST_PIXELS)}
        stream.thread_type, context.thread_count = "AUTO", THREADS
        packets = list(_demux(clip, stream))
        order = sorted({packet.pts for packet in packets if packet.pts is not None})
        if container == "gif":  # its last packet may hold a palette and no picture
            order = order[: _count_gif(file)]
        if not order or _is_cut_short(order, stream, file):
            raise Unreadable(file.name)
        place = {pts: index for index, pts in enumerate(order)}
        taken = _Collector(len(order), _find_rate(order, stream))
        mode = ""
        for packet in packets:
            near = packet.pts not in place or taken.is_in_run(place[packet.pts])
            if mode != ("DEFAULT" if near else "NONREF"):
                mode = "DEFAULT" if near else "NONREF"
                context.skip_frame = mode
            for frame in packet.decode():
                index = place.get(frame.pts)
                if index is not None:
                    taken.add(index, float((frame.pts - order[0]) * stream.time_base), frame)
        return taken.finish()


def _is_cut_short(order: list[int], stream: Any, file: Path) -> bool:
    """Whether the file ends long before the frames that its index lists, and before what is read of a clip ends."""
    late = float((order[-1] - order[0]) * stream.time_base) > MOST_SECONDS - 2
    return not late and len(order) < 0.8 * stream.frames and file.stat().st_size < MOST_BYTES


def _count_gif(file: Path) -> int:
    """How many pictures a GIF shows."""
    import av

    with av.open(f"file:{file}", format="gif") as clip:
        return sum(1 for _ in islice(clip.decode(video=0), 3660))


def _find_rate(order: list[int], stream: Any) -> float:
    """Frames a second, by the time between the first frame and the last."""
    spent = float((order[-1] - order[0]) * stream.time_base)
    rate = (len(order) - 1) / spent if spent > 0 else float(stream.average_rate or 1)
    return min(240.0, max(0.1, rate))


def _demux(clip: Any, stream: Any) -> Iterator[Any]:
    """The packets of a clip's first minute, and the empty one that ends decoding."""
    total = 0
    for packet in clip.demux(stream):
        total += packet.size
        late = packet.pts is not None and float(packet.pts * stream.time_base) > MOST_SECONDS
        if total > MOST_BYTES or late:
            packet = packet.__class__()  # an empty packet flushes the decoder
            packet.stream = stream
            yield packet
            return
        yield packet


def _sample_webp(file: Path) -> Footage:
    """The frames of an animated WebP, which PyAV can't read."""
    import av
    from PIL import Image, ImageSequence

    with Image.open(file, formats=("WEBP",)) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise Unreadable(file.name)
        count = min(int(getattr(picture, "n_frames", 1)), 3660)
        starts, shown = [0.0], []
        for still in ImageSequence.Iterator(picture):
            still.load()
            shown.append(max(1, int(still.info.get("duration", 40))) / 1000)
            starts.append(starts[-1] + shown[-1])
            if len(shown) == count:
                break
        taken = _Collector(count, count / max(starts[-1], 1e-3))
        for index in range(count):
            picture.seek(index)
            taken.add(index, starts[index], av.VideoFrame.from_ndarray(np.asarray(picture.convert("RGB")), "rgb24"))
    return taken.finish()


def _bound_process() -> None:
    """Limit this process; where the system can't, `SECONDS` still holds."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _print_footage(file: Path, to: IO[bytes]) -> None:
    _bound_process()
    held = io.BytesIO()
    np.savez(held, **{name: np.asarray(value) for name, value in decode_footage(file)._asdict().items()})
    to.write(held.getvalue())


if __name__ == "__main__":
    _print_footage(Path(sys.argv[1]), sys.stdout.buffer)
