"""Samsung's trailer: named blocks at the end of a Galaxy's photo, before their directory "SEFH … SEFT".

Read as ExifTool's Samsung.pm does; in a HEIC the trailer is the content of a box "sefd". The depth map of a portrait is
a block named DualShot_DepthMap_1, SingeShot_DepthMap_1 [sic] or such: a picture, or bare bytes of which none says how
they lie.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from studio.photo.auxiliaries import auxiliary_images as aux
from studio.photo.auxiliaries.auxiliary_images import PICTURE_SIGNS, Floats

MOST_BLOCKS = 32
_RATIO = 0.02  # how far a map's ratio of width to height may be off the photo's


def find_depth_block(data: bytes) -> tuple[int, int] | None:
    """Where the depth map of the trailer at the end of a file begins and ends; None without one."""
    return next(((start, end) for name, start, end in find_trailer(data)[1] if b"Shot_DepthMap" in name), None)


def find_trailer(data: bytes) -> tuple[int, list[tuple[bytes, int, int]]]:
    """Where Samsung's trailer begins, at the file's end where there is none, and its blocks: name, start and end."""
    end = len(data) - 2 if data.endswith(b"QDIOBS") else len(data)
    for _ in range(4):  # the directory, and blocks of other kinds behind it
        length, kind = int.from_bytes(data[end - 8 : end - 4], "little"), data[end - 4 : end]
        start = end - 8 - length
        if kind not in (b"SEFT", b"QDIO") or not 0 < start <= end - 12:
            break
        if kind == b"SEFT" and data.startswith(b"SEFH", start):
            return _list_blocks(data, start, int.from_bytes(data[start + 8 : start + 12], "little"))
        end = start
    return len(data), []


def _list_blocks(data: bytes, directory: int, count: int) -> tuple[int, list[tuple[bytes, int, int]]]:
    """The blocks that a directory names by how far before it they lie: each with a header of 8 bytes and a name."""
    first, blocks = directory, []
    for at in range(directory + 12, directory + 12 + 12 * min(count, MOST_BLOCKS), 12):
        back, size = (int.from_bytes(data[place : place + 4], "little") for place in (at + 4, at + 8))
        start = directory - back
        if start <= 0 or size < 8 or start + size > directory:
            break
        name = int.from_bytes(data[start + 4 : start + 8], "little")
        blocks.append((data[start + 8 : start + 8 + min(name, 64)], start + 8 + name, start + size))
        first = min(first, start)
    return first, blocks


def read_depth_block(data: bytes, block: tuple[int, int], ratio: float) -> Floats:
    """A block's map as the photo is stored, (h, w) 0..1, near is bright; `ratio` is the stored photo's of width to
    height.

    Of bare bytes the size is told by that ratio and their number.
    """
    start, end = block
    if data.startswith(PICTURE_SIGNS, start):
        return aux.decode_grey(data[start:end])
    count = end - start
    heights = sorted(_list_heights(count, ratio), key=lambda height: abs(height * height * ratio / count - 1))
    if not heights:
        raise ValueError("no size for a map")
    aux.check_size(count // heights[0], heights[0])
    bare = np.frombuffer(data, np.uint8, count, start).reshape(heights[0], -1)
    return (bare / 255).astype(np.float32)


def _list_heights(count: int, ratio: float) -> Iterator[int]:
    """The heights of pictures of so many pixels whose ratio of width to height is near this one."""
    if not 256 <= count <= aux.MOST_PIXELS:
        return
    middle = (count / ratio) ** 0.5
    for height in range(int(middle * (1 - _RATIO)), int(middle * (1 + _RATIO)) + 2):
        if height > 0 and count % height == 0:
            yield height
