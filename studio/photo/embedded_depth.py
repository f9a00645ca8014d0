"""The depth map in a phone's portrait: read from the file, turned into disparity, and checked against the picture.

Three ways it is carried: HEIF's depth image, GDepth in a JPEG's XMP, and the pictures after a JPEG that a container
directory names (https://developer.android.com/media/camera/camera2/Dynamic-depth-v1.0.pdf). The bytes are hostile:
every reader is bounded, and what it can't make sense of is said in `EmbeddedDepth.doubt`, never raised.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.etree import ElementTree

import cv2
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image as Pillow

from studio.photo import file_signature
from studio.photo.crop import Image
from studio.photo.orientation import TURNS, read_orientation

Floats = NDArray[np.float32]

MOST_PIXELS = 16_000_000
"""Pixels of the largest map that is decoded; phones write 0.02 to 3 million."""

MOST_PACKET = 32_000_000  # bytes of an extended XMP packet
MOST_SEGMENTS = 2_000  # of a JPEG, before its picture: 32 MB of XMP are 500
LONGEST = 2048  # pixels of the long side of what is kept
ALIKE = 0.02  # two ratios of width to height closer than this, of one, are the same

FLAT = 0.02  # of a format's range: what spans less says nothing
LEVELS = 8  # fewer shades than this are a mask, not depth
LOOKED_AT = 256  # pixels of the long side at which map and picture are compared
STEP = 0.1  # of a map's range, between two pixels there: an outline
ENOUGH = 60  # pixels of outlines from which on they can be held against the picture
ASIDE = (12, 20)  # pixels there by which outlines are moved, to see what chance alone gives
CLEAR, SPREAD = 0.02, 0.6
"""Ranks by which outlines must beat chance, and, over the root of their pixels, what few need more, as chance varies
so.
"""

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_GOOGLE = "{http://ns.google.com/photos/"
_DEPTH, _ITEM = "depthmap/", "item/"


class EmbeddedDepth(NamedTuple):
    """A photo's own depth. `map`: (h, w) uint16, near is bright, of the photo's ratio, upright; None where none can be
    used.

    `doubt` says why the map shouldn't be believed, "" when there is no reason not to.
    """

    map: NDArray[np.uint16] | None
    doubt: str = ""


def find_embedded_depth(data: bytes, image: Image) -> EmbeddedDepth | None:
    """The depth that a file, `data`, carries for its picture, (H, W, 3) uint8 RGB; None where it carries none."""
    reader = {"HEIC": _read_heif, "JPG": _read_jpeg}.get(file_signature.identify(data))
    try:
        found = reader(data) if reader else None
        if found is None:
            return None
        if not np.isfinite(found).all():
            raise ValueError("not numbers")
    except Exception:  # a decoder may throw anything at all on hostile bytes
        return EmbeddedDepth(None, "it can't be read")
    height, width = image.shape[:2]
    if abs(found.shape[1] / found.shape[0] * height / width - 1) > ALIKE:
        return EmbeddedDepth(None, "it has another shape than the photo")
    low, high = (float(value) for value in np.percentile(found, (0.5, 99.5)))
    if high - low < FLAT:
        return EmbeddedDepth(None, "it is flat")
    spread = _shrink(np.clip((found - low) / (high - low), 0, 1), LONGEST)
    return EmbeddedDepth(np.rint(spread * 65535).astype(np.uint16), find_doubt(spread, image))


def find_doubt(disparity: Floats, image: Image) -> str:
    """Why a map, (h, w) float32 0..1, can't be of this picture, (H, W, 3) uint8 RGB; "" when nothing contradicts it."""
    if len(np.unique(np.rint(disparity * 255))) < LEVELS:
        return "it holds too few steps to be depth"
    seen = _shrink(image, LOOKED_AT)
    laid = cv2.resize(disparity, seen.shape[1::-1], interpolation=cv2.INTER_AREA)
    outlines = _measure_slope(laid) > STEP
    count = int(np.count_nonzero(outlines))
    if count < ENOUGH:
        return ""  # a smooth map has no outline that could lie elsewhere
    sure = _measure_above_chance(outlines, seen) > CLEAR + SPREAD / count**0.5
    return "" if sure else "its outlines don't lie on the picture's"


def _measure_above_chance(outlines: NDArray[np.bool_], picture: Image) -> float:
    """How much stronger the picture's edges are under outlines than under the same outlines moved aside, in ranks of
    0..1.
    """
    soft = cv2.GaussianBlur(picture, (0, 0), 1.0)
    edges = np.max([_measure_slope(soft[..., index].astype(np.float32)) for index in range(3)], axis=0)
    edges = cv2.dilate(edges, np.ones((5, 5), np.uint8)).ravel()
    ranks = np.empty(edges.size, np.float32)
    ranks[np.argsort(edges, kind="stable")] = np.linspace(0, 1, edges.size, dtype=np.float32)
    ranks = ranks.reshape(outlines.shape)
    lots: list[float] = []
    for angle in np.arange(0, 2 * np.pi, np.pi / 6):
        for radius in ASIDE:
            move = np.array([[1, 0, radius * np.cos(angle)], [0, 1, radius * np.sin(angle)]], np.float32)
            moved = cv2.warpAffine(outlines.astype(np.uint8), move, outlines.shape[::-1], flags=cv2.INTER_NEAREST) > 0
            if moved.any():
                lots.append(float(ranks[moved].mean()))
    return float(ranks[outlines].mean()) - float(np.mean(lots or [0.5]))


def _measure_slope(values: Floats) -> Floats:
    """The larger of a map's differences across and down, (h, w)."""
    across = np.abs(np.diff(values, axis=1, append=values[:, -1:]))
    return np.maximum(across, np.abs(np.diff(values, axis=0, append=values[-1:])))


def _shrink(values: NDArray[Any], longest: int) -> NDArray[Any]:
    scale = longest / max(values.shape[:2])
    if scale >= 1:
        return values
    size = (max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale)))
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)


def _read_heif(data: bytes) -> Floats | None:
    """The first depth image of a HEIF file's picture, which libheif has already turned upright."""
    depths = pillow_heif.open_heif(io.BytesIO(data)).info.get("depth_images", [])
    if not depths:
        return None
    first = depths[0]
    _check_size(*first.size)
    return read_heif_samples(np.asarray(first), first.info.get("metadata") or {})


def read_heif_samples(samples: NDArray[Any], about: dict[str, Any]) -> Floats:
    """Disparity from the samples of a HEIF depth image and what its file says of them.

    Of the representations in ISO/IEC 23008-2 (table of depth_representation_type) only 2, uniform Z, grows with the
    distance.
    """
    values = (samples if samples.ndim == 2 else samples[..., 0]).astype(np.float32) / np.iinfo(samples.dtype).max
    if about.get("representation_type") == 2:
        return _convert_range(values, "RangeLinear", about.get("z_near", 0.0), about.get("z_far", 0.0))
    return values


def _read_jpeg(data: bytes) -> Floats | None:
    """The map in a JPEG's XMP, or in a picture behind it, turned as the photo is."""
    roots = list(_read_packets(data))
    about = {name: words for root in roots for name, words in _list_values(root, _DEPTH)}
    if about.get("Data"):
        values = _read_grey(base64.b64decode(about["Data"]))
    else:
        behind = _find_behind(data, roots, about.get("DepthURI", ""))
        if behind is None:
            return None
        values = _read_grey(behind)
    ends = (_read_number(about.get("Near", "")), _read_number(about.get("Far", "")))
    disparity = _convert_range(values, about.get("Format", "RangeInverse"), *ends)
    with Pillow.open(io.BytesIO(data), formats=("JPEG",)) as picture:
        turn = TURNS.get(read_orientation(picture))
    return disparity if turn is None else np.asarray(Pillow.fromarray(disparity).transpose(turn))


def _convert_range(values: Floats, kind: str, near: float, far: float) -> Floats:
    """Disparity, 0..1, from values of 0 (near) to 1 (far): GDepth's RangeInverse, and RangeLinear, which needs both
    ends.

    https://developers.google.com/depthmap-metadata/encoding: RangeInverse is even in 1/d, RangeLinear in d.
    """
    if kind != "RangeLinear" or not 0 < near < far < np.inf:
        return 1 - values
    nearness = 1 / (near + values * (far - near))
    return ((nearness - 1 / far) / (1 / near - 1 / far)).astype(np.float32)


def _read_packets(data: bytes) -> Iterator[ElementTree.Element]:
    """The XMP of a JPEG, and the extended packet that it names (XMP specification, part 3, 1.1.3.1)."""
    segments = list(_read_segments(data))
    main = next((part[len(_XMP) :] for part in segments if part.startswith(_XMP)), None)
    if main is None:
        return
    root = _parse(main)
    yield root
    key = "{http://ns.adobe.com/xmp/note/}HasExtendedXMP"
    mark = next(
        (words for one in root.iter() for words in (one.get(key), one.text if one.tag == key else None) if words), None
    )
    if mark:
        start = _EXTENSION + mark.strip().encode()
        yield _parse(_join([part[len(start) :] for part in segments if part.startswith(start)]))


def _read_segments(data: bytes) -> Iterator[bytes]:
    """What the APP1 segments before a JPEG's picture hold."""
    place = 2
    for _ in range(MOST_SEGMENTS):
        if place + 4 > len(data) or data[place] != 0xFF or data[place + 1] in (0xD9, 0xDA):
            return
        length = int.from_bytes(data[place + 2 : place + 4])
        if data[place + 1] == 0xE1:
            yield data[place + 4 : place + 2 + length]
        place += 2 + max(length, 2)


def _join(parts: list[bytes]) -> bytes:
    """The extended packet from its parts, each behind the whole's length and its own offset, four bytes each."""
    whole = int.from_bytes(parts[0][:4]) if parts else 0
    if not 0 < whole <= MOST_PACKET or sum(len(part) - 8 for part in parts) != whole:
        raise ValueError("parts are missing")
    packet = bytearray(whole)
    for part in parts:
        offset, body = int.from_bytes(part[4:8]), part[8:]
        packet[offset : offset + len(body)] = body
    if len(packet) != whole:
        raise ValueError("parts lie outside")
    return bytes(packet)


def _parse(packet: bytes) -> ElementTree.Element:
    """A packet's XML. Raises ValueError for one that declares anything: XMP never does, and entities can grow without
    end.
    """
    text = packet.strip(b"\0 \r\n\t").decode("utf-8-sig")
    if "<!" in text.replace("<!--", "").replace("<![CDATA[", ""):
        raise ValueError("declarations")
    return ElementTree.fromstring(text)  # noqa: S314  # without declarations there are no entities to grow


def _list_values(root: ElementTree.Element, ending: str) -> Iterator[tuple[str, str]]:
    """Names and values, in a namespace of Google's of this ending, of all elements and attributes under a root."""
    for one in root.iter():
        for name, words in (*one.attrib.items(), (one.tag, (one.text or "").strip())):
            space, _, plain = name.rpartition("}")
            if space.startswith(_GOOGLE) and space.endswith(ending) and words:
                yield plain, words


def _find_behind(data: bytes, roots: list[ElementTree.Element], link: str) -> bytes | None:
    """The depth picture among those that lie one after the other at the file's end, as the directory counts them."""
    items = [item for root in roots for one in root.iter() if (item := _read_item(one))]
    end = len(data)
    for item in items[:0:-1]:  # the first is the photo itself
        start = end - int(item.get("Length", "0"))
        if not 0 < start <= end:
            raise ValueError("outside the file")
        if item.get("Semantic", "").lower().startswith("depth") or (link and item.get("DataURI") == link):
            return data[start:end]
        end = start - int(item.get("Padding", "0"))
    return None


def _read_item(element: ElementTree.Element) -> dict[str, str]:
    """What a directory says of one picture, as attributes or as elements of their own; empty for any other element."""
    pairs = (*element.attrib.items(), *((child.tag, (child.text or "").strip()) for child in element))
    split = [(*name.rpartition("}"), words) for name, words in pairs]
    said = {plain: words for space, _, plain, words in split if space.startswith(_GOOGLE) and space.endswith(_ITEM)}
    return said if "Mime" in said or "Semantic" in said else {}


def _read_grey(data: bytes) -> Floats:
    """A grey picture of 8 or 16 bits as (h, w) float32, 0..1 of what its kind can hold."""
    with Pillow.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as picture:
        _check_size(*picture.size)
        deep = picture.mode.startswith("I")
        return (np.asarray(picture if deep else picture.convert("L")) / (65535 if deep else 255)).astype(np.float32)


def _check_size(width: int, height: int) -> None:
    if not 0 < width * height <= MOST_PIXELS or min(width, height) < 16:
        raise ValueError("no size for a map")


def _read_number(words: str) -> float:
    try:
        return float(words)
    except ValueError:
        return 0.0
