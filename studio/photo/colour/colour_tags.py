"""Colour tags: what a file says its RGB numbers mean, by ICC profile, H.273 codes, PNG chunks or EXIF.

Where a file says it twice, the first of its row counts:

| file | order | source |
|---|---|---|
| HEIC, AVIF | ICC profile, codes (nclx), codes of the AV1 stream, EXIF | ISO/IEC 23000-22, 7.3.6.4 |
| PNG | cICP, iCCP, sRGB, gAMA with or without cHRM | PNG (third edition), table 8 |
| JPEG, TIFF, WebP | ICC profile, EXIF's Adobe RGB | DCF 2.0: ColorSpace 65535 with index R03 |
| BMP | ICC profile, end points and gamma | BITMAPV4HEADER (Microsoft, Windows GDI) |

A profile that holds codes of its own (`cicp`, ICC.1:2022, 9.2.17) means those. Chromaticities and code points: H.273
(07/2024), tables 2 and 3.
"""

from __future__ import annotations

import io
import struct
from typing import NamedTuple

from PIL import ExifTags
from PIL import Image as Pillow

from studio.photo.colour.av1_header import read_av1_codes
from studio.photo.intake.isobmff import ItemTable, read_item_table

_D65 = (0.3127, 0.329)
_C = (0.31, 0.316)
_SRGB = ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), _D65)
_SMPTE_C = ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07), _D65)

PRIMARIES = {
    1: ("sRGB", _SRGB),
    4: ("NTSC (1953)", ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C)),
    5: ("BT.601 (625 lines)", ((0.64, 0.33), (0.29, 0.6), (0.15, 0.06), _D65)),
    6: ("BT.601 (525 lines)", _SMPTE_C),
    7: ("SMPTE 240M", _SMPTE_C),
    8: ("film", ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C)),
    9: ("BT.2020", ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046), _D65)),
    10: ("XYZ", ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (1 / 3, 1 / 3))),
    11: ("DCI-P3", ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.314, 0.351))),
    12: ("Display P3", ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), _D65)),
    22: ("EBU 3213", ((0.63, 0.34), (0.295, 0.605), (0.155, 0.077), _D65)),
}
"""Names and chromaticities (x, y) of red, green, blue and white by their code."""

TRANSFERS = {4: "gamma 2.2", 5: "gamma 2.8", 8: "linear", 16: "pq", 17: "st428", 18: "hlg"}
"""Transfers by their code. The rest, BT.709's among them, are shown as sRGB's: what browsers do with pictures."""

HDR = {"pq": "PQ", "hlg": "HLG"}
"""Transfers of HDR and what people call them."""

_NEAR = 0.015  # two gammas that differ by less than this share are the same
_ALIKE = 0.002  # and chromaticities, by this much
_V4_SIZE, _SPACE_TYPE, _CALIBRATED = 108, 56, 0
"""Bytes of a BITMAPV4HEADER, where it names its colour space, and what it says of one given by numbers."""
_MOST_CHUNKS = 2_000  # before a PNG's pixels


class Colorimetry(NamedTuple):
    """What a picture's R'G'B' numbers mean. `primaries`: (x, y) of red, green, blue and white.

    `transfer`: "srgb", "linear", "pq", "hlg", "st428" or "gamma 2.2" (any figure): light is the number to that power.
    `narrow`: black and white are 16 and 235 of 255 (video levels).
    """

    name: str
    primaries: tuple[tuple[float, float], ...] = _SRGB
    transfer: str = "srgb"
    narrow: bool = False

    def describe(self) -> str:
        """What people call it, for "converted from …": where its primaries are sRGB's, its transfer or its levels."""
        if self.primaries != _SRGB or self.transfer in HDR:
            return self.name
        return "video levels" if self.transfer == "srgb" else self.transfer.replace("linear", "linear light")


SRGB = Colorimetry("sRGB")
ADOBE_RGB = Colorimetry("Adobe RGB", ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), _D65), f"gamma {563 / 256}")
"""Adobe RGB (1998) Color Image Encoding, 4.3."""


class ColourTags(NamedTuple):
    """What a file's numbers mean: by an ICC profile or, when that is None, by `colorimetry`."""

    icc: bytes | None = None
    colorimetry: Colorimetry = SRGB


def read_colour_tags(picture: Pillow.Image, data: bytes) -> ColourTags:
    """What the file of an opened picture, `data`, says of its colours."""
    icc = picture.info.get("icc_profile") or None
    codes: Colorimetry | None = None
    if picture.format in ("HEIF", "AVIF"):
        table = read_item_table(data)
        icc, codes = _read_colr(table, data) if table else (icc, None)
    elif picture.format == "PNG":
        codes = _read_cicp_chunk(data)
        icc = None if codes else icc
    if icc:
        codes = _read_icc_codes(icc)
        return ColourTags(None, codes) if codes else ColourTags(icc)
    if codes is None and picture.format == "PNG":
        codes = _read_png_gamma(picture)
    elif codes is None and _is_adobe_rgb(picture):
        codes = ADOBE_RGB
    return ColourTags(None, codes or SRGB)


def read_cicp(primaries: int, transfer: int) -> Colorimetry:
    """The colorimetry of a pair of H.273 codes (nclx, cICP); unspecified and unknown codes mean sRGB's."""
    name, points = PRIMARIES.get(primaries, PRIMARIES[1])
    return Colorimetry(name, points, TRANSFERS.get(transfer, "srgb"))


def name_primaries(points: tuple[tuple[float, float], ...], transfer: str) -> Colorimetry:
    """The colorimetry of chromaticities that a file gives as numbers, under the name of those they come nearest to."""
    known = [(ADOBE_RGB.name, ADOBE_RGB.primaries), *PRIMARIES.values()]
    for name, ours in known:
        steps = [abs(a - b) for one, two in zip(points, ours, strict=True) for a, b in zip(one, two, strict=True)]
        if max(steps) < _ALIKE:
            return Colorimetry(name, ours, transfer)
    return Colorimetry("its own primaries", points, transfer)


def _read_colr(table: ItemTable, data: bytes) -> tuple[bytes | None, Colorimetry | None]:
    """The profile and the codes of the picture shown, or of the first tile it is made of, or of its AV1 stream."""
    icc: bytes | None = None
    codes: Colorimetry | None = None
    parts = (table.primary, *table.list_parts(table.primary)[:1])
    for part in parts:
        item = table.items.get(part)
        for kind, content in item.properties if item else ():
            if kind == b"colr" and content[:4] in (b"prof", b"rICC"):
                icc = icc or content[4:]
            elif kind == b"colr" and content[:4] == b"nclx" and len(content) >= 8:
                codes = codes or read_cicp(*struct.unpack(">HH", content[4:8]))
    if icc is None and codes is None:
        for part in parts:
            found = read_av1_codes(table.read_data(data, part)) if table.items[part].kind == b"av01" else None
            codes = codes or (read_cicp(*found) if found else None)
    return icc, codes


def _read_icc_codes(icc: bytes) -> Colorimetry | None:
    """The codes that an ICC profile holds; None for the many that hold none."""
    count = min(int.from_bytes(icc[128:132], "big"), 100)
    for at in range(132, 132 + 12 * count, 12):
        if icc[at : at + 4] == b"cicp":
            start = int.from_bytes(icc[at + 4 : at + 8], "big")
            content = icc[start : start + 12]
            if content[:4] == b"cicp" and len(content) == 12 and content[8] in PRIMARIES:
                return read_cicp(content[8], content[9])
    return None


def read_icc_gamma(icc: bytes) -> Colorimetry | None:
    """What an RGB profile of three colours and one power of light says; None for other profiles.

    ICC.1:2022, sections 8.3, 10.6 and 10.18. LittleCMS is given 8 bits, too few for a deep picture in linear light.
    """
    tags: dict[bytes, bytes] = {}
    for at in range(132, 132 + 12 * min(int.from_bytes(icc[128:132], "big"), 100), 12):
        start, length = (int.from_bytes(icc[at + place : at + place + 4], "big") for place in (4, 8))
        tags[icc[at : at + 4]] = icc[start : start + length]
    curves = {tags.get(name, b"") for name in (b"rTRC", b"gTRC", b"bTRC")}
    colours = [tags.get(name, b"") for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    if icc[16:20] != b"RGB " or b"A2B0" in tags or len(curves) != 1 or any(len(one) < 20 for one in colours):
        return None
    gamma = _read_power(curves.pop())
    points = [
        tuple(int.from_bytes(one[at : at + 4], "big", signed=True) / 65536 for at in (8, 12, 16)) for one in colours
    ]
    white = tuple(sum(one) for one in zip(*points, strict=True))
    sums = [sum(one) for one in (*points, white)]
    if gamma is None or min(sums) <= 0:
        return None
    chromaticities = tuple((one[0] / total, one[1] / total) for one, total in zip((*points, white), sums, strict=True))
    return Colorimetry("its profile", chromaticities, "linear" if gamma == 1 else f"gamma {gamma}")


def _read_power(curve: bytes) -> float | None:
    """The power of light that a curve of a profile is, None for any other curve."""
    count = int.from_bytes(curve[8:12], "big")
    if curve[:4] == b"curv" and count < 2 and len(curve) >= 12 + 2 * count:
        return int.from_bytes(curve[12:14], "big") / 256 if count else 1.0
    if curve[:4] == b"para" and curve[8:10] == b"\0\0" and len(curve) >= 16:
        return int.from_bytes(curve[12:16], "big", signed=True) / 65536
    return None


def _read_cicp_chunk(data: bytes) -> Colorimetry | None:
    """The codes in a PNG's cICP chunk, which stands before the pixels."""
    at = 8
    for _ in range(_MOST_CHUNKS):
        kind = data[at + 4 : at + 8]
        if kind in (b"IDAT", b"PLTE", b""):
            break
        if kind == b"cICP" and data[at : at + 4] == b"\0\0\0\4" and len(data) >= at + 12:
            primaries, transfer, _, full = data[at + 8 : at + 12]
            return read_cicp(primaries, transfer)._replace(narrow=not full)
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return None


def _read_png_gamma(picture: Pillow.Image) -> Colorimetry | None:
    """The colorimetry of gAMA and cHRM, as Pillow has read them; sRGB outranks both; cHRM alone says too little.

    A gamma of 1/2.2 alone is how sRGB was written before it had a chunk.
    """
    gamma = picture.info.get("gamma", 0)
    if "srgb" in picture.info or not 0.05 < gamma < 20:
        return None
    transfer = _name_gamma(1 / gamma)
    points = picture.info.get("chromaticity", ())
    if len(points) != 8 or not _is_gamut(points):
        return None if transfer == "gamma 2.2" else Colorimetry("sRGB", _SRGB, transfer)
    white, red, green, blue = (tuple(points[at : at + 2]) for at in range(0, 8, 2))
    found = name_primaries((red, green, blue, white), transfer)
    return None if _is_srgb_like(found) else found


def _name_gamma(power: float) -> str:
    return "gamma 2.2" if abs(power / 2.2 - 1) < _NEAR else f"gamma {power:.4g}"


def _is_srgb_like(found: Colorimetry) -> bool:
    """Whether numbers say what sRGB was called before it had a name: its primaries and a gamma of 2.2."""
    return found.primaries == _SRGB and found.transfer == "gamma 2.2"


def read_bmp_colorimetry(header: bytes) -> Colorimetry:
    """The colorimetry of a BITMAPV4HEADER or V5, from its size field on: end points (XYZ, 2.30 bits), gammas (16.16).

    Real files also hold chromaticities there, each with a sum of 1, to a white of D65, and the inverse of the gamma
    (bmpsuite's pal8v4). sRGB's where the header holds none, or none that a picture could have.
    """
    if len(header) < _V4_SIZE or int.from_bytes(header[_SPACE_TYPE : _SPACE_TYPE + 4], "little") != _CALIBRATED:
        return SRGB
    numbers = struct.unpack_from("<12I", header, _SPACE_TYPE + 4)
    ends = [numbers[at : at + 3] for at in range(0, 9, 3)]
    whole = tuple(sum(parts) for parts in zip(*ends, strict=True))  # white is all three together
    points = [(x / (x + y + z or 1), y / (x + y + z or 1)) for x, y, z in (*ends, whole)]
    gamma = sum(numbers[9:]) / 3 / 65536
    gamma = 1 / gamma if 0 < gamma < 1 else gamma
    red, green, blue, white = points
    if all(abs(sum(parts) / 2**30 - 1) < _NEAR for parts in ends):
        white = _D65
    if not 0.05 < gamma < 20 or not _is_gamut((*white, *red, *green, *blue)):
        return SRGB
    found = name_primaries((red, green, blue, white), _name_gamma(gamma))
    return SRGB if _is_srgb_like(found) else found


def _is_gamut(points: tuple[float, ...]) -> bool:
    """Whether white, red, green and blue, (x, y) each, make a triangle that numbers can be computed from."""
    wx, wy, rx, ry, gx, gy, bx, by = points
    area = (gx - rx) * (by - ry) - (bx - rx) * (gy - ry)
    return abs(area) > 0.01 and wy > 0.05 and min(ry, gy, by) > 0.001 and max(points) <= 1 and wx > 0.05


def is_adobe_rgb_tiff(data: bytes) -> bool:
    """Whether the EXIF of a TIFF marks Adobe RGB."""
    try:
        with Pillow.open(io.BytesIO(data), formats=("TIFF",)) as picture:
            return _is_adobe_rgb(picture)
    except Exception:  # a TIFF that only tifffile reads
        return False


def _is_adobe_rgb(picture: Pillow.Image) -> bool:
    """Whether the EXIF marks a camera's Adobe RGB, which carries no profile: ColorSpace 65535 (or 2) and index R03."""
    try:
        exif = picture.getexif()
        space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
        index = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
    except Exception:  # a broken EXIF block is no reason to lose the photo
        return False
    return space == 2 or (space == 0xFFFF and str(index).strip("\0 ") == "R03")
