"""Photos that are too large to be held whole: half their size, the same picture, whatever they come in."""

from __future__ import annotations

import io
import struct

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from studio.nouns import Refusal
from studio.photo.intake import reduced_size
from studio.photo.intake.heif_tiles import decode_tiles, read_grid
from studio.photo.intake.image_decoder import decode_image
from studio.photo.intake.isobmff import read_item_table
from studio.photo.intake.jpeg_markers import read_jpeg_markers
from studio.photo.intake.png_bands import can_decode_bands, decode_bands, read_png_header
from tests.photo import made, made_heif

W, H = 640, 480


def soft(width: int = W, height: int = H) -> Image.Image:
    return Image.fromarray(made.picture(width, height))


def marked(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos of over 0.2 megapixels are large: the tests' own are."""
    monkeypatch.setattr(reduced_size, "WHOLE_PIXELS", 200_000)
    monkeypatch.setattr(reduced_size, "MAX_PIXELS", 400_000)


LARGE: dict[str, made.Builder] = {
    "jpeg": lambda: made.saved(soft(), "JPEG", quality=95),
    "progressive jpeg": lambda: made.saved(soft(), "JPEG", quality=95, progressive=True),
    "grey jpeg": lambda: made.saved(soft().convert("L"), "JPEG", quality=95),
    "png": lambda: made.saved(soft(), "PNG"),
    "grey png": lambda: made.saved(soft().convert("L"), "PNG"),
    "png with alpha": lambda: made.saved(soft().convert("RGBA"), "PNG"),
    "heic of tiles": lambda: made.saved(soft(), "HEIF", quality=90, tile_size=128),
    "avif of tiles": lambda: made_heif.of_tiles(soft(160, 160), 4, 3, "AVIF"),
    "turned jpeg": lambda: made.saved(soft(), "JPEG", quality=95, exif=marked(6)),
    "turned png": lambda: made.saved(soft(), "PNG", exif=marked(6)),
    "mirrored png": lambda: made.saved(soft(), "PNG", exif=marked(2)),
    "turned heic of tiles": lambda: made.saved(soft(), "HEIF", quality=90, tile_size=128, exif=marked(6).tobytes()),
    "jpeg with a profile": lambda: made.saved(soft(), "JPEG", quality=95, icc_profile=made.swapped_profile()),
    "png with a profile": lambda: made.saved(soft(), "PNG", icc_profile=made.swapped_profile()),
    "heic with a profile": lambda: made.saved(soft(), "HEIF", quality=90, tile_size=128, icc_profile=made.swapped_profile()),
}


@pytest.mark.parametrize("case", LARGE)
def test_a_large_photo_is_itself_at_half_its_size(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = LARGE[case]()
    whole = decode_image(data, "a")
    monkeypatch.setattr(reduced_size, "WHOLE_PIXELS", 200_000)
    half = decode_image(data, "a")
    assert (half.photo.width, half.photo.height) == (whole.photo.width // 2, whole.photo.height // 2)
    expected = np.asarray(Image.fromarray(whole.image).reduce(2), np.int16)
    away = np.abs(half.image.astype(np.int16) - expected)
    assert away.mean() < 1 and np.percentile(away, 95) <= 6  # seams of tiles are sharper than those of a whole
    assert set(half.photo.notes) - set(whole.photo.notes) == {"0 megapixels, opened at 0"}
    assert set(whole.photo.notes) <= set(half.photo.notes)


def test_the_note_says_both_sizes() -> None:
    assert reduced_size.describe_reduction(16320, 12240, 8160, 6120) == "200 megapixels, opened at 50"


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("kind", ["WEBP", "GIF", "BMP", "HEIF", "AVIF"])
def test_what_only_opens_whole_is_refused_from_its_header(kind: str) -> None:
    with pytest.raises(Refusal, match="can't be opened at a smaller size") as refused:
        decode_image(made.saved(soft(), kind), "a")
    assert "Save it as a JPG" in refused.value.remedy


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_over_the_limit_nothing_opens(kind: str) -> None:
    with pytest.raises(Refusal, match="This photo is over"):
        decode_image(made.saved(soft(800, 600), kind), "a")


def test_a_progressive_jpeg_whose_coefficients_take_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = made.saved(soft(), "JPEG", progressive=True, subsampling=0)
    monkeypatch.setattr(reduced_size, "WHOLE_PIXELS", 200_000)
    monkeypatch.setattr(reduced_size, "MOST_COEFFICIENTS", W * H * 6 - 1)
    with pytest.raises(Refusal, match="progressive"):
        decode_image(data, "a")
    monkeypatch.setattr(reduced_size, "MOST_COEFFICIENTS", W * H * 6)
    assert decode_image(data, "a").photo.width == W // 2


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_bands_of_a_png_are_its_pixels(mode: str) -> None:
    """Filters of every kind, rows over several bands, an odd last row left out."""
    noise = np.random.default_rng(2).integers(0, 255, (301, 401, 4), dtype=np.uint8)
    channels = {"L": 0, "LA": 2, "RGB": 3, "RGBA": 4}.get(mode, 0)
    values = noise[..., 0].astype(np.uint16) * 257 if mode == "I;16" else noise[..., :channels] if channels else noise[..., 0]
    if mode not in ("I;16", "LA"):
        values[:150] = values[:150, :1]  # flat rows, which other filters suit
    data = made.saved(Image.fromarray(values, mode), "PNG")
    header = read_png_header(data)
    assert can_decode_bands(header)
    pairs = values[:300, :400].reshape(150, 2, 200, 2, -1).astype(np.float64).mean(axis=(1, 3))
    assert np.abs(decode_bands(data, header) - pairs).max() <= 1


def test_a_png_that_ends_early_is_found_out() -> None:
    data = made.saved(soft(), "PNG")
    with pytest.raises(EOFError):
        decode_bands(data[: len(data) // 2], read_png_header(data))


def test_markers_are_those_of_the_file() -> None:
    data = made.saved(soft(), "JPEG", progressive=True)
    found = read_jpeg_markers(data + b"something behind")
    with Image.open(io.BytesIO(data)) as picture:
        assert (found.width, found.height) == picture.size and found.components == 3
    assert found.progressive and found.scans > 3 and found.end == len(data)


@pytest.mark.usefixtures("small_limit")
def test_a_grid_of_another_size_than_its_picture_is_refused() -> None:
    """Of 2 gigapixels in the grid's own words: it is held against the header that was checked."""
    data = made_heif.of_tiles(soft(128, 128), 5, 4)
    at = data.index(struct.pack(">BBBBII", 0, 1, 3, 4, W, 512))
    lying = data[: at + 4] + struct.pack(">II", 65_000, 32_000) + data[at + 12 :]
    with pytest.raises(Refusal, match="can't be opened at a smaller size"):
        decode_image(lying, "a")
    assert decode_image(data, "a").photo.width == W // 2


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize("scale", [2, 4])
def test_tiles_whose_sides_no_scale_divides_lie_where_they_belong(kind: str, scale: int) -> None:
    tile = soft(162, 150)
    data = made_heif.of_tiles(tile, 4, 3, kind)
    table = read_item_table(data)
    grid = read_grid(data, table) if table else None
    assert table is not None and grid is not None
    found = decode_tiles(data, table, grid, scale)
    whole = np.tile(np.asarray(tile, np.float32), (3, 4, 1))
    expected = cv2.resize(whole, found.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert found.shape == (450 // scale, 648 // scale, 3)
    assert np.abs(found - expected).mean() < 3 and np.abs(found - expected)[-8:].mean() < 5


def test_a_tile_that_claims_to_be_huge_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile one could ask for gigabytes, whatever the table says."""
    data = made_heif.of_tiles(soft(128, 128), 2, 2)
    table = read_item_table(data)
    grid = read_grid(data, table) if table else None
    assert table is not None and grid is not None
    assert decode_tiles(data, table, grid, 2).shape == (128, 128, 3)
    monkeypatch.setattr("studio.photo.intake.heif_tiles._MOST_PIXELS", 128 * 128 - 1)
    with pytest.raises(av.FFmpegError):
        decode_tiles(data, table, grid, 2)
