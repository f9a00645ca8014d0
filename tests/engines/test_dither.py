"""Dark gradients come out without bands, also after encoding; nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from bench import frame_measures
from studio.clip.encode import encode
from studio.engines.parallax import dither, yuv
from studio.frames import Frames
from studio.nouns import replace
from tests.fakes.gradients import SHOT

WIDTH, HEIGHT = 640, 400


@pytest.fixture(scope="module")
def night() -> np.ndarray:
    """A dark sky without grain, RGB, that grows lighter by a level every dozen pixels."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    glow = 12 + 22 * y / HEIGHT + 14 * np.exp(-(((x - 420) / 260) ** 2 + ((y - 330) / 160) ** 2))
    return np.rint(glow[..., None] * np.array([0.8, 0.9, 1.15], np.float32)).astype(np.uint8)


def plain(rgb: np.ndarray) -> np.ndarray:
    """Its brightness by BT.709 before rounding."""
    return 16 + 219 / 255 * (rgb @ np.array([0.2126, 0.7152, 0.0722]))


def textured(rgb: np.ndarray) -> np.ndarray:
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


def test_a_dark_gradient_has_no_bands_and_stays_what_it_was(night: np.ndarray) -> None:
    exact = plain(night)
    assert frame_measures.banding(np.rint(exact).astype(np.uint8)) > 15
    for made in (yuv.to_yuva(textured(night))[..., 0], yuv.from_rgb(night)[:HEIGHT]):
        assert frame_measures.banding(np.ascontiguousarray(made)) < 1
        assert np.abs(cv2.blur(made.astype(np.float64), (31, 31)) - cv2.blur(exact, (31, 31))).max() < 0.5
        assert np.abs(made - exact).max() < 4


def test_it_is_the_same_noise_every_time(night: np.ndarray) -> None:
    assert np.array_equal(yuv.to_yuva(textured(night)), yuv.to_yuva(textured(night)))


@pytest.mark.parametrize("change", ["bright", "grained", "seen through", "flat"])
def test_what_is_bright_or_grained_or_seen_through_or_flat_is_left_alone(night: np.ndarray, change: str) -> None:
    picture = textured(night)
    if change == "bright":
        picture[..., :3] += 150
    elif change == "grained":
        grain = np.random.default_rng(1).normal(0, 4, (HEIGHT, WIDTH, 1))
        picture[..., :3] = np.clip(picture[..., :3] + grain, 0, 255).astype(np.uint8)
    elif change == "flat":
        picture[..., :3] = 20
        picture[100:110, 100:110, :3] = 220
    else:
        picture[..., 3] = 200
    matrix = np.array([0.2126, 0.7152, 0.0722, 0.0]) * 219 / 255
    matrix[3] = 16 / 255
    assert np.abs(yuv.to_yuva(picture)[..., 0] - picture @ matrix).max() <= 0.51


def test_bands_stay_away_in_the_clip(night: np.ndarray, tmp_path: Path) -> None:
    """The picture drifts, so that the encoder has to draw it again and again."""

    def bands(luma: np.ndarray, name: str) -> float:
        grey = np.full((HEIGHT // 2, WIDTH), 128, np.uint8)
        moved = (np.vstack([np.ascontiguousarray(luma[:, index : WIDTH - 16 + index]), grey[:, 16:]]) for index in range(12))
        made = encode(Frames(moved, WIDTH - 16, HEIGHT, 24, 12, "yuv420p"), tmp_path / name, replace(SHOT, format="mp4"), _quiet)
        with av.open(str(made.file)) as video:
            seen = [frame.to_ndarray(format="yuv420p")[:HEIGHT] for frame in video.decode(video=0)]
        return float(np.mean([frame_measures.banding(np.ascontiguousarray(frame)) for frame in seen[::4]]))

    without = bands(np.rint(plain(night)).astype(np.uint8), "plain.mp4")
    assert bands(yuv.from_rgb(night)[:HEIGHT], "dithered.mp4") < without / 3


def test_nothing_is_done_where_nothing_is_dark_and_smooth() -> None:
    noise = np.random.default_rng(2).integers(0, 255, (200, 300), np.uint8)
    assert dither.place(noise) is None


def _quiet(_: object) -> None:
    """A watcher that doesn't mind."""
