"""The kind: told where faces, skies, walls and edges speak, and left open where they don't."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib.cbook
import numpy as np
import pytest
import skimage.data
from PIL import Image
from sklearn.datasets import load_sample_image

from studio.nouns import Kind
from studio.photo.crop import Image as Pixels
from studio.photo.photo_kind import classify, list_marks
from studio.photo.photo_scene import read_scene


@cache
def sample(samples: Path, name: str) -> Pixels:
    image = Image.open(samples / f"{name}.jpg").convert("RGB")
    image.thumbnail((1200, 1200))
    return np.asarray(image, np.uint8)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mountains", "landscape"), ("sunset", "landscape"), ("dandelion", "landscape"), ("stream", "water"), ("fig", "product"),
        ("dogs", None),
    ],
)  # fmt: skip
def test_the_samples_are_what_they_are(name: str, expected: Kind | None, samples: Path) -> None:
    """Two dogs at a window are neither a person nor a street, and nothing here knows dogs."""
    found = classify(read_scene(sample(samples, name)))
    assert found.kind == expected and found.reason


def test_a_person_makes_a_portrait() -> None:
    hopper = Image.open(matplotlib.cbook.get_sample_data("grace_hopper.jpg")).convert("RGB")
    for image in (np.asarray(skimage.data.astronaut(), np.uint8), np.asarray(hopper, np.uint8)):
        found = classify(read_scene(image))
        assert found.kind == "portrait" and found.sure > 0.7 and "face" in found.reason


def test_a_cup_is_a_product_though_it_has_a_round_rim() -> None:
    assert classify(read_scene(np.asarray(skimage.data.coffee(), np.uint8))).kind == "product"


def test_a_hall_among_trees_is_outdoors() -> None:
    assert classify(read_scene(np.asarray(load_sample_image("china.jpg"), np.uint8))).kind in ("landscape", "street", "water")


@pytest.mark.parametrize("name", ["gravel", "grass", "brick"])
def test_a_surface_is_left_open(name: str) -> None:
    image = np.repeat(np.asarray(getattr(skimage.data, name)(), np.uint8)[..., None], 3, axis=2)
    found = classify(read_scene(image))
    assert found.kind is None and found.sure == 0 and found.reason


def test_an_animal_is_no_product() -> None:
    assert classify(read_scene(np.asarray(skimage.data.chelsea(), np.uint8))).kind in (None, "portrait")


def test_a_mirrored_photo_is_of_the_same_kind(samples: Path) -> None:
    for name in ("mountains", "fig"):
        image = sample(samples, name)
        assert classify(read_scene(image)).kind == classify(read_scene(np.ascontiguousarray(image[:, ::-1]))).kind


def test_a_tiny_or_flat_picture_is_left_open() -> None:
    for image in (np.full((9, 12, 3), 200, np.uint8), np.zeros((400, 300, 3), np.uint8)):
        assert classify(read_scene(image)).kind is None


@cache
def things(samples: Path) -> dict[str, Pixels]:
    """Photos without people: flowers, half a fig, a cup, a cat, a motorcycle, a drop of water made by hand."""
    yy, xx = np.mgrid[0:400, 0:600].astype(np.float32)
    inside = np.clip(80 - np.hypot(xx - 300, yy - 200), 0, 1)[..., None]
    leaf = np.dstack([40 + 20 * np.sin(xx / 90), 120 + 30 * np.cos(yy / 70), 50 + 0 * xx])
    shine = np.hypot(xx - 275, yy - 170)[..., None] < 14
    drop = np.where(shine, 250, 170 + 60 * np.sin((xx + yy) / 9)[..., None]) * np.float32([0.8, 1.0, 0.95])
    return {
        "dandelion": sample(samples, "dandelion"), "fig": sample(samples, "fig"),
        "flower": np.asarray(load_sample_image("flower.jpg"), np.uint8),
        "coffee": np.asarray(skimage.data.coffee(), np.uint8), "chelsea": np.asarray(skimage.data.chelsea(), np.uint8),
        "motorcycle": np.asarray(skimage.data.stereo_motorcycle()[0], np.uint8),
        "drop": (leaf * (1 - inside) + drop * inside).clip(0, 255).astype(np.uint8),
    }  # fmt: skip


def test_nothing_alive_is_spoken_of_where_no_face_is_seen(samples: Path) -> None:
    for name, image in things(samples).items():
        assert not list_marks(read_scene(image)).people, name
    assert all(list_marks(read_scene(things(samples)[name])).close for name in ("dandelion", "flower", "chelsea"))
    assert not any(list_marks(read_scene(things(samples)[name])).sky for name in ("dandelion", "flower", "coffee"))


def test_what_is_seen_may_be_spoken_of(samples: Path) -> None:
    astronaut = list_marks(read_scene(np.asarray(skimage.data.astronaut(), np.uint8)))
    assert astronaut.people and not astronaut.close
    land = list_marks(read_scene(sample(samples, "mountains")))
    assert land.sky and not land.people and not land.close
    assert list_marks(read_scene(sample(samples, "stream"))).water
