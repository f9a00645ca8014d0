"""Saliency map: how much each part of a picture draws the eye, by a small network (U2-NetP).

What the subject is, and whether there is one, is decided in matte.py.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.config import ASSETS
from studio.helper_threads import Helpers
from studio.hung_threads import WorkLock
from studio.photo.crop import Image
from studio.photo.downscale import reduce_by_factor
from studio.photo.faces import Face, find_faces
from studio.photo.onnx_network import load_network

SIDE = 320
"""The side of the square that U2-NetP looks at."""

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)
"""The ImageNet mean and deviation that the network was trained with (assets/weights/PROVENANCE.md)."""

_REMEMBERED = 4


class Look(NamedTuple):
    """What was seen in one photo: the map and its surest raw answer, where the detail is (0..1, the same shape), the
    faces.

    `faces` is None until they are asked for.
    """

    map: NDArray[np.float32]
    peak: float
    detail: NDArray[np.float32]
    faces: tuple[Face, ...] | None = None


_lock = WorkLock()
_looks: OrderedDict[bytes, Look] = OrderedDict()


def find_saliency(image: Image) -> NDArray[np.float32]:
    """How much each part of a picture is its subject: float32 (320, 320) over the whole of it, 0..1, read-only.

    Stretched so that the surest pixel is 1, also where nothing stands out. About 0.15 s; the last few are remembered by
    content. Safe to call from any thread.
    """
    return look_at(image, with_faces=False).map


def look_at(image: Image, with_faces: bool) -> Look:
    """What is seen in a picture, (H, W, 3) RGB: the last few are remembered by content. Any thread may call it."""
    small = np.asarray(
        cv2.resize(reduce_by_factor(image, 3 * SIDE), (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8
    )
    key = hashlib.sha256(small.tobytes() + repr(image.shape).encode()).digest()
    with _lock:
        seen = _looks.get(key)
        with Helpers(1, "faces") as beside:  # the network and the face detectors are different networks
            found = beside.submit(find_faces, image) if with_faces and (seen is None or seen.faces is None) else None
            seen = seen or _see(small)
            if found:
                seen = seen._replace(faces=found.result())
        _looks[key] = seen
        _looks.move_to_end(key)
        while len(_looks) > _REMEMBERED:
            _looks.popitem(last=False)
    return seen


def run_saliency(image: Image) -> NDArray[np.float32]:
    """The network's raw answer on a picture, (H, W, 3) RGB: float32 (320, 320), about 0..1. Nothing is remembered."""
    return _run_network(np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8))


def _run_network(small: Image) -> NDArray[np.float32]:
    """Run the network on a (320, 320, 3) RGB copy."""
    blob = ((small.astype(np.float32) / 255 - _MEAN) / _SPREAD).transpose(2, 0, 1)[None]
    return load_network(ASSETS / "weights" / "u2netp.onnx").run(blob)[0][0, 0]


def _see(small: Image) -> Look:
    """What is seen in a (320, 320, 3) RGB copy."""
    raw = _run_network(small)
    low, high = float(raw.min()), float(raw.max())
    found = ((raw - low) / max(high - low, 1e-6)).astype(np.float32)
    found.setflags(write=False)
    return Look(found, high, _measure_detail(small))


def _measure_detail(small: Image) -> NDArray[np.float32]:
    """Local contrast, 0..1: eyes, print and edges have it, fur out of focus and walls have not."""
    grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 2)
    spread = cv2.blur(grey * grey, (25, 25)) - cv2.blur(grey, (25, 25)) ** 2
    contrast = np.sqrt(np.maximum(spread, 0))
    return np.asarray(contrast / max(float(contrast.max()), 1e-6), np.float32)
