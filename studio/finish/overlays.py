"""Pictures with transparency laid upon I420 frames: titles and a logo, faded in and out."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.finish.yuv_planes import convert_rgb, split_planes

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Overlay(NamedTuple):
    """A picture at its place, in even pixels from the frame's top left, and when it is seen, in seconds.

    luma: (h, w), chroma: (2, h / 2, w / 2), alpha: (h, w) and small_alpha: (h / 2, w / 2) 0..1, all float32.
    """

    x: int
    y: int
    luma: Floats
    chroma: Floats
    alpha: Floats
    small_alpha: Floats
    start: float
    end: float
    fade: float


def make_overlay(
    picture: Bytes, x: int, y: int, *, start: float, end: float, fade: float, size: tuple[int, int]
) -> Overlay:
    """(h, w, 4) RGBA at its place in a frame of this size (width, height); what lies outside is cut off."""
    left, top = max(0, x) // 2 * 2, max(0, y) // 2 * 2
    right, bottom = min(size[0], -(-(x + picture.shape[1]) // 2) * 2), min(size[1], -(-(y + picture.shape[0]) // 2) * 2)
    room = np.zeros((max(2, bottom - top), max(2, right - left), 4), np.uint8)
    part = picture[max(0, -y) : bottom - y, max(0, -x) : right - x]
    down, across = max(0, y) - top, max(0, x) - left
    room[down : down + part.shape[0], across : across + part.shape[1]] = part
    alpha = room[..., 3].astype(np.float32) / 255
    colours = convert_rgb(room[..., :3])
    half = (room.shape[1] // 2, room.shape[0] // 2)
    small = np.asarray(cv2.resize(alpha, half, interpolation=cv2.INTER_AREA), np.float32)
    weighted = cv2.resize(colours[..., 1:] * alpha[..., None], half, interpolation=cv2.INTER_AREA)
    chroma = np.moveaxis(weighted / np.maximum(small, 1e-6)[..., None], 2, 0)
    return Overlay(left, top, np.ascontiguousarray(colours[..., 0]), chroma, alpha, small, start, end, fade)


def find_opacity(overlay: Overlay, second: float) -> float:
    """How much of an overlay is seen at a moment, 0..1: it comes and goes evenly in light, over its fade."""
    if not overlay.start <= second < overlay.end:
        return 0.0
    fade = min(overlay.fade, (overlay.end - overlay.start) / 2)
    if fade <= 0:
        return 1.0
    share = min(1.0, (second - overlay.start) / fade, (overlay.end - second) / fade)
    return float(share * share * (3 - 2 * share))


def lay_over(frame: Bytes, overlays: tuple[Overlay, ...], second: float) -> Bytes:
    """An I420 frame with what is seen at this moment laid upon it; the frame itself where that is nothing."""
    seen = [(one, opacity) for one in overlays if (opacity := find_opacity(one, second)) > 0]
    if not seen:
        return frame
    made = frame.copy()
    luma, *chroma = split_planes(made)
    for one, opacity in seen:
        height, width = one.luma.shape
        _blend(luma[one.y : one.y + height, one.x : one.x + width], one.luma, opacity * one.alpha)
        for plane, colour in zip(chroma, one.chroma, strict=True):
            part = plane[one.y // 2 : (one.y + height) // 2, one.x // 2 : (one.x + width) // 2]
            _blend(part, colour, opacity * one.small_alpha)
    return made


def _blend(part: Bytes, colour: Floats, alpha: Floats) -> None:
    part[:] = np.rint(part + alpha * (colour - part)).astype(np.uint8)
