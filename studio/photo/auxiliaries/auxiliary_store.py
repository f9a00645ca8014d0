"""What came along in a photo's file, kept by content, and what is said of it: depth map, portrait matte, gain map."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import cv2
from numpy.typing import NDArray

from studio.atomic_write import write_whole
from studio.config import Settings
from studio.nouns import Photo, replace
from studio.photo.auxiliaries import heif_auxiliaries, jpeg_auxiliaries
from studio.photo.auxiliaries.auxiliary_images import Auxiliary
from studio.photo.auxiliaries.embedded_depth import EmbeddedDepth, find_embedded_depth
from studio.photo.auxiliaries.embedded_matte import EmbeddedMatte, find_embedded_matte
from studio.photo.crop import Image
from studio.photo.intake.file_signature import identify

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


class Brought(NamedTuple):
    """What a photo's file brought beside its picture, and what is said of it."""

    depth: EmbeddedDepth | None
    matte: EmbeddedMatte | None
    notes: tuple[str, ...]


def find_brought(data: bytes, image: Image) -> Brought:
    """What a file, `data`, brings for its picture, (H, W, 3) uint8 RGB."""
    found = list_auxiliaries(data)
    depth, matte = find_embedded_depth(found, image), find_embedded_matte(found, image)
    notes: list[str] = []
    if depth is not None:
        notes.append(_describe("depth map", depth.map is not None, depth.doubt))
    if matte is not None:
        notes.append(_describe("portrait matte", matte.mask is not None, matte.doubt))
    if any(one.role == "gain map" for one in found):
        notes.append(GAIN_MAP_NOTE)
    return Brought(depth, matte, tuple(notes))


def keep_auxiliaries(photo: Photo, image: Image, data: bytes, before: Photo | None, settings: Settings) -> Photo:
    """The photo with what its file, `data`, holds beside its picture, (H, W, 3) uint8 RGB.

    A file without a depth map or matte leaves the photo those of an earlier copy of it, `before`. Raises OSError when
    they can't be written.
    """
    depth, matte, notes = find_brought(data, image)
    changes: dict[str, Any] = {}
    if depth is None and before:
        changes |= {"own_depth": before.own_depth, "depth_doubted": before.depth_doubted}
    elif depth is not None and depth.map is not None:
        changes |= {"own_depth": _keep(depth.map, settings.depths), "depth_doubted": bool(depth.doubt)}
    if matte is None and before:
        changes |= {"own_matte": before.own_matte, "matte_doubted": before.matte_doubted}
    elif matte is not None and matte.mask is not None:
        changes |= {"own_matte": _keep(matte.mask, settings.mattes), "matte_doubted": bool(matte.doubt)}
    return replace(photo, notes=(*photo.notes, *notes), **changes)


def _describe(what: str, usable: bool, doubt: str) -> str:
    if not doubt:
        return f"its own {what} is used unless you choose otherwise"
    return f"its own {what} is not used{' unless chosen' if usable else ''}: {doubt}"


def _keep(values: NDArray[Any], folder: Path) -> str:
    """Write a grey picture of 8 or 16 bits under the digest of its content, which comes back."""
    digest = hashlib.sha256(repr(values.shape).encode() + values.tobytes()).hexdigest()
    kept = folder / f"{digest}.png"
    if not kept.is_file():
        folder.mkdir(exist_ok=True)
        write_whole(kept, cv2.imencode(".png", values)[1].tobytes())
    return digest
