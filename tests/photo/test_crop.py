"""The crop's maths: boxes that hold their shape inside any photo, and sizes that are exact, even and honest."""

from __future__ import annotations

import math
import random
from typing import get_args

import numpy as np
import pytest

from studio.nouns import Aspect, Crop, Format, Photo, Refusal, Shot, Size, replace
from studio.photo.crop import (
    ENLARGED,
    MAX_LONG_SIDE,
    MIN_SIDE,
    RATIOS,
    cut_crop,
    find_largest,
    find_output_size,
    find_pixel_box,
    find_ratio,
    parse_aspect,
    parse_size,
    settle_crop,
)
from tests.rows import each_row

ASPECTS: tuple[Aspect, ...] = get_args(Aspect)
SIZES: tuple[Size, ...] = get_args(Size)


def photo(width: int, height: int) -> Photo:
    return Photo("0" * 64, width, height)


def many(count: int, seed: int = 5) -> list[Photo]:
    """Photos of all shapes and sizes within the limits, the plainest and the oddest first."""
    chance = random.Random(seed)
    sides = [(64, 64), (64, 1280), (1280, 64), (4032, 3024), (1921, 1081), (333, 1000), (8000, 6000)]
    sides += [(chance.randint(64, 1280), chance.randint(64, 1280)) for _ in range(count)]
    return [photo(*pair) for pair in sides]


def wild(chance: random.Random, aspect: Aspect) -> Crop:
    """A crop as a broken or hostile page might send it."""
    edges = [0.0, 1.0, 1e-9, 0.5]
    return Crop(*(chance.choice([*edges, chance.random()]) for _ in range(4)), aspect)


@each_row("aspect", ASPECTS)
def test_the_largest_crop_touches_two_sides_and_has_the_aspect(aspect: Aspect) -> None:
    for one in many(60):
        crop = find_largest(one, aspect, (0.3, 0.9))
        assert max(crop.w, crop.h) == pytest.approx(1)
        assert crop.w * one.width / (crop.h * one.height) == pytest.approx(find_ratio(one, aspect))
        assert crop.x >= 0 and crop.y >= 0 and crop.x + crop.w <= 1 + 1e-12 and crop.y + crop.h <= 1 + 1e-12


def test_the_largest_crop_lies_about_its_centre_as_far_as_the_photo_allows() -> None:
    wide = photo(2000, 1000)
    assert find_largest(wide, "1:1").x == pytest.approx(0.25)
    assert find_largest(wide, "1:1", (0.4, 0.5)).x == pytest.approx(0.15)
    assert find_largest(wide, "1:1", (0.0, 0.5)).x == 0
    assert find_largest(wide, "1:1", (1.0, 0.5)).x == pytest.approx(0.5)


@each_row("aspect", ASPECTS)
def test_settling_makes_any_crop_good_and_a_good_crop_stays(aspect: Aspect) -> None:
    chance = random.Random(11)
    for one in many(60):
        crop = settle_crop(one, wild(chance, aspect))
        assert crop.x >= 0 and crop.y >= 0 and crop.x + crop.w <= 1 + 1e-12 and crop.y + crop.h <= 1 + 1e-12
        assert crop.w * one.width / (crop.h * one.height) == pytest.approx(find_ratio(one, aspect))
        whole = find_largest(one, aspect)
        reachable = min(MIN_SIDE, whole.w * one.width, whole.h * one.height)
        assert min(crop.w * one.width, crop.h * one.height) >= reachable - 1e-6
        again = settle_crop(one, crop)
        assert (again.x, again.y, again.w, again.h) == pytest.approx((crop.x, crop.y, crop.w, crop.h), abs=1e-12)


def test_settling_a_wrong_ratio_keeps_the_centre_and_stays_inside_the_box() -> None:
    crop = settle_crop(photo(1000, 1000), Crop(0.2, 0.4, 0.6, 0.2, "1:1"))
    assert (crop.x, crop.y, crop.w, crop.h) == pytest.approx((0.4, 0.4, 0.2, 0.2))


@each_row("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_crop_that_is_no_number_becomes_the_largest(bad: float) -> None:
    one = photo(1600, 900)
    assert settle_crop(one, Crop(bad, 0.1, 0.5, 0.5, "9:16")) == find_largest(one, "9:16")
    assert settle_crop(one, Crop(0.1, 0.1, 0.5, bad, "9:16")) == find_largest(one, "9:16")


def test_a_crop_far_outside_the_photo_comes_back_in() -> None:
    crop = settle_crop(photo(1600, 900), Crop(-3.0, 7.0, 0.5, 0.5, "photo"))
    assert (crop.x, crop.y, crop.w, crop.h) == pytest.approx((0.0, 0.5, 0.5, 0.5))


@each_row("aspect", ASPECTS)
def test_the_box_is_inside_the_photo_and_right_to_a_pixel(aspect: Aspect) -> None:
    chance = random.Random(23)
    for one in many(120):
        for crop in (find_largest(one, aspect), wild(chance, aspect)):
            left, top, right, bottom = find_pixel_box(one, crop)
            assert 0 <= left < right <= one.width and 0 <= top < bottom <= one.height
            width, height, shape = right - left, bottom - top, find_ratio(one, aspect)
            assert abs(width - height * shape) <= max(1.0, shape) or abs(height - width / shape) <= 1.0


def test_the_photos_own_aspect_is_the_whole_frame() -> None:
    for one in many(40):
        assert find_pixel_box(one, Crop()) == (0, 0, one.width, one.height)
        assert find_pixel_box(one, find_largest(one, "photo")) == (0, 0, one.width, one.height)


def test_the_cut_is_those_pixels_at_full_resolution() -> None:
    image = np.arange(100 * 160 * 3, dtype=np.uint32).astype(np.uint8).reshape(100, 160, 3)
    part = cut_crop(image, photo(160, 100), Crop(0.5, 0.0, 0.5, 1.0, "4:5"))
    assert part.shape == (100, 80, 3)
    assert np.array_equal(part, image[:, 80:])


@each_row(
    ("aspect", "size", "expected"),
    [
        ("16:9", "720p", (1280, 720)), ("9:16", "720p", (720, 1280)), ("1:1", "720p", (720, 720)),
        ("4:5", "1080p", (1080, 1350)), ("4:5", "720p", (720, 900)), ("3:4", "720p", (720, 960)),
        ("21:9", "720p", (1680, 720)), ("16:9", "1080p", (1920, 1080)), ("9:16", "1080p", (1080, 1920)),
        ("16:9", "480p", (854, 480)), ("16:9", "360p", (640, 360)), ("16:9", "240p", (426, 240)),
        ("21:9", "1080p", (2520, 1080)), ("16:9", "1440p", (2560, 1440)), ("16:9", "2160p", (3840, 2160)),
        ("21:9", "2160p", (4096, 1756)),
        ("9:16", "2160p", (2160, 3840)), ("photo", "720p", (960, 720)), ("photo", "1080p", (1440, 1080)),
    ],
)  # fmt: skip
def test_a_size_names_the_short_side(aspect: Aspect, size: Size, expected: tuple[int, int]) -> None:
    one = photo(8064, 6048)
    assert find_output_size(Shot(one, find_largest(one, aspect), size=size))[:2] == expected


def test_every_size_of_every_crop_is_even_and_close_to_its_shape() -> None:
    chance = random.Random(31)
    for one in many(40):
        for aspect in ASPECTS:
            for size in SIZES:
                shot = Shot(one, replace(settle_crop(one, wild(chance, aspect))), size=size)
                width, height, upscale, choice = find_output_size(shot)
                assert width % 2 == 0 and height % 2 == 0 and min(width, height) >= 2
                assert max(width, height) <= MAX_LONG_SIDE
                short, stretch = min(width, height), max(find_ratio(one, aspect), 1 / find_ratio(one, aspect))
                assert abs(max(width, height) - short * stretch) <= 1 + stretch
                assert math.isfinite(upscale) and choice.what == "size" and choice.value == f"{width}x{height}"
                if size == "auto":
                    assert upscale <= ENLARGED + 0.01
                    assert short in (1080, 720, 480, 360) or short <= 360 or max(width, height) == MAX_LONG_SIDE


@each_row(
    ("short", "expected"),
    [
        (3024, 1080), (1080, 1080), (1000, 1080), (864, 1080), (863, 720), (720, 720), (719, 720), (576, 720), (575, 480),
        (480, 480), (360, 360), (288, 360), (286, 286), (64, 64),
    ],
)  # fmt: skip
def test_auto_takes_the_largest_size_that_the_crop_fills_or_nearly(short: int, expected: int) -> None:
    size = find_output_size(Shot(photo(short, short), Crop()))
    assert size.width == size.height == expected
    assert size.upscale <= ENLARGED + 0.001


def test_auto_looks_at_the_crop_and_not_at_the_photo() -> None:
    one = photo(2000, 2000)
    assert find_output_size(Shot(one, Crop(0.1, 0.1, 0.2, 0.2, "1:1"))).width == 480
    assert find_output_size(Shot(one, Crop(0.1, 0.1, 0.12, 0.12, "1:1"))).width == 240


def test_auto_says_how_many_pixels_the_crop_has_and_when_it_is_enlarged() -> None:
    assert "2160 px" in find_output_size(Shot(photo(3840, 2160), Crop())).choice.reason
    assert "1.2 times enlarged" in find_output_size(Shot(photo(607, 1080), Crop())).choice.reason


@each_row(("width", "height"), [(5472, 3648), (3648, 5472), (1080, 1920), (1919, 1920), (4000, 1921), (1620, 1920), (1278, 1920)])
def test_a_vertical_crop_with_the_pixels_is_1080_by_1920(width: int, height: int) -> None:
    one = photo(width, height)
    assert find_output_size(Shot(one, find_largest(one, "9:16")))[:2] == (1080, 1920)


@each_row("size", SIZES)
@each_row("aspect", ASPECTS)
@each_row("kind", ["gif", "webp"])
def test_a_looping_picture_is_small_and_keeps_its_shape(kind: Format, aspect: Aspect, size: Size) -> None:
    one = photo(4032, 3024)
    made = find_output_size(Shot(one, find_largest(one, aspect), size=size, format=kind))
    assert max(made.width, made.height) <= 640 and made.width % 2 == made.height % 2 == 0
    assert made.width / made.height == pytest.approx(find_ratio(one, aspect), rel=0.01)
    film = find_output_size(Shot(one, find_largest(one, aspect), size=size))
    if max(film.width, film.height) > 640:
        assert max(made.width, made.height) == 640 and "MP4 keeps full size" in made.choice.reason
    else:
        assert made[:2] == film[:2]


def test_an_enlarged_clip_says_so_and_names_the_remedy() -> None:
    size = find_output_size(Shot(photo(514, 900), Crop(), size="720p"))
    assert (size.width, size.upscale) == (720, pytest.approx(720 / 514))
    assert size.choice.reason == "enlarged 1.4 times from 514 px: choose 480p to stay sharp"


def test_an_enlarged_small_crop_is_told_to_leave_it_to_auto() -> None:
    assert find_output_size(Shot(photo(300, 300), Crop(), size="480p")).choice.reason.endswith("choose auto to stay sharp")


def test_a_size_that_fits_says_nothing_about_enlarging() -> None:
    size = find_output_size(Shot(photo(4000, 3000), Crop(), size="1080p"))
    assert size.upscale < 1 and "nothing is enlarged" in size.choice.reason


def test_a_long_panorama_is_held_to_a_long_side_that_can_be_played() -> None:
    size = find_output_size(Shot(photo(12000, 1000), Crop(), size="1080p"))
    assert size.width == MAX_LONG_SIDE and abs(size.height - MAX_LONG_SIDE / 12) <= 2
    assert str(MAX_LONG_SIDE) in size.choice.reason


@each_row(
    ("words", "aspect"),
    [
        ("9:16", "9:16"),
        (" 9X16 ", "9:16"),
        ("16/9", "16:9"),
        ("16 : 9", "16:9"),
        ("Square", "1:1"),
        ("photo", "photo"),
        ("own", "photo"),
    ],
)
def test_aspects_are_read_as_people_write_them(words: str, aspect: Aspect) -> None:
    assert parse_aspect(words) == aspect


@each_row(
    ("words", "size"),
    [("720p", "720p"), ("720", "720p"), ("1080P", "1080p"), ("4K", "2160p"), ("full  HD", "1080p"), ("auto", "auto")],
)
def test_sizes_are_read_as_people_write_them(words: str, size: Size) -> None:
    assert parse_size(words) == size


def test_unknown_words_are_refused_with_the_list() -> None:
    with pytest.raises(Refusal) as aspect:
        parse_aspect("7:3")
    assert all(name in aspect.value.remedy for name in RATIOS)
    with pytest.raises(Refusal) as size:
        parse_size("huge")
    assert "720p" in size.value.remedy and "auto" in size.value.remedy
