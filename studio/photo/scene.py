"""The scene: what one look at a photo shows, taken once and remembered for the last few.

Knows where everything that is asked about a photo's content is measured, and on how small a copy. Refuses to judge it:
what it is a photo of is kind.py's, what will hurt is content.py's.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.nouns import Crop
from studio.photo import lettering, matte, outdoors
from studio.photo.copies import fitted, reduced
from studio.photo.crop import Image
from studio.photo.faces import Face
from studio.photo.lettering import Lettering
from studio.photo.matte import Matte, Standing, marked
from studio.photo.outdoors import Cues
from studio.photo.saliency import Look, look
from studio.photo.subject import body

Floats = NDArray[np.float32]

LONG = 512
"""The long side of the working copy, in pixels."""

_REMEMBERED = 4


class Scene(NamedTuple):
    """What is in a photo. All places are fractions of the whole of it.

    small: the working copy, (h, w, 3) uint8 RGB, its long side at most 512 px; matte: the subject as it is decided for the whole
    photo; subject: its saliency, (h, w) 0..1; box: the subject's left, top, width and height, None where none can be cut out;
    parted: whether it stands out all round.
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


_lock = threading.Lock()
_scenes: OrderedDict[bytes, Scene] = OrderedDict()


def see(image: Image, subject: str = "") -> Scene:
    """Look at a photo, (H, W, 3) uint8 RGB at its full size. Safe to call from any thread; the last four are remembered.

    `subject` is what was marked as such (`Shot.subject`). Whoever asks for the same photo meanwhile waits for it. The saliency
    network and the face detectors run once for this and the suggested crops (subject.py); all else is measured on reduced copies.
    """
    copy = reduced(image, lettering.SHORT)
    key = hashlib.sha256(copy[::4, ::4].tobytes() + repr((image.shape, subject)).encode()).digest()
    with _lock:
        scene = _scenes.get(key) or _read(copy, look(image, with_faces=True), matte.find(image, marked=subject), subject)
        _scenes[key] = scene
        _scenes.move_to_end(key)
        while len(_scenes) > _REMEMBERED:
            _scenes.popitem(last=False)
    return scene


def _read(copy: Image, seen: Look, found: Matte, subject: str) -> Scene:
    small = fitted(copy, LONG)
    tiny = fitted(small, outdoors.LONG)
    map_ = marked(seen, subject).map
    salient = np.asarray(cv2.resize(map_, small.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)
    parted = found.standing == "marked" or (found.standing == "clear" and _parted(seen))
    less = np.asarray(cv2.resize(map_, tiny.shape[1::-1], interpolation=cv2.INTER_AREA), np.float32)
    box = _box(marked(seen, subject), found)
    return Scene(small, seen, found, salient, box, parted, outdoors.cues(tiny, less, parted), lettering.find(copy))


def standing(image: Image, whole: Image, crop: Crop, subject: str = "") -> Standing:
    """Whether there is a subject in a crop, cut from the whole photo: as its depth and its effects will find it."""
    return matte.find(image, whole, crop, subject).standing


def _parted(seen: Look) -> bool:
    """Whether what draws the eye does so all round: surely somewhere, and with little of the map between yes and no."""
    solid = float((seen.map > 0.4).mean())
    return seen.peak > 0.9 and solid > 0.002 and float(((seen.map > 0.1) & (seen.map < 0.9)).mean()) < 0.5 * solid


def _box(seen: Look, found: Matte) -> tuple[float, float, float, float] | None:
    across, down = body(seen, found, upright=False), body(seen, found, upright=True)
    if across is None or down is None:
        return None
    return across.start, down.start, min(across.length, 1 - across.start), min(down.length, 1 - down.start)
