"""Framing: whether faces and subject come through the crop whole and large enough, and the crop that would do better.

Knows boxes: faces, subject, crop. Refuses to look at pixels.
"""

from __future__ import annotations

import math
from typing import get_args

from studio.nouns import Aspect, Crop, Photo, Shot, Size
from studio.photo.crop import RATIOS, box, output_size, settle
from studio.photo.faces import Face
from studio.photo.report import Box, Finding, Remedy
from studio.photo.scene import Scene
from studio.photo.subject import lay

FACE = 64
"""The height of a face in the clip, in pixels, under which features drift: video models work on cells of 8 pixels and more
(the VAEs of SVD and Wan 2.1), so that a face of 64 px is 8 cells high."""

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


def inside(part: Box, crop: Crop) -> float:
    """The share of a box that a crop holds, 0..1."""
    across = min(part[0] + part[2], crop.x + crop.w) - max(part[0], crop.x)
    down = min(part[1] + part[3], crop.y + crop.h) - max(part[1], crop.y)
    return max(across, 0.0) * max(down, 0.0) / max(part[2] * part[3], 1e-9)


def place(left: float, top: float, width: float, height: float) -> Box:
    """A box of fractions, held inside the photo."""
    x, y = min(max(left, 0.0), 1.0), min(max(top, 0.0), 1.0)
    return x, y, min(max(width, 0.0), 1 - x), min(max(height, 0.0), 1 - y)


def same(one: Crop, two: Crop) -> bool:
    """Whether two crops are one to the eye: no edge more than a hundredth of the photo apart."""
    edges = ((one.x, two.x), (one.y, two.y), (one.w, two.w), (one.h, two.h))
    return one.aspect == two.aspect and all(abs(a - b) < 0.01 for a, b in edges)


def _seen(scene: Scene) -> list[Face]:
    """The faces that are spoken of: sure ones, and of a crowd those at least half as high as the largest."""
    sure = [face for face in scene.faces if face.score >= _SURE]
    tallest = max((face.h for face in sure), default=0.0)
    return [face for face in sure if len(sure) <= _CROWD or face.h >= tallest / 2]


def faces_small(scene: Scene, photo: Photo, crop: Crop, size: Size) -> Finding | None:
    """Whether the largest face in the crop will be too small in the clip to stay itself. None without faces."""
    held = [face for face in _seen(scene) if inside(face[:4], crop) > _CUT[1]]
    if not held:
        return None
    face = max(held, key=lambda one: one.h)
    high = _pixels(face, photo, crop, size)
    why = f"the largest face is {high:.0f} px high in the clip; {FACE} px keep its features"
    if high >= FACE:
        return Finding("faces_small", "fine", "The faces are large enough to stay themselves.", why)
    closer = _closer(face, photo, crop)
    gain = _pixels(face, photo, closer, size) if closer is not None else 0.0
    remedies = (Remedy("Crop closer around the face", crop=closer),) if closer is not None and gain > 1.25 * high else ()
    subject = "The face is so small that its features" if len(held) == 1 else "The faces are so small that their features"
    hurts = 0.4 + 0.5 * (1 - high / FACE)
    says = f"{subject} may drift."
    return Finding("faces_small", "mend" if remedies else "mind", says, why, remedies, place(*face[:4]), hurts)


def _pixels(face: Face, photo: Photo, crop: Crop, size: Size) -> float:
    """How high a face is in the clip, in pixels."""
    return face.h / crop.h * output_size(Shot(photo, crop, size=size)).height


def _closer(face: Face, photo: Photo, crop: Crop) -> Crop | None:
    """A smaller crop of the same aspect around a face, with headroom: None where it would hardly be smaller."""
    left, top, right, bottom = box(photo, crop)
    short = min(right - left, bottom - top)
    scale = max(face.h / _FACE_SHARE / crop.h, 2.2 * face.w / crop.w, _CLOSEST / short)
    if scale > 0.85:
        return None
    w, h = crop.w * scale, crop.h * scale
    x, y = face.x + face.w / 2 - w / 2, face.y + 0.35 * face.h - 0.38 * h
    return settle(photo, Crop(min(max(x, 0.0), 1 - w), min(max(y, 0.0), 1 - h), w, h, crop.aspect))


def faces_cut(scene: Scene, photo: Photo, crop: Crop) -> Finding | None:
    """Whether the crop's edge goes through a face. None without faces."""
    found = _seen(scene)
    if not found:
        return None
    cut = [face for face in found if _CUT[0] < inside(face[:4], crop) < _CUT[1]]
    if not cut:
        return Finding("faces_cut", "fine", "No face is cut by the crop.", f"{len(found)} looked at")
    face = min(cut, key=lambda one: abs(inside(one[:4], crop) - 0.5))
    better = lay(scene.seen, scene.matte, photo, crop.aspect).crop
    helps = not same(better, crop) and sum(_CUT[0] < inside(one[:4], better) < _CUT[1] for one in found) < len(cut)
    remedies = (Remedy("Move the crop so that faces are whole", crop=better),) if helps else _wider(scene, photo, crop, found)
    many = "A face is" if len(cut) == 1 else f"{len(cut)} faces are"
    says = f"{many} cut by the crop's edge, and a cut face bends as it moves."
    why = f"{inside(face[:4], crop):.0%} of it is inside; whole is {_CUT[1]:.0%} and more"
    return Finding("faces_cut", "mend" if remedies else "mind", says, why, remedies, place(*face[:4]), 0.8)


def _wider(scene: Scene, photo: Photo, crop: Crop, found: list[Face]) -> tuple[Remedy, ...]:
    """The nearest other shape that cuts no face."""
    for aspect in _nearest(photo, crop.aspect):
        other = lay(scene.seen, scene.matte, photo, aspect).crop
        if all(not _CUT[0] < inside(face[:4], other) < _CUT[1] for face in found):
            return (Remedy(f"Take {_named(aspect)}, which holds the faces", crop=other),)
    return ()


def _nearest(photo: Photo, aspect: Aspect) -> list[Aspect]:
    """The other aspects, the nearest in shape first."""
    own = photo.width / photo.height
    wanted = RATIOS.get(aspect, own)
    others: list[Aspect] = [one for one in get_args(Aspect) if one != aspect]
    return sorted(others, key=lambda one: abs(math.log(RATIOS.get(one, own) / wanted)))


def _named(aspect: Aspect) -> str:
    return "the photo's own shape" if aspect == "photo" else aspect


def ratio(scene: Scene, photo: Photo, crop: Crop) -> Finding:
    """Whether the shape suits the photo: most of it is kept, or what falls away is not what it is of.

    That is the faces where there are any (a portrait may well cut a body), else the subject.
    """
    best = lay(scene.seen, scene.matte, photo, crop.aspect).crop
    kept = best.w * best.h
    why = f"{'its own shape' if crop.aspect == 'photo' else crop.aspect} keeps {kept:.0%} of the photo"
    told = _told(scene)
    if told is not None:
        name, part = told
        held, could = inside(part, crop), inside(part, best)
        why += f", and this crop {held:.0%} of {name}"
        if held < _WHOLE and could > held + 0.05:
            remedies = (Remedy(f"Lay the crop around {name}", crop=best), *_roomier(scene, photo, crop))
            return Finding("ratio", "mend", f"The crop cuts off part of {name}.", why, remedies, part, 0.6)
        if held < _WHOLE and kept < 1.0:
            says = f"This shape can't hold all of {name}, so part falls away."
            remedies = _roomier(scene, photo, crop)
            return Finding("ratio", "mend" if remedies else "mind", says, why, remedies, part, 0.5)
        if kept < KEPT:
            return Finding("ratio", "fine", f"Most of the photo falls away, with {name} kept whole.", why)
    elif kept < KEPT:
        says = "Most of the photo falls away in this shape, and nothing marks which part should stay."
        remedies = _roomier(scene, photo, crop)
        return Finding("ratio", "mend" if remedies else "mind", says, why, remedies, None, _clip(1.1 * (1 - kept) - 0.2))
    return Finding("ratio", "fine", "The photo suits this shape.", why)


def _told(scene: Scene) -> tuple[str, Box] | None:
    """What a photo is of, by name, and the box around it: its face or faces, else its subject."""
    found = _seen(scene)
    if not found:
        return None if scene.box is None else ("the subject", scene.box)
    left, top = min(face.x for face in found), min(face.y for face in found)
    right, bottom = max(face.x + face.w for face in found), max(face.y + face.h for face in found)
    return "the face" if len(found) == 1 else "the faces", place(left, top, right - left, bottom - top)


def _roomier(scene: Scene, photo: Photo, crop: Crop) -> tuple[Remedy, ...]:
    """The nearest other shape that keeps most of the photo, or what it is of."""
    told = _told(scene)
    for aspect in _nearest(photo, crop.aspect):
        other = lay(scene.seen, scene.matte, photo, aspect).crop
        kept = other.w * other.h
        if told is not None and inside(told[1], other) >= _WHOLE:
            return (Remedy(f"Take {_named(aspect)}, which holds {told[0]}", crop=other),)
        if told is None and kept >= KEPT:
            return (Remedy(f"Take {_named(aspect)}, which keeps {kept:.0%} of the photo", crop=other),)
    return ()


def _clip(value: float) -> float:
    return min(max(value, 0.0), 1.0)
