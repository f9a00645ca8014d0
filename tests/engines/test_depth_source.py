from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from studio.engines.parallax import depth_anything, depth_source, layers, shot_setting
from studio.nouns import Camera, Choice, Crop, Effect, Motion, Move, Photo, Refusal, Shot
from studio.photo.matte import Matte, shrink_to_work

KEY = "ab" * 32


@pytest.fixture
def image():
    return data.coffee()


def no_subject(image):
    plain = np.zeros(shrink_to_work(image).shape[:2], np.float32)
    return Matte(plain, (), 0.0, False, 1.0, Choice("layers", "one", ""), "none")


@pytest.fixture
def nothing(image):
    return no_subject(image)


def shot_of(image, **changes):
    return Shot(Photo("0" * 64, image.shape[1], image.shape[0]), **changes)


def lay(settings, values, key=KEY):
    cv2.imwrite(str(settings.depths / f"{key}.png"), values)


def ramp(height, width, top=255, kind=np.uint8):
    return (np.ones((height, 1)) * np.linspace(0, top, width)[None]).astype(kind)


@pytest.mark.parametrize(("top", "kind"), [(255, np.uint8), (65535, np.uint16)])
def test_a_map_of_the_photo_is_laid_over_it(settings, image, nothing, top, kind):
    lay(settings, ramp(200, 300, top, kind))
    reading, choice = depth_source.read(image, shot_of(image, depth=KEY), settings, nothing)
    row = reading.disparity[50]
    assert row[0] < 0.05 and row[-1] > 0.95 and (np.diff(row) >= -1e-4).all()
    assert choice.value == "your depth map"


def test_a_map_of_the_photo_is_cut_to_the_crop(settings, image, nothing):
    lay(settings, ramp(200, 300))
    shot = shot_of(image, depth=KEY, crop=Crop(0.5, 0.5, 0.5, 0.5))
    reading, _ = depth_source.read(image, shot, settings, nothing)
    assert 0.45 < reading.disparity[:, 0].mean() < 0.55 and reading.disparity[:, -1].mean() > 0.95


def test_a_map_of_the_crops_shape_covers_the_crop(settings, image):
    lay(settings, ramp(100, 100))
    shot = shot_of(image, depth=KEY, crop=Crop(1 / 3, 0, 2 / 3, 1, "1:1"))
    reading, _ = depth_source.read(image[:, 200:], shot, settings, no_subject(image[:, 200:]))
    assert reading.disparity[:, 0].mean() < 0.05 and reading.disparity[:, -1].mean() > 0.95


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda s: None, "no longer here"),
        (lambda s: lay(s, ramp(50, 300)), "shape of neither"),
        (lambda s: lay(s, np.full((200, 300), 9, np.uint8)), "one flat tone"),
        (lambda s: (s.depths / f"{KEY}.png").write_bytes(b"not a picture"), "can't be opened"),
    ],
    ids=["missing", "shape", "flat", "broken"],
)
def test_a_map_that_cannot_be_used_is_refused_with_a_remedy(settings, image, nothing, make, words):
    make(settings)
    with pytest.raises(Refusal, match=words) as refused:
        depth_source.read(image, shot_of(image, depth=KEY), settings, nothing)
    assert refused.value.remedy and str(settings.home) not in str(refused.value)


def test_an_unknown_depth_is_refused(settings, image, nothing):
    with pytest.raises(Refusal, match="no depth called"):
        depth_source.read(image, shot_of(image, depth="../../etc/passwd"), settings, nothing)


def test_builtin_and_auto_say_why(settings, image, nothing):
    _, by_hand = depth_source.read(image, shot_of(image, depth="builtin"), settings, nothing)
    _, by_itself = depth_source.read(image, shot_of(image), settings, nothing)
    assert by_hand.reason == "chosen by hand"
    assert by_itself.value == "built in" and "not downloaded" in by_itself.reason


def test_the_network_is_refused_before_it_is_downloaded(settings, image, nothing):
    assert not depth_anything.ready(settings)
    with pytest.raises(Refusal, match="not on this computer"):
        depth_source.read(image, shot_of(image, depth="anything"), settings, nothing)


def own(settings, image, values, **changes):
    """A shot of a photo that came with this map."""
    lay(settings, values)
    photo = Photo("0" * 64, image.shape[1], image.shape[0], own_depth=KEY, depth_doubted=changes.pop("doubted", False))
    return Shot(photo, **changes)


def test_the_photos_own_depth_goes_before_the_built_in_one(settings, image, nothing):
    builtin = depth_source.read(image, shot_of(image, depth="builtin"), settings, nothing)[0].disparity
    values = np.rint(builtin * 200 + ramp(*builtin.shape, 50)).astype(np.uint8)
    for asked, why in (("auto", "phone measured it"), ("photo", "chosen by hand")):
        shot = own(settings, image, values, depth=asked)
        reading, choice = depth_source.read(image, shot, settings, nothing)
        assert choice.value == depth_source.OWN and why in choice.reason
        assert np.corrcoef(reading.disparity.ravel(), values.ravel())[0, 1] > 0.99
        assert KEY in depth_source.resolve(shot, settings), "what is kept of it is kept with the map's name"
    assert depth_source.resolve(own(settings, image, values, depth="builtin"), settings) == "builtin"


def test_own_depth_that_is_doubted_inverted_or_lost_is_only_used_when_chosen(settings, image, nothing):
    builtin = depth_source.read(image, shot_of(image, depth="builtin"), settings, nothing)[0].disparity
    values = np.rint(255 - builtin * 255).astype(np.uint8)
    reading, choice = depth_source.read(image, own(settings, image, values), settings, nothing)
    assert choice.value == "built in" and "exchanged" in choice.reason and np.array_equal(reading.disparity, builtin)
    for doubted in (own(settings, image, 255 - values, doubted=True), own(settings, image, 255 - values)):
        if not doubted.photo.depth_doubted:
            (settings.depths / f"{KEY}.png").unlink()
        _, choice = depth_source.read(image, doubted, settings, nothing)
        assert choice.value == "built in" and depth_source.resolve(doubted, settings) == "builtin"
    _, choice = depth_source.read(image, own(settings, image, values, doubted=True, depth="photo"), settings, nothing)
    assert choice.value == depth_source.OWN
    with pytest.raises(Refusal, match="without depth of its own"):
        depth_source.read(image, shot_of(image, depth="photo"), settings, nothing)


def test_a_map_goes_through_the_same_cut_wherever_it_comes_from(settings, image):
    """An uploaded map, the photo's own and the built-in depth: the same sheets and limits; only the disparities differ."""
    small_one = np.ascontiguousarray(image[::2, ::2])
    rows, columns = small_one.shape[:2]
    cliff = np.where(np.arange(columns) < columns // 2, 40, 250)[None].repeat(rows, 0).astype(np.uint8)
    stirred = Motion(Camera((Move("orbit_left", 0.6),)), (Effect("light", 0.5),))
    scenes, slopes = {}, {}
    for asked in ("builtin", "photo", KEY):
        shot = own(settings, small_one, cliff, depth=asked, motion=stirred, size="240p")
        scene = scenes[asked] = layers.read_scene(small_one, shot, settings, lambda progress: None)
        sheets = shot_setting.place(scene, shot, {}, still=True).sheets
        assert all(np.array_equal(one.disparity, sheets[0].disparity) for one in sheets), "nothing parts, whatever the map says"
        slopes[asked] = float(np.abs(np.diff(sheets[-1].disparity, axis=1)).max())
    builtin, mine, given = (scenes[asked] for asked in ("builtin", "photo", KEY))
    assert np.array_equal(mine.disparity, given.disparity) and not np.array_equal(mine.disparity, builtin.disparity)
    for scene in (mine, given):
        assert [layer.name for layer in scene.layers] == [layer.name for layer in builtin.layers]
        assert all(np.array_equal(a.texture, b.texture) for a, b in zip(scene.layers, builtin.layers, strict=True))
        assert scene.gap == builtin.gap and scene.choices[1:] == builtin.choices[1:]
    cliff_in = float(np.abs(np.diff(mine.disparity, axis=1)).max())
    assert cliff_in > 0.3 and slopes["photo"] == slopes[KEY] < cliff_in / 4, "a cliff in a map is drawn as a slope"
