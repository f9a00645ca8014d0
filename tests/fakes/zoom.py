"""A real, very small engine that zooms slowly into the photo, at a pace of its own: what the browser tests animate with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.base import Image, Tick
from studio.engines.parallax.scene import Scene
from studio.engines.prepare import Prepared
from studio.frames import Frames
from studio.nouns import Choice, Progress, Refusal, Shot
from studio.photo.crop import find_output_size
from tests.engines import made_scene


class Zoom:
    """Zooms by a tenth. The prompt may name what it does instead: "refuse", or "slow" for `pace` seconds a frame.

    What `breaks` names ("animate", "read") fails as no engine should.
    """

    def __init__(self, pace: float = 0.05) -> None:
        self.pace = pace
        self.breaks: set[str] = set()

    def _stumble(self, where: str) -> None:
        if where in self.breaks:
            raise ZeroDivisionError("a secret file name")

    def animate(self, prepared: Prepared, image: Image, end: Image | None, tick: Tick) -> Frames:
        shot = prepared.shot
        self._stumble("animate")
        tick(Progress("read", 0, 1))
        if shot.motion.prompt == "refuse":
            raise Refusal("The engine ran out of memory.", "Choose a smaller size and try again.")
        size = find_output_size(shot)
        said = (Choice("engine", "zoom", "a stand-in for tests: it only zooms"),)
        return Frames(
            self._paint(image, shot, size.width, size.height, tick),
            size.width,
            size.height,
            shot.fps,
            shot.num_frames,
            choices=said,
        )

    def read(self, image: Image, shot: Shot, tick: Tick = lambda progress: None) -> Scene:
        """A made scene, whatever the photo; it says whose depth was asked for."""
        self._stumble("read")
        given = len(shot.depth) == 64
        said = Choice("depth", "your depth map" if given else "built in", "a stand-in for tests: it is always the same")
        return replace(made_scene.make(), choices=(said,), depth_choices=(said,))

    def _paint(self, image: Image, shot: Shot, width: int, height: int, tick: Tick) -> Iterator[NDArray[np.uint8]]:
        still = cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=cv2.INTER_AREA)
        for index in range(shot.num_frames):
            if shot.motion.prompt == "slow":
                time.sleep(self.pace)
            tick(Progress("paint", index, shot.num_frames))
            scale = 1 + 0.1 * index / shot.num_frames
            turn = np.array([[scale, 0, width / 2 * (1 - scale)], [0, scale, height / 2 * (1 - scale)]])
            yield cv2.warpAffine(still, turn, (width, height)).astype(np.uint8)
