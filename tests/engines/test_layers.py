from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pictures
from skimage import data
from sklearn.datasets import load_sample_image

from studio.engines.base import Stopped
from studio.engines.parallax import layer_matting, layers
from studio.nouns import Crop, Effect, Motion, Photo, Shot


def shot_of(image, **changes):
    return Shot(Photo("0" * 64, image.shape[1], image.shape[0]), **changes)


def scene_of(image, settings, **changes):
    return layers.read_scene(image, shot_of(image, **changes), settings, lambda progress: None)


def put_back(scene):
    """All sheets laid over each other, as float RGB."""
    out = np.zeros((*scene.layers[0].texture.shape[:2], 3))
    for layer in scene.layers:
        sheet = layer.texture.astype(np.float64)
        out = sheet[..., :3] + out * (1 - sheet[..., 3:] / 255)
    return out


def psnr(one, other):
    return 10 * np.log10(255**2 / max(1e-9, float(((one - other.astype(np.float64)) ** 2).mean())))


PHOTOS = {
    "dogs": None, "sunset": None, "fig": None, "mountains": None,
    "astronaut": data.astronaut, "china": lambda: load_sample_image("china.jpg"),
}  # fmt: skip


@pytest.fixture(scope="module", params=PHOTOS)
def read(request, samples, tmp_path_factory):
    from studio.config import Settings

    load = PHOTOS[request.param]
    image = load() if load else np.asarray(Pictures.open(samples / f"{request.param}.jpg"))
    settings = Settings(tmp_path_factory.mktemp("home"))
    settings.prepare()
    stirred = Motion(effects=(Effect("light", 0.5),))  # so that the sheets are wanted
    return request.param, image, scene_of(image, settings, motion=stirred, size="720p")


def test_the_sheets_put_back_together_are_the_photo(read):
    _, image, scene = read
    source = layers._resize_texture(image, scene.width, scene.height)
    assert psnr(put_back(scene), source) >= 45


def test_the_scene_is_whole(read):
    name, _, scene = read
    kinds = [layer.name for layer in scene.layers]
    assert kinds == sorted(kinds, key=["sky", "background", "subject"].index)
    assert (scene.layers[0].texture[..., 3] == 255).all()
    for layer in scene.layers:
        assert layer.texture.dtype == np.uint8 and layer.texture.shape == scene.layers[0].texture.shape
        assert layer.disparity.dtype == np.float32 and layer.disparity.shape == scene.disparity.shape
        assert (layer.texture[..., :3] <= layer.texture[..., 3:]).all()
        assert np.abs(np.diff(layer.disparity, axis=1)).max() < 0.08
    assert set(scene.masks) == {"sky", "foliage", "subject", "background"}
    assert all(mask.shape == scene.disparity.shape and mask.min() >= 0 and mask.max() <= 1 for mask in scene.masks.values())
    assert 0 < scene.pivot <= 1 and 0 < scene.gap <= 1 and 0 <= scene.horizon <= 1
    assert {choice.what for choice in scene.choices} >= {"depth", "layers"}
    assert ("sky" in kinds) == (name in ("sunset", "mountains", "china"))
    assert ("subject" in kinds) == (name != "mountains")


def test_the_sky_is_at_infinity_and_hides_no_land(read):
    name, _, scene = read
    if scene.layers[0].name != "sky":
        pytest.skip(f"{name} has no sky to part")
    assert not scene.layers[0].disparity.any()
    land = scene.layers[1].texture[..., 3]
    assert land[-20:].min() == 255 and land[:20].mean() < 20


def test_the_same_shot_gives_the_same_scene(settings, samples):
    image = data.coffee()
    one, two = scene_of(image, settings), scene_of(image, settings)
    assert all(np.array_equal(a.texture, b.texture) for a, b in zip(one.layers, two.layers, strict=True))


def test_textures_are_no_finer_than_they_need_be(settings, samples):
    image = np.asarray(Pictures.open(samples / "mountains.jpg"))
    small = scene_of(image, settings, size="360p").layers[0].texture
    large = scene_of(image, settings, size="1080p").layers[0].texture
    assert small.shape[:2] == (540, 720)
    assert large.shape[:2] == (1440, 1920)
    assert layers._resize_texture(np.zeros((2000, 3000, 3), np.uint8), 3840, 2160).shape[:2] == (2160, 3840)


def test_a_crop_is_read_as_it_is_given(settings, samples):
    image = np.asarray(Pictures.open(samples / "dogs.jpg"))
    cut = np.ascontiguousarray(image[200:919])
    shot = shot_of(image, crop=Crop(0, 200 / 1920, 1, 719 / 1920, "16:9"))
    scene = layers.read_scene(cut, shot, settings, lambda progress: None)
    assert (scene.width, scene.height) == (1280, 720)
    assert scene.layers[0].texture.shape[:2] == (720, 1280)


def test_a_stop_is_passed_on(settings):
    def stop(progress):
        if progress.done == 1:
            raise Stopped

    image = data.coffee()
    with pytest.raises(Stopped):
        layers.read_scene(image, shot_of(image), settings, stop)


def test_parting_is_exact_whatever_was_filled_in():
    chance = np.random.default_rng(3)
    image = chance.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    filled = chance.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    alpha = np.tile(np.clip(np.arange(80) * 6 - 100, 0, 255), (60, 1)).astype(np.uint8)
    front, behind = layer_matting.lift(image, alpha, filled, np.where(alpha > 0, 255, 0).astype(np.uint8))
    assert np.array_equal(behind[alpha == 0], image[alpha == 0])
    assert np.array_equal(front[alpha == 255][:, :3], image[alpha == 255])
    mixed = front[..., :3] + behind * (1 - front[..., 3:] / 255.0)
    assert psnr(mixed, image) >= 45
