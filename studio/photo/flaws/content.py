"""Flaws of content: clutter, a subject that doesn't stand out, lettering, faces small or cut, a shape that doesn't fit.

Judged on what photo_scene.py has measured. Thresholds were set on photographs that ship with Stir and with
scikit-image, scikit-learn and Matplotlib, and others.
"""

from __future__ import annotations

import math
from typing import get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.nouns import Aspect, Crop, Mend, Photo, Shot, Size
from studio.photo.auto_crop import place_crop
from studio.photo.crop import RATIOS, find_output_size, find_pixel_box, settle_crop
from studio.photo.faces import Face
from studio.photo.findings import Box, Finding, Remedy
from studio.photo.lettering import Lettering
from studio.photo.matte import Standing
from studio.photo.photo_scene import Scene

BUSY, BUSY_OUTDOORS = 0.19, 0.3
"""The share of the background drawn in sharp edges from which it draws the eye from the subject: a garage 0.22, a
street 0.4, a wooden table 0.16; what lies under a sky is far away, and woods and waves are drawn finely there."""

FAINT = 0.7
"""The overlap of the subject's colours with those around it from which they don't part it: cats before carpets reach
0.57.
"""

SHARPER = 1.6
"""How many times as much fine detail as its surroundings parts a subject from them, whatever its colour: focus does
that.
"""

APART: tuple[Standing, ...] = ("marked", "clear")
"""How a subject stands that moves by itself."""

ALIKE = 5.0
"""Deviation of colour (CIE 1976) between the nine parts of a photo, under which it is one surface without near and far.
"""

_ROOM = 0.6
"""The share of the crop that a crop without the lettering must keep to be worth offering."""

_AIR = 0.01
"""How far from the lettering such a crop ends, in fractions of the photo."""


def find_content_flaws(
    scene: Scene, photo: Photo, crop: Crop, size: Size, standing: Standing | None = None
) -> tuple[Finding, ...]:
    """What was found in a photo's content, for a crop and a size. Codes: busy, subject, text, faces_small, faces_cut,
    ratio.

    `photo` may be a mended one: only its width and height are used. `standing` is whether there is a subject in the
    crop, as its depth will find it; None for that of the whole photo. Nothing is said of what isn't there (faces, a
    subject).
    """
    crop = settle_crop(photo, crop)
    found = (
        judge_clutter(scene, standing), judge_separation(scene, standing), judge_lettering(scene, photo, crop),
        judge_face_size(scene, photo, crop, size), judge_cut_faces(scene, photo, crop), judge_shape(scene, photo, crop),
    )  # fmt: skip
    return tuple(one for one in found if one is not None)


def measure_clutter(scene: Scene) -> float:
    """The share of the background that is drawn in sharp edges, 0..1: with 12 grey levels and more of fine detail.

    The subject's surroundings, which share its outline, are left out.
    """
    around = cv2.dilate((scene.subject > 0.2).astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    return float((_measure_fine_detail(scene)[around] > 12).mean()) if around.mean() > 0.1 else 0.0


def judge_clutter(scene: Scene, standing: Standing | None = None) -> Finding | None:
    """Whether the background competes with the subject. None without a clear subject, or with hardly a background."""
    if not scene.parted or (standing or scene.matte.standing) not in APART:
        return None
    share, most = measure_clutter(scene), BUSY_OUTDOORS if scene.outdoors else BUSY
    why = f"sharp edges cover {share:.0%} of what lies behind the subject; from {most:.0%} on it competes"
    if share < most:
        return Finding("busy", "fine", "The background leaves the subject alone.", why)
    remedy = Remedy("Blur the background", mends=(Mend("background", 0.5),))
    says = "The background is busy, and its details will swim when the camera moves."
    return Finding("busy", "mend", says, why, (remedy,), None, min(0.3 + 1.5 * (share - most), 0.8))


def measure_likeness(scene: Scene) -> tuple[float, float]:
    """How like its surroundings a subject is: the overlap of their colours 0..1, and how many times its fine detail is
    theirs.

    The overlap is Bhattacharyya's, of histograms in CIE Lab, of the subject and a ring of 30 px around it.
    """
    near = cv2.dilate((scene.subject > 0.3).astype(np.uint8), np.ones((61, 61), np.uint8)) > 0
    inner, outer = scene.subject > 0.6, near & (scene.subject < 0.1)
    if inner.mean() < 0.002 or outer.mean() < 0.002:
        return 0.0, 1.0
    lab = cv2.cvtColor(scene.small, cv2.COLOR_RGB2LAB)
    one, two = (
        cv2.calcHist([lab], [0, 1, 2], part.astype(np.uint8), [12, 16, 16], [0, 256, 64, 192, 64, 192])
        for part in (inner, outer)
    )
    fine = _measure_fine_detail(scene)
    overlap = float(np.sqrt(one / max(one.sum(), 1) * two / max(two.sum(), 1)).sum())
    return overlap, float((fine[inner].mean() + 0.5) / (fine[outer].mean() + 0.5))


def _measure_fine_detail(scene: Scene) -> NDArray[np.float32]:
    """Detail finer than two pixels of the working copy, in grey levels: out of focus there is none."""
    light = cv2.cvtColor(scene.small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.abs(light - cv2.GaussianBlur(light, (0, 0), 2)).astype(np.float32)


def measure_colour_spread(scene: Scene) -> float:
    """How far the nine parts of a photo differ in colour: CIE 1976 deviation of their means."""
    lab = cv2.cvtColor(scene.small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    means = cv2.resize(lab, (3, 3), interpolation=cv2.INTER_AREA).reshape(9, 3)
    return float(np.sqrt(((means - means.mean(axis=0)) ** 2).sum(axis=1).mean()))


def judge_separation(scene: Scene, standing: Standing | None = None) -> Finding | None:
    """Whether near parts from far: a subject that can be cut out, or a sky. None where neither the one nor the other
    can be said.

    `standing` as in `find_content_flaws`: what is said agrees with what depth and effects will find in the crop.
    """
    stands = standing or scene.matte.standing
    if stands == "marked":
        return Finding("subject", "fine", "The subject is what you marked.", "it was painted over the photo by hand")
    if stands == "clear":
        return _judge_apart(scene)
    if scene.outdoors:
        why = f"a sky covers {scene.cues.sky:.0%} of the photo and ends on land"
        return Finding("subject", "fine", "There is near and far: a sky and what lies under it.", why)
    if stands == "vague":
        says = "What stands out has too soft an edge to move by itself: mark the subject, or keep the camera slow."
        return Finding(
            "subject", "mind", says, "its edge is more than 8 px wide at a long side of 448 px", (), None, 0.3
        )
    alike = measure_colour_spread(scene)
    if alike >= ALIKE:
        return None
    why = f"its nine parts differ by {alike:.1f} in colour (CIE 1976); {ALIKE:.0f} and more show depth"
    says = "Nothing stands out, and near and far look alike: keep to a slow zoom or pan."
    return Finding("subject", "mind", says, why, (), None, 0.4)


def _judge_apart(scene: Scene) -> Finding:
    """Whether a subject that is cut out differs from its surroundings enough for its outline not to show."""
    overlap, detail = measure_likeness(scene)
    why = f"{overlap:.0%} of its colours lie around it too, and it has {detail:.1f} times the fine detail"
    if overlap < FAINT or detail > SHARPER:
        return Finding("subject", "fine", "The subject stands out from its background.", why)
    remedy = Remedy("Blur the background", mends=(Mend("background", 0.6),))
    says = "The subject has the colours of its background, so its outline may show when the camera moves."
    return Finding("subject", "mend", says, why, (remedy,), scene.box, 0.5)


def judge_lettering(scene: Scene, photo: Photo, crop: Crop) -> Finding:
    """Whether the crop holds lettering, which models and parallax bend."""
    held = [one for one in scene.lettering if measure_inside(one.box, crop) > 0.2]
    if not held:
        why = "the crop leaves the lettering out" if scene.lettering else "no rows of strokes that look like print"
        return Finding("text", "fine", "No lettering to warp.", why)
    where = _join_boxes(held)
    tall = max(min(one.box[2] * photo.width, one.box[3] * photo.height) for one in held) / min(
        photo.width, photo.height
    )
    why = f"{_count_rows(len(held))} of print, the tallest {tall:.1%} of the photo's short side"
    without = _crop_without(held, scene, photo, crop)
    if without is not None:
        says = "Lettering warps as soon as it moves."
        return Finding("text", "mend", says, why, (Remedy("Crop the lettering away", crop=without),), where, 0.6)
    says = "Lettering warps when it moves: keep the camera slow and leave the lettering out of what moves."
    return Finding("text", "mind", says, why, (), where, 0.5)


def _count_rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _join_boxes(held: list[Lettering]) -> Box:
    """The box around all of it."""
    left, top = min(one.box[0] for one in held), min(one.box[1] for one in held)
    right, bottom = max(one.box[0] + one.box[2] for one in held), max(one.box[1] + one.box[3] for one in held)
    return clamp_box(left, top, right - left, bottom - top)


def _crop_without(held: list[Lettering], scene: Scene, photo: Photo, crop: Crop) -> Crop | None:
    """The largest crop of the same shape inside this one that leaves the lettering out and keeps faces and subject; or
    None.
    """
    left, top, width, height = _join_boxes(held)
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
        at = _slide_into(scene, (x, y, w, h), (scale * crop.w, scale * crop.h))
        tried = settle_crop(photo, Crop(*at, scale * crop.w, scale * crop.h, crop.aspect))
        if _keeps_faces(tried, crop, scene) and all(measure_inside(one.box, tried) < 0.02 for one in held):
            best = tried
    return best


def _slide_into(scene: Scene, room: Box, sides: tuple[float, float]) -> tuple[float, float]:
    """Where a box of some sides lies in a room so that its middle is nearest to the subject's (or the room's own)."""
    subject = scene.box or room
    x = min(max(subject[0] + subject[2] / 2 - sides[0] / 2, room[0]), room[0] + room[2] - sides[0])
    y = min(max(subject[1] + subject[3] / 2 - sides[1] / 2, room[1]), room[1] + room[3] - sides[1])
    return min(max(x, 0.0), 1 - sides[0]), min(max(y, 0.0), 1 - sides[1])


def _keeps_faces(tried: Crop, crop: Crop, scene: Scene) -> bool:
    """Whether a crop cuts no face that the other holds whole, and not much more of the subject."""
    whole = all(measure_inside(face[:4], tried) > 0.96 for face in scene.faces if measure_inside(face[:4], crop) > 0.96)
    return whole and (scene.box is None or measure_inside(scene.box, tried) > 0.9 * measure_inside(scene.box, crop))


FACE = 64
"""The height of a face in the clip, in pixels, under which features drift: video models work on cells of 8 pixels and
more (the VAEs of SVD and Wan 2.1), so that a face of 64 px is 8 cells high."""

_SURE = 0.78
"""The score from which a face is spoken of: chance likenesses in things have reached 0.74."""

_CROWD = 4
"""With more faces than this, the large ones matter; the others are part of the place."""

_FACE_SHARE = 0.2
"""How much of a closer crop's height the face takes."""

_CLOSEST = 480
"""Pixels on the short side of a closer crop: what is left of the photo must still fill a clip."""

_CUT = (0.04, 0.96)
"""Shares of a face inside the crop between which it is cut: less is gone, more is whole."""

KEPT = 0.5
"""The share of the photo that a shape keeps, under which most of it falls away."""

_WHOLE = 0.9
"""The share of the subject's box that must be inside the crop for the subject to fit."""


def measure_inside(part: Box, crop: Crop) -> float:
    """The share of a box that a crop holds, 0..1."""
    across = min(part[0] + part[2], crop.x + crop.w) - max(part[0], crop.x)
    down = min(part[1] + part[3], crop.y + crop.h) - max(part[1], crop.y)
    return max(across, 0.0) * max(down, 0.0) / max(part[2] * part[3], 1e-9)


def clamp_box(left: float, top: float, width: float, height: float) -> Box:
    """A box of fractions, held inside the photo."""
    x, y = min(max(left, 0.0), 1.0), min(max(top, 0.0), 1.0)
    return x, y, min(max(width, 0.0), 1 - x), min(max(height, 0.0), 1 - y)


def is_same_crop(one: Crop, two: Crop) -> bool:
    """Whether two crops are one to the eye: no edge more than a hundredth of the photo apart."""
    edges = ((one.x, two.x), (one.y, two.y), (one.w, two.w), (one.h, two.h))
    return one.aspect == two.aspect and all(abs(a - b) < 0.01 for a, b in edges)


def _list_sure_faces(scene: Scene) -> list[Face]:
    """The faces that are spoken of: sure ones, and of a crowd those at least half as high as the largest."""
    sure = [face for face in scene.faces if face.score >= _SURE]
    tallest = max((face.h for face in sure), default=0.0)
    return [face for face in sure if len(sure) <= _CROWD or face.h >= tallest / 2]


def judge_face_size(scene: Scene, photo: Photo, crop: Crop, size: Size) -> Finding | None:
    """Whether the largest face in the crop will be too small in the clip to stay itself. None without faces."""
    held = [face for face in _list_sure_faces(scene) if measure_inside(face[:4], crop) > _CUT[1]]
    if not held:
        return None
    face = max(held, key=lambda one: one.h)
    high = _measure_height(face, photo, crop, size)
    why = f"the largest face is {high:.0f} px high in the clip; {FACE} px keep its features"
    if high >= FACE:
        return Finding("faces_small", "fine", "The faces are large enough to stay themselves.", why)
    closer = _crop_closer(face, photo, crop)
    gain = _measure_height(face, photo, closer, size) if closer is not None else 0.0
    remedies = (
        (Remedy("Crop closer around the face", crop=closer),) if closer is not None and gain > 1.25 * high else ()
    )
    subject = (
        "The face is so small that its features" if len(held) == 1 else "The faces are so small that their features"
    )
    hurts = 0.4 + 0.5 * (1 - high / FACE)
    says = f"{subject} may drift."
    return Finding("faces_small", "mend" if remedies else "mind", says, why, remedies, clamp_box(*face[:4]), hurts)


def _measure_height(face: Face, photo: Photo, crop: Crop, size: Size) -> float:
    """How high a face is in the clip, in pixels."""
    return face.h / crop.h * find_output_size(Shot(photo, crop, size=size)).height


def _crop_closer(face: Face, photo: Photo, crop: Crop) -> Crop | None:
    """A smaller crop of the same aspect around a face, with headroom: None where it would hardly be smaller."""
    left, top, right, bottom = find_pixel_box(photo, crop)
    short = min(right - left, bottom - top)
    scale = max(face.h / _FACE_SHARE / crop.h, 2.2 * face.w / crop.w, _CLOSEST / short)
    if scale > 0.85:
        return None
    w, h = crop.w * scale, crop.h * scale
    x, y = face.x + face.w / 2 - w / 2, face.y + 0.35 * face.h - 0.38 * h
    return settle_crop(photo, Crop(min(max(x, 0.0), 1 - w), min(max(y, 0.0), 1 - h), w, h, crop.aspect))


def judge_cut_faces(scene: Scene, photo: Photo, crop: Crop) -> Finding | None:
    """Whether the crop's edge goes through a face. None without faces."""
    found = _list_sure_faces(scene)
    if not found:
        return None
    cut = [face for face in found if _CUT[0] < measure_inside(face[:4], crop) < _CUT[1]]
    if not cut:
        return Finding("faces_cut", "fine", "No face is cut by the crop.", f"{len(found)} looked at")
    face = min(cut, key=lambda one: abs(measure_inside(one[:4], crop) - 0.5))
    better = place_crop(scene.seen, scene.matte, photo, crop.aspect).crop
    helps = not is_same_crop(better, crop) and sum(
        _CUT[0] < measure_inside(one[:4], better) < _CUT[1] for one in found
    ) < len(cut)
    remedies = (
        (Remedy("Move the crop so that faces are whole", crop=better),)
        if helps
        else _find_wider(scene, photo, crop, found)
    )
    many = "A face is" if len(cut) == 1 else f"{len(cut)} faces are"
    says = f"{many} cut by the crop's edge, and a cut face bends as it moves."
    why = f"{measure_inside(face[:4], crop):.0%} of it is inside; whole is {_CUT[1]:.0%} and more"
    return Finding("faces_cut", "mend" if remedies else "mind", says, why, remedies, clamp_box(*face[:4]), 0.8)


def _find_wider(scene: Scene, photo: Photo, crop: Crop, found: list[Face]) -> tuple[Remedy, ...]:
    """The nearest other shape that cuts no face."""
    for aspect in _list_nearest(photo, crop.aspect):
        other = place_crop(scene.seen, scene.matte, photo, aspect).crop
        if all(not _CUT[0] < measure_inside(face[:4], other) < _CUT[1] for face in found):
            return (Remedy(f"Take {_name_aspect(aspect)}, which holds the faces", crop=other),)
    return ()


def _list_nearest(photo: Photo, aspect: Aspect) -> list[Aspect]:
    """The other aspects, the nearest in shape first."""
    own = photo.width / photo.height
    wanted = RATIOS.get(aspect, own)
    others: list[Aspect] = [one for one in get_args(Aspect) if one != aspect]
    return sorted(others, key=lambda one: abs(math.log(RATIOS.get(one, own) / wanted)))


def _name_aspect(aspect: Aspect) -> str:
    return "the photo's own shape" if aspect == "photo" else aspect


def judge_shape(scene: Scene, photo: Photo, crop: Crop) -> Finding:
    """Whether the shape suits the photo: most of it is kept, or what falls away is not what it is of.

    That is the faces where there are any (a portrait may well cut a body), else the subject.
    """
    best = place_crop(scene.seen, scene.matte, photo, crop.aspect).crop
    kept = best.w * best.h
    why = f"{'its own shape' if crop.aspect == 'photo' else crop.aspect} keeps {kept:.0%} of the photo"
    told = _find_theme(scene)
    if told is not None:
        name, part = told
        held, could = measure_inside(part, crop), measure_inside(part, best)
        why += f", and this crop {held:.0%} of {name}"
        if held < _WHOLE and could > held + 0.05:
            remedies = (Remedy(f"Lay the crop around {name}", crop=best), *_find_roomier(scene, photo, crop))
            return Finding("ratio", "mend", f"The crop cuts off part of {name}.", why, remedies, part, 0.6)
        if held < _WHOLE and kept < 1.0:
            says = f"This shape can't hold all of {name}, so part falls away."
            remedies = _find_roomier(scene, photo, crop)
            return Finding("ratio", "mend" if remedies else "mind", says, why, remedies, part, 0.5)
        if kept < KEPT:
            return Finding("ratio", "fine", f"Most of the photo falls away, with {name} kept whole.", why)
    elif kept < KEPT:
        says = "Most of the photo falls away in this shape, and nothing marks which part should stay."
        remedies = _find_roomier(scene, photo, crop)
        return Finding(
            "ratio", "mend" if remedies else "mind", says, why, remedies, None, _clip(1.1 * (1 - kept) - 0.2)
        )
    return Finding("ratio", "fine", "The photo suits this shape.", why)


def _find_theme(scene: Scene) -> tuple[str, Box] | None:
    """What a photo is of, by name, and the box around it: its face or faces, else its subject."""
    found = _list_sure_faces(scene)
    if not found:
        return None if scene.box is None else ("the subject", scene.box)
    left, top = min(face.x for face in found), min(face.y for face in found)
    right, bottom = max(face.x + face.w for face in found), max(face.y + face.h for face in found)
    return "the face" if len(found) == 1 else "the faces", clamp_box(left, top, right - left, bottom - top)


def _find_roomier(scene: Scene, photo: Photo, crop: Crop) -> tuple[Remedy, ...]:
    """The nearest other shape that keeps most of the photo, or what it is of."""
    told = _find_theme(scene)
    for aspect in _list_nearest(photo, crop.aspect):
        other = place_crop(scene.seen, scene.matte, photo, aspect).crop
        kept = other.w * other.h
        if told is not None and measure_inside(told[1], other) >= _WHOLE:
            return (Remedy(f"Take {_name_aspect(aspect)}, which holds {told[0]}", crop=other),)
        if told is None and kept >= KEPT:
            return (Remedy(f"Take {_name_aspect(aspect)}, which keeps {kept:.0%} of the photo", crop=other),)
    return ()


def _clip(value: float) -> float:
    return min(max(value, 0.0), 1.0)
