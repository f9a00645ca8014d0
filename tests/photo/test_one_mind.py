"""One mind about the subject: the crop's reason, the report, the depth and the effects never contradict each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image
from sklearn.datasets import load_sample_image

from studio.engines.parallax.areas import areas
from studio.engines.parallax.effects.effect_masks import LEAST
from studio.nouns import Aspect, Crop, Photo
from studio.photo import brush_mask, inspection, matte
from studio.photo.auto_crop import suggest_crop
from studio.photo.click_select import select_at
from studio.photo.crop import Image as Pixels
from studio.photo.crop import cut_crop, settle_crop

Place = tuple[float, float]
NAMES = (
    "dandelion", "dogs", "fig", "mountains", "stream", "sunset", "astronaut", "chelsea", "coffee", "rocket", "coins", "brick",
    "china", "flower",
)  # fmt: skip
ASPECTS: tuple[Aspect, ...] = ("9:16", "1:1", "21:9")


def photograph(name: str, samples: Path) -> Pixels:
    file = samples / f"{name}.jpg"
    if file.exists():
        image = Image.open(file).convert("RGB")
        image.thumbnail((1000, 1000))
        return np.asarray(image, np.uint8)
    if name in ("china", "flower"):
        return np.asarray(load_sample_image(f"{name}.jpg"), np.uint8)
    image = np.asarray(getattr(skimage.data, name)(), np.uint8)
    return np.dstack([image] * 3) if image.ndim == 2 else image


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_of_the_subject_never_contradicts_itself(name: str, samples: Path) -> None:
    image = photograph(name, samples)
    photo = Photo("0" * 64, image.shape[1], image.shape[0])
    crops: list[tuple[Crop, str]] = [(Crop(), "")]
    crops += [(got.crop, got.choice.reason) for got in (suggest_crop(image, photo, aspect) for aspect in ASPECTS)]
    crops += [(settle_crop(photo, Crop(0.25, 0.3, 0.5, 0.5, "1:1")), "")]
    for crop, reason in crops:
        shown = cut_crop(image, photo, crop)
        found = matte.find_matte(shown, image, crop)
        said = {one.code: one for one in inspection.inspect_photo(image, photo, crop).findings}
        place = areas(shown, found).shares["subject"]
        assert found.layered == (found.standing == "clear") == (place >= LEAST), (crop, found.standing, place)
        if "no clear subject" in reason:
            assert found.standing != "clear", crop
        if "the subject is" in reason:
            assert found.standing != "none", crop
        if found.standing == "clear":
            assert "subject" in said and "Nothing stands out" not in said["subject"].says
        else:
            assert "busy" not in said
            assert "subject" not in said or "The subject" not in said["subject"].says


@pytest.mark.parametrize(
    ("name", "x", "y"), [("fig", 0.6, 0.5), ("flower", 0.5, 0.5), ("coffee", 0.45, 0.5), ("mountains", 0.5, 0.8)]
)
def test_what_is_marked_is_the_subject_for_all_of_them(name: str, x: float, y: float, samples: Path) -> None:
    image = photograph(name, samples)
    photo = Photo("0" * 64, image.shape[1], image.shape[0])
    mask = brush_mask.encode_brush(select_at(image, x, y))
    assert mask and brush_mask.is_valid_brush(mask)
    for aspect in ASPECTS:
        got = suggest_crop(image, photo, aspect, mask)
        assert got.crop.x <= x <= got.crop.x + got.crop.w and got.crop.y <= y <= got.crop.y + got.crop.h
        assert "no clear subject" not in got.choice.reason
        shown = cut_crop(image, photo, got.crop)
        found = matte.find_matte(shown, image, got.crop, mask)
        assert found.standing == "marked" and found.layered and areas(shown, found).shares["subject"] >= LEAST
        said = {one.code: one for one in inspection.inspect_photo(image, photo, got.crop, subject=mask).findings}
        assert said["subject"].says == "The subject is what you marked."


@pytest.mark.parametrize(
    ("name", "at", "inside", "outside"),
    [
        ("flower", (0.5, 0.5), ((0.4, 0.4), (0.6, 0.55)), ((0.1, 0.1), (0.9, 0.2))),
        ("fig", (0.7, 0.5), ((0.6, 0.5), (0.8, 0.6)), ((0.03, 0.5), (0.97, 0.95))),
        ("coffee", (0.45, 0.5), ((0.45, 0.3), (0.55, 0.2)), ((0.05, 0.05), (0.95, 0.1))),
        ("rocket", (0.505, 0.6), ((0.505, 0.55),), ((0.3, 0.6), (0.7, 0.6))),
        ("dandelion", (0.29, 0.34), ((0.25, 0.3), (0.33, 0.35)), ((0.7, 0.8), (0.05, 0.9))),
    ],
)  # fmt: skip
def test_a_click_on_a_thing_marks_that_thing(
    name: str, at: Place, inside: tuple[Place, ...], outside: tuple[Place, ...], samples: Path
) -> None:
    mask = select_at(photograph(name, samples), *at)
    height, width = mask.shape
    assert all(mask[int(y * height), int(x * width)] > 0.5 for x, y in (at, *inside))
    assert all(mask[int(y * height), int(x * width)] < 0.5 for x, y in outside)
