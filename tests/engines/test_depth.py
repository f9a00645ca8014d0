from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest
from PIL import Image as Pictures
from skimage import data
from sklearn.datasets import load_sample_image

from bench import known
from bench.depth import labels, pairs, photo, right
from studio.engines.parallax import depth_cues, perspective, sky
from studio.nouns import Crop, Photo
from studio.photo import matte
from studio.photo.crop import cut_crop


def spearman(a, b):
    ranks = [np.argsort(np.argsort(values)).astype(np.float64) for values in (a, b)]
    return float(np.corrcoef(ranks)[0, 1])


@pytest.fixture(scope="module")
def motorcycle():
    left, _, disparity = data.stereo_motorcycle()
    return left, disparity


def test_depth_agrees_with_measured_disparity(motorcycle):
    image, measured = motorcycle
    found = depth_cues.estimate(image, matte.find_matte(image)).disparity
    found = cv2.resize(found, measured.shape[::-1])
    known = np.isfinite(measured)
    assert spearman(found[known], measured[known]) >= 0.80


def test_points_of_photos_are_in_the_order_that_was_seen():
    photos = {name: labelled for name, labelled in labels().items() if name in ("brushes", "pier", "valley", "china")}
    shares = []
    for name, labelled in photos.items():
        image = photo(name)
        asked = pairs(name, labelled, image.shape[:2])
        assert len(asked) == 100
        shares.append(right(depth_cues.estimate(image, matte.find_matte(image)).disparity, labelled, asked))
    assert min(shares) >= 0.75 and np.mean(shares) >= 0.85, dict(zip(photos, shares, strict=True))


def test_lines_that_meet_make_walls_that_recede():
    for scene, least in zip(known.scenes(), (0.9, 0.7, 0.7), strict=False):  # a field, a street, a corridor
        found = depth_cues.estimate(scene.image, matte.find_matte(scene.image)).disparity
        laid = cv2.resize(found, scene.disparity.shape[::-1])
        assert spearman(laid.ravel(), scene.disparity.ravel()) >= least, scene.name


def test_a_wood_has_no_walls_and_a_corridor_has():
    wood, corridor = (
        perspective.walls(cv2.cvtColor(matte.shrink_to_work(photo(name)), cv2.COLOR_RGB2GRAY)) for name in ("forest", "corridor")
    )
    assert wood.sure == 0 and corridor.sure > 0.5
    assert corridor.nearness[[0, -1]].min() > 0.2 > corridor.nearness.min()


@pytest.mark.parametrize("name", ["corridor", "livingroom", "desk", "selfie"])
def test_a_pale_wall_indoors_is_not_a_sky(name):
    image = photo(name)
    assert sky.find(matte.shrink_to_work(image).astype(np.float32) / 255, matte.find_matte(image).soft).share == 0


def test_depth_has_the_working_size_and_range(samples):
    image = np.asarray(Pictures.open(samples / "sunset.jpg"))
    found = depth_cues.estimate(image, matte.find_matte(image)).disparity
    assert max(found.shape) == matte.WORK
    assert found.dtype == np.float32
    assert found.min() >= 0 and found.max() <= 1 and found.max() - found.min() > 0.3


def test_a_subject_is_nearer_than_what_is_around_it():
    image = data.astronaut()
    subject = matte.find_matte(image)
    found = depth_cues.estimate(image, subject).disparity
    near, far = found[subject.soft > 0.95], found[: found.shape[0] // 2][subject.soft[: found.shape[0] // 2] < 0.05]
    assert np.percentile(near, 10) > np.percentile(far, 90)


@pytest.mark.parametrize("name", ["mountains", "sunset"])
def test_a_landscape_has_sky_at_infinity_and_ground_near(samples, name):
    image = np.asarray(Pictures.open(samples / f"{name}.jpg"))
    reading = depth_cues.estimate(image, matte.find_matte(image))
    assert reading.sky.apart
    assert reading.disparity[:10].mean() < 0.03
    assert reading.disparity[-10:].mean() > 0.4


def test_a_bright_cloud_belongs_to_the_sky(samples):
    image = matte.shrink_to_work(np.asarray(Pictures.open(samples / "mountains.jpg")))
    seen = sky.find(image.astype(np.float32) / 255, np.zeros(image.shape[:2], np.float32))
    assert seen.soft[65:90, 70:110].mean() > 0.8


@pytest.mark.parametrize("load", [data.astronaut, data.coffee, data.chelsea], ids=["astronaut", "coffee", "chelsea"])
def test_a_wall_is_not_a_sky(load):
    image = load()
    assert depth_cues.estimate(image, matte.find_matte(image)).sky.share == 0


def test_a_bounded_edge_is_certain_and_a_blur_is_not(samples):
    certain = matte.find_matte(load_sample_image("flower.jpg"))
    assert certain.layered and certain.gap == 1 and certain.doubt < 4
    vague = matte.find_matte(np.asarray(Pictures.open(samples / "stream.jpg")))
    assert not vague.layered and vague.gap < 1
    assert "one sheet" in vague.choice.reason


def test_a_second_look_finds_the_edge_that_the_first_missed(samples):
    found = matte.find_matte(np.asarray(Pictures.open(samples / "sunset.jpg")))
    assert found.layered and found.doubt < 3


def test_a_subject_that_fills_a_tight_crop_is_found_in_the_whole_photo(samples):
    whole = np.asarray(Pictures.open(samples / "dandelion.jpg"))
    tall = Crop(0.129, 0.0, 81 / 256, 1.0, "9:16")  # where the ball fills the width
    image = cut_crop(whole, Photo("d" * 64, whole.shape[1], whole.shape[0]), tall)
    assert not matte.find_matte(image).layered
    assert matte.find_matte(image, whole, tall).layered


def test_the_smallest_crop_of_a_large_photo_costs_no_more_memory(samples):
    whole = np.asarray(Pictures.open(samples / "dandelion.jpg"))
    tiny = Crop(0.2, 0.3, 0.01, 0.01 * 16 / 9, "1:1")
    image = np.repeat(np.repeat(cut_crop(whole, Photo("d" * 64, whole.shape[1], whole.shape[0]), tiny), 24, 0), 24, 1)
    assert not matte.find_matte(image).layered
    tracemalloc.start()
    matte.find_matte(image, whole, tiny)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 * whole.nbytes


def test_a_range_of_hills_is_not_a_subject(samples):
    assert matte.find_matte(np.asarray(Pictures.open(samples / "mountains.jpg"))).parts == ()


def test_flat_and_tiny_pictures_are_read():
    for image in (np.full((90, 160, 3), 200, np.uint8), np.zeros((64, 64, 3), np.uint8), np.zeros((64, 900, 3), np.uint8)):
        reading = depth_cues.estimate(image, matte.find_matte(image))
        assert np.isfinite(reading.disparity).all()
