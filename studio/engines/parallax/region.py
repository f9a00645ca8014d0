"""Where in the picture something moves by itself: masks found in the scene, or painted by hand.

Knows masks and brushes. Refuses to know what the motion looks like.
"""

from __future__ import annotations

import base64
import binascii

import cv2
import numpy as np

from studio.engines.parallax.lookup import look_up
from studio.engines.parallax.scene import Floats, Scene
from studio.motion.effects import EFFECTS
from studio.nouns import Choice, Effect, Refusal, Region, Shot

LEAST = 0.002
"""A region smaller than this share of the picture is as good as none."""

_WORDS: dict[Region, str] = {
    "sky": "sky", "foliage": "foliage", "subject": "subject that stands out", "background": "background",
}  # fmt: skip


def painted(effect: Effect, shot: Shot, size: tuple[int, int]) -> Floats:
    """The brush of an effect over the crop, (h, w) 0..1 at `size` (w, h). Raises `Refusal` when it isn't a picture."""
    try:
        data = np.frombuffer(base64.b64decode(effect.brush, validate=True), np.uint8)
        grey = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size else None
    except (binascii.Error, cv2.error):
        grey = None
    if grey is None:
        raise Refusal(f"The painted region of {EFFECTS[effect.name].title!r} can't be read.", "Paint it again.")
    rows, columns = grey.shape
    crop = shot.crop
    x = (crop.x + (np.arange(size[0], dtype=np.float32) + 0.5) / size[0] * crop.w) * columns - 0.5
    y = (crop.y + (np.arange(size[1], dtype=np.float32) + 0.5) / size[1] * crop.h) * rows - 0.5
    across, down = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    seen = look_up(grey.astype(np.float32) / 255, across, down)
    return np.asarray(seen, np.float32)


def chosen(effect: Effect) -> Region:
    """The region an effect means: what was asked for, a brush where water is painted, or what "auto" stands for."""
    return EFFECTS[effect.name].auto if effect.region == "auto" else effect.region


def find(effect: Effect, scene: Scene, shot: Shot) -> tuple[Floats, Choice]:
    """Where an effect happens, (h, w) 0..1 like the scene's disparity, and a word about it. Raises `Refusal` for nowhere."""
    rows, columns = scene.disparity.shape
    title, region = EFFECTS[effect.name].title, chosen(effect)
    if region == "everywhere":
        return np.ones((rows, columns), np.float32), Choice(title, "everywhere", "it is meant for the whole picture")
    if region == "brush":
        if not effect.brush:
            where = "where the water is" if effect.name in ("ripple", "flow") else "where it should happen"
            raise Refusal(f"{title} needs to know {where}, and nothing is painted.", f"Paint {where}, or leave it out.")
        mask = painted(effect, shot, (columns, rows))
    else:
        mask = scene.masks[region]
    share = float(mask.mean())
    if share < LEAST:
        if region == "brush":
            raise Refusal(f"{title} has nothing painted inside the crop.", "Paint there, or move the crop.")
        raise Refusal(f"{title} needs {_WORDS[region]}, and none was found.", "Paint where it should happen, or leave it out.")
    how = "painted by hand" if region == "brush" else "found in the photo"
    return mask.astype(np.float32), Choice(title, region, f"{how}: {share:.0%} of the picture")


def sheets(effect: Effect, names: tuple[str, ...]) -> frozenset[str]:
    """Which of a scene's layers an effect touches: a region that is behind the subject never moves the subject itself."""
    region = chosen(effect)
    if region == "subject" and "subject" in names:
        return frozenset({"subject"})
    if region in ("sky", "foliage", "background"):
        return frozenset(names) - {"subject"}
    return frozenset(names)
