"""The door to every engine: one call, one result, one way to be stopped.

Knows what an engine is given and what it must hand over. Refuses to know queues, files, pages and encoders.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from studio.nouns import Frames, ModelCard, Progress, Shot

Image = NDArray[np.uint8]
Tick = Callable[[Progress], None]
"""Called often by an engine with how far it is. Raises `Stopped` when the user has stopped the job."""


class Stopped(Exception):
    """The user stopped the job. Raised by `tick`, passed on by engines, never caught by them."""


class Engine(Protocol):
    """Turns a photo and a shot into frames."""

    def animate(self, image: Image, shot: Shot, card: ModelCard, tick: Tick) -> Frames:
        """Animate `image`, the whole photo at full resolution ((H, W, 3) uint8 RGB), as `shot` says.

        What is shown is `studio.photo.crop.cut(image, shot.photo, shot.crop)`; what lies around it may help to understand it.
        The frame size is `studio.photo.crop.output_size(shot)`. Returns `Frames` whose iterator renders as it is read, so memory
        doesn't grow with the clip's length. Raises `Refusal` for a shot this engine can't make and lets `Stopped` from `tick`
        through.
        """
        ...
