"""The subject: faces that are found, boxes that keep them, and reasons that say what was done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import cv2
import matplotlib.cbook
import numpy as np
import pytest
import skimage.data
from PIL import Image
from sklearn.datasets import load_sample_image

from studio.nouns import Aspect, Photo
from studio.photo.auto_crop import Suggestion, suggest_crop
from studio.photo.crop import RATIOS, find_largest, find_pixel_box, settle_crop
from studio.photo.crop import Image as Pixels
from studio.photo.faces import Face, find_faces
from studio.photo.saliency import find_saliency

ASPECTS: tuple[Aspect, ...] = get_args(Aspect)


def astronaut() -> Pixels:
    return np.asarray(skimage.data.astronaut(), np.uint8)


def hopper() -> Pixels:
    return np.asarray(Image.open(matplotlib.cbook.get_sample_data("grace_hopper.jpg")).convert("RGB"), np.uint8)


def of(image: Pixels) -> Photo:
    return Photo("0" * 64, image.shape[1], image.shape[0])


def laid(image: Pixels, aspect: Aspect) -> Suggestion:
    return suggest_crop(image, of(image), aspect)


def group(places: list[tuple[int, int, int]], width: int = 1600, height: int = 900) -> Pixels:
    """A grey wall with the astronaut's head on it: left, top and side of each in pixels."""
    wall = np.full((height, width, 3), (120, 128, 135), np.uint8)
    head = astronaut()[10:250, 110:350]
    for left, top, side in places:
        wall[top : top + side, left : left + side] = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    return wall


def whole(suggestion: Suggestion, face: Face) -> bool:
    crop = suggestion.crop
    inside = crop.x <= face.x and face.x + face.w <= crop.x + crop.w
    return inside and crop.y <= face.y and face.y + face.h <= crop.y + crop.h


def untouched(suggestion: Suggestion, face: Face) -> bool:
    crop = suggestion.crop
    across = face.x >= crop.x + crop.w or face.x + face.w <= crop.x
    return across or face.y >= crop.y + crop.h or face.y + face.h <= crop.y


@pytest.mark.parametrize(("picture", "centre"), [(astronaut, (0.44, 0.23)), (hopper, (0.53, 0.39))])
def test_a_portraits_face_is_found_where_it_is(picture: Callable[[], Pixels], centre: tuple[float, float]) -> None:
    found = find_faces(picture())
    assert len(found) == 1 and found[0].score > 0.8
    assert (found[0].x + found[0].w / 2, found[0].y + found[0].h / 2) == pytest.approx(centre, abs=0.04)
    assert found[0].w < 0.45


@pytest.mark.parametrize("name", ["mountains", "stream", "dandelion"])
def test_no_face_is_seen_where_there_is_none(name: str, samples: Path) -> None:
    assert find_faces(np.asarray(Image.open(samples / f"{name}.jpg").convert("RGB"))) == ()


def test_no_face_is_seen_in_things() -> None:
    for image in (skimage.data.rocket(), load_sample_image("china.jpg")):
        assert find_faces(np.asarray(image, np.uint8)) == ()


def test_the_small_faces_of_a_group_are_found() -> None:
    places = [(80, 300, 150), (420, 380, 110), (760, 280, 90), (1010, 400, 160), (1330, 320, 120)]
    found = find_faces(group(places))
    assert len(found) == len(places)
    for left, top, side in places:
        assert any(
            left < (one.x + one.w / 2) * 1600 < left + side and top < (one.y + one.h / 2) * 900 < top + side for one in found
        )


def test_saliency_is_a_map_of_the_whole_picture() -> None:
    image = np.asarray(load_sample_image("flower.jpg"), np.uint8)
    found = find_saliency(image)
    assert found.dtype == np.float32 and found.shape == (320, 320) and not found.flags.writeable
    assert float(found.min()) == 0 and float(found.max()) == 1
    assert found[150, 150] > 0.9 and found[20, 20] < 0.1
    assert find_saliency(image.copy()) is found, "remembered by content"


def test_a_flat_picture_has_no_subject() -> None:
    flat = np.full((300, 500, 3), 128, np.uint8)
    assert np.isfinite(find_saliency(flat)).all()
    got = laid(flat, "1:1")
    assert got.crop == find_largest(of(flat), "1:1") and "no clear subject" in got.choice.reason


def test_many_threads_see_the_same() -> None:
    image = hopper()
    expected = find_faces(image)
    with ThreadPoolExecutor(4) as pool:
        assert all(one == expected for one in pool.map(find_faces, [image] * 8))
        crops = list(pool.map(lambda aspect: laid(image, aspect), ASPECTS * 2))
    assert crops[: len(ASPECTS)] == crops[len(ASPECTS) :]


def test_the_suggestion_is_the_largest_box_of_its_aspect() -> None:
    for image in (astronaut(), hopper()):
        for aspect in ASPECTS:
            crop, most = laid(image, aspect).crop, find_largest(of(image), aspect)
            assert (crop.w, crop.h, crop.aspect) == (most.w, most.h, aspect)
            good = settle_crop(of(image), crop)
            assert (good.x, good.y) == pytest.approx((crop.x, crop.y))


def test_the_photos_own_shape_is_the_whole_photo() -> None:
    got = laid(astronaut(), "photo")
    assert find_pixel_box(of(astronaut()), got.crop) == (0, 0, 512, 512) and "nothing is cut" in got.choice.reason
    assert laid(astronaut(), "1:1").crop == find_largest(of(astronaut()), "1:1")


@pytest.mark.parametrize("picture", [astronaut, hopper])
def test_a_face_that_fits_is_never_cut(picture: Callable[[], Pixels]) -> None:
    image = picture()
    face = find_faces(image)[0]
    for aspect in RATIOS:
        got = laid(image, aspect)
        assert whole(got, face)
        assert ("face is whole" if got.crop.w * got.crop.h < 0.999 else "nothing is cut") in got.choice.reason


def test_a_portrait_keeps_its_headroom() -> None:
    """The astronaut's hair begins at 3 % of the photo; a centred 16:9 box would begin at 22 %, through her eyes."""
    got = laid(astronaut(), "16:9")
    assert got.crop.y < 0.03


@pytest.mark.parametrize("left", [0, 400, 800, 1200])
def test_a_face_anywhere_along_the_photo_is_kept(left: int) -> None:
    image = group([(left, 250, 400)])
    face = find_faces(image)[0]
    for aspect in ("9:16", "1:1", "4:5", "3:4"):
        assert whole(laid(image, aspect), face)


@pytest.mark.parametrize("top", [0, 500, 1000])
def test_a_face_anywhere_down_the_photo_is_kept(top: int) -> None:
    image = group([(100, top, 600)], width=900, height=1600)
    face = find_faces(image)[0]
    for aspect in ("16:9", "1:1", "4:5"):
        got = laid(image, aspect)
        assert whole(got, face)
        if top:
            assert got.crop.y < face.y - 0.2 * face.h, "room above the brow"


@pytest.fixture
def five() -> Pixels:
    """Five people in a row, almost from edge to edge."""
    return group([(60, 300, 200), (420, 330, 180), (760, 280, 190), (1050, 320, 200), (1340, 300, 200)])


def test_of_a_group_no_face_is_cut_and_those_left_out_are_counted(five: Pixels) -> None:
    found = find_faces(five)
    assert len(found) == 5
    for aspect in ("1:1", "4:5", "3:4", "9:16", "21:9"):
        got = laid(five, aspect)
        kept = sum(whole(got, face) for face in found)
        assert kept >= 1 and all(whole(got, face) or untouched(got, face) for face in found)
        assert ("all 5 faces" if kept == 5 else f"{kept} of 5") in got.choice.reason


def test_two_faces_that_both_fit_are_both_kept() -> None:
    image = group([(300, 300, 240), (700, 260, 260)])
    got = laid(image, "1:1")
    assert all(whole(got, face) for face in find_faces(image)) and "all 2 faces" in got.choice.reason


def test_a_face_larger_than_the_box_is_said_to_be_cut_and_keeps_its_eyes() -> None:
    close = np.ascontiguousarray(cv2.resize(hopper()[120:360, 150:400], (500, 480)))
    tall = np.pad(close, ((200, 200), (0, 0), (0, 0)), mode="edge")
    face = find_faces(tall)[0]
    got = laid(tall, "21:9")
    assert face.h > got.crop.h, "the face is too large for this to be a test otherwise"
    assert "cut" in got.choice.reason and "eyes" in got.choice.reason
    assert got.crop.y < face.y + 0.35 * face.h < got.crop.y + got.crop.h


@pytest.mark.parametrize(
    ("name", "aspect", "inside"),
    [
        ("rocket", "9:16", (0.48, 0.53, 0.34, 0.92)), ("rocket", "21:9", (0.48, 0.53, 0.34, 0.92)),
        ("rocket", "1:1", (0.48, 0.53, 0.34, 0.92)), ("chelsea", "4:5", (0.31, 0.75, 0.3, 0.55)),
        ("chelsea", "1:1", (0.31, 0.76, 0.3, 0.55)), ("chelsea", "16:9", (0.31, 0.76, 0.3, 0.8)),
        ("chelsea", "21:9", (0.31, 0.76, 0.3, 0.55)), ("coffee", "1:1", (0.14, 0.78, 0.07, 0.95)),
        ("coffee", "21:9", (0.3, 0.6, 0.05, 0.5)),
    ],
)  # fmt: skip
def test_the_subject_is_in_the_picture(name: str, aspect: Aspect, inside: tuple[float, float, float, float]) -> None:
    """The rocket from tip to pad, both of the cat's eyes, the cup: their places were read off the photographs by eye."""
    crop = laid(np.asarray(getattr(skimage.data, name)(), np.uint8), aspect).crop
    left, right, top, bottom = inside
    assert crop.x <= left and right <= crop.x + crop.w and crop.y <= top and bottom <= crop.y + crop.h


def test_a_landscape_without_a_subject_keeps_its_middle(samples: Path) -> None:
    image = np.asarray(Image.open(samples / "mountains.jpg").convert("RGB"))
    got = laid(image, "9:16")
    assert got.crop == find_largest(of(image), "9:16") and "no clear subject" in got.choice.reason


def test_a_small_copy_is_laid_like_the_whole_photo() -> None:
    image = astronaut()
    small = np.ascontiguousarray(image[::2, ::2])
    one, two = suggest_crop(image, of(image), "16:9"), suggest_crop(small, of(image), "16:9")
    assert one.crop.y == pytest.approx(two.crop.y, abs=0.02)


def test_every_suggestion_is_a_choice_with_its_reason() -> None:
    for aspect in ASPECTS:
        choice = laid(hopper(), aspect).choice
        assert choice.what == "crop" and choice.value and len(choice.reason) > 10
