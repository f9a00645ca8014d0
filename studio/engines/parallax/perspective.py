"""Horizon and vanishing points of walls, from the straight lines of a photo.

A line that is level in the world is nearer where it stands further from the horizon: along it, disparity is in
proportion to the distance from the horizon (one-view geometry: Criminisi, Reid, Zisserman, IJCV 2000). Each line so
tells how disparity changes between two columns, and the walls are what agrees with all of them best.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.parallax.scene import Floats

MOST = 120  # lines looked at, the longest
NARROWEST = 16  # pixels: the detector fails on a narrower picture
SHORTEST = 0.045  # of the long side
LEVEL = 0.05  # slope up to which a line is level in the picture, and says nothing of the horizon
DOUBT = 0.33  # the share of lines that meet by chance; upright and level ones count a quarter
STEEP = 3.0  # slope past which a line stands upright
NARROW = 0.035  # radians off a point at which a line no longer meets it
USUAL = (0.42, 0.35)  # where horizons stand in photos: the middle, and how far off it is no wonder
PAIRED = 40  # of the longest slanted lines, any two give a point where many may meet
KNOTS = 24  # columns in which the walls are known
LEAST_FOOT = 0.5  # a floor that begins higher is not believed, where its lines are told from the walls'
FLOOR = 0.1  # what a line counts that lies on the floor for all that is known
BELOW = 0.4  # what a line below the horizon counts, which may lie on the floor
BENDS, FLAT = 0.35, 0.01  # how strongly the walls are held from bending, and from receding


class Walls(NamedTuple):
    """How near the walls are in each column, and where the picture's space begins.

    nearness: (KNOTS,) float32, the logarithm of disparity against the furthest wall's, 0 or more. horizon: a fraction
    from the top. foot, head: how far below and above the horizon the furthest wall ends, as a share of it; head 0 for
    no ceiling. sure: 0..1, how far the lines agree.
    """

    nearness: Floats
    horizon: float
    foot: float
    head: float
    sure: float


def lines(gray: NDArray[np.uint8]) -> Floats:
    """The longest straight lines of a picture: (n, 4) float32 x1, y1, x2, y2 in pixels, x1 <= x2, longest first."""
    least = round(SHORTEST * max(gray.shape))
    found = None
    if min(gray.shape) >= NARROWEST:
        found = cv2.ximgproc.createFastLineDetector(least, 1.414, 20, 50, 3, False).detect(gray)
    if found is None:
        return np.zeros((0, 4), np.float32)
    flat = found.reshape(-1, 4)
    flat = np.where((flat[:, 0] > flat[:, 2])[:, None], flat[:, [2, 3, 0, 1]], flat)
    order = np.argsort(-np.hypot(flat[:, 2] - flat[:, 0], flat[:, 3] - flat[:, 1]), kind="stable")
    return np.asarray(flat[order[:MOST]], np.float32)


def vanishing(found: Floats, shape: tuple[int, int]) -> tuple[float, Floats, float]:
    """The horizon on which most slanted lines meet, in one point or two.

    Returns its height as a fraction from the top, how far each line belongs to it (n,) 0..1, and the share of the
    slanted lines' length that does.
    """
    height, width = shape
    step = found[:, 2:] - found[:, :2]
    middle = (found[:, :2] + found[:, 2:]) / 2
    length = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-3)
    along = step / length[:, None]
    slanted = (np.abs(along[:, 1]) > LEVEL) & (np.abs(along[:, 1]) < STEEP * along[:, 0])
    points = _cross_lines(middle[slanted][:PAIRED], along[slanted][:PAIRED])
    inside = (points > (-1.5 * width, -0.5 * height)) & (points < (2.5 * width, 1.1 * height))
    points = points[inside.all(1)]
    if not len(points):
        return 0.5, np.zeros(len(found), np.float32), 0.0
    towards = points[:, None] - middle[None]
    off = np.abs(towards[..., 0] * along[:, 1] - towards[..., 1] * along[:, 0]) / (
        np.hypot(towards[..., 0], towards[..., 1]) + 4
    )
    meets = slanted * np.clip(1 - off / NARROW, 0, 1)
    likely = (meets @ length) * np.exp(-(((points[:, 1] / height - USUAL[0]) / USUAL[1]) ** 2))
    best = int(likely.argmax())
    beside = np.abs(points - points[best]) / (width, height)
    second = np.flatnonzero((beside[:, 1] < 0.06) & (beside[:, 0] > 0.6))
    belongs = meets[best]
    if len(second):
        both = np.maximum(belongs, meets[second])
        belongs = both[int((both @ length).argmax())]
    share = float(belongs @ length / max(float(slanted @ length), 1e-3))
    return float(points[best, 1] / height), belongs.astype(np.float32), share


def _cross_lines(middle: Floats, along: Floats) -> Floats:
    """Where any two of some lines cross, (m, 2) pixels; those that are nearly parallel are left out."""
    one, two = np.triu_indices(len(middle), 1)
    cross = along[one, 0] * along[two, 1] - along[one, 1] * along[two, 0]
    gap = middle[two] - middle[one]
    clear = np.abs(cross) > 0.08
    reach = (gap[:, 0] * along[two, 1] - gap[:, 1] * along[two, 0])[clear] / cross[clear]
    return np.asarray(middle[one[clear]] + reach[:, None] * along[one[clear]], np.float32)


def walls(gray: NDArray[np.uint8]) -> Walls:
    """How near the walls of a photo are, column by column; not sure at all where lines tell nothing. gray: the working
    size.
    """
    height, width = gray.shape
    found = lines(gray)
    level, belongs, share = vanishing(found, gray.shape)
    off = np.stack([found[:, 1], found[:, 3]], -1) / height - level
    run, rise = found[:, 2] - found[:, 0], np.abs(found[:, 3] - found[:, 1])
    speaks = (off.prod(1) > 0) & (np.abs(off).min(1) > 0.05) & (run > 0.02 * width) & (rise < STEEP * run)
    if speaks.sum() < 4:
        return Walls(np.zeros(KNOTS, np.float32), level, 0.0, 0.0, 0.0)
    ends, off, run, rise = found[speaks][:, [0, 2]] / width, off[speaks], run[speaks], rise[speaks]
    recedes = np.abs(np.log(np.abs(off[:, 0]) / np.abs(off[:, 1])))  # how much disparity changes along a line
    where = np.where(off[:, 0] < 0, 1.0, np.where(recedes < LEVEL, BELOW / 4, BELOW))
    sort = np.maximum(belongs[speaks], np.where(rise < 2 * LEVEL * run, 0.6, 0.08))
    weight = sort * where * np.hypot(run, rise) / max(gray.shape)
    nearness, agree = _fit(ends, off, weight)
    told = float((weight * agree * np.minimum(recedes, 0.3)).sum())
    sure = float(
        np.clip((share + 0.25 * _measure_built(found, max(gray.shape)) - DOUBT) / 0.14, 0, 1)
        * np.clip((told - 0.02) / 0.04, 0, 1)
    )
    foot, _ = _fit_far_wall(ends, off, nearness, level)
    floor = _along(ends, nearness) * max(foot, LEAST_FOOT) * (1 - level) * 1.1
    nearness, _ = _fit(ends, off, weight * np.where((off > floor).all(1), FLOOR, 1.0))
    foot, head = _fit_far_wall(ends, off, nearness, level)
    return Walls(np.log(nearness).astype(np.float32), level, foot, head, sure)


def _measure_built(found: Floats, side: int) -> float:
    """How much of a picture's lines stand upright or lie level, 0..1, as they do where people have built."""
    across, down = found[:, 2] - found[:, 0], np.abs(found[:, 3] - found[:, 1])
    size = np.hypot(across, down)
    square = (across < 0.09 * down) | (down < LEVEL * across)
    return float(size[square].sum() / max(float(size.sum()), 10 * side))


def _fit(ends: Floats, off: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """The disparity of walls by column that agrees with what lines say, the furthest 1, and how far each line agrees,
    0..1.

    ends: (n, 2) fractions of the width; off: (n, 2) how far off the horizon. A wall's disparity is straight in the
    picture, so few bends are wanted, and those sharp.
    """
    place = np.clip(ends * KNOTS - 0.5, 0, KNOTS - 1.001)
    low = place.astype(int)
    part = place - low
    far = np.abs(off) / np.abs(off).mean(1, keepdims=True)
    rows = np.arange(len(ends))
    says = np.zeros((len(ends), KNOTS))
    for side, factor in ((0, far[:, 1]), (1, -far[:, 0])):
        np.add.at(says, (rows, low[:, side]), factor * (1 - part[:, side]))
        np.add.at(says, (rows, low[:, side] + 1), factor * part[:, side])
    slopes, bends = np.diff(np.eye(KNOTS), axis=0), np.diff(np.eye(KNOTS), 2, axis=0)
    agree, bent = np.ones(len(ends)), np.ones(KNOTS - 2)
    nearness = np.ones(KNOTS)
    for _ in range(5):
        held = (
            says.T @ (says * (weight * agree)[:, None])
            + BENDS * bends.T @ (bends * bent[:, None])
            + FLAT * slopes.T @ slopes
        )
        nearness = np.linalg.solve(held + 1.0, np.full(KNOTS, float(KNOTS)))
        agree = 1 / (1 + ((says @ nearness) / 0.2) ** 2)
        bent = 1 / (1 + np.abs(bends @ nearness) / 0.03)
    nearness = np.clip(nearness, 0.2, 5)
    return (nearness / nearness.min()).astype(np.float32), agree.astype(np.float32)


def _fit_far_wall(ends: Floats, off: Floats, nearness: Floats, level: float) -> tuple[float, float]:
    """Where the furthest wall meets floor and ceiling: the heights along whose course the most lines run."""
    at, length = _along(ends, nearness), ends[:, 1] - ends[:, 0]
    found = []
    for there, room, least in ((off[:, 0] > 0, 1 - level, 0.15), (off[:, 0] < 0, level, 0.3)):
        tried = np.linspace(least, 0.9, 26)
        wanted = tried[:, None, None] * at[None, there] * room
        far = np.abs(wanted - np.abs(off[None, there])).max(-1)
        score = (length[None, there] * np.clip(1 - far / 0.03, 0, 1)).sum(1)
        best = int(score.argmax())
        found.append((float(tried[best]), float(score[best])))
    (foot, clear), (head, seen) = found
    return (foot if clear > 0.1 else 0.4), (head if seen > 0.25 else 0.0)


def _along(ends: Floats, nearness: Floats) -> Floats:
    """How near the wall is at both ends of lines, (n, 2)."""
    return np.interp(ends * KNOTS - 0.5, np.arange(KNOTS), nearness).astype(np.float32)
