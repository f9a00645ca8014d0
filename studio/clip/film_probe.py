"""What a film from elsewhere holds, read in a process of bounded memory and time: its codec, size, rate, sound, and its
first frame.

Nobody vouches for the file, and what a demuxer and a decoder allocate is up to whoever wrote it. Run as a script, this
file is that process: it prints the facts and the frame as NumPy arrays.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_SIDE = 8192
MOST_FRAMES = 20_000
MEMORY_BYTES, CPU_SECONDS, SECONDS = 3 << 30, 60, 90
"""Bounds of the process: address space, the processor's time, the time of day."""


HDR_TRANSFERS = (16, 18)
"""PQ and HLG, as ISO/IEC 23091-4 numbers them."""


class Film(NamedTuple):
    """What an MP4 holds. rate in frames a second, seconds by the frames' own times; steady: every frame is shown as
    long as the next. square: its pixels are, and it isn't turned. sound: the codec of its first sound, "" for none.
    hdr: its brightness is coded as PQ or HLG. matrix: its colours' (ISO/IEC 23091-4), 2 where it isn't said.
    first: (H, W, 3) RGB, the first frame.
    """

    codec: str
    pixels: str
    width: int
    height: int
    num_frames: int
    rate: float
    seconds: float
    steady: bool
    square: bool
    sound: str
    hdr: bool
    matrix: int
    first: NDArray[np.uint8]


class NoFilm(Exception):
    """The file is no MP4 that can be read within the bounds."""


def probe_film(file: Path) -> Film:
    """Read what an MP4 holds; all its packets are looked at, and its first frame is decoded. Raises `NoFilm`."""
    from studio.clip.child_processes import run_script  # not at the top: the script knows no studio
    from studio.system_errors import raise_known

    try:
        done = run_script(__file__, str(file.absolute()), seconds=SECONDS)
        with np.load(io.BytesIO(done.stdout), allow_pickle=False) as arrays:
            found = dict(arrays)
        return Film(**{name: found[name] if found[name].ndim else found[name].item() for name in Film._fields})
    except (subprocess.TimeoutExpired, OSError, ValueError, KeyError, EOFError) as error:
        raise_known(error)
        raise NoFilm(file.name) from error


def _read_film(file: str) -> Film:
    import av

    with av.open(f"file:{file}", format="mov", metadata_errors="replace") as clip:
        stream = clip.streams.video[0]
        context = stream.codec_context
        if not 16 <= context.width <= MOST_SIDE or not 16 <= context.height <= MOST_SIDE:
            raise ValueError("size")
        context.options = {"max_pixels": str(MOST_SIDE * MOST_SIDE // 2)}
        frame = next(clip.decode(stream))
        first = frame.to_ndarray(format="rgb24")
        turned = int(getattr(frame, "rotation", 0)) % 360
        clip.seek(0)
        times = _list_times(clip, stream)
        sounds = [one.codec_context.name for one in clip.streams.audio] or [""]
        shape = stream.sample_aspect_ratio
        gaps = np.diff(times) * float(stream.time_base)
        shown = float(np.median(gaps)) if len(gaps) else 0.04
        seconds = (times[-1] - times[0]) * float(stream.time_base) + shown
        steady = not len(gaps) or bool(np.abs(gaps - shown).max() <= max(0.002, 0.1 * shown))
        return Film(
            context.name, str(context.pix_fmt), context.width, context.height, len(times), len(times) / seconds,
            seconds, steady, turned == 0 and shape in (None, 0, 1), sounds[0],
            context.color_trc in HDR_TRANSFERS, context.colorspace, first,
        )  # fmt: skip


def _list_times(clip: Any, stream: Any) -> list[int]:
    """The times at which frames are shown, in the track's own unit, in order."""
    found: list[int] = []
    for packet in clip.demux(stream):
        if packet.size and packet.pts is not None:
            found.append(packet.pts)
        if len(found) > MOST_FRAMES:
            raise ValueError("frames")
    if len(found) < 2:
        raise ValueError("no film")
    return sorted(found)


def _bound_process() -> None:
    """Limit this process; where the system can't, `SECONDS` still holds."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _print_film(file: str) -> None:
    _bound_process()
    held = io.BytesIO()
    np.savez(held, **{name: np.asarray(value) for name, value in _read_film(file)._asdict().items()})
    sys.stdout.buffer.write(held.getvalue())


if __name__ == "__main__":
    _print_film(sys.argv[1])
