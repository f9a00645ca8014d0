"""What a finished file holds, read from the file itself: its size, its frames, how long it lasts.

Knows MP4, WebM, GIF and WebP. Refuses to decode pictures, and to repeat what was meant: `formats.outcome` says that beforehand,
and both have to agree.
"""

from __future__ import annotations

from pathlib import Path

from studio.cards import Outcome
from studio.clip import chunks


def probe(file: Path) -> Outcome:
    """A clip's own facts. A GIF or WebP of one frame is a still picture: no rate, no length. Raises `OSError`, `ValueError`."""
    with file.open("rb") as source:
        head = source.read(16)
        if head[:4] == b"GIF8":
            return _looping(*chunks.gif_delays(source), chunks.GIF_TICKS)
        if head[8:12] == b"WEBP":
            return _looping(*chunks.webp_delays(source), chunks.WEBP_TICKS)
    return _video(file)


def _looping(width: int, height: int, delays: list[int], ticks: int) -> Outcome:
    if len(delays) < 2:
        return Outcome(width, height, len(delays), 0.0, 0.0)
    seconds = sum(delays) / ticks
    return Outcome(width, height, len(delays), len(delays) / seconds if seconds else 0.0, seconds)


def _video(file: Path) -> Outcome:
    """Of the video track: packets are counted, not decoded, and the rate is the track's own."""
    import av

    with av.open(str(file)) as video:
        stream = video.streams.video[0]
        count = sum(1 for packet in video.demux(stream) if packet.size)
        rate = float(stream.average_rate or 0)
        return Outcome(stream.codec_context.width, stream.codec_context.height, count, rate, count / rate if rate else 0.0)
