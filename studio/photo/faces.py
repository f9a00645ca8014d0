"""Face detection: two BlazeFace detectors over the whole photo and tiles of it, with non-maximum suppression."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.config import ASSETS
from studio.photo.crop import Image
from studio.photo.downscale import fit_long_side, reduce_by_factor
from studio.photo.onnx_network import Network, load_network

Boxes = NDArray[np.float32]
"""(N, 5): left, top, right, bottom and score, 0..1 of whatever picture they were found in."""


class Face(NamedTuple):
    """One face, brow to chin: left, top, width and height in fractions of the photo; `score` 0..1."""

    x: float
    y: float
    w: float
    h: float
    score: float


class _Detector(NamedTuple):
    """A network, the side of its square input, and its anchors' centres (N, 2) in 0..1."""

    net: Network
    side: int
    anchors: NDArray[np.float32]


_LOOK = 1280
"""The long side, in pixels, of the copy that is searched: a face of 1/60 of the photo still covers 20 px of it."""

_LOOKS = (0, 2, 3)
"""Tiles along the short side, look by look: the whole photo, its parts, and small parts for the faces of a group.
Measured with faces set into seven photos: of those 4 % of the short side high 26 of 28 are found, of 3.3 % 15. Four
tiles instead of three, for twice the time, find 27 and 25; in 168 photos as they are they found no face that three
didn't."""

_FAR_SIDE = 192
"""The side of what the far detector sees, in pixels."""

_PORTRAIT = 0.2
"""A face this high, in fractions of the photo, is what the photo is of."""

_TILE_OVERLAP = 0.25
_SURE = 0.7
"""The score a face must reach in the whole photo. Faces reach 0.85 and more; a hillside has reached 0.57."""

_SURER = 0.75
"""The score it must reach in a tile: many looks find many chance likenesses."""

_SAME = 0.3
"""Boxes that share this much of their joint area (or of the smaller one, twice this) are one face."""


@cache
def _load_detectors() -> tuple[_Detector, _Detector]:
    """The near and the far detector.

    Strides and anchors per cell (of a fixed size, so only their centres matter) are MediaPipe's own, from
    modules/face_detection: face_detection_short_range.pbtxt and face_detection_full_range.pbtxt.
    """

    def load(name: str, side: int, grid: tuple[tuple[int, int], ...]) -> _Detector:
        net = load_network(ASSETS / "weights" / f"face_detection_{name}_range.onnx")
        return _Detector(net, side, np.concatenate([_lay_anchors(side // stride, each) for stride, each in grid]))

    return load("short", 128, ((8, 2), (16, 6))), load("full", _FAR_SIDE, ((4, 1),))


def _lay_anchors(cells: int, each: int) -> NDArray[np.float32]:
    """Centres of a square grid of cells, row by row, each `each` times: (cells * cells * each, 2) as x, y."""
    line = (np.arange(cells, dtype=np.float32) + 0.5) / cells
    x, y = np.meshgrid(line, line)
    return np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), each, axis=0).astype(np.float32)


def _detect(detector: _Detector, square: Image, least: float) -> Boxes:
    """The faces of a square RGB picture, in its fractions, before doubles are dropped."""
    blob = cv2.dnn.blobFromImage(square, 1 / 127.5, (detector.side, detector.side), (127.5, 127.5, 127.5))
    regressors, classificators = detector.net.run(blob, "regressors", "classificators")
    raw = regressors[0]
    scores = 1 / (1 + np.exp(-np.clip(classificators[0, :, 0], -50, 50)))
    found = scores >= least
    centre = raw[found, 0:2] / detector.side + detector.anchors[found]
    half = raw[found, 2:4] / detector.side / 2
    return np.concatenate([centre - half, centre + half, scores[found, None]], axis=1).astype(np.float32)


def _cut_tiles(image: Image, count: int) -> Iterator[tuple[Image, float, float, float, float]]:
    """Overlapping squares of the far detector's size, `count` along the short side, and where each lies in the photo.

    Yields the square and its left, top, width and height in fractions of the photo. A count of 0 is the whole photo, on
    black.
    """
    height, width = image.shape[:2]
    tile = max(height, width) if count == 0 else min(height, width) / (1 + (count - 1) * (1 - _TILE_OVERLAP))
    scale = _FAR_SIDE / tile
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(
        cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), np.uint8
    )
    rows, columns = small.shape[:2]
    for top in _list_starts(rows):
        for left in _list_starts(columns):
            part = small[top : top + _FAR_SIDE, left : left + _FAR_SIDE]
            down, right = _FAR_SIDE - part.shape[0], _FAR_SIDE - part.shape[1]
            square = np.pad(part, ((0, down), (0, right), (0, 0)))
            yield square, left / columns, top / rows, _FAR_SIDE / columns, _FAR_SIDE / rows


def _list_starts(length: int) -> list[int]:
    """Where tiles begin so that they cover a length evenly and overlap."""
    spare = max(length - _FAR_SIDE, 0)
    steps = int(np.ceil(spare / (_FAR_SIDE * (1 - _TILE_OVERLAP)) - 0.05)) if spare else 0
    return [round(spare * step / steps) for step in range(steps + 1)] if steps else [0]


def _drop_doubles(boxes: Boxes) -> Boxes:
    """The boxes without doubles, the best first (non-maximum suppression, also of boxes inside one another)."""
    kept: list[NDArray[np.float32]] = []
    for box in boxes[np.argsort(-boxes[:, 4])]:
        if all(_measure_overlap(box, other) < _SAME for other in kept):
            kept.append(box)
    return np.array(kept, np.float32).reshape(-1, 5)


def _measure_overlap(one: NDArray[np.float32], two: NDArray[np.float32]) -> float:
    """How far two boxes are the same: intersection over union, or half the smaller's share that the other covers."""
    span = np.minimum(one[2:4], two[2:4]) - np.maximum(one[:2], two[:2])
    if span.min() <= 0:
        return 0.0
    inside = float(span.prod())
    areas = [float((box[2:4] - box[:2]).prod()) for box in (one, two)]
    return max(inside / (sum(areas) - inside), inside / max(min(areas), 1e-9) / 2)


def find_faces(image: Image, looks: tuple[int, ...] = _LOOKS) -> tuple[Face, ...]:
    """The faces of a photo, uint8 (H, W, 3) RGB, the surest first. About 0.02 s for a portrait, 0.2 s else; from any
    thread.

    The whole photo is looked at first, then ever smaller tiles of it, until a face fills a good part of what was looked
    at: beside a portrait, the small faces in the distance don't matter. looks: tiles along the short side, look by
    look; (0,) finds the large faces alone, in 0.01 s.
    """
    near, far = _load_detectors()
    scale = min(_LOOK / max(image.shape[:2]), 1.0)
    image = fit_long_side(reduce_by_factor(image, round(min(image.shape[:2]) * scale)), _LOOK)
    found = np.zeros((0, 5), np.float32)
    for count in looks:
        for square, left, top, width, height in _cut_tiles(image, count):
            boxes = _detect(far, square, _SURER if count else _SURE)
            if count == 0:
                boxes = np.concatenate([boxes, _detect(near, square, _SURE)])
            boxes[:, :4] = boxes[:, :4] * [width, height, width, height] + [left, top, left, top]
            found = np.concatenate([found, boxes])
        if found.size and float((found[:, 3] - found[:, 1]).max()) > _PORTRAIT:
            break
    return tuple(_make_face(box) for box in _drop_doubles(found))


def _make_face(box: NDArray[np.float32]) -> Face:
    left, top, right, bottom = (float(value) for value in np.clip(box[:4], 0, 1))
    return Face(left, top, right - left, bottom - top, float(box[4]))
