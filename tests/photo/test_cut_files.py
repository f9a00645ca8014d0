"""Files that are cut short: what is missing behind a picture does no harm; else the rows that are there open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.config import Settings
from studio.nouns import Refusal
from studio.photo.intake.image_decoder import Decoded, decode_image
from studio.photo.intake.jpeg_markers import read_jpeg_markers
from studio.photo.photo_store import PhotoStore
from tests.photo import made

W, H = 320, 240


def detailed() -> Image.Image:
    """A picture with detail in every block, so that every byte of a file says something."""
    noise = np.random.default_rng(5).integers(0, 60, (H, W, 3), dtype=np.uint8)
    return Image.fromarray(made.picture(W, H) // 2 + noise)


def saved(kind: str, **options: object) -> bytes:
    return made.saved(detailed(), kind, **options)


def opened(data: bytes) -> Decoded:
    return decode_image(data, "cut", damaged=True)


JPEGS: dict[str, dict[str, object]] = {
    "baseline": {}, "without subsampling": {"subsampling": 0}, "with restarts": {"restart_marker_rows": 1},
    "progressive": {"progressive": True},
}  # fmt: skip


@pytest.mark.parametrize("dress", JPEGS)
@pytest.mark.parametrize("behind", [b"", bytes(400)], ids=["nothing behind", "room behind"])
def test_a_jpeg_without_its_end_marker_is_whole(dress: str, behind: bytes) -> None:
    whole = saved("JPEG", quality=90, **JPEGS[dress])
    got = decode_image(whole[:-2] + behind, "a.jpg")
    assert got.photo.id == decode_image(whole, "a.jpg").photo.id
    assert got.photo.notes == ("its end marker is missing; the picture is whole",)


@pytest.mark.parametrize("dress", ["baseline", "without subsampling", "with restarts"])
@pytest.mark.parametrize("behind", [b"", bytes(400)], ids=["nothing behind", "room behind"])
def test_a_jpeg_cut_inside_says_how_much_is_there_and_opens_with_that(dress: str, behind: bytes) -> None:
    whole = saved("JPEG", quality=90, **JPEGS[dress])
    before = decode_image(whole, "a.jpg").image
    cut = whole[: len(whole) * 6 // 10] + behind
    with pytest.raises(Refusal) as refused:
        decode_image(cut, "a.jpg")
    got = opened(cut)
    rows = got.photo.height
    assert refused.value.offer == "open_damaged" and f"{100 * rows // H}%" in refused.value.reason
    assert rows in range(H * 5 // 10, H * 7 // 10)
    steady = rows - 1  # the last row's colour is drawn from the block below, too
    assert np.array_equal(got.image[:steady], before[:steady])
    assert f"{100 * rows // H}%" in got.photo.notes[0]


@pytest.mark.parametrize("interval", [1, 2, 7])
def test_a_jpeg_cut_at_a_restart_is_never_called_whole(interval: int) -> None:
    """Behind the marker, inside it and before it: what isn't there is drawn grey, and no row of that is kept."""
    picture = Image.fromarray(made.picture(203, 331))
    whole = made.saved(picture, "JPEG", quality=90, restart_marker_blocks=interval)
    before = decode_image(whole, "a.jpg").image
    ends = [at for at in range(len(whole) // 2, len(whole) - 3) if whole[at] == 0xFF and whole[at + 1] & 0xF8 == 0xD0]
    cuts = [whole[: end + behind] for end in ends[:: max(1, len(ends) // 8)] for behind in (0, 1, 2, 3)]
    for cut in cuts:
        with pytest.raises(Refusal, match="cut short inside the picture"):
            decode_image(cut, "a.jpg")
        left = opened(cut).image
        assert np.array_equal(left[:-1], before[: len(left) - 1])


def test_a_progressive_jpeg_cut_inside_is_whole_but_soft() -> None:
    whole = saved("JPEG", quality=90, progressive=True)
    before = decode_image(whole, "a.jpg").image.astype(int)
    cut = whole[: len(whole) // 2]
    with pytest.raises(Refusal, match="without the fine detail"):
        decode_image(cut, "a.jpg")
    got = opened(cut)
    assert (got.photo.width, got.photo.height) == (W, H)
    assert 0.5 < np.abs(got.image - before).mean() < 25  # the same picture, less sharp
    first = read_jpeg_markers(whole)
    assert first.scans > 3 and first.end == len(whole)


def test_of_a_progressive_jpeg_cut_in_its_first_scan_nothing_is_offered() -> None:
    whole = saved("JPEG", quality=90, progressive=True)
    with pytest.raises(Refusal) as refused:
        decode_image(whole[: whole.index(b"\xff\xda") + 40], "a.jpg")
    assert refused.value.offer == ""


ROWS: dict[str, tuple[Callable[[], bytes], slice]] = {
    # which rows of the whole picture are there when the end is missing; a bitmap begins at the bottom
    "png": (lambda: saved("PNG"), slice(None, None)),
    "png of 16 bits": (lambda: made.png_16(3), slice(None, None)),
    "png with a palette": (lambda: made.saved(detailed().quantize(200), "PNG"), slice(None, None)),
    "bmp": (lambda: saved("BMP"), slice(None, None, -1)),
}


@pytest.mark.parametrize("kind", ROWS)
def test_rows_of_other_kinds_are_kept(kind: str) -> None:
    build, order = ROWS[kind]
    whole = build()
    before = decode_image(whole, "a").image
    cut = whole[: len(whole) * 9 // 10]
    with pytest.raises(Refusal) as refused:
        decode_image(cut, "a")
    got = opened(cut)
    rows = got.photo.height
    assert refused.value.offer == "open_damaged" and 0.6 * len(before) < rows < len(before)
    assert np.array_equal(got.image, before[order][:rows][order])


def test_the_turn_and_the_profile_of_what_is_left_are_honoured() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = saved("JPEG", quality=90, exif=exif, icc_profile=made.swapped_profile())
    got = opened(whole[: len(whole) * 6 // 10])
    assert got.photo.height == W and got.photo.width < H
    assert "turned upright" in got.photo.notes and any("converted" in note for note in got.photo.notes)


def test_what_is_left_is_kept_and_opens_again(settings: Settings, tmp_path: Path) -> None:
    whole = saved("JPEG", quality=90)
    file = tmp_path / "cut.jpg"
    file.write_bytes(whole[: len(whole) * 6 // 10])
    store = PhotoStore(settings)
    with pytest.raises(Refusal):
        store.take_in(file, "cut.jpg")
    photo = store.take_in(file, "cut.jpg", damaged=True)
    assert PhotoStore(settings).pixels(photo).shape == (photo.height, photo.width, 3)


def test_too_little_is_not_offered() -> None:
    whole = saved("JPEG", quality=90)
    with pytest.raises(Refusal) as refused:
        decode_image(whole[: len(whole) // 10], "a.jpg")
    assert refused.value.offer == "" and "%" in refused.value.reason


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_rows_of_tiles_of_a_heic_that_are_there_open(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    whole = made.saved(detailed(), "HEIF", quality=60, tile_size=64, exif=exif.tobytes())
    before = decode_image(whole, "a.heic").image
    cut = whole[: len(whole) * 6 // 10]
    with pytest.raises(Refusal) as refused:
        decode_image(cut, "a.heic")
    got = opened(cut)
    stored = np.rot90(got.image) if orientation == 6 else got.image
    upright = np.rot90(before) if orientation == 6 else before
    assert stored.shape[0] == 128 and np.array_equal(stored, upright[:128])
    assert refused.value.offer == "open_damaged" and "53% of it is there" in refused.value.reason


def test_a_heic_of_one_piece_is_refused_without_an_offer() -> None:
    whole = made.saved(detailed(), "HEIF", quality=60)
    with pytest.raises(Refusal, match="cut short") as refused:
        decode_image(whole[: len(whole) * 6 // 10], "a.heic")
    assert refused.value.offer == ""


@pytest.mark.parametrize("tile_size", [0, 64])
@pytest.mark.parametrize("lost", [2, 40, 400])
def test_a_heic_that_lacks_the_last_of_its_pixels_never_opens_silently(tile_size: int, lost: int) -> None:
    whole = made.saved(detailed(), "HEIF", quality=60, tile_size=tile_size)
    with pytest.raises(Refusal, match="cut short") as refused:
        decode_image(whole[:-lost], "a.heic")
    assert (refused.value.offer == "open_damaged") == bool(tile_size)


@pytest.mark.parametrize("kind", ["WEBP", "HEIF", "AVIF"])
def test_of_what_cannot_open_in_part_the_share_of_the_file_is_said(kind: str) -> None:
    whole = saved(kind)
    with pytest.raises(Refusal, match=r"is cut short: (59|60)% of the file is there\.") as refused:
        decode_image(whole[: len(whole) * 6 // 10], "a")
    assert refused.value.offer == ""
