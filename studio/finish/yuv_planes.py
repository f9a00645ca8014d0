"""The planes of an I420 frame as views, and colours in BT.709 limited range, in which frames are finished."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

# ITU-R BT.709-6, tables 3.2 to 3.5, 8 bits, limited range: from R, G, B in 0..255 to Y, Cb, Cr.
_FROM_RGB = np.array(
    [
        [0.2126 * 219 / 255, 0.7152 * 219 / 255, 0.0722 * 219 / 255],
        [-0.2126 / 1.8556 * 224 / 255, -0.7152 / 1.8556 * 224 / 255, 0.9278 / 1.8556 * 224 / 255],
        [0.7874 / 1.5748 * 224 / 255, -0.7152 / 1.5748 * 224 / 255, -0.0722 / 1.5748 * 224 / 255],
    ],
    np.float32,
)
_OFFSET = np.array([16, 128, 128], np.float32)


def split_planes(frame: Bytes) -> tuple[Bytes, Bytes, Bytes]:
    """Y (h, w), Cb and Cr (h / 2, w / 2) of an I420 frame (h * 3 // 2, w): views into it."""
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    flat, size = frame.reshape(-1), height * width
    small = (height // 2, width // 2)
    return (
        flat[:size].reshape(height, width),
        flat[size : size + size // 4].reshape(small),
        flat[size + size // 4 :].reshape(small),
    )


def convert_rgb(picture: NDArray[np.floating] | Bytes) -> NDArray[np.float32]:
    """(..., 3) RGB in 0..255 as Y, Cb, Cr, unrounded."""
    return np.asarray(picture.astype(np.float32) @ _FROM_RGB.T + _OFFSET, np.float32)
