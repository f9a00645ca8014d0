"""The share of a frame that has no likeness in the photo: the coherence half of bidirectional similarity.

Simakov, Caspi, Shechtman and Irani, "Summarizing visual data using bidirectional similarity", CVPR 2008: a picture made
from another is coherent where every patch of it is found in that other. Here a patch is 7x7 pixels; the other is the photo's
crop at the size of the frame, at scale 1, 1.04 and 1.08, moved by up to 96 pixels across and 36 down; a patch has a likeness
if the mean of its pixels' differences (each the largest of three channels) is at most 10 grey levels. Both are blurred by
1 pixel first, for sharpness isn't asked. What has none is counted in per mille of the frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Sums = NDArray[np.uint16]
Planes = tuple[Image, ...]

PATCH = 7
MOST = 10
"""Grey levels, as a patch's mean: what differs more has no likeness."""

ACROSS, DOWN = 96, 36
"""Pixels of the frame, to either side."""

SCALES = (1.0, 1.04, 1.08)
BLUR = 1.0
TILE = 40
"""Pixels at half size. What a tile's middle moved by is looked at first, so that most tiles are done after a few shifts."""

LIMIT = MOST * PATCH * PATCH
MARGIN = PATCH // 2 + 1


class Shifts(NamedTuple):
    """Shifts in the order they are tried, in pixels at half size, and the index of the scale each is tried at: all (N,)."""

    across: NDArray[np.int64]
    down: NDArray[np.int64]
    scale: NDArray[np.int64]


class Photo(NamedTuple):
    """A photo to look for likenesses in: its planes at every scale, with a margin for the shifts, at full and at half size."""

    width: int
    height: int
    full: tuple[Planes, ...]
    half: tuple[Planes, ...]
    grey: Image


def strangers(frame: Image, photo: Photo) -> NDArray[np.bool_]:
    """The pixels of a frame that have no likeness in the photo, (H, W). frame: (H, W, 3) uint8 RGB of the photo's size.

    A shift is found at half size, over all of them, and refined at full; the search ends early where a likeness is found.
    """
    height, width = frame.shape[:2]
    soft = _blurred(frame)
    full, half = _planes(soft), _planes(_halved(soft))
    grey = cv2.cvtColor(_halved(soft), cv2.COLOR_RGB2GRAY)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST).calc(grey, photo.grey, None)  # type: ignore[call-overload]
    found = np.zeros((height, width), np.bool_)
    for top in range(0, height // 2, TILE):
        for left in range(0, width // 2, TILE):
            box = (top, min(top + TILE, height // 2), left, min(left + TILE, width // 2))
            across, down = np.median(flow[box[0] : box[1], box[2] : box[3]], (0, 1))
            found[2 * box[0] : 2 * box[1], 2 * box[2] : 2 * box[3]] = _tile(full, half, photo, box, _ordered(across, down))
    return found


def excess(frame: Image, photo: Photo) -> float:
    """How many pixels of a frame, per mille, have no likeness in the photo. Shapes as in `strangers`."""
    return 1000 * float(strangers(frame, photo).mean())


def prepare(crop: Image, width: int, height: int) -> Photo:
    """A photo's crop, (h, w, 3) uint8 RGB of the frame's shape, made ready for frames of width x height, both even."""
    full: list[Planes] = []
    half: list[Planes] = []
    grey = np.zeros((0, 0), np.uint8)
    for scale in SCALES:
        size = (round(width * scale / 2) * 2, round(height * scale / 2) * 2)
        how = cv2.INTER_AREA if crop.shape[1] > size[0] else cv2.INTER_CUBIC
        soft = _blurred(np.asarray(cv2.resize(crop, size, interpolation=how), np.uint8))
        # room for a shift, for refining it, and for a patch at the border; even, so that half size lies on full size
        across, down = ACROSS + 2 * MARGIN - (size[0] - width) // 2, DOWN + 2 * MARGIN - (size[1] - height) // 2
        across, down = across + across % 2, down + down % 2
        wide = cv2.copyMakeBorder(soft, max(down, 0), max(down, 0), max(across, 0), max(across, 0), cv2.BORDER_REPLICATE)
        top, left = (wide.shape[0] - height) // 2 - DOWN - 2 * MARGIN, (wide.shape[1] - width) // 2 - ACROSS - 2 * MARGIN
        part = wide[top : top + height + 2 * (DOWN + 2 * MARGIN), left : left + width + 2 * (ACROSS + 2 * MARGIN)]
        full.append(_planes(part))
        half.append(_planes(_halved(part)))
        if scale == 1:
            inner = part[DOWN + 2 * MARGIN :, ACROSS + 2 * MARGIN :][:height, :width]
            grey = np.asarray(cv2.cvtColor(_halved(inner), cv2.COLOR_RGB2GRAY), np.uint8)
    return Photo(width, height, tuple(full), tuple(half), grey)


def marked(frame: Image, found: NDArray[np.bool_]) -> Image:
    """The frame with the pixels that have no likeness in magenta, and the rest paler: for looking at."""
    pale = frame // 2 + 96
    pale[found] = (255, 0, 200)
    return np.asarray(pale, np.uint8)


def _blurred(image: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), BLUR), np.uint8)


def _halved(image: Image) -> Image:
    return np.asarray(cv2.resize(image, (image.shape[1] // 2, image.shape[0] // 2), interpolation=cv2.INTER_AREA), np.uint8)


def _planes(image: Image) -> Planes:
    return tuple(np.ascontiguousarray(image[..., channel]) for channel in range(3))


def _ordered(across: float, down: float) -> Shifts:
    """Every shift at every scale, those nearest to what is expected first."""
    x, y = np.meshgrid(np.arange(-ACROSS // 2, ACROSS // 2 + 1), np.arange(-DOWN // 2, DOWN // 2 + 1))
    order = np.argsort((x - across).ravel() ** 2 + (y - down).ravel() ** 2, kind="stable")
    scales = np.tile(np.arange(len(SCALES)), order.size)
    return Shifts(np.repeat(x.ravel()[order], len(SCALES)), np.repeat(y.ravel()[order], len(SCALES)), scales)


class _Search:
    """The least difference of a tile's patches over shifts, and which shift it was."""

    def __init__(self, frame: Planes, box: tuple[int, int, int, int]) -> None:
        height, width = frame[0].shape
        top, bottom, left, right = box
        self._top, self._left = max(top - PATCH // 2, 0), max(left - PATCH // 2, 0)
        self._bottom, self._right = min(bottom + PATCH // 2, height), min(right + PATCH // 2, width)
        self._part = tuple(plane[self._top : self._bottom, self._left : self._right] for plane in frame)
        self.inner = np.s_[top - self._top : bottom - self._top, left - self._left : right - self._left]
        shape = self._part[0].shape
        self.best: Sums = np.full(shape, np.iinfo(np.uint16).max, np.uint16)
        self.which: Sums = np.zeros(shape, np.uint16)
        self._three = tuple(np.empty(shape, np.uint8) for _ in range(3))
        self._sum, self._less, self._index = np.empty(shape, np.uint16), np.empty(shape, np.uint8), np.empty(shape, np.uint16)

    def look(self, photo: Planes, down: int, across: int, index: int) -> None:
        """Compare with the planes of a photo, `down` and `across` being where the frame's corner lies in them."""
        red, green, blue = self._three
        top, bottom, left, right = self._top + down, self._bottom + down, self._left + across, self._right + across
        for mine, theirs, to in zip(self._part, photo, self._three, strict=True):
            cv2.absdiff(mine, theirs[top:bottom, left:right], to)
        cv2.max(red, green, red)
        cv2.max(red, blue, red)
        cv2.boxFilter(red, cv2.CV_16U, (PATCH, PATCH), self._sum, normalize=False, borderType=cv2.BORDER_REFLECT_101)
        cv2.compare(self._sum, self.best, cv2.CMP_LT, self._less)
        cv2.min(self._sum, self.best, self.best)
        self._index[:] = index
        cv2.copyTo(self._index, self._less, self.which)


def _tile(full: Planes, half: Planes, photo: Photo, box: tuple[int, int, int, int], shifts: Shifts) -> NDArray[np.bool_]:
    """Where a tile of the frame, top, bottom, left and right at half size, has no likeness: at full size."""
    rough, fine = _Search(half, box), _Search(full, (2 * box[0], 2 * box[1], 2 * box[2], 2 * box[3]))
    tried = 0
    tried = _try(rough, photo, shifts, tried, until_alike=True)
    _refine(fine, photo, shifts, _candidates(rough, fine))
    alike = fine.best[fine.inner] <= LIMIT
    if alike.all() or tried == len(shifts.scale):
        return ~alike
    # some that were alike at half size aren't at full: for them the very best shift counts
    rows, columns = np.nonzero(~alike.reshape(alike.shape[0] // 2, 2, -1, 2).all((1, 3)))
    part = (box[0] + int(rows.min()), box[0] + int(rows.max()) + 1, box[2] + int(columns.min()), box[2] + int(columns.max()) + 1)
    again = _Search(half, part)
    _try(again, photo, shifts, 0, until_alike=False)
    inner = np.s_[2 * (part[0] - box[0]) : 2 * (part[1] - box[0]), 2 * (part[2] - box[2]) : 2 * (part[3] - box[2])]
    closer = _Search(full, (2 * part[0], 2 * part[1], 2 * part[2], 2 * part[3]))
    _refine(closer, photo, shifts, _candidates(again, closer))
    alike[inner] |= closer.best[closer.inner] <= LIMIT
    return ~alike


def _try(search: _Search, photo: Photo, shifts: Shifts, first: int, until_alike: bool) -> int:
    """Try shifts at half size from the first on, to the last or until everything is alike. Returns how many were tried."""
    margin_down, margin_across = DOWN // 2 + MARGIN, ACROSS // 2 + MARGIN
    for index in range(first, len(shifts.scale)):
        planes = photo.half[shifts.scale[index]]
        search.look(planes, margin_down + int(shifts.down[index]), margin_across + int(shifts.across[index]), index)
        if until_alike and index % 24 == 23 and int(search.best[search.inner].max()) <= LIMIT:
            return index + 1
    return len(shifts.scale)


def _candidates(rough: _Search, fine: _Search) -> Iterator[int]:
    """The shifts found at half size, the commonest first, but those whose pixels all have a likeness at full size by now."""
    which = rough.which[rough.inner]
    for index in np.argsort(-np.bincount(which.ravel()), kind="stable"):
        mine = which == index
        if not mine.any():
            return
        poor = fine.best[fine.inner] > LIMIT
        if poor.reshape(which.shape[0], 2, -1, 2).any((1, 3))[mine].any():
            yield int(index)


def _refine(fine: _Search, photo: Photo, shifts: Shifts, candidates: Iterator[int]) -> None:
    """Try shifts of half size at full size, with their neighbours."""
    for index in candidates:
        planes = photo.full[shifts.scale[index]]
        for down in (0, -1, 1):
            for across in (0, -1, 1):
                at_down = DOWN + 2 * MARGIN + 2 * int(shifts.down[index]) + down
                at_across = ACROSS + 2 * MARGIN + 2 * int(shifts.across[index]) + across
                fine.look(planes, at_down, at_across, index)
