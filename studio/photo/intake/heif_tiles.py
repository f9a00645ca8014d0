"""A large HEIC or AVIF made of tiles, decoded tile by tile at half its size or less.

libheif decodes a grid whole. Here every tile is a picture of its own for ffmpeg's decoder, reduced before the next is
read. The grid is ISO/IEC 23008-12, 6.6.2.3; matrix and range are ITU-T H.273.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from numpy.typing import NDArray
from PIL import Image as Pillow

from studio.helper_threads import Helpers
from studio.photo.intake.isobmff import Item, ItemTable

_CODECS = {b"hvc1": ("hevc", b"hvcC"), b"av01": ("libdav1d", b"av1C")}
_MATRICES = {1: Colorspace.ITU709, 5: Colorspace.ITU601, 6: Colorspace.ITU601, 9: Colorspace.BT2020}
_AREA = Interpolation.AREA | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND
_DEEP_TRANSFERS = (16, 18)  # PQ and HLG, whose 8 bits would show steps
_MOST_TILES = 4_000
_MOST_PIXELS = 36_000_000  # of one tile: level 6.2 of HEVC allows as many
_WORKERS = 2

_Tile = tuple[NDArray[Any], tuple[int, int]]
"""A reduced tile, and the width and height that it had."""


class Grid(NamedTuple):
    """A picture made of `tiles` (item ids, row by row) of one size, cut to `width` and `height`."""

    tiles: tuple[int, ...]
    columns: int
    width: int
    height: int


class Nclx(NamedTuple):
    """What an `nclx` box says: the codes of primaries, transfer and matrix, and whether the range is full."""

    primaries: int
    transfer: int
    matrix: int
    full: bool


def read_grid(data: bytes, table: ItemTable) -> Grid | None:
    """The grid that a file's picture is, None where it is anything else, has a clean aperture or is out of the norm."""
    item = table.items.get(table.primary)
    if item is None or item.kind != b"grid" or item.find_property(b"clap"):
        return None
    about, tiles = table.read_data(data, table.primary, 64), table.list_parts(table.primary)
    wide = 4 if len(about) > 1 and about[1] & 1 else 2
    if len(about) < 4 + 2 * wide:
        return None
    rows, columns = about[2] + 1, about[3] + 1
    width, height = (int.from_bytes(about[at : at + wide], "big") for at in (4, 4 + wide))
    kinds = {table.items[tile].kind if tile in table.items else b"" for tile in tiles}
    if len(tiles) != rows * columns or len(tiles) > _MOST_TILES or len(kinds) != 1 or not kinds <= _CODECS.keys():
        return None
    return Grid(tiles, columns, width, height)


def read_nclx(item: Item) -> Nclx | None:
    """The codes of an item's colours; None where it has none."""
    for kind, content in item.properties:
        if kind == b"colr" and content[:4] == b"nclx" and len(content) >= 11:
            codes = (int.from_bytes(content[at : at + 2], "big") for at in (4, 6, 8))
            return Nclx(*codes, bool(content[10] & 0x80))
    return None


def decode_tiles(data: bytes, table: ItemTable, grid: Grid, scale: int) -> NDArray[Any]:
    """The picture as it is stored, reduced `scale` times a side: (H, W, 3), uint8, or uint16 where it is PQ or HLG.

    Raises ValueError for tiles of other sizes than the first's, that don't cover the picture or have none, and what
    ffmpeg raises.
    """
    nclx = read_nclx(table.items[table.primary]) or read_nclx(table.items[grid.tiles[0]])
    tiles = _decode_all(data, table, grid, nclx, scale)
    first, size = next(tiles)
    if size[0] * grid.columns < grid.width or size[1] * len(grid.tiles) // grid.columns < grid.height:
        raise ValueError("tiles that don't cover the picture")
    whole = np.empty((grid.height // scale, grid.width // scale, 3), first.dtype)
    for at, (tile, other) in enumerate(chain([(first, size)], tiles)):
        if other != size:
            raise ValueError("tiles of several sizes")
        row, column = divmod(at, grid.columns)
        top, left = row * size[1] // scale, column * size[0] // scale
        room = whole[top : top + len(tile), left : left + tile.shape[1]]
        room[:] = tile[: room.shape[0], : room.shape[1]]
    return whole


def _decode_all(data: bytes, table: ItemTable, grid: Grid, nclx: Nclx | None, scale: int) -> Iterator[_Tile]:
    """The reduced tiles in their order, a few of them at work at a time."""

    def work(at: int) -> _Tile:
        item = grid.tiles[at]
        frame = _decode_tile(table.read_data(data, item), table.items[item])
        size, place = (frame.width, frame.height), divmod(at, grid.columns)[::-1]
        # what is between the rounded edges: tiles whose sides no scale divides leave no gap
        wide, high = ((n + 1) * side // scale - n * side // scale for n, side in zip(place, size, strict=True))
        return _reduce(frame, nclx, (max(1, wide), max(1, high))), size

    with Helpers(_WORKERS, "tiles") as pool:
        for start in range(0, len(grid.tiles), 4 * _WORKERS):
            yield from pool.map(work, range(start, min(start + 4 * _WORKERS, len(grid.tiles))))


def _decode_tile(coded: bytes, item: Item) -> av.VideoFrame:
    codec, configuration = _CODECS[item.kind]
    decoder = av.CodecContext.create(codec, "r")
    decoder.extradata = item.find_property(configuration)
    decoder.thread_count = 1
    decoder.options = {"max_pixels": str(_MOST_PIXELS)}
    frame = next(iter([*decoder.decode(av.Packet(coded)), *decoder.decode(None)]), None)
    if not isinstance(frame, av.VideoFrame):
        raise ValueError("a tile without a picture")
    return frame


def _reduce(frame: av.VideoFrame, nclx: Nclx | None, size: tuple[int, int]) -> NDArray[Any]:
    """One tile at a size, (width, height), by area averages: (h, w, 3) R'G'B'."""
    matrix = nclx.matrix if nclx else int(frame.colorspace)
    full = nclx.full if nclx else frame.color_range != ColorRange.MPEG
    deep = nclx is not None and nclx.transfer in _DEEP_TRANSFERS
    reduced = frame.reformat(
        width=size[0], height=size[1],
        format="rgb48le" if deep else "rgb24", interpolation=_AREA, threads=1,
        src_colorspace=_MATRICES.get(matrix, Colorspace.ITU601), dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG if full else ColorRange.MPEG, dst_color_range=ColorRange.JPEG,
    )  # fmt: skip
    return reduced.to_ndarray()


def list_turns(item: Item) -> list[Pillow.Transpose]:
    """The turns that an item asks for, in their order: `irot` counts quarter turns to the left, `imir` mirrors."""
    turns: list[Pillow.Transpose] = []
    for kind, content in item.properties:
        if kind == b"irot" and content and content[0] & 3:
            quarters = (Pillow.Transpose.ROTATE_90, Pillow.Transpose.ROTATE_180, Pillow.Transpose.ROTATE_270)
            turns.append(quarters[(content[0] & 3) - 1])
        elif kind == b"imir" and content:
            down = Pillow.Transpose.FLIP_TOP_BOTTOM
            turns.append(Pillow.Transpose.FLIP_LEFT_RIGHT if content[0] & 1 else down)
    return turns
