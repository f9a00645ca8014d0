"""Content: lettering is found and nothing else is taken for it; faces, subject and shape are told apart, and remedies help."""

from __future__ import annotations

from pathlib import Path

import cv2
import matplotlib
import msgspec
import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_image

from studio.nouns import Choice, Crop, Photo
from studio.photo import lettering, photo_scene
from studio.photo.auto_crop import SIDE, Look
from studio.photo.crop import Image as Pixels
from studio.photo.crop import find_largest
from studio.photo.faces import Face
from studio.photo.findings import Finding
from studio.photo.flaws.content import (
    FACE,
    find_content_flaws,
    judge_clutter,
    judge_cut_faces,
    judge_face_size,
    judge_lettering,
    judge_separation,
    judge_shape,
    measure_inside,
)
from studio.photo.lettering import Lettering
from studio.photo.matte import Matte, SubjectPart
from studio.photo.photo_scene import Scene, read_scene

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
SAMPLES = ("dandelion", "dogs", "fig", "mountains", "stream", "sunset")
WIDE = Photo("0" * 64, 3000, 2000)


def sample(samples: Path, name: str) -> Pixels:
    """A sample photo with a long side of 1200 px."""
    image = Image.open(samples / f"{name}.jpg").convert("RGB")
    image.thumbnail((1200, 1200))
    return np.asarray(image, np.uint8)


def written(
    image: Pixels, words: str, font: str, tall: float, at: tuple[float, float], ink: str, ground: str = "", turn: float = 0
) -> Pixels:
    """The image with words on it: `tall` of the short side in size, `at` their middle in fractions, over a panel if any."""
    face = ImageFont.truetype(str(FONTS / f"{font}.ttf"), round(tall * min(image.shape[:2])))
    left, top, right, bottom = (round(value) for value in face.getbbox(words))
    edge = round(0.4 * (bottom - top))
    panel = Image.new("RGBA", (right - left + 2 * edge, bottom - top + 2 * edge), ground or (0, 0, 0, 0))
    ImageDraw.Draw(panel).text((edge - left, edge - top), words, font=face, fill=ink)
    panel = panel.rotate(turn, Image.Resampling.BICUBIC, expand=True)
    photo = Image.fromarray(image).convert("RGBA")
    photo.alpha_composite(
        panel,
        (
            max(round(at[0] * photo.width - panel.width / 2), 0),
            max(round(at[1] * photo.height - panel.height / 2), 0),
        ),
    )
    return np.asarray(photo.convert("RGB"), np.uint8)


WRITING = [
    ("Golden hour", "DejaVuSans", 0.05, (0.5, 0.9), "white", "black", 0),
    ("www.example.com", "DejaVuSans", 0.03, (0.7, 0.95), "black", "#f4f0e0", 0),
    ("SALE 50% OFF", "DejaVuSans-Bold", 0.12, (0.5, 0.4), "#ffe030", "#b01020", 0),
    ("Grand Hotel", "STIXGeneral", 0.07, (0.4, 0.3), "#202020", "white", 4),
    ("Photo by M. Keller", "DejaVuSerif-Italic", 0.035, (0.3, 0.92), "white", "#203050", 0),
    ("12.08.2023 14:32", "DejaVuSansMono", 0.04, (0.75, 0.9), "#ff8020", "black", 0),
    ("Open daily", "DejaVuSerif", 0.06, (0.35, 0.6), "#103080", "#e8e8e8", -12),
    ("Limited edition", "DejaVuSans-Oblique", 0.05, (0.5, 0.5), "white", "#107040", 90),
]


@pytest.mark.parametrize("name", SAMPLES)
def test_print_on_a_photo_is_found_where_it_is(name: str, samples: Path) -> None:
    image = sample(samples, name)
    for words, font, tall, at, ink, ground, turn in WRITING:
        found = lettering.find_lettering(written(image, words, font, tall, at, ink, ground, turn))
        near = [
            one
            for one in found
            if abs(one.box[0] + one.box[2] / 2 - at[0]) < 0.35 and abs(one.box[1] + one.box[3] / 2 - at[1]) < 0.25
        ]
        assert near, f"{words!r} on {name}"


@pytest.mark.parametrize("tall", [0.025, 0.05, 0.1, 0.2])
def test_letters_straight_on_a_photo_are_found_at_every_size(tall: float, samples: Path) -> None:
    """No panel behind them: white on a dark evening."""
    image = (sample(samples, "mountains") * 0.6).astype(np.uint8)
    assert lettering.find_lettering(written(image, "Summer", "DejaVuSans-Bold", tall, (0.4, 0.7), "white"))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_photo_without_print_has_no_lettering(name: str, samples: Path) -> None:
    assert lettering.find_lettering(sample(samples, name)) == ()


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "camera", "brick", "grass", "gravel"])
def test_bricks_grass_whiskers_and_masts_are_no_lettering(name: str) -> None:
    image = np.asarray(getattr(skimage.data, name)(), np.uint8)
    assert lettering.find_lettering(image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)) == ()


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
def test_roofs_and_petals_are_no_lettering(name: str) -> None:
    assert lettering.find_lettering(np.asarray(load_sample_image(name), np.uint8)) == ()


def test_rows_of_plain_shapes_are_no_lettering() -> None:
    """Windows, a fence, a chessboard."""
    wall = np.full((800, 1200, 3), (150, 120, 100), np.uint8)
    fence, board = wall.copy(), wall.copy()
    for top in range(60, 740, 90):
        for left in range(60, 1140, 60):
            wall[top : top + 40, left : left + 24] = (40, 50, 60)
    for left in range(0, 1200, 24):
        fence[200:600, left : left + 8] = (240, 240, 235)
    board[:] = np.where(np.add.outer(np.arange(800) // 40, np.arange(1200) // 40)[..., None] % 2, 230, 30)
    for image in (wall, fence, board):
        assert lettering.find_lettering(image) == ()


def test_a_flat_or_tiny_picture_has_no_lettering() -> None:
    assert lettering.find_lettering(np.full((300, 400, 3), 90, np.uint8)) == ()
    assert lettering.find_lettering(np.zeros((2, 900, 3), np.uint8)) == ()


def matte(map_: np.ndarray) -> Matte:
    """What is decided of a subject with a sharp outline."""
    inside = map_ > 0
    parts = (SubjectPart(inside, (0, 0, SIDE, SIDE)),) if inside.any() else ()
    return Matte(map_, parts, 0.0, bool(parts), 1.0, Choice("layers", "", ""), "clear" if parts else "none")


def made(
    box: tuple[float, float, float, float] | None = None, faces: tuple[Face, ...] = (), print_: tuple[Lettering, ...] = ()
) -> Scene:
    """A scene put together by hand: a subject that fills a box, faces, lettering."""
    map_ = np.zeros((SIDE, SIDE), np.float32)
    if box is not None:
        left, top, width, height = (round(value * SIDE) for value in box)
        map_[top : top + height, left : left + width] = 1
    small = np.full((341, 512, 3), 120, np.uint8)
    seen = Look(map_, float(map_.max()), np.ones((SIDE, SIDE), np.float32), faces)
    subject = np.asarray(cv2.resize(map_, (512, 341)), np.float32)
    cues = photo_scene.measure_cues(np.asarray(cv2.resize(small, (256, 170)), np.uint8), np.zeros((170, 256), np.float32), False)
    return Scene(small, seen, matte(map_), subject, box, box is not None, cues, print_)


def only(found: tuple[Finding, ...], code: str) -> Finding:
    return next(one for one in found if one.code == code)


def test_a_watermark_in_a_corner_is_cropped_away() -> None:
    mark = Lettering((0.8, 0.93, 0.15, 0.04), 0.9)
    found = judge_lettering(made(print_=(mark,)), WIDE, Crop())
    assert found.level == "mend" and found.box == pytest.approx(mark.box)
    crop = found.remedies[0].crop
    assert crop is not None and measure_inside(mark.box, crop) == 0 and crop.w * crop.h > 0.6
    assert judge_lettering(made(print_=(mark,)), WIDE, crop).level == "fine", "the remedy is enough"


def test_print_in_the_middle_is_worth_knowing() -> None:
    found = judge_lettering(made(print_=(Lettering((0.3, 0.45, 0.4, 0.1), 0.9),)), WIDE, Crop())
    assert found.level == "mind" and not found.remedies and "slow" in found.says


def test_no_remedy_cuts_the_subject_or_a_face() -> None:
    mark = Lettering((0.7, 0.9, 0.25, 0.05), 0.9)
    face = Face(0.45, 0.86, 0.1, 0.12, 0.95)
    assert judge_lettering(made(faces=(face,), print_=(mark,)), WIDE, Crop()).level == "mind"
    assert judge_lettering(made(box=(0.05, 0.02, 0.9, 0.96), print_=(mark,)), WIDE, Crop()).level == "mind"


def test_a_small_face_gets_a_closer_crop() -> None:
    face = Face(0.6, 0.4, 0.03, 0.05, 0.95)
    scene = made(faces=(face,))
    crop = find_largest(WIDE, "16:9")
    found = judge_face_size(scene, WIDE, crop, "720p")
    assert found is not None and found.level == "mend"
    closer = found.remedies[0].crop
    assert closer is not None and closer.aspect == "16:9" and measure_inside(face[:4], closer) == pytest.approx(1)
    after = judge_face_size(scene, WIDE, closer, "720p")
    assert after is not None and after.level == "fine", "the remedy is enough"


def test_a_face_is_large_enough_or_not_by_the_clips_size() -> None:
    face = Face(0.4, 0.3, 0.06, 0.09, 0.95)
    levels = [judge_face_size(made(faces=(face,)), WIDE, Crop(), size) for size in ("240p", "1080p")]
    assert [one.level for one in levels if one is not None] == ["mend", "fine"]
    assert FACE / 1080 < 0.09 < FACE / 240


def test_nothing_is_said_of_faces_where_there_are_none() -> None:
    codes = {one.code for one in find_content_flaws(made(), WIDE, Crop(), "auto")}
    assert codes.isdisjoint({"faces_small", "faces_cut", "busy"})


def test_a_chance_likeness_is_not_spoken_of() -> None:
    assert judge_cut_faces(made(faces=(Face(0.3, 0.3, 0.1, 0.1, 0.76),)), WIDE, Crop(0.35, 0, 0.6, 0.6)) is None


def test_a_cut_face_is_made_whole() -> None:
    face = Face(0.1, 0.3, 0.2, 0.3, 0.95)
    scene = made(faces=(face,))
    crop = Crop(0.2, 0.0, 2 / 3, 1.0, "1:1")
    found = judge_cut_faces(scene, WIDE, crop)
    assert found is not None and found.level == "mend" and found.box == pytest.approx(face[:4])
    better = found.remedies[0].crop
    assert better is not None and better.aspect == "1:1" and measure_inside(face[:4], better) == pytest.approx(1)


def test_a_face_too_large_for_the_shape_asks_for_another_shape() -> None:
    face = Face(0.2, 0.1, 0.6, 0.8, 0.95)
    found = judge_cut_faces(made(faces=(face,)), WIDE, find_largest(WIDE, "9:16"))
    assert found is not None and found.level == "mend"
    remedy = found.remedies[0]
    assert remedy.crop is not None and measure_inside(face[:4], remedy.crop) > 0.96


def test_a_wide_photo_in_a_tall_shape_falls_away() -> None:
    found = judge_shape(made(), WIDE, find_largest(WIDE, "9:16"))
    assert found.level == "mend" and "38%" in found.why
    remedy = found.remedies[0]
    assert remedy.crop is not None and remedy.crop.w * remedy.crop.h >= 0.5 and remedy.crop.aspect == "3:4"


def test_a_subject_that_stays_whole_makes_it_fine() -> None:
    assert judge_shape(made(box=(0.4, 0.2, 0.2, 0.7)), WIDE, find_largest(WIDE, "9:16")).level == "fine"
    assert judge_shape(made(), WIDE, find_largest(WIDE, "16:9")).level == "fine"
    assert judge_shape(made(), WIDE, Crop()).level == "fine"


def test_a_portrait_may_cut_a_body_but_no_face() -> None:
    face = Face(0.45, 0.1, 0.1, 0.2, 0.95)
    assert judge_shape(made(box=(0.1, 0.05, 0.8, 0.95), faces=(face,)), WIDE, find_largest(WIDE, "9:16")).level == "fine"
    apart = (Face(0.05, 0.3, 0.1, 0.2, 0.95), Face(0.85, 0.3, 0.1, 0.2, 0.95))
    found = judge_shape(made(faces=apart), WIDE, find_largest(WIDE, "1:1"))
    assert found.level == "mend" and "the faces" in found.says
    other = found.remedies[-1].crop
    assert other is not None and other.aspect != "1:1"


def test_a_crop_beside_the_subject_is_laid_around_it() -> None:
    scene = made(box=(0.75, 0.2, 0.2, 0.6))
    found = judge_shape(scene, WIDE, find_largest(WIDE, "9:16"))
    assert found.level == "mend"
    better = found.remedies[0].crop
    assert better is not None and scene.box is not None and measure_inside(scene.box, better) > 0.9


def test_a_subject_too_wide_for_the_shape_gets_the_nearest_that_holds_it() -> None:
    scene = made(box=(0.1, 0.3, 0.8, 0.5))
    found = judge_shape(scene, WIDE, find_largest(WIDE, "9:16"))
    assert found.level == "mend"
    held = [one.crop for one in found.remedies if one.crop and one.crop.aspect != "9:16"]
    assert scene.box is not None and held[0] is not None and measure_inside(scene.box, held[0]) >= 0.9


def grey(name: str) -> Pixels:
    return cv2.cvtColor(getattr(skimage.data, name)(), cv2.COLOR_GRAY2RGB)


def test_a_busy_background_is_told_from_a_quiet_one(samples: Path) -> None:
    garage = cv2.cvtColor(cv2.imread(str(Path(skimage.data.__file__).parent / "motorcycle_left.png")), cv2.COLOR_BGR2RGB)
    found = judge_clutter(read_scene(garage))
    assert found is not None and found.level == "mend" and found.remedies[0].mends[0].name == "background"
    for quiet in (sample(samples, "fig"), np.asarray(load_sample_image("flower.jpg"), np.uint8)):
        found = judge_clutter(read_scene(quiet))
        assert found is not None and found.level == "fine"


def test_a_surface_has_no_depth_and_a_sky_has(samples: Path) -> None:
    for name in ("gravel", "grass"):
        found = judge_separation(read_scene(grey(name)))
        assert found is not None and found.level == "mind"
    for name in ("sunset", "mountains", "fig"):
        found = judge_separation(read_scene(sample(samples, name)))
        assert found is not None and found.level == "fine"


def test_a_subject_of_its_backgrounds_colour_is_told() -> None:
    """By hand: the same grey inside the subject and around it; then a red subject."""
    scene = made(box=(0.3, 0.3, 0.4, 0.4))
    found = judge_separation(scene)
    assert found is not None and found.level == "mend" and found.remedies[0].mends[0].name == "background"
    red = scene.small.copy()
    red[102:239, 153:358] = (200, 40, 40)
    found = judge_separation(scene._replace(small=red))
    assert found is not None and found.level == "fine"


def test_a_scene_is_seen_once(samples: Path) -> None:
    image = sample(samples, "fig")
    assert read_scene(image) is read_scene(image.copy())


def test_findings_travel_as_json(samples: Path) -> None:
    image = written(sample(samples, "fig"), "Fresh figs", "DejaVuSans", 0.06, (0.5, 0.94), "white", "black")
    photo = Photo("0" * 64, image.shape[1], image.shape[0])
    found = find_content_flaws(read_scene(image), photo, find_largest(photo, "9:16"), "720p")
    assert msgspec.json.decode(msgspec.json.encode(found), type=tuple[Finding, ...]) == found
    assert only(found, "text").level == "mend" or only(found, "text").level == "mind"
    assert all(one.says and one.why for one in found)
