"""The scene's light: brightness and colour of the photo, blurred, that particles and fog take their tint from."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from studio.engines.parallax import yuv
from studio.engines.parallax.scene import Floats, Scene

BLACK, WHITE = 16.0, 235.0
_WIDE = 192  # pixels across of the small picture on which light is measured


class Light(NamedTuple):
    """Light in a scene: `luma`, `blue`, `red` (h, w) are the picture's planes, small and blurred, Y 16..235; `ambient`
    is the luma of its bright parts, `brightest` that of its lights, `blue_sky` and `red_sky` the colour of the bright
    parts."""

    luma: Floats
    blue: Floats
    red: Floats
    ambient: float
    brightest: float
    blue_sky: float
    red_sky: float


def light(scene: Scene) -> Light:
    """How a scene is lit."""
    rows = max(2, round(_WIDE * scene.height / scene.width))
    picture = np.zeros((rows, _WIDE, 4), np.float32)
    for layer in scene.layers:
        upper = cv2.resize(layer.texture, (_WIDE, rows), interpolation=cv2.INTER_AREA).astype(np.float32)
        picture = picture * (1 - upper[..., 3:] / 255) + upper
    y, u, v, _ = cv2.split(yuv.to_yuva(np.clip(picture, 0, 255).astype(np.uint8)).astype(np.float32))
    bright = y >= np.percentile(y, 80)
    return Light(
        *(cv2.GaussianBlur(plane, (0, 0), _WIDE * 0.045) for plane in (y, u, v)),
        float(np.percentile(y, 88)), float(np.percentile(y, 99)), float(u[bright].mean()), float(v[bright].mean()),
    )  # fmt: skip


class Tint(NamedTuple):
    """What colour something in the air has at every place of the scene: Y, U, V, each (h, w)."""

    luma: Floats
    blue: Floats
    red: Floats


def tint_from(found: Light, ambient: float, local: float, lift: float, most: float) -> Tint:
    """The colour of what catches light from all round: shares of the scene's bright parts and of what is near, and
    `lift` more.

    most: the brightest it gets, in luma; never brighter than the photo's own lights, nearly.
    """
    luma = BLACK + ambient * (found.ambient - BLACK) + local * (found.luma - BLACK) + lift
    top = min(most, max(found.brightest, 96.0))
    share = np.float32(0.55)
    blue, red = (
        128 + 0.8 * (share * (sky - 128) + (1 - share) * (near - 128))
        for sky, near in ((found.blue_sky, found.blue), (found.red_sky, found.red))
    )
    return Tint(np.clip(luma, BLACK, top).astype(np.float32), blue.astype(np.float32), red.astype(np.float32))
