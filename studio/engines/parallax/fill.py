"""What is behind a subject: a picture continued into a hole it never showed.

A narrow rim is all that a camera ever reveals: it is given real texture, borrowed from the picture by the shifts that
shifts.py chooses, blended across seams and toned to its surroundings. Further in, colours only run on smoothly.
Knows pixels and holes. Refuses to know what made the hole.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.base import Image
from studio.engines.parallax import shifts
from studio.engines.parallax.scene import Floats
from studio.engines.parallax.shifts import Hole, Ints, Loan

SIDE = 208  # pixels of the long side at which shifts are found
SHARPER = 4  # how much larger the picture is at which each shift is set exactly
SETTLE = 50  # rounds of toning; the rim is narrow, so this is enough
TONED = 0.15  # the most a piece's colour may change, of 1
BROAD = 2.0  # small pixels over which colours are evened out across seams


def spread(values: Floats, known: Floats) -> Floats:
    """Smoothly continue `values` (h, w) or (h, w, c) from where `known` (h, w) is 1 to where it is 0 (push-pull)."""
    flat = values if values.ndim == 3 else values[..., None]
    levels = [(flat * known[..., None], known)]
    while max(levels[-1][1].shape) > 1:
        sums, weight = levels[-1]
        size = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
        less = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
        mean = cv2.resize(sums, size, interpolation=cv2.INTER_AREA).reshape(*less.shape, -1)
        trust = np.minimum(1, less * 3)
        levels.append((mean * (trust / np.maximum(less, 1e-6))[..., None], trust))
    found = levels[-1][0] / np.maximum(levels[-1][1], 1e-6)[..., None]
    for sums, weight in levels[-2::-1]:
        up = cv2.resize(found, weight.shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(*weight.shape, -1)
        found = sums + (1 - weight)[..., None] * up
    return np.asarray(found, np.float32).reshape(values.shape)


def _less(image: NDArray[np.generic], scale: float) -> Floats:
    size = (max(8, round(image.shape[1] * scale)), max(8, round(image.shape[0] * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def quick(image: Image, hole: Image) -> Image:
    """The picture with its hole filled smoothly. image: (H, W, 3) uint8; hole: (H, W) uint8, not 0 where it is gone."""
    scale = min(1.0, 2 * SIDE / max(hole.shape))
    low = spread(_less(image, scale), (_less(hole, scale) < 1).astype(np.float32))
    full = cv2.resize(np.clip(low, 0, 255).astype(np.uint8), hole.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.copyTo(full, hole, image.copy()), np.uint8)


def textured(image: Image, hole: Image, reach: int) -> Image:
    """The picture with its hole filled, textured to `reach` pixels from the hole's edge. Arguments as for `quick`."""
    scale = min(1.0, SIDE / max(hole.shape))
    small = _less(image, scale) / 255
    gone = _less(hole, scale) > 1
    deep = cv2.distanceTransform(gone.astype(np.uint8), cv2.DIST_L2, 3)
    near = max(3.0, reach * scale)
    lent = cv2.dilate(gone.astype(np.uint8), np.ones((5, 5))) == 0  # what is next to the subject is tinged by it
    smooth = spread(small, (~gone).astype(np.float32))
    small_hole = Hole(small, gone, gone & (deep <= near + 1), lent, smooth, near)
    loan = shifts.choose(small_hole)
    if loan is None:
        return quick(image, hole)
    toned, tone = _tone(small_hole, loan)
    base = cv2.resize(np.clip(toned * 255, 0, 255).astype(np.uint8), hole.shape[::-1], interpolation=cv2.INTER_CUBIC)
    exact = _exact(image, small_hole, loan)
    worth = np.clip((near + 1 - deep) / (0.35 * near), 0, 1)
    worth[loan.box[0] : loan.box[1], loan.box[2] : loan.box[3]] *= loan.able
    return _lend(image, base, hole, loan, exact, tone, worth.astype(np.float32))


def _tone(hole: Hole, loan: Loan) -> tuple[Floats, Floats]:
    """The small picture filled with what is lent, and each piece's change of colour that lets it join what is known.

    The gradients of the copies are kept and the picture around the hole is the boundary (Poisson: Perez et al., SIGGRAPH
    2003); only the smooth part of the answer is used, per piece, so that no seam is painted in.
    """
    top, bottom, left, right = loan.box
    window = np.s_[top:bottom, left:right]
    rows, columns = np.mgrid[top:bottom, left:right]
    height, width = hole.gone.shape
    down, across = rows + loan.shifts[loan.labels, 0], columns + loan.shifts[loan.labels, 1]

    def copy(dy: int, dx: int) -> Floats:
        return hole.picture[np.clip(down + dy, 0, height - 1), np.clip(across + dx, 0, width - 1)]

    mine = copy(0, 0)
    bend = (4 * mine - copy(-1, 0) - copy(1, 0) - copy(0, -1) - copy(0, 1)) / 4
    lent = hole.rim[window] & loan.able
    open_ = hole.gone[window][..., None]
    bend = np.where(lent[..., None], np.clip(bend, -0.1, 0.1), 0).astype(np.float32)
    found = np.where(lent[..., None], mine, np.where(open_, hole.smooth[window], hole.picture[window]))
    cross = np.array([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]], np.float32)
    for _ in range(SETTLE):
        found = np.where(open_, cv2.filter2D(found, -1, cross, borderType=cv2.BORDER_REPLICATE) + bend, found)
    broad = cv2.GaussianBlur(hole.smooth, (0, 0), BROAD)
    theirs = broad[np.clip(down, 0, height - 1), np.clip(across, 0, width - 1)]
    around = hole.smooth.copy()
    around[window] = found
    tone = np.clip(cv2.GaussianBlur(around, (0, 0), BROAD)[window] - theirs, -TONED, TONED)
    whole = hole.picture.copy()
    whole[window] = np.where(lent[..., None], mine + tone, whole[window])
    firm = ~hole.gone
    firm[window] |= lent
    return spread(whole, firm.astype(np.float32)), tone


def _exact(image: Image, hole: Hole, loan: Loan) -> Ints:
    """Each shift in full-size pixels, set by comparing the known surroundings of its piece at a larger size."""
    height, width = image.shape[:2]
    rows, columns = hole.gone.shape
    fine = min(1.0, SHARPER * rows / height)
    large = _less(image, fine) if fine < 1 else image.astype(np.float32)
    up = np.array([large.shape[0] / rows, large.shape[1] / columns])
    slack = np.arange(-int(1.3 * up.max()), int(1.3 * up.max()) + 1)
    tries = np.stack(np.meshgrid(slack, slack, indexing="ij"), -1).reshape(-1, 2)
    top, bottom, left, right = loan.box
    known, rim = hole.lent[top:bottom, left:right], hole.rim[top:bottom, left:right]
    found = np.rint(loan.shifts * np.array([height / rows, width / columns])).astype(np.int32)
    for k in np.unique(loan.labels[rim]):
        piece = cv2.dilate(((loan.labels == k) & rim).astype(np.uint8), np.ones((7, 7))) > 0
        ys, xs = np.nonzero(piece & known)
        if len(ys) < 12:
            continue
        thin = max(1, len(ys) // 250)
        at = np.stack([ys[::thin] + top, xs[::thin] + left], -1)
        at = np.rint((at + 0.5) * up - 0.5).astype(int)
        moves = np.rint(loan.shifts[k] * up).astype(int) + tries
        there = at[None] + moves[:, None]
        there = np.clip(there, 0, np.array(large.shape[:2]) - 1)
        misfit = ((large[there[..., 0], there[..., 1]] - large[at[:, 0], at[:, 1]][None]) ** 2).sum(-1)
        best = int(np.minimum(misfit, 4000).mean(1).argmin())
        found[k] = np.rint(moves[best] / fine)
    return found


def _lend(image: Image, base: Image, hole: Image, loan: Loan, exact: Ints, tone: Floats, worth: Floats) -> Image:
    """Copy at full size: each pixel takes what its small pixel's shift lends, blended where neighbouring shifts differ."""
    height, width = hole.shape
    rows, columns = worth.shape
    top, bottom, left, right = loan.box
    out = np.asarray(cv2.copyTo(base, hole, image.copy()), np.uint8)
    much = cv2.resize(worth, (width, height), interpolation=cv2.INTER_LINEAR)
    ys, xs = np.nonzero((much > 0.004) & (hole > 0))
    v, u = (
        (ys.astype(np.float32) + 0.5) * (rows / height) - 0.5 - top,
        (xs.astype(np.float32) + 0.5) * (columns / width) - 0.5 - left,
    )
    v, u = np.clip(v, 0, bottom - top - 1.001), np.clip(u, 0, right - left - 1.001)
    v0, u0 = v.astype(np.int32), u.astype(np.int32)
    fv, fu = np.clip((v - v0 - 0.5) * 2 + 0.5, 0, 1), np.clip((u - u0 - 0.5) * 2 + 0.5, 0, 1)

    def lent(some: Ints, dv: int, du: int) -> Floats:
        r, c = v0[some] + dv, u0[some] + du
        move = exact[loan.labels[r, c]]
        seen = image[np.clip(ys[some] + move[:, 0], 0, height - 1), np.clip(xs[some] + move[:, 1], 0, width - 1)]
        return seen + 255 * tone[r, c]

    corner = loan.labels
    same = (
        (corner[v0, u0] == corner[v0 + 1, u0])
        & (corner[v0, u0] == corner[v0, u0 + 1])
        & (corner[v0, u0] == corner[v0 + 1, u0 + 1])
    )
    found = np.empty((len(ys), 3), np.float32)
    plain, seam = np.flatnonzero(same), np.flatnonzero(~same)
    found[plain] = lent(plain, 0, 0)
    a, b = fv[seam][:, None], fu[seam][:, None]
    across = [lent(seam, dv, 0) * (1 - b) + lent(seam, dv, 1) * b for dv in (0, 1)]
    found[seam] = across[0] * (1 - a) + across[1] * a
    here = out[ys, xs].astype(np.float32)
    out[ys, xs] = np.clip(here + (found - here) * much[ys, xs][:, None], 0, 255).astype(np.uint8)
    return out
