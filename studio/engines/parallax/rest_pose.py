"""The rest pose: which frame of a path is nearest to the untouched photo, and becomes the clip's poster."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from studio.engines.parallax.camera_path import Pose

NEAR_ENOUGH = 0.01
"""A first frame this near to the photo is taken, though another were nearer: playing begins on the poster without a
jump.
"""


def departure(pose: Pose, half: tuple[float, float]) -> float:
    """How far a pose is from the photo's own view, 0 at rest, in mean half frames that the picture goes: of the nearest
    thing for the camera's way, of all things for its turn and its lens, of the corner for a roll and a zoom."""
    mean = math.sqrt(half[0] * half[1])
    cosine = (float(np.trace(pose.rotation)) - 1) / 2
    _, _, forward = pose.rotation[:, 2]
    aside = math.acos(min(1.0, max(-1.0, float(forward))))
    rolled = math.acos(min(1.0, max(-1.0, cosine)))
    way = math.hypot(float(pose.centre[0]), float(pose.centre[1])) + abs(float(pose.centre[2])) * mean
    lens = abs(math.log(pose.zoom)) + abs(math.log(pose.tall)) + math.hypot(*pose.shift) / mean
    return (way + aside) / mean + rolled + lens


def nearest(poses: Sequence[Pose], half: tuple[float, float]) -> int:
    """Which pose (from 0) departs least from the photo; the first where that is as near as makes no difference."""
    far = [departure(pose, half) for pose in poses]
    return 0 if far[0] <= min(far) + NEAR_ENOUGH else int(np.argmin(far))
