"""What a place doesn't take is said before a clip is made, with the change that meets it, and the change does meet it."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio import presets
from studio.advice.misfits import Misfit, find_misfits
from studio.advice.render_time import PATIENCE, Pace, choose_size, pace
from studio.cards import ModelCard, Outcome
from studio.clip import formats
from studio.engines.plan import plan
from studio.engines.prepare import prepare
from studio.nouns import Clip, Photo, Shot, replace
from studio.photo.crop import find_largest
from studio.platforms import Platform
from tests.rows import each_row

PHOTO = Photo("0" * 64, 5472, 3648)  # 20 megapixels
CARD = presets.card("parallax")
QUICK = Pace(0.01, 3)


def outcome(shot: Shot, card: ModelCard) -> Outcome:
    made = choose_size(shot, card, QUICK).plan
    return formats.foretell_outcome(made.width, made.height, made.fps, made.num_frames, shot.format)


def found(shot: Shot, place: Platform, card: ModelCard = CARD) -> tuple[Misfit, ...]:
    return find_misfits(shot, outcome(shot, card), place, card)


def platform(place: str) -> Platform:
    known = presets.platform(place)
    assert known
    return known


def made_for(place: Platform, photo: Photo = PHOTO, **changes: object) -> Shot:
    return replace(Shot(photo, find_largest(photo, place.aspect), platform=place.id, fps=place.fps), **changes)


@each_row("place", presets.platforms())
def test_what_a_place_asks_for_fits_it(place: Platform) -> None:
    assert found(made_for(place), place) == ()


Wish = dict[str, object]
WRONG: list[tuple[str, Wish, str, object]] = [
    ("reels", {"seconds": 1.0}, "seconds", 3.0), ("reels", {"fps": 16}, "fps", 30), ("feed", {"seconds": 2.5}, "seconds", 3.0),
    ("reels", {"format": "webm"}, "format", "mp4"), ("reels", {"format": "gif", "seconds": 1.0}, "format", "mp4"),
    ("tiktok", {"size": "240p"}, "size", "360p"), ("product", {"seconds": 20.0}, "seconds", 10.0),
    ("shorts", {"format": "gif"}, "format", "mp4"), ("stories", {"fps": 60, "size": "1440p"}, "size", "1080p"),
    ("reels", {"size": "2160p"}, "size", "1080p"), ("x", {"size": "1080p"}, "size", "720p"), ("facebook", {"fps": 16}, "fps", 30),
    ("pinterest", {"seconds": 2.0}, "seconds", 4.0),
    ("linkedin", {"fps": 6}, "fps", 30), ("shorts", {"size": "1440p"}, "size", "1080p"),
]  # fmt: skip


@each_row(("name", "wish", "field", "change"), WRONG)
def test_what_does_not_fit_is_said_with_the_change_that_meets_it(name: str, wish: Wish, field: str, change: object) -> None:
    place = platform(name)
    shot = made_for(place, **wish)
    (one,) = found(shot, place)
    assert (one.field, one.change) == (field, change)
    assert place.title in one.says and one.need in one.says and one.label.startswith("Make it ")
    mended = replace(shot, **{one.field: one.change})
    assert field not in {left.field for left in found(mended, place)}


def test_a_file_too_large_for_a_service_is_said_with_the_length_that_fits() -> None:
    whatsapp, long = platform("whatsapp"), replace(CARD, seconds=(1.0, 60.0))
    shot = made_for(whatsapp, seconds=60.0)
    made = formats.foretell_outcome(720, 1280, 30, 1800, "mp4")
    (one,) = find_misfits(shot, made, whatsapp, long)
    assert (one.field, one.have, one.need, one.change) == ("seconds", "about 25 MB", "at most 16 MB", 38.0)
    assert find_misfits(shot, formats.foretell_outcome(720, 1280, 30, 38 * 30, "mp4"), whatsapp, long) == ()


def test_another_shape_is_said_and_how_it_is_mended() -> None:
    reels = platform("reels")
    (one,) = found(replace(made_for(reels), crop=find_largest(PHOTO, "16:9")), reels)
    assert (one.field, one.have, one.need, one.change) == ("aspect", "16:9", "9:16", None)
    assert one.remedy == "Crop the photo to 9:16."
    whole = platform("master-hevc")
    assert found(replace(made_for(whole), crop=find_largest(PHOTO, "1:1")), whole) == (), "a master keeps any shape"


def test_everything_that_does_not_fit_is_said_at_once() -> None:
    reels = platform("reels")
    assert [one.field for one in found(made_for(reels, seconds=1.0, fps=16), reels)] == ["seconds", "fps"]


@each_row("card", [card for card in presets.cards() if 0 < card.fps[1] < 23])
def test_a_model_that_never_meets_a_place_says_to_choose_another(card: ModelCard) -> None:
    rate = next(one for one in found(made_for(platform("reels"), model=card.id), platform("reels"), card) if one.field == "fps")
    assert rate.change is None
    assert card.title in rate.remedy


# The size that auto means ---------------------------------------------------------------------------------------------


def film(took: float) -> Clip:
    shot = Shot(PHOTO, size="720p")
    return Clip("0", shot, "0.mp4", "0.png", 1280, 720, 24.0, 120, 5.0, 1, 0.0, took)


def test_the_pace_is_that_of_the_clips_made_here() -> None:
    assert pace([]).clips == 0
    here = pace([film(13.0), film(8.6), film(6.0)])
    assert here.clips == 3
    assert here.estimate(plan(film(1).shot, CARD), "mp4") == pytest.approx(8.6, rel=0.15)
    small = plan(replace(film(1).shot, format="gif"), CARD)
    assert here.estimate(small, "gif") > 3 * here.estimate(small, "mp4"), "a GIF takes its time"


@each_row(
    ("place", "width", "height", "expected"),
    [
        ("reels", 5472, 3648, (1080, 1920)), ("reels", 1919, 1920, (1080, 1920)), ("reels", 1920, 1640, (1080, 1920)),
        ("reels", 1920, 1278, (720, 1280)), ("reels", 1920, 1080, (720, 1280)), ("tiktok", 3024, 4032, (1080, 1920)),
        ("feed", 4000, 3000, (1080, 1350)), ("youtube", 4000, 3000, (1920, 1080)), ("product", 4000, 3000, (720, 720)),
        ("cinema", 5472, 3648, (2520, 1080)),
    ],
)  # fmt: skip
def test_a_place_means_its_own_size_where_the_crop_has_it(place: str, width: int, height: int, expected: tuple[int, int]) -> None:
    to = platform(place)
    shot = made_for(to, Photo("0" * 64, width, height))
    best = choose_size(shot, CARD, Pace(9.0, 1))  # however long that takes
    made, choice = plan(best.recipe, CARD), best.plan.size
    assert (best.plan.width, best.plan.height) == expected
    assert (made.width, made.height) == expected
    assert choice and to.title in choice.reason and "here" in choice.reason


def test_auto_is_1080p_where_that_is_made_in_a_time_that_is_named() -> None:
    best = choose_size(Shot(PHOTO), CARD, QUICK)
    choice = best.plan.size
    assert best.recipe.size == best.shot.size == "1080p"
    assert choice and choice.reason.endswith("about 3 s here")


def test_auto_is_720p_where_1080p_takes_too_long_and_says_how_long() -> None:
    slow = Pace(0.4, 3)
    best = choose_size(Shot(PHOTO), CARD, slow)
    choice = best.plan.size
    assert best.recipe.size == best.shot.size == "720p"
    assert slow.estimate(plan(Shot(PHOTO, size="1080p"), CARD), "mp4") > PATIENCE
    assert choice and "1080p would take about" in choice.reason


@each_row(
    ("wish", "trained"), [({"size": "480p"}, False), ({"format": "gif"}, False), ({"draft": "parallax"}, False), ({}, True)]
)
def test_what_was_chosen_and_what_others_choose_stays(wish: Wish, trained: bool) -> None:
    card = next(one for one in presets.cards() if one.checkpoint) if trained else CARD
    shot = replace(Shot(PHOTO, model=card.id), **wish)
    assert choose_size(shot, card, QUICK).recipe == shot
    assert choose_size(shot, card, QUICK) == prepare(shot, card), "nothing else is said of its size"


def test_the_samples_in_a_reel_are_never_smaller_than_720p(samples: Path) -> None:
    from PIL import Image as Pictures

    for file in sorted(samples.glob("*.jpg")):
        with Pictures.open(file) as picture:
            photo = Photo("0" * 64, *picture.size)
        best = choose_size(made_for(platform("reels"), photo), CARD, QUICK)
        assert best.recipe.size in ("720p", "1080p"), file.name
        assert choose_size(Shot(photo), CARD, QUICK).recipe.size == "1080p", file.name
