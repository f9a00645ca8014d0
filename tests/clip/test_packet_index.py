"""The index of a clip's packets, by which a browser decodes it frame by frame."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from studio.clip.packet_index import index_packets
from studio.nouns import Refusal
from tests.fakes.priority import ordinary_priority

ENCODERS = {"mp4": ("libx264", {"g": "8", "bf": "3", "preset": "ultrafast"}), "webm": ("libsvtav1", {"g": "8", "preset": "12"})}
SHADES = [10 * shade for shade in range(20)]


def write_shades(file: Path) -> Path:
    """A frame of each shade, with B-frames where the format has them, and two key frames besides the first."""
    name, options = ENCODERS[file.suffix[1:]]
    with ordinary_priority(), av.open(str(file), "w") as box:
        film = box.add_stream(name, rate=24)
        film.width, film.height, film.pix_fmt, film.options = 64, 64, "yuv420p", options
        for shade in SHADES:
            box.mux(film.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), shade, np.uint8), "rgb24")))
        box.mux(film.encode())
    return file


@pytest.mark.parametrize("ending", ENCODERS)
def test_frames_are_decoded_by_their_places_in_the_file(tmp_path: Path, ending: str) -> None:
    """What the index says is enough for a decoder that has never seen the file's head."""
    file = write_shades(tmp_path / f"shades.{ending}")
    index = index_packets(file)
    assert index.codec.startswith({"mp4": "avc1.", "webm": "av01."}[ending]) and not index.sound
    assert sorted(index.ranks) == list(range(len(SHADES))) and index.keys == [0, *index.keys[1:]] and len(index.keys) > 2
    decoder = av.CodecContext.create({"mp4": "h264", "webm": "libdav1d"}[ending], "r")
    decoder.extradata = bytes.fromhex(index.description) or None
    raw, seen = file.read_bytes(), {}
    for begin in index.keys:  # each key frame begins anew
        for offset, size, rank in list(zip(index.offsets, index.sizes, index.ranks, strict=True))[begin:]:
            packet = av.Packet(raw[offset : offset + size])
            packet.pts = rank
            seen |= {frame.pts: frame.to_ndarray(format="rgb24").mean() for frame in decoder.decode(packet)}
        seen |= {frame.pts: frame.to_ndarray(format="rgb24").mean() for frame in decoder.decode(None)}
        decoder.flush_buffers()
        assert sorted(seen)[0] == index.ranks[begin] and len(seen) == len(SHADES) - index.ranks[begin]
        assert all(abs(seen[rank] - SHADES[rank]) < 6 for rank in seen)
        seen = {}


def test_what_isnt_a_clip_is_refused(tmp_path: Path) -> None:
    for name in ("damaged.mp4", "damaged.webm", "moving.gif"):
        file = tmp_path / name
        file.write_bytes(b"damaged")
        with pytest.raises(Refusal, match="frame by frame"):
            index_packets(file)
