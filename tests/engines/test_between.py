"""From a start box to an end box: exactly the one at first, exactly the other at last, evenly and deep in between."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bench import frame_measures
from studio import presets, shot_checks
from studio.advice.render_time import pace
from studio.cards import ModelCard
from studio.config import ASSETS, Settings
from studio.engines.parallax import ken_burns, yuv
from studio.engines.parallax.parallax_engine import ParallaxEngine
from studio.engines.prepare import prepare
from studio.nouns import Aspect, Camera, Crop, Ease, Effect, Leg, Motion, Move, Photo, Refusal, Shot, Size, Still, replace
from studio.photo.crop import find_pixel_box, settle_crop
from tests.engines.test_parallax_engine import ignore
from tests.engines.test_sizes import open_photo
from tests.fakes import shelf

CARD = presets.card("parallax")
READER = next(card for card in shelf.CARDS if "end_frame" in card.supports)
PLAIN = replace(CARD, supports=tuple(one for one in CARD.supports if one != "end_crop"))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ParallaxEngine:
    settings = Settings(tmp_path_factory.mktemp("home"))
    settings.prepare()
    return ParallaxEngine(settings)


@pytest.fixture(scope="module")
def photos() -> dict[str, np.ndarray]:
    return {name: open_photo(ASSETS / "samples" / f"{name}.jpg") for name in ("dogs", "fig", "mountains")}


def boxed(image: np.ndarray, start: Crop, end: Crop, size: Size = "360p", **options: object) -> Shot:
    photo = Photo("7" * 64, image.shape[1], image.shape[0])
    camera = Camera((), **options)  # pyright: ignore
    first, last = settle_crop(photo, start), settle_crop(photo, end)
    return Shot(photo, first, Motion(camera=camera), size=size, seconds=2.0, fps=12, end=Still(photo, last))


def plain(image: np.ndarray, shot: Shot, crop: Crop, width: int, height: int) -> np.ndarray:
    """A crop resized, as the encoder gets it: brightness alone."""
    left, top, right, bottom = find_pixel_box(shot.photo, crop)
    how = cv2.INTER_AREA if right - left > width else cv2.INTER_CUBIC
    return yuv.from_rgb(cv2.resize(image[top:bottom, left:right], (width, height), interpolation=how))[:height]


def lumas(engine: ParallaxEngine, image: np.ndarray, shot: Shot) -> list[np.ndarray]:
    found = engine.animate(prepare(shot, CARD), image, None, ignore)
    return [frame[: found.height] for frame in found.images]


def crops(aspect: Aspect) -> dict[str, tuple[Crop, Crop]]:
    whole, tight = Crop(0, 0, 1, 1, aspect), Crop(0.35, 0.2, 0.35, 0.35, aspect)
    left, right = Crop(0, 0.1, 0.5, 0.8, aspect), Crop(0.5, 0.1, 0.5, 0.8, aspect)
    return {"in": (whole, tight), "out": (tight, whole), "across": (left, right), "same": (tight, tight)}


@pytest.mark.parametrize("way", ["in", "out", "across", "same"])
@pytest.mark.parametrize(
    ("name", "aspect", "size"), [("dogs", "16:9", "240p"), ("fig", "9:16", "360p"), ("mountains", "photo", "480p")]
)
def test_the_first_frame_is_the_start_box_and_the_last_the_end_box(
    engine: ParallaxEngine, photos: dict[str, np.ndarray], name: str, aspect: Aspect, size: Size, way: str
) -> None:
    image = photos[name]
    shot = boxed(image, *crops(aspect)[way], size=size)
    assert shot.end is not None
    frames = lumas(engine, image, shot)
    height, width = frames[0].shape
    assert len(frames) == shot.num_frames
    assert frame_measures.psnr(frames[0], plain(image, shot, shot.crop, width, height)) > 40
    assert frame_measures.psnr(frames[-1], plain(image, shot, shot.end.crop, width, height)) > 40


@pytest.mark.parametrize("ease", ["smooth", "linear"])
def test_a_loop_is_at_the_end_box_by_the_middle_and_comes_back(
    engine: ParallaxEngine, photos: dict[str, np.ndarray], ease: Ease
) -> None:
    image = photos["dogs"]
    shot = boxed(image, *crops("16:9")["in"], ease=ease, loop=True)
    assert shot.end is not None
    frames = lumas(engine, image, shot)
    height, width = frames[0].shape
    least = 40 if ease == "smooth" else 20  # whose triangle has rounded corners
    assert frame_measures.psnr(frames[0], plain(image, shot, shot.crop, width, height)) > least
    assert frame_measures.psnr(frames[12], plain(image, shot, shot.end.crop, width, height)) > least
    assert frame_measures.seam(frames).ratio <= 1.05


def test_a_hand_an_effect_a_seed_and_moves_leave_both_ends_exact(engine: ParallaxEngine, photos: dict[str, np.ndarray]) -> None:
    image = photos["dogs"]
    shot = boxed(image, *crops("16:9")["in"], size="240p")
    camera = Camera((Move("handheld", 1.0), Move("pan_left")), then=(Leg((Move("roll_left"),)),))
    held = replace(shot, motion=Motion(camera=camera), seed=5)
    assert shot.end is not None
    still, shaken = lumas(engine, image, shot), lumas(engine, image, held)
    height, width = still[0].shape
    for frames in (still, shaken):
        assert frame_measures.psnr(frames[0], plain(image, shot, shot.crop, width, height)) > 40
        assert frame_measures.psnr(frames[-1], plain(image, shot, shot.end.crop, width, height)) > 40
    assert frame_measures.psnr(still[12], shaken[12]) < 35
    words = {choice.what: choice.reason for choice in engine.animate(prepare(held, CARD), image, None, ignore).choices}
    assert "in place of its moves" in words["camera"]
    stirred = replace(shot, motion=Motion(camera=Camera(()), effects=(Effect("hair", 1.0), Effect("focus"))))
    assert frame_measures.psnr(lumas(engine, image, stirred)[12], still[12]) < 45


def test_near_and_far_part_in_between_and_are_together_at_the_ends(engine: ParallaxEngine, photos: dict[str, np.ndarray]) -> None:
    """The swing: against the plain pan and zoom of one flat picture, near things lie elsewhere only on the way."""
    image = photos["dogs"]
    shot = boxed(image, *crops("16:9")["across"])
    found = ken_burns.span(shot)
    frames = lumas(engine, image, shot)
    height, width = frames[0].shape
    left, top, right, bottom = find_pixel_box(shot.photo, found.shot.crop)
    apart: list[float] = []
    for index, e in enumerate(ken_burns.ways(shot)):
        x, y, w, h = ken_burns.window(found.start, found.end, e)
        sides = (left + x * (right - left), top + y * (bottom - top), w * (right - left) / width, h * (bottom - top) / height)
        turn = np.array([[sides[2], 0, sides[0] + sides[2] / 2 - 0.5], [0, sides[3], sides[1] + sides[3] / 2 - 0.5]])
        soft = cv2.GaussianBlur(image, (0, 0), 0.35 * sides[2])
        flat = cv2.warpAffine(soft, turn, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        apart.append(frame_measures.psnr(frames[index], yuv.from_rgb(flat)[:height]))
    assert min(apart[0], apart[-1]) > max(apart[len(apart) // 2 - 1 : len(apart) // 2 + 2]) + 6


@pytest.mark.parametrize("way", ["in", "across"])
def test_the_way_is_even(photos: dict[str, np.ndarray], way: str) -> None:
    shot = boxed(photos["dogs"], *crops("16:9")[way], ease="linear")
    found = ken_burns.span(shot)
    seen = np.array([ken_burns.window(found.start, found.end, e) for e in ken_burns.ways(shot)])
    steps = np.diff(np.log(seen[:, 2]))
    assert np.ptp(steps) < 1e-9
    moved = np.hypot(*np.diff(seen[:, :2] + seen[:, 2:] / 2, axis=0).T) / seen[:-1, 2]
    assert moved.max() < moved.min() * 1.1 + 1e-9
    for corner in (seen[:, 0], seen[:, 1], 1 - seen[:, 0] - seen[:, 2], 1 - seen[:, 1] - seen[:, 3]):
        assert corner.min() > -1e-9


def test_it_is_read_as_finely_as_the_smaller_box_needs(photos: dict[str, np.ndarray]) -> None:
    image = photos["dogs"]
    for way in ("in", "out"):
        found = ken_burns.span(boxed(image, *crops("16:9")[way], size="240p"))
        assert found.size[0] * min(found.start[2], found.end[2]) == pytest.approx(426, abs=2)
    large = ken_burns.span(boxed(image, Crop(0, 0, 1, 1, "16:9"), Crop(0.4, 0.4, 0.1, 0.1, "16:9"), size="2160p"))
    assert large.size[0] * large.size[1] <= ken_burns.MOST_PIXELS * 1.01


def test_four_k_from_box_to_box(engine: ParallaxEngine, photos: dict[str, np.ndarray]) -> None:
    image = photos["dogs"]
    shot = replace(boxed(image, *crops("16:9")["in"], size="2160p"), seconds=1.0, fps=16)
    found = engine.animate(prepare(shot, CARD), image, None, ignore)
    frame = next(iter(found.images))
    assert (found.width, found.height) == (3840, 2160)
    assert frame_measures.psnr(frame[:2160], plain(image, shot, shot.crop, 3840, 2160)) > 38


# What is asked of whom ----------------------------------------------------------------------------------------------------


def accepted(shot: Shot, card: ModelCard, settings: Settings, end: Photo | None = None) -> Shot:
    return shot_checks.accept(shot, card, shot.photo, end or shot.photo, settings, pace(())).recipe


@pytest.fixture
def wanted() -> Shot:
    photo = Photo("8" * 64, 1200, 800, "one.jpg")
    return Shot(photo, Crop(0, 0, 1, 1, "9:16"), end=Still(photo, Crop(0.4, 0.4, 0.3, 0.3, "16:9")))


def test_an_end_box_has_the_shape_of_the_crop(wanted: Shot, tmp_path: Path) -> None:
    shot = accepted(wanted, CARD, Settings(tmp_path))
    assert shot.end is not None and shot.end.crop.aspect == "9:16"
    left, top, right, bottom = find_pixel_box(shot.photo, shot.end.crop)
    assert (right - left) / (bottom - top) == pytest.approx(9 / 16, abs=0.01)
    assert Shot.from_json(shot.to_json()) == shot


def test_another_photo_as_an_end_is_refused_with_a_remedy_that_is_true(wanted: Shot, tmp_path: Path) -> None:
    other = Photo("9" * 64, 500, 500)
    with pytest.raises(Refusal, match=r"not on another one.*Draw an end box"):
        accepted(replace(wanted, end=Still(other)), CARD, Settings(tmp_path), other)
    with pytest.raises(Refusal, match=r"can't be told where to end.*Take the end away"):
        accepted(wanted, PLAIN, Settings(tmp_path))
    assert accepted(replace(wanted, end=None), CARD, Settings(tmp_path)).end is None


def test_a_draft_keeps_a_box_and_leaves_out_another_photo(wanted: Shot) -> None:
    for_reader = replace(wanted, model=READER.id, draft="parallax")
    assert prepare(for_reader, CARD).shot.end == wanted.end
    assert prepare(replace(for_reader, end=Still(Photo("9" * 64, 500, 500))), CARD).shot.end is None
    assert prepare(for_reader, PLAIN).shot.end is None
