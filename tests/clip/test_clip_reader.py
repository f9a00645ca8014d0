"""Clips are read once, at a reduced size, and a file that nobody vouches for can't hurt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.clip import clip_reader
from studio.clip.clip_reader import Footage, Unreadable, decode_first_frame, read_footage
from studio.clip.encode import encode
from studio.frames import Frames
from studio.nouns import Format, Photo, Shot

COUNT = 60


def make(folder: Path, kind: Format, count: int = COUNT, wide: int = 640) -> Path:
    """A clip whose brightness says which frame it is: 40 levels and three more a frame."""
    high = wide * 9 // 16
    images = (np.full((high, wide, 3), (40 + 3 * at) % 256, np.uint8) for at in range(count))
    shot = Shot(Photo("1" * 64, wide, high), format=kind)
    return encode(Frames(images, wide, high, 20, count), folder / f"clip.{kind}", shot, lambda progress: None).file


def brightness(footage: Footage) -> np.ndarray:
    """Which frame each sample is, by its brightness."""
    full = (footage.luma.mean((1, 2)) - 16) * 255 / 219
    return (full - 40) / 3


@pytest.mark.parametrize("kind", ["mp4", "webm", "gif", "webp"])
def test_samples_are_the_frames_they_say(tmp_path: Path, kind: Format) -> None:
    footage = read_footage(make(tmp_path, kind), trusted=True)
    assert footage.num_frames == COUNT and footage.rate == pytest.approx(20, rel=0.02)
    assert footage.seconds == pytest.approx(COUNT / 20, rel=0.02)
    assert np.abs(brightness(footage) - footage.frame).max() < 0.6
    assert footage.at == pytest.approx(footage.frame / 20, abs=0.03)
    gaps = np.diff(footage.frame)
    assert gaps.max() <= 8 and np.count_nonzero(gaps == 1) >= 3 * (clip_reader.RUN - 1)
    assert footage.frame[0] == 0 and footage.frame[-1] == COUNT - 1
    assert footage.luma.shape[1:] == (180, 320) and footage.chroma.shape[1:] == (2, 90, 160)
    assert len(footage.stills) == 3 and (footage.width, footage.height) == (640, 360)


@pytest.mark.parametrize("kind", ["mp4", "webm", "gif", "webp"])
def test_the_first_frame_is_the_films_own(tmp_path: Path, kind: Format) -> None:
    """Its colours too: it stands in the player's place until the film has begun."""
    colours = ((200, 60, 40), (20, 90, 220), (90, 200, 60))
    images = (np.full((720, 1280, 3), colour, np.uint8) for colour in colours)
    shot = Shot(Photo("1" * 64, 1280, 720), format=kind)
    file = encode(Frames(images, 1280, 720, 10, 3), tmp_path / f"clip.{kind}", shot, lambda progress: None).file
    first = decode_first_frame(file)
    assert first.shape[1] in (clip_reader.FIRST[0], 640) and first.shape[0] * 16 == first.shape[1] * 9
    assert np.abs(first.reshape(-1, 3).mean(0) - colours[0]).max() < 5
    with pytest.raises((OSError, ValueError)):
        decode_first_frame(tmp_path / f"none.{kind}")


def test_the_bounded_process_reads_the_same(tmp_path: Path) -> None:
    file = make(tmp_path, "mp4")
    for one, other in zip(read_footage(file, trusted=True), read_footage(file, trusted=False), strict=True):
        assert np.array_equal(one, other)


def test_a_file_that_is_no_clip_is_refused(tmp_path: Path) -> None:
    whole = make(tmp_path, "mp4", 30).read_bytes()
    hostile = {
        "empty": b"", "noise": np.random.default_rng(0).bytes(4000), "half": whole[: len(whole) // 3],
        "playlist": b"#EXTM3U\n/etc/passwd\n", "claims": whole[:64] + b"\xff" * 400 + whole[464:2000],
        "webp": b"RIFF\xff\xff\xff\x7fWEBPVP8X" + b"\xff" * 60, "gif": b"GIF89a\xff\xff\xff\xff\xf7" + b"\0" * 90,
    }  # fmt: skip
    for name, data in hostile.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(Unreadable):
            read_footage(tmp_path / name, trusted=False)
    with pytest.raises(Unreadable):
        read_footage(tmp_path / "nowhere.mp4", trusted=False)


def test_time_and_memory_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = make(tmp_path, "mp4")
    monkeypatch.setattr(clip_reader, "SECONDS", 0.01)
    with pytest.raises(Unreadable):
        read_footage(file, trusted=False)
    monkeypatch.setattr(clip_reader, "MOST_PIXELS", 640 * 360 - 1)
    with pytest.raises(Unreadable):
        read_footage(file, trusted=True)


def test_only_the_first_minute_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_reader, "MOST_SECONDS", 1.0)
    footage = read_footage(make(tmp_path, "mp4", wide=320), trusted=True)
    assert 15 <= footage.num_frames <= 30
    assert np.abs(brightness(footage) - footage.frame).max() < 0.6


def test_a_long_clip_is_sampled_more_thinly(tmp_path: Path) -> None:
    footage = read_footage(make(tmp_path, "mp4", count=70, wide=320), trusted=True)
    longer = read_footage(make(tmp_path, "mp4", count=140, wide=320), trusted=True)
    assert len(longer.luma) < 1.3 * len(footage.luma)
    assert np.diff(longer.frame).max() / longer.rate <= 0.6, "a stretch of half a second is still seen"
