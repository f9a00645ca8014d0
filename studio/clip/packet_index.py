"""Where every encoded frame of a clip lies in its file, so that a browser decodes it frame by frame (WebCodecs).

The browser fetches the file as it is and finds the frames by this index; it needs no demuxer of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from studio.nouns import Refusal

CONTAINERS = {".mp4": "mov", ".webm": "matroska"}
"""By their endings the formats that are made of packets, with the names of ffmpeg's demuxers."""

AHEAD = 64
"""Bytes behind a packet's place in which its data begins: in WebM it stands after the head of its block."""


class PacketIndex(NamedTuple):
    """The packets of a clip's picture, in the order in which they are decoded."""

    codec: str
    """As the WebCodecs registry writes it, such as "avc1.64001f"."""
    description: str
    """The decoder's setup in hexadecimal, "" where it stands in the packets."""
    sound: bool
    offsets: list[int]
    sizes: list[int]
    """Bytes in the file."""
    ranks: list[int]
    """Which frame each holds, from 0, in the order in which they are shown."""
    keys: list[int]
    """Which of the packets can be decoded by themselves; the first is one."""


def index_packets(file: Path) -> PacketIndex:
    """Index an MP4 (H.264) or a WebM (AV1) that Stir has made. Raises `Refusal`."""
    import av

    try:
        with av.open(f"file:{file}", format=CONTAINERS[file.suffix]) as clip, file.open("rb") as raw:
            stream = clip.streams.video[0]
            setup = bytes(stream.codec_context.extradata or b"")
            name = _NAMES[stream.codec_context.name.removeprefix("lib")](setup)
            packets = [packet for packet in clip.demux(stream) if packet.size and packet.pts is not None]
            shown = sorted(packet.pts for packet in packets if packet.pts is not None)
            rank = {pts: place for place, pts in enumerate(shown)}
            index = PacketIndex(
                name,
                setup.hex() if name.startswith("avc1") else "",
                bool(clip.streams.audio),
                [_find_data(packet, raw) for packet in packets],
                [packet.size for packet in packets],
                [rank[packet.pts] for packet in packets],
                [place for place, packet in enumerate(packets) if packet.is_keyframe],
            )
        if index.keys[:1] != [0]:
            raise ValueError("it doesn't begin with a key frame")
    except (OSError, ValueError, KeyError, IndexError, av.error.FFmpegError) as error:
        raise Refusal("This clip can't be read frame by frame.", "Make it again from its recipe.") from error
    return index


def _find_data(packet: Any, raw: Any) -> int:
    """Where a packet's data begins in the file."""
    raw.seek(packet.pos)
    head = bytes(packet)[:AHEAD]
    at: int = raw.read(AHEAD + len(head)).find(head)
    if at < 0:
        raise ValueError("a packet that isn't in the file as it is")
    return int(packet.pos) + at


def _name_h264(setup: bytes) -> str:
    """RFC 6381: profile, constraints and level, the bytes 1 to 3 of avcC (ISO/IEC 14496-15)."""
    return "avc1." + setup[1:4].hex()


def _name_av1(setup: bytes) -> str:
    """The AV1 codec string: profile, level, tier and depth, from the first bytes of av1C (AV1 in ISOBMFF, 2.3)."""
    tier, deep = "H" if setup[2] & 0x80 else "M", 10 if setup[2] & 0x40 else 8
    return f"av01.{setup[1] >> 5}.{setup[1] & 31:02d}{tier}.{deep:02d}"


_NAMES: Mapping[str, Callable[[bytes], str]] = {"h264": _name_h264, "dav1d": _name_av1, "av1": _name_av1}
"""By the names of ffmpeg's decoders."""
