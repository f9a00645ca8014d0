"""Whether faces and lettering keep their shapes: each is held against the photo where the camera has brought it.

A part is aligned as a whole, by an affine motion (flow round it, then ECC: Evangelidis & Psarakis 2008), and not pixel
by pixel: a flow that is free to bend would follow a face that melts, and lock letters onto their neighbours.
"""

from __future__ import annotations

import contextlib

import cv2
import numpy as np

from studio.clip.clip_reader import Footage
from studio.score.fidelity import Look
from studio.score.matching import Floats, Grey, correlate
from studio.score.reference import Box, Reference
from studio.score.steadiness import Reading

ROOM = 0.2
"""How much of its height is added to a part on every side."""

SOFT = 0.8
"""Deviation in pixels by which both pictures are blurred: depth bends what an affine motion can't."""

INSIDE = 0.8
"""The share of a part that has to lie within the frame."""

_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)


def measure_parts(
    footage: Footage, reference: Reference, looks: tuple[Look, ...], boxes: tuple[Box, ...]
) -> Reading | None:
    """How alike the parts in these boxes stay, the least alike one in the frame where it is that: the correlation of
    patches, weighted by contrast, 0..1. None where they show nothing that could be compared, or leave the frame."""
    fine = _resize_reference(reference, footage)
    found: list[tuple[float, float]] = []
    for left, top, right, bottom in boxes:
        room = round(2 * ROOM * (bottom - top))
        x, y = max(0, 2 * left - room), max(0, 2 * top - room)
        part = fine[y : 2 * bottom + room, x : 2 * right + room]
        for look in looks:
            alike = _compare(part, footage.luma[look.sample], _align_by_flow(look, (left, top, right, bottom), (x, y)))
            if alike is not None:
                found.append((alike, look.at))
    return Reading(*min(found)) if found else None


def _resize_reference(reference: Reference, footage: Footage) -> Grey:
    """The reference's brightness in the size of sampled frames."""
    grey = cv2.cvtColor(reference.still, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (footage.luma.shape[2], footage.luma.shape[1]), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small, (0, 0), SOFT)


def _align_by_flow(look: Look, box: Box, corner: tuple[int, int]) -> Floats:
    """Where the flow takes a part: (2, 3), from its pixels to those of the frame."""
    high, wide = look.match.likeness.shape
    left, top, right, bottom = box
    room = bottom - top
    ys, xs = np.mgrid[max(0, top - room) : min(high, bottom + room), max(0, left - room) : min(wide, right + room)]
    sure = look.match.likeness[ys, xs] > 0.5
    begun = 2.0 * np.stack([xs[sure], ys[sure]], -1).astype(np.float32)
    went = begun + 2.0 * look.match.flow[ys, xs][sure]
    matrix = cv2.estimateAffinePartial2D(begun, went, ransacReprojThreshold=2.0)[0] if len(begun) > 20 else None
    matrix = np.eye(2, 3) if matrix is None else matrix
    return np.hstack([matrix[:, :2], matrix[:, :2] @ np.array([[corner[0]], [corner[1]]]) + matrix[:, 2:]]).astype(
        np.float32
    )


def _compare(part: Grey, frame: Grey, start: Floats) -> float | None:
    """How alike a part is in a frame, laid by `start` or better; None where less than most of it is inside."""
    soft = cv2.GaussianBlur(frame, (0, 0), SOFT)
    size, flags = (part.shape[1], part.shape[0]), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    if cv2.warpAffine(np.ones_like(frame), start, size, flags=flags).mean() < INSIDE:
        return None
    tried = [start]
    with contextlib.suppress(cv2.error):  # it doesn't converge where hardly anything is alike
        tried.append(cv2.findTransformECC(part, soft, start.copy(), cv2.MOTION_AFFINE, _STOP, None, 3)[1])
    laid = (cv2.warpAffine(soft, one, size, flags=flags, borderMode=cv2.BORDER_REPLICATE) for one in tried)
    return max(correlate(part, shown) for shown in laid)
