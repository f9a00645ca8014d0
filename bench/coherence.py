"""The share of a frame that has no likeness in the photo: the coherence half of bidirectional similarity.

Simakov, Caspi, Shechtman and Irani, "Summarizing visual data using bidirectional similarity", CVPR 2008: a picture made
from another is coherent where every patch of it is found in that other. Here a patch is 7x7 pixels; the other is the photo's
crop at the size of the frame, at scale 1, 1.04 and 1.08, moved by up to 96 pixels across and 36 down; a patch has a likeness
if the mean of its pixels' differences (each the largest of three channels) is at most 10 grey levels. Both are blurred by
1 pixel first, for sharpness isn't asked. What has none is counted in per mille of the frame. Patches
are whole, so the frame's outermost pixels go with their neighbours.
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
Box = tuple[int, int, int, int]
"""Top, bottom, left and right, in pixels at half size."""

PATCH = 7
MOST = 10
"""Grey levels, as a patch's mean: what differs more has no likeness."""

ACROSS, DOWN = 96, 36
"""Pixels of the frame, to either side."""

SCALES = (1.0, 1.04, 1.08)
BLUR = 1.0

TILE, NEAR = 40, 144
"""Pixels at half size, and shifts: first each tile is tried near to where it went as a whole, and most of it is found there."""

CELL, TOGETHER = 16, 96
"""Pixels at half size, and how many: the cells in which something is still missing are tried everywhere, many at a time."""

LIMIT = MOST * PATCH * PATCH
HOPELESS = 3 * LIMIT
"""What differs so much at half size isn't looked at at full."""

RIM = PATCH // 2
MARGIN = RIM + 1


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


def excess(frame: Image, photo: Photo) -> float:
    """How many pixels of a frame, per mille, have no likeness in the photo. Shapes as in `strangers`."""
    return 1000 * float(strangers(frame, photo).mean())


def strangers(frame: Image, photo: Photo) -> NDArray[np.bool_]:
    """The pixels of a frame that have no likeness in the photo, (H, W). frame: (H, W, 3) uint8 RGB of the photo's size.

    The best shift is found at half size, over all of them, and refined at full; the search ends where a likeness is found.
    """
    height, width = frame.shape[:2]
    soft = _blurred(frame)
    full, half = _planes(soft), _planes(_halved(soft))
    grey = cv2.cvtColor(_halved(soft), cv2.COLOR_RGB2GRAY)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST).calc(grey, photo.grey, None)  # type: ignore[call-overload]
    found = np.zeros((height, width), np.bool_)
    for box in _boxes(height // 2, width // 2, TILE):
        across, down = np.median(flow[box[0] : box[1], box[2] : box[3]], (0, 1))
        found[_doubled(box)] = _near(full, half, photo, box, _ordered(across, down))
    cells = [box for box in _boxes(height // 2, width // 2, CELL) if found[_doubled(box)].any()]
    for first in range(0, len(cells), TOGETHER):
        _far(found, full, half, photo, cells[first : first + TOGETHER])
    return np.pad(found[2 * RIM : -2 * RIM, 2 * RIM : -2 * RIM], 2 * RIM, mode="edge")


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


def _boxes(height: int, width: int, size: int) -> Iterator[Box]:
    """Boxes of a size that cover all of a frame but its rim; the last ones reach back over their neighbours."""
    for top in range(RIM, height - RIM, size):
        for left in range(RIM, width - RIM, size):
            y, x = max(RIM, min(top, height - RIM - size)), max(RIM, min(left, width - RIM - size))
            yield y, min(y + size, height - RIM), x, min(x + size, width - RIM)


def _doubled(box: Box) -> tuple[slice, slice]:
    """The pixels of a box at full size."""
    return slice(2 * box[0], 2 * box[1]), slice(2 * box[2], 2 * box[3])


def _ordered(across: float, down: float) -> Shifts:
    """Every shift at every scale, those nearest to what is expected first."""
    x, y = np.meshgrid(np.arange(-ACROSS // 2, ACROSS // 2 + 1), np.arange(-DOWN // 2, DOWN // 2 + 1))
    order = np.argsort((x - across).ravel() ** 2 + (y - down).ravel() ** 2, kind="stable")
    scales = np.tile(np.arange(len(SCALES)), order.size)
    return Shifts(np.repeat(x.ravel()[order], len(SCALES)), np.repeat(y.ravel()[order], len(SCALES)), scales)


class _Search:
    """The least difference of patches over shifts, and which shift it was; of several pictures at once when they are laid one
    inside the other: planes of (rows, columns * deep), the pixels of all pictures at one place side by side."""

    def __init__(self, frame: Planes, deep: int = 1) -> None:
        self._frame, self._deep = frame, deep
        shape = frame[0].shape
        self._best: Sums = np.full(shape, np.iinfo(np.uint16).max, np.uint16)
        self._which: Sums = np.zeros(shape, np.uint16)
        self._three = tuple(np.empty(shape, np.uint8) for _ in range(3))
        self._sum, self._less, self._index = np.empty(shape, np.uint16), np.empty(shape, np.uint8), np.empty(shape, np.uint16)

    def look(self, photo: Planes, down: int, across: int, index: int) -> None:
        """Compare with the planes of a photo, `down` and `across` being where the frame's corner lies in them."""
        red, green, blue = self._three
        rows, columns = red.shape
        for mine, theirs, to in zip(self._frame, photo, self._three, strict=True):
            cv2.absdiff(mine, theirs[down : down + rows, across * self._deep : across * self._deep + columns], to)
        cv2.max(red, green, red)
        cv2.max(red, blue, red)
        layered, summed = (one.reshape(rows, -1, self._deep) for one in (red, self._sum))
        cv2.boxFilter(layered, cv2.CV_16U, (PATCH, PATCH), summed, normalize=False)
        cv2.compare(self._sum, self._best, cv2.CMP_LT, self._less)
        cv2.min(self._sum, self._best, self._best)
        self._index[:] = index
        cv2.copyTo(self._index, self._less, self._which)

    def best(self, picture: int = 0) -> Sums:
        """The least sum of differences of every whole patch of one picture."""
        return self._whole(self._best)[..., picture]

    def which(self, picture: int = 0) -> Sums:
        """The index of the shift it was found at."""
        return self._whole(self._which)[..., picture]

    def _whole(self, values: Sums) -> Sums:
        return values.reshape(len(values), -1, self._deep)[RIM:-RIM, RIM:-RIM]


def _part(planes: Planes, box: Box, wider: int = 0) -> Planes:
    """The pixels of a box with the rim its patches need; `wider` steps over a margin."""
    rows, columns = slice(box[0] - RIM + wider, box[1] + RIM + wider), slice(box[2] - RIM + wider, box[3] + RIM + wider)
    return tuple(plane[rows, columns] for plane in planes)


def _near(full: Planes, half: Planes, photo: Photo, box: Box, shifts: Shifts) -> NDArray[np.bool_]:
    """Where a tile has no likeness near to where it went as a whole, at full size."""
    rough = _Search(_part(half, box))
    down, across = box[0] - RIM + DOWN // 2 + MARGIN, box[2] - RIM + ACROSS // 2 + MARGIN
    for index in range(NEAR):
        planes = photo.half[shifts.scale[index]]
        rough.look(planes, down + int(shifts.down[index]), across + int(shifts.across[index]), index)
        if index % 12 == 11 and int(rough.best().max()) <= LIMIT:
            break
    return _refined(full, photo, box, shifts, (rough.best(), rough.which()))


def _far(found: NDArray[np.bool_], full: Planes, half: Planes, photo: Photo, cells: list[Box]) -> None:
    """Take from what was found in some cells all that has a likeness anywhere."""
    rows, columns = CELL + 2 * RIM + DOWN, CELL + 2 * RIM + ACROSS

    def laid(planes: Planes, high: int, wide: int, step: int) -> Planes:
        parts = [[plane[top - RIM + step :, left - RIM + step :][:high, :wide] for top, _, left, _ in cells] for plane in planes]
        return tuple(np.ascontiguousarray(np.stack(one, -1)).reshape(high, -1) for one in parts)

    rough = _Search(laid(half, CELL + 2 * RIM, CELL + 2 * RIM, 0), len(cells))
    around = [laid(planes, rows, columns, MARGIN) for planes in photo.half]
    shifts = _ordered(0, 0)
    for index in range(len(shifts.scale)):
        down, across = DOWN // 2 + int(shifts.down[index]), ACROSS // 2 + int(shifts.across[index])
        rough.look(around[shifts.scale[index]], down, across, index)
    for picture, box in enumerate(cells):
        found[_doubled(box)] &= _refined(full, photo, box, shifts, (rough.best(picture), rough.which(picture)))


def _refined(full: Planes, photo: Photo, box: Box, shifts: Shifts, rough: tuple[Sums, Sums]) -> NDArray[np.bool_]:
    """Where a box has no likeness at the shifts found at half size and their neighbours at full, the commonest shift first.

    rough: the least sum at half size, and the index of its shift.
    """
    twice = (2 * box[0], 2 * box[1], 2 * box[2], 2 * box[3])
    fine = _Search(_part(full, twice))
    which = np.where(rough[0] > HOPELESS, len(shifts.scale), rough[1])
    for index in np.argsort(-np.bincount(which.ravel(), minlength=len(shifts.scale) + 1)[:-1], kind="stable"):
        mine = which == index
        if not mine.any():
            break
        if not (fine.best() > LIMIT).reshape(mine.shape[0], 2, -1, 2).any((1, 3))[mine].any():
            continue
        top = twice[0] - RIM + DOWN + 2 * MARGIN + 2 * int(shifts.down[index])
        left = twice[2] - RIM + ACROSS + 2 * MARGIN + 2 * int(shifts.across[index])
        for down in (0, -1, 1):
            for across in (0, -1, 1):
                fine.look(photo.full[shifts.scale[index]], top + down, left + across, int(index))
    return np.asarray(fine.best() > LIMIT)
