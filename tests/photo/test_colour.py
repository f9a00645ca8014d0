"""Colour, wherever a file says it: what comes out is what the standards' arithmetic says."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from studio.config import ASSETS
from studio.nouns import Photo, Refusal
from studio.photo.colour.avif_samples import read_avif_samples
from studio.photo.colour.colour_conversion import GROUND, Raster, convert_raster
from studio.photo.colour.colour_tags import ADOBE_RGB, PRIMARIES, Colorimetry, read_cicp
from studio.photo.colour.tone_mapping import decode_hlg, decode_pq, encode_pq, roll_off
from studio.photo.crop import find_largest
from studio.photo.inspection import inspect_pixels
from studio.photo.intake.image_decoder import decode_image
from studio.photo.intake.isobmff import read_item_table
from tests.fakes.priority import ordinary_priority
from tests.photo import made

Numbers = NDArray[Any]

COLOURS = np.uint8([
    (230, 51, 26), (224, 172, 140), (128, 128, 128), (20, 20, 20), (255, 255, 255), (60, 120, 90), (40, 60, 160), (3, 2, 1),
])  # fmt: skip
"""sRGB colours of a photo: a red, a skin, greys, white, leaves, sky and the darkest."""
CHART = np.repeat(np.repeat(COLOURS[None], 64, 0), 16, 1)

FROM_709 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
"""Linear BT.2020 from BT.709 (ITU-R BT.2087-0, table 2)."""
TO_P3 = np.array([[0.8225, 0.1774, 0.0], [0.0332, 0.9669, 0.0], [0.0171, 0.0724, 0.9108]])
"""Linear Display P3 from sRGB, rounded (CSS Color 4, sample code)."""


def linear(levels: Numbers) -> Numbers:
    """Light of 8-bit sRGB levels (IEC 61966-2-1)."""
    value = np.asarray(levels) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def gamma(light: Numbers) -> Numbers:
    """sRGB's signal, 0..1, of light."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.clip(light, 0, None) ** (1 / 2.4) - 0.055)


def pq(light: Numbers) -> Numbers:
    """The PQ signal of light, 1 being 203 cd/m² (SMPTE ST 2084, 5.2), written out a second time."""
    power = np.clip(light * 203 / 10_000, 0, 1) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg(light: Numbers, luminance: Numbers) -> Numbers:
    """The HLG signal of display light, 1 being 203 cd/m² of a display of 1000 (BT.2100-3, table 5)."""
    shown = np.asarray(luminance) @ np.array([0.2627, 0.6780, 0.0593]) * 0.203
    scene = light * 0.203 * np.maximum(shown, 1e-9)[..., None] ** (1 / 1.2 - 1)
    curve = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), curve)


def heic(signal: Numbers, primaries: int, transfer: int, bits: int = 10, **options: Any) -> bytes:
    """A HEIC of R'G'B' signals of 0..1, kept without subsampling."""
    codes = np.rint(signal * ((1 << bits) - 1)).astype(np.uint16) << 16 - bits
    sink = io.BytesIO()
    pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
    codes8 = (codes >> 8).astype(np.uint8)
    mode, body = ("RGB", codes8) if bits == 8 else ("RGB;16", codes)
    file = pillow_heif.from_bytes(mode, signal.shape[1::-1], np.ascontiguousarray(body).tobytes())
    about = {"color_primaries": primaries, "transfer_characteristics": transfer, "matrix_coefficients": 9, "full_range_flag": 0}
    file.save(sink, quality=-1, chroma=444, **(about | options))
    pillow_heif.options.SAVE_HDR_TO_12_BIT = False
    return sink.getvalue()


def avif(signal: Numbers, primaries: int, transfer: int, bits: int = 10) -> bytes:
    """A lossless AVIF of R'G'B' signals whose codes are then written into its `colr` box."""
    codes = np.rint(signal * ((1 << bits) - 1)).astype(np.uint16 if bits > 8 else np.uint8)
    options = [cv2.IMWRITE_AVIF_DEPTH, bits, cv2.IMWRITE_AVIF_QUALITY, 100]
    data = cv2.imencode(".avif", codes[..., ::-1], options)[1].tobytes()
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def png(samples: Numbers, *extra: bytes) -> bytes:
    """A PNG of RGB or grey samples, 8 or 16 bits, with further chunks."""
    depth = 8 * samples.dtype.itemsize
    rows = b"".join(b"\0" + line.astype(f">u{depth // 8}").tobytes() for line in samples)
    return made.png(samples.shape[1], samples.shape[0], depth, 2 if samples.ndim == 3 else 0, rows, *extra)


def cicp(primaries: int, transfer: int, full: int = 1) -> bytes:
    return made.chunk(b"cICP", bytes([primaries, transfer, 0, full]))


def opened(data: bytes) -> tuple[Numbers, tuple[str, ...]]:
    """The colours in the middle of the chart's patches, and the notes."""
    got = decode_image(data, "x")
    return got.image[got.image.shape[0] // 2, 8::16].astype(int), got.photo.notes


def off(data: bytes, expected: Numbers = COLOURS) -> int:
    colours = opened(data)[0][: len(expected)]
    return int(np.abs(colours - np.asarray(expected)).max())


LIGHT = linear(CHART) @ FROM_709.T
PQ_NOTES = ("HDR (PQ) brought to SDR", "colours converted from BT.2020 to sRGB")
HLG_NOTES = ("HDR (HLG) brought to SDR", "colours converted from BT.2020 to sRGB")


def test_codes_name_a_colorimetry() -> None:
    assert read_cicp(9, 16)[::2] == ("BT.2020", "pq") and read_cicp(2, 2) == read_cicp(1, 13) == read_cicp(77, 255)


@pytest.mark.parametrize(
    ("data", "notes", "limit"),
    [
        (lambda: heic(pq(LIGHT), 9, 16), PQ_NOTES, 3),
        (lambda: heic(pq(LIGHT), 9, 16, bits=12), PQ_NOTES, 2),
        (lambda: heic(pq(LIGHT), 9, 16, full_range_flag=1), PQ_NOTES, 3),
        (lambda: heic(pq(LIGHT), 9, 16, matrix_coefficients=1), PQ_NOTES, 3),
        (lambda: heic(hlg(LIGHT, LIGHT), 9, 18), HLG_NOTES, 3),
        (lambda: avif(pq(LIGHT), 9, 16), PQ_NOTES, 2),
        (lambda: avif(pq(LIGHT), 9, 16, bits=12), PQ_NOTES, 1),
        (lambda: avif(hlg(LIGHT, LIGHT), 9, 18), HLG_NOTES, 2),
        (lambda: png(np.uint16(np.rint(pq(LIGHT) * 65535)), cicp(9, 16)), PQ_NOTES, 1),
        (lambda: png(np.uint16(np.rint(hlg(LIGHT, LIGHT) * 65535)), cicp(9, 18)), HLG_NOTES, 1),
        (lambda: png(np.uint16(np.rint(pq(linear(CHART)) * 65535)), cicp(1, 16)), PQ_NOTES[:1], 1),
        (lambda: png(np.uint16(np.rint((pq(LIGHT) * 219 + 16) * 256)), cicp(9, 16, 0)), PQ_NOTES, 1),
    ],
    ids=["heic", "heic12", "full", "matrix", "heic_hlg", "avif", "avif12", "avif_hlg", "png", "png_hlg", "png_srgb", "narrow"],
)
def test_hdr_under_reference_white_is_its_sdr_twin(data: Callable[[], bytes], notes: tuple[str, ...], limit: int) -> None:
    file = data()
    assert off(file) <= limit and opened(file)[1] == notes


def test_wide_gamuts_of_8_and_10_bits() -> None:
    p3, wide = gamma(linear(CHART) @ TO_P3.T), gamma(LIGHT)
    converted = ("colours converted from Display P3 to sRGB",)
    chunk = png(np.uint8(p3 * 255 + 0.5), cicp(12, 13))
    for file in (heic(p3, 12, 13), heic(p3, 12, 13, 8), avif(p3, 12, 13), avif(p3, 12, 13, 8), chunk):
        assert off(file) <= 3 and opened(file)[1] == converted
    assert off(avif(wide, 9, 1)) <= 2  # BT.709's transfer is shown as sRGB's
    plain = avif(CHART / 255, 1, 13)
    assert off(plain) <= 1 and opened(plain)[1] == ()
    assert off(avif(CHART / 255, 2, 2)) <= 1


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("matrix", "kr", "kb"), [(9, 0.2627, 0.0593), (1, 0.2126, 0.0722), (6, 0.299, 0.114)])
def test_an_avifs_matrix_and_range(matrix: int, kr: float, kb: float, full: bool) -> None:
    """One colour of 10-bit Y'CbCr of PQ, BT.2020: H.273's equations 20 to 64, and the codes in the AV1 stream alone."""
    y, cb, cr = 430, 490, 560
    scale = 1023 if full else 896
    luma, blue, red = y / 1023 if full else (y - 64) / 876, (cb - 512) / scale, (cr - 512) / scale
    r, b = luma + 2 * (1 - kr) * red, luma + 2 * (1 - kb) * blue
    signal = np.array([r, (luma - kr * r - kb * b) / (1 - kr - kb), b])
    expected = np.rint(gamma(np.clip(decode_pq(signal) @ np.linalg.inv(FROM_709).T, 0, 1)) * 255)
    data = flat_avif((y, cb, cr), matrix, full)
    for file in (data, data.replace(b"colr", b"free")) if matrix == 9 else (data,):
        assert np.abs(decode_image(file, "x").image[40, 40].astype(int) - expected).max() <= 2
        assert decode_image(file, "x").photo.notes == PQ_NOTES


def test_a_deep_avif_with_exif_and_transparency() -> None:
    """OpenCV refuses the one with EXIF; libavif's 8 bits are the second reader of a photo's edges and opacity."""
    clear = np.dstack([np.rint(pq(LIGHT) * 1023), np.full(LIGHT.shape[:2], 1023)])
    clear[:, :16, 3] = 0
    bgra = cv2.cvtColor(clear.astype(np.uint16), cv2.COLOR_RGBA2BGRA)
    data = cv2.imencode(".avif", bgra, [cv2.IMWRITE_AVIF_DEPTH, 10, cv2.IMWRITE_AVIF_QUALITY, 100])[1].tobytes()
    at = data.index(b"colrnclx") + 8
    data = data[:at] + struct.pack(">HH", 9, 16) + data[at + 4 :]
    got, notes = opened(data)
    assert tuple(got[0]) == GROUND and np.abs(got[1:] - COLOURS[1:]).max() <= 2
    assert notes == (*PQ_NOTES, "transparency laid over light grey")
    wide = made.picture(256, 192)
    for subsampling in ("4:4:4", "4:2:2", "4:2:0", "4:0:0"):
        file = made.saved(Image.fromarray(wide), "AVIF", quality=90, subsampling=subsampling, exif=made.located())
        deep = read_avif_samples(file, (256, 192))
        assert deep is not None
        assert np.abs(deep / 257 - np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))).mean() < 0.6


def flat_avif(codes: tuple[int, int, int], matrix: int, full: bool) -> bytes:
    """An AVIF of one 10-bit Y'CbCr colour, by SVT-AV1."""
    sink = io.BytesIO()
    with ordinary_priority(), av.open(sink, "w", format="avif") as box:
        stream: Any = box.add_stream("libsvtav1", rate=1)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p10le"
        stream.options = {"crf": "1", "preset": "10", "svtav1-params": "avif=1"}
        frame = av.VideoFrame(128, 96, "yuv420p10le")
        for plane, code in zip(frame.planes, codes, strict=True):
            np.frombuffer(plane, np.uint16)[:] = code  # type: ignore[call-overload]
        for one in (stream.codec_context, frame):
            one.color_primaries, one.color_trc, one.colorspace, one.color_range = 9, 16, matrix, 2 if full else 1
        for packet in [*stream.encode(frame), *stream.encode()]:
            box.mux(packet)
    return sink.getvalue()


def test_highlights_roll_off_and_no_hue_turns() -> None:
    """A ramp from black to 4000 cd/m² of each colour: grey keeps rising, and what lies far under white is as it was."""
    steps = np.linspace(0, 20, 512)
    for colour in ((1, 1, 1), (1.0, 0.62, 0.45), (1.0, 0.08, 0.04), (0.1, 0.2, 1.0)):
        light = np.outer(steps, colour) @ FROM_709.T
        white = np.full((1, 64, 3), 20.0)
        signal = np.concatenate([np.repeat(light[None], 63, 0), np.repeat(white, 8, 1)])
        image = convert_raster(Raster(np.uint16(pq(signal) * 65535), "rgb", colorimetry=read_cicp(9, 16)), [])
        row = image[30].astype(int)
        luminance = linear(row) @ [0.2126, 0.7152, 0.0722]
        assert (np.diff(luminance) >= -0.007).all() and (np.diff(row @ [1, 1, 1]) >= -3).all()
        assert np.abs(np.diff(row[8:], axis=0)).max() <= 12  # no step is seen
        low = (steps < 0.2).nonzero()[0]
        assert np.abs(row[low] - np.rint(gamma(np.outer(steps[low], colour)) * 255)).max() <= 1
        hues = np.degrees(np.array([oklab_hue(one) for one in row[20:] if one.max() - one.min() > 25]))
        assert not len(hues) or np.ptp(hues) < 14


def oklab_hue(levels: Numbers) -> float:
    """Ottosson's Oklab hue (https://bottosson.github.io/posts/oklab/)."""
    lms = np.array([[0.412221, 0.536333, 0.051446], [0.211904, 0.680700, 0.107397], [0.088302, 0.281719, 0.629979]])
    root = np.cbrt(lms @ linear(levels))
    a, b = np.array([[1.9779985, -2.4285922, 0.4505937], [0.0259040, 0.7827718, -0.8086758]]) @ root
    return float(np.arctan2(b, a))


def test_the_report_finds_nothing_new_in_an_hdr_photo() -> None:
    """A dog in the sun, its highlights spread to 1000 cd/m²: the same flaws are found as in its SDR twin, and no flatness."""
    twin = cv2.cvtColor(cv2.imread(str(ASSETS / "samples" / "dogs.jpg"), cv2.IMREAD_REDUCED_COLOR_4), cv2.COLOR_BGR2RGB)
    light = linear(twin)
    bright = np.clip((light @ [0.2126, 0.7152, 0.0722] - 0.6) / 0.4, 0, 1) ** 2
    signal = pq(light * (1 + 3.9 * bright)[..., None] @ FROM_709.T)
    found: list[set[str]] = []
    for image in (np.asarray(twin), decode_image(heic(signal, 9, 16), "x").image):
        photo = Photo("0" * 64, image.shape[1], image.shape[0])
        report = inspect_pixels(image, photo, find_largest(photo, "16:9"))
        found.append({finding.code for finding in report.findings if finding.level != "fine"})
    assert found[1] <= found[0] and "flat" not in found[1]


def test_the_curve() -> None:
    """As it is under its knee, rising to the end, the peak is white, and what has no highlights is left alone."""
    light = np.linspace(0, 5, 2001)
    bent = roll_off(light, 0.5, 5.0)
    assert bent[-1] == pytest.approx(1) and np.array_equal(bent[light <= 0.5], light[light <= 0.5])
    slopes = np.diff(bent) / np.diff(light)
    assert (np.diff(slopes) < 1e-9).all() and slopes[-1] > 0.01 and slopes[0] == pytest.approx(1)
    assert np.array_equal(roll_off(light, 0.5, 0.7), light)
    assert decode_pq(np.array(0.58)) * 203 == pytest.approx(201.7, abs=0.5)
    assert decode_pq(encode_pq(light)) == pytest.approx(light)
    assert decode_hlg(np.array([0.5, 1])) == pytest.approx([1 / 12, 1])


def test_a_profile_outranks_codes_and_codes_outrank_a_pngs_profile() -> None:
    """HEIF and AVIF: the ICC profile. PNG: cICP, then iCCP, sRGB, gAMA."""
    swapped, p3 = made.swapped_profile(), np.uint8(gamma(linear(CHART) @ TO_P3.T) * 255 + 0.5)
    exchanged = np.ascontiguousarray(CHART[..., [1, 0, 2]])
    sink = io.BytesIO()
    Image.fromarray(exchanged).save(sink, "AVIF", quality=100, subsampling="4:4:4", icc_profile=swapped)
    table = read_item_table(sink.getvalue())
    assert table and {content[:4] for kind, content in table.items[1].properties if kind == b"colr"} == {b"prof", b"nclx"}
    at = sink.getvalue().index(b"colrnclx") + 8
    both = sink.getvalue()[:at] + struct.pack(">HH", 12, 13) + sink.getvalue()[at + 4 :]
    assert off(both, COLOURS[:3]) <= 4
    profile = made.chunk(b"iCCP", b"x\0\0" + zlib.compress(swapped))
    gamut = made.chunk(b"gAMA", struct.pack(">I", 100_000))
    assert off(png(p3, cicp(12, 13), profile, gamut)) <= 3
    assert off(png(exchanged, profile, gamut), COLOURS[:3]) <= 4
    assert off(png(CHART, made.chunk(b"sRGB", b"\0"), gamut)) == 0


SRGB_POINTS = (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
ADOBE_POINTS = (31_270, 32_900, 64_000, 33_000, 21_000, 71_000, 15_000, 6_000)
"""White, red, green and blue as cHRM writes them: x and y in hundred-thousandths."""


def test_the_older_chunks_of_a_png() -> None:
    own = (31_270, 32_900, 70_000, 29_000, 18_000, 75_000, 14_000, 5_000)
    for points, name in ((ADOBE_POINTS, "Adobe RGB"), (own, "its own primaries")):
        to_own = np.linalg.inv(to_xyz(points)) @ to_xyz(SRGB_POINTS)
        stored = np.clip(linear(CHART) @ to_own.T, 0, 1) ** (1 / 2.2)
        chunks = made.chunk(b"gAMA", struct.pack(">I", 45_455)), made.chunk(b"cHRM", struct.pack(">8I", *points))
        for samples in (np.uint8(stored * 255 + 0.5), np.uint16(stored * 65535 + 0.5)):
            file = png(samples, *chunks)
            assert off(file, COLOURS[:-1]) <= 2 and opened(file)[1] == (f"colours converted from {name} to sRGB",)
    flat = np.uint16(linear(CHART) * 65535 + 0.5)
    file = png(flat, made.chunk(b"gAMA", struct.pack(">I", 100_000)))
    assert off(file) == 0 and opened(file)[1] == ("colours converted from gamma 1 to sRGB",)
    grey = png(flat[..., 0], made.chunk(b"gAMA", struct.pack(">I", 100_000)))
    assert off(grey, np.repeat(COLOURS[:, :1], 3, 1)) == 0
    assert off(png(CHART, made.chunk(b"gAMA", struct.pack(">I", 45_455)))) == 0
    for broken in (struct.pack(">8I", *[0] * 8), struct.pack(">8I", *[2**31 - 1] * 8)):
        assert off(png(CHART, made.chunk(b"gAMA", struct.pack(">I", 45_455)), made.chunk(b"cHRM", broken))) == 0


def to_xyz(points: tuple[int, ...]) -> Numbers:
    """RGB to XYZ from cHRM's numbers (SMPTE RP 177)."""
    x, y = np.array(points[0::2]) / 1e5, np.array(points[1::2]) / 1e5
    columns = np.array([x / y, np.ones(4), (1 - x - y) / y])
    return columns[:, 1:] * np.linalg.solve(columns[:, 1:], columns[:, 0])


def test_a_bmps_end_points_and_gamma() -> None:
    """BITMAPV4HEADER: XYZ of red, green and blue in 2.30 bits, gammas in 16.16. sRGB's own, with 2.2, change nothing."""
    for points, power, name in (
        (ADOBE_POINTS, 2.2, "colours converted from Adobe RGB to sRGB"),
        (SRGB_POINTS, 1.0, "colours converted from gamma 1 to sRGB"),
        (SRGB_POINTS, 2.2, ""),
    ):  # fmt: skip
        xyz = to_xyz(points)
        stored = np.clip(linear(CHART) @ (np.linalg.inv(xyz) @ to_xyz(SRGB_POINTS)).T, 0, 1) ** (1 / power)
        pixels = np.uint8(stored * 255 + 0.5) if name else CHART
        height, width = pixels.shape[:2]
        head = struct.pack("<IiiHHIIiiII", 108, width, -height, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(16) + struct.pack("<I", 0)
        head += struct.pack("<9I", *np.rint(xyz.T.ravel() * 2**30).astype(int)) + struct.pack("<3I", *[int(power * 65536)] * 3)
        file = b"BM" + struct.pack("<IHHI", 122 + pixels.size, 0, 0, 122) + head + pixels[..., ::-1].tobytes()
        limit = 14 if power == 1 else 2  # linear light in 8 bits is coarse in the darks
        assert off(file, COLOURS[:-1]) <= limit and opened(file)[1] == ((name,) if name else ())
    ends = [(x, y, 1 - x - y) for x, y in ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06))]
    numbers = struct.pack("<9I3I", *np.rint(np.ravel(ends) * 2**30).astype(int), *[29_789] * 3)
    at = 14 + 56 + 4
    assert off(file[:at] + numbers + file[at + 48 :]) == 0, "chromaticities and 1/2.2, as bmpsuite writes them"


def exif_tiff(pixels: Numbers, space: int, index: bytes) -> bytes:
    """An RGB TIFF with a colour space and an interoperability index in its EXIF, which Pillow can't write."""
    height, width = pixels.shape[:2]
    exif = 8 + 2 + 12 * 10 + 4 + 6
    start = exif + 2 + 24 + 4 + 2 + 12 + 4
    tags = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, exif - 6), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, start),
        (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, pixels.size), (34665, 4, 1, exif),
    ]  # fmt: skip
    main = struct.pack("<H", 10) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    inner = struct.pack("<HHHIIHHIII", 2, 0xA001, 3, 1, space, 0xA005, 4, 1, exif + 30, 0)
    last = struct.pack("<HHHI4sI", 1, 1, 2, 4, index, 0)
    return b"II*\0" + struct.pack("<I", 8) + main + struct.pack("<3H", 8, 8, 8) + inner + last + pixels.tobytes()


def test_the_oddities_of_jpegs() -> None:
    """Adobe's marker says what the channels are: 0 RGB or inks, 1 YCbCr, 2 YCCK; without it the components' names do."""
    sink = io.BytesIO()
    Image.fromarray(CHART).save(sink, "JPEG", quality=98, keep_rgb=True)
    assert off(sink.getvalue()) <= 2 and opened(sink.getvalue())[1] == ()
    inks = 255 - np.dstack([CHART, np.full(CHART.shape[:2], 255, np.uint8)])
    data = made.saved(Image.fromarray(inks, "CMYK"), "JPEG", quality=98)
    assert off(data) <= 3 and opened(data)[1] == ("CMYK inks converted to RGB",)
    at = data.index(b"Adobe") + 11
    assert data[at] == 0  # 2 is YCCK: Y'CbCr of the inks, and black inverted
    ycck = Image.merge("CMYK", (*Image.fromarray(255 - CHART).convert("YCbCr").split(), Image.new("L", CHART.shape[1::-1], 255)))
    stored = made.saved(Image.fromarray(255 - np.asarray(ycck), "CMYK"), "JPEG", quality=98)
    assert off(stored[:at] + b"\2" + stored[at + 1 :]) <= 3


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "HEIF", "TIFF"])
def test_adobe_rgb_by_exif_alone(kind: str) -> None:
    """DCF 2.0: ColorSpace 65535 and interoperability index R03. One mark without the other is no mark."""
    to_adobe = np.linalg.inv(to_xyz(ADOBE_POINTS)) @ to_xyz(SRGB_POINTS)
    stored = np.clip(linear(CHART) @ to_adobe.T, 0, 1) ** (256 / 563)
    choices = {"HEIF": {"quality": -1, "chroma": 444}, "WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    options: dict[str, Any] = choices.get(kind, {})
    for space, index, expected in ((65535, "R03", COLOURS[:-1]), (65535, "R98", None), (1, "R03", None)):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0xA001] = space
        exif.get_ifd(0x8769)[0xA005] = {1: index}
        picture = Image.fromarray(np.uint8(stored * 255 + 0.5))
        data = (
            exif_tiff(np.asarray(picture), space, index.encode())
            if kind == "TIFF"
            else made.saved(picture, kind, exif=exif, **options)
        )
        if kind == "HEIF":
            data = data.replace(b"colr", b"free")
        assert off(data, np.asarray(picture)[0, 8::16][:-1] if expected is None else expected) <= 4
        assert opened(data)[1] == (() if expected is None else (f"colours converted from {ADOBE_RGB.name} to sRGB",))


def test_a_profile_that_holds_codes_means_them() -> None:
    """As HDR exports of photo editors carry them: ICC.1:2022, 9.2.17."""
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    count = struct.unpack(">I", plain[128:132])[0]
    shifted = b"".join(
        plain[at : at + 4] + struct.pack(">I", struct.unpack(">I", plain[at + 4 : at + 8])[0] + 12) + plain[at + 8 : at + 12]
        for at in range(132, 132 + 12 * count, 12)
    )
    body = plain[132 + 12 * count :]
    entry = b"cicp" + struct.pack(">II", 132 + 12 * (count + 1) + len(body), 12)
    profile = plain[:128] + struct.pack(">I", count + 1) + shifted + entry + body + b"cicp" + bytes(4) + bytes([9, 16, 0, 1])
    profile = struct.pack(">I", len(profile)) + profile[4:]
    file = png(np.uint16(pq(LIGHT) * 65535 + 0.5), made.chunk(b"iCCP", b"x\0\0" + zlib.compress(profile)))
    assert off(file) <= 1 and opened(file)[1] == PQ_NOTES


def test_a_grid_and_a_turn_of_an_hdr_picture(tmp_path: Path) -> None:
    wide = np.concatenate([LIGHT, LIGHT], axis=1)
    tiled = heic(pq(wide), 9, 16, tile_size=128)
    assert (table := read_item_table(tiled)) and table.items[table.primary].kind == b"grid"
    assert off(tiled) <= 3 and opened(tiled)[1] == PQ_NOTES
    exif = Image.Exif()
    exif[0x0112] = 6
    up = heic(pq(LIGHT), 9, 16, exif=exif.tobytes())
    image = decode_image(up, "x").image
    assert image.shape == (128, 64, 3) and np.abs(image[8::16, 32].astype(int) - COLOURS).max() <= 3


def test_every_set_of_primaries_keeps_white() -> None:
    for name, points in PRIMARIES.values():
        white = np.full((64, 64, 3), 255, np.uint8)
        got = convert_raster(Raster(white, "rgb", colorimetry=Colorimetry(name, points, "gamma 2.2")), [])
        assert got.min() >= 254, name


def test_a_raster_of_any_depth_is_the_same_picture() -> None:
    picture = made.picture()
    for samples in (picture, picture * np.uint16(257), picture / np.float32(255)):
        notes: list[str] = []
        assert np.array_equal(convert_raster(Raster(samples, "rgb"), notes), picture) and notes == []
    assert np.array_equal(convert_raster(Raster(np.uint16([[0, 128, 129, 65535]]), "grey"), [])[0, :, 1], [0, 0, 1, 255])
    assert np.array_equal(convert_raster(Raster(np.uint16([[0, 512, 1023]]), "grey", bits=10), [])[0, :, 1], [0, 128, 255])


def test_a_raster_of_inks_and_of_lab() -> None:
    inks = np.zeros((2, 2, 4), np.uint16)
    inks[0, 0] = (65535, 0, 0, 0)
    assert convert_raster(Raster(inks, "cmyk"), [])[0].tolist() == [[0, 255, 255], [255, 255, 255]]
    lab = np.float32([[[54.29, 80.81, 69.89], [50, 0, 0], [100, 0, 0]]])  # sRGB's red, adapted to D50, by Lindbloom's calculator
    got = convert_raster(Raster(lab, "lab"), []).astype(int)[0]
    assert np.abs(got - [[255, 0, 0], [119, 119, 119], [255, 255, 255]]).max() <= 1


def test_a_rasters_transparency_is_laid_over_the_ground() -> None:
    samples = np.full((4, 4, 4), 65535, np.uint16)
    samples[0, 0, 3] = 0
    for colorimetry in (Colorimetry("sRGB"), read_cicp(12, 13)):
        notes: list[str] = []
        image = convert_raster(Raster(samples, "rgb", alpha=True, colorimetry=colorimetry), notes)
        assert tuple(image[0, 0]) == GROUND and image[1, 1].min() == 255 and notes[-1] == "transparency laid over light grey"
    with pytest.raises(Refusal):
        convert_raster(Raster(samples * np.uint16(0), "rgb", alpha=True), [])


@pytest.mark.parametrize("width", [65, 66, 71, 74, 80])
def test_a_deep_picture_of_any_width_keeps_its_rows(width: int) -> None:
    """Decoders pad rows to whole blocks of bytes, which aren't whole pixels."""
    picture = made.picture(width, 66)
    light = linear(picture) @ FROM_709.T
    codes = np.rint(pq(light) * 65535).astype(np.uint16)
    files = {"HEIC": heic(pq(light), 9, 16), "AVIF": avif(pq(light), 9, 16), "PNG": png(codes, cicp(9, 16))}
    steps = {kind: np.abs(decode_image(data, "x").image.astype(int) - picture).mean() for kind, data in files.items()}
    # None of them loses anything; what has brighter surroundings bends a little.
    assert max(steps.values()) < 3, steps
