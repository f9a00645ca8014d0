"""What is written around the frames, by other eyes than a demuxer's: boxes of MP4, elements of WebM, bytes of GIF.

And what the readers make of it that can be had here: PyAV, OpenCV and the ffmpeg program; Chromium's part is in tests/ui.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from studio.clip import recipe
from studio.clip.comparison_film import write_grid
from studio.clip.comparison_tiles import Tile
from studio.clip.encode import encode
from studio.frames import Frames
from studio.nouns import Format, Photo, Progress, Shot, replace
from studio.photo.crop import find_largest, find_output_size
from tests.fakes.gradients import SHOT

COUNT, FPS, SIDES = 21, 24, (128, 96)
FIRST, STEP = 20, 10
MOST_PARTS = 500
NESTS = ("moov", "trak", "mdia", "minf", "stbl", "edts", "stsd", "avc1")
SKIPS = {"stsd": 8, "avc1": 78}
"""Boxes that hold boxes, and what stands before those in some (ISO/IEC 14496-12, 8.5.2 and 12.1.3)."""


def quiet(_: Progress) -> None:
    """A watcher that doesn't mind."""


class Box(NamedTuple):
    path: str
    body: bytes


def boxes(data: bytes, inside: str = "") -> Iterator[Box]:
    """Every box of an MP4 in its order, by its path, "moov/trak"; MOST_PARTS at most."""
    at = 0
    for _ in range(MOST_PARTS):
        if at + 8 > len(data):
            return
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        name, body = kind.decode("latin1"), data[at + 8 : at + size]
        yield Box(inside + name, body)
        if name in NESTS:
            yield from boxes(body[SKIPS.get(name, 0) :], f"{inside}{name}/")
        assert size >= 8
        at += size


def elements(data: bytes, nests: tuple[int, ...]) -> Iterator[tuple[int, bytes]]:
    """Every EBML element in its order, by its id (RFC 8794), those inside `nests` after them; MOST_PARTS at most."""

    def number(at: int, keep: bool) -> tuple[int, int]:
        length = 9 - data[at].bit_length()
        value = int.from_bytes(data[at : at + length], "big")
        return (value if keep else value & (1 << 7 * length) - 1), at + length

    at = 0
    for _ in range(MOST_PARTS):
        if at >= len(data):
            return
        kind, at = number(at, True)
        size, at = number(at, False)
        yield kind, data[at : at + size]
        if kind in nests:
            yield from elements(data[at : at + size], nests)
        at += size


def grey() -> Frames:
    """Frame k is all of one grey, FIRST + STEP * k."""
    shades = (np.full((SIDES[1], SIDES[0], 3), FIRST + STEP * index, np.uint8) for index in range(COUNT))
    return Frames(shades, *SIDES, FPS, COUNT)


def number(picture: np.ndarray) -> int:
    """Which frame of `grey` it is."""
    return round((float(picture.mean()) - FIRST) / STEP)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A clip of each format, an MP4 with a silent track, copies without their recipes, and a comparison as a film."""
    folder = tmp_path_factory.mktemp("containers")
    kinds: tuple[Format, ...] = ("mp4", "webm", "gif", "webp")
    made = {kind: encode(grey(), folder / f"clip.{kind}", replace(SHOT, format=kind), quiet).file for kind in kinds}
    made["silent"] = encode(grey(), folder / "silent.mp4", SHOT, quiet, "it wants one").file
    loud = replace(SHOT, format="webm")
    made["silent webm"] = encode(grey(), folder / "silent.webm", loud, quiet, "it wants one").file
    made["plain webm"] = recipe.strip_recipe(made["silent webm"], folder / "plain.webm")
    made["plain"] = recipe.strip_recipe(made["silent"], folder / "plain.mp4")
    made["film"] = folder / "film.mp4"
    write_grid([Tile(made["silent"], ("One",))], made["film"], quiet, sound=made["silent"])
    return made


@pytest.mark.parametrize("name", ["mp4", "silent", "plain", "film"])
def test_an_mp4_has_square_pixels_its_index_in_front_and_no_edit_list(clips: dict[str, Path], name: str) -> None:
    found = list(boxes(clips[name].read_bytes()))
    paths = [box.path for box in found]
    assert paths.index("moov") < paths.index("mdat")
    assert not [path for path in paths if "edts" in path or "elst" in path]
    shapes = [box.body for box in found if box.path.endswith("avc1/pasp")]
    assert shapes == [struct.pack(">II", 1, 1)]
    lengths = [struct.unpack(">I", box.body[20:24])[0] for box in found if box.path.endswith("tkhd")]
    whole = next(struct.unpack(">II", box.body[12:20]) for box in found if box.path == "moov/mvhd")
    assert len(lengths) == (1 if name == "mp4" else 2)
    assert lengths == [whole[1]] * len(lengths), "every track is as long as the clip"
    assert whole[1] / whole[0] == pytest.approx(COUNT / FPS, abs=0.002)
    with av.open(str(clips[name])) as clip:
        sps = clip.streams.video[0].codec_context
        assert (sps.sample_aspect_ratio, clip.start_time) == (1, 0)
        assert [stream.start_time for stream in clip.streams] == [0] * len(lengths)


@pytest.mark.parametrize("name", ["mp4", "silent", "plain", "webm"])
def test_every_reader_begins_with_the_first_frame_at_nought_and_finds_them_all(clips: dict[str, Path], name: str) -> None:
    with av.open(str(clips[name])) as clip:
        assert [frame.pts * frame.time_base for frame in clip.decode(video=0)] == pytest.approx(
            [index / FPS for index in range(COUNT)], abs=1e-3
        )
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(clips[name]), "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    decoded = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    seen = np.frombuffer(decoded, np.uint8).reshape(-1, SIDES[1], SIDES[0])
    shades = np.diff(seen.mean((1, 2)))
    assert len(seen) == COUNT and (shades > 0).all()
    assert imageio_ffmpeg.count_frames_and_secs(str(clips[name])) == (COUNT, pytest.approx(COUNT / FPS, abs=0.02))
    if name == "webm":
        return  # OpenCV's ffmpeg has no AV1 decoder everywhere
    film = cv2.VideoCapture(str(clips[name]))
    assert (film.get(cv2.CAP_PROP_FRAME_COUNT), film.get(cv2.CAP_PROP_FPS)) == (COUNT, FPS)
    shown = []
    while (read := film.read())[0]:
        shown.append(number(read[1]))
    assert shown == list(range(COUNT))
    film.set(cv2.CAP_PROP_POS_FRAMES, 13)
    assert number(film.read()[1]) == 13
    film.release()


EBML = {"segment": 0x18538067, "tracks": 0x1654AE6B, "track": 0xAE, "cues": 0x1C53BB6B, "cluster": 0x1F43B675, "video": 0xE0}
FLAG_DEFAULT, WIDTH, HEIGHT, SHOWN_WIDTH, SHOWN_HEIGHT = 0x88, 0xB0, 0xBA, 0x54B0, 0x54BA


@pytest.mark.parametrize(("name", "count"), [("webm", 1), ("silent webm", 2), ("plain webm", 2)])
def test_a_webm_has_its_cues_in_front_and_its_tracks_are_those_to_play(clips: dict[str, Path], name: str, count: int) -> None:
    nests = tuple(EBML[part] for part in ("segment", "tracks", "track", "video"))
    found = list(elements(clips[name].read_bytes(), nests))
    kinds = [kind for kind, _ in found]
    assert kinds.index(EBML["cues"]) < kinds.index(EBML["cluster"])
    assert (kinds.count(EBML["cues"]), kinds.count(EBML["track"])) == (1, count)
    assert all(body == b"\1" for kind, body in found if kind == FLAG_DEFAULT), "1 where nothing is said (RFC 9559, 5.1.4.1.5)"
    fields = {kind: int.from_bytes(body, "big") for kind, body in found}
    assert (fields[WIDTH], fields[HEIGHT]) == SIDES
    assert (fields.get(SHOWN_WIDTH, SIDES[0]), fields.get(SHOWN_HEIGHT, SIDES[1])) == SIDES, "as many as it has, unless said"


def test_a_gif_has_square_pixels(clips: dict[str, Path]) -> None:
    head = clips["gif"].read_bytes()[:13]
    assert (head[:6], (head[12] + 15) / 64) == (b"GIF89a", 1)


def test_the_widest_clip_is_of_a_level_that_hardware_plays(tmp_path: Path) -> None:
    """H.264's table A-1: up to 36,864 macroblocks a frame 5.1 takes 983,040 a second, and 5.2 twice as many and more."""
    photo = Photo("1" * 64, 5472, 3648)
    shot = Shot(photo, find_largest(photo, "21:9"), size="2160p")
    wide = find_output_size(shot)
    assert (wide.width, wide.height, wide.width % 2, wide.height % 2) == (4096, 1756, 0, 0)
    assert "4096" in wide.choice.reason
    for fps, level in ((30, 51), (60, 52)):
        black = (np.zeros((wide.height * 3 // 2, wide.width), np.uint8) for _ in range(2))
        made = encode(Frames(black, wide.width, wide.height, fps, 2, "yuv420p"), tmp_path / f"{fps}.mp4", shot, quiet)
        (config,) = [box.body for box in boxes(made.file.read_bytes()) if box.path.endswith("avcC")]
        assert config[3] == level, "ISO/IEC 14496-15, 5.3.3.1"
