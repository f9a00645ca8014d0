"""Mends: what they bring back of a photo that was spoilt in a known way, and what they leave alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from studio.config import ASSETS, Settings
from studio.nouns import Mend, MendName, Photo, Refusal, Shot
from studio.photo import mend
from studio.photo.mend import apply_mends, check_mends, derive_photo, describe_upscaler, settle_mends
from studio.photo.mends.background import find_subject
from studio.photo.mends.contrast import fit_curve
from studio.photo.mends.deblock import estimate_quality
from studio.photo.mends.denoise import measure_bands
from studio.photo.mends.tiles import work_in_tiles
from studio.photo.mends.upscale import TIMES, WEIGHTS, upscale
from studio.photo.onnx_network import load_network
from studio.photo.photo_store import PhotoStore

Pixels = NDArray[np.uint8]

NAMES: tuple[MendName, ...] = get_args(MendName)
SAMPLES = sorted(path.stem for path in (ASSETS / "samples").glob("*.jpg"))


@cache
def sample(name: str, wide: int = 480, high: int = 360) -> Pixels:
    """The middle of a sample photograph, in its own pixels."""
    whole = np.asarray(Image.open(ASSETS / "samples" / f"{name}.jpg").convert("RGB"), np.uint8)
    top, left = (whole.shape[0] - high) // 2, (whole.shape[1] - wide) // 2
    return np.ascontiguousarray(whole[top : top + high, left : left + wide])


def noisy(image: Pixels, sigma: float, blur: float = 0.0) -> Pixels:
    """Even noise in all three colours; blurred, as a camera's is, when asked for."""
    noise = np.random.default_rng(7).normal(0, 1, image.shape)
    if blur:
        noise = cv2.GaussianBlur(noise, (0, 0), blur)
        noise /= noise.std()
    return np.rint(np.clip(image + sigma * noise, 0, 255)).astype(np.uint8)


def jpeg(image: Pixels, quality: int) -> Pixels:
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


def flat(image: Pixels) -> Pixels:
    return np.rint(image * 0.5 + 64).astype(np.uint8)


def done(image: Pixels, name: MendName, amount: float = 0.5) -> Pixels:
    return apply_mends(image, (Mend(name, amount),))


def likeness(image: Pixels, clean: Pixels) -> tuple[float, float]:
    """PSNR in dB and SSIM."""
    return float(peak_signal_noise_ratio(clean, image)), float(np.mean(structural_similarity(clean, image, channel_axis=2)))


def better(mended: Pixels, spoilt: Pixels, clean: Pixels, least: float) -> bool:
    """Whether it is nearer to the clean photo by both measures, and by `least` dB."""
    now, before = likeness(mended, clean), likeness(spoilt, clean)
    return now[0] > before[0] + least and now[1] > before[1]


def sharpness(image: Pixels) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_32F).std())


@pytest.mark.parametrize("name", [name for name in NAMES if name != "upscale"])
def test_an_amount_of_nothing_changes_no_bit(name: MendName) -> None:
    photo = sample("dogs")
    assert done(photo, name, 0.0) is photo


@pytest.mark.parametrize("name", NAMES)
def test_the_photo_that_goes_in_is_not_changed(name: MendName) -> None:
    photo = sample("dogs", 240, 180).copy()
    before = photo.copy()
    photo.flags.writeable = False
    mended = done(photo, name)
    assert np.array_equal(photo, before) and mended.dtype == np.uint8
    times = 2 if name == "upscale" else 1
    assert mended.shape == (180 * times, 240 * times, 3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(64, 64), (64, 301), (97, 65)])
def test_small_and_odd_sizes_are_mended_too(name: MendName, size: tuple[int, int]) -> None:
    photo = cv2.resize(sample("fig"), size[::-1], interpolation=cv2.INTER_AREA)
    times = 2 if name == "upscale" else 1
    for amount in (0.05, 1.0):
        assert done(np.asarray(photo, np.uint8), name, amount).shape == (size[0] * times, size[1] * times, 3)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_plain_wall_stays_what_it_is(level: int) -> None:
    wall = np.full((96, 128, 3), level, np.uint8)
    for name in NAMES:
        assert np.abs(done(wall, name).astype(int) - level).max() <= 1, name


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("sigma", [15, 25])
def test_noise_is_lowered(name: str, sigma: float) -> None:
    clean = sample(name)
    spoilt = noisy(clean, sigma)
    assert better(done(spoilt, "denoise"), spoilt, clean, least=3.0)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_cameras_clumped_noise_is_lowered(name: str) -> None:
    clean = sample(name)
    spoilt = jpeg(noisy(clean, 12, blur=0.8), 92)
    assert better(done(spoilt, "denoise"), spoilt, clean, least=1.5)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_clean_photo_keeps_its_detail(name: str) -> None:
    clean = sample(name)
    mended = done(clean, "denoise")
    assert likeness(mended, clean)[0] > 39
    assert sharpness(mended) > 0.9 * sharpness(clean)


def test_noise_is_measured_as_it_is() -> None:
    for sigma in (5.0, 15.0, 25.0):
        found = measure_bands(noisy(sample("dogs"), sigma))
        assert [bands[0] for bands in found] == pytest.approx([sigma] * 3, rel=0.2)
        wall = measure_bands(noisy(np.full((400, 400, 3), 128, np.uint8), sigma))
        assert wall[0] == pytest.approx([sigma] * 4, rel=0.2), "even noise is as strong in every band"


def test_colour_is_cleaned_more_than_brightness_and_keeps_its_mean() -> None:
    clean = np.full((256, 256, 3), (190, 140, 110), np.uint8)
    spoilt = noisy(clean, 15)
    mended = done(spoilt, "denoise")
    light, *colours = (cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb).astype(float).std(axis=(0, 1)) for image in (spoilt, mended))
    assert (colours[0][1:] / light[1:]).max() < colours[0][0] / light[0] < 0.3
    assert np.abs(mended.mean(axis=(0, 1)) - spoilt.mean(axis=(0, 1))).max() < 0.5


def test_more_denoising_is_smoother() -> None:
    spoilt = noisy(sample("dogs"), 15)
    smooth = [sharpness(done(spoilt, "denoise", amount)) for amount in (0.1, 0.5, 1.0)]
    assert smooth[0] > smooth[1] > smooth[2]


@pytest.mark.parametrize("name", SAMPLES)
def test_blocks_are_taken_out(name: str) -> None:
    clean = sample(name)
    spoilt = jpeg(clean, 10)
    assert better(done(spoilt, "deblock"), spoilt, clean, least=0.3)


def edges(image: Pixels) -> float:
    """How much more neighbouring columns differ across JPEG's grid than within its blocks."""
    step = np.abs(np.diff(image.astype(float), axis=1)).mean(axis=(0, 2))
    across = step[7::8].mean()
    return float(across / np.delete(step, np.s_[7::8]).mean())


def test_the_grid_is_gone_and_a_real_edge_is_not() -> None:
    clean = sample("sunset").copy()
    clean[100:200, 205:300] = 20
    spoilt = jpeg(clean, 10)
    mended = done(spoilt, "deblock")
    assert edges(spoilt) > 1.5 * edges(clean) and edges(mended) < 1.05 * edges(clean)
    across = mended[150, 195:215].astype(int).mean(axis=1)
    was = spoilt[150, 195:215].astype(int).mean(axis=1)
    assert np.abs(np.diff(across)).max() > 0.85 * np.abs(np.diff(was)).max()


@pytest.mark.parametrize("name", SAMPLES)
def test_the_steps_of_a_jpeg_are_read_from_its_pixels(name: str) -> None:
    clean = sample(name)
    for quality in (10, 30):
        spoilt = jpeg(clean, quality)
        found = {"as it is": spoilt, "held upright": np.ascontiguousarray(np.rot90(spoilt)), "saved again": jpeg(spoilt, 92)}
        found["cut"] = np.ascontiguousarray(spoilt[3:, 5:])
        for how, image in found.items():
            seen = estimate_quality(image)
            assert seen.seen and abs(seen.quality - quality) <= 1, how


def test_without_a_grid_little_is_done() -> None:
    clean = np.asarray(skimage.data.astronaut(), np.uint8)
    assert not estimate_quality(clean).seen
    assert likeness(done(clean, "deblock"), clean)[0] > 37
    fine = jpeg(clean, 95)
    assert likeness(done(fine, "deblock"), fine)[0] > 37


@pytest.mark.parametrize("name", SAMPLES)
def test_a_flat_photo_gets_its_contrast_back(name: str) -> None:
    clean = sample(name)
    spoilt = flat(clean)
    assert better(done(spoilt, "contrast"), spoilt, clean, least=2.0)


@pytest.mark.parametrize("name", [*SAMPLES, "astronaut"])
def test_contrast_cuts_nothing_off_and_turns_no_hue(name: str) -> None:
    clean = np.asarray(skimage.data.astronaut(), np.uint8) if name == "astronaut" else sample(name)
    for spoilt in (flat(clean), np.rint(clean * 0.5 + 20).astype(np.uint8)):
        mended = done(spoilt, "contrast", 1.0)
        grey = cv2.cvtColor(mended, cv2.COLOR_RGB2GRAY)
        assert grey.min() > 0 and grey.max() < 255
        assert ((mended == 0) | (mended == 255)).any(axis=2).mean() < 0.02
        before, after = (cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb).astype(float)[..., 1:] - 128 for image in (spoilt, mended))
        strong = np.hypot(*before.transpose(2, 0, 1)) > 10
        turned = np.angle(np.exp(1j * (np.arctan2(*before[strong].T) - np.arctan2(*after[strong].T))))
        assert np.degrees(np.abs(turned)).mean() < 2 if strong.any() else True


def test_a_photo_with_full_contrast_hardly_changes() -> None:
    ramp = np.repeat(np.linspace(0, 255, 256).astype(np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    assert np.abs(done(ramp, "contrast").astype(int) - ramp).max() <= 6
    found = fit_curve(ramp, 0.5)
    assert (np.diff(found.levels) >= 0).all() and found.colour == pytest.approx(1, abs=0.03)


def test_contrast_is_never_pulled_beyond_its_measure() -> None:
    fog = np.clip(noisy(np.full((200, 200, 3), 128, np.uint8), 3), 0, 255)
    assert done(fog, "contrast", 1.0).std() < 2.5 * fog.std()


def test_the_background_is_calmed_and_the_subject_stays_bit_by_bit() -> None:
    photo = np.asarray(skimage.data.astronaut(), np.uint8)
    matte = find_subject(photo)
    assert matte is not None
    mended = done(photo, "background")
    subject, behind = matte >= 1, matte <= 0
    assert subject.mean() > 0.2 and np.array_equal(mended[subject], photo[subject])
    detail = [np.abs(cv2.Laplacian(image, cv2.CV_32F)).mean(axis=2) for image in (photo, mended)]
    assert detail[1][behind].mean() < 0.4 * detail[0][behind].mean()
    assert sharpness(done(photo, "background", 1.0)) <= sharpness(mended)


def test_the_subject_casts_no_halo() -> None:
    """A red ball before a grey wall: around it, the wall stays as grey as it was."""
    scene = noisy(np.full((480, 640, 3), 120, np.uint8), 6)
    y, x = np.mgrid[:480, :640]
    away = np.hypot(x - 320, y - 240)
    ball = away < 120
    scene[ball] = (np.array([210, 40, 30]) * (0.6 + 0.4 * np.clip(1 - away[ball] / 150, 0, 1)[:, None])).astype(np.uint8)
    assert find_subject(scene) is not None
    mended = done(scene, "background", 1.0)
    ring = (away > 126) & (away < 160)
    assert np.abs(mended[ring].astype(float).mean(axis=0) - 120).max() < 3
    assert np.abs(mended[ring].astype(float) - 120).max() < 30
    assert mended[(away > 200)].std() < 0.5 * scene[(away > 200)].std()


@pytest.mark.parametrize("name", ["mountains", "stream", "sunset"])
def test_a_photo_without_a_subject_stays_as_it_is(name: str) -> None:
    whole = np.asarray(Image.open(ASSETS / "samples" / f"{name}.jpg").convert("RGB"), np.uint8)
    assert done(whole, "background") is whole


@pytest.mark.parametrize("name", SAMPLES)
def test_upscaling_beats_resampling(name: str) -> None:
    clean = sample(name, 320, 240)
    small = np.asarray(cv2.resize(clean, (160, 120), interpolation=cv2.INTER_AREA), np.uint8)
    drawn, resampled = done(small, "upscale"), done(small, "upscale", 0.0)
    assert drawn.shape == clean.shape
    assert better(drawn, resampled, clean, least=0.0) or likeness(drawn, clean)[0] > 45, "nearer, or too near for any eye"
    assert sharpness(drawn) > 1.05 * sharpness(resampled)


def test_tiles_leave_no_seams() -> None:
    photo = sample("fig", 440, 64)  # with its margins, a tile and a half
    piece = np.ascontiguousarray(photo[:, 200:400])
    whole, part = upscale(photo, 0.5), upscale(piece, 0.5)
    inside = np.s_[:, 60:-60]
    assert np.abs(whole[:, 400:800][inside].astype(int) - part[inside].astype(int)).max() <= 1


def test_tiles_cover_a_picture_once() -> None:
    photo = sample("fig", 301, 203)
    assert np.array_equal(work_in_tiles(photo, lambda part: part, 64, 16), photo)
    doubled = work_in_tiles(photo, lambda part: part.repeat(2, axis=0).repeat(2, axis=1), 50, 7, times=2)
    assert np.array_equal(doubled, photo.repeat(2, axis=0).repeat(2, axis=1))


@pytest.mark.parametrize("name", ["denoise", "deblock", "contrast"])
def test_a_large_photo_is_mended_without_seams(name: MendName) -> None:
    """Across the tiles of a wide photo: columns differ no more where tiles meet than elsewhere."""
    wide = cv2.resize(noisy(sample("sunset"), 4), (2400, 200), interpolation=cv2.INTER_CUBIC)
    mended = done(np.asarray(wide, np.uint8), name).astype(float)
    step = np.abs(np.diff(mended, axis=1)).mean(axis=(0, 2))
    for seam in (1023, 2047):
        assert step[seam] < 1.6 * np.median(step[seam - 20 : seam + 20]) + 0.1


def test_the_network_draws_what_ncnn_draws() -> None:
    """Five pixels of a made picture, as the ncnn wheel 1.0.20261020 drew them with the original files, in levels."""
    x, y = np.meshgrid(np.arange(48), np.arange(48))
    picture = np.stack([(x * 5) % 256, (y * 5) % 256, ((x // 8 + y // 8) % 2) * 200 + 20], axis=-1)
    drawn = load_network(WEIGHTS).run(picture.transpose(2, 0, 1)[None] / 255)[0][0] * 255
    wanted = {
        (40, 41): (97.27, 86.42, 38.32), (47, 48): (114.75, 98.43, 119.66), (50, 33): (76.60, 102.57, 125.33),
        (56, 63): (161.32, 137.64, 122.37), (61, 40): (97.82, 142.02, 200.56),
    }  # fmt: skip
    for (row, column), colour in wanted.items():
        assert drawn[:, row, column] == pytest.approx(colour, abs=0.02)


def test_upscaling_keeps_what_the_photo_shows() -> None:
    photo = sample("dogs", 160, 120)
    again = cv2.resize(done(photo, "upscale", 1.0), (160, 120), interpolation=cv2.INTER_AREA)
    assert likeness(np.asarray(again, np.uint8), photo)[0] > 38


def test_without_the_network_a_photo_is_resampled_and_says_so(tmp_path: Path) -> None:
    photo = sample("fig", 120, 90)
    lanczos = cv2.resize(photo, (240, 180), interpolation=cv2.INTER_LANCZOS4)
    assert describe_upscaler().value == "network" and np.array_equal(upscale(photo, 0.0), lanczos)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a network")
    for weights in (tmp_path / "missing.onnx", broken):
        assert np.array_equal(upscale(photo, 0.5, weights), lanczos)
        assert describe_upscaler(weights).value == "resampled" and "Lanczos" in describe_upscaler(weights).reason


def test_mends_are_done_in_their_order() -> None:
    spoilt = noisy(flat(sample("dogs", 240, 180)), 10)
    one, two = Mend("denoise"), Mend("contrast")
    both = apply_mends(spoilt, (one, two))
    assert np.array_equal(both, apply_mends(apply_mends(spoilt, (one,)), (two,)))
    assert not np.array_equal(both, apply_mends(spoilt, (two, one)))


PHOTO = Photo("5" * 64, 1200, 900)


def test_a_mended_photo_is_another_photo() -> None:
    assert derive_photo(PHOTO, ()) is PHOTO
    ways = [(Mend("denoise"),), (Mend("denoise", 0.6),), (Mend("denoise"), Mend("contrast")), (Mend("contrast"), Mend("denoise"))]
    assert len({derive_photo(PHOTO, mends).id for mends in ways} | {PHOTO.id}) == 5
    assert all(len(derive_photo(PHOTO, mends).id) == 64 for mends in ways)
    large = derive_photo(PHOTO, (Mend("upscale"),))
    assert (large.width, large.height) == (2400, 1800) and TIMES == mend.UPSCALE
    shot = settle_mends(Shot(PHOTO, mends=ways[2]))
    assert shot.mends == () and shot.photo == derive_photo(PHOTO, ways[2])


def test_what_can_not_be_mended_is_refused() -> None:
    check_mends(PHOTO, tuple(Mend(name) for name in NAMES))
    with pytest.raises(Refusal, match="twice") as twice:
        check_mends(PHOTO, (Mend("denoise"), Mend("contrast"), Mend("denoise", 0.2)))
    assert twice.value.remedy
    with pytest.raises(Refusal, match="large enough") as large:
        check_mends(Photo("5" * 64, 3000, 2001), (Mend("upscale"),))
    assert "upscale" in large.value.remedy
    check_mends(Photo("5" * 64, 3000, 2000), (Mend("upscale"),))
    check_mends(Photo("5" * 64, 6000, 4000), (Mend("denoise"),))


@pytest.fixture
def kept(settings: Settings, tmp_path: Path) -> tuple[PhotoStore, Photo]:
    """A store with one small photo in it."""
    file = tmp_path / "small.png"
    Image.fromarray(sample("fig", 128, 96)).save(file)
    store = PhotoStore(settings)
    return store, store.take_in(file)


def test_a_store_mends_once(kept: tuple[PhotoStore, Photo]) -> None:
    store, photo = kept
    first = store.mend(photo, (Mend("contrast"),))
    assert store.mend(photo, (Mend("contrast"),)) is first and not first.flags.writeable
    assert store.mend(photo, ()) is store.pixels(photo)
    assert np.array_equal(store.pixels(photo), sample("fig", 128, 96)), "the original is not touched"


def test_an_upscaled_photo_is_kept_on_the_disk(kept: tuple[PhotoStore, Photo], settings: Settings) -> None:
    store, photo = kept
    mends = (Mend("upscale"), Mend("contrast"))
    mended = store.mend(photo, mends)
    (file,) = (settings.cache / "mended").glob("*.png")
    assert np.array_equal(PhotoStore(settings).mend(photo, mends), mended)
    Image.fromarray(np.full((192, 256, 3), 77, np.uint8)).save(file)
    assert (PhotoStore(settings).mend(photo, (Mend("upscale"),)) == 77).all(), "what was kept is not made again"
    file.write_bytes(b"damaged")
    assert np.array_equal(PhotoStore(settings).mend(photo, mends), mended)


def test_only_the_newest_upscaled_photos_stay(kept: tuple[PhotoStore, Photo], settings: Settings) -> None:
    store, photo = kept
    for step in range(8):
        store.mend(photo, (Mend("contrast", step / 10), Mend("upscale", 0)))
    assert len(list((settings.cache / "mended").glob("*.png"))) == 6


def test_two_who_ask_at_once_wait_for_one_upscale(kept: tuple[PhotoStore, Photo], settings: Settings) -> None:
    store, photo = kept
    with ThreadPoolExecutor(4) as pool:
        ways = [(Mend("upscale"), Mend("contrast", step / 10)) for step in range(4)]
        mended = list(pool.map(partial(store.mend, photo), ways))
    (file,) = (settings.cache / "mended").glob("*.png")
    kept_large = np.asarray(Image.open(file), np.uint8)
    assert np.array_equal(mended[0], kept_large) and not np.array_equal(mended[3], kept_large)
