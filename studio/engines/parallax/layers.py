"""From a crop to a scene: sheets of texture and depth, far to near, that put back together are the photo again.

Knows the order of the sheets and what each is made from. Refuses to know how depth is read, cameras and motion.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.config import Settings
from studio.engines.base import Image, Tick
from studio.engines.parallax import areas, fill, part, source
from studio.engines.parallax.scene import Floats, Layer, Scene
from studio.engines.parallax.sky import Sky
from studio.nouns import Choice, Progress, Shot
from studio.photo import matte
from studio.photo.crop import output_size

FINER = 1.5  # texture over frame: bilinear sampling then looks as sharp as the photo
MOST_PIXELS = 16_000_000  # of a texture: a 4K scene stays well under a gigabyte
DRAFT = 360  # pixels of the short side up to which a clip smaller than its photo is a draft
REVEALED = 0.05  # of the long side: as far behind a subject as any move looks


def read_scene(
    image: Image, shot: Shot, settings: Settings, tick: Tick, whole: Image | None = None, size: tuple[int, int] | None = None
) -> Scene:
    """Make a photo ready to be moved through. image: (H, W, 3) uint8 RGB, the crop at full resolution; whole: the photo.

    size: the scene's width and height where they aren't the frame's, as when windows on it are what is shown.
    Raises `Refusal` when the depth that the shot asks for can't be had, and lets `Stopped` from `tick` through.
    """
    tick(Progress("read", 0, 3, "finding the subject"))
    frame = output_size(shot)
    width, height = size or (frame.width, frame.height)
    texture = _texture(image, width, height)
    subject = matte.find(image, whole, shot.crop, shot.subject)
    tick(Progress("read", 1, 3, "reading the depth"))
    reading, chosen = source.read(image, shot, settings, subject)
    tick(Progress("read", 2, 3, "filling in what is behind"))
    draft = min(frame.width, frame.height) <= DRAFT and image.shape[1] > FINER * frame.width
    alpha = matte.edge(texture, subject.soft) if subject.layered else np.zeros(texture.shape[:2], np.uint8)
    layers = _sheets(texture, alpha, reading.disparity, reading.sky, draft)
    cover = cv2.resize(alpha, reading.disparity.shape[::-1], interpolation=cv2.INTER_AREA)
    masks = areas.masks(texture, (cover / 255).astype(np.float32), reading.sky)
    tick(Progress("read", 3, 3))
    core = reading.disparity[masks["subject"] > 0.9]
    pivot = float(np.median(core)) if core.size else float(np.percentile(reading.disparity, 60))
    choices = (chosen, subject.choice, *_said(reading.sky, bool(alpha.any()), draft))
    return Scene(
        width, height, layers, reading.disparity, masks, pivot, subject.gap, reading.sky.horizon, choices,
        areas.areas(image, subject, reading.sky),
    )  # fmt: skip


def _texture(image: Image, width: int, height: int) -> Image:
    """The crop at up to 1.5 times the frame; never finer than its own pixels, and never coarser than the frame."""
    finest = min(FINER, (MOST_PIXELS / (width * height)) ** 0.5)
    scale = float(np.clip(min(image.shape[1] / width, image.shape[0] / height), 1.0, max(1.0, finest)))
    size = (round(width * scale), round(height * scale))
    how = cv2.INTER_AREA if image.shape[1] > size[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def _sheets(texture: Image, alpha: Image, disparity: Floats, sky: Sky, draft: bool) -> tuple[Layer, ...]:
    """The sheets, far to near: sky when there is one to part, background, subject when there is one to part."""
    size = disparity.shape[::-1]
    cover = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    sheets: list[Layer] = []
    behind = texture
    if alpha.any():
        reach = round(REVEALED * max(alpha.shape))
        hole = _wider(alpha)
        filled = fill.quick(texture, hole) if draft else fill.textured(texture, hole, reach)
        front, behind = part.lift(texture, alpha, filled, hole)
        core = cv2.erode((cover > 247).astype(np.float32), np.ones((3, 3)))
        core = core if core.any() else (cover >= cover.max()).astype(np.float32)
        sheets.append(Layer("subject", front, _smooth(fill.spread(disparity, core), 1.5)))
    clear = cv2.dilate(cover, np.ones((5, 5), np.uint8)) < 5
    if not sky.apart:
        far = fill.spread(disparity, clear.astype(np.float32))
        sheets.append(Layer("background", cv2.cvtColor(behind, cv2.COLOR_RGB2RGBA), _smooth(far, 2)))
        return tuple(sheets[::-1])
    heaven = fill.spread(sky.soft, clear.astype(np.float32))
    land = 255 - matte.edge(behind, heaven)
    hole = _wider(land)
    front, heavens = part.lift(behind, land, fill.quick(behind, hole), hole)
    ground = clear & (cv2.dilate(sky.soft, np.ones((5, 5))) < 0.05)
    far = fill.spread(disparity, ground.astype(np.float32))
    sheets.append(Layer("background", front, _smooth(far, 2)))
    sheets.append(Layer("sky", cv2.cvtColor(heavens, cv2.COLOR_RGB2RGBA), np.zeros_like(disparity)))
    return tuple(sheets[::-1])


def _wider(alpha: Image) -> Image:
    """Where alpha is, and as far around as the blur of an edge reaches."""
    around = 2 * max(3, max(alpha.shape) // 200) + 1
    return np.asarray(cv2.dilate(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (around, around))), np.uint8)


def _smooth(disparity: Floats, sigma: float) -> Floats:
    return np.clip(cv2.GaussianBlur(disparity, (0, 0), sigma), 0, 1).astype(np.float32)


def _said(sky: Sky, parted: bool, draft: bool) -> tuple[Choice, ...]:
    said: list[Choice] = []
    if sky.apart:
        said.append(Choice("sky", "a sheet of its own", f"a smooth sky fills {sky.share:.0%} of the picture above the land"))
    if parted:
        quick = Choice("fill", "smooth", "a draft: what is behind the subject is only hinted at")
        real = Choice("fill", "textured", "what is behind the subject is continued with texture from around it")
        said.append(quick if draft else real)
    return tuple(said)
