"""A dolly is seen on a phone: by how much what a photo is of grows, measured by its features in the first and last frame."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from studio.config import ASSETS, Settings
from studio.engines.parallax.parallax_engine import ParallaxEngine
from studio.engines.prepare import prepare
from studio.nouns import Camera, Motion, Move, MoveName, Photo, Shot, Speed
from tests.engines.test_parallax_engine import CARD, ignore, load

NAMES = ("dandelion", "dogs", "fig", "mountains", "stream", "sunset")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ParallaxEngine:
    settings = Settings(tmp_path_factory.mktemp("home"))
    settings.prepare()
    return ParallaxEngine(settings)


def _scale(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    """How many times larger the features of a region are in another frame, by those that are found back and forth."""
    corners = cv2.goodFeaturesToTrack(one, 800, 0.005, 5, mask=where)
    there, _, _ = cv2.calcOpticalFlowPyrLK(one, other, corners, None, winSize=(31, 31), maxLevel=4)
    back, _, _ = cv2.calcOpticalFlowPyrLK(other, one, there, None, winSize=(31, 31), maxLevel=4)
    good = np.hypot(*(back - corners)[:, 0].T) < 1
    assert good.sum() >= 10
    turn, _ = cv2.estimateAffinePartial2D(corners[good], there[good], ransacReprojThreshold=4)
    return float(np.hypot(turn[0, 0], turn[1, 0]))


def growth(engine: ParallaxEngine, name: str, move: MoveName, amount: float = 0.6, speed: Speed = "normal") -> float:
    """Of the subject, or of all where there is none, over a clip of 5 s."""
    image = load(ASSETS / "samples", name)
    camera = Camera((Move(move, amount),), speed=speed)
    wanted = Shot(Photo("6" * 64, image.shape[1], image.shape[0]), motion=Motion(camera=camera), size="240p", fps=16)
    found = engine.animate(prepare(wanted, CARD), image, None, ignore)
    frames = [picture[: found.height] for index, picture in enumerate(found.images) if index in (0, 40, 79)]
    cover = cv2.resize(engine.read(image, wanted).masks["subject"], (found.width, found.height))
    where = (cover > 0.5).astype(np.uint8) * np.uint8(255)
    if where.mean() < 2:
        where[:] = 255
    wider = cv2.dilate(where, np.ones((15, 15), np.uint8))
    return _scale(frames[0], frames[1], where) * _scale(frames[1], frames[2], wider) - 1


@pytest.mark.parametrize("name", NAMES)
def test_a_dolly_grows_what_the_photo_is_of_by_about_fifteen_percent(engine: ParallaxEngine, name: str) -> None:
    assert 0.12 < growth(engine, name, "dolly_in") < 0.21
    assert 0.08 < growth(engine, name, "dolly_in", speed="slow") < 0.13
    assert -0.20 < growth(engine, name, "dolly_out") < -0.10


def test_a_dolly_grows_with_its_amount_and_speed_and_not_at_all_at_zero(engine: ParallaxEngine) -> None:
    found = [growth(engine, "fig", "dolly_in", amount) for amount in (0.0, 0.3, 0.6, 1.0)]
    assert abs(found[0]) < 0.002
    assert all(later > earlier + 0.04 for earlier, later in pairwise(found))
    assert growth(engine, "fig", "dolly_in", speed="fast") > found[2] + 0.04
    assert 0.08 < growth(engine, "fig", "push_orbit_left") < found[2]
