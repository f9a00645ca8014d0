"""Automatic crop: where a box of an aspect lies so that faces stay whole and the subject stays in the picture.

A box of the largest size leaves one thing to choose: how far along it lies. Whether there is a subject is decided in
matte.py; how a box becomes pixels is in crop.py.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from studio.nouns import Aspect, Choice, Crop, Photo
from studio.photo.crop import Image, find_largest
from studio.photo.faces import Face
from studio.photo.matte import Matte, find_matte, mark_subject
from studio.photo.saliency import SIDE, Look, look_at

_SOLID = 0.4
"""How salient, 0..1, a place of the subject must be to count for where it lies."""

_HEAD = (0.3, 0.7, 0.3, 0.3)
"""How far a head goes beyond its face to the left, above (hair, a cap), to the right and below, in widths and heights.
"""

_EYES = 0.35
"""Where the eyes are in a face box, from its top."""

_EYE_LINE = 0.38
"""Where the eyes of a portrait go in the crop, from its top: a little above the upper third leaves headroom."""

_AIR = 0.025
"""The least room kept around a subject, where there is any, in fractions of the photo."""

_STRAY = 1.5
"""What moving a box by its own length costs, against an edge cut through the most detailed part of the subject (1)."""


class Suggestion(NamedTuple):
    """A crop of the largest size for its aspect, and why it lies where it does."""

    crop: Crop
    choice: Choice


class Span(NamedTuple):
    """A stretch along one axis of the photo, in fractions."""

    start: float
    end: float

    @property
    def length(self) -> float:
        """How long it is."""
        return self.end - self.start


def suggest_crop(image: Image, photo: Photo, aspect: Aspect, subject: str = "") -> Suggestion:
    """The largest crop of an aspect, laid where it keeps faces whole and the subject in the picture.

    `image` is the photo's pixels, (H, W, 3) RGB, at any size; `subject` is what was marked as such, like
    `Shot.subject`. No face is ever cut when it fits: heads come first, with hair and headroom; then the subject as a
    whole; without either, the middle. What was marked comes before everything else. The choice says what was done, and
    how many faces couldn't be kept.
    """
    middle = find_largest(photo, aspect)
    if middle.w > 0.999 and middle.h > 0.999:
        return _explain(middle, "the whole photo: nothing is cut off")
    return place_crop(
        mark_subject(look_at(image, with_faces=True), subject), find_matte(image, marked=subject), photo, aspect
    )


def place_crop(seen: Look, matte: Matte, photo: Photo, aspect: Aspect) -> Suggestion:
    """The same from what was seen in the photo: `look` with its faces, and the matte of the whole of it."""
    middle = find_largest(photo, aspect)
    upright = middle.h < 0.999  # the box slides up and down, else sideways
    window = middle.h if upright else middle.w
    start, reason = _place_start(seen, matte, upright, window)
    start = min(max(start, 0.0), 1.0 - window)
    crop = (
        Crop(middle.x, start, middle.w, window, aspect) if upright else Crop(start, middle.y, window, middle.h, aspect)
    )
    return _explain(crop, reason)


def _explain(crop: Crop, reason: str) -> Suggestion:
    return Suggestion(crop, Choice("crop", "the photo's own shape" if crop.aspect == "photo" else crop.aspect, reason))


def _place_start(look: Look, matte: Matte, upright: bool, window: float) -> tuple[float, str]:
    """Where the box starts along its axis, and why."""
    found = look.faces or ()
    span = find_span(look, matte, upright)
    if found:
        return _place_around_faces(found, span, upright, window)
    if span is None:
        return (1 - window) / 2, "no clear subject was found, so the middle is kept"
    return _place_around_body(span, look, upright, window)


def find_span(look: Look, matte: Matte, upright: bool) -> Span | None:
    """The stretch that holds the subject, None where the matte of the whole photo has none."""
    if not matte.parts:
        return None
    there = np.zeros(matte.soft.shape, np.uint8)
    for part in matte.parts:
        there |= part.mask.astype(np.uint8)
    near = cv2.dilate(cv2.resize(there, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST), np.ones((9, 9), np.uint8))
    solid = np.where((near > 0) & (look.map > _SOLID), look.map, 0)
    if not solid.any():  # it was found by a closer look
        solid = near.astype(np.float32)
    part = np.cumsum(solid.sum(axis=1 if upright else 0))
    ends = np.searchsorted(part, [0.001 * part[-1], 0.992 * part[-1]]) / SIDE
    return Span(float(ends[0]), min(float(ends[1]) + 1 / SIDE, 1.0))


def _place_around_body(body: Span, look: Look, upright: bool, window: float) -> tuple[float, str]:
    """Around a subject without faces: whole when it fits, else the stretch that holds most of it and cuts it least."""
    middle = (1 - window) / 2
    if body.length <= window:
        centred = (body.start + body.end - window) / 2
        air = min(_AIR, (window - body.length) / 2)
        aim = (centred + middle) / 2 if upright else centred  # a horizon far from where it was looks wrong
        return min(max(aim, body.end + air - window), body.start - air), "the subject is whole, with room around it"
    if upright and body.start > _AIR:
        return body.start - _AIR, "the subject is taller than this shape: its top is kept"
    told = (look.map * (0.2 + look.detail)).sum(axis=1 if upright else 0)
    bulk = float((told * (np.arange(SIDE) + 0.5)).sum() / told.sum() / SIDE) - window / 2
    start = min(max(bulk, body.start), body.end - window)
    if body.length > 1.3 * window:  # what nearly fits is better cut alike on both sides
        start = _find_cleaner(look, upright, window, start)
    return start, "the subject is larger than this shape: the most telling part of it is kept"


def _find_cleaner(look: Look, upright: bool, window: float, home: float) -> float:
    """A start within an eighth of the box from `home` whose edges cut less of the subject's detail: past an eye, not
    through.
    """
    cut = cv2.blur((look.map * look.detail**2).sum(axis=1 if upright else 0)[None], (9, 1))[0]
    cut = np.concatenate([[0.0], cut[1:] / max(float(cut.max()), 1e-6), [0.0]])  # the photo's own edges cost nothing
    cells = round(window * SIDE)
    starts = np.arange(
        max(round((home - window / 8) * SIDE), 0), min(round((home + window / 8) * SIDE), SIDE - cells) + 1
    )
    strays = np.abs(starts / SIDE - home) / window
    return float(starts[int((cut[starts] + cut[starts + cells] + _STRAY * strays).argmin())]) / SIDE


def _place_around_faces(found: tuple[Face, ...], body: Span | None, upright: bool, window: float) -> tuple[float, str]:
    """Around faces: all heads, and the whole subject, when they fit; else as many whole heads as can be."""
    heads = [_find_head(face, upright, window) for face in found]
    whole = [(face, head) for face, head in zip(found, heads, strict=True) if head.length <= window + 1e-9]
    if not whole:
        face = max(found, key=lambda one: one.w * one.h)
        centre = face.y + _EYES * face.h if upright else face.x + face.w / 2
        return centre - window / 2, "the face is larger than this shape holds, so it is cut: the eyes are kept"
    must = Span(min(head.start for _, head in whole), max(head.end for _, head in whole))
    if must.length > window + 1e-9:
        return _place_for_most_faces(found, heads, upright, window)
    aim = _choose_start([face for face, _ in whole], upright, window)
    if body is not None:
        both = Span(min(must.start, body.start), max(must.end, body.end))
        must = both if both.length <= window else must
    start = min(max(aim, must.end - window), must.start)
    left_out = len(found) - len(whole)
    if left_out:
        return start, f"{_count_faces(left_out)} larger than this shape holds; every other face is whole"
    tight = any(
        head.start < start - 1e-9 or head.end > start + window + 1e-9 for head in _find_full_heads(found, upright)
    )
    words = "the face is whole" if len(found) == 1 else f"all {len(found)} faces are whole"
    return start, f"{words}, though not all of the head fits" if tight else f"{words}, with room around"


def _find_head(face: Face, upright: bool, window: float) -> Span:
    """The head around a face along an axis; its margins give way before it is too long for the window."""
    start, length = (face.y, face.h) if upright else (face.x, face.w)
    before, after = (_HEAD[1], _HEAD[3]) if upright else (_HEAD[0], _HEAD[2])
    room = max(window - length, 0.0) / max((before + after) * length, 1e-9)
    margin = min(room, 1.0) * length
    return Span(max(start - before * margin, 0.0), min(start + length + after * margin, 1.0))


def _find_full_heads(found: tuple[Face, ...], upright: bool) -> list[Span]:
    """The heads with all their room, as far as the photo shows them."""
    return [_find_head(face, upright, 10.0) for face in found]


def _choose_start(found: list[Face], upright: bool, window: float) -> float:
    """Where the box would start by composition alone: eyes on the eye line, or the faces in the middle."""
    if upright:
        eyes = sum(face.y + _EYES * face.h for face in found) / len(found)
        return eyes - _EYE_LINE * window
    return (min(face.x for face in found) + max(face.x + face.w for face in found) - window) / 2


def _place_for_most_faces(
    found: tuple[Face, ...], heads: list[Span], upright: bool, window: float
) -> tuple[float, str]:
    """The stretch that cuts no face and keeps the most and largest heads whole, when not all can be kept."""
    cores = [Span(face.y, face.y + face.h) if upright else Span(face.x, face.x + face.w) for face in found]
    weights = [face.score * (face.w * face.h) ** 0.5 for face in found]
    edges = [head.start for head in heads] + [head.end - window for head in heads]
    edges += [core.end for core in cores] + [core.start - window for core in cores]
    starts = sorted({min(max(edge, 0.0), 1.0 - window) for edge in edges})
    starts += [(one + two) / 2 for one, two in pairwise(starts)]

    def worth(start: float) -> tuple[bool, float]:
        kept = [start - 1e-9 <= head.start and head.end <= start + window + 1e-9 for head in heads]
        cut = any(
            core.start < edge - 1e-9 and edge + 1e-9 < core.end for core in cores for edge in (start, start + window)
        )
        return any(kept) and not cut, sum(weight for weight, whole in zip(weights, kept, strict=True) if whole)

    best = max(worth(start) for start in starts)
    equal = sorted(start for start in starts if worth(start) == best)
    start = equal[len(equal) // 2]
    kept = sum(start - 1e-9 <= core.start and core.end <= start + window + 1e-9 for core in cores)
    return (
        start,
        f"{_count_faces(len(found) - kept)} outside: this shape can't hold them all, "
        f"and {kept} of {len(found)} are whole",
    )


def _count_faces(number: int) -> str:
    return "1 face is" if number == 1 else f"{number} faces are"
