"""The kind: told where faces, skies, walls and edges speak, and left open where they don't."""

from __future__ import annotations

from pathlib import Path

import matplotlib.cbook
import numpy as np
import pytest
import skimage.data
from PIL import Image
from sklearn.datasets import load_sample_image

from studio.nouns import Kind
from studio.photo.crop import Image as Pixels
from studio.photo.kind import kind
from studio.photo.scene import see


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
    found = kind(see(sample(samples, name)))
    assert found.kind == expected and found.reason


def test_a_person_makes_a_portrait() -> None:
    hopper = Image.open(matplotlib.cbook.get_sample_data("grace_hopper.jpg")).convert("RGB")
    for image in (np.asarray(skimage.data.astronaut(), np.uint8), np.asarray(hopper, np.uint8)):
        found = kind(see(image))
        assert found.kind == "portrait" and found.sure > 0.7 and "face" in found.reason


def test_a_cup_is_a_product_though_it_has_a_round_rim() -> None:
    assert kind(see(np.asarray(skimage.data.coffee(), np.uint8))).kind == "product"


def test_a_hall_among_trees_is_outdoors() -> None:
    assert kind(see(np.asarray(load_sample_image("china.jpg"), np.uint8))).kind in ("landscape", "street", "water")


@pytest.mark.parametrize("name", ["gravel", "grass", "brick"])
def test_a_surface_is_left_open(name: str) -> None:
    image = np.repeat(np.asarray(getattr(skimage.data, name)(), np.uint8)[..., None], 3, axis=2)
    found = kind(see(image))
    assert found.kind is None and found.sure == 0 and found.reason


def test_an_animal_is_no_product() -> None:
    assert kind(see(np.asarray(skimage.data.chelsea(), np.uint8))).kind in (None, "portrait")


def test_a_mirrored_photo_is_of_the_same_kind(samples: Path) -> None:
    for name in ("mountains", "fig"):
        image = sample(samples, name)
        assert kind(see(image)).kind == kind(see(np.ascontiguousarray(image[:, ::-1]))).kind


def test_a_tiny_or_flat_picture_is_left_open() -> None:
    for image in (np.full((9, 12, 3), 200, np.uint8), np.zeros((400, 300, 3), np.uint8)):
        assert kind(see(image)).kind is None
