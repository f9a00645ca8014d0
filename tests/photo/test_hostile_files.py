"""Files that are no photographs, or mean harm: every one is refused in words, with a remedy, and nothing else happens."""

from __future__ import annotations

import os
import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import fuzz
from studio.config import MAX_UPLOAD_BYTES, Settings
from studio.nouns import Refusal
from studio.photo.photo_store import PhotoStore, read_photo
from tests.photo import made
from tests.photo.mutants import BASES, mutate

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="900" height="900"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html><html><img src=x onerror=alert(1)></html>"
NOISE = bytes((value * 73 + 41) % 251 for value in range(4096))


def archive() -> bytes:
    import io

    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as box:
        box.writestr("photo.jpg", made.plain("JPEG"))
    return sink.getvalue()


HOSTILE: dict[str, tuple[str, made.Builder, str]] = {
    # name: (file name, bytes, a word the message must hold)
    "nothing": ("empty.jpg", lambda: b"", "empty"),
    "one byte": ("a.jpg", lambda: b"\xff", "recognise"),
    "three bytes": ("a.jpg", lambda: b"\xff\xd8\xff", "JPG"),
    "text": ("holiday.jpg", lambda: b"This is not a photo.\n" * 40, "text"),
    "text in another alphabet": ("a.png", lambda: "Это не фото".encode() * 30, "text"),
    "page": ("picture.png", lambda: HTML, "web page"),
    "drawing": ("logo.svg", lambda: SVG, "SVG"),
    "drawing in disguise": ("logo.png", lambda: b"\xef\xbb\xbf\n" + SVG, "SVG"),
    "document": ("scan.jpg", lambda: b"%PDF-1.7\n1 0 obj <<>> endobj", "PDF"),
    "postscript": ("a.jpg", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n", "PostScript"),
    "photoshop": ("a.jpg", lambda: b"8BPS\x00\x01" + bytes(60), "Photoshop"),
    "video": ("clip.jpg", lambda: made.ftyp(b"mp42"), "video"),
    "quicktime": ("clip.heic", lambda: made.ftyp(b"qt  "), "video"),
    "matroska": ("clip.png", lambda: b"\x1aE\xdf\xa3" + bytes(64), "video"),
    "avi": ("clip.webp", lambda: b"RIFF" + struct.pack("<I", 60) + b"AVI LIST" + bytes(60), "video"),
    "sound": ("clip.webp", lambda: b"RIFF" + struct.pack("<I", 60) + b"WAVEfmt " + bytes(60), "sound"),
    "archive": ("photos.jpg", archive, "Unpack"),
    "program": ("photo.jpg", lambda: b"MZ" + bytes(200), "program"),
    "elf": ("photo.jpg", lambda: b"\x7fELF" + bytes(200), "program"),
    "icon": ("photo.bmp", lambda: b"\x00\x00\x01\x00\x01\x00" + bytes(60), "icon"),
    "jpeg 2000": ("photo.jpg", lambda: b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(60), "JPEG 2000"),
    "noise": ("photo.jpg", lambda: NOISE, "recognise"),
    "zeros": ("photo.jpg", lambda: bytes(4096), "recognise"),
    "raw by name": ("DSC_1.NEF", lambda: made.plain("TIFF"), "raw"),
    "raw by tag": ("photo.tif", lambda: made.tiff_of(160, 120, (50706, 1, 4, 0x401)), "raw"),
    "raw by mark": ("photo.tif", lambda: b"II*\x00\x10\x00\x00\x00CR\x02\x00" + bytes(90), "raw"),
    "jpeg without a picture": ("a.jpg", lambda: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(9) + b"\xff\xd9", "JPG"),
    "half a jpeg": ("a.jpg", lambda: made.cut_short(made.plain("JPEG"), 0.5), "cut short"),
    "most of a progressive jpeg": ("a.jpg", lambda: made.cut_short(made.plain("JPEG", progressive=True), 0.7), "cut short"),
    "half a png": ("a.png", lambda: made.cut_short(made.plain("PNG"), 0.5), "cut short"),
    "half a webp": ("a.webp", lambda: made.cut_short(made.plain("WEBP"), 0.5), "WEBP"),
    "half an avif": ("a.avif", lambda: made.cut_short(made.plain("AVIF"), 0.5), "AVIF"),
    "half a heic": ("a.heic", lambda: made.cut_short(made.plain("HEIF"), 0.5), "HEIC"),
    "half a tiff": ("a.tif", lambda: made.cut_short(made.plain("TIFF"), 0.5), "TIFF"),
    "half a compressed tiff": ("a.tif", lambda: made.cut_short(made.plain("TIFF", compression="tiff_lzw"), 0.5), "TIFF"),
    "half a bmp": ("a.bmp", lambda: made.cut_short(made.plain("BMP"), 0.5), "cut short"),
    "half a gif": ("a.gif", lambda: made.cut_short(made.plain("GIF"), 0.5), "GIF"),
    "the first 40 bytes of a heic": ("a.heic", lambda: made.plain("HEIF")[:40], "HEIC"),
    "png of no rows": ("a.png", lambda: made.png(200, 200, 8, 2, b""), "PNG"),
    "png of no size": ("a.png", lambda: made.png(0, 0, 8, 2, b"x"), "PNG"),
    "png of a wrong depth": ("a.png", lambda: made.png(99, 99, 3, 2, b"x" * 999), "PNG"),
    "png bomb": ("a.png", lambda: made.png(30_000, 30_000, 1, 0, bytes(1_000_000)), "megapixels"),
    "png of an absurd size": ("a.png", lambda: made.png(2**31 - 1, 2**31 - 1, 8, 2, b"x"), "megapixels"),
    "png just over": ("a.png", lambda: made.png(12_001, 10_000, 1, 0, bytes(1000)), "megapixels"),
    "gif bomb": ("a.gif", lambda: made.gif(65_535, 65_535), "megapixels"),
    "bmp of an absurd size": ("a.bmp", lambda: made.bmp(100_000, 100_000), "megapixels"),
    "bmp upside down to nowhere": ("a.bmp", lambda: made.bmp(-500, -(2**31)), ""),
    "jpeg claiming 4 gigapixels": ("a.jpg", lambda: made.jpeg_claiming(65_500, 65_500), "megapixels"),
    "tiff of an absurd size": ("a.tif", lambda: made.tiff_of(2**31 - 1, 2**31 - 1), "megapixels"),
    "tiff that points at itself": ("a.tif", lambda: b"II*\x00" + struct.pack("<I", 4) + bytes(64), "TIFF"),
    "tiff without entries": ("a.tif", lambda: made.tiff([]), "TIFF"),
    "tiff that points past its end": ("a.tif", lambda: b"MM\x00*\x7f\xff\xff\xff" + bytes(32), "TIFF"),
    "too small": ("a.png", lambda: made.saved(Image.new("RGB", (63, 400)), "PNG"), "63 by 400"),
    "a pixel": ("a.gif", lambda: made.saved(Image.new("P", (1, 1)), "GIF"), "1 by 1"),
    "a strip": ("a.png", lambda: made.saved(Image.new("L", (64 * 21, 64)), "PNG"), "strip"),
    "nothing to be seen": ("a.png", lambda: made.saved(Image.new("RGBA", (90, 90), (9, 9, 9, 0)), "PNG"), "transparent"),
}  # fmt: skip


def refused(file: Path, name: str = "") -> Refusal:
    """The refusal of a file: it has a reason and a remedy, and neither names a path or a fault of the program."""
    with pytest.raises(Refusal) as caught:
        read_photo(file, name)
    reason, remedy = caught.value.reason, caught.value.remedy
    assert len(reason) > 10 and len(remedy) > 10 and reason.endswith(".") and remedy.endswith(".")
    for leak in (str(file.parent), "/tmp", "Traceback", "Error", "0x", "<_io", "BytesIO", "None"):
        assert leak not in reason + remedy
    assert not re.search(r"[A-Za-z]:\\|/\w+/\w+", reason + remedy)
    assert caught.value.__cause__ is None and (caught.value.__suppress_context__ or caught.value.__context__ is None)
    return caught.value


def test_there_are_enough_of_them() -> None:
    assert len(HOSTILE) >= 50


@pytest.mark.parametrize("case", HOSTILE)
def test_it_is_refused_with_a_remedy(case: str, tmp_path: Path) -> None:
    name, build, word = HOSTILE[case]
    file = tmp_path / "upload.bin"
    file.write_bytes(build())
    refusal = refused(file, name)
    assert word.lower() in f"{refusal.reason} {refusal.remedy}".lower()


@pytest.mark.parametrize("kind", BASES)
def test_damage_anywhere_is_a_picture_or_a_refusal(kind: str, tmp_path: Path) -> None:
    """No byte pattern may reach the user as anything else: bytes flipped, cut and grown, eighteen mutants of each kind."""
    file = tmp_path / "damaged"
    bases = [build() for build in BASES[kind]]
    for seed in range(18):
        file.write_bytes(mutate(bases[seed // 3 % len(bases)], seed))
        try:
            photo, image = read_photo(file, "damaged")
        except Refusal as refusal:
            assert refusal.reason and refusal.remedy and str(tmp_path) not in str(refusal), seed
        else:
            assert image.shape == (photo.height, photo.width, 3) and image.dtype == np.uint8, seed


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is asked of Linux")
def test_the_fuzz_bench_reads_in_a_child_and_notices_one_that_ends() -> None:
    found = fuzz.fuzz_kind("JPG", 30, 6)
    assert [one.seed for one in found] == list(range(30, 36))
    assert all(one.is_sound and one.mb > 10 for one in found), found
    (ended,) = fuzz.fuzz_kind("no such kind", 7, 1)
    assert (ended.seed, ended.end, ended.is_sound) == (7, "ended with 1", False)


@pytest.mark.parametrize(
    "start", [b"8BPS", b"%!PS", b"\x00\x00\x00\x0cjP  ", b"P6\n99 99\n255\n", b"qoif", b"\x01\xda\x01\x01", b"DDS "]
)
def test_decoders_nobody_needs_are_never_reached(start: bytes, tmp_path: Path) -> None:
    """Also when the rest of the file would decode: here, bytes enough for any of them."""
    file = tmp_path / "a.jpg"
    file.write_bytes(start + bytes(99 * 99 * 3 + 4096))
    refused(file)


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "large.jpg"
    with file.open("wb") as sink:
        sink.write(b"\xff\xd8\xff")
        sink.truncate(MAX_UPLOAD_BYTES + 1)
    assert "200 MB" in refused(file).reason


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "folder" in refused(tmp_path / ".").reason


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "not there" in refused(tmp_path / "gone.jpg").reason


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes on this system")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert "ordinary" in refused(tmp_path / "pipe.jpg").reason


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.jpg"
    file.write_bytes(made.plain("JPEG"))
    file.chmod(0)
    if os.access(file, os.R_OK):
        pytest.skip("this user may read everything")
    assert "can't be read" in refused(file).reason


def test_a_name_that_no_system_takes_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / ("x" * 5000 + ".jpg"))
    assert refused(tmp_path / "a\x00b.jpg")


def test_a_refused_file_leaves_nothing_behind(settings: Settings, tmp_path: Path) -> None:
    store = PhotoStore(settings)
    file = tmp_path / "upload.bin"
    for name, build, _ in list(HOSTILE.values())[::4]:
        file.write_bytes(build())
        with pytest.raises(Refusal):
            store.take_in(file, name)
    assert [path for path in settings.home.rglob("*") if path.is_file()] == []
