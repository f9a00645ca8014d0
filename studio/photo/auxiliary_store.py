"""What came along in a photo's file, kept by content, and what is said of it: depth map, portrait matte, gain map."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import cv2
from numpy.typing import NDArray

from studio.atomic_write import write_whole
from studio.config import Settings
from studio.nouns import Photo, replace
from studio.photo import heif_auxiliaries, jpeg_auxiliaries
from studio.photo.auxiliary_images import Auxiliary
from studio.photo.crop import Image
from studio.photo.embedded_depth import find_embedded_depth
from studio.photo.embedded_matte import find_embedded_matte
from studio.photo.file_signature import identify

GAIN_MAP_NOTE = "its HDR gain map is not used"


def list_auxiliaries(data: bytes) -> list[Auxiliary]:
    """The auxiliary images of a photo's file; none where they can't be listed."""
    kind = identify(data)
    try:
        if kind == "JPG":
            return jpeg_auxiliaries.list_auxiliaries(data)
        return heif_auxiliaries.list_auxiliaries(data, kind) if kind in ("HEIC", "AVIF") else []
    except Exception:  # a reader may throw anything at all on hostile bytes, and the picture itself was read
        return []


def keep_auxiliaries(photo: Photo, image: Image, data: bytes, before: Photo | None, settings: Settings) -> Photo:
    """The photo with what its file, `data`, holds beside its picture, (H, W, 3) uint8 RGB.

    A file without a depth map or matte leaves the photo those of an earlier copy of it, `before`. Raises OSError when
    they can't be written.
    """
    found = list_auxiliaries(data)
    photo = _keep_depth(photo, image, found, before, settings.depths)
    photo = _keep_matte(photo, image, found, before, settings.mattes)
    unused = any(one.role == "gain map" for one in found)
    return replace(photo, notes=(*photo.notes, GAIN_MAP_NOTE)) if unused else photo


def _keep_depth(photo: Photo, image: Image, found: list[Auxiliary], before: Photo | None, folder: Path) -> Photo:
    own = find_embedded_depth(found, image)
    if own is None:
        return replace(photo, own_depth=before.own_depth, depth_doubted=before.depth_doubted) if before else photo
    notes = (*photo.notes, _describe("depth map", own.map is not None, own.doubt))
    if own.map is None:
        return replace(photo, notes=notes)
    return replace(photo, notes=notes, own_depth=_keep(own.map, folder), depth_doubted=bool(own.doubt))


def _keep_matte(photo: Photo, image: Image, found: list[Auxiliary], before: Photo | None, folder: Path) -> Photo:
    own = find_embedded_matte(found, image)
    if own is None:
        return replace(photo, own_matte=before.own_matte, matte_doubted=before.matte_doubted) if before else photo
    notes = (*photo.notes, _describe("portrait matte", own.mask is not None, own.doubt))
    if own.mask is None:
        return replace(photo, notes=notes)
    return replace(photo, notes=notes, own_matte=_keep(own.mask, folder), matte_doubted=bool(own.doubt))


def _describe(what: str, usable: bool, doubt: str) -> str:
    if not doubt:
        return f"its own {what} is used unless you choose otherwise"
    return f"its own {what} is not used{' unless chosen' if usable else ''}: {doubt}"


def _keep(values: NDArray[Any], folder: Path) -> str:
    """Write a grey picture of 8 or 16 bits under the digest of its content, which comes back."""
    digest = hashlib.sha256(repr(values.shape).encode() + values.tobytes()).hexdigest()
    kept = folder / f"{digest}.png"
    if not kept.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(kept, cv2.imencode(".png", values)[1].tobytes())
    return digest
