"""What hardly moves doesn't pulse, whatever it is encoded with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from bench import frame_measures
from studio.clip.encode import encode
from studio.clip.formats import choose_key_interval
from studio.frames import Frames
from studio.nouns import Camera, Format, Motion, Progress, replace
from tests.fakes.gradients import SHOT

COUNT = 50
TURN = 48
PAST = 48  # where a key frame used to be: two seconds on


def _quiet(_: Progress) -> None:
    """A watcher that doesn't mind."""


def drifting(width: int, height: int) -> Iterator[np.ndarray]:
    """A textured picture, I420, that drifts a little: 0.04 pixels a frame."""
    noise = np.random.default_rng(3).standard_normal((height, width)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 2)
    still = np.clip(110 + 22 * soft / soft.std(), 16, 235)
    for index in range(COUNT):
        matrix = np.array([[1, 0, 0.04 * index], [0, 1, 0]])
        luma = cv2.warpAffine(still, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        yield np.vstack([np.rint(luma).astype(np.uint8), np.full((height // 2, width), 128, np.uint8)])


def shown(file: Path) -> tuple[list[np.ndarray], list[int]]:
    """The brightness of every frame, and which are key frames."""
    with av.open(str(file)) as video:
        frames = list(video.decode(video=0))
    return [frame.to_ndarray(format="yuv420p")[: frame.height] for frame in frames], [
        index for index, frame in enumerate(frames) if frame.key_frame
    ]


@pytest.mark.parametrize(("kind", "side"), [("mp4", 362), ("mp4", 240), ("webm", 240)], ids=["mp4", "draft", "webm"])
def test_what_hardly_moves_does_not_pulse_at_a_key_frame(tmp_path: Path, kind: Format, side: int) -> None:
    width = side * 4 // 3 // 2 * 2
    given = Frames(drifting(width, side), width, side, 24, COUNT, "yuv420p")
    made = encode(given, tmp_path / f"clip.{kind}", replace(SHOT, format=kind), _quiet)
    frames, keys = shown(made.file)
    assert len(frames) == COUNT
    assert keys == [0]
    assert frame_measures.pulse(frames, [PAST]) <= 1.5


def circling(width: int, height: int) -> Iterator[np.ndarray]:
    """A textured picture, I420, that goes round in a circle of 0.3 pixels and ends where it began."""
    noise = np.random.default_rng(3).standard_normal((height, width)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 1)
    still = np.clip(110 + 22 * soft / soft.std(), 16, 235)
    for index in range(TURN):
        turn = 2 * np.pi * index / TURN
        matrix = np.array([[1, 0, 0.3 * np.sin(turn)], [0, 1, 0.3 * np.cos(turn)]])
        luma = cv2.warpAffine(still, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        yield np.vstack([np.rint(luma).astype(np.uint8), np.full((height // 2, width), 128, np.uint8)])


@pytest.mark.parametrize(("kind", "side"), [("mp4", 362), ("webm", 240)])
def test_the_seam_of_a_loop_is_looked_after(tmp_path: Path, kind: Format, side: int) -> None:
    width = side * 4 // 3 // 2 * 2
    seams, sizes = [], []
    for loop in (False, True):
        shot = replace(SHOT, format=kind, motion=Motion(camera=Camera(loop=loop)))
        given = Frames(circling(width, side), width, side, 24, TURN, "yuv420p")
        made = encode(given, tmp_path / f"clip.{kind}", shot, _quiet)
        frames, keys = shown(made.file)
        assert (len(frames), made.outcome.num_frames, keys) == (TURN, TURN, [0])
        seams.append(frame_measures.steps(frames)[0])
        sizes.append(made.bytes)
    assert seams[1] <= 0.9 * seams[0]
    assert sizes[1] <= 1.15 * sizes[0]


@pytest.mark.parametrize(
    ("fps", "seconds", "every"), [(24, 5, 5.0), (24, 10, 10.0), (24, 11, 5.5), (24, 60, 10.0), (60, 12, 6.0), (30, 1, 1.0)]
)
def test_key_frames_stand_evenly_and_never_more_than_ten_seconds_apart(fps: int, seconds: int, every: float) -> None:
    assert choose_key_interval(Frames(iter(()), 1280, 720, fps, fps * seconds)) == round(every * fps)


def test_a_large_clip_has_a_key_frame_sooner_as_it_takes_longer_to_seek_in() -> None:
    lengths = [choose_key_interval(Frames(iter(()), 1920, 1080, 24, 24 * seconds)) / 24 for seconds in (5, 6, 10)]
    assert lengths == [5.0, 6.0, 5.0]
