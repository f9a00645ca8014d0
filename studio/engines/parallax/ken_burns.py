"""The Ken Burns move from a start box to an end box on the photo: the region to read, and every frame's window on it.

A window is a lens that is shifted and zoomed, so it takes from the picture exactly what its box holds, without
keystone. Its size goes geometrically, for the zoom to look even, and its edges go straight from those of one box to
those of the other, so that it is always inside what covers both. In between, the camera itself swings aside and back,
along the way, while the lens keeps the subject in place: near and far part, and at both ends nothing is left of it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from studio.engines.parallax import framing
from studio.engines.parallax.camera_path import Matrix, Pose, Stage, hand, rotation, shake
from studio.engines.parallax.projection import Framing
from studio.motion.camera_moves import is_moving, is_shaken
from studio.motion.easing import ease, sway
from studio.nouns import Choice, Shot, replace
from studio.photo.crop import enclose, find_output_size, find_pixel_box

MARGIN = 0.08  # of both boxes' extent: photo around them, for the swing to look into
SWING = 0.12  # how far the camera swings aside, in mean half windows at the nearest depth
REST = 0.15  # of the way: within this of either end a hand comes to rest
MOST_PIXELS = 16_000_000  # of what is read for both boxes
MOST_LONG = 12_000  # and of its longer side

Window = tuple[float, float, float, float]  # left, top, width and height


class Span(NamedTuple):
    """What is read: `shot` has a crop of the photo's own shape around both boxes, `size` are its pixels, wide and high.

    start, end: both boxes in fractions of that crop.
    """

    shot: Shot
    size: tuple[int, int]
    start: Window
    end: Window

    @property
    def widest(self) -> float:
        """The wider box's width, in fractions."""
        return max(self.start[2], self.end[2])


def span(shot: Shot) -> Span:
    """What has to be read for a shot with an end box: as fine as its smaller box needs, if the photo has the pixels."""
    assert shot.end is not None
    crop = enclose(shot.photo, shot.crop, shot.end.crop, MARGIN)
    left, top, right, bottom = find_pixel_box(shot.photo, crop)
    across, down = right - left, bottom - top
    boxes = [find_pixel_box(shot.photo, one) for one in (shot.crop, shot.end.crop)]
    windows = [((a - left) / across, (b - top) / down, (c - a) / across, (d - b) / down) for a, b, c, d in boxes]
    frame = find_output_size(shot)
    wanted = max(frame.width / (one[2] * across) for one in windows)
    least = min(frame.width / (one[2] * across) for one in windows)
    scale = max(min(wanted, 1.5), least)
    scale = min(scale, math.sqrt(MOST_PIXELS / (across * down)), MOST_LONG / max(across, down))
    size = (max(2, round(across * scale)), max(2, round(down * scale)))
    return Span(replace(shot, crop=crop), size, windows[0], windows[1])


def window(start: Window, end: Window, e: float) -> Window:
    """The window at e of the way, 0..1."""
    ratio = end[2] / start[2]
    share = e if abs(ratio - 1) < 1e-6 else (ratio**e - 1) / (ratio - 1)
    left, top, wide, high = (one + (other - one) * share for one, other in zip(start, end, strict=True))
    return left, top, wide, high


def ways(shot: Shot) -> list[float]:
    """How far along the way every frame is: from exactly 0 to exactly 1, or there and back in a loop."""
    camera, count = shot.motion.camera, shot.num_frames
    if camera.loop:
        return [sway(camera.ease, index / count) for index in range(count)]
    return [ease(camera.ease, index / (count - 1)) for index in range(count)]


def poses(shot: Shot, found: Span, stage: Stage, scale: float) -> tuple[Pose, ...]:
    """Every frame's pose. stage: half of what was read, in tangents, and its pivot. scale: 0..1, of swing and hand."""
    unrest = hand(shot.seed, shot.seconds)
    shaking = scale * sum(move.amount for move in shot.motion.camera.moves if is_shaken(move.name))
    reach = scale * SWING * _choose_swing(found, shot.seed)
    made: list[Pose] = []
    for index, e in enumerate(ways(shot)):
        left, top, wide, high = window(found.start, found.end, e)
        shift = np.array([(2 * left + wide - 1) * stage.half[0], (2 * top + high - 1) * stage.half[1]])
        mean = math.sqrt(wide * high) * stage.mean
        aside = reach * mean * math.sin(math.pi * e) ** 2
        moved = shaking * _fade_unrest(e) * math.sqrt(wide * high) * shake(unrest, index / shot.num_frames, stage)
        centre = np.array([*aside, 0.0]) + moved[3:]
        shift = shift - aside / stage.pivot[2]
        made.append(
            Pose(centre, rotation(*(float(angle) for angle in moved[:3])), 1 / wide, (shift[0], shift[1]), high / wide)
        )
    return tuple(made)


def _choose_swing(found: Span, seed: int) -> Matrix:
    """Which way to swing and how far, of SWING: along the axis on which the window goes further; a seed has its own."""
    (x0, y0, w0, h0), (x1, y1, w1, h1) = found.start, found.end
    across, down = (x1 - x0) + (w1 - w0) / 2, (y1 - y0) + (h1 - h0) / 2
    upright = abs(down) / (h0 + h1) > abs(across) / (w0 + w1) + 1e-6
    way = math.copysign(1.0, down if upright else across)
    if seed:
        chance = np.random.default_rng(seed)
        way *= float(chance.choice((-1.0, 1.0)) * chance.uniform(0.6, 1.2))
    return np.array([0.0, way]) if upright else np.array([way, 0.0])


def _fade_unrest(e: float) -> float:
    """How much of a hand's unrest there is at e of the way: none at either end."""
    y = min(1.0, e / REST, (1 - e) / REST)
    return y * y * (3 - 2 * y)


def settle(shot: Shot, found: Span, edges: tuple[framing.Sheet, ...], stage: Stage) -> tuple[Pose, ...]:
    """The poses with as much swing as never looks past the photo."""
    scale = 1.0
    while scale > 0.05:
        made = poses(shot, found, stage, scale)
        some = made[:: max(1, len(made) // 40)]
        if framing.spill(edges, some, Framing(), stage.half).worst <= framing.TOLERANCE * stage.half[0] * found.widest:
            return made
        scale *= 0.7
    return poses(shot, found, stage, 0.0)


def choices(shot: Shot) -> tuple[Choice, ...]:
    """What the two boxes lead to, where it isn't plain: moves that are left out, and an end that has to be enlarged."""
    assert shot.end is not None
    found: list[Choice] = []
    camera = shot.motion.camera
    every = (*camera.moves, *(move for leg in camera.then for move in leg.moves))
    if any(is_moving(move) and not is_shaken(move.name) for move in every):
        found.append(
            Choice("camera", "start box to end box", "the two boxes say where the camera goes, in place of its moves")
        )
    left, _, right, _ = find_pixel_box(shot.photo, shot.end.crop)
    larger = find_output_size(shot).width / (right - left)
    if larger >= 1.095:
        reason = f"the end box is {right - left} px wide: a larger one, or a smaller clip, stays sharp to the end"
        found.append(Choice("end box", f"enlarged {larger:.1f} times", reason))
    return tuple(found)
