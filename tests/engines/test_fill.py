from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image as Pictures

from studio.engines.parallax import fill


@pytest.fixture(scope="module")
def stream(samples):
    image = np.asarray(Pictures.open(samples / "stream.jpg"))
    return cv2.resize(image, (960, 639), interpolation=cv2.INTER_AREA)


def hole_in(image, centre, radii):
    hole = np.zeros(image.shape[:2], np.uint8)
    return cv2.ellipse(hole, centre, radii, 0, 0, 360, 255, -1)


def detail(image, where):
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return float(np.abs(cv2.Laplacian(grey, cv2.CV_32F))[where].mean())


def rim(hole, depth):
    return (hole > 0) & (cv2.distanceTransform(hole, cv2.DIST_L2, 5) < depth)


def test_spread_keeps_what_is_known_and_stays_in_its_range():
    values = np.random.default_rng(0).random((50, 70), dtype=np.float32)
    known = np.ones((50, 70), np.float32)
    known[10:40, 20:50] = 0
    found = fill.spread(values, known)
    assert np.allclose(found[known > 0], values[known > 0], atol=1e-5)
    assert found.min() >= values.min() - 1e-4 and found.max() <= values.max() + 1e-4


@pytest.mark.parametrize("how", ["quick", "textured"])
def test_only_the_hole_is_touched_and_nothing_of_it_is_left(stream, how):
    hole = hole_in(stream, (480, 330), (150, 120))
    marked = stream.copy()
    marked[hole > 0] = (255, 0, 255)
    found = fill.quick(marked, hole) if how == "quick" else fill.textured(marked, hole, 48)
    assert np.array_equal(found[hole == 0], marked[hole == 0])
    inside = found[hole > 0].astype(int)
    magenta = (inside[:, 0] > 200) & (inside[:, 2] > 200) & (inside[:, 1] < 60)
    assert not magenta.any()


def test_the_rim_has_the_texture_of_its_surroundings(stream):
    hole = hole_in(stream, (480, 330), (150, 120))
    shown = rim(hole, 30)
    around = (cv2.dilate(hole, np.ones((61, 61), np.uint8)) > 0) & (hole == 0)
    real = detail(stream, around)
    assert detail(fill.textured(stream, hole, 48), shown) > 0.6 * real
    assert detail(fill.quick(stream, hole), shown) < 0.25 * real


def test_a_straight_edge_is_carried_on():
    image = np.full((400, 600, 3), 210, np.uint8)
    image[200:] = 60
    image = np.clip(image + np.random.default_rng(1).normal(0, 6, image.shape), 0, 255).astype(np.uint8)
    hole = hole_in(image, (300, 200), (90, 90))
    found = fill.textured(image, hole, 40).astype(int)
    shown = rim(hole, 30)
    above, below = shown.copy(), shown.copy()
    above[190:] = False
    below[:210] = False
    assert found[above].mean() > 190 and found[below].mean() < 80


def test_the_fill_is_the_same_each_time(stream):
    hole = hole_in(stream, (300, 300), (80, 160))
    assert np.array_equal(fill.textured(stream, hole, 48), fill.textured(stream, hole, 48))


@pytest.mark.parametrize("shape", [(64, 64), (64, 700), (300, 90)])
def test_small_long_and_full_holes_are_filled(shape):
    image = np.random.default_rng(2).integers(0, 255, (*shape, 3), dtype=np.uint8)
    for hole in (np.full(shape, 255, np.uint8), np.pad(np.full((shape[0] - 8, shape[1] - 8), 255, np.uint8), 4)):
        assert fill.textured(image, hole, 12).shape == image.shape
    assert np.array_equal(fill.textured(image, np.zeros(shape, np.uint8), 12), image)
