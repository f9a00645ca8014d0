"""Rarer photo files: TIFF, BMP, JPEG XL, JPEG 2000 and raw of every kind, against the numbers that were put in."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from studio.config import Settings
from studio.nouns import Refusal
from studio.photo.colour import colour_conversion
from studio.photo.intake import file_signature
from studio.photo.intake.image_decoder import ENDINGS, decode_image
from studio.photo.photo_store import PhotoStore
from tests.photo import made, rarer
from tests.rows import each_row

PICTURE = made.picture()
SHARE = PICTURE / 255
GREY = SHARE[..., 0]
VEIL = np.clip(SHARE[..., 2:], 0.2, 0.9)
"""An opacity."""


def look(data: bytes, name: str = "photo") -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Pixels and notes."""
    got = decode_image(data, name)
    return got.image, got.photo.notes


def off(image: NDArray[Any], expected: NDArray[Any]) -> float:
    """The largest difference in levels of 255."""
    return float(np.abs(image.astype(float) - expected).max())


def thrice(grey: NDArray[Any]) -> NDArray[Any]:
    return np.repeat(grey[..., None], 3, -1)


def over_ground(colours: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Colours of 0..1 laid over the ground, in levels."""
    return 255 * colours * alpha + colour_conversion.GROUND[0] * (1 - alpha)


def seen(kind: str) -> NDArray[Any]:
    """What a layout of `test_every_tiff_is_read` must look like."""
    colours = {"grey": thrice(GREY), "white is zero": thrice(1 - GREY), "cmyk": 1 - SHARE}.get(kind.split(" +")[0], SHARE)
    return over_ground(colours, VEIL) if "+" in kind else 255 * colours


LAYOUTS = {
    "grey": lambda of: rarer.tiff(of(GREY), "minisblack"),
    "white is zero": lambda of: rarer.tiff(of(GREY), "miniswhite"),
    "grey + alpha": lambda of: rarer.tiff(of(np.dstack([GREY, VEIL])), "minisblack", planarconfig="contig", extrasamples=[2]),
    "rgb": lambda of: rarer.tiff(of(SHARE)),
    "rgb in planes": lambda of: rarer.tiff(np.ascontiguousarray(of(SHARE).transpose(2, 0, 1)), planarconfig="separate"),
    "rgb in tiles": lambda of: rarer.tiff(of(SHARE), tile=(32, 48)),
    "rgb, big-endian BigTIFF": lambda of: rarer.tiff(of(SHARE), bigtiff=True, byteorder=">"),
    "rgb with a saved mask": lambda of: rarer.tiff(of(np.dstack([SHARE, VEIL])), extrasamples=[0]),
    "rgb + alpha": lambda of: rarer.tiff(of(np.dstack([SHARE, VEIL])), extrasamples=[2]),
    "rgb + multiplied alpha": lambda of: rarer.tiff(of(np.dstack([SHARE * VEIL, VEIL])), extrasamples=[1]),
    "cmyk": lambda of: rarer.tiff(of(np.dstack([SHARE, 0 * GREY])), "separated"),
    "cmyk + alpha": lambda of: rarer.tiff(of(np.dstack([SHARE, 0 * GREY, VEIL])), "separated", extrasamples=[2]),
}


@each_row("layout, kind", [(layout, kind) for layout in LAYOUTS for kind in ("u1", "u2", "u4", "i2", "f2", "f4", "f8")])
def test_every_tiff_is_read(layout: str, kind: str) -> None:
    image, notes = look(LAYOUTS[layout](lambda shares: rarer.as_type(shares, kind)))
    assert off(image, seen(layout)) <= (2 if "+" in layout else 1), notes
    assert ("transparency laid over light grey" in notes) == ("+" in layout)


@each_row("packing", ["lzw", "zlib", "zstd", "packbits", "lzma", "lerc", "webp", "jpegxl", "jpeg2000", "jpeg"])
def test_every_compression_of_a_tiff_is_read(packing: str) -> None:
    predictors = (False, True) if packing in ("lzw", "zlib", "zstd") else (False,)
    for predictor in predictors:
        image, _ = look(rarer.tiff(PICTURE, compression=packing, predictor=predictor))
        assert np.abs(image.astype(int) - PICTURE).mean() < (6 if packing in ("jpeg", "webp", "jpegxl") else 0.01)


def test_black_and_white_tiffs_are_read() -> None:
    bits = Image.fromarray(PICTURE[..., 0] > 128)
    for packing in ("group3", "group4", "tiff_ccitt", "packbits"):
        image, notes = look(made.saved(bits, "TIFF", compression=packing))
        assert np.array_equal(image, thrice(np.asarray(bits)) * 255) and notes == ("black and white",)
        for orientation in range(2, 9):
            stored = Image.fromarray(np.ascontiguousarray(made.TO_STORED[orientation](np.asarray(bits)[..., None])[..., 0]))
            turned, notes = look(made.saved(stored, "TIFF", compression=packing, tiffinfo={274: orientation}))
            assert np.array_equal(turned, image) and set(notes) == {"black and white", "turned upright"}


def test_a_palette_tiff_is_read_with_16_and_with_8_bits_in_it() -> None:
    ramp = np.stack([np.arange(256), 255 - np.arange(256), np.arange(256) // 2])
    for scale in (257, 1):
        data = rarer.tiff(PICTURE[..., 0], "palette", colormap=(ramp * scale).astype(np.uint16))
        assert off(look(data)[0], ramp.T[PICTURE[..., 0]]) <= 1


@each_row("deep", [False, True])
def test_lab_tiffs_are_read(deep: bool) -> None:
    """A neutral and a violet, as CIELab stores them and as ICCLab does, of 8 and of 16 bits."""
    lab = np.full((80, 90, 3), (50.0, 0.0, 0.0))
    lab[:, 45:] = (50.0, 40.0, -30.0)
    wide, signed, kind = (256, "i2", "u2") if deep else (1, "i1", "u1")
    light, hues = lab[..., :1] / 100, lab[..., 1:]
    stored = np.concatenate([np.rint(light * (65535 if deep else 255)).astype(kind), (hues * wide).astype(signed).view(kind)], -1)
    moved = np.concatenate([np.rint(light * (65280 if deep else 255)), (hues + 128) * wide], -1).astype(kind)
    for samples, photometric in ((stored, "cielab"), (moved, "icclab")):
        image, notes = look(rarer.tiff(samples, photometric))
        assert notes == ("Lab colours converted to sRGB",)
        assert off(image[0, 0], np.array([119, 119, 119])) <= 1, "a neutral of L* 50 is 118.9"
        assert off(image[0, -1], np.array([165, 91, 171])) <= 1, "LittleCMS of the same Lab"
    clear = np.concatenate([stored, np.full((80, 90, 1), np.iinfo(stored.dtype).max // 2)], -1).astype(stored.dtype)
    image, _ = look(rarer.tiff(clear, "cielab", extrasamples=[2]))
    assert off(image[0, 0], np.array([171.5] * 3)) <= 1


def test_dark_grey_of_16_bits_stays_dark() -> None:
    """Only what the file says of its range counts: not its own maximum, and not MaxSampleValue, which is a statistic."""
    dark = (GREY * 4095).astype(np.uint16)
    for data in (rarer.tiff(dark, "minisblack"), made.saved(Image.fromarray(dark), "PNG")):
        assert off(look(data)[0], thrice(GREY * 4095 / 257)) <= 1
    claims = rarer.tiff(dark, "minisblack", extratags=[(281, "H", 1, 4095, False)])
    assert off(look(claims)[0], thrice(GREY * 4095 / 257)) <= 1
    says = rarer.tiff(dark, "minisblack", extratags=[(341, "H", 1, 4095, False)])
    assert off(look(says)[0], thrice(GREY * 255)) <= 1


def test_floats_keep_their_scale() -> None:
    glint = SHARE.copy()
    glint[0, 0] = 30.0
    assert off(look(rarer.tiff(glint.astype(np.float32)))[0][1:], 255 * SHARE[1:]) <= 1
    assert off(look(rarer.tiff((255 * SHARE).astype(np.float32)))[0], 255 * SHARE) <= 1
    holes = SHARE.astype(np.float32)
    holes[:9] = (np.nan, np.inf, -np.inf)
    assert off(look(rarer.tiff(holes))[0][9:], 255 * SHARE[9:]) <= 1


@each_row("kind, gamma", [("u2", 1.0), ("f4", 1.0), ("u2", 1.8)])
def test_a_profile_of_light_counts_in_all_bits_of_a_tiff(kind: str, gamma: float) -> None:
    """8 bits of linear light would be 6 levels off in the darks. sRGB's own colours, by IEC 61966-2-1."""
    primaries = [0.64, 0.33, 1, 0.3, 0.6, 1, 0.15, 0.06, 1]
    profile = imagecodecs.cms_profile("rgb", whitepoint=[0.3127, 0.329, 1.0], primaries=primaries, gamma=gamma)
    dark = SHARE / 6
    light = np.where(dark > 0.04045, ((dark + 0.055) / 1.055) ** 2.4, dark / 12.92) ** (1 / gamma)
    image, notes = look(rarer.tiff(rarer.as_type(light, kind), iccprofile=profile))
    assert off(image, 255 * dark) <= 1 and any("to sRGB" in note for note in notes)


def test_the_orientation_of_a_tiff_counts() -> None:
    for orientation in range(1, 9):
        stored = np.ascontiguousarray(made.TO_STORED[orientation](PICTURE))
        image, notes = look(rarer.tiff(stored, extratags=[(274, "H", 1, orientation, True)]))
        assert np.array_equal(image, PICTURE) and ("turned upright" in notes) == (orientation > 1)


def test_tiffs_of_no_colours_are_refused_by_name() -> None:
    entry = struct.Struct("<HHII")
    for data, word in (
        (rarer.tiff(np.zeros((80, 90), np.complex64), "minisblack"), "no tones"),
        (rarer.tiff(PICTURE).replace(entry.pack(262, 3, 1, 2), entry.pack(262, 3, 1, 32845)), "LogLuv"),
    ):
        with pytest.raises(Refusal, match=word):
            look(data)


PALETTE = np.random.default_rng(3).integers(0, 256, (256, 3)).astype(np.uint8)
INDEX = (np.add.outer(np.arange(70) // 9, np.arange(101) // 4 * 3) % 256).astype(np.uint8)
INDEX[30:, 50:] = np.random.default_rng(4).integers(0, 256, (40, 51))


@each_row("bits, header", [(1, 40), (2, 40), (4, 40), (8, 40), (1, 12), (4, 12), (8, 12), (8, 64), (8, 108), (4, 124)])
def test_palette_bmps_are_read(bits: int, header: int) -> None:
    index = INDEX & np.uint8(2**bits - 1)
    assert np.array_equal(look(rarer.palette_bmp(bits, index, PALETTE, header))[0], PALETTE[index])


@each_row("bits", [8, 4])
def test_run_length_bmps_are_read(bits: int) -> None:
    index = INDEX & np.uint8(2**bits - 1)
    image, notes = look(rarer.run_length_bmp(bits, index, PALETTE))
    assert np.array_equal(image, PALETTE[index]) and notes == ("palette colours converted to RGB",)


@each_row("width", [97, 98, 99, 100])
def test_a_bmp_may_be_of_any_width(width: int) -> None:
    """Rows are padded to four bytes, and runs to two."""
    picture = np.ascontiguousarray(PICTURE[:, :width])
    assert np.array_equal(look(made.saved(Image.fromarray(picture), "BMP"))[0], picture)
    index = INDEX[:, :width]
    for bits in (8, 4):
        numbers = index & np.uint8(2**bits - 1)
        assert np.array_equal(look(rarer.run_length_bmp(bits, numbers, PALETTE))[0], PALETTE[numbers])


def test_runs_may_skip_end_early_and_be_top_down() -> None:
    """A jump to the right and up, a line ended before its width, and a picture ended before its height: number 0 is there."""
    head = [bytes(colour[::-1]) + b"\0" for colour in PALETTE]
    runs = b"\x28\1\0\0" + b"\0\2\x0a\1" + b"\x0a\2\0\1"
    index = np.zeros((70, 90), np.uint8)
    index[69, :40], index[67, 10:20] = 1, 2
    whole = rarer.bmp(8, runs, (90, 70), 1, b"".join(head))
    assert np.array_equal(look(whole)[0], PALETTE[index])
    assert np.array_equal(look(rarer.bmp(8, runs, (90, -70), 1, b"".join(head)))[0], PALETTE[index[::-1]])
    with pytest.raises(Refusal, match="cut short"):
        look(whole[:-2])


def packed(masks: tuple[int, ...], colours: NDArray[Any], bits: int) -> NDArray[Any]:
    """Shares of 0..1 as bit fields."""
    values = np.zeros(colours.shape[:2], np.uint64)
    for mask, share in zip(masks, np.moveaxis(colours, -1, 0), strict=False):
        low = (mask & -mask).bit_length() - 1
        values |= np.rint(share * (mask >> low)).astype(np.uint64) << np.uint64(low)
    return values.astype(f"<u{bits // 8}")


@each_row(
    "bits, masks, packing, header",
    [
        (16, (0x7C00, 0x3E0, 0x1F), 0, 40), (16, (0xF800, 0x7E0, 0x1F), 3, 40), (16, (0xF00, 0xF0, 0xF), 3, 40),
        (16, (0x1F, 0x3E0, 0x7C00), 3, 52), (32, (0xFF0000, 0xFF00, 0xFF), 0, 40), (32, (0xFF, 0xFF00, 0xFF0000), 3, 40),
        (32, (0xFF000000, 0xFF0000, 0xFF00), 3, 40), (32, (0x3FF00000, 0xFFC00, 0x3FF), 3, 108),
        (32, (0xFE, 0xFF00, 0xFF0000), 3, 124),
    ],
)  # fmt: skip
def test_bit_fields_of_a_bmp_are_read(bits: int, masks: tuple[int, ...], packing: int, header: int) -> None:
    data = bytearray(
        rarer.bmp(
            bits,
            rarer.rows(packed(masks, SHARE, bits)),
            packing=packing,
            header=header,
            extra=bytes(12) if header == 40 and packing else b"",
        )
    )
    if packing:
        struct.pack_into("<III", data, 54, *masks)
    image, notes = look(bytes(data))
    steps = min(bin(mask).count("1") for mask in masks)
    assert off(image, PICTURE) <= 255 / (2**steps - 1) / 2 + 1 and notes == ()


def test_the_fourth_byte_of_a_bmp_is_opacity_only_where_it_says_so() -> None:
    colours = np.dstack([PICTURE[..., ::-1], np.zeros((made.H, made.W, 1), np.uint8)])
    assert np.array_equal(look(rarer.bmp(32, rarer.rows(colours)))[0], PICTURE)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    for alpha, expected in ((0, PICTURE), (128, over_ground(SHARE, 128 / 255))):
        colours[..., 3] = alpha
        data = bytearray(rarer.bmp(32, rarer.rows(colours), packing=3, header=124))
        data[54:70] = masks
        assert off(look(bytes(data))[0], expected) <= 1


def test_a_bmp_may_be_top_down_and_bring_a_profile() -> None:
    body = rarer.rows(PICTURE[..., ::-1], top_down=True)
    assert np.array_equal(look(rarer.bmp(24, body, (made.W, -made.H)))[0], PICTURE)
    profile = made.swapped_profile()
    swapped = rarer.rows(PICTURE[..., [2, 0, 1]])
    data = bytearray(rarer.bmp(24, swapped, header=124)) + profile
    struct.pack_into("<I", data, 14 + 56, 0x4D424544)
    struct.pack_into("<II", data, 14 + 112, len(data) - len(profile) - 14, len(profile))
    image, notes = look(bytes(data))
    assert np.abs(image.astype(int) - PICTURE).mean() < 4 and any("to sRGB" in note for note in notes)


def test_a_bmp_may_lack_its_file_header_and_have_any_width() -> None:
    for width in (119, 118, 117):
        data = rarer.bmp(24, rarer.rows(PICTURE[:, :width, ::-1]), (width, made.H))
        for one in (data, data[14:]):
            assert np.array_equal(look(one)[0], PICTURE[:, :width])
    palette = rarer.palette_bmp(8, INDEX, PALETTE)
    assert np.array_equal(look(palette[14:])[0], PALETTE[INDEX])


def test_a_bmp_may_wrap_a_jpeg_or_a_png() -> None:
    for packing, kind in ((4, "JPEG"), (5, "PNG")):
        inner = made.plain(kind, **({"quality": 95} if kind == "JPEG" else {}))
        assert np.abs(look(rarer.bmp(0, inner, packing=packing))[0].astype(int) - PICTURE).mean() < 3


@each_row(
    "samples, alpha",
    [(PICTURE, False), (PICTURE[..., 0], False), (PICTURE.astype(np.uint16) * 257, False), (SHARE.astype(np.float32), False),
     (np.dstack([PICTURE, np.full((made.H, made.W), 128, np.uint8)]), True)],
)  # fmt: skip
def test_jpeg_xl_is_read(samples: NDArray[Any], alpha: bool) -> None:
    image, notes = look(imagecodecs.jpegxl_encode(np.ascontiguousarray(samples), lossless=True))
    expected = PICTURE if samples.ndim == 3 else thrice(PICTURE[..., 0])
    if samples.itemsize > 1:  # libjxl's default for more than 8 bits, written into the header: linear light
        expected = 255 * np.where(SHARE > 0.0031308, 1.055 * SHARE ** (1 / 2.4) - 0.055, 12.92 * SHARE)
        notes = tuple(note for note in notes if "linear" not in note)
    assert off(image, over_ground(SHARE, 128 / 255) if alpha else expected) <= 1
    assert notes == (("transparency laid over light grey",) if alpha else ("greyscale",) if samples.ndim == 2 else ())


def test_a_jpeg_packed_as_jpeg_xl_is_that_jpeg_with_its_profile_and_its_turn() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(np.ascontiguousarray(made.TO_STORED[6](PICTURE[..., [1, 0, 2]])))
    source = made.saved(stored, "JPEG", quality=95, icc_profile=made.swapped_profile(), exif=exif)
    inside, outside = look(imagecodecs.jpegxl_encode_jpeg(source)), look(source)
    assert np.array_equal(inside[0], outside[0]) and inside[1] == outside[1]
    assert np.abs(inside[0].astype(int) - PICTURE).mean() < 5


def test_a_jpeg_xl_that_ends_too_early_is_called_cut_short() -> None:
    with pytest.raises(Refusal, match="cut short"):
        look(made.cut_short(imagecodecs.jpegxl_encode(PICTURE), 0.7))


def test_jpeg_2000_is_read() -> None:
    for mode in ("RGB", "L", "RGBA"):
        picture = Image.fromarray(PICTURE).convert(mode)
        expected = np.asarray(picture.convert("RGB"))
        assert off(look(made.saved(picture, "JPEG2000", irreversible=False))[0], expected) == 0
    deep = imagecodecs.jpeg2k_encode(PICTURE.astype(np.uint16) * 257, level=0, codecformat="jp2", reversible=True)
    assert off(look(deep)[0], PICTURE) == 0, "Pillow takes the lower bytes"
    flat = deep.replace(struct.pack(">II", made.W, made.H), struct.pack(">II", made.W, 0))
    with pytest.raises(Refusal, match="damaged"):
        look(flat)
    codestream = made.saved(Image.fromarray(PICTURE), "JPEG2000", irreversible=False, no_jp2=True)
    assert np.array_equal(look(codestream)[0], PICTURE)
    swapped = bytearray(made.saved(Image.fromarray(PICTURE[..., [1, 0, 2]]), "JPEG2000", irreversible=False))
    old = rarer.box(b"colr", b"\1\0\0" + struct.pack(">I", 16))
    new = rarer.box(b"colr", b"\2\0\0" + made.swapped_profile())
    at = swapped.index(b"jp2h") - 4
    swapped[at : at + 4] = struct.pack(">I", int.from_bytes(swapped[at : at + 4], "big") + len(new) - len(old))
    image, notes = look(bytes(swapped).replace(old, new))
    assert np.abs(image.astype(int) - PICTURE).mean() < 4 and any("to sRGB" in note for note in notes)


@each_row("mark, name", [(b"II*\0", "a.dng"), (b"IIRO", "a.orf"), (b"IIU\0", "a.rw2"), (b"II*\0", "a.tif")])
def test_the_finished_jpg_inside_a_raw_file_opens(mark: bytes, name: str) -> None:
    image, notes = look(rarer.raw_file(mark, rarer.jpeg(1200, 800)), name)
    assert np.abs(image.astype(int) - made.picture(1200, 800)).mean() < 2
    assert notes == ("the camera's own JPG inside its raw file, 1200 × 800",)


def test_raw_files_open_upright() -> None:
    """By the mark in the JPEG, and by the file's own where that has none."""
    upright = np.rot90(made.picture(1200, 800), -1)
    for data in (
        rarer.raw_file(b"II*\0", rarer.jpeg(1200, 800), orientation=6),
        rarer.raw_file(b"II*\0", rarer.jpeg(1200, 800, orientation=6), orientation=1),
        b"FUJIFILMCCD-RAW 0201" + bytes(64) + rarer.jpeg(1200, 800, orientation=6),
        rarer.cr3(rarer.jpeg(1200, 800), orientation=6),
    ):
        image, notes = look(data)
        assert np.abs(image.astype(int) - upright).mean() < 2 and "turned upright" in notes


def test_a_tile_of_sensor_data_is_no_preview() -> None:
    """A lossy DNG packs its sensor data as JPEG tiles, which may be larger than its preview."""
    preview, tile = rarer.jpeg(1024, 683), made.saved(Image.new("RGB", (1600, 1600), (9, 9, 9)), "JPEG")
    plain = rarer.raw_file(b"II*\0", preview + tile)
    place = plain.index(tile)
    entries = [(262, 3, 1, 34892), (324, 4, 1, place), (325, 4, 1, len(tile)), (50706, 1, 4, 0x401)]
    directory = struct.pack("<H", 4) + b"".join(struct.pack("<HHII", *one) for one in entries) + bytes(4)
    image, notes = look(plain[:8] + directory + plain[8 + len(directory) :])
    assert image.shape == (683, 1024, 3) and "1024 × 683" in notes[0]


def test_a_raw_file_without_a_large_jpg_is_refused_with_its_size() -> None:
    for data, word in (
        (rarer.raw_file(b"II*\0", b""), "160 by 120"),
        (rarer.cr3(b""), "no finished picture"),
        (rarer.tiff(PICTURE), "no finished picture"),
    ):
        with pytest.raises(Refusal, match=word) as caught:
            look(data, "DSC_1.NEF")
        assert "raw" in caught.value.reason and "export a JPG" in caught.value.remedy


def test_a_jpeg_named_as_raw_is_a_jpeg() -> None:
    assert look(made.plain("JPEG", quality=95), "DSC_1.NEF")[1] == ()


def test_an_avif_is_one_by_its_picture_whatever_its_brand() -> None:
    avif = made.plain("AVIF", quality=95)
    only = avif.replace(b"avif", b"mif1")
    for data in (avif[:8] + b"mif1" + avif[12:], avif[:8] + b"msf1" + avif[12:], only):
        assert file_signature.identify(data) == "AVIF"
        assert np.abs(look(data)[0].astype(int) - PICTURE).mean() < 4


@each_row("coding, word", [(b"vvc1", "H.266"), (b"unci", "uncompressed"), (b"j2k1", "JPEG 2000"), (b"avc1", "H.264")])
def test_heifs_of_other_codings_are_refused_by_name(coding: bytes, word: str) -> None:
    with pytest.raises(Refusal, match=word) as caught:
        look(rarer.recoded(made.plain("HEIF"), b"hvc1", coding))
    assert "video" not in str(caught.value) and "export it as a JPG" in caught.value.remedy


def test_a_heic_is_cut_short_only_where_something_is_missing() -> None:
    whole = bytearray(made.saved(Image.new("RGB", (64, 64)), "HEIF"))
    assert len(whole) < 1024
    whole[whole.index(b"hvcC") + 4 :][:20] = bytes(20)
    spoiled = bytes(whole).replace(b"ispe", b"free")
    with pytest.raises(Refusal, match="damaged"):
        look(spoiled)
    with pytest.raises(Refusal, match="cut short"):
        look(bytes(made.plain("HEIF"))[:-40])


def test_several_heic_pictures_are_no_animation(tmp_path: Path) -> None:
    first = Image.fromarray(PICTURE)
    data = made.saved(first, "HEIF", save_all=True, append_images=[Image.new("RGB", (90, 80))] * 2, quality=95)
    image, notes = look(data)
    assert notes == ("the first of 3 pictures",) and np.abs(image.astype(int) - PICTURE).mean() < 4


def test_a_png_opens_whatever_is_said_beside_its_picture() -> None:
    import zlib

    packed = zlib.compress(bytes(80_000_000), 9)
    rows = b"".join(b"\0" + line.tobytes() for line in PICTURE)
    text = [made.chunk(b"zTXt", b"Comment\0\0" + packed), made.chunk(b"iTXt", b"a\0\1\0\0\0" + packed)]
    image, notes = look(
        made.png(
            made.W,
            made.H,
            8,
            2,
            rows,
            *text,
            made.chunk(b"tEXt", b"b\0" + b"x" * 3_000_000),
            made.chunk(b"tIME", b""),
            made.chunk(b"pHYs", b"\1"),
            made.chunk(b"sRGB", b""),
        )
    )
    assert np.array_equal(image, PICTURE) and notes == ()
    image, notes = look(made.png(made.W, made.H, 8, 2, rows, made.chunk(b"iCCP", b"name\0\0" + packed)))
    assert np.array_equal(image, PICTURE) and notes == ("its colour profile is too large and was left aside",)
    large = made.swapped_profile() + bytes(3_000_000)
    assert "to sRGB" in "".join(look(made.plain("PNG", icc_profile=large))[1])


@each_row(
    "data",
    [made.plain(kind) for kind in ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "TIFF", "BMP", "JPEG2000")]
    + [imagecodecs.jpegxl_encode(PICTURE), rarer.raw_file(b"II*\0", rarer.jpeg(1200, 800))],
)
def test_every_kind_is_kept_under_an_ending_and_found_again(data: bytes, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_bytes(data)
    photo = PhotoStore(settings).take_in(file, "photo")
    assert PhotoStore(settings).pixels(photo).shape == (photo.height, photo.width, 3)
    assert set(ENDINGS) >= {file_signature.identify(data)}


def test_a_refusal_is_all_that_reaches_the_terminal(tmp_path: Path) -> None:
    """Damaged files of every kind in a process of its own: no library says a word beside the refusals."""
    files = [made.plain(kind) for kind in ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "TIFF", "BMP", "JPEG2000")]
    files += [made.plain("TIFF", compression=packing) for packing in ("tiff_lzw", "jpeg", "tiff_adobe_deflate")]
    files += [
        rarer.run_length_bmp(8, INDEX, PALETTE),
        imagecodecs.jpegxl_encode(PICTURE),
        rarer.tiff(PICTURE, compression="zstd"),
    ]
    files += [rarer.tiff(np.where(SHARE > 0.5, np.inf, -np.inf).astype(np.float16))]
    files += [made.saved(Image.fromarray(PICTURE[..., 0] > 99), "TIFF", compression="group4"), made.turned(6, "JPEG")]
    for number, data in enumerate(files):
        for seed in range(4):
            (tmp_path / f"{number}-{seed}").write_bytes(made.damaged(data, seed) if seed else data[: len(data) * 2 // 3])
    script = (
        "import sys, pathlib\nfrom studio.nouns import Refusal\nfrom studio.photo.photo_store import read_photo\n"
        "for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    try: read_photo(file)\n    except Refusal: print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stderr == "" and set(done.stdout.split()) == {"refused"}


def test_opencv_agrees_with_what_the_tests_write() -> None:
    """A second reader of the files made here."""
    for layout, kind in (("rgb", "u2"), ("grey", "f4")):
        data = LAYOUTS[layout](lambda shares, kind=kind: rarer.as_type(shares, kind))
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).astype(float)
        top = {"u2": 65535, "f4": 1}[kind]
        assert off(255 * found / top, 255 * (SHARE[..., ::-1] if found.ndim == 3 else GREY)) <= 1
    data = rarer.run_length_bmp(8, INDEX, PALETTE)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")), PALETTE[INDEX]), "RLE8 Pillow reads right"
