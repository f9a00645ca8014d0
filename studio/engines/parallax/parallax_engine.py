"""The embedded engine: a photo's scene is read once, then every frame is painted by a camera's pose and effects."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import cv2
import numpy as np
from threadpoolctl import ThreadpoolController

from studio.cards import Plan
from studio.config import Settings
from studio.engines.base import Image, Places, Tick
from studio.engines.parallax import depth_source, ken_burns, render_torch, shot_setting, yuv
from studio.engines.parallax.areas import areas
from studio.engines.parallax.camera_path import half_frame
from studio.engines.parallax.effects import effect_masks
from studio.engines.parallax.effects.ambience import Ambient
from studio.engines.parallax.layers import needs_sheets, read_scene
from studio.engines.parallax.mipmap import Levels
from studio.engines.parallax.render import Renderer
from studio.engines.parallax.rest_pose import nearest
from studio.engines.parallax.scene import Areas, Scene
from studio.engines.prepare import Prepared
from studio.frames import Frames
from studio.helper_threads import Helpers
from studio.hung_threads import WorkLock
from studio.nouns import Choice, Progress, Shot
from studio.photo import matte
from studio.photo.crop import cut_crop, find_output_size
from studio.photo.subject_mask import resolve_subject

PAINTING_SHARE = 2
"""OpenCV gets one core in so many, for the encoder works at the same time: on two cores a 5 s 720p clip takes 10 %
less.
"""

KEPT_BYTES = 192 * 1024 * 1024
"""Scenes are kept up to this many bytes (several at 720p, one at 4K), and always the last one."""

KEPT_AREAS = 16

SMALL = 360  # pixels of the short side of a frame that isn't worth a thread

Key = tuple[str, str, bool, int, int]


class ParallaxEngine:
    """Turns a photo into layers and moves a camera through them. One scene is read at a time; any thread may ask."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._scenes: OrderedDict[Key, Scene] = OrderedDict()
        self._areas: OrderedDict[str, Areas] = OrderedDict()
        self._reading, self._looking, self._keeping = WorkLock(), WorkLock(), threading.Lock()
        cv2.setNumThreads(max(1, (os.cpu_count() or 1) // PAINTING_SHARE))
        _calm_blas()

    def read(self, image: Image, shot: Shot, tick: Tick = lambda progress: None) -> Scene:
        """The scene of a shot of a photo, (H, W, 3) uint8 RGB; the same crop at the same size and depth is read only
        once.

        With an end box it is the scene of what is around both boxes.
        """
        return self._read(image, shot, find_output_size(shot)[:2], tick)

    def _read(self, image: Image, shot: Shot, size: tuple[int, int], tick: Tick) -> Scene:
        """The scene of a shot whose frames are as large as `size` says."""
        found = ken_burns.span(shot) if shot.end else None
        shot, size = (found.shot, found.size) if found else (shot, size)
        key = self._make_key(image, shot, size)
        scene = self._recall(key)
        if scene is not None:
            return scene
        with self._reading:
            scene = self._recall(key)  # another thread may have read it meanwhile
            if scene is None:
                scene = read_scene(cut_crop(image, shot.photo, shot.crop), shot, self._settings, tick, image, size)
                self._keep(key, scene)
            return scene

    def _recall(self, key: Key) -> Scene | None:
        with self._keeping:
            if key in self._scenes:
                self._scenes.move_to_end(key)
            return self._scenes.get(key)

    def _keep(self, key: Key, scene: Scene) -> None:
        with self._keeping:
            self._scenes[key] = scene
            while len(self._scenes) > 1 and sum(map(_count_bytes, self._scenes.values())) > KEPT_BYTES:
                self._scenes.popitem(last=False)

    def places(self, image: Image, shot: Shot) -> Places:
        """Where the effects of a shot of a photo would happen: no sheet is cut for it, and a crop is looked at only
        once.
        """
        shot = ken_burns.span(shot).shot if shot.end else shot
        key = _identify(image, shot)
        with self._looking:
            if key not in self._areas:
                shown = cut_crop(image, shot.photo, shot.crop)
                marked = resolve_subject(shot.photo, shot.subject, self._settings)
                self._areas[key] = areas(shown, matte.find_matte(shown, image, shot.crop, marked))
            self._areas.move_to_end(key)
            while len(self._areas) > KEPT_AREAS:
                self._areas.popitem(last=False)
            found = self._areas[key]
        return effect_masks.places(shot, found)

    def _make_key(self, image: Image, shot: Shot, size: tuple[int, int]) -> Key:
        """What a scene depends on: its depth is that of the network as soon as that is here, and so is what is kept of
        it.
        """
        return _identify(image, shot), depth_source.resolve(shot, self._settings), needs_sheets(shot), *size

    def animate(self, prepared: Prepared, image: Image, end: Image | None, tick: Tick) -> Frames:
        """Frames of a shot, I420 BT.709, painted as they are read.

        image: (H, W, 3) uint8 RGB, the photo. `end` isn't looked at: with an end box the clip ends on the same photo.
        Raises `Refusal` where nothing would move, as no effect that was asked for has a place.
        """
        shot, plan = prepared.shot, prepared.plan
        frame = (plan.width, plan.height)
        if plan.still:
            picture = yuv.from_rgb(shot_setting.resize(cut_crop(image, shot.photo, shot.crop), *frame))
            reason = "nothing in this shot moves, so every frame is the crop itself"
            return _make_frames(
                _paint_all(lambda index: picture, plan, tick), plan, (Choice("camera", "still", reason),)
            )
        scene = self._read(image, shot, frame, tick)
        if shot.end:
            return _paint_boxes(scene, shot, plan, tick)
        ambient = Ambient(scene, shot)
        setting = shot_setting.place(scene, shot, ambient.reaches, still=not ambient)
        renderer = Renderer(setting.sheets, frame, setting.framing, ambient if ambient else None)
        painter, told = render_torch.renderer(renderer, setting, frame, bool(ambient))

        def paint(index: int) -> Image:
            return painter.paint(setting.poses[index], index / plan.num_frames)

        choices = (*scene.choices, setting.choice, *ambient.choices, *told)
        poster = nearest(setting.poses, renderer.half)
        return _make_frames(_paint_ahead(paint, plan, tick), plan, choices, poster)


def _calm_blas() -> None:
    """Have the OpenBLAS of numpy and OpenCV work in one thread.

    Its threads wait for each other by spinning. A frame's matrix products are small, and beside an encoder that holds
    the other core they took 30 ms of a frame that is painted in 6.
    """
    for library in ThreadpoolController().lib_controllers:
        if library.internal_api == "openblas" and "torch" not in library.filepath:
            library.set_num_threads(1)


def _paint_boxes(scene: Scene, shot: Shot, plan: Plan, tick: Tick) -> Frames:
    """Frames from the start box to the end box of a shot, in the scene of both."""
    found = ken_burns.span(shot)
    ambient = Ambient(scene, found.shot)
    setting = shot_setting.between_boxes(scene, shot, found)
    levels = Levels(
        setting.sheets, (plan.width, plan.height), half_frame(scene.width, scene.height), ambient if ambient else None
    )

    def paint(index: int) -> Image:
        return levels.paint(setting.poses[index], index / plan.num_frames)

    choices = (*scene.choices, setting.choice, *ken_burns.choices(shot), *ambient.choices)
    return _make_frames(_paint_ahead(paint, plan, tick), plan, choices)


def _make_frames(images: Iterator[Image], plan: Plan, choices: tuple[Choice, ...], poster: int = 0) -> Frames:
    return Frames(images, plan.width, plan.height, plan.fps, plan.num_frames, "yuv420p", choices, poster=poster)


def _paint_all(paint: Callable[[int], Image], plan: Plan, tick: Tick) -> Iterator[Image]:
    count = plan.num_frames
    for index in range(count):
        tick(Progress("paint", index, count))
        yield paint(index)
    tick(Progress("paint", count, count))


def _paint_ahead(paint: Callable[[int], Image], plan: Plan, tick: Tick) -> Iterator[Image]:
    """Frames painted one ahead of the reader, in a thread, so that painting and encoding run side by side.

    Small ones are painted as they are read: a pipe holds several, and handing one over takes half as long as painting
    it.
    """
    if min(plan.width, plan.height) <= SMALL:
        yield from _paint_all(paint, plan, tick)
        return
    with Helpers(1, "paint") as painter:
        waiting: Future[Image] = painter.submit(paint, 0)

        def next_one(index: int) -> Image:
            nonlocal waiting
            ready = waiting.result()
            if index + 1 < plan.num_frames:
                waiting = painter.submit(paint, index + 1)
            return ready

        yield from _paint_all(next_one, plan, tick)


def _identify(image: Image, shot: Shot) -> str:
    """What is seen of a photo. Every eighth line tells photos apart; its id and matte, the crop and the marked subject
    do the rest.
    """
    seen = hashlib.blake2b(np.ascontiguousarray(image[::8]), digest_size=16)
    photo = shot.photo
    own = (photo.own_matte, photo.matte_doubted)
    seen.update(repr((photo.id, own, shot.crop, shot.subject, image.shape)).encode())
    return seen.hexdigest()


def _count_bytes(scene: Scene) -> int:
    """Bytes of all that a scene holds: its maps of the whole picture are most of a small one."""
    layers = (part for layer in scene.layers for part in (layer.texture, layer.disparity))
    return sum(part.nbytes for part in (*layers, scene.disparity, *scene.masks.values(), *(scene.detail or ())))
