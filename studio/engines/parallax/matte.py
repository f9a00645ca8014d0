"""What the subject is, how soft its edge is, and how far that can be trusted.

Knows saliency, shapes and edges. Refuses to know depth, fills and cameras.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.engines.base import Image
from studio.engines.parallax.scene import Floats
from studio.nouns import Choice, Crop
from studio.photo import subject

WORK = 448  # pixels of the long side at which shapes and depth are thought about
CLOSER = 6.0  # a matte vaguer than this (pixels of uncertain edge at WORK) is worth a second, closer look
SURE, LOST = 5.5, 8.5  # up to SURE all of the depth is used; past LOST the subject is not parted from its background
ALL = 0.95  # of the photo's area: a crop that is larger sees no less than the photo
FULL = Crop()
LEAST_GAP = 0.6  # of the depth, for the vaguest subject that is still parted
WHOLE_GAP = 0.75  # of the depth, where a vague subject is left in its background

Flags = NDArray[np.bool_]


class Part(NamedTuple):
    """One accepted subject: `mask` (h, w) bool at the working size, `box` left, top, width, height in its pixels."""

    mask: Flags
    box: tuple[int, int, int, int]


class Matte(NamedTuple):
    """The subject of a photo. soft: (h, w) float32 0..1 at the working size, laid along the picture's edges.

    parts: the subjects, none when nothing stands out. doubt: how wide its uncertain edge is, in pixels at the working size
    (measured on the sixteen reference photos: portraits and objects 2 to 4, a motorcycle 8, no subject at all 12 to 16).
    layered: whether the subject may become a sheet of its own. gap: how much of the depth may be used, 0..1.
    """

    soft: Floats
    parts: tuple[Part, ...]
    doubt: float
    layered: bool
    gap: float
    choice: Choice


def step(low: float, high: float, x: Floats) -> Floats:
    """Smoothstep: 0 below `low`, 1 above `high`, smooth in between."""
    t = np.clip((x - np.float32(low)) / np.float32(high - low + 1e-9), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def squares(colours: Floats) -> Floats:
    """The sum of each pixel's squares: (h, w, 3) to (h, w). Several times as fast as numpy's sum over so short an axis."""
    return np.asarray(cv2.transform(colours * colours, np.ones((1, 3), np.float32)), np.float32)


def small(image: Image, side: int = WORK) -> Image:
    """The picture at the working size: long side at most `side` pixels."""
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8) if scale < 1 else image


def find(image: Image, whole: Image | None = None, crop: Crop = FULL) -> Matte:
    """The subject of a picture, (H, W, 3) uint8 RGB at any size. Looks a second time, closer, where the first is vague.

    A subject that fills a tight crop stands out of nothing: where none can be parted there, the `whole` photo is asked, of which
    the picture is the `crop`.
    """
    found = _within(image)
    if found.layered or whole is None or crop.w * crop.h > ALL or not _within(whole).layered:
        return found
    work = small(image)
    far = subject.saliency(whole)
    across, down = crop.w * far.shape[1] / work.shape[1], crop.h * far.shape[0] / work.shape[0]
    place = np.array([[across, 0, crop.x * far.shape[1] + across / 2 - 0.5], [0, down, crop.y * far.shape[0] + down / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    there = cv2.warpAffine(far, place, work.shape[1::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
    soft, parts = _refine(work, there, bands=True)  # the photo knows that it is no range of hills
    wider = _judge(soft, parts, _doubt(there, parts))
    return wider if wider.layered else found


def _within(image: Image) -> Matte:
    """The subject of a picture, by itself."""
    work = small(image)
    first = cv2.resize(subject.saliency(image), work.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    soft, parts = _refine(work, first)
    doubt = _doubt(first, parts)
    if parts and doubt > CLOSER:
        box = _around(parts, work.shape[:2])
        if (box[1] - box[0]) * (box[3] - box[2]) < 0.7 * soft.size:
            second = _closer(image, work, box)
            soft, parts = _refine(work, second)
            doubt = _doubt(second, parts)
    return _judge(soft, parts, doubt)


def _refine(work: Image, salient: Floats, bands: bool = False) -> tuple[Floats, tuple[Part, ...]]:
    """Saliency laid along the picture's edges, and kept only around the parts that are subjects."""
    soft = np.clip(cv2.ximgproc.guidedFilter(work, salient, 8, 1e-3 * 255**2), 0, 1)
    parts = _accept(soft, bands)
    near = np.zeros(soft.shape, np.uint8)
    for part in parts:
        near |= part.mask.astype(np.uint8)
    return _resolve(work, soft * cv2.dilate(near, np.ones((7, 7), np.uint8))), parts


def _resolve(work: Image, soft: Floats) -> Floats:
    """The vague band of a matte settled by colour: by how far each pixel lies from its place's background to its subject.

    Only where the two sides' colours differ by more than each varies in itself; elsewhere the matte stays as it is.
    """
    rgb = work.astype(np.float32) / 255
    inside = cv2.erode((soft > 0.75).astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1).astype(np.float32)
    outside = (cv2.dilate((soft > 0.2).astype(np.uint8), np.ones((9, 9), np.uint8)) == 0).astype(np.float32)
    ours, own, own_varies = _colours(rgb, inside)
    theirs, back, back_varies = _colours(rgb, outside)
    apart = own - back
    contrast = squares(apart)
    towards = step(0.25, 0.75, np.einsum("ijk,ijk->ij", rgb - back, apart) / (contrast + 1e-4))
    sure = step(0.35, 0.75, contrast / (contrast + 1.5 * (own_varies + back_varies) + 0.004))
    sure[(ours < 0.01) | (theirs < 0.01)] = 0
    settled = soft * (1 - sure) + towards * sure
    return np.where(inside > 0, soft, np.where(outside > 0, 0, settled)).astype(np.float32)


def _colours(rgb: Floats, where: Floats) -> tuple[Floats, Floats, Floats]:
    """Around each pixel: how much of `where` there is, its mean colour, and how much that colour varies."""
    window = (25, 25)
    share = cv2.blur(where, window)
    mean = (cv2.blur(rgb * where[..., None], window) / (share[..., None] + 1e-4)).astype(np.float32)
    square = cv2.blur(squares(rgb) * where, window) / (share + 1e-4)
    return np.asarray(share, np.float32), mean, np.maximum(square - squares(mean), 0).astype(np.float32)


def _accept(soft: Floats, bands: bool) -> tuple[Part, ...]:
    """The connected parts that are subjects: large enough, surely salient, and unless `bands` not one across the picture."""
    height, width = soft.shape
    count, labels, stats, _ = cv2.connectedComponentsWithStats((soft > 0.5).astype(np.uint8), connectivity=8)
    parts: list[Part] = []
    for label in range(1, count):
        left, top, wide, high, area = (int(v) for v in stats[label])
        across = left <= 2 and left + wide >= width - 2
        band = across and not bands and top + high < height - 3  # a far range of hills, not something to walk around
        mask = labels == label
        if area < 0.006 * height * width or band or float(soft[mask].mean()) < 0.72:
            continue
        parts.append(Part(mask, (left, top, wide, high)))
    return tuple(parts)


def _doubt(salient: Floats, parts: tuple[Part, ...]) -> float:
    """How wide the uncertain edge is: half-salient pixels around the parts, over the length of their outlines."""
    outline, vague = 0, 0
    for part in parts:
        mask = part.mask.astype(np.uint8)
        near = cv2.dilate(mask, np.ones((15, 15), np.uint8)) > 0
        found, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        outline += sum(len(line) for line in found)
        vague += int(((salient > 0.15) & (salient < 0.85) & near).sum())
    return vague / max(1, outline) * WORK / max(salient.shape)


def _around(parts: tuple[Part, ...], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of a box around the parts with three tenths to spare on each side."""
    left, top = min(part.box[0] for part in parts), min(part.box[1] for part in parts)
    right, bottom = max(part.box[0] + part.box[2] for part in parts), max(part.box[1] + part.box[3] for part in parts)
    wide, high = 0.3 * (right - left), 0.3 * (bottom - top)
    return max(0, int(top - high)), min(shape[0], int(bottom + high)), max(0, int(left - wide)), min(shape[1], int(right + wide))


def _closer(image: Image, work: Image, box: tuple[int, int, int, int]) -> Floats:
    """Saliency seen in a box of the picture, laid back into the whole."""
    top, bottom, left, right = box
    scale = image.shape[0] / work.shape[0]
    piece = image[int(top * scale) : int(bottom * scale), int(left * scale) : int(right * scale)]
    seen = np.zeros(work.shape[:2], np.float32)
    there = subject.saliency(np.ascontiguousarray(small(piece)))
    seen[top:bottom, left:right] = cv2.resize(there, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    return seen


def _judge(soft: Floats, parts: tuple[Part, ...], doubt: float) -> Matte:
    if not parts:
        why = "nothing stands out clearly from its surroundings, so the picture moves as one sheet"
        return Matte(soft, (), doubt, False, 1.0, Choice("layers", "one", why))
    if doubt > LOST:
        why = "what stands out has too vague an edge to cut out, so the picture moves as one sheet with less depth"
        return Matte(np.zeros_like(soft), (), doubt, False, WHOLE_GAP, Choice("layers", "one", why))
    gap = 1 - (1 - LEAST_GAP) * float(np.clip((doubt - SURE) / (LOST - SURE), 0, 1))
    if gap < 1:
        why = f"parts of the subject's edge are vague, so {gap:.0%} of the depth is used and a mistake shows less"
    else:
        why = "the subject stands clear of its background, so each moves by itself"
    return Matte(soft, parts, doubt, True, gap, Choice("layers", "subject and background", why))


def edge(image: Image, soft: Floats) -> Image:
    """The matte at the picture's own size, laid along its finest edges: (H, W) uint8, 0 outside to 255 inside."""
    height, width = image.shape[:2]
    large = cv2.resize(np.rint(soft * 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    side = max(height, width)
    fine = cv2.ximgproc.guidedFilter(image, large, max(3, side // 180), 4e-4 * 255**2, scale=0.25 if side > 900 else 1.0)
    curve = step(LOW, HIGH, np.arange(256, dtype=np.float32) / 255)
    return np.asarray(cv2.LUT(fine, np.rint(curve * 255).astype(np.uint8)), np.uint8)


LOW, HIGH = 0.16, 0.78  # what counts as outside and as inside; the long lower end keeps wisps with their subject
