"""Pictures of over 120 megapixels that aren't JPEGs: PNGs in bands, HEICs and AVIFs in tiles, at half their size.

A JPEG is halved by its own decoder (reduced_size.py).
"""

from __future__ import annotations

import numpy as np
from PIL import Image as Pillow

from studio.photo.colour.colour_conversion import Raster, convert_raster
from studio.photo.colour.colour_tags import HDR, ColourTags
from studio.photo.crop import Image
from studio.photo.intake.heif_tiles import decode_tiles, list_turns, read_grid
from studio.photo.intake.isobmff import read_item_table
from studio.photo.intake.orientation import TURNS, read_orientation
from studio.photo.intake.png_bands import can_decode_bands, decode_bands, read_png_header
from studio.photo.intake.reduced_size import describe_reduction, refuse_whole_only

_STRIP = 512  # rows


def decode_reduced(picture: Pillow.Image, data: bytes, tags: ColourTags, notes: list[str]) -> Image:
    """The picture, upright, (H, W, 3) uint8 sRGB, at half its size (a quarter where it is HDR), read-only.

    Raises `Refusal` for a kind that can't be decoded in parts.
    """
    if picture.format == "PNG":
        raster, turns = _read_png(picture, data, tags)
    elif picture.format in ("HEIF", "AVIF"):
        raster, turns = _read_tiles(picture, data, tags)
    else:
        raise refuse_whole_only(picture.format or "picture")
    high, wide = raster.samples.shape[:2]
    notes.append(describe_reduction(picture.width, picture.height, wide, high))
    image = _convert(raster, notes)
    if turns and picture.format == "PNG":  # a HEIC is always turned, as part of its decoding
        notes.append("turned upright")
    for turn in turns:
        image = _VIEWS[turn](image)
    image = np.ascontiguousarray(image)
    image.setflags(write=False)
    return image


_VIEWS = {
    Pillow.Transpose.FLIP_LEFT_RIGHT: lambda image: image[:, ::-1],
    Pillow.Transpose.FLIP_TOP_BOTTOM: lambda image: image[::-1],
    Pillow.Transpose.ROTATE_90: np.rot90,
    Pillow.Transpose.ROTATE_180: lambda image: image[::-1, ::-1],
    Pillow.Transpose.ROTATE_270: lambda image: np.rot90(image, -1),
    Pillow.Transpose.TRANSPOSE: lambda image: image.swapaxes(0, 1),
    Pillow.Transpose.TRANSVERSE: lambda image: image.swapaxes(0, 1)[::-1, ::-1],
}


def _read_png(picture: Pillow.Image, data: bytes, tags: ColourTags) -> tuple[Raster, list[Pillow.Transpose]]:
    header = read_png_header(data)
    if not can_decode_bands(header):
        raise refuse_whole_only("PNG")
    samples = decode_bands(data, header)
    space = "rgb" if header.colour in (2, 6) else "grey"
    turn = (
        TURNS.get(read_orientation(picture)) if "exif" in picture.info else None
    )  # else Pillow decodes to look behind
    return Raster(samples, space, header.colour > 3, tags.icc, tags.colorimetry), [] if turn is None else [turn]


def _read_tiles(picture: Pillow.Image, data: bytes, tags: ColourTags) -> tuple[Raster, list[Pillow.Transpose]]:
    table = read_item_table(data)
    grid = read_grid(data, table) if table else None
    if table is None or grid is None or sorted(picture.size) != sorted((grid.width, grid.height)):
        raise refuse_whole_only("HEIC" if picture.format == "HEIF" else "AVIF")
    samples = decode_tiles(data, table, grid, 4 if tags.colorimetry.transfer in HDR else 2)
    return Raster(samples, "rgb", False, tags.icc, tags.colorimetry), list_turns(table.items[table.primary])


def _convert(raster: Raster, notes: list[str]) -> Image:
    """A raster's colours in strips, each laid where its samples were if that is possible."""
    if raster.colorimetry.transfer in HDR:  # one curve for all of it
        return convert_raster(raster, notes)
    samples = raster.samples
    fits = samples.dtype == np.uint8 and samples.shape[2:] == (3,)
    image = samples if fits else np.empty((*samples.shape[:2], 3), np.uint8)
    for top in range(0, len(samples), _STRIP):
        strip = raster._replace(samples=samples[top : top + _STRIP])
        image[top : top + _STRIP] = convert_raster(strip, [] if top else notes)
    return image
