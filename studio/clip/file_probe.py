"""What a film's file says of itself, field by field, as a platform's rules ask: read in a process of bounded memory and
time, whoever has written it.

Packets are looked at, pictures aren't decoded. Run as a script, this file is that process: it prints the facts as JSON.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

SIGNATURES = ((0, b"\x1a\x45\xdf\xa3", "matroska"), (4, b"ftyp", "mov"), (0, b"GIF8", "gif"), (8, b"WEBP", "webp"))
"""Containers that are read, by their first bytes and the names of ffmpeg's demuxers; none is ever probed for."""

CONTAINERS = {b"qt  ": "mov", b"avis": "avif", b"avif": "avif"}
"""What the major brand of an ISO file says; every other is MP4."""

MOST_PACKETS, MOST_BOXES, MOST_BYTES = 250_000, 4096, 64 << 20
"""Frames and boxes that are looked at, and bytes of a WebP."""

MEMORY_BYTES, CPU_SECONDS, SECONDS = 2 << 30, 60, 90
"""Bounds of the process: address space, the processor's time, the time of day."""

INSIDE = (b"moov", b"trak", b"edts")
"""Boxes that the search for edit lists looks into."""


class FileFacts(NamedTuple):
    """What a file holds.

    profile as ffprobe names it; level as the standard writes it ("4.2"), "" where there is none or it isn't said. rate:
    frames a second as a fraction of two whole numbers, (0, 1) of a still; steady: every frame is shown as long as the
    next. start: seconds at which the first frame is shown. key_seconds: the most seconds from one key frame to the
    next. b_frames: pictures are predicted from later ones. edit_list: the file hides or delays something by one.
    index_first: its index stands before its pictures. colours: primaries, transfer and matrix as ISO/IEC 23091-4
    numbers them, 2 unsaid. full_range: its black is 0. mbps: of the picture. sound: its codec, "" for none.
    """

    container: str
    codec: str
    profile: str
    level: str
    pixels: str
    width: int
    height: int
    num_frames: int
    rate: tuple[int, int]
    steady: bool
    seconds: float
    start: float
    key_seconds: float
    b_frames: bool
    edit_list: bool
    index_first: bool
    colours: tuple[int, int, int]
    full_range: bool
    square: bool
    bytes: int
    mbps: float
    sound: str
    sound_rate: int
    sound_channels: int
    sound_seconds: float


class NotReadable(Exception):
    """The file holds no film that can be read within the bounds."""


def probe_file(file: Path) -> FileFacts:
    """Read what a file holds: MP4, MOV, WebM, GIF, WebP or AVIF; once, as long as it isn't written anew. Raises
    `NotReadable`.
    """
    from studio.system_errors import raise_known

    try:
        now = file.stat()
    except OSError as error:
        raise_known(error)
        raise NotReadable(file.name) from error
    return _probe_once(file.absolute(), now.st_mtime_ns, now.st_size)


@lru_cache(maxsize=64)
def _probe_once(file: Path, written: int, size: int) -> FileFacts:
    """written, size: when and how large the file is, so that another of its name is read anew."""
    from studio.clip.child_processes import run_script  # not at the top: the script knows no studio
    from studio.system_errors import raise_known

    try:
        done = run_script(__file__, str(file), seconds=SECONDS)
        found = json.loads(done.stdout)
        return FileFacts(**{**found, "rate": tuple(found["rate"]), "colours": tuple(found["colours"])})
    except (subprocess.TimeoutExpired, OSError, ValueError, TypeError, KeyError) as error:
        raise_known(error)
        raise NotReadable(file.name) from error


def _read_facts(file: str) -> FileFacts:
    size = Path(file).stat().st_size
    with Path(file).open("rb") as source:
        head = source.read(16)
        demuxer = next((name for at, mark, name in SIGNATURES if head[at : at + len(mark)] == mark), "")
        if demuxer == "webp":
            return _read_webp(source, size)
        container = (
            CONTAINERS.get(head[8:12], "mp4") if demuxer == "mov" else "webm" if demuxer == "matroska" else demuxer
        )
        order = list(_list_boxes(source, 0, size)) if demuxer == "mov" else []
    if not demuxer:
        raise ValueError("no container that is read")
    return _read_film(file, demuxer, container, size, order)


def _list_boxes(source: BinaryIO, at: int, end: int, budget: list[int] | None = None) -> Iterator[bytes]:
    """The kinds of an ISO file's boxes (ISO/IEC 14496-12, 4.2), in their order, those inside `INSIDE` too."""
    left = budget if budget is not None else [MOST_BOXES]
    while at + 8 <= end and left[0] > 0:
        left[0] -= 1
        source.seek(at)
        head = source.read(16)
        size, kind, body = int.from_bytes(head[:4], "big"), head[4:8], 8
        if size == 1:
            size, body = int.from_bytes(head[8:16], "big"), 16
        size = size or end - at
        if size < body:
            return
        yield kind
        if kind in INSIDE:
            yield from _list_boxes(source, at + body, min(at + size, end), left)
        at += size


class _Packets(NamedTuple):
    times: list[int]
    ends: list[int]
    keys: list[int]
    bytes: int
    late: bool


def _read_packets(clip: Any, stream: Any) -> _Packets:
    """When each frame of a track is shown, in its own unit, in order; `late`: some are decoded before their turn."""
    times: list[int] = []
    ends: list[int] = []
    keys: list[int] = []
    weight, last, late = 0, None, False
    for packet in clip.demux(stream):
        if not packet.size or packet.pts is None:
            continue
        weight += packet.size
        late = late or (last is not None and packet.pts < last)
        last = packet.pts
        times.append(packet.pts)
        ends.append(packet.pts + (packet.duration or 0))
        if packet.is_keyframe:
            keys.append(packet.pts)
        if len(times) > MOST_PACKETS:
            raise ValueError("frames")
    return _Packets(sorted(times), sorted(ends), sorted(keys), weight, late)


def _read_film(file: str, demuxer: str, container: str, size: int, order: list[bytes]) -> FileFacts:
    import av

    with av.open(f"file:{file}", format=demuxer, metadata_errors="replace") as clip:
        stream = max(clip.streams.video, key=lambda one: one.frames)  # an AVIF's first track is its still
        context = stream.codec_context
        packets = _read_packets(clip, stream)
        unit = float(stream.time_base)
        rate = _find_rate(stream, packets, unit)
        seconds = _find_seconds(packets, unit, rate)
        gaps = [after - before for before, after in pairwise(packets.times)]
        usual = seconds / max(1, len(packets.times)) / unit
        steady = all(abs(gap - usual) * unit <= max(0.0021, 0.02 * usual * unit) for gap in gaps)
        keys = [*packets.keys, packets.times[0] + round(seconds / unit)]
        sound = _read_track(clip)
        return FileFacts(
            container, context.name.removeprefix("lib").replace("dav1d", "av1"), str(context.profile or ""),
            _name_level(context), str(context.pix_fmt), context.width, context.height, len(packets.times), rate, steady,
            seconds, packets.times[0] * unit,
            max(after - before for before, after in pairwise(keys)) * unit, packets.late,
            b"elst" in order and container != "avif", order.index(b"moov") < order.index(b"mdat") if order else True,
            (int(context.color_primaries), int(context.color_trc), int(context.colorspace)),
            int(context.color_range) == 2, stream.sample_aspect_ratio in (None, 0, 1), size,
            packets.bytes * 8 / max(seconds, 1e-3) / 1e6, *sound,
        )  # fmt: skip


def _find_rate(stream: Any, packets: _Packets, unit: float) -> tuple[int, int]:
    if len(packets.times) < 2:
        return 0, 1
    rate = stream.average_rate or stream.guessed_rate
    span = (packets.times[-1] - packets.times[0]) * unit
    if rate and abs(float(rate) * span / (len(packets.times) - 1) - 1) < 0.02:
        return rate.numerator, rate.denominator
    return round((len(packets.times) - 1) * 1000 / span), 1000


def _find_seconds(packets: _Packets, unit: float, rate: tuple[int, int]) -> float:
    """From the first frame shown to the end of the last."""
    shown = (packets.ends[-1] - packets.times[0]) * unit
    last = (packets.times[-1] - packets.times[0]) * unit
    return shown if shown > last or not rate[0] else last + rate[1] / rate[0]


def _name_level(context: Any) -> str:
    """Tenths of H.264's level_idc, thirtieths of HEVC's general_level_idc."""
    level = int(getattr(context, "level", 0) or 0)
    steps = {"h264": 10, "hevc": 30}.get(context.name, 0)
    return f"{level / steps:.1f}" if steps and level > 0 else ""


def _read_track(clip: Any) -> tuple[str, int, int, float]:
    """Codec, rate, channels and seconds of the first sound."""
    if not clip.streams.audio:
        return "", 0, 0, 0.0
    stream = clip.streams.audio[0]
    context = stream.codec_context
    seconds = float((stream.duration or 0) * stream.time_base) if stream.time_base else 0.0
    return (
        context.name.removeprefix("lib"),
        context.sample_rate,
        context.channels,
        seconds or (clip.duration or 0) / 1e6,
    )


def _read_webp(source: BinaryIO, size: int) -> FileFacts:
    """An animated WebP by its chunks (RFC 9649, 2.7): canvas, and how long each frame is shown, in ms. A frame
    that is shown so many times as long as most counts as so many: its encoder leaves out what is the same.
    """
    source.seek(12)
    at, width, height, shown = 12, 0, 0, []
    while at + 8 <= min(size, MOST_BYTES) and len(shown) <= MOST_PACKETS:
        source.seek(at)
        head = source.read(24)
        kind, length = head[:4], int.from_bytes(head[4:8], "little")
        if kind == b"VP8X":
            width, height = (1 + int.from_bytes(head[place : place + 3], "little") for place in (12, 15))
        if kind == b"ANMF":
            shown.append(int.from_bytes(head[20:23], "little"))
        if kind == b"VP8 " and not width:
            width, height = (int.from_bytes(head[place : place + 2], "little") & 0x3FFF for place in (14, 16))
        if kind == b"VP8L" and not width:
            packed = int.from_bytes(head[9:13], "little")
            width, height = 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
        at += 8 + length + length % 2
    if not width or not height:
        raise ValueError("no WebP")
    total = sum(shown) / 1000
    single = [each for each in shown if each < 1.5 * max(1, min(shown))]  # in whole ms: 41 or 42 of 24 fps
    counts = [max(1, round(each * len(single) / max(1, sum(single)))) for each in shown]
    frames = max(1, sum(counts))
    rate = (round(frames * 1000 / total), 1000) if total else (0, 1)
    steady = all(abs(each - count * total * 1000 / frames) <= 2.01 for each, count in zip(shown, counts, strict=True))
    return FileFacts(
        "webp", "webp", "", "", "", width, height, frames, rate, steady, total, 0.0, 0.0, False, False,
        True, (2, 2, 2), False, True, size, size * 8 / max(total, 1e-3) / 1e6, "", 0, 0, 0.0,
    )  # fmt: skip


def _bound_process() -> None:
    """Limit this process; where the system can't, `SECONDS` still holds."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    _bound_process()
    sys.stdout.write(json.dumps(_read_facts(sys.argv[1])._asdict()))
