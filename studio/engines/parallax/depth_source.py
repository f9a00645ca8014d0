"""Which source a scene's depth comes from: the photo's own, pictorial cues, an uploaded map, or the network."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np

from studio.config import Settings
from studio.engines.base import Image
from studio.engines.parallax import depth_anything, depth_cues
from studio.engines.parallax.depth_cues import Reading
from studio.engines.parallax.scene import Floats
from studio.nouns import Choice, Crop, Refusal, Shot
from studio.photo import crop, matte
from studio.photo.matte import Matte

ALIKE = 0.02  # two ratios of width to height closer than this, of one, are the same
WHAT = "depth"
OWN = "the photo's own"

INVERTED = -0.6
"""Spearman's correlation with the built-in depth below which a map has near and far exchanged: the least that a true
one of bench/scenes has is -0.09, and a phone's portrait has 0.9."""


def read(image: Image, shot: Shot, settings: Settings, subject: Matte) -> tuple[Reading, Choice]:
    """The depth of a crop, (H, W, 3) uint8 RGB, and why it was read this way.

    Raises `Refusal` for a depth that the shot names but that isn't here or doesn't fit the picture.
    """
    builtin = depth_cues.estimate(image, subject)
    if shot.depth == "builtin":
        return builtin, Choice(WHAT, "built in", "chosen by hand")
    if shot.depth == "anything":
        found = depth_anything.estimate(image, settings)
        return _replace_depth(builtin, found, image), Choice(WHAT, depth_anything.NAME, "chosen by hand")
    if shot.depth == "photo":
        return _replace_depth(builtin, _read_own(shot, settings), image), Choice(WHAT, OWN, "chosen by hand")
    if shot.depth == "auto":
        return _automatic(image, shot, settings, builtin)
    found = _read_map(shot, settings)
    return _replace_depth(builtin, found, image), Choice(WHAT, "your depth map", "a depth map was given for this photo")


def resolve(shot: Shot, settings: Settings) -> str:
    """The source that a shot's depth really comes from, here and now, for whoever keeps what was made with it."""
    own = shot.photo.own_depth
    if shot.depth == "photo":
        return f"photo {own}"
    mark = depth_anything.mark(settings) if shot.depth in ("auto", "anything") else ""
    otherwise = f"anything {mark}" if mark else "builtin" if shot.depth == "auto" else shot.depth
    return f"photo {own}, or {otherwise}" if shot.depth == "auto" and _is_trusted(shot, settings) else otherwise


def _automatic(image: Image, shot: Shot, settings: Settings, builtin: Reading) -> tuple[Reading, Choice]:
    """The photo's own depth where nothing speaks against it, else the network's where that is here, else the built-in
    one.
    """
    if not _is_trusted(shot, settings):
        return _read(image, settings, builtin)
    try:
        own = _replace_depth(builtin, _read_own(shot, settings), image)
    except Refusal:
        return _read(image, settings, builtin)
    if _correlate(own.disparity, builtin.disparity) > INVERTED:
        return own, Choice(WHAT, OWN, "the phone measured it, and nothing in the picture speaks against it")
    reading, choice = _read(image, settings, builtin)
    return reading, Choice(WHAT, choice.value, f"{choice.reason}; the photo's own has near and far exchanged, it seems")


def _is_trusted(shot: Shot, settings: Settings) -> bool:
    own = shot.photo.own_depth
    return bool(own) and not shot.photo.depth_doubted and (settings.depths / f"{own}.png").is_file()


def _correlate(one: Floats, other: Floats) -> float:
    """Spearman's rank correlation of two maps of one size, -1..1, at every fourth pixel."""
    ranks = [np.unique(part[::4, ::4], return_inverse=True, return_counts=True)[1:] for part in (one, other)]
    middles = [(np.cumsum(counts) - counts / 2)[where.ravel()] for where, counts in ranks]
    return float(np.corrcoef(*middles)[0, 1]) if all(part.std() > 0 for part in middles) else 0.0


def _read(image: Image, settings: Settings, builtin: Reading) -> tuple[Reading, Choice]:
    if not depth_anything.ready(settings):
        why = f"read from the photo's own sky, ground, focus and subject; {depth_anything.NAME} is not downloaded"
        return builtin, Choice(WHAT, "built in", why)
    try:
        found = depth_anything.estimate(image, settings)
    except Refusal as refusal:
        return builtin, Choice(WHAT, "built in", f"read from the photo itself, because: {refusal.reason}")
    return _replace_depth(builtin, found, image), Choice(
        WHAT, depth_anything.NAME, "it is downloaded, and reads depth best"
    )


def _replace_depth(builtin: Reading, found: Floats, image: Image) -> Reading:
    """The given depth at the working size, with the sky that was seen in the photo."""
    size = matte.shrink_to_work(image).shape[1::-1]
    laid = cv2.resize(found, size, interpolation=cv2.INTER_AREA if found.shape[1] > size[0] else cv2.INTER_LINEAR)
    return Reading(np.clip(laid, 0, 1).astype(np.float32), builtin.sky)


def _read_map(shot: Shot, settings: Settings) -> Floats:
    """The uploaded map of a shot, cut to its crop: (h, w) float32 0..1, near is bright.

    A map of the photo's ratio covers the whole photo; one of the crop's ratio covers the crop.
    """
    if not re.fullmatch("[0-9a-f]{64}", shot.depth):
        raise Refusal(f"There is no depth called {shot.depth!r}.", "Choose auto, built in, or upload a depth map.")
    whole = _open(settings.depths / f"{shot.depth}.png")
    return _cut(whole, crop.settle_crop(shot.photo, shot.crop)) if covers_photo(shot, *whole.shape[::-1]) else whole


def _read_own(shot: Shot, settings: Settings) -> Floats:
    """The map that came inside the photo, cut to the shot's crop: (h, w) float32 0..1, near is bright."""
    if not shot.photo.own_depth:
        raise Refusal("This photo came without depth of its own.", "Let Stir read the depth, or add the original.")
    return _cut(_open(settings.depths / f"{shot.photo.own_depth}.png"), crop.settle_crop(shot.photo, shot.crop))


def covers_photo(shot: Shot, width: int, height: int) -> bool:
    """Whether a depth map of this size covers the photo; if not, the crop. Raises `Refusal` if it fits neither."""
    left, top, right, bottom = crop.find_pixel_box(shot.photo, shot.crop)
    if _is_alike(width / height, shot.photo.width / shot.photo.height):
        return True
    if _is_alike(width / height, (right - left) / (bottom - top)):
        return False
    raise Refusal(
        f"The depth map is {width} by {height}, which is the shape of neither the photo nor the crop.",
        f"Use one of the photo's shape, {shot.photo.width} by {shot.photo.height} or a smaller copy of that.",
    )


def _is_alike(one: float, other: float) -> bool:
    return abs(one / other - 1) < ALIKE


def _cut(whole: Floats, part: Crop) -> Floats:
    height, width = whole.shape
    left, top = int(part.x * width), int(part.y * height)
    right, bottom = max(left + 1, round((part.x + part.w) * width)), max(top + 1, round((part.y + part.h) * height))
    return whole[top:bottom, left:right]


def _open(file: Path) -> Floats:
    """A grey picture of 8 or 16 bits as (h, w) float32, its darkest and brightest stretched to 0..1."""
    if not file.is_file():
        raise Refusal("The depth map of this shot is no longer here.", "Upload it again, or choose the built-in depth.")
    read = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_GRAYSCALE)
    if read is None:
        raise Refusal("The depth map can't be opened as a picture.", "Upload it again as a grey PNG.")
    grey = read.astype(np.float32)
    low, high = np.percentile(grey, (0.5, 99.5))
    if high - low < 1e-6:
        raise Refusal(
            "The depth map is one flat tone, so it says nothing about depth.", "Upload one where near is bright."
        )
    return np.clip((grey - low) / (high - low), 0, 1).astype(np.float32)
