from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image as Pictures

from studio.engines.parallax import inpaint


@pytest.fixture(scope="module")
def stream(samples):
    image = np.asarray(Pictures.open(samples / "stream.jpg"))
    return cv2.resize(image, (960, 639), interpolation=cv2.INTER_AREA)


def hole_in(image, centre, radii):
    hole = np.zeros(image.shape[:2], np.uint8)
    return cv2.ellipse(hole, centre, radii, 0, 0, 360, 255, -1)


def test_spread_keeps_what_is_known_and_stays_in_its_range():
    values = np.random.default_rng(0).random((50, 70), dtype=np.float32)
    known = np.ones((50, 70), np.float32)
    known[10:40, 20:50] = 0
    found = inpaint.spread(values, known)
    assert np.allclose(found[known > 0], values[known > 0], atol=1e-5)
    assert found.min() >= values.min() - 1e-4 and found.max() <= values.max() + 1e-4


def test_only_the_hole_is_touched_and_nothing_of_it_is_left(stream):
    hole = hole_in(stream, (480, 330), (150, 120))
    marked = stream.copy()
    marked[hole > 0] = (255, 0, 255)
    found = inpaint.smooth(marked, hole)
    assert np.array_equal(found[hole == 0], marked[hole == 0])
    inside = found[hole > 0].astype(int)
    magenta = (inside[:, 0] > 200) & (inside[:, 2] > 200) & (inside[:, 1] < 60)
    assert not magenta.any()


@pytest.mark.parametrize("shape", [(64, 64), (64, 700), (300, 90)])
def test_small_long_and_full_holes_are_filled(shape):
    image = np.random.default_rng(2).integers(0, 255, (*shape, 3), dtype=np.uint8)
    for hole in (np.full(shape, 255, np.uint8), np.pad(np.full((shape[0] - 8, shape[1] - 8), 255, np.uint8), 4)):
        assert inpaint.smooth(image, hole).shape == image.shape
    assert np.array_equal(inpaint.smooth(image, np.zeros(shape, np.uint8)), image)
