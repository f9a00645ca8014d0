"""Clips of several shapes in one frame: whole, cropped round what they show, or upon a blurred ground of themselves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.finish.clip_frames import Facts
from studio.finish.reel_framing import choose_framing, fill_side, frame_clip

SIZE = (180, 320)


def planar(picture: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2YUV_I420))


def never() -> np.ndarray:
    raise AssertionError("a clip of the reel's own shape isn't looked at")


def test_a_clip_of_the_same_shape_is_only_scaled() -> None:
    framing = choose_framing(Facts(360, 640, 10, 24.0), SIZE, never)
    made = frame_clip(planar(np.full((640, 360, 3), 200, np.uint8)), framing)
    assert made.shape == (480, 180) and not framing.has_ground
    same = planar(np.zeros((320, 180, 3), np.uint8))
    assert frame_clip(same, choose_framing(Facts(180, 320, 10, 24.0), SIZE, never)) is same


def test_a_subject_stays_in_the_crop(samples: Path) -> None:
    """Seven tenths of the clip are kept: enough for a crop, whose sides are even and inside the clip."""
    picture = cv2.cvtColor(cv2.imread(str(samples / "dandelion.jpg")), cv2.COLOR_BGR2RGB)
    picture = cv2.resize(picture, (480, 600))
    framing = choose_framing(Facts(480, 600, 10, 24.0), SIZE, lambda: planar(picture))
    assert framing.place == (0, 0, *SIZE)
    left, top, wide, high = framing.box
    assert left + wide <= 480 and top + high <= 600 and not (left | top | wide | high) % 2
    assert wide / high == pytest.approx(SIZE[0] / SIZE[1], rel=0.02)


def test_what_would_lose_too_much_stands_on_a_ground_of_itself() -> None:
    rng = np.random.default_rng(0)
    wide = cv2.resize(rng.integers(40, 216, (9, 16, 3)).astype(np.uint8), (640, 360), interpolation=cv2.INTER_NEAREST)
    framing = choose_framing(Facts(640, 360, 10, 24.0), SIZE, lambda: planar(wide))
    assert framing.has_ground and framing.box == (0, 0, 640, 360)
    made = frame_clip(planar(wide), framing)
    _, top, width, height = framing.place
    luma = made[:320]
    inner = cv2.resize(planar(wide)[:360], (width, height), interpolation=cv2.INTER_AREA)
    assert np.array_equal(luma[top : top + height], inner), "the clip itself is all there"
    ground = luma[: top - 4].astype(float)
    assert ground.mean() < 0.7 * inner.mean(), "the ground is darker"
    assert np.abs(np.diff(ground, axis=1)).max() < 6, "and blurred"


def test_the_side_that_a_clip_fills() -> None:
    assert fill_side(Facts(1920, 1080, 1, 24.0), 9 / 16) == 608
    assert fill_side(Facts(1080, 1920, 1, 24.0), 9 / 16) == 1080
    assert fill_side(Facts(640, 640, 1, 24.0), 16 / 9) == 360
