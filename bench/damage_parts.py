"""Faces, lettering and subjects that change within a sound clip: what is done to them, on which photos, and how it is called."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from bench.album import read
from bench.damage_clips import Case, Image, album, film, score, take, write
from bench.damage_kinds import PARTS, Part
from studio.config import ROOT
from studio.nouns import Aspect, Camera, Motion, Move, MoveName, Shot
from studio.photo import matte
from studio.photo.crop import cut_crop
from studio.photo.faces import find_faces


class Sight(NamedTuple):
    """A photo and how it is shot; `words`: painted on it, white on a dark board, before it is."""

    photo: str
    aspect: Aspect
    move: MoveName
    words: str = ""
    board: tuple[float, float, float] = (0.5, 0.5, 0.1)
    """The middle of the words and how high they are, in fractions of the photo's width, height and height."""


SIGHTS: dict[str, tuple[tuple[Sight, ...], tuple[Sight, ...]]] = {
    "face melts": (
        (Sight("astronaut", "4:5", "dolly_in"), Sight("macaque", "photo", "truck_left"), Sight("selfie", "1:1", "orbit_left"),
         Sight("astronaut", "9:16", "pan_right"), Sight("selfie", "9:16", "crane_up"), Sight("macaque", "1:1", "zoom_out")),
        (Sight("grace_hopper", "photo", "dolly_in"), Sight("grace_hopper", "9:16", "truck_left"),
         Sight("didgeridoo", "4:5", "orbit_right")),
    ),
    "lettering melts": (
        (Sight("wine", "photo", "dolly_in", "PINOT NOIR", (0.5, 0.7, 0.08)), Sight("boats", "16:9", "truck_left", "HARBOUR"),
         Sight("fig", "16:9", "orbit_left", "Figs & honey", (0.4, 0.3, 0.1)), Sight("dandelion", "16:9", "pan_right", "MAY 12"),
         Sight("kitten", "16:9", "zoom_out", "Lost: tabby cat", (0.5, 0.75, 0.12)),
         Sight("stream", "16:9", "crane_up", "NO FISHING", (0.6, 0.5, 0.14))),
        (Sight("coffee", "16:9", "dolly_in", "Espresso", (0.5, 0.2, 0.12)), Sight("valley", "16:9", "truck_right", "TO THE LAKE"),
         Sight("bee", "16:9", "orbit_right", "HONEY 3.50", (0.35, 0.7, 0.12))),
    ),
    "subject wobbles": (
        (Sight("dandelion", "16:9", "dolly_in"), Sight("dogs", "4:5", "truck_left"), Sight("chelsea", "16:9", "pan_right"),
         Sight("wine", "photo", "orbit_left"), Sight("kitten", "16:9", "zoom_out"), Sight("rocket", "16:9", "crane_up")),
        (Sight("crab", "16:9", "dolly_in"), Sight("flower", "16:9", "truck_right"), Sight("brushes", "16:9", "orbit_right")),
    ),
}  # fmt: skip
"""For each damage the sights that limits were set on, and those kept out: of other photos."""


@cache
def _picture(sight: Sight) -> Image:
    image = read(ROOT / "bench/scenes/selfie.jpg") if sight.photo == "selfie" else album()[sight.photo]()
    return _letter(image, sight) if sight.words else image


def _letter(image: Image, sight: Sight) -> Image:
    """The photo with words on a board."""
    high, wide = image.shape[:2]
    x, y, tall = sight.board
    picture = Pictures.fromarray(image)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(tall * high)
    left, top, right, bottom = draw.textbbox((x * wide, y * high), sight.words, font=font, anchor="mm")
    pad = 0.3 * tall * high
    draw.rectangle((left - pad, top - pad, right + pad, bottom + pad), fill=(38, 44, 52))
    draw.text((x * wide, y * high), sight.words, font=font, anchor="mm", fill=(238, 234, 226))
    return np.asarray(picture)


def _find_part(kind: str, sight: Sight, image: Image, shot: Shot, shape: tuple[int, int]) -> Part:
    """Where in the first frame the damage is done."""
    high, wide = shape
    shown = cut_crop(image, shot.photo, shot.crop)
    if kind == "subject wobbles":
        soft = matte.find_matte(shown, image, shot.crop, shot.subject).soft
        return Part(cv2.resize(soft, (wide, high), interpolation=cv2.INTER_LINEAR), high)
    mask = np.zeros((high, wide), np.float32)
    if kind == "face melts":
        face = max(find_faces(shown), key=lambda one: one.w * one.h)
        middle = (round((face.x + face.w / 2) * wide), round((face.y + face.h / 2) * high))
        cv2.ellipse(mask, middle, (round(0.6 * face.w * wide), round(0.62 * face.h * high)), 0, 0, 360, 1.0, -1)
        tall = face.h * high
    else:
        plain = take(sight.photo, image, shot.motion, sight.aspect)
        bare = cut_crop(_picture(sight._replace(words="")), plain.photo, plain.crop)
        changed = cv2.resize(np.any(bare != shown, -1).astype(np.uint8), (wide, high), interpolation=cv2.INTER_AREA)
        mask[changed > 0] = 1
        tall = float(np.ptp(np.nonzero(changed)[0])) * 0.5
    return Part(cv2.GaussianBlur(mask, (0, 0), max(1.0, 0.06 * tall)), tall)


def _spoil(kind: str, sight: Sight) -> Iterator[Case]:
    image = _picture(sight)
    name = f"{sight.photo} {sight.words} {sight.aspect}".replace("  ", " ")
    shot = take(name, image, Motion(camera=Camera((Move(sight.move, 0.6),))), sight.aspect)
    frames = film(image, shot)
    clean = score(write(shot, "clean", lambda: frames), image, shot)
    harm, names = PARTS[kind]
    part = _find_part(kind, sight, image, shot, (len(frames[0]) * 2 // 3, frames[0].shape[1]))
    for strong in (False, True):
        file = write(shot, f"{kind} {strong}", lambda strong=strong: harm(frames, strong, part))
        yield Case(name, kind, strong, names, clean, score(file, image, shot))


def list_part_cases() -> tuple[list[Case], list[Case]]:
    """Every clip of these: those that limits were set on, those kept out."""
    found: tuple[list[Case], list[Case]] = ([], [])
    for kind, parts in SIGHTS.items():
        for cases, sights in zip(found, parts, strict=True):
            for sight in sights:
                cases += _spoil(kind, sight)
                print(".", end="", flush=True)
    print()
    return found
