"""The layers of a scene, made of a crop: texture and depth, far to near, that composed are the photo again."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from studio.config import Settings
from studio.engines.base import Image, Tick
from studio.engines.parallax import areas, depth_source, disparity, inpaint, layer_matting
from studio.engines.parallax.scene import Floats, Layer, Scene
from studio.engines.parallax.sky import Sky
from studio.nouns import Choice, Progress, Shot
from studio.photo import matte
from studio.photo.crop import find_output_size
from studio.photo.matte import Matte
from studio.photo.subject_mask import resolve_subject

FINER = 1.5  # texture over frame: bilinear sampling then looks as sharp as the photo
MOST_PIXELS = 16_000_000  # of a texture: a 4K scene stays well under a gigabyte


def read_scene(
    image: Image,
    shot: Shot,
    settings: Settings,
    tick: Tick,
    whole: Image | None = None,
    size: tuple[int, int] | None = None,
) -> Scene:
    """Make a photo ready to be moved through.

    image: (H, W, 3) uint8 RGB, the crop at full resolution; whole: the photo; size: the scene's width and height where
    they aren't the frame's, as when windows on it are what is shown. Where nothing moves by itself one sheet is enough,
    for a camera never parts sheets (disparity.py). Raises `Refusal` when the depth that the shot asks for can't be had,
    and lets `Stopped` from `tick` through.
    """
    tick(Progress("read", 0, 3, "finding the subject"))
    width, height = size or find_output_size(shot)[:2]
    texture = _resize_texture(image, width, height)
    subject = matte.find_matte(image, whole, shot.crop, resolve_subject(shot.photo, shot.subject, settings))
    tick(Progress("read", 1, 3, "reading the depth"))
    reading, chosen = depth_source.read(image, shot, settings, subject)
    tick(Progress("read", 2, 3, "filling in what is behind"))
    picture = np.asarray(cv2.resize(texture, reading.disparity.shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    alpha = matte.find_alpha(picture, subject) if subject.layered else np.zeros(picture.shape[:2], np.uint8)
    maps = _make_maps(alpha, reading.disparity, reading.sky)
    layers = (
        _make_sheets(texture, subject, reading.sky, maps)
        if needs_sheets(shot)
        else (_make_single_sheet(texture, alpha, reading.sky, maps),)
    )
    masks = areas.masks(texture, (alpha / 255).astype(np.float32), reading.sky)
    tick(Progress("read", 3, 3))
    core = reading.disparity[masks["subject"] > 0.9]
    pivot = float(np.median(core)) if core.size else float(np.percentile(reading.disparity, 60))
    depth_choices = (chosen, subject.choice)
    choices = (*depth_choices, *_describe(layers, reading.sky))
    return Scene(
        width, height, layers, reading.disparity, masks, pivot, subject.gap, reading.sky.horizon, choices,
        areas.areas(image, subject, reading.sky), disparity.find_detail(picture), depth_choices,
    )  # fmt: skip


def needs_sheets(shot: Shot) -> bool:
    """Whether a scene for this shot is read in sheets: only what moves by itself parts them."""
    return any(effect.amount > 0 for effect in shot.motion.effects)


def _resize_texture(image: Image, width: int, height: int) -> Image:
    """The crop at up to 1.5 times the frame; never finer than its own pixels, and never coarser than the frame."""
    finest = min(FINER, (MOST_PIXELS / (width * height)) ** 0.5)
    scale = float(np.clip(min(image.shape[1] / width, image.shape[0] / height), 1.0, max(1.0, finest)))
    size = (round(width * scale), round(height * scale))
    how = cv2.INTER_AREA if image.shape[1] > size[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


class _Maps(NamedTuple):
    """What each sheet's place in depth is, (h, w) at the working size, continued outside its shape; None without such a
    sheet.
    """

    sky: Floats | None
    background: Floats
    subject: Floats | None


def _make_maps(cover: Image, disparity: Floats, heavens: Sky) -> _Maps:
    """The disparities of sky, background and subject. cover: (h, w) 0..255 how much the subject covers."""
    clear = cv2.dilate(cover, np.ones((5, 5), np.uint8)) < 5
    ground = clear & (cv2.dilate(heavens.soft, np.ones((5, 5))) < 0.05) if heavens.apart else clear
    far = _smooth(inpaint.spread(disparity, ground.astype(np.float32)), 2)
    near = None
    if cover.any():
        core = cv2.erode((cover > 247).astype(np.float32), np.ones((3, 3)))
        core = core if core.any() else (cover >= cover.max()).astype(np.float32)
        near = _smooth(inpaint.spread(disparity, core), 1.5)
    return _Maps(np.zeros_like(disparity) if heavens.apart else None, far, near)


def _make_single_sheet(texture: Image, cover: Image, heavens: Sky, maps: _Maps) -> Layer:
    """The whole picture as one sheet: everywhere in the depth of the nearest thing that is seen there."""
    depth = maps.background
    if maps.sky is not None:
        depth = disparity.join(maps.sky, depth, 1 - heavens.soft, around=5)
    if maps.subject is not None:
        depth = disparity.join(depth, maps.subject, (cover / 255).astype(np.float32))
    return Layer("background", cv2.cvtColor(texture, cv2.COLOR_RGB2RGBA), depth)


def _make_sheets(texture: Image, subject: Matte, heavens: Sky, maps: _Maps) -> tuple[Layer, ...]:
    """The sheets, far to near: sky when there is one to part, background, subject when there is one to part."""
    sheets: list[Layer] = []
    behind, soft = texture, heavens.soft
    if maps.subject is not None:
        alpha = matte.find_alpha(texture, subject)
        hole = _widen(alpha)
        front, behind = layer_matting.lift(texture, alpha, inpaint.smooth(texture, hole), hole)
        sheets.append(Layer("subject", front, maps.subject))
        cover = cv2.resize(alpha, soft.shape[::-1], interpolation=cv2.INTER_AREA)
        soft = inpaint.spread(soft, (cv2.dilate(cover, np.ones((5, 5), np.uint8)) < 5).astype(np.float32))
    if maps.sky is None:
        sheets.append(Layer("background", cv2.cvtColor(behind, cv2.COLOR_RGB2RGBA), maps.background))
        return tuple(sheets[::-1])
    land = 255 - matte.refine_edge(behind, soft)
    hole = _widen(land)
    front, beyond = layer_matting.lift(behind, land, inpaint.smooth(behind, hole), hole)
    sheets.append(Layer("background", front, maps.background))
    sheets.append(Layer("sky", cv2.cvtColor(beyond, cv2.COLOR_RGB2RGBA), maps.sky))
    return tuple(sheets[::-1])


def _widen(alpha: Image) -> Image:
    """Where alpha is, and as far around as the blur of an edge reaches."""
    around = 2 * max(3, max(alpha.shape) // 200) + 1
    return np.asarray(cv2.dilate(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (around, around))), np.uint8)


def _smooth(disparity: Floats, sigma: float) -> Floats:
    return np.clip(cv2.GaussianBlur(disparity, (0, 0), sigma), 0, 1).astype(np.float32)


def _describe(layers: tuple[Layer, ...], heavens: Sky) -> tuple[Choice, ...]:
    """What became of the sky."""
    if not any(layer.name == "sky" for layer in layers):
        return ()
    return (
        Choice("sky", "a sheet of its own", f"a smooth sky fills {heavens.share:.0%} of the picture above the land"),
    )
