"""Super-resolution: a photo twice as wide and high, its edges drawn by a network (Real-ESRGAN).

The network by itself paints: it is mixed with plain resampling, and the result made small again must be the photo
that came in.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.config import ASSETS
from studio.photo.mends.tiles import Image, work_in_tiles
from studio.photo.onnx_network import Unreadable, load_network

Floats = NDArray[np.float32]

TIMES = 2
WEIGHTS = ASSETS / "weights" / "realesr-animevideov3-x2.onnx"

_TILE = 320
"""The side of what is drawn at once, in pixels of the photo: 0.2 GB of memory, and a third of the work goes into
margins.
"""

_MARGIN = 24
"""How far around a tile the network sees: its 18 layers look 18 px far, and what follows them 4 more."""


def upscale(image: Image, amount: float, weights: Path = WEIGHTS) -> Image:
    """The image, (H, W, 3) uint8 RGB, twice the size: (2H, 2W, 3).

    `amount` 0..1 is the network's share: 0 is Lanczos resampling alone, as everything is where the `weights` are not
    there. About 10 s a megapixel on two cores.
    """
    if amount <= 0 or not has_weights(weights):
        return _resample(image)
    height, width = image.shape[:2]
    wide = np.asarray(cv2.copyMakeBorder(image, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_REFLECT_101), np.uint8)
    large = work_in_tiles(wide, lambda part: _draw(part, amount, weights), _TILE, _MARGIN, TIMES)
    edge = _MARGIN * TIMES
    return np.ascontiguousarray(large[edge : edge + height * TIMES, edge : edge + width * TIMES])


def has_weights(weights: Path = WEIGHTS) -> bool:
    """Whether the network can be used: its file is there and can be read."""
    try:
        load_network(weights)
    except Unreadable:
        return False
    return True


def _resample(image: Image) -> Image:
    size = (image.shape[1] * TIMES, image.shape[0] * TIMES)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LANCZOS4), np.uint8)


def _draw(image: Image, amount: float, weights: Path) -> Image:
    """A tile, mixed, and put right where it would not become the photo again when made small.

    That step (back-projection: Irani and Peleg 1991) brings back the photo's own texture and tone. On halved
    photographs the half-and-half mix with it is nearer to the original than Lanczos, and than the network, and sharper
    than the former.
    """
    size = (image.shape[1] * TIMES, image.shape[0] * TIMES)
    photo = image.astype(np.float32)
    plain = cv2.resize(photo, size, interpolation=cv2.INTER_LANCZOS4)
    mixed = cv2.addWeighted(_run_network(photo, weights), amount, plain, 1 - amount, 0)
    missing = photo - cv2.resize(mixed, image.shape[1::-1], interpolation=cv2.INTER_AREA)
    right = mixed + cv2.resize(missing, size, interpolation=cv2.INTER_CUBIC)
    return np.rint(np.clip(right, 0, 255)).astype(np.uint8)


def _run_network(photo: Floats, weights: Path) -> Floats:
    """What the network makes of (H, W, 3) float32 RGB in levels: (2H, 2W, 3), the same."""
    drawn = load_network(weights).run((photo / 255).transpose(2, 0, 1)[None])[0][0]
    return np.ascontiguousarray(drawn.transpose(1, 2, 0)) * np.float32(255)
