"""Wide-gamut and HDR photos beside their SDR twins: how far they are apart, what the report says of them, and what they cost.

The twin's light is spread above white, as a scene's is: its highlights go up to 1000 or 4000 cd/m². What lies well under white
must come out as it was. The files are PQ and HLG in HEIC, AVIF and PNG and Display P3; a contact sheet of them is written into
the folder that STIR_BENCH_SHEETS names, or a temporary one. `python -m bench hdr`.
"""

from __future__ import annotations

import os
import statistics
import struct
import tempfile
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image as Pillow

from bench.album import pictures
from bench.clips import RUNS, scratch, table, verdict
from studio.nouns import Photo
from studio.photo.colour.tone_mapping import encode_pq
from studio.photo.crop import find_largest
from studio.photo.inspection import inspect_pixels
from studio.photo.intake.image_decoder import decode_image

Image = NDArray[np.uint8]
Floats = NDArray[Any]

MOST = 1.5
"""Times that opening a 12-megapixel 10-bit HDR HEIC may take of its SDR twin's."""
SHOWN = ("astronaut", "dogs", "grace_hopper", "flower", "sunset", "coffee", "rocket")
SIDE = 640  # pixels of a picture on the sheet
DIM = 0.45  # of white: what is darker lies under the curve's knee
TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
TO_P3 = np.array([[0.8225, 0.1774, 0.0], [0.0332, 0.9669, 0.0], [0.0171, 0.0724, 0.9108]])


def linear(image: Image) -> Floats:
    """Light of 8-bit sRGB, 1 for white."""
    value = image / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def spread(light: Floats, peak: float) -> Floats:
    """The light of a scene whose highlights were cut to make its twin: from 0.6 of white on up to `peak` times white."""
    luminance = light @ [0.2126, 0.7152, 0.0722]
    share = np.clip((luminance - 0.6) / 0.4, 0, 1) ** 2
    return light * (1 + (peak - 1) * share)[..., None]


def hlg(light: Floats) -> Floats:
    """HLG's signal (BT.2100) for a display of 1000 cd/m²."""
    shown = np.clip(light * 0.203, 0, 1)
    scene = shown * np.maximum(shown @ [0.2627, 0.6780, 0.0593], 1e-9)[..., None] ** (1 / 1.2 - 1)
    high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.clip(np.where(scene <= 1 / 12, np.sqrt(3 * scene), high), 0, 1)


def heic(signal: Floats, primaries: int, transfer: int, quality: int = 95) -> bytes:
    """A 10-bit HEIC."""
    codes = np.rint(np.clip(signal, 0, 1) * 1023).astype(np.uint16) << 6
    file, place = pillow_heif.from_bytes("RGB;16", signal.shape[1::-1], codes.tobytes()), scratch("hdr.heic")
    about = {"color_primaries": primaries, "transfer_characteristics": transfer, "matrix_coefficients": 9, "full_range_flag": 0}
    file.save(place, quality=quality, **about)
    return place.read_bytes()


def avif(signal: Floats, primaries: int, transfer: int) -> bytes:
    """A 10-bit AVIF, its codes written into it by hand."""
    codes = np.rint(np.clip(signal, 0, 1) * 1023).astype(np.uint16)
    data = cv2.imencode(".avif", codes[..., ::-1], [cv2.IMWRITE_AVIF_DEPTH, 10, cv2.IMWRITE_AVIF_QUALITY, 95])[1].tobytes()
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def png(signal: Floats, primaries: int, transfer: int) -> bytes:
    """A 16-bit PNG with a cICP chunk."""
    codes = np.rint(np.clip(signal, 0, 1) * 65535).astype(np.uint16)
    data = cv2.imencode(".png", codes[..., ::-1])[1].tobytes()
    body = b"cICP" + bytes([primaries, transfer, 0, 1])
    return data[:33] + struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body)) + data[33:]


def encode_gamma(light: Floats) -> Floats:
    """sRGB's signal of light."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


KINDS: dict[str, Callable[[Floats], bytes]] = {
    "HEIC, PQ to 203 cd/m²": lambda light: heic(encode_pq(light @ TO_2020.T), 9, 16),
    "HEIC, PQ to 1000 cd/m²": lambda light: heic(encode_pq(spread(light, 1000 / 203) @ TO_2020.T), 9, 16),
    "AVIF, PQ to 4000 cd/m²": lambda light: avif(encode_pq(spread(light, 4000 / 203) @ TO_2020.T), 9, 16),
    "HEIC, HLG to 1000 cd/m²": lambda light: heic(hlg(spread(light, 1000 / 203) @ TO_2020.T), 9, 18),
    "PNG, PQ to 1000 cd/m²": lambda light: png(encode_pq(spread(light, 1000 / 203) @ TO_2020.T), 9, 16),
    "HEIC, Display P3": lambda light: heic(encode_gamma(light @ TO_P3.T), 12, 13),
}


def fit(image: Image) -> Image:
    scale = SIDE / max(image.shape[:2])
    size = (round(image.shape[1] * scale) // 2 * 2, round(image.shape[0] * scale) // 2 * 2)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def complain(image: Image) -> set[str]:
    """What the report finds wrong in the pixels."""
    photo = Photo("0" * 64, image.shape[1], image.shape[0])
    report = inspect_pixels(image, photo, find_largest(photo, "16:9"))
    return {finding.code for finding in report.findings if finding.level != "fine"}


def measure(name: str, twin: Image) -> tuple[list[list[str]], Image]:
    """A photo's rows, and its strip of the sheet: the twin, then every kind."""
    light = linear(twin)
    dim = (light @ [0.2126, 0.7152, 0.0722] < DIM) & (light.max(axis=-1) < 0.98)
    before = complain(twin)
    rows, strip = [], [twin]
    for kind, make in KINDS.items():
        image = decode_image(make(light), "photo").image
        steps = np.abs(image.astype(np.int16) - twin)[dim]
        said = ", ".join(sorted(complain(image) - before)) or "nothing more"
        rows.append(
            [
                name,
                kind,
                f"{steps.mean():.2f}",
                f"{np.percentile(steps, 99):.0f}",
                f"{image.mean():.0f} / {twin.mean():.0f}",
                said,
            ]
        )
        strip.append(image)
    return rows, np.concatenate(strip, axis=1)


def make_sheet(strips: list[Image]) -> Path:
    """All strips under one another, in a PNG."""
    wide = max(strip.shape[1] for strip in strips)
    sheet = np.concatenate([np.pad(strip, ((0, 8), (0, wide - strip.shape[1]), (0, 0))) for strip in strips])
    folder = Path(os.environ.get("STIR_BENCH_SHEETS") or tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(sheet).save(folder / "hdr.png")
    return folder / "hdr.png"


def measure_time() -> tuple[str, ...]:
    """Seconds to open 12 megapixels: an SDR HEIC and its HDR twin, in turns."""
    twin = cv2.resize(pictures()["dogs"](), (4000, 3000), interpolation=cv2.INTER_CUBIC)
    hdr = heic(encode_pq(spread(linear(twin), 1000 / 203) @ TO_2020.T), 9, 16, quality=80)
    place = scratch("sdr.heic")
    pillow_heif.from_bytes("RGB", (4000, 3000), twin.tobytes()).save(place, quality=80)
    works = {"sdr": partial(decode_image, place.read_bytes(), "photo"), "hdr": partial(decode_image, hdr, "photo")}
    took: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(RUNS):
        for name, work in works.items():
            begun = time.perf_counter()
            work()
            took[name].append(time.perf_counter() - begun)
    sdr, wide = (statistics.median(took[name]) for name in ("sdr", "hdr"))
    return f"{sdr:.2f} s", f"{wide:.2f} s", verdict(wide / sdr, MOST)


def run() -> None:
    rows, strips = [], []
    album = pictures()
    for name in SHOWN:
        found, strip = measure(name, fit(album[name]()))
        rows += found
        strips.append(strip)
    head = ("photo", "file", "mean step under the knee", "99th percentile", "mean level / twin's", "the report adds")
    table("HDR and wide gamut beside the SDR twin, levels of 255", head, [tuple(row) for row in rows])
    print(f"\nTheir contact sheet, the twin first, then in the table's order: {make_sheet(strips)}")
    table("Opening 12 megapixels of 10-bit HDR HEIC", ("SDR twin", "HDR", "ratio"), [measure_time()])
