"""Masks and depth maps from files: every depth keeps its levels, alpha counts, and a phone's turn is undone."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from studio.cli.motion_arguments import read_brush
from studio.nouns import Refusal
from studio.photo.brush_mask import decode_brush
from studio.photo.intake import grey_picture
from tests.photo import made

LEVELS = np.array([0, 0.02, 0.25, 0.5, 1], np.float64)
ROW = np.tile(LEVELS, (64, 1)).repeat(16, axis=1)
DEEP = np.rint(ROW * 65535).astype(np.uint16)
EIGHT = np.rint(ROW * 255).astype(np.uint8)


def saved(values: np.ndarray, kind: str = "PNG", mode: str = "", **options: object) -> bytes:
    image = Image.fromarray(values)
    return made.saved(image.convert(mode) if mode else image, kind, **options)


def painted(mode: str, kind: str = "PNG", **options: object) -> bytes:
    """White painted on nothing: the colour is white everywhere, only alpha says where."""
    image = Image.merge("LA", (Image.new("L", EIGHT.shape[::-1], 255), Image.fromarray(EIGHT)))
    if mode == "P":
        image = Image.fromarray(np.tile(np.arange(5, dtype=np.uint8), (64, 1)).repeat(16, axis=1), "P")
        image.putpalette([255] * 15)
        return made.saved(image, kind, transparency=bytes(np.rint(LEVELS * 255).astype(np.uint8)))
    return made.saved(image.convert(mode), kind, **options)


def wide(kind: str, alpha: bool) -> bytes:
    """Colours of 16 bits a channel, or white of that depth on nothing."""
    channels = [np.full_like(DEEP, 65535)] * 3 + [DEEP] if alpha else [DEEP] * 3
    return cv2.imencode(kind, np.dstack(channels))[1].tobytes()


def written(values: np.ndarray, **options: Any) -> bytes:
    sink = io.BytesIO()
    tifffile.imwrite(sink, values, metadata=None, **options)
    return sink.getvalue()


KINDS: dict[str, Callable[[], bytes]] = {
    "8-bit grey": lambda: saved(EIGHT),
    "16-bit grey PNG": lambda: saved(DEEP),
    "16-bit grey TIFF": lambda: saved(DEEP, "TIFF"),
    "16-bit grey TIFF, white is zero": lambda: saved(65535 - DEEP, "TIFF", tiffinfo={262: 0}),
    "32-bit grey TIFF": lambda: saved(DEEP.astype(np.int32), "TIFF"),
    "floating point of 0..1": lambda: saved(ROW.astype(np.float32), "TIFF"),
    "floating point of 0..255": lambda: saved((ROW * 255).astype(np.float32), "TIFF"),
    "floating point of metres": lambda: saved((ROW * 900 - 3).astype(np.float32), "TIFF"),
    "floating point of half precision": lambda: written(ROW.astype(np.float16)),
    "floating point of double precision, big-endian": lambda: written(ROW, byteorder=">", compression="zlib"),
    "16-bit colours in planes": lambda: written(np.stack([DEEP] * 3), planarconfig="separate", photometric="rgb"),
    "16-bit colours": lambda: wide(".png", alpha=False),
    "16-bit white on nothing, TIFF": lambda: wide(".tiff", alpha=True),
    "16-bit white on nothing": lambda: wide(".png", alpha=True),
    "8-bit colours": lambda: saved(EIGHT, "PNG", "RGB"),
    "JPEG": lambda: saved(EIGHT, "JPEG", quality=100),
    "WebP": lambda: saved(EIGHT, "WEBP", "RGB", lossless=True),
    "white on nothing, grey": lambda: painted("LA"),
    "white on nothing, colours": lambda: painted("RGBA"),
    "white on nothing, WebP": lambda: painted("RGBA", "WEBP", lossless=True, exact=True),
    "white on nothing, palette": lambda: painted("P"),
    "palette": lambda: saved(EIGHT, "PNG", "P"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_levels_are_shares_of_what_their_kind_can_hold(kind: str) -> None:
    found = grey_picture.read_grey(KINDS[kind]())
    assert found.dtype == np.float32 and np.abs(found - ROW).max() < (0.02 if kind == "JPEG" else 0.003)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_mark_of_orientation_is_undone(kind: str, orientation: int) -> None:
    found = grey_picture.read_grey(made.turned(orientation, kind))
    upright = grey_picture.read_grey(made.plain(kind))
    assert found.shape == upright.shape and np.abs(found - upright).mean() < 0.02


def test_what_is_no_number_is_far_and_black() -> None:
    values = ROW.astype(np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    found = grey_picture.read_grey(saved(values, "TIFF"))
    assert not found[0, :3].any() and np.abs(found[1:] - ROW[1:]).max() < 0.003


def test_the_command_line_reads_a_brush_as_it_was_painted(tmp_path: Path) -> None:
    for name, data in (("deep.png", saved(DEEP)), ("clear.png", painted("RGBA")), ("flat.tiff", saved(DEEP, "TIFF"))):
        (tmp_path / name).write_bytes(data)
        mask = decode_brush(read_brush(tmp_path / name))
        assert mask is not None and np.abs(mask - ROW).max() < 0.01, name


REFUSED = {
    "nothing painted": (saved(np.zeros((9, 9), np.uint8)), "black all over"),
    "no picture": (b"hello", "can't be read"),
    "half a picture": (saved(DEEP)[:60], "can't be read"),
    "a bomb": (made.png(30_000, 30_000, 8, 0, bytes(1000)), "50 megapixels"),
    "a drawing": (b"<svg/>", "can't be read"),
    "too much detail": (
        saved(np.random.default_rng(1).integers(0, 256, (256, 256)).astype(np.uint8)), "too much detail"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_marks_nothing_is_refused_with_its_reason(case: str, tmp_path: Path) -> None:
    data, words = REFUSED[case]
    (tmp_path / "mask.png").write_bytes(data)
    with pytest.raises(Refusal, match=words) as refused:
        read_brush(tmp_path / "mask.png")
    assert refused.value.remedy


def test_damage_is_never_more_than_a_refusal() -> None:
    for kind in KINDS:
        data = KINDS[kind]()
        for seed in range(6):
            for hurt in (made.damaged(data, seed), made.cut_short(data, (seed + 1) / 8)):
                try:
                    found = grey_picture.read_grey(hurt, 10_000)
                except (ValueError, OverflowError):
                    continue
                assert found.ndim == 2 and np.isfinite(found).all()


def test_the_header_alone_says_that_there_is_too_much() -> None:
    with pytest.raises(OverflowError):
        grey_picture.read_grey(made.saved(Image.new("L", (300, 300)), "PNG"), 300 * 299)
    assert grey_picture.read_grey(made.plain("PNG")).shape == (made.H, made.W)
