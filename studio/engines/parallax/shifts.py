"""Which parts of a picture continue it into a hole: a few whole shifts, and which of them serves where.

Around the hole the picture is matched against itself at a small size; the shifts that fit best each lend one coherent
piece of real texture (the statistics of patch offsets: He and Sun, ECCV 2012). Each pixel takes the shift that fits its
surroundings best, by a filtered cost volume (Rhemann et al., CVPR 2011), and seams are chosen where copies agree.
Knows small pictures. Refuses to know full-size pixels and what made the hole.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.parallax.scene import Floats
from studio.photo.matte import squares

Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]

RADIUS = 3  # of the patches compared, in pixels
TAPS = np.array([-3, -1, 1, 3])  # where a patch is looked at, across and down: 16 of its 49 pixels say nearly as much
TARGETS, SOURCES = 300, 4500  # at most so many patches are looked up among so many
CELLS = 6  # the picture is parted into so many cells a side, and each names its own best shifts
NAMED, MOST = 3, 30  # shifts a cell may name, and in all
ROUNDS = 3  # of choosing again, with the neighbours' choice known
TINT = 0.4  # what a broad change of colour costs, against a misfit of detail
APART = 0.02  # what it costs to take another shift than one's neighbours


class Hole(NamedTuple):
    """A hole at the small size. picture: (h, w, 3) float32 0..1. gone: to be filled. rim: the part that is worth texture.

    lent: what may be borrowed from. smooth: the picture with the hole filled smoothly. reach: the rim's depth in pixels.
    """

    picture: Floats
    gone: Flags
    rim: Flags
    lent: Flags
    smooth: Floats
    reach: float


class Loan(NamedTuple):
    """Where each pixel of `box` (top, bottom, left, right) borrows: `labels` into `shifts` (n, 2: down, across).

    able: whether any shift can serve it at all.
    """

    box: tuple[int, int, int, int]
    shifts: Ints
    labels: Ints
    able: Flags


def _patches(image: Floats, ys: Ints, xs: Ints) -> Floats:
    rows, columns = ys[:, None, None] + TAPS[None, :, None], xs[:, None, None] + TAPS[None, None, :]
    return image[rows, columns].reshape(len(ys), TAPS.size**2 * image.shape[2])


def _pick(flags: Flags, most: int) -> tuple[Ints, Ints]:
    """Positions of set flags, evenly thinned to at most so many."""
    ys, xs = np.nonzero(flags)
    if len(ys) > most:
        chosen = np.linspace(0, len(ys) - 1, most).astype(int)
        ys, xs = ys[chosen], xs[chosen]
    return ys.astype(np.int32), xs.astype(np.int32)


def _match(hole: Hole) -> tuple[Ints, Ints, Ints, Floats]:
    """For patches around the hole (ys, xs): the six best shifts each, (n, 6, 2), and how badly they fit, (n, 6)."""
    height, width = hole.gone.shape
    inner = np.zeros_like(hole.gone)
    inner[RADIUS : height - RADIUS, RADIUS : width - RADIUS] = True
    away = cv2.distanceTransform((~hole.gone).astype(np.uint8), cv2.DIST_L2, 3)
    whole = cv2.erode(hole.lent.astype(np.uint8), np.ones((2 * RADIUS + 1, 2 * RADIUS + 1))) > 0
    ys, xs = _pick(inner & ~hole.gone & (away <= RADIUS + 2.5), TARGETS)
    sy, sx = _pick(inner & whole, SOURCES)
    seen = _patches(np.repeat(hole.lent[..., None], 3, 2).astype(np.float32), ys, xs)
    keep = seen.sum(1) > 12
    ys, xs, seen = ys[keep], xs[keep], seen[keep]
    if not len(ys) or len(sy) < 6:
        return ys[:0], xs[:0], np.zeros((0, 6, 2), np.int32), np.zeros((0, 6), np.float32)
    want, have = _patches(hole.picture, ys, xs), _patches(hole.picture, sy, sx)
    cost = (seen * want * want).sum(1)[:, None] - 2 * (seen * want) @ have.T + seen @ (have * have).T
    cost /= seen.sum(1)[:, None]
    down, across = sy[None] - ys[:, None], sx[None] - xs[:, None]
    length = (down * down + across * across).astype(np.float32)
    cost += 0.002 * length / max(height, width) ** 2
    cost[length < (1.2 * hole.reach + RADIUS) ** 2] = 9
    best = np.argpartition(cost, 6, axis=1)[:, :6] if len(sy) > 6 else np.argsort(cost, axis=1)[:, :6]
    row = np.arange(len(ys))[:, None]
    return ys, xs, np.stack([down[row, best], across[row, best]], -1).astype(np.int32), cost[row, best]


def _name(hole: Hole) -> Ints:
    """The shifts worth trying: each cell of the picture names those that fit its patches and can serve its rim."""
    height, width = hole.gone.shape
    ys, xs, found, misfit = _match(hole)
    rows, columns = np.nonzero(hole.rim)
    cells = (ys * CELLS // height) * CELLS + xs * CELLS // width
    named: dict[tuple[int, int], float] = {}
    for cell in np.unique(cells):
        here = cells == cell
        close = (np.abs(rows * CELLS / height - cell // CELLS - 0.5) < 1) & (
            np.abs(columns * CELLS / width - cell % CELLS - 0.5) < 1
        )
        offers, which = np.unique(found[here].reshape(-1, 2), axis=0, return_inverse=True)
        fit = misfit[here].ravel()
        votes = np.bincount(which.ravel(), np.exp(-fit / (np.median(fit) + 1e-4)), len(offers))
        alike = np.abs(offers[:, None] - offers[None]).max(-1) <= 1
        down, across = rows[close][None] + offers[:, :1], columns[close][None] + offers[:, 1:]
        inside = (down >= 0) & (down < height) & (across >= 0) & (across < width)
        serves = hole.lent[np.clip(down, 0, height - 1), np.clip(across, 0, width - 1)] & inside
        score = (alike @ votes) * (serves.mean(1) if close.any() else 0)
        for _ in range(NAMED):
            best = int(score.argmax())
            if score[best] > 0:
                name = (int(offers[best, 0]), int(offers[best, 1]))
                named[name] = max(named.get(name, 0.0), float(score[best]))
            score[alike[best]] = 0
    ranked = sorted(named, key=lambda name: (-named[name], name))[:MOST]
    return np.array(sorted(ranked), np.int32).reshape(-1, 2)


def _frame(hole: Hole) -> tuple[int, int, int, int]:
    height, width = hole.gone.shape
    rows, columns = np.flatnonzero(hole.rim.any(1)), np.flatnonzero(hole.rim.any(0))
    margin = 6
    return (
        max(0, int(rows[0]) - margin), min(height, int(rows[-1]) + margin + 1),
        max(0, int(columns[0]) - margin), min(width, int(columns[-1]) + margin + 1),
    )  # fmt: skip


def _moved(image: NDArray[np.generic], shifts: Ints, box: tuple[int, int, int, int]) -> NDArray[np.generic]:
    """The box seen through each shift: (n, h, w, ...); zeros outside the picture."""
    top, bottom, left, right = box
    height, width = image.shape[:2]
    out = np.zeros((len(shifts), bottom - top, right - left, *image.shape[2:]), image.dtype)
    for k, (down, across) in enumerate(shifts):
        y0, y1 = max(top, -down), min(bottom, height - down)
        x0, x1 = max(left, -across), min(right, width - across)
        if y1 > y0 and x1 > x0:
            out[k, y0 - top : y1 - top, x0 - left : x1 - left] = image[y0 + down : y1 + down, x0 + across : x1 + across]
    return out


def _costs(seen: Floats, able: Flags, here: Floats, known: Floats, smooth: Floats, reach: float) -> Floats:
    """How badly each shift would fit each pixel, (n, h, w): by the known surroundings, near and wide, and by plain colour."""
    wide = 2 * round(reach * 0.8) + 1
    near_known, wide_known = cv2.blur(known, (5, 5)), cv2.blur(known, (wide, wide))
    closeness = np.clip(near_known * 3, 0, 1)
    costs = np.empty(able.shape, np.float32)
    for k, copy in enumerate(seen):
        off = np.where(able[k], squares(copy - here), 0.3).astype(np.float32) * known
        fit_wide = cv2.blur(off, (wide, wide)) / (wide_known + 1e-3)
        fit_near = cv2.blur(off, (5, 5)) / (near_known + 1e-3)
        tint = cv2.blur(squares(cv2.blur(copy, (wide, wide)) - smooth), (wide, wide))
        cost = fit_wide * (1 - 0.5 * closeness) + fit_near * 0.5 * closeness + TINT * tint
        costs[k] = np.where(cv2.erode(able[k].astype(np.uint8), np.ones((3, 3))) > 0, cost, 4)
    return costs


def choose(hole: Hole) -> Loan | None:
    """The shifts that fill the rim of a hole and where each serves; None when nothing can be borrowed."""
    if not hole.rim.any():
        return None
    shifts, box = _name(hole), _frame(hole)
    if not len(shifts):
        return None
    window = np.s_[box[0] : box[1], box[2] : box[3]]
    here, rim, known = hole.picture[window], hole.rim[window], hole.lent[window].astype(np.float32)
    seen, able = _moved(hole.picture, shifts, box), _moved(hole.lent, shifts, box)
    costs = _costs(seen, able, here, known, hole.smooth[window], hole.reach)
    labels = costs.argmin(0)
    rows, columns = np.indices(labels.shape)
    weight = np.maximum(rim, known).astype(np.float32)
    count = cv2.blur(weight, (5, 5)) + 1e-3
    for _ in range(ROUNDS):
        current = np.where(rim[..., None], seen[labels, rows, columns], here)
        again = np.empty_like(costs)
        for k, copy in enumerate(seen):
            differ = cv2.blur(squares(copy - current) * weight, (5, 5)) / count
            alone = 1 - cv2.blur((labels == k).astype(np.float32), (7, 7))
            again[k] = 0.5 * costs[k] + differ + APART * alone
        labels = again.argmin(0)
    able_here = costs.min(0) < 3.9
    return Loan(box, shifts, labels.astype(np.int32), able_here)
