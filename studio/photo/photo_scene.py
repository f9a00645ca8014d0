"""What is in a photo, measured once: saliency, matte, faces, lettering, sky, foliage, water, walls.

What it is a photo of is photo_kind.py's, what of it hurts the clip flaws/content.py's. The parallax engine finds the
sky's exact edge for itself; here a share is enough.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.hung_threads import WorkLock
from studio.nouns import Crop
from studio.photo import lettering, matte
from studio.photo.auto_crop import find_span
from studio.photo.crop import Image
from studio.photo.downscale import fit_long_side, reduce_by_factor
from studio.photo.faces import Face
from studio.photo.lettering import Lettering
from studio.photo.matte import Matte, Standing, mark_subject
from studio.photo.saliency import Look, look_at

Floats = NDArray[np.float32]

LONG = 512
"""The long side of the working copy, in pixels."""

_REMEMBERED = 4


class Scene(NamedTuple):
    """What is in a photo. All places are fractions of the whole of it.

    small: the working copy, (h, w, 3) uint8 RGB, its long side at most 512 px; matte: the subject as it is decided for
    the whole photo; subject: its saliency, (h, w) 0..1; box: the subject's left, top, width and height, None where none
    can be cut out; parted: whether it stands out all round.
    """

    small: Image
    seen: Look
    matte: Matte
    subject: Floats
    box: tuple[float, float, float, float] | None
    parted: bool
    cues: Cues
    lettering: tuple[Lettering, ...]

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces, the surest first."""
        return self.seen.faces or ()

    @property
    def share(self) -> float:
        """The subject's share of the picture, 0..1."""
        return float((self.subject > 0.5).mean())

    @property
    def outdoors(self) -> bool:
        """Whether a sky is seen and where it ends."""
        cues = self.cues
        return cues.sky >= 0.05 and cues.wide >= 0.6 and cues.landed >= 0.5 and cues.deep < 0.2


_lock = WorkLock()
_scenes: OrderedDict[bytes, Scene] = OrderedDict()


def read_scene(image: Image, subject: str = "") -> Scene:
    """Look at a photo, (H, W, 3) uint8 RGB at its full size. Safe to call from any thread; the last four are
    remembered.

    `subject` is what was marked as such (`Shot.subject`). Whoever asks for the same photo meanwhile waits for it. The
    saliency network and the face detectors run once for this and the suggested crops (auto_crop.py); all else on
    reduced copies.
    """
    copy = reduce_by_factor(image, lettering.SHORT)
    key = hashlib.sha256(copy[::4, ::4].tobytes() + repr((image.shape, subject)).encode()).digest()
    with _lock:
        scene = _scenes.get(key) or _measure_scene(
            copy, look_at(image, with_faces=True), matte.find_matte(image, marked=subject), subject
        )
        _scenes[key] = scene
        _scenes.move_to_end(key)
        while len(_scenes) > _REMEMBERED:
            _scenes.popitem(last=False)
    return scene


def _measure_scene(copy: Image, seen: Look, found: Matte, subject: str) -> Scene:
    small = fit_long_side(copy, LONG)
    tiny = fit_long_side(small, LONG)
    map_ = mark_subject(seen, subject).map
    salient = np.asarray(cv2.resize(map_, small.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)
    parted = found.standing == "marked" or (found.standing == "clear" and _is_parted(seen))
    less = np.asarray(cv2.resize(map_, tiny.shape[1::-1], interpolation=cv2.INTER_AREA), np.float32)
    box = _find_box(mark_subject(seen, subject), found)
    return Scene(
        small, seen, found, salient, box, parted, measure_cues(tiny, less, parted), lettering.find_lettering(copy)
    )


def find_standing(image: Image, whole: Image, crop: Crop, subject: str = "") -> Standing:
    """Whether there is a subject in a crop, cut from the whole photo: as its depth and its effects will find it."""
    return matte.find_matte(image, whole, crop, subject).standing


def _is_parted(seen: Look) -> bool:
    """Whether what draws the eye does so all round: surely somewhere, and with little of the map between yes and no."""
    solid = float((seen.map > 0.4).mean())
    return seen.peak > 0.9 and solid > 0.002 and float(((seen.map > 0.1) & (seen.map < 0.9)).mean()) < 0.5 * solid


def _find_box(seen: Look, found: Matte) -> tuple[float, float, float, float] | None:
    across, down = find_span(seen, found, upright=False), find_span(seen, found, upright=True)
    if across is None or down is None:
        return None
    return across.start, down.start, min(across.length, 1 - across.start), min(down.length, 1 - down.start)


Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

SLOPE = 4.0
"""Lab lightness a pixel, on that copy, from which a slope is a drawn edge; skies and soft backgrounds stay under it."""


class Cues(NamedTuple):
    """What colour and slope say.

    sky: its share; wide: the share of the top edge that is sky; deep: the share of the bottom edge that is; landed: the
    share of columns in which it ends on land. green: foliage, of all that isn't sky; level: texture that lies in level
    streaks, as water does; shore: its share of the lowest sixth; cool: bluish patches in the lower part; detail: drawn
    edges; straight: edges that are upright or level, of all edges; upright: upright ones; clean: edges of one clear
    direction, of all edges: things have them, fur has not. behind: drawn edges in what isn't subject, of that part.
    """

    sky: float
    wide: float
    deep: float
    landed: float
    green: float
    level: float
    shore: float
    cool: float
    detail: float
    straight: float
    upright: float
    clean: float
    behind: float


class _Slopes(NamedTuple):
    across: Floats
    down: Floats
    steep: Floats


def measure_cues(small: Image, subject: Floats, parted: bool) -> Cues:
    """Read a small copy, (h, w, 3) RGB with a long side of about 256 px, and its saliency (h, w) 0..1.

    `parted`: whether the saliency shows a clear subject, which the sky may end on without being a sky.
    """
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    light = cv2.GaussianBlur(lab[..., 0], (0, 0), 0.7)
    across = np.asarray(cv2.Sobel(light, cv2.CV_32F, 1, 0, scale=1 / 8), np.float32)
    down = np.asarray(cv2.Sobel(light, cv2.CV_32F, 0, 1, scale=1 / 8), np.float32)
    slopes = _Slopes(across, down, np.asarray(cv2.magnitude(across, down), np.float32))
    likely, green = _classify_colours(small)
    sky = _find_sky(small, slopes, likely & ~green & (subject < 0.5))
    rest = ~sky
    height = len(small)
    low = rest & (subject < 0.5) & (np.arange(height)[:, None] > 0.35 * height)
    level = _find_level(slopes, low & ~green & (lab[..., 2] < 4))
    cool = low & (lab[..., 2] < -2) & (lab[..., 0] > 20)
    drawn = slopes.steep > SLOPE
    straight, upright, clean = _measure_directions(slopes, drawn & rest)
    behind = subject < 0.2
    return Cues(
        _measure_share(sky), *_measure_sky_edges(sky, subject, parted),
        _measure_share(green & rest) / max(_measure_share(rest), 1e-6), _measure_share(level),
        _measure_share(level[-height // 6 :]), _measure_share(cool), _measure_share(drawn & rest),
        straight, upright, clean, _measure_share(drawn & behind) / max(_measure_share(behind), 1e-6),
    )  # fmt: skip


def _measure_share(flags: Flags) -> float:
    return float(flags.mean())


def _classify_colours(small: Image) -> tuple[Flags, Flags]:
    """Where a sky may be (blue, pale, glowing or grey, also at dusk), and where foliage is."""
    hsv = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)  # hue in degrees, the others 0..1
    hue, full, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    blue = (hue > 185) & (hue < 290) & (full > 0.1) & (value > 0.05)
    glow = ((hue < 60) | (hue > 300)) & (value > 0.55) & (full < 0.75)
    pale = ((value > 0.7) & (full < 0.22)) | ((value > 0.45) & (full < 0.2))
    return blue | glow | pale, (hue > 62) & (hue < 170) & (full > 0.12) & (value > 0.08)


def _find_sky(small: Image, slopes: _Slopes, likely: Flags) -> Flags:
    """What hangs from the top edge and changes only gradually: a flood over small steps of colour."""
    height, width = likely.shape
    calm = np.asarray(cv2.blur(slopes.steep, (5, 5)), np.float32) < 4.5
    mask = np.zeros((height + 2, width + 2), np.uint8)
    mask[1:-1, 1:-1] = ~(calm & likely)
    soft = cv2.GaussianBlur(small, (0, 0), 1.5)
    for left in range(2, width - 2, 8):
        if mask[2, left + 1] == 0:
            cv2.floodFill(soft, mask, (left, 1), 0, (5, 5, 5), (5, 5, 5), 4 | cv2.FLOODFILL_MASK_ONLY | (2 << 8))
    found = (mask[1:-1, 1:-1] == 2).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(found, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0)


def _measure_sky_edges(sky: Flags, subject: Floats, parted: bool) -> tuple[float, float, float]:
    """Wide, deep and landed of a sky."""
    height, width = sky.shape
    there = sky.any(axis=0)
    if not there.any():
        return 0.0, 0.0, 0.0
    foot = np.where(there, height - 1 - sky[::-1].argmax(axis=0), 0)
    land = there & (foot < height - 4)
    if parted:
        body = cv2.dilate((subject > 0.4).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        land &= ~body[np.minimum(foot + 4, height - 1), np.arange(width)]
    return _measure_share(sky[1:4].any(axis=0)), _measure_share(sky[-3:].any(axis=0)), _measure_share(land)


def _find_level(slopes: _Slopes, where: Flags) -> Flags:
    """Where brightness changes downwards far more than across, over a good stretch: waves, reflections, ripples."""
    window = (25, 9)
    across, down = cv2.blur(slopes.across**2, window), cv2.blur(slopes.down**2, window)
    streaks = where & (down > 0.68 * (across + down + 0.02))
    return np.asarray(cv2.morphologyEx(streaks.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 9), np.uint8)) > 0)


def _measure_directions(slopes: _Slopes, drawn: Flags) -> tuple[float, float, float]:
    """Of the drawn edges: straight ones (upright or level); of the picture: upright ones; of the edges: clean ones.

    From the structure tensor (Bigun and Granlund 1987): coherence is how far one direction rules in 7x7 pixels.
    """
    window = (7, 7)
    xx, yy = cv2.blur(slopes.across**2, window), cv2.blur(slopes.down**2, window)
    xy = cv2.blur(slopes.across * slopes.down, window)
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy**2) / (xx + yy + 0.5)
    angle = np.abs(np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)))
    ruled = drawn & (coherence > 0.8)
    upright, lying = ruled & (angle < 12), ruled & (angle > 75)
    edges = max(_measure_share(drawn), 50 / drawn.size)
    return (
        _measure_share(upright | lying) / edges,
        _measure_share(upright),
        _measure_share(drawn & (coherence > 0.85)) / edges,
    )
