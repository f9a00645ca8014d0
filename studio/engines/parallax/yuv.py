"""RGB to and from Y, U and V by BT.709 in limited range, chroma at half size.

ITU-R BT.709-6: Y' = 0.2126 R' + 0.7152 G' + 0.0722 B'; limited range puts it at 16..235 and (B' - Y') / 1.8556, (R' -
Y') / 1.5748 at 16..240 around 128. Colour samples sit level with every other pixel across and halfway between two
lines, as H.264 has it when nothing else is said ("left"). All of it is linear, so premultiplied layers may be composed
in it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.base import Image
from studio.engines.parallax import dither

_RGB_TO_YUV = (
    np.array(
        [
            [0.2126 * 219, 0.7152 * 219, 0.0722 * 219],
            [-0.2126 / 1.8556 * 224, -0.7152 / 1.8556 * 224, 0.9278 / 1.8556 * 224],
            [0.7874 / 1.5748 * 224, -0.7152 / 1.5748 * 224, -0.0722 / 1.5748 * 224],
        ]
    )
    / 255.0
)
_OFFSET = np.array([16.0, 128.0, 128.0])


def to_yuva(premultiplied: Image) -> Image:
    """(H, W, 4) premultiplied RGBA as premultiplied Y, U, V and A, uint8; what is dark and smooth is dithered."""
    matrix = np.zeros((4, 4))
    matrix[:3, :3], matrix[:3, 3], matrix[3, 3] = _RGB_TO_YUV, _OFFSET / 255, 1.0
    yuva = np.asarray(cv2.transform(premultiplied, matrix), np.uint8)
    where = dither.place(cv2.extractChannel(yuva, 0), cv2.extractChannel(premultiplied, 3))
    if where is not None:
        exact = cv2.transform(premultiplied.astype(np.float32), matrix[:1])
        cv2.insertChannel(dither.round_dithered(exact, where), yuva, 0)
    return yuva


def from_rgb(rgb: Image) -> Image:
    """(H, W, 3) RGB, even sides, as one I420 picture: (H * 3 // 2, W) uint8; what is dark and smooth is dithered."""
    height, width = rgb.shape[:2]
    yuv = cv2.transform(rgb, np.column_stack([_RGB_TO_YUV, _OFFSET]))
    across, down = np.array([0.25, 0.5, 0.25]), np.array([0.5, 0.5])
    out = np.empty((height * 3 // 2, width), np.uint8)
    out[:height] = yuv[..., 0]
    where = dither.place(out[:height])
    if where is not None:
        exact = cv2.transform(rgb.astype(np.float32), np.append(_RGB_TO_YUV[0], 16.0)[None])
        out[:height] = dither.round_dithered(exact, where)
    for plane, channel in zip(colour_planes(out), (1, 2), strict=True):
        soft = cv2.sepFilter2D(
            np.ascontiguousarray(yuv[..., channel]), -1, across, down, anchor=(1, 0), borderType=cv2.BORDER_REPLICATE
        )
        plane[:] = soft[::2, ::2]
    return out


def colour_planes(i420: Image) -> NDArray[np.uint8]:
    """The U and V planes of an I420 picture (H * 3 // 2, W), as a view: (2, H // 2, W // 2)."""
    rows, width = i420.shape
    height = rows * 2 // 3
    return i420[height:].reshape(2, height // 2, width // 2)


def to_rgb(i420: Image) -> Image:
    """An I420 picture (H * 3 // 2, W) back as (H, W, 3) RGB: for tests, posters and previews."""
    rows, width = i420.shape
    height = rows * 2 // 3
    place = np.array([[0.5, 0, 0], [0, 0.5, -0.25]])  # where a pixel lies among the colour samples
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    u, v = (
        cv2.warpAffine(p, place, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        for p in colour_planes(i420)
    )
    back = np.linalg.inv(_RGB_TO_YUV)
    full = np.dstack([i420[:height], u, v])
    return np.asarray(cv2.transform(full, np.column_stack([back, -back @ _OFFSET])), np.uint8)
