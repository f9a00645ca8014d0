"""Inspection of a photo: every flaw that is looked for (flaws/), those that hurt the clip most first, as one report."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from studio.nouns import Crop, Kind, Photo, Size, replace
from studio.photo.crop import Image, cut, settle
from studio.photo.findings import Finding, Level, Report
from studio.photo.flaws import content, photo_sample
from studio.photo.flaws.exposure import clipped, flat
from studio.photo.flaws.hdr_halos import hdr
from studio.photo.flaws.jpeg_blocks import blocks
from studio.photo.flaws.noise import noise
from studio.photo.flaws.resolution import small
from studio.photo.flaws.sharpness import soft
from studio.photo.flaws.vignette import vignette
from studio.photo.photo_kind import kind
from studio.photo.photo_scene import see, standing

_ORDER: dict[Level, int] = {"mend": 0, "mind": 0, "fine": 1}


def glance(image: Image, photo: Photo, crop: Crop, size: Size = "auto") -> Report:
    """What `look` finds in the pixels alone, in a sixth of its time: about 0.12 s at 24 megapixels, without any network."""
    real = replace(photo, width=image.shape[1], height=image.shape[0])
    return _report(pixels(image, real, settle(real, crop), size))


def look(image: Image, photo: Photo, crop: Crop, size: Size = "auto", subject: str = "") -> Report:
    """The report on a crop of a photo for a clip of a size: what hurts most comes first, what is fine last.

    `image` is the whole photo, (H, W, 3) uint8 RGB, with the shot's mends done where it has any: its own pixels count, not those
    that `photo` was taken in with. `subject` is what was marked as such (`Shot.subject`).

    At 24 megapixels on two cores: about 0.7 s, most of it for the saliency network and the face detectors; 0.3 s after a crop was
    suggested, which asks the same networks, and 0.2 s the second time, as what the photo shows is remembered.
    """
    real = replace(photo, width=image.shape[1], height=image.shape[0])
    crop = settle(real, crop)
    with ThreadPoolExecutor(1) as beside:
        seen = beside.submit(see, image, subject)
        measured = pixels(image, real, crop, size)
        scene = seen.result()
    stands = standing(cut(image, real, crop), image, crop, subject)
    return _report((*measured, *content.findings(scene, real, crop, size, stands)), kind(scene).kind)


def _report(found: tuple[Finding, ...], of: Kind | None = None) -> Report:
    return Report(of, tuple(sorted(found, key=lambda one: (_ORDER[one.level], -one.hurts))))


def pixels(image: Image, photo: Photo, crop: Crop, size: Size = "auto") -> tuple[Finding, ...]:
    """What is found in the pixels alone, in no order; `crop` is settled, and `photo` has the size of `image`."""
    taken = photo_sample.take(image, photo, crop)
    height, width = taken.crop.shape[:2]
    return (
        small(width, height, photo, crop, size),
        soft(taken.luma, size),
        blocks(taken.crop),
        noise(taken.luma),
        clipped(taken.small),
        flat(taken.small),
        hdr(taken.small),
        vignette(taken.tiny, photo, crop),
    )
