"""Photographs in every dress: each becomes the same upright sRGB picture, and says what was done to it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from studio.nouns import Photo
from studio.photo.colour import colour_conversion
from studio.photo.crop import Image as Pixels
from studio.photo.intake import image_decoder, reduced_size
from studio.photo.photo_store import read_photo
from tests.photo import made


def taken(tmp_path: Path, data: bytes, name: str = "photo") -> tuple[Photo, Pixels]:
    """What the studio makes of a file's bytes."""
    file = tmp_path / "upload.bin"
    file.write_bytes(data)
    return read_photo(file, name)


def off(image: Pixels, expected: Pixels) -> float:
    """The mean difference of two pictures in levels of 255; their shapes must agree."""
    assert image.shape == expected.shape
    return float(np.abs(image.astype(np.int16) - expected.astype(np.int16)).mean())


def grey(image: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(image).convert("L").convert("RGB"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_every_orientation_comes_out_upright(kind: str, orientation: int, tmp_path: Path) -> None:
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}.get(kind, {})
    photo, image = taken(tmp_path, made.turned(orientation, kind, **lossless))
    assert (photo.width, photo.height) == (made.W, made.H)
    assert off(image, made.picture()) < (1.5 if kind == "JPEG" else 0.01)
    assert ("turned upright" in photo.notes) == (orientation != 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_phone_formats_come_out_upright(kind: str, orientation: int, tmp_path: Path) -> None:
    _, image = taken(tmp_path, made.turned(orientation, kind, quality=95))
    assert off(image, made.picture()) < 4


@pytest.mark.parametrize("value", [0, 9, 77, 65_535])
def test_an_orientation_that_means_nothing_is_ignored(value: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    _, image = taken(tmp_path, made.plain("PNG", exif=exif))
    assert off(image, made.picture()) == 0


def test_a_broken_exif_block_costs_nothing(tmp_path: Path) -> None:
    photo, image = taken(tmp_path, made.plain("JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff" + bytes(range(200))))
    assert off(image, made.picture()) < 5 and photo.notes == ()


@pytest.mark.parametrize(
    ("kind", "options", "limit"),
    [
        ("PNG", {}, 0), ("BMP", {}, 0), ("TIFF", {}, 0), ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("TIFF", {"compression": "jpeg"}, 6), ("TIFF", {"compression": "tiff_adobe_deflate"}, 0),
        ("WEBP", {"lossless": True}, 0), ("WEBP", {"quality": 95}, 6), ("JPEG", {"quality": 95}, 3),
        ("JPEG", {"quality": 95, "progressive": True}, 3), ("AVIF", {"quality": 95}, 4), ("HEIF", {"quality": 95}, 4),
    ],
)  # fmt: skip
def test_every_format_is_read(kind: str, options: dict[str, object], limit: float, tmp_path: Path) -> None:
    photo, image = taken(tmp_path, made.plain(kind, **options))
    assert image.dtype == np.uint8 and not image.flags.writeable
    assert off(image, made.picture()) <= limit
    assert photo.notes == ()


def test_a_misleading_ending_does_not_matter(tmp_path: Path) -> None:
    _, image = taken(tmp_path, made.plain("PNG"), "holiday.jpg")
    assert off(image, made.picture()) == 0


def test_the_same_pixels_are_the_same_photo_whatever_the_file(tmp_path: Path) -> None:
    ids = {taken(tmp_path, made.plain(kind))[0].id for kind in ("PNG", "BMP", "TIFF")}
    ids.add(taken(tmp_path, made.turned(6, "PNG"))[0].id)
    assert len(ids) == 1
    assert taken(tmp_path, made.saved(Image.fromarray(made.picture()[:, ::-1]), "PNG"))[0].id not in ids


def test_the_same_bytes_in_another_shape_are_another_photo(tmp_path: Path) -> None:
    wide, tall = Image.new("RGB", (200, 100), (9, 9, 9)), Image.new("RGB", (100, 200), (9, 9, 9))
    assert taken(tmp_path, made.saved(wide, "PNG"))[0].id != taken(tmp_path, made.saved(tall, "PNG"))[0].id


def test_the_first_frame_of_an_animation_is_taken(tmp_path: Path) -> None:
    frames = [Image.fromarray(made.picture()), Image.new("RGB", (made.W, made.H), (0, 0, 0))]
    for kind, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
        photo, image = taken(tmp_path, made.saved(frames[0], kind, save_all=True, append_images=frames[1:], **options))
        assert off(image, made.picture()) < 8
        assert "the first frame of an animation" in photo.notes


def test_the_first_page_of_a_tiff_is_taken(tmp_path: Path) -> None:
    pages = [Image.fromarray(made.picture()), Image.new("RGB", (99, 99))]
    photo, image = taken(tmp_path, made.saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert off(image, made.picture()) == 0 and photo.notes == ("the first page",)


def test_a_jpeg_of_several_pictures_opens_with_the_first(tmp_path: Path) -> None:
    first = Image.fromarray(made.picture())
    photo, image = taken(
        tmp_path, made.saved(first, "MPO", save_all=True, append_images=[Image.new("RGB", (90, 90))], quality=95)
    )
    assert off(image, made.picture()) < 6 and photo.notes == ()


def test_a_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    """Red and green primaries are exchanged in the profile, so what is stored as red is seen as green."""
    stored = np.ascontiguousarray(made.picture()[..., [1, 0, 2]])
    data = made.saved(Image.fromarray(stored), "PNG", icc_profile=made.swapped_profile())
    photo, image = taken(tmp_path, data)
    assert off(image, made.picture()) < 4
    assert off(stored, made.picture()) > 20
    assert any("to sRGB" in note for note in photo.notes)


def test_an_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo, image = taken(tmp_path, made.plain("PNG", icc_profile=profile))
    assert off(image, made.picture()) == 0 and photo.notes == ()


@pytest.mark.parametrize("profile", [b"\x00" * 10, b"not a profile" * 30, made.swapped_profile()[:180], bytes(3000)])
def test_a_broken_profile_costs_nothing(profile: bytes, tmp_path: Path) -> None:
    photo, image = taken(tmp_path, made.plain("JPEG", icc_profile=profile, quality=95))
    assert off(image, made.picture()) < 3
    assert photo.notes == ("its colour profile is damaged and was left aside",)


def test_a_profile_of_another_kind_is_left_aside(tmp_path: Path) -> None:
    profile = made.swapped_profile()
    cmyk = made.saved(Image.fromarray(made.picture()).convert("CMYK"), "JPEG", icc_profile=profile, quality=95)
    photo, image = taken(tmp_path, cmyk)
    assert off(image, made.picture()) < 4
    assert any("another kind" in note for note in photo.notes)


def test_a_profile_works_through_a_palette_and_transparency(tmp_path: Path) -> None:
    stored = Image.fromarray(np.ascontiguousarray(made.picture()[..., [1, 0, 2]]))
    paletted = stored.quantize(256)
    _, image = taken(tmp_path, made.saved(paletted, "PNG", icc_profile=made.swapped_profile()))
    assert off(image, made.picture()) < 10
    clear = stored.convert("RGBA")
    clear.putpixel((0, 0), (0, 0, 0, 0))
    _, image = taken(tmp_path, made.saved(clear, "PNG", icc_profile=made.swapped_profile()))
    assert off(image[1:], made.picture()[1:]) < 4
    assert tuple(image[0, 0]) == colour_conversion.GROUND


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_become_light(kind: str, tmp_path: Path) -> None:
    """A CMYK JPEG is stored inverted, as Adobe does; a CMYK TIFF is not."""
    options = {"quality": 95} if kind == "JPEG" else {}
    photo, image = taken(tmp_path, made.saved(Image.fromarray(made.picture()).convert("CMYK"), kind, **options))
    assert off(image, made.picture()) < 4
    assert photo.notes == ("CMYK inks converted to RGB",)


def test_sixteen_bit_colours_keep_their_tones(tmp_path: Path) -> None:
    _, image = taken(tmp_path, made.png_16(3))
    assert off(image, made.picture()) == 0


def test_sixteen_bit_greys_keep_their_tones(tmp_path: Path) -> None:
    photo, image = taken(tmp_path, made.png_16(1))
    assert off(image, np.repeat(made.picture()[..., :1], 3, axis=-1)) == 0
    assert "16-bit tones brought to 8 bits" in photo.notes


@pytest.mark.parametrize(("top", "kind"), [(65535, np.uint16), (4095, np.uint16), (1.0, np.float32), (255.0, np.float32)])
def test_deep_tiffs_fill_the_range(top: float, kind: type, tmp_path: Path) -> None:
    """What is less than the whole of 16 bits has to say so (SMaxSampleValue, tag 341)."""
    ramp = np.tile(np.linspace(0, 1, 128), (80, 1))
    tags = {341: 4095} if top == 4095 else {}
    _, image = taken(tmp_path, made.saved(Image.fromarray((ramp * top).astype(kind)), "TIFF", tiffinfo=tags))
    assert off(image, np.repeat(np.rint(ramp * 255).astype(np.uint8)[..., None], 3, axis=-1)) < 1


def test_a_float_tiff_of_any_range_is_stretched_and_its_holes_filled(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(-300, 5000, 128, dtype=np.float32), (80, 1))
    ramp[0, 0] = np.nan
    photo, image = taken(tmp_path, made.saved(Image.fromarray(ramp), "TIFF"))
    assert image[40, 0].max() == 0 and image[40, -1].min() == 255
    assert "tones stretched to 8 bits" in photo.notes


def test_integers_of_32_bits_are_read(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 65535, 128).astype(np.int32), (80, 1))
    _, image = taken(tmp_path, made.saved(Image.fromarray(ramp), "TIFF"))
    assert int(image[40, 64, 0]) == pytest.approx(128, abs=2)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_greyscale_becomes_three_channels(kind: str, tmp_path: Path) -> None:
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    _, image = taken(tmp_path, made.saved(Image.fromarray(made.picture()).convert("L"), kind, **options))
    assert off(image, grey(made.picture())) < 2


def test_one_bit_pictures_are_black_and_white(tmp_path: Path) -> None:
    bits = Image.fromarray(made.picture()[..., 0] > 128)
    for kind in ("PNG", "TIFF", "BMP"):
        photo, image = taken(tmp_path, made.saved(bits, kind))
        assert set(np.unique(image)) == {0, 255}
        assert np.array_equal(image[..., 0] > 0, made.picture()[..., 0] > 128)
        assert "black and white" in photo.notes


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP"])
def test_palettes_become_colours(kind: str, tmp_path: Path) -> None:
    _, image = taken(tmp_path, made.saved(Image.fromarray(made.picture()).quantize(256), kind))
    assert off(image, made.picture()) < 8


@pytest.mark.parametrize(("mode", "kind"), [("RGBA", "PNG"), ("RGBA", "WEBP"), ("RGBA", "TIFF"), ("RGBA", "AVIF"), ("LA", "PNG")])
def test_transparency_is_laid_over_the_ground(mode: str, kind: str, tmp_path: Path) -> None:
    source = Image.fromarray(made.picture()).convert(mode)
    mask = np.full((made.H, made.W), 255, np.uint8)
    mask[:, made.W // 2 :] = 0
    mask[:, made.W // 2 - 10 : made.W // 2] = 128
    source.putalpha(Image.fromarray(mask))
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "AVIF" else {}
    photo, image = taken(tmp_path, made.saved(source, kind, **options))
    solid = np.asarray(source.convert("RGBA"))[..., :3]
    assert off(image[:, : made.W // 2 - 12], solid[:, : made.W // 2 - 12]) < 5
    assert off(image[:, made.W // 2 + 4 :], np.full_like(image[:, made.W // 2 + 4 :], colour_conversion.GROUND[0])) < 1
    between = (solid[:, made.W // 2 - 5].astype(float) + colour_conversion.GROUND[0]) / 2
    assert np.abs(image[:, made.W // 2 - 5] - between).mean() < 6
    assert "transparency laid over light grey" in photo.notes


def test_a_transparent_colour_in_a_palette_counts(tmp_path: Path) -> None:
    paletted = Image.new("P", (90, 90), 1)
    paletted.putpalette([255, 0, 0, 0, 0, 255])
    paletted.paste(0, (0, 0, 45, 90))
    for kind in ("PNG", "GIF"):
        _, image = taken(tmp_path, made.saved(paletted, kind, transparency=0))
        assert tuple(image[45, 10]) == colour_conversion.GROUND and tuple(image[45, 80]) == (0, 0, 255)


def test_a_transparent_colour_key_counts(tmp_path: Path) -> None:
    rows = b"".join(b"\x00" + line.tobytes() for line in np.full((80, 80, 3), 7, np.uint8))
    key = made.chunk(b"tRNS", struct.pack(">HHH", 7, 7, 7))
    half = bytearray(rows)
    half[: len(rows) // 2] = b"".join(b"\x00" + bytes([200]) * 240 for _ in range(40))
    _, image = taken(tmp_path, made.png(80, 80, 8, 2, bytes(half), key))
    assert tuple(image[0, 0]) == (200, 200, 200) and tuple(image[-1, -1]) == colour_conversion.GROUND


def test_full_opacity_is_not_worth_a_note(tmp_path: Path) -> None:
    photo, image = taken(tmp_path, made.saved(Image.fromarray(made.picture()).convert("RGBA"), "PNG"))
    assert off(image, made.picture()) == 0 and photo.notes == ()


def test_lab_tiffs_are_read(tmp_path: Path) -> None:
    rgb = Image.fromarray(made.picture())
    lab = ImageCms.profileToProfile(rgb, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB")
    assert lab is not None
    _, image = taken(tmp_path, made.saved(lab, "TIFF"))
    assert off(image, made.picture()) < 6


def test_the_smallest_and_the_longest_photos_are_taken(tmp_path: Path) -> None:
    for size in ((64, 64), (64, 1280), (1280, 64)):
        photo, _ = taken(tmp_path, made.saved(Image.fromarray(made.picture(*size)), "PNG"))
        assert (photo.width, photo.height) == size


def test_the_header_is_checked_before_a_pixel_is_decoded(tmp_path: Path) -> None:
    """120 megapixels in one bit each would be a small file and half a gigabyte of pixels; just under is a real photo's size."""
    assert reduced_size.WHOLE_PIXELS == 120_000_000
    assert made.png(12_000, 10_000, 1, 0, b"")  # exactly at the limit: refused as damaged, not as too large
    file = tmp_path / "limit.png"
    file.write_bytes(made.png(12_000, 10_000, 1, 0, bytes(10)))
    with pytest.raises(image_decoder.Refusal) as caught:
        read_photo(file)
    assert "megapixels" not in caught.value.reason


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"), ("C:\\Users\\me\\Ferien.jpg", "Ferien.jpg"), ("a\x00\x1b[31mb\n.jpg", "a[31mb.jpg"),
        ("写真.jpg", "写真.jpg"), ("x" * 500, "x" * 120), ("<b>bold</b>.jpg", "b>.jpg"),
    ],
)  # fmt: skip
def test_a_name_is_only_ever_a_name(given: str, kept: str, tmp_path: Path) -> None:
    assert taken(tmp_path, made.plain(), given)[0].name == kept


def test_without_a_name_the_files_own_is_used(tmp_path: Path) -> None:
    file = tmp_path / "harbour.png"
    file.write_bytes(made.plain())
    assert read_photo(file)[0].name == "harbour.png"
