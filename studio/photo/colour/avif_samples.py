"""The picture of an AVIF with all of its 10 or 12 bits: R'G'B' samples by dav1d and the arithmetic of H.273.

Pillow gives 8 bits, OpenCV refuses AVIFs with EXIF or XMP, imagecodecs can't be relied on for AVIF, and swscale is off
by two codes of 1023.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from studio.photo.colour.colour_tags import PRIMARIES
from studio.photo.colour.gamut_conversion import convert_to_xyz
from studio.photo.intake.heif_tiles import Grid, Nclx, read_grid, read_nclx
from studio.photo.intake.isobmff import ItemTable, read_item_table

_ALPHA = "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha"
_IDENTITY, _UNSPECIFIED, _FROM_PRIMARIES = 0, 2, 12
_WEIGHTS = {
    1: (0.2126, 0.0722), _UNSPECIFIED: (0.299, 0.114), 4: (0.30, 0.11), 5: (0.299, 0.114),
    6: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593),
}  # fmt: skip
"""Kr and Kb by the code of the matrix (H.273, table 4); unspecified is read as BT.601, as libavif does."""
_LAYERED = {b"a1lx", b"a1op", b"lsel", b"clap"}
"""Properties of pictures in several layers or with a clean aperture, which are left to libavif."""


class Coding(NamedTuple):
    """How a picture's planes make R'G'B': by Kr and Kb, or, where those are None, as they are. `full`: the range."""

    weights: tuple[float, float] | None
    full: bool


def read_avif_samples(data: bytes, size: tuple[int, int]) -> NDArray[np.uint16] | None:
    """The picture as it is stored, (H, W, 3 or 4) uint16 in its whole range, opacity last; `size` is (W, H).

    None for what only libavif reads (layers, rarer matrices, a sequence alone). Raises ValueError and ffmpeg's errors
    for damage.
    """
    table = read_item_table(data)
    if table is None or table.primary not in table.items or any(ref.kind == b"prem" for ref in table.references):
        return None
    colours = _read_item(data, table, table.primary, size, _read_nclx(table))
    alpha = next((item for item, kind in table.list_auxiliaries() if kind == _ALPHA), None)
    if colours is None or alpha is None:
        return colours
    opacity = _read_item(data, table, alpha, size, Nclx(1, 1, _IDENTITY, True))
    return None if opacity is None else np.dstack([colours, opacity[..., :1]])


def _read_nclx(table: ItemTable) -> Nclx | None:
    """The codes of the picture, or of the first tile that it is made of; None: the AV1 stream's own count."""
    parts = (table.primary, *table.list_parts(table.primary)[:1])
    return next((nclx for part in parts if part in table.items and (nclx := read_nclx(table.items[part]))), None)


def _read_item(
    data: bytes, table: ItemTable, item: int, size: tuple[int, int], nclx: Nclx | None
) -> NDArray[np.uint16] | None:
    """An item's R'G'B', put together from its tiles where it is a grid. None for what isn't read here."""
    about = table.items[item]
    grid = Grid((item,), 1, *size)
    if about.kind == b"grid":
        found = read_grid(data, table._replace(primary=item))
        if found is None:
            return None
        grid = found
    if any(name in _LAYERED for part in (item, *grid.tiles) for name, _ in table.items[part].properties):
        return None
    if (grid.width, grid.height) != size or any(table.items[tile].kind != b"av01" for tile in grid.tiles):
        return None
    whole = np.zeros((grid.height, grid.width, 3), np.uint16)
    for at, tile in enumerate(grid.tiles):
        samples = _convert_frame(_decode(table.read_data(data, tile)), nclx)
        if samples is None:
            return None
        high, wide = samples.shape[:2]
        top, left = at // grid.columns * high, at % grid.columns * wide
        room = whole[top : top + high, left : left + wide]
        room[:] = samples[: room.shape[0], : room.shape[1]]
    return whole


def _decode(coded: bytes) -> av.VideoFrame:
    decoder: Any = av.CodecContext.create("libdav1d", "r")
    frame = next(iter([*decoder.decode(av.Packet(coded)), *decoder.decode(None)]), None)
    if not isinstance(frame, av.VideoFrame):
        raise ValueError("an AVIF without a picture")
    return frame


def _read_coding(frame: av.VideoFrame, nclx: Nclx | None) -> Coding | None:
    """What the file says of its matrix and range, else what the AV1 stream does; None for a matrix that isn't known."""
    primaries, matrix, full = int(frame.color_primaries), int(frame.colorspace), frame.color_range == ColorRange.JPEG
    if nclx is not None:
        primaries, matrix, full = nclx.primaries, nclx.matrix, nclx.full
    if matrix == _IDENTITY or frame.format.is_rgb or len(frame.planes) == 1:
        return Coding(None, full)
    if matrix == _FROM_PRIMARIES and primaries in PRIMARIES:
        red, _, blue = convert_to_xyz(PRIMARIES[primaries][1])[1]
        return Coding((float(red), float(blue)), full)
    return Coding(_WEIGHTS[matrix], full) if matrix in _WEIGHTS else None


def _convert_frame(frame: av.VideoFrame, nclx: Nclx | None) -> NDArray[np.uint16] | None:
    """A frame's R'G'B', (h, w, 3). Chroma is spread bilinearly, between the lumas, as libavif does."""
    coding = _read_coding(frame, nclx)
    if coding is None:
        return None
    bits, size = frame.format.components[0].bits, (frame.width, frame.height)
    planes = [_read_plane(plane, bits) for plane in frame.planes]
    if len(planes) == 1:
        planes *= 3
    elif coding.weights is None:  # in the order of green, blue and red
        planes = [planes[2], planes[0], planes[1]]
    planes = [plane if plane.shape[::-1] == size else cv2.resize(plane, size) for plane in planes]
    return np.asarray(cv2.transform(cv2.merge(planes), make_matrix(coding, bits)), np.uint16)


def _read_plane(plane: Any, bits: int) -> NDArray[Any]:
    kind = np.uint8 if bits == 8 else np.uint16
    rows = np.frombuffer(plane, kind).reshape(plane.height, -1)[:, : plane.width]
    return rows if bits > 8 else rows.astype(np.uint16)


def make_matrix(coding: Coding, bits: int) -> NDArray[np.float32]:
    """R'G'B' of 16 bits from Y'CbCr, or from R'G'B', of `bits`: (3, 4), the last column is added (H.273, 8.3)."""
    top, step = (1 << bits) - 1, 1 << bits - 8
    low, luma, chroma = (0, top, top) if coding.full else (16 * step, 219 * step, 224 * step)
    if coding.weights is None:
        rows = np.hstack([np.eye(3), np.full((3, 1), -low)])
        return (rows * (65535 / luma)).astype(np.float32)
    kr, kb = coding.weights
    kg = 1 - kr - kb
    red, blue = 2 * (1 - kr) / chroma, 2 * (1 - kb) / chroma
    rows = np.array([[1 / luma, 0, red], [1 / luma, -kb / kg * blue, -kr / kg * red], [1 / luma, blue, 0]])
    offsets = rows @ np.array([-low, -128 * step, -128 * step])
    return (np.hstack([rows, offsets[:, None]]) * 65535).astype(np.float32)
