"""A scene and a shot put together: sheets at their depths, a path that fits, and the framing that shows no border."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np

from studio.engines.base import Image
from studio.engines.parallax import disparity, framing, ken_burns
from studio.engines.parallax.camera_path import Pose, Stage, half_frame, travel
from studio.engines.parallax.projection import Framing
from studio.engines.parallax.scene import Floats, Layer, Scene
from studio.engines.parallax.sheets import Sheet, prepare
from studio.nouns import Choice, Shot
from studio.photo.crop import find_output_size

DEPTH = 0.8
"""The furthest thing lies at 1 / (1 - DEPTH) = 5 times the nearest: deeper looks cut out, shallower looks flat."""

Reach = tuple[float, float]


@dataclass(frozen=True)
class Setting:
    """All that a renderer needs: sheets far to near, a pose for every frame, the framing, and why it is so."""

    sheets: tuple[Sheet, ...]
    poses: tuple[Pose, ...]
    framing: Framing
    choice: Choice


class Depth(NamedTuple):
    """From a scene's disparity (0..1) to the camera's: about the pivot, so that a small gap flattens towards it."""

    pivot: float
    gap: float

    def of(self, disparity: Floats) -> Floats:
        """Disparity as the camera meets it: 1 for the nearest, above 0 for the furthest, float32."""
        pivot = 1 - DEPTH * (1 - self.pivot)
        deep = 1 - DEPTH * (1 - disparity)
        return (pivot + self.gap * (deep - pivot)).astype(np.float32)


def middle(scene: Scene) -> tuple[float, float]:
    """The middle of the subject in fractions of the frame from its centre (-1..1); (0, 0) without one."""
    subject = scene.masks.get("subject")
    if subject is None or float(subject.mean()) < 0.005:
        return 0.0, 0.0
    height, width = subject.shape
    total = float(subject.sum())
    x = float(subject.sum(0) @ np.arange(width)) / total
    y = float(subject.sum(1) @ np.arange(height)) / total
    return (2 * x + 1) / width - 1, (2 * y + 1) / height - 1


def flat(scene: Scene) -> Layer:
    """The scene as one sheet: for cameras that only turn and zoom, to which depth makes no difference."""
    height, width = scene.layers[0].texture.shape[:2]
    below = scene.layers[0].texture.copy()
    for layer in scene.layers[1:]:
        upper = (
            cv2.resize(layer.texture, (width, height)) if layer.texture.shape[:2] != (height, width) else layer.texture
        )
        alpha = cv2.merge([255 - upper[..., 3]] * 4)
        below = cv2.add(cv2.multiply(below, alpha, scale=1 / 255), upper)
    return Layer("background", below, scene.disparity)


def place(scene: Scene, shot: Shot, reaches: dict[str, Reach], still: bool) -> Setting:
    """Lay out a shot in a scene. reaches: how far ambient motion carries each layer's border, in fractions of the
    frame.

    still: nothing moves by itself, so that a camera that only turns may see one flat sheet.
    """
    depth, where = Depth(scene.pivot, scene.gap), _find_pivot(scene)
    half, camera = where.half, shot.motion.camera
    poses = travel(camera, shot.num_frames, shot.seconds, shot.seed, where)
    turning = still and not any(pose.centre.any() for pose in poses)
    layers = (flat(scene),) if turning else _tie(scene, poses, half)
    edges = _make_edges(layers, depth, reaches)
    scale, fitted = 1.0, framing.fit(edges, poses, half)
    while fitted is None:
        scale *= 0.85
        poses = travel(camera, shot.num_frames, shot.seconds, shot.seed, where, scale)
        fitted = framing.fit(edges, poses, half)
    sheets = tuple(
        prepare(layer, depth.of(layer.disparity), index == 0, scene.width) for index, layer in enumerate(layers)
    )
    return Setting(sheets, poses, fitted, _describe_framing(fitted, scale))


def _tie(scene: Scene, poses: tuple[Pose, ...], half: tuple[float, float]) -> tuple[Layer, ...]:
    """The scene's layers, in one disparity that these poses bear."""
    maps = [layer.disparity for layer in scene.layers]
    asked = disparity.bear(poses, half, (maps[0].shape[1], maps[0].shape[0]))
    bearing = asked._replace(slope=asked.slope / (DEPTH * max(scene.gap, 1e-3)))
    covers = [np.ones_like(maps[0]), *(cover(layer) for layer in scene.layers[1:])]
    tied = disparity.tie(maps, covers, bearing, scene.detail)
    return tuple(replace(layer, disparity=tied) for layer in scene.layers)


def between_boxes(scene: Scene, shot: Shot, found: ken_burns.Span) -> Setting:
    """Lay out the way from a start box to an end box, in a scene that was read of what is around both."""
    depth, where = Depth(scene.pivot, scene.gap), _find_pivot(scene)
    layers = _tie(scene, ken_burns.poses(shot, found, where, 1.0), where.half)
    poses = ken_burns.settle(shot, found, _make_edges(layers, depth, {}), where)
    across = round(find_output_size(shot).width / found.widest)
    sheets = tuple(prepare(layer, depth.of(layer.disparity), index == 0, across) for index, layer in enumerate(layers))
    reason = "the camera goes exactly from the start box to the end box, and swings a little aside in between"
    return Setting(sheets, poses, Framing(), Choice("framing", "from box to box", reason))


def _find_pivot(scene: Scene) -> Stage:
    half = half_frame(scene.width, scene.height)
    far = 1 / float(Depth(scene.pivot, scene.gap).of(np.asarray(scene.pivot, np.float32)))
    across, down = middle(scene)
    return Stage(half, (across * half[0] * far, down * half[1] * far, far))


def _make_edges(layers: tuple[Layer, ...], depth: Depth, reaches: dict[str, Reach]) -> tuple[framing.Sheet, ...]:
    """What each layer means to the border."""
    return tuple(
        framing.Sheet(
            depth.of(layer.disparity), None if index == 0 else cover(layer), reaches.get(layer.name, (0.0, 0.0))
        )
        for index, layer in enumerate(layers)
    )


def cover(layer: Layer) -> Floats:
    """How much of the layer is there, (h, w) 0..1 at the size of its disparity."""
    rows, columns = layer.disparity.shape
    alpha = cv2.resize(layer.texture[..., 3], (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(alpha, np.float32) / np.float32(255)


def _describe_framing(fitted: Framing, scale: float) -> Choice:
    value = f"{fitted.crop * 100 - 100:.0f} % closer"
    if scale < 1:
        return Choice(
            "framing", value, f"the camera goes {scale:.0%} as far as asked: beyond that the photo has no more to show"
        )
    if fitted.crop < 1.005:
        return Choice("framing", "as cropped", "this move never looks past the edge of the photo")
    return Choice("framing", value, "the smallest crop-in for which the camera never looks past the edge of the photo")


def resize(image: Image, width: int, height: int) -> Image:
    """The crop at the frame's size, as the camera sees it when nothing moves."""
    how = cv2.INTER_AREA if image.shape[1] > width else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=how), np.uint8)
