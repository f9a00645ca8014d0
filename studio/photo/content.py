"""Content: what in a photo will hurt the clip, though its pixels are sound: clutter, a faint subject, print, faces, its shape.

Knows the thresholds and what one press does about each. Refuses to measure (scene.py and what it calls) and to judge the pixels
(signs). Thresholds were set on photographs that ship with Stir and with scikit-image, scikit-learn and Matplotlib, and others.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.nouns import Crop, Mend, Photo, Size
from studio.photo.crop import settle
from studio.photo.framing import faces_cut, faces_small, inside, place, ratio
from studio.photo.lettering import Lettering
from studio.photo.matte import Standing
from studio.photo.report import Box, Finding, Remedy
from studio.photo.scene import Scene

BUSY, BUSY_OUTDOORS = 0.19, 0.3
"""The share of the background drawn in sharp edges from which it draws the eye from the subject: a garage 0.22, a street 0.4,
a wooden table 0.16; what lies under a sky is far away, and woods and waves are drawn finely there."""

FAINT = 0.7
"""The overlap of the subject's colours with those around it from which they don't part it: cats before carpets reach 0.57."""

SHARPER = 1.6
"""How many times as much fine detail as its surroundings parts a subject from them, whatever its colour: focus does that."""

APART: tuple[Standing, ...] = ("marked", "clear")
"""How a subject stands that moves by itself."""

ALIKE = 5.0
"""Deviation of colour (CIE 1976) between the nine parts of a photo, under which it is one surface without near and far."""

_ROOM = 0.6
"""The share of the crop that a crop without the lettering must keep to be worth offering."""

_AIR = 0.01
"""How far from the lettering such a crop ends, in fractions of the photo."""


def findings(scene: Scene, photo: Photo, crop: Crop, size: Size, standing: Standing | None = None) -> tuple[Finding, ...]:
    """What was found in a photo's content, for a crop and a size. Codes: busy, subject, text, faces_small, faces_cut, ratio.

    `photo` may be a mended one: only its width and height are used. `standing` is whether there is a subject in the crop, as its
    depth will find it; None for that of the whole photo. Nothing is said of what isn't there (faces, a subject).
    """
    crop = settle(photo, crop)
    found = (
        busy(scene, standing), separation(scene, standing), text(scene, photo, crop), faces_small(scene, photo, crop, size),
        faces_cut(scene, photo, crop), ratio(scene, photo, crop),
    )  # fmt: skip
    return tuple(one for one in found if one is not None)


def clutter(scene: Scene) -> float:
    """The share of the background that is drawn in sharp edges, 0..1: with 12 grey levels and more of fine detail.

    The subject's surroundings, which share its outline, are left out.
    """
    around = cv2.dilate((scene.subject > 0.2).astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    return float((_fine(scene)[around] > 12).mean()) if around.mean() > 0.1 else 0.0


def busy(scene: Scene, standing: Standing | None = None) -> Finding | None:
    """Whether the background competes with the subject. None where there is no clear subject, or hardly a background."""
    if not scene.parted or (standing or scene.matte.standing) not in APART:
        return None
    share, most = clutter(scene), BUSY_OUTDOORS if scene.outdoors else BUSY
    why = f"sharp edges cover {share:.0%} of what lies behind the subject; from {most:.0%} on it competes"
    if share < most:
        return Finding("busy", "fine", "The background leaves the subject alone.", why)
    remedy = Remedy("Blur the background", mends=(Mend("background", 0.5),))
    says = "The background is busy, and its details will swim when the camera moves."
    return Finding("busy", "mend", says, why, (remedy,), None, min(0.3 + 1.5 * (share - most), 0.8))


def likeness(scene: Scene) -> tuple[float, float]:
    """How like its surroundings a subject is: the overlap of their colours 0..1, and how many times its fine detail is theirs.

    The overlap is Bhattacharyya's, of histograms in CIE Lab, of the subject and a ring of 30 px around it.
    """
    near = cv2.dilate((scene.subject > 0.3).astype(np.uint8), np.ones((61, 61), np.uint8)) > 0
    inner, outer = scene.subject > 0.6, near & (scene.subject < 0.1)
    if inner.mean() < 0.002 or outer.mean() < 0.002:
        return 0.0, 1.0
    lab = cv2.cvtColor(scene.small, cv2.COLOR_RGB2LAB)
    one, two = (
        cv2.calcHist([lab], [0, 1, 2], part.astype(np.uint8), [12, 16, 16], [0, 256, 64, 192, 64, 192]) for part in (inner, outer)
    )
    fine = _fine(scene)
    overlap = float(np.sqrt(one / max(one.sum(), 1) * two / max(two.sum(), 1)).sum())
    return overlap, float((fine[inner].mean() + 0.5) / (fine[outer].mean() + 0.5))


def _fine(scene: Scene) -> NDArray[np.float32]:
    """Detail finer than two pixels of the working copy, in grey levels: out of focus there is none."""
    light = cv2.cvtColor(scene.small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.abs(light - cv2.GaussianBlur(light, (0, 0), 2)).astype(np.float32)


def spread(scene: Scene) -> float:
    """How far the nine parts of a photo differ in colour: CIE 1976 deviation of their means."""
    lab = cv2.cvtColor(scene.small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    means = cv2.resize(lab, (3, 3), interpolation=cv2.INTER_AREA).reshape(9, 3)
    return float(np.sqrt(((means - means.mean(axis=0)) ** 2).sum(axis=1).mean()))


def separation(scene: Scene, standing: Standing | None = None) -> Finding | None:
    """Whether near parts from far: a subject that can be cut out, or a sky. None where neither the one nor the other can be said.

    `standing` as in `findings`: what is said agrees with what depth and effects will find in the crop.
    """
    stands = standing or scene.matte.standing
    if stands == "marked":
        return Finding("subject", "fine", "The subject is what you marked.", "it was painted over the photo by hand")
    if stands == "clear":
        return _apart(scene)
    if scene.outdoors:
        why = f"a sky covers {scene.cues.sky:.0%} of the photo and ends on land"
        return Finding("subject", "fine", "There is near and far: a sky and what lies under it.", why)
    if stands == "vague":
        says = "What stands out has too soft an edge to move by itself: mark the subject, or keep the camera slow."
        return Finding("subject", "mind", says, "its edge is more than 8 px wide at a long side of 448 px", (), None, 0.3)
    alike = spread(scene)
    if alike >= ALIKE:
        return None
    why = f"its nine parts differ by {alike:.1f} in colour (CIE 1976); {ALIKE:.0f} and more show depth"
    says = "Nothing stands out, and near and far look alike: keep to a slow zoom or pan."
    return Finding("subject", "mind", says, why, (), None, 0.4)


def _apart(scene: Scene) -> Finding:
    """Whether a subject that is cut out differs from its surroundings enough for its outline not to show."""
    overlap, detail = likeness(scene)
    why = f"{overlap:.0%} of its colours lie around it too, and it has {detail:.1f} times the fine detail"
    if overlap < FAINT or detail > SHARPER:
        return Finding("subject", "fine", "The subject stands out from its background.", why)
    remedy = Remedy("Blur the background", mends=(Mend("background", 0.6),))
    says = "The subject has the colours of its background, so its outline may show when the camera moves."
    return Finding("subject", "mend", says, why, (remedy,), scene.box, 0.5)


def text(scene: Scene, photo: Photo, crop: Crop) -> Finding:
    """Whether the crop holds lettering, which models and parallax bend."""
    held = [one for one in scene.lettering if inside(one.box, crop) > 0.2]
    if not held:
        why = "the crop leaves the lettering out" if scene.lettering else "no rows of strokes that look like print"
        return Finding("text", "fine", "No lettering to warp.", why)
    where = _joined(held)
    tall = max(min(one.box[2] * photo.width, one.box[3] * photo.height) for one in held) / min(photo.width, photo.height)
    why = f"{_rows(len(held))} of print, the tallest {tall:.1%} of the photo's short side"
    without = _without(held, scene, photo, crop)
    if without is not None:
        says = "Lettering warps as soon as it moves."
        return Finding("text", "mend", says, why, (Remedy("Crop the lettering away", crop=without),), where, 0.6)
    says = "Lettering warps when it moves: keep the camera slow and leave the lettering out of what moves."
    return Finding("text", "mind", says, why, (), where, 0.5)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _joined(held: list[Lettering]) -> Box:
    """The box around all of it."""
    left, top = min(one.box[0] for one in held), min(one.box[1] for one in held)
    right, bottom = max(one.box[0] + one.box[2] for one in held), max(one.box[1] + one.box[3] for one in held)
    return place(left, top, right - left, bottom - top)


def _without(held: list[Lettering], scene: Scene, photo: Photo, crop: Crop) -> Crop | None:
    """The largest crop of the same shape inside this one that leaves the lettering out and keeps faces and subject; or None."""
    left, top, width, height = _joined(held)
    right, bottom = left + width + _AIR, top + height + _AIR
    spans = (
        (crop.x, crop.y, left - _AIR - crop.x, crop.h), (right, crop.y, crop.x + crop.w - right, crop.h),
        (crop.x, crop.y, crop.w, top - _AIR - crop.y), (crop.x, bottom, crop.w, crop.y + crop.h - bottom),
    )  # fmt: skip
    best: Crop | None = None
    for x, y, w, h in spans:
        scale = min(w / crop.w, h / crop.h)
        if scale <= 0 or scale**2 < _ROOM or (best is not None and scale * crop.w <= best.w):
            continue
        at = _slide(scene, (x, y, w, h), (scale * crop.w, scale * crop.h))
        tried = settle(photo, Crop(*at, scale * crop.w, scale * crop.h, crop.aspect))
        if _keeps(tried, crop, scene) and all(inside(one.box, tried) < 0.02 for one in held):
            best = tried
    return best


def _slide(scene: Scene, room: Box, sides: tuple[float, float]) -> tuple[float, float]:
    """Where a box of some sides lies in a room so that its middle is nearest to the subject's (or to the room's own)."""
    subject = scene.box or room
    x = min(max(subject[0] + subject[2] / 2 - sides[0] / 2, room[0]), room[0] + room[2] - sides[0])
    y = min(max(subject[1] + subject[3] / 2 - sides[1] / 2, room[1]), room[1] + room[3] - sides[1])
    return min(max(x, 0.0), 1 - sides[0]), min(max(y, 0.0), 1 - sides[1])


def _keeps(tried: Crop, crop: Crop, scene: Scene) -> bool:
    """Whether a crop cuts no face that the other holds whole, and not much more of the subject."""
    whole = all(inside(face[:4], tried) > 0.96 for face in scene.faces if inside(face[:4], crop) > 0.96)
    return whole and (scene.box is None or inside(scene.box, tried) > 0.9 * inside(scene.box, crop))
