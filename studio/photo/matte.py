"""The subject's matte (alpha): what the subject is, how soft its edge is, and how far that can be trusted.

The one place where it is decided whether there is a subject, from saliency, shapes, edges and what the user has
marked. The crop, the report, the depth and the effects all go by it, so that none of them says there is a subject
where another finds none.
"""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections import OrderedDict
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.nouns import Choice, Crop
from studio.photo import brush_mask
from studio.photo.crop import Image
from studio.photo.saliency import SIDE, Look, find_saliency

WORK = 448  # pixels of the long side at which shapes and depth are thought about
CLOSER = 6.0  # a matte vaguer than this (pixels of uncertain edge at WORK) is worth a second, closer look
SURE, LOST = 5.5, 8.5  # up to SURE all of the depth is used; past LOST the subject is not parted from its background
ALL = 0.95  # of the photo's area: a crop that is larger sees no less than the photo
FULL = Crop()
LEAST_GAP = 0.6  # of the depth, for the vaguest subject that is still parted
WHOLE_GAP = 0.75  # of the depth, where a vague subject is left in its background

SPANS = 0.97  # of the photo's width or height: a crop that spans it sees what the photo sees
SMALL = 0.006  # of a crop: what is left of a photo's subject in it, and is under that, is none
MARKED = 0.0004  # of a crop: the least of a marked subject
BAND = 0.012  # of the long side: how far off the true edge a mark may lie
REMEMBERED = 8

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Standing = Literal["marked", "clear", "vague", "none"]
"""Whether there is a subject: the user's, one that stands clear, one whose edge is too vague to cut it out, or none."""


class SubjectPart(NamedTuple):
    """One accepted subject: `mask` (h, w) bool at the working size, `box` left, top, width, height in its pixels."""

    mask: Flags
    box: tuple[int, int, int, int]


class Matte(NamedTuple):
    """The subject of a photo. soft: (h, w) float32 0..1 at the working size, laid along the picture's edges.

    parts: the subjects, none when nothing stands out. doubt: how wide its uncertain edge is, in pixels at the working
    size (measured on the sixteen reference photos: portraits and objects 2 to 4, a motorcycle 8, no subject at all 12
    to 16). layered: whether the subject may become a sheet of its own. gap: how much of the depth may be used, 0..1.
    standing: whether there is a subject at all. measured: (H, W) float32 0..1 of the picture, the alpha that a phone
    gave, None without one.
    """

    soft: Floats
    parts: tuple[SubjectPart, ...]
    doubt: float
    layered: bool
    gap: float
    choice: Choice
    standing: Standing
    measured: Floats | None = None


def smoothstep(low: float, high: float, x: Floats) -> Floats:
    """Smoothstep: 0 below `low`, 1 above `high`, smooth in between."""
    t = np.clip((x - np.float32(low)) / np.float32(high - low + 1e-9), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def sum_squares(colours: Floats) -> Floats:
    """The sum of each pixel's squares: (h, w, 3) to (h, w). Several times as fast as numpy's sum over a short axis."""
    return np.asarray(cv2.transform(colours * colours, np.ones((1, 3), np.float32)), np.float32)


_lock = threading.Lock()
_shrunk: OrderedDict[tuple[object, ...], tuple[weakref.ref[Image], Image]] = OrderedDict()


def shrink_to_work(image: Image, side: int = WORK) -> Image:
    """The picture at the working size: long side at most `side` pixels.

    The last few pictures that nobody can write to, as photos are, are remembered as long as they are there: a report
    and a scene ask for the same one some ten times, at 20 ms each for 12 megapixels.
    """
    if image.flags.writeable:
        return _shrink(image, side)
    owner = image
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    key = (id(owner), image.__array_interface__["data"][0], image.shape, image.strides, side)
    with _lock:
        found = _shrunk.get(key)
    if found and found[0]() is owner:
        return found[1]
    small = _shrink(image, side)
    small.flags.writeable = False
    with _lock:
        _shrunk[key] = (weakref.ref(owner), small)
        while len(_shrunk) > REMEMBERED:
            _shrunk.popitem(last=False)
    return small


def _shrink(image: Image, side: int) -> Image:
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8) if scale < 1 else image


_found: OrderedDict[bytes, Matte] = OrderedDict()


def find_matte(image: Image, whole: Image | None = None, crop: Crop = FULL, marked: str = "") -> Matte:
    """The subject of a picture, (H, W, 3) uint8 RGB at any size; the last few are remembered by content. Any thread may
    ask.

    The picture is the `crop` of the `whole` photo, where that is given; `marked` is a mask of the whole of it that says
    what it is of: the user's, or the phone's (subject_mask.py). Else a subject that fills a tight crop, and stands out
    of nothing there, is looked for in the photo. A crop that spans the photo shows what the photo shows: it is never
    more of a subject than that. A smaller one is looked at by itself as well.
    """
    seen = hashlib.blake2b(shrink_to_work(image).tobytes(), digest_size=16)
    cropped = whole is not None and crop.w * crop.h <= ALL
    if whole is not None and cropped:
        seen.update(shrink_to_work(whole).tobytes())
    seen.update(repr((image.shape, (crop.x, crop.y, crop.w, crop.h) if cropped or marked else None, marked)).encode())
    key = seen.digest()
    with _lock:
        if key in _found:
            _found.move_to_end(key)
            return _found[key]
    mask = brush_mask.decode_brush(marked) if marked else None
    matte = _find_marked(image, mask, crop) if mask is not None else None
    if matte is None:
        matte = _find_in_crop(image, whole, crop) if whole is not None and cropped else _find_within(image)
    with _lock:
        _found[key] = matte
        while len(_found) > REMEMBERED:
            _found.popitem(last=False)
    return matte


def mark_subject(seen: Look, mask: str) -> Look:
    """What was seen in a photo, with what is marked as its subject (`Shot.subject`) for what draws the eye."""
    laid = brush_mask.decode_brush(mask) if mask else None
    if laid is None:
        return seen
    map_ = np.asarray(cv2.resize(laid, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32)
    faces = tuple(face for face in seen.faces or () if _read_at(map_, face.x + face.w / 2, face.y + face.h / 2) > 0.5)
    return seen._replace(map=map_, faces=faces)


def _read_at(map_: Floats, x: float, y: float) -> float:
    """A map's value at a place in fractions."""
    rows, columns = map_.shape
    return float(map_[min(max(int(y * rows), 0), rows - 1), min(max(int(x * columns), 0), columns - 1)])


def _find_in_crop(image: Image, whole: Image, crop: Crop) -> Matte:
    """The subject of a crop, by what stands out in it and in the photo it was cut from."""
    photo = find_matte(whole)
    spans = crop.w > SPANS or crop.h > SPANS
    if photo.standing == "none":
        return _make_empty(image) if spans else _find_within(image)
    found = _find_within(image)
    if found.layered and not (spans and photo.standing == "vague"):
        return found
    work = shrink_to_work(image)
    far = find_saliency(whole)
    there = brush_mask.lay_over_crop(far, crop, work.shape[1::-1])
    soft, parts = _refine(work, there, bands=True)  # the photo knows that it is no range of hills
    wider = _judge(soft, parts, _measure_doubt(there, parts))
    if photo.layered and wider.layered:
        return wider
    return _make_vague(work, max(found.doubt, LOST)) if parts or found.standing != "none" else found


def _make_empty(image: Image) -> Matte:
    """The matte of a crop of a photo in which nothing stands out."""
    plain = shrink_to_work(image)
    return _judge(np.zeros(plain.shape[:2], np.float32), (), 0.0)


def _find_marked(image: Image, mask: Floats, crop: Crop) -> Matte | None:
    """What was marked, within the picture, its edge laid along that of the thing it was painted over.

    A phone's matte, which is finer than what can be painted, is taken as it is, and None where it lies outside.
    """
    if max(mask.shape) > brush_mask.LARGEST:
        return _use_measured(image, mask, crop)
    work = shrink_to_work(image)
    height, width = work.shape[:2]
    laid = brush_mask.lay_over_crop(mask, crop, (width, height))
    inside = (laid > 0.5).astype(np.uint8)
    coarse = max(width / max(mask.shape[1] * crop.w, 1), height / max(mask.shape[0] * crop.h, 1))
    inside = _snap_to_edges(work, inside, round(max(BAND * max(width, height), 1.5 * coarse)))
    soft = np.clip(cv2.ximgproc.guidedFilter(work, inside.astype(np.float32), 4, 2e-4 * 255**2), 0, 1)
    parts = _find_pieces(inside, MARKED)
    if not parts:
        why = "what was marked as the subject lies outside the crop, so the picture moves as one sheet"
        return Matte(np.zeros_like(soft), (), 0.0, False, 1.0, Choice("layers", "one", why), "none")
    doubt = _measure_doubt(soft, parts)
    why = "you marked what the subject is, so it moves by itself"
    return Matte(
        _resolve(work, soft),
        parts,
        doubt,
        True,
        _choose_gap(doubt),
        Choice("layers", "subject and background", why),
        "marked",
    )


def _use_measured(image: Image, mask: Floats, crop: Crop) -> Matte | None:
    """A phone's matte over a crop, as it is; None where it lies outside."""
    rows, columns = mask.shape
    laid = brush_mask.lay_over_crop(mask, crop, (max(2, round(columns * crop.w)), max(2, round(rows * crop.h))))
    work = shrink_to_work(image)
    soft = np.asarray(cv2.resize(laid, work.shape[1::-1], interpolation=cv2.INTER_AREA), np.float32)
    parts = _find_pieces((soft > 0.5).astype(np.uint8), MARKED)
    if not parts:
        return None
    doubt = _measure_doubt(soft, parts)
    why = "the phone's portrait matte says what the subject is, so it moves by itself"
    choice = Choice("layers", "subject and background", why)
    return Matte(soft, parts, doubt, True, _choose_gap(doubt), choice, "marked", laid)


def _snap_to_edges(work: Image, inside: NDArray[np.uint8], reach: int) -> NDArray[np.uint8]:
    """A mask, 0 or 1, moved onto the picture's edge within `reach` pixels of its own (GrabCut: Rother and others,
    2004).
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    core = cv2.erode(inside, kernel, borderValue=1)
    outside = cv2.dilate(inside, kernel) == 0
    if not core.any() or not outside.any():
        return inside
    labels = np.where(inside > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[core > 0], labels[outside] = cv2.GC_FGD, cv2.GC_BGD
    cv2.setRNGSeed(0)
    cv2.grabCut(
        np.ascontiguousarray(work), labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK
    )
    found = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    return found if found.sum() > 0.5 * inside.sum() else inside


def _find_pieces(inside: NDArray[np.uint8], least: float) -> tuple[SubjectPart, ...]:
    """The connected pieces of a mask that are at least this share of it."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    boxes = [tuple(int(value) for value in stats[label]) for label in range(count)]
    return tuple(
        SubjectPart(labels == label, boxes[label][:4])  # pyright: ignore[reportArgumentType]
        for label in range(1, count) if boxes[label][4] >= least * inside.size
    )  # fmt: skip


def _find_within(image: Image) -> Matte:
    """The subject of a picture, by itself."""
    work = shrink_to_work(image)
    first = cv2.resize(find_saliency(image), work.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    soft, parts = _refine(work, first)
    doubt = _measure_doubt(first, parts)
    if parts and doubt > CLOSER:
        box = _surround(parts, work.shape[:2])
        if (box[1] - box[0]) * (box[3] - box[2]) < 0.7 * soft.size:
            second = _look_closer(image, work, box)
            soft, parts = _refine(work, second)
            doubt = _measure_doubt(second, parts)
    return _judge(soft, parts, doubt)


def _refine(work: Image, salient: Floats, bands: bool = False) -> tuple[Floats, tuple[SubjectPart, ...]]:
    """Saliency laid along the picture's edges, and kept only around the parts that are subjects."""
    soft = np.clip(cv2.ximgproc.guidedFilter(work, salient, 8, 1e-3 * 255**2), 0, 1)
    parts = _accept(soft, bands)
    near = np.zeros(soft.shape, np.uint8)
    for part in parts:
        near |= part.mask.astype(np.uint8)
    return _resolve(work, soft * cv2.dilate(near, np.ones((7, 7), np.uint8))), parts


def _resolve(work: Image, soft: Floats) -> Floats:
    """The vague band of a matte settled by colour: by how far each pixel lies from its place's background to its
    subject.

    Only where the two sides' colours differ by more than each varies in itself; elsewhere the matte stays as it is.
    """
    rgb = work.astype(np.float32) / 255
    inside = cv2.erode((soft > 0.75).astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1).astype(np.float32)
    outside = (cv2.dilate((soft > 0.2).astype(np.uint8), np.ones((9, 9), np.uint8)) == 0).astype(np.float32)
    ours, own, own_varies = _measure_colours(rgb, inside)
    theirs, back, back_varies = _measure_colours(rgb, outside)
    apart = own - back
    contrast = sum_squares(apart)
    towards = smoothstep(0.25, 0.75, np.einsum("ijk,ijk->ij", rgb - back, apart) / (contrast + 1e-4))
    sure = smoothstep(0.35, 0.75, contrast / (contrast + 1.5 * (own_varies + back_varies) + 0.004))
    sure[(ours < 0.01) | (theirs < 0.01)] = 0
    settled = soft * (1 - sure) + towards * sure
    return np.where(inside > 0, soft, np.where(outside > 0, 0, settled)).astype(np.float32)


def _measure_colours(rgb: Floats, where: Floats) -> tuple[Floats, Floats, Floats]:
    """Around each pixel: how much of `where` there is, its mean colour, and how much that colour varies."""
    window = (25, 25)
    share = cv2.blur(where, window)
    mean = (cv2.blur(rgb * where[..., None], window) / (share[..., None] + 1e-4)).astype(np.float32)
    square = cv2.blur(sum_squares(rgb) * where, window) / (share + 1e-4)
    return np.asarray(share, np.float32), mean, np.maximum(square - sum_squares(mean), 0).astype(np.float32)


def _accept(soft: Floats, bands: bool) -> tuple[SubjectPart, ...]:
    """The connected parts that are subjects: large enough, surely salient, and unless `bands` not one across the
    picture.
    """
    height, width = soft.shape
    count, labels, stats, _ = cv2.connectedComponentsWithStats((soft > 0.5).astype(np.uint8), connectivity=8)
    parts: list[SubjectPart] = []
    for label in range(1, count):
        left, top, wide, high, area = (int(v) for v in stats[label])
        across = left <= 2 and left + wide >= width - 2
        band = across and not bands and top + high < height - 3  # a far range of hills, not something to walk around
        mask = labels == label
        if area < 0.006 * height * width or band or float(soft[mask].mean()) < 0.72:
            continue
        parts.append(SubjectPart(mask, (left, top, wide, high)))
    return tuple(parts)


def _measure_doubt(salient: Floats, parts: tuple[SubjectPart, ...]) -> float:
    """How wide the uncertain edge is: half-salient pixels around the parts, over the length of their outlines."""
    outline, vague = 0, 0
    for part in parts:
        mask = part.mask.astype(np.uint8)
        near = cv2.dilate(mask, np.ones((15, 15), np.uint8)) > 0
        found, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        outline += sum(len(line) for line in found)
        vague += int(((salient > 0.15) & (salient < 0.85) & near).sum())
    return vague / max(1, outline) * WORK / max(salient.shape)


def _surround(parts: tuple[SubjectPart, ...], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of a box around the parts with three tenths to spare on each side."""
    left, top = min(part.box[0] for part in parts), min(part.box[1] for part in parts)
    right, bottom = max(part.box[0] + part.box[2] for part in parts), max(part.box[1] + part.box[3] for part in parts)
    wide, high = 0.3 * (right - left), 0.3 * (bottom - top)
    return (
        max(0, int(top - high)),
        min(shape[0], int(bottom + high)),
        max(0, int(left - wide)),
        min(shape[1], int(right + wide)),
    )


def _look_closer(image: Image, work: Image, box: tuple[int, int, int, int]) -> Floats:
    """Saliency seen in a box of the picture, laid back into the whole."""
    top, bottom, left, right = box
    scale = image.shape[0] / work.shape[0]
    piece = image[int(top * scale) : int(bottom * scale), int(left * scale) : int(right * scale)]
    seen = np.zeros(work.shape[:2], np.float32)
    there = find_saliency(np.ascontiguousarray(shrink_to_work(piece)))
    seen[top:bottom, left:right] = cv2.resize(there, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    return seen


def _choose_gap(doubt: float) -> float:
    """How much of the depth may be used for an edge as uncertain as this."""
    return 1 - (1 - LEAST_GAP) * float(np.clip((doubt - SURE) / (LOST - SURE), 0, 1))


def _make_vague(like: NDArray[Any], doubt: float) -> Matte:
    """Something stands out and can't be cut out; `like` has the working size."""
    why = "what stands out has too vague an edge to cut out, so the picture moves as one sheet with less depth"
    plain = np.zeros(like.shape[:2], np.float32)
    return Matte(plain, (), doubt, False, WHOLE_GAP, Choice("layers", "one", why), "vague")


def _judge(soft: Floats, parts: tuple[SubjectPart, ...], doubt: float) -> Matte:
    if not parts:
        why = "nothing stands out clearly from its surroundings, so the picture moves as one sheet"
        return Matte(soft, (), doubt, False, 1.0, Choice("layers", "one", why), "none")
    if doubt > LOST:
        return _make_vague(soft, doubt)
    gap = _choose_gap(doubt)
    if gap < 1:
        why = f"parts of the subject's edge are vague, so {gap:.0%} of the depth is used and a mistake shows less"
    else:
        why = (
            "the subject stands clear of its background; "
            "what lies around it is stretched a little, for a cut would show"
        )
    return Matte(soft, parts, doubt, True, gap, Choice("layers", "subject and background", why), "clear")


def find_alpha(image: Image, subject: Matte) -> Image:
    """How much the subject covers of each pixel of a picture, (H, W) uint8; `subject` is that of it at any size.

    A phone's own alpha is as fine as it came: laid along the picture's edges it was 42 levels off at the edge of a
    spaniel's ears, as it is 4.
    """
    if subject.measured is None:
        return refine_edge(image, subject.soft)
    size = image.shape[1::-1]
    how = cv2.INTER_AREA if subject.measured.shape[1] > size[0] else cv2.INTER_CUBIC
    laid = cv2.resize(subject.measured, size, interpolation=how)
    return np.rint(np.clip(laid, 0, 1) * 255).astype(np.uint8)


def refine_edge(image: Image, soft: Floats) -> Image:
    """The matte at the picture's own size, laid along its finest edges: (H, W) uint8, 0 outside to 255 inside."""
    height, width = image.shape[:2]
    large = cv2.resize(np.rint(soft * 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    side = max(height, width)
    fine = cv2.ximgproc.guidedFilter(
        image, large, max(3, side // 180), 4e-4 * 255**2, scale=0.25 if side > 900 else 1.0
    )
    curve = smoothstep(LOW, HIGH, np.arange(256, dtype=np.float32) / 255)
    return np.asarray(cv2.LUT(fine, np.rint(curve * 255).astype(np.uint8)), np.uint8)


LOW, HIGH = 0.16, 0.78  # what counts as outside and as inside; the long lower end keeps wisps with their subject
