"""Mends: how much of a spoilt photo they bring back, and what they cost beside decoding it.

Photos are spoilt in known ways, mended at the amount that is offered, and compared with what they were.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bench.clips import table
from studio.config import ASSETS
from studio.nouns import Mend, MendName
from studio.photo.mend import apply_mends, describe_upscaler

Image = NDArray[np.uint8]

AMOUNT = 0.5
SIDE = 1200
"""What is mended for the tables of likeness: the middle of each sample, in its own pixels, at most this wide and high."""

SIZES = {1: (1224, 816), 6: (3000, 2000), 24: (6000, 4000)}
"""Megapixels, and the width and height that stand for them."""

QUICK: tuple[MendName, ...] = ("denoise", "deblock", "contrast", "background")


def samples() -> dict[str, Image]:
    """The middle of every sample photograph, its sides even."""
    found: dict[str, Image] = {}
    for file in sorted((ASSETS / "samples").glob("*.jpg")):
        whole = np.asarray(Pillow.open(file).convert("RGB"), np.uint8)
        high, wide = (min(side, SIDE) // 2 * 2 for side in whole.shape[:2])
        top, left = (whole.shape[0] - high) // 2, (whole.shape[1] - wide) // 2
        found[file.stem] = np.ascontiguousarray(whole[top : top + high, left : left + wide])
    return found


def noisy(image: Image, sigma: float) -> Image:
    """Even noise of a deviation, in all three colours."""
    noise = np.random.default_rng(1).normal(0, sigma, image.shape)
    return np.rint(np.clip(image + noise, 0, 255)).astype(np.uint8)


def jpeg(image: Image, quality: int) -> Image:
    """Compressed and read again."""
    sink = io.BytesIO()
    Pillow.fromarray(image).save(sink, "JPEG", quality=quality)
    return np.asarray(Pillow.open(sink), np.uint8)


def flat(image: Image) -> Image:
    """Half the contrast."""
    return np.rint(image * 0.5 + 64).astype(np.uint8)


SPOILT: dict[str, tuple[MendName, Callable[[Image], Image]]] = {
    "noise of 15 levels": ("denoise", lambda image: noisy(image, 15)),
    "noise of 25 levels": ("denoise", lambda image: noisy(image, 25)),
    "JPEG at quality 10": ("deblock", lambda image: jpeg(image, 10)),
    "JPEG at quality 30": ("deblock", lambda image: jpeg(image, 30)),
    "half the contrast": ("contrast", flat),
}


def likeness(image: Image, clean: Image) -> str:
    """PSNR in dB and SSIM."""
    same = float(np.mean(structural_similarity(clean, image, channel_axis=2)))
    return f"{peak_signal_noise_ratio(clean, image):.1f} dB / {same:.3f}"


def sharpness(image: Image) -> float:
    """The deviation of the Laplacian of the brightness."""
    return float(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_32F).std())


def restored(clean: dict[str, Image]) -> None:
    """What comes back of noise, blocks and flatness."""
    rows: list[tuple[str, ...]] = []
    for name, image in clean.items():
        row = [name]
        for mend, spoil in SPOILT.values():
            spoilt = spoil(image)
            row.append(f"{likeness(spoilt, image)} → {likeness(apply_mends(spoilt, (Mend(mend, AMOUNT),)), image)}")
        rows.append(tuple(row))
    title = f"Mends at {AMOUNT}: PSNR / SSIM against the clean photo, spoilt → mended"
    table(title, ("photo", *(f"{how} ({mend})" for how, (mend, _) in SPOILT.items())), rows)


def enlarged(clean: dict[str, Image]) -> None:
    """Upscaling against Lanczos and against the network by itself, on photos halved first."""
    rows: list[tuple[str, ...]] = []
    for name, image in clean.items():
        image = np.ascontiguousarray(image[:480, :640])
        small = np.asarray(cv2.resize(image, (320, 240), interpolation=cv2.INTER_AREA), np.uint8)
        row = [name]
        for amount in (0.0, AMOUNT, 1.0):
            large = apply_mends(small, (Mend("upscale", amount),))
            row.append(f"{likeness(large, image)} / {sharpness(large) / sharpness(image):.2f}")
        rows.append(tuple(row))
    title = (
        f"Upscale ({describe_upscaler().value}): photos halved and enlarged again, PSNR / SSIM / sharpness (the photo's own is 1)"
    )
    table(title, ("photo", "Lanczos (0)", f"half and half ({AMOUNT})", "all network (1)"), rows)


def seconds(work: Callable[[], object], runs: int) -> float:
    """The fastest of some runs."""
    took: list[float] = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return min(took)


def timed() -> None:
    """What each mend costs, as often as decoding the photo's JPEG."""
    source = np.asarray(Pillow.open(ASSETS / "samples" / "fig.jpg").convert("RGB"), np.uint8)
    rows: list[tuple[str, ...]] = []
    for megapixels, size in SIZES.items():
        image = np.asarray(cv2.resize(source, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        sink = io.BytesIO()
        Pillow.fromarray(image).save(sink, "JPEG", quality=92)
        decode = seconds(lambda sink=sink: np.asarray(Pillow.open(sink).convert("RGB")), 5)
        row = [f"{megapixels} MP", f"{decode:.2f} s"]
        for name in QUICK:
            took = seconds(lambda image=image, name=name: apply_mends(image, (Mend(name, AMOUNT),)), 3)
            row.append(f"{took:.2f} s, {took / decode:.1f}")
        if megapixels <= 6:
            took = seconds(lambda image=image: apply_mends(image, (Mend("upscale", AMOUNT),)), 1)
            row.append(f"{took:.1f} s, {took / decode:.0f}")
        else:
            row.append("refused")
        rows.append(tuple(row))
    table("Time of each mend, and how many decodings of the same JPEG it takes", ("size", "decode", *QUICK, "upscale"), rows)


def run() -> None:
    """All three tables."""
    clean = samples()
    restored(clean)
    enlarged(clean)
    timed()
