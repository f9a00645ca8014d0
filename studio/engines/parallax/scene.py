"""A scene: layers of texture and disparity, far to near, and the masks of what can move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.nouns import Choice
from studio.photo.matte import Standing

Floats = NDArray[np.float32]


class Areas(NamedTuple):
    """The share of the crop that each region takes, 0..1, and whether there is a subject."""

    shares: Mapping[str, float]
    standing: Standing


class Detail(NamedTuple):
    """What of a picture would show that it is stretched, each (h, w) float32.

    x, y: the direction across a line, right and down; sure: how sure there is one, 0..1. bears: how much stretch is not
    seen.
    """

    x: Floats
    y: Floats
    sure: Floats
    bears: Floats


@dataclass(frozen=True)
class Layer:
    """One sheet of the scene.

    texture: (TH, TW, 4) uint8 RGBA, premultiplied; alpha is 255 everywhere in the furthest layer. disparity: (h, w)
    float32, 0 at infinity to 1 nearest, continued outside the layer's own shape, so that it may be looked up anywhere;
    as steep as the photo's depth, and made gentler for a camera before it is drawn (disparity.py). Texture and
    disparity both cover the whole crop.
    """

    name: Literal["sky", "background", "subject"]
    texture: NDArray[np.uint8]
    disparity: Floats


@dataclass(frozen=True)
class Scene:
    """A photo made ready to be moved through.

    width, height: the frame size in pixels (even). layers: far to near. disparity: (h, w) the whole picture's, for the
    depth view and for fog. masks: (h, w) float32 0..1 for "sky", "foliage", "subject" and "background". pivot: the
    disparity an orbit looks at and a dolly zoom keeps. gap: 0..1, how much of the depth is used (small when the matte
    is uncertain). horizon: its height as a fraction from the top. choices: what was decided and why; depth_choices:
    those of them about the depth and how many layers it has. areas: how much each of the masks takes, measured alike
    for every size; None for what the masks themselves say. detail: what would show that the picture is stretched; None
    for the same everywhere.
    """

    width: int
    height: int
    layers: tuple[Layer, ...]
    disparity: Floats
    masks: Mapping[str, Floats]
    pivot: float
    gap: float
    horizon: float
    choices: tuple[Choice, ...] = field(default=())
    areas: Areas | None = None
    detail: Detail | None = None
    depth_choices: tuple[Choice, ...] = field(default=())

    @property
    def measured(self) -> Areas:
        """How much each region takes."""
        shares = {name: float(mask.mean()) for name, mask in self.masks.items()}
        return self.areas or Areas(shares, "clear" if shares.get("subject", 0) else "none")
