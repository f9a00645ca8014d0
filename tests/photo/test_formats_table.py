"""The table of formats: for each kind of file what it honours of orientation, colour, HDR, bits and opacity, and what it notes.

One upright swatch, a red corner on blue, is written as each row says; the corner and the rest must come out within 3 levels of
what the row expects: the swatch itself, or arithmetic from a standard. README's table has a row for each kind and a column for
each honour: a cell there says something where, and only where, a row here shows it.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import Any, NamedTuple

import cv2
import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studio.nouns import Refusal
from studio.photo.auxiliaries.auxiliary_store import list_auxiliaries
from studio.photo.colour.colour_conversion import GROUND
from studio.photo.intake import file_signature
from studio.photo.intake.image_decoder import ENDINGS, decode_image
from studio.photo.intake.reduced_size import REDUCED
from tests.photo import made, phone_files, rarer, test_colour
from tests.photo.made import Builder
from tests.rows import each_row
from tests.test_readme import table

WIDTH, HEIGHT = 192, 128
RED, BLUE = (200, 90, 40), (60, 110, 170)
SWATCH = np.full((HEIGHT, WIDTH, 3), BLUE, np.uint8)
SWATCH[: HEIGHT // 2, : WIDTH // 2] = RED
LEVELS = 3


class Row(NamedTuple):
    """A file of a kind, the columns of README's that it shows, the colours of the corner and the rest, and the notes."""

    kind: str
    what: str
    build: Builder
    shows: str = ""
    corner: tuple[int, ...] = RED
    rest: tuple[int, ...] = BLUE
    notes: tuple[str, ...] = ()


TURNED = ("turned upright",)
FROM_P3 = ("colours converted from Display P3 to sRGB",)
FROM_OWN = ("colours converted from sRGB built-in to sRGB",)
OVER = ("transparency laid over light grey",)
DEEP = ("16-bit tones brought to 8 bits",)
FLOATS = ("floating-point tones brought to 8 bits",)
PALETTE = ("palette colours converted to RGB",)
GREY = ("greyscale",)
PQ, HLG = test_colour.PQ_NOTES, test_colour.HLG_NOTES
FIRST = ("the first frame of an animation",)
BEST: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 97, "subsampling": 0}, "WEBP": {"lossless": True}, "AVIF": {"quality": 97, "subsampling": "4:4:4"},
    "HEIF": {"quality": 97, "chroma": 444}, "JPEG2000": {"irreversible": False},
}  # fmt: skip


def write(kind: str, samples: NDArray[np.uint8] = SWATCH, mode: str = "", **options: Any) -> bytes:
    """Samples as Pillow writes them, with little loss."""
    picture = Image.fromarray(samples)
    return made.saved(picture.convert(mode) if mode else picture, kind, **(BEST.get(kind, {}) | options))


def turn(mark: int) -> NDArray[np.uint8]:
    """The swatch stored as a camera does under an EXIF orientation."""
    return np.ascontiguousarray(made.TO_STORED[mark](SWATCH))


def exif(mark: int) -> bytes:
    block = Image.Exif()
    block[0x0112] = mark
    return block.tobytes()


def exchange() -> NDArray[np.uint8]:
    """Red and green exchanged, as `made.swapped_profile` undoes it."""
    return np.ascontiguousarray(SWATCH[..., [1, 0, 2]])


def veil() -> NDArray[np.uint8]:
    """The swatch, half opaque in its corner."""
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    alpha[: HEIGHT // 2, : WIDTH // 2] = 128
    return np.concatenate([SWATCH, alpha], -1)


def luma(colour: tuple[int, ...]) -> tuple[int, ...]:
    """ITU-R BT.601's luma, three times."""
    return (round(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]),) * 3


def lights() -> NDArray[Any]:
    """The swatch's light in BT.2020 primaries."""
    return test_colour.linear(SWATCH) @ test_colour.FROM_709.T


def p3() -> NDArray[Any]:
    """The swatch's signals, 0..1, in Display P3."""
    return test_colour.gamma(test_colour.linear(SWATCH) @ test_colour.TO_P3.T)


def adobe() -> NDArray[np.uint8]:
    """The swatch in Adobe RGB (1998): red, green and blue of the profile's own matrix, gamma 563/256."""
    from_srgb = np.array([[0.71519, 0.28481, 0.0], [0.0, 1.0, 0.0], [0.0, 0.04116, 0.95884]])
    return np.rint(255 * (test_colour.linear(SWATCH) @ from_srgb.T) ** (256 / 563)).astype(np.uint8)


def adobe_jpeg() -> bytes:
    """A camera's Adobe RGB JPEG: marked by EXIF alone (ColorSpace 65535, InteropIndex R03)."""
    block = Image.Exif()
    details = block.get_ifd(0x8769)
    details[0xA001] = 0xFFFF
    details[0xA005] = {1: "R03"}
    return write("JPEG", adobe(), exif=block)


def xmp_turn(mark: int) -> bytes:
    """An XMP packet with nothing but an orientation in it."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        f'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{mark}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


def png(samples: NDArray[Any], *extra: bytes) -> bytes:
    return test_colour.png(samples, *extra)


def text_turned_png() -> bytes:
    """A PNG whose EXIF orientation stands in ImageMagick's text chunk alone."""
    block = exif(6)
    words = f"\nexif\n{len(block):8}\n" + re.sub("(.{72})", r"\1\n", block.hex()) + "\n"
    return png(SWATCH, made.chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(words.encode())))


def keyed_png(depth: int) -> bytes:
    """A grey PNG of a depth, white in its corner and black elsewhere, whose white is transparent (tRNS)."""
    numbers = np.where(SWATCH[..., 0] == RED[0], (1 << depth) - 1, 0)
    bits = (numbers[..., None] >> np.arange(depth - 1, -1, -1)) & 1
    rows = np.packbits(bits.astype(np.uint8).reshape(HEIGHT, -1), axis=1)
    key = made.chunk(b"tRNS", struct.pack(">H", (1 << depth) - 1))
    return made.png(WIDTH, HEIGHT, depth, 0, b"".join(b"\0" + row.tobytes() for row in rows), key)


def flat_profile() -> bytes:
    """A profile whose red, green and blue are one colour."""
    profile = bytearray(made.swapped_profile())
    for number in range(int.from_bytes(profile[128:132], "big")):
        name, start, size = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        if name in (b"rXYZ", b"gXYZ", b"bXYZ"):
            profile[start + 8 : start + size] = struct.pack(">3I", 30_000, 30_000, 30_000)
    return bytes(profile)


def grey_profile() -> bytes:
    """An ICC profile of greys that are light itself (gamma 1)."""
    tags = {b"wtpt": b"XYZ " + struct.pack(">4xIII", 63190, 65536, 54061), b"kTRC": b"curv" + bytes(8)}
    start = 132 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(content))
        body += content
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"lcms", 0x02400000, b"mntr", b"GRAY", b"XYZ ") + bytes(12) + b"acsp"
    return header + bytes(28) + struct.pack(">III", 63190, 65536, 54061) + bytes(48) + table + body


def grey_light() -> NDArray[np.uint8]:
    """The swatch's red channel as light, 8 bits."""
    return np.rint(255 * test_colour.linear(SWATCH[..., 0])).astype(np.uint8)


def animate(kind: str) -> bytes:
    more = [Image.new("RGB", (WIDTH, HEIGHT), (9, 200, 9))]
    return write(kind, save_all=True, append_images=more, duration=100)


def motion_photo() -> bytes:
    """A JPEG with an MP4 behind it."""
    return write("JPEG") + made.ftyp(b"mp42") + bytes(50_000)


def run_length() -> bytes:
    palette = np.zeros((256, 3), np.uint8)
    palette[:2] = RED, BLUE
    return rarer.run_length_bmp(8, (SWATCH[..., 0] != RED[0]).astype(np.uint8), palette)


def profiled_bmp() -> bytes:
    """A BMP of version 5 with an ICC profile behind its rows."""
    profile = made.swapped_profile()
    data = bytearray(rarer.bmp(24, rarer.rows(exchange()[..., ::-1]), (WIDTH, HEIGHT), header=124))
    struct.pack_into("<I", data, 14 + 56, int.from_bytes(b"MBED", "big"))
    struct.pack_into("<II", data, 14 + 112, len(data) - 14, len(profile))
    return bytes(data) + profile


def field_bmp() -> bytes:
    """A BMP of 5, 6 and 5 bits."""
    red, green, blue = (np.rint(SWATCH[..., at] / 255 * top).astype("<u2") for at, top in enumerate((31, 63, 31)))
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    return rarer.bmp(16, rarer.rows(red << 11 | green << 5 | blue), (WIDTH, HEIGHT), packing=3, extra=masks)


def alpha_bmp(alpha: int, masks: bool) -> bytes:
    """A BMP of 32 bits whose fourth byte is everywhere the same, and an opacity only where `masks` say so."""
    rows = rarer.rows(np.dstack([SWATCH[..., ::-1], np.full((HEIGHT, WIDTH, 1), alpha, np.uint8)]))
    data = bytearray(rarer.bmp(32, rows, (WIDTH, HEIGHT), packing=3 if masks else 0, header=124 if masks else 40))
    if masks:
        struct.pack_into("<IIII", data, 54, 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    return bytes(data)


def mix(colour: tuple[int, ...], alpha: float = 128 / 255) -> tuple[int, ...]:
    """A colour laid over the ground."""
    return tuple(round(one * alpha + ground * (1 - alpha)) for one, ground in zip(colour, GROUND, strict=True))


def jxl(samples: NDArray[Any]) -> bytes:
    return imagecodecs.jpegxl_encode(np.ascontiguousarray(samples), lossless=True)


def deep_jp2() -> bytes:
    """A JPEG 2000 of 16 bits whose lower bytes are others than the upper."""
    return imagecodecs.jpeg2k_encode(SWATCH.astype(np.uint16) * 256 + 77, level=0, codecformat="jp2")


def profiled_jp2() -> bytes:
    """A JP2 whose colours are named by an ICC profile instead of a number."""
    data = bytearray(write("JPEG2000", exchange()))
    old = rarer.box(b"colr", b"\1\0\0" + struct.pack(">I", 16))
    new = rarer.box(b"colr", b"\2\0\0" + made.swapped_profile())
    at = data.index(b"jp2h") - 4
    struct.pack_into(">I", data, at, int.from_bytes(data[at : at + 4], "big") + len(new) - len(old))
    return bytes(data).replace(old, new)


def raw(mark: bytes, orientation: int = 1, samples: NDArray[np.uint8] = SWATCH, icc: bytes | None = None) -> bytes:
    """A raw file around the swatch as a camera's finished JPEG, 1200 by 800."""
    stored = np.ascontiguousarray(made.TO_STORED[orientation](samples))
    size = (800, 1200) if orientation > 4 else (1200, 800)
    large = cv2.resize(stored, size, interpolation=cv2.INTER_NEAREST)
    return rarer.raw_file(mark, write("JPEG", large, icc_profile=icc), orientation)


def cut_out() -> NDArray[np.uint8]:
    """The swatch without its corner."""
    samples = veil()
    samples[: HEIGHT // 2, : WIDTH // 2, 3] = 0
    return samples


ROWS = (
    Row("JPG", "plain", lambda: write("JPEG")),
    Row("JPG", "progressive, grey", lambda: write("JPEG", mode="L", progressive=True), "", luma(RED), luma(BLUE), GREY),
    Row("JPG", "EXIF orientation", lambda: write("JPEG", turn(6), exif=exif(6)), "orientation", notes=TURNED),
    Row("JPG", "orientation in XMP alone: left", lambda: write("JPEG", xmp=xmp_turn(6))),
    Row("JPG", "ICC profile", lambda: write("JPEG", exchange(), icc_profile=made.swapped_profile()), "colour", notes=FROM_OWN),
    Row("JPG", "Adobe RGB by EXIF", adobe_jpeg, "colour", notes=("colours converted from Adobe RGB to sRGB",)),
    Row("JPG", "CMYK", lambda: write("JPEG", mode="CMYK"), notes=("CMYK inks converted to RGB",)),
    Row("JPG", "a film behind it", motion_photo, notes=("with a video behind it, which isn't used",)),
    Row("JPG", "no end marker", lambda: write("JPEG")[:-2], notes=("its end marker is missing; the picture is whole",)),
    Row("PNG", "plain", lambda: write("PNG")),
    Row("PNG", "16 bits", lambda: png(SWATCH.astype(np.uint16) * 257), "bits"),
    Row("PNG", "16-bit grey", lambda: png(SWATCH[..., 2].astype(np.uint16) * 257), "bits", (40,) * 3, (170,) * 3, DEEP + GREY),
    Row("PNG", "eXIf", lambda: write("PNG", turn(8), exif=exif(8)), "orientation", notes=TURNED),
    Row("PNG", "EXIF in a text: left", text_turned_png),
    Row("PNG", "ICC profile", lambda: write("PNG", exchange(), icc_profile=made.swapped_profile()), "colour", notes=FROM_OWN),
    Row("PNG", "cICP", lambda: png(np.uint16(p3() * 65535 + 0.5), test_colour.cicp(12, 13)), "colour", notes=FROM_P3),
    Row("PNG", "PQ by cICP", lambda: png(np.uint16(test_colour.pq(lights()) * 65535), test_colour.cicp(9, 16)), "HDR", notes=PQ),
    Row("PNG", "opacity", lambda: write("PNG", veil()), "opacity", mix(RED), notes=OVER),
    *(Row("PNG", f"a transparent grey of {depth} bits", lambda depth=depth: keyed_png(depth), "opacity", GROUND, (0, 0, 0),
          (DEEP + GREY if depth == 16 else GREY if depth > 1 else ("black and white",)) + OVER) for depth in (1, 2, 4, 8, 16)),
    Row("PNG", "a profile of one colour", lambda: write("PNG", icc_profile=flat_profile()),
        notes=("its colour profile is damaged and was left aside",)),
    Row("PNG", "a grey profile for a palette",
        lambda: made.saved(Image.fromarray(SWATCH).quantize(4), "PNG", icc_profile=grey_profile()),
        notes=(*PALETTE, "its colour profile belongs to another kind of picture and was left aside")),
    Row("PNG", "animation", lambda: animate("PNG"), notes=FIRST),
    Row("WEBP", "plain", lambda: write("WEBP")),
    Row("WEBP", "EXIF orientation", lambda: write("WEBP", turn(6), exif=exif(6)), "orientation", notes=TURNED),
    Row("WEBP", "ICC profile", lambda: write("WEBP", exchange(), icc_profile=made.swapped_profile()), "colour", notes=FROM_OWN),
    Row("WEBP", "opacity", lambda: write("WEBP", veil()), "opacity", mix(RED), notes=OVER),
    Row("WEBP", "animation", lambda: animate("WEBP"), notes=FIRST),
    Row("HEIC", "plain", lambda: write("HEIF")),
    Row("HEIC", "irot and imir", lambda: write("HEIF", turn(6), exif=exif(6)), "orientation"),
    Row("HEIC", "nclx", lambda: test_colour.heic(p3(), 12, 13), "colour", notes=FROM_P3),
    Row("HEIC", "a grey profile", lambda: write("HEIF", grey_light(), icc_profile=grey_profile(), quality=-1), "colour",
        (200,) * 3, (60,) * 3, (*GREY, "colours converted from an unnamed profile to sRGB")),
    Row("HEIC", "PQ, 10 bits", lambda: test_colour.heic(test_colour.pq(lights()), 9, 16), "HDR bits", notes=PQ),
    Row("HEIC", "HLG, 10 bits", lambda: test_colour.heic(test_colour.hlg(lights(), lights()), 9, 18), "HDR bits", notes=HLG),
    Row("HEIC", "opacity", lambda: write("HEIF", veil()), "opacity", mix(RED), notes=OVER),
    Row("AVIF", "plain", lambda: write("AVIF")),
    Row("AVIF", "brand mif1", lambda: write("AVIF").replace(b"ftypavif", b"ftypmif1")),
    Row("AVIF", "irot and imir", lambda: write("AVIF", turn(6), exif=exif(6)), "orientation", notes=TURNED),
    Row("AVIF", "nclx", lambda: test_colour.avif(p3(), 12, 13), "colour", notes=FROM_P3),
    Row("AVIF", "PQ, 10 bits", lambda: test_colour.avif(test_colour.pq(lights()), 9, 16), "HDR bits", notes=PQ),
    Row("AVIF", "opacity", lambda: write("AVIF", veil()), "opacity", mix(RED), notes=OVER),
    Row("TIFF", "LZW", lambda: write("TIFF", compression="tiff_lzw")),
    Row("TIFF", "orientation tag", lambda: rarer.tiff(turn(6), extratags=[(274, "H", 1, 6, True)]), "orientation", notes=TURNED),
    Row("TIFF", "ICC profile", lambda: write("TIFF", exchange(), icc_profile=made.swapped_profile()), "colour", notes=FROM_OWN),
    Row("TIFF", "16 bits in planes", lambda: rarer.tiff(
        np.ascontiguousarray((SWATCH.astype(np.uint16) * 257).transpose(2, 0, 1)), planarconfig="separate"), "bits", notes=DEEP),
    Row("TIFF", "floats", lambda: rarer.tiff((SWATCH / 255).astype(np.float32)), "bits", notes=FLOATS),
    Row("TIFF", "white is zero", lambda: rarer.tiff(255 - SWATCH[..., 2], "miniswhite"), "", (40,) * 3, (170,) * 3, GREY),
    Row("TIFF", "opacity", lambda: rarer.tiff(veil(), extrasamples=[2]), "opacity", mix(RED), notes=OVER),
    Row("BMP", "24 bits", lambda: write("BMP")),
    Row("BMP", "run-length encoded", run_length, notes=PALETTE),
    Row("BMP", "bit fields", field_bmp, "", (197, 89, 41), (58, 109, 173)),
    Row("BMP", "ICC profile", profiled_bmp, "colour", notes=FROM_OWN),
    Row("BMP", "fourth byte zero", lambda: alpha_bmp(0, masks=False)),
    Row("BMP", "opacity by its mask", lambda: alpha_bmp(128, masks=True), "opacity", mix(RED), mix(BLUE), OVER),
    Row("GIF", "plain", lambda: write("GIF"), notes=PALETTE),
    Row("GIF", "opacity", lambda: write("GIF", cut_out()), "opacity", GROUND, notes=PALETTE + OVER),
    Row("GIF", "animation", lambda: animate("GIF"), notes=FIRST + PALETTE),
    Row("JPEG XL", "plain", lambda: jxl(SWATCH)),
    Row("JPEG XL", "16 bits of light", lambda: jxl(np.uint16(test_colour.linear(SWATCH) * 65535 + 0.5)), "bits colour",
        notes=("colours converted from linear light to sRGB",)),
    Row("JPEG XL", "a JPEG's turn", lambda: imagecodecs.jpegxl_encode_jpeg(write("JPEG", turn(6), exif=exif(6))), "orientation",
        notes=TURNED),
    Row("JPEG XL", "opacity", lambda: jxl(veil()), "opacity", mix(RED), notes=OVER),
    Row("JPEG 2000", "plain", lambda: write("JPEG2000")),
    Row("JPEG 2000", "16 bits", deep_jp2, "bits"),
    Row("JPEG 2000", "ICC profile", profiled_jp2, "colour", notes=FROM_OWN),
    Row("JPEG 2000", "opacity", lambda: write("JPEG2000", veil()), "opacity", mix(RED), notes=OVER),
    Row(file_signature.RAW, "the camera's JPG", lambda: raw(b"II*\0")),
    Row(file_signature.RAW, "its JPG's profile", lambda: raw(b"II*\0", 1, exchange(), made.swapped_profile()), "colour",
        notes=FROM_OWN),
    Row(file_signature.RAW, "orientation", lambda: raw(b"IIU\0", 6), "orientation", notes=TURNED),
)  # fmt: skip


@each_row("row", ROWS)
def test_each_format_honours_what_the_table_says(row: Row) -> None:
    data = row.build()
    got = decode_image(data, "photo")
    assert file_signature.identify(data) == row.kind
    height, width = got.image.shape[:2]
    assert width * HEIGHT == height * WIDTH, f"{row.kind}, {row.what}: {width} by {height}"
    corners = got.image[height // 4 :: height // 2, width // 4 :: width // 2].reshape(4, 3).astype(int)
    off = np.abs(corners - [row.corner, row.rest, row.rest, row.rest]).max()
    assert off <= LEVELS, f"{row.kind}, {row.what}: {corners.tolist()}"
    notes = tuple(note for note in got.photo.notes if "inside its raw file" not in note)
    assert notes == row.notes, f"{row.kind}, {row.what}: {notes}"


COLUMNS = ("orientation", "colour", "HDR", "bits", "opacity")
NOTHING = "–"
WITH_DEPTH: dict[str, Builder] = {
    "JPG": lambda: phone_files.apple_jpeg(SWATCH, [(phone_files.apple_words("disparity"), NEAR)]),
    "HEIC": lambda: phone_files.phone_heif(SWATCH, [phone_files.Extra(phone_files.DEPTH_URN, NEAR)]),
    "AVIF": lambda: phone_files.phone_heif(SWATCH, [phone_files.Extra(phone_files.MIAF_DEPTH_URN, NEAR)], "AVIF"),
}
NEAR = np.ascontiguousarray(SWATCH[..., 0])
NOISE = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
UNPACKABLE: dict[str, Builder] = {
    "JPG": lambda: write("JPEG", NOISE), "PNG": lambda: write("PNG", NOISE), "WEBP": lambda: write("WEBP", NOISE),
    "HEIC": lambda: write("HEIF", NOISE, tile_size=64), "AVIF": lambda: write("AVIF", NOISE), "BMP": lambda: write("BMP", NOISE),
    "GIF": lambda: write("GIF", NOISE), "TIFF": lambda: rarer.tiff(NOISE, rowsperstrip=8), "JPEG XL": lambda: jxl(NOISE),
    "JPEG 2000": lambda: write("JPEG2000", NOISE), file_signature.RAW: lambda: raw(b"II*\0", 1, NOISE)[:-30_000],
}  # fmt: skip
"""Files that are as long as their pictures."""


def opens_when_cut(kind: str) -> bool:
    """Whether a file of which the last twentieth is missing may be opened with what is there."""
    whole = UNPACKABLE[kind]()
    try:
        decode_image(whole[: len(whole) * 19 // 20], "photo")
    except Refusal as refusal:
        return bool(refusal.offer)
    return False


def test_readme_says_what_the_table_shows() -> None:
    said = {row[0]: row[1:] for row in table("What it opens")}
    assert set(said) == {row.kind for row in ROWS} == set(ENDINGS)
    for kind, cells in said.items():
        shown = {word for row in ROWS if row.kind == kind for word in row.shows.split()}
        assert {column for column, cell in zip(COLUMNS, cells, strict=False) if cell != NOTHING} == shown, kind
        depth, large, cut = (cell != NOTHING for cell in cells[len(COLUMNS) :])
        assert depth == (kind in WITH_DEPTH) and large == (kind in REDUCED) and cut == opens_when_cut(kind), kind
    for kind, build in WITH_DEPTH.items():
        assert [found.role for found in list_auxiliaries(build())] == ["depth"], kind
