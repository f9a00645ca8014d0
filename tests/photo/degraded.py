"""The labelled set of the photo doctor: clean photographs, and the same ones spoiled in known ways.

Knows how to do to a photo what happens to photos: a shake, a messenger's JPEG, a high ISO, a wrong exposure, haze, a small copy,
a caption, a strong vignette, a heavy HDR filter; and what a careful photographer does, which is no flaw. All that is spoiled is
saved as a JPEG of quality 92 again, as people's photos are. The same in gives the same out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Change = Callable[[Image], Image]


class Flaw(NamedTuple):
    """One way to spoil a photo: the code that must be found, how strong it is, and how it is done."""

    code: str
    strength: str
    spoil: Change


def jpeg(image: Image, quality: int) -> Image:
    """Through a JPEG of a quality, 4:2:0 as everyone writes it."""
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def _bytes(values: NDArray[np.floating]) -> Image:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def _scale(image: Image) -> float:
    """Pixels of this photo for one of a 1080 px copy: a blur is as strong as it looks, not as many pixels as it has."""
    return min(image.shape[:2]) / 1080


def resized(image: Image, times: float) -> Image:
    """The photo at another size."""
    size = (max(1, round(image.shape[1] * times)), max(1, round(image.shape[0] * times)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA if times < 1 else cv2.INTER_CUBIC), np.uint8)


def blurred(radius: float) -> Change:
    """Out of focus everywhere: a Gaussian of this deviation in pixels of a 1080 px copy."""
    return lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), radius * max(_scale(image), 0.8)), np.uint8)


def shaken(length: float) -> Change:
    """Camera shake: a slanted line of this length in pixels of a 1080 px copy."""

    def spoil(image: Image) -> Image:
        side = max(3, round(length * max(_scale(image), 0.8))) | 1
        kernel = np.zeros((side, side), np.float32)
        cv2.line(kernel, (0, side // 4), (side - 1, side - 1 - side // 4), 1.0, 1, cv2.LINE_AA)
        return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT), np.uint8)

    return spoil


def messenger(quality: int, times: float = 1.0, shift: tuple[int, int] = (0, 0)) -> Change:
    """A JPEG of low quality, perhaps resized a little or cut afterwards, so that its blocks lie elsewhere."""

    def spoil(image: Image) -> Image:
        bad = jpeg(image, quality)[shift[1] :, shift[0] :]
        return resized(bad, times) if times != 1 else np.ascontiguousarray(bad)

    return spoil


@cache
def _noise(shape: tuple[int, ...]) -> NDArray[np.float32]:
    noise = np.random.default_rng(7).normal(0, 1, shape).astype(np.float32)
    return 0.8 * noise.mean(axis=2, keepdims=True) * 3**0.5 + 0.6 * noise


def noisy(sigma: float, grain: float = 0.0) -> Change:
    """A high ISO: noise of this deviation, more in the mid-tones than in black and white; `grain` makes it coarser (pixels)."""

    def spoil(image: Image) -> Image:
        noise = _noise(image.shape)
        if grain:
            noise = cv2.GaussianBlur(noise, (0, 0), grain)
            noise /= float(noise.std())
        share = 0.6 + 0.4 * np.sin(np.pi * image.mean(axis=2, keepdims=True) / 255)
        return _bytes(image + sigma * share * noise)

    return spoil


def overexposed(share: float) -> Change:
    """Exposed until two of the three colours are at their end in this share of the picture."""

    def spoil(image: Image) -> Image:
        linear = (image.astype(np.float32) / 255) ** 2.2
        light = np.sort(linear, axis=2)[..., 1]
        gain = 1 / max(float(np.quantile(light, 1 - share)), 0.02)
        return _bytes(255 * np.minimum(linear * max(gain, 1.0) * 1.1, 1) ** (1 / 2.2))

    return spoil


def crushed(share: float) -> Change:
    """Shadows pulled down until this share of the picture is black."""

    def spoil(image: Image) -> Image:
        values = image.astype(np.float32)
        black = float(np.quantile(values.max(axis=2), share))
        return _bytes((values - black) * 255 / max(255 - black, 60))

    return spoil


def flattened(share: float, towards: float = 125.0) -> Change:
    """A veil: this share of the contrast is left, about one grey (haze is lighter)."""
    return lambda image: _bytes(towards + (image.astype(np.float32) - image.mean()) * share)


def shrunk(short: int) -> Change:
    """A small copy with this short side."""
    return lambda image: resized(image, short / min(image.shape[:2]))


def captioned(words: str, height: float, top: float) -> Change:
    """Words set across the photo in white with a dark edge: letters this high, at this height of the photo (fractions)."""

    def spoil(image: Image) -> Image:
        made = np.ascontiguousarray(image.copy())
        font, size = cv2.FONT_HERSHEY_DUPLEX, height * image.shape[0] / 22
        width = cv2.getTextSize(words, font, size, 1)[0][0]
        size *= min(1.0, 0.9 * image.shape[1] / width)
        width = cv2.getTextSize(words, font, size, 1)[0][0]
        place = ((image.shape[1] - width) // 2, round(top * image.shape[0]))
        thick = max(1, round(size * 1.6))
        cv2.putText(made, words, place, font, size, (15, 15, 15), thick * 2, cv2.LINE_AA)
        cv2.putText(made, words, place, font, size, (250, 250, 250), thick, cv2.LINE_AA)
        return made

    return spoil


def vignetted(left: float, start: float = 0.25) -> Change:
    """Corners darkened until this share of their light is left; the middle, out to `start` of the diagonal, stays."""

    def spoil(image: Image) -> Image:
        height, width = image.shape[:2]
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
        far = np.hypot(x * width, y * height) / np.hypot(width, height)
        fall = 1 - (1 - left) * np.clip((far - start) / (1 - start), 0, 1) ** 1.5
        return _bytes(image * fall[..., None])

    return spoil


def overcooked(strength: float) -> Change:
    """A heavy HDR filter: local contrast at two scales, shadows lifted, highlights held, colours turned up."""

    def spoil(image: Image) -> Image:
        lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        light = lab[..., 0]
        wide, fine = (cv2.GaussianBlur(light, (0, 0), part * min(image.shape[:2])) for part in (0.03, 0.006))
        base = 50 + (wide - 50) * (1 - 0.35 * strength)
        lab[..., 0] = np.clip(base + (light - wide) * (1 + 0.9 * strength) + (light - fine) * 0.5 * strength, 0, 100)
        lab[..., 1:] *= 1 + 0.45 * strength
        return _bytes(255 * cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))

    return spoil


def saved(change: Change) -> Change:
    """The same, saved as a good JPEG afterwards."""
    return lambda image: jpeg(change(image), 92)


def toned(gamma: float, contrast: float = 1.0) -> Change:
    """A little darker (gamma over 1) or lighter, with a little less or more contrast: what anyone may do to a photo."""

    def change(image: Image) -> Image:
        values = 255 * (image.astype(np.float32) / 255) ** gamma
        return _bytes(values.mean() + (values - values.mean()) * contrast)

    return change


def on_a_backdrop(image: Image, subject: NDArray[np.floating], level: int) -> Image:
    """What is subject (h, w, 0..1) of a photo before an even backdrop of this level, as in a studio."""
    share = np.clip((subject - 0.3) / 0.4, 0, 1)[..., None]
    return _bytes(level + (image.astype(np.float32) - level) * share)


def before_a_blur(image: Image, subject: NDArray[np.floating]) -> Image:
    """What is subject of a photo, sharp as it is, before a background far out of focus, as from a fast lens."""
    share = np.clip(subject * 1.5, 0, 1)[..., None]
    far = cv2.GaussianBlur(image, (0, 0), 12 * max(_scale(image), 0.4)).astype(np.float32)
    return _bytes(far + (image.astype(np.float32) - far) * share)


CARE: tuple[tuple[str, Change], ...] = (
    ("as it is", lambda image: image),
    ("quality 85", lambda image: jpeg(image, 85)),
    ("three quarters the size", lambda image: resized(image, 0.75)),
    ("a third larger", saved(lambda image: resized(image, 1.33))),
    ("darker", saved(toned(1.2))),
    ("lighter", saved(toned(0.85))),
    ("less contrast", saved(toned(1.0, 0.88))),
    ("more contrast", saved(toned(1.0, 1.12))),
    ("a faint vignette", saved(vignetted(0.85))),
)
"""What careful people do to photos: none of it is a flaw."""

FLAWS: tuple[Flaw, ...] = (
    Flaw("soft", "Gaussian 2.5", saved(blurred(2.5))),
    Flaw("soft", "Gaussian 4", saved(blurred(4))),
    Flaw("soft", "Gaussian 7", saved(blurred(7))),
    Flaw("soft", "shake 24", saved(shaken(24))),
    Flaw("blocks", "quality 10", messenger(10)),
    Flaw("blocks", "quality 18", messenger(18)),
    Flaw("blocks", "quality 10, cut", messenger(10, shift=(3, 5))),
    Flaw("blocks", "quality 10, at 0.9", saved(messenger(10, 0.9))),
    Flaw("blocks", "quality 10, at 1.15", saved(messenger(10, 1.15))),
    Flaw("noise", "12", saved(noisy(12))),
    Flaw("noise", "20", saved(noisy(20))),
    Flaw("noise", "35", saved(noisy(35))),
    Flaw("noise", "16, coarse", saved(noisy(16, 0.8))),
    Flaw("clipped", "20 % blown", saved(overexposed(0.20))),
    Flaw("clipped", "35 % blown", saved(overexposed(0.35))),
    Flaw("clipped", "25 % black", saved(crushed(0.25))),
    Flaw("clipped", "40 % black", saved(crushed(0.40))),
    Flaw("flat", "45 %", saved(flattened(0.45))),
    Flaw("flat", "30 %", saved(flattened(0.30))),
    Flaw("flat", "45 %, haze", saved(flattened(0.45, 185))),
    Flaw("hdr", "1.2", saved(overcooked(1.2))),
    Flaw("hdr", "2", saved(overcooked(2.0))),
    Flaw("vignette", "35 % left", saved(vignetted(0.35))),
    Flaw("vignette", "20 % left", saved(vignetted(0.20))),
    Flaw("vignette", "10 % left, tight", saved(vignetted(0.10, 0.5))),
    Flaw("small", "640 px", saved(shrunk(640))),
    Flaw("small", "320 px", saved(shrunk(320))),
    Flaw("text", "title", saved(captioned("SUMMER SALE", 0.11, 0.55))),
    Flaw("text", "caption", saved(captioned("Sunday at the lake, 14 May", 0.05, 0.92))),
)
"""Every flaw in its strengths: what people's photos have, from plain to see upwards."""
