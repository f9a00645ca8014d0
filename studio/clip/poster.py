"""The poster: one frame as a PNG that says it is sRGB and carries nothing else.

Knows BT.709 and PNG. Refuses to know which frame is worth showing (Frames.poster).
"""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.frames import Pixels

# Inverse of ITU-R BT.709-6 table 3 for limited range: Y 16..235, Cb and Cr 16..240; rows give B, G, R from (Y, Cb, Cr, 1).
_Y, _C = 255 / 219, 255 / 224
_BLUE, _GREEN_B, _GREEN_R, _RED = 1.8556 * _C, -0.187324 * _C, -0.468124 * _C, 1.5748 * _C
_TO_BGR = np.array(
    [
        [_Y, _BLUE, 0.0, -16 * _Y - 128 * _BLUE],
        [_Y, _GREEN_B, _GREEN_R, -16 * _Y - 128 * (_GREEN_B + _GREEN_R)],
        [_Y, 0.0, _RED, -16 * _Y - 128 * _RED],
    ]
)


def _bgr(frame: NDArray[np.uint8], pixels: Pixels) -> NDArray[np.uint8]:
    if pixels == "rgb24":
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), np.uint8)
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    chroma = np.ascontiguousarray(frame[height:]).reshape(2, height // 2, width // 2)
    planes = [frame[:height], *(cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in chroma)]
    return np.asarray(cv2.transform(cv2.merge(planes), _TO_BGR), np.uint8)


def png(frame: NDArray[np.uint8], pixels: Pixels) -> bytes:
    """A frame as PNG bytes with an sRGB chunk. rgb24: (H, W, 3); yuv420p: (H * 3 // 2, W), BT.709 limited range."""
    _, made = cv2.imencode(".png", _bgr(frame, pixels))
    picture = made.tobytes()
    body = b"sRGB\x00"  # perceptual intent, PNG specification 11.3.2.5
    chunk = struct.pack(">I", 1) + body + struct.pack(">I", zlib.crc32(body))
    header = 8 + 12 + 13  # the signature, then IHDR with its length, type and checksum
    return picture[:header] + chunk + picture[header:]
