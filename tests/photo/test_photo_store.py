"""The photo store: originals kept whole, views without metadata, and nothing half-written."""

from __future__ import annotations

import errno
import os
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import piexif
import pytest
from PIL import Image

from studio.config import Settings
from studio.nouns import Photo, Refusal
from studio.photo.photo_store import VIEW_SIDE, PhotoStore
from studio.system_errors import refuse_unwritten
from tests.photo import made


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    """A turned JPEG with a place and a maker in its EXIF, and an XMP packet."""
    file = tmp_path / "upload.jpg"
    exif = made.located()
    exif[0x0112] = 6
    stored = Image.fromarray(np.ascontiguousarray(made.TO_STORED[6](made.picture(2400, 1600))))
    stored.save(file, exif=exif, quality=95, xmp=b"<x:xmpmeta>SecretCity</x:xmpmeta>", comment=b"SecretWord")
    return file


def test_a_photo_taken_in_comes_back_whole(settings: Settings, upload: Path) -> None:
    store = PhotoStore(settings)
    photo = store.take_in(upload, "harbour.jpg")
    assert (photo.width, photo.height, photo.name) == (2400, 1600, "harbour.jpg")
    fresh = PhotoStore(settings)
    assert fresh.get(photo.id) == photo
    pixels = fresh.pixels(photo)
    assert pixels.shape == (1600, 2400, 3) and np.array_equal(pixels, store.pixels(photo))
    assert np.abs(pixels.astype(int) - made.picture(2400, 1600)).mean() < 2
    originals = [path for path in settings.photos.iterdir() if path.suffix == ".jpg"]
    assert [path.read_bytes() for path in originals] == [upload.read_bytes()]


def test_the_view_is_small_and_upright_and_tells_nothing(settings: Settings, upload: Path) -> None:
    store = PhotoStore(settings)
    view = store.view(store.take_in(upload))
    with Image.open(view) as shown:
        assert shown.size == (VIEW_SIDE, round(VIEW_SIDE * 1600 / 2400)) and shown.mode == "RGB"
        assert not shown.getexif() and set(shown.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        expected = made.picture(*shown.size)
        assert np.abs(np.asarray(shown).astype(int) - expected).mean() < 4
    data = view.read_bytes()
    for secret in (b"Secret", b"GPS", b"Exif", b"xmp", b"http"):
        assert secret not in data
    assert piexif.load(upload.read_bytes())["GPS"], "the upload did hold a place"
    assert not any(piexif.load(data)[part] for part in ("0th", "Exif", "GPS", "1st"))


def test_a_small_photo_is_not_enlarged_for_the_view(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "small.png"
    file.write_bytes(made.plain())
    store = PhotoStore(settings)
    with Image.open(store.view(store.take_in(file))) as shown:
        assert shown.size == (made.W, made.H)


def test_the_same_picture_twice_is_one_photo_under_its_newest_name(settings: Settings, tmp_path: Path) -> None:
    store = PhotoStore(settings)
    for kind in ("PNG", "BMP"):
        (tmp_path / f"a.{kind}").write_bytes(made.plain(kind))
    first, second = store.take_in(tmp_path / "a.PNG", "one.png"), store.take_in(tmp_path / "a.BMP", "two.bmp")
    assert first.id == second.id and store.get(first.id).name == "two.bmp"
    assert len([path for path in settings.photos.iterdir() if path.suffix != ".json"]) == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF", "BMP", "GIF"])
def test_every_kind_is_found_again(kind: str, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_bytes(made.plain(kind))
    photo = PhotoStore(settings).take_in(file, "photo")
    assert PhotoStore(settings).pixels(photo).shape == (made.H, made.W, 3)


@pytest.mark.parametrize("photo_id", ["", "0" * 64, "../stir", "A" * 64, "0" * 63, "../" * 20 + "etc/passwd", "0" * 64 + "\n"])
def test_an_unknown_or_hostile_id_is_refused(photo_id: str, settings: Settings) -> None:
    store = PhotoStore(settings)
    for ask in (lambda: store.get(photo_id), lambda: store.pixels(Photo(photo_id, 9, 9))):
        with pytest.raises(Refusal) as caught:
            ask()
        assert caught.value.remedy and "/" not in str(caught.value)


def test_an_original_that_was_lost_or_spoiled_is_refused(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "upload.png"
    file.write_bytes(made.plain())
    photo = PhotoStore(settings).take_in(file)
    original = settings.photos / f"{photo.id}.png"
    original.write_bytes(made.cut_short(original.read_bytes(), 0.4))
    with pytest.raises(Refusal):
        PhotoStore(settings).pixels(photo)
    original.unlink()
    with pytest.raises(Refusal):
        PhotoStore(settings).pixels(photo)


def test_a_noun_that_was_spoiled_is_refused(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "upload.png"
    file.write_bytes(made.plain())
    photo = PhotoStore(settings).take_in(file)
    (settings.photos / f"{photo.id}.json").write_text("{")
    with pytest.raises(Refusal):
        PhotoStore(settings).get(photo.id)


def test_a_write_that_fails_leaves_nothing_half_written(settings: Settings, tmp_path: Path) -> None:
    """The system is told to fail any write past 20 kB, in the middle of the original."""
    resource = pytest.importorskip("resource")
    file = tmp_path / "upload.bmp"
    file.write_bytes(made.plain("BMP"))
    assert file.stat().st_size > 28_000
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(Refusal) as caught:
            PhotoStore(settings).take_in(file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "full" in caught.value.reason and str(settings.home) not in str(caught.value)
    assert [path for path in settings.home.rglob("*") if path.is_file()] == []
    assert PhotoStore(settings).take_in(file).width == made.W, "the next try works"


def test_a_folder_that_is_gone_is_refused(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "upload.png"
    file.write_bytes(made.plain())
    with pytest.raises(Refusal) as caught:
        PhotoStore(replace(settings, home=tmp_path / "nowhere")).take_in(file)
    assert "isn't there any more" in caught.value.reason and str(tmp_path) not in str(caught.value)


def test_a_full_disk_is_named() -> None:
    for code in (errno.ENOSPC, errno.EDQUOT):
        refusal = refuse_unwritten(OSError(code, "No space left on device", "/home/someone/secret"))
        assert "full" in refusal.reason and "someone" not in str(refusal)


def test_a_view_that_was_lost_is_made_again(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "upload.png"
    file.write_bytes(made.plain())
    photo = PhotoStore(settings).take_in(file)
    first = PhotoStore(settings).view(photo).read_bytes()
    (settings.views / f"{photo.id}.jpg").unlink()
    assert PhotoStore(settings).view(photo).read_bytes() == first
    with pytest.raises(Refusal):
        PhotoStore(settings).view(Photo("0" * 64, 9, 9))


def test_what_a_crash_left_is_swept_up_but_not_work_in_progress(settings: Settings) -> None:
    old, new = settings.photos / ".new-old", settings.views / ".new-new"
    for left in (old, new):
        left.write_bytes(b"half")
    os.utime(old, (1_000_000_000, 1_000_000_000))
    PhotoStore(settings)
    assert not old.exists() and new.exists()


def test_of_many_photos_that_come_at_once_one_is_in_memory(settings: Settings, tmp_path: Path) -> None:
    """Ten threads, as ten tabs. tracemalloc sees what arrays take; the same lock bounds Pillow's own memory."""
    store = PhotoStore(settings)
    files = [tmp_path / f"{number}.jpg" for number in range(10)]
    for number, file in enumerate(files):
        Image.fromarray(np.roll(made.picture(1600, 1200), 100 * number, axis=1)).save(file)
    one = 1600 * 1200 * 3
    tracemalloc.start()
    with ThreadPoolExecutor(10) as pool:
        photos = list(pool.map(store.take_in, files))
        peak = tracemalloc.get_traced_memory()[1]
        found = list(pool.map(store.pixels, [photos[0]] * 10))
    tracemalloc.stop()
    assert len({photo.id for photo in photos}) == 10 and peak < 4 * one
    assert all(image is found[0] for image in found)  # read once, for all who asked meanwhile
