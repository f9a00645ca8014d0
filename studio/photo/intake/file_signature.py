"""File signatures: what a file is by its first bytes, never by its name, and the refusal for what is no photograph."""

from __future__ import annotations

import struct
from codecs import getincrementaldecoder
from pathlib import PurePath

from studio.nouns import Refusal
from studio.photo.intake.isobmff import ItemTable, read_item_table, walk_boxes
from studio.photo.intake.raw_preview import is_raw

READS = "JPG, PNG, WEBP, HEIC, AVIF, TIFF, BMP, GIF, JPEG XL, JPEG 2000 or camera raw"
"""The photographs Stir takes in, in the user's words."""

RAW = "camera raw file"
"""The kind of a raw file, whatever its maker."""

RAW_ENDINGS = (
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef",
    ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
)  # fmt: skip
PHOTO_ENDINGS = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".heic", ".heif", ".hif", ".heics", ".avif",
    ".avifs", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".jxl", ".jp2", ".j2k", ".jpx", ".jpf", *RAW_ENDINGS,
)  # fmt: skip
"""What a photograph's name may end in: what every file chooser offers. Bytes alone decide what it is."""

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}

_PHOTOS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"BM", "BMP"),
    (b"BA", "BMP"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
)
_CODINGS = {b"hvc1": "HEIC", b"hev1": "HEIC", b"av01": "AVIF"}
_OTHER_CODINGS = {
    b"vvc1": "H.266", b"avc1": "H.264", b"jpeg": "JPEG", b"j2k1": "JPEG 2000", b"unci": "uncompressed samples",
    b"evc1": "EVC", b"lhv1": "layered H.265",
}  # fmt: skip
"""What else a HEIF's picture may be coded as (ISO/IEC 23008-12); libheif as pillow-heif carries it has no decoder."""
_DERIVED = (b"grid", b"iden", b"iovl")

_SAVE_AS = "Export it as a JPG or PNG and add that."
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF document", "Export the page you want as a JPG or PNG and add that."),
    (b"%!PS", "a PostScript drawing", _SAVE_AS),
    (b"8BPS", "a Photoshop document", _SAVE_AS),
    (b"gimp xcf", "a GIMP document", _SAVE_AS),
    (b"v/1\x01", "an OpenEXR picture", _SAVE_AS),
    (b"II\xbc", "a JPEG XR picture", _SAVE_AS),
    (b"P6", "a PPM picture", _SAVE_AS),
    (b"qoif", "a QOI picture", _SAVE_AS),
    (b"#?RADIANCE", "a Radiance HDR picture", _SAVE_AS),
    (b"\x00\x00\x01\x00", "an icon", _SAVE_AS),
    (b"\x1aE\xdf\xa3", "a video", "Save one frame of it as a picture and add that."),
    (b"\x00\x00\x01\xba", "a video", "Save one frame of it as a picture and add that."),
    (b"FLV\x01", "a video", "Save one frame of it as a picture and add that."),
    (b"OggS", "a sound or video file", "Add a photograph instead."),
    (b"ID3", "a sound file", "Add a photograph instead."),
    (b"PK\x03\x04", "an archive or an office document", "Unpack it and add the photographs inside."),
    (b"Rar!", "an archive", "Unpack it and add the photographs inside."),
    (b"7z\xbc\xaf", "an archive", "Unpack it and add the photographs inside."),
    (b"\x1f\x8b", "an archive", "Unpack it and add the photographs inside."),
    (b"MZ", "a program", "Add a photograph instead."),
    (b"\x7fELF", "a program", "Add a photograph instead."),
)


def identify(data: bytes, name: str = "") -> str:
    """The sort of photograph that these bytes claim to be ("JPG"), or "" when they are none that Stir reads.

    The name counts for one thing only: a TIFF whose name ends as a camera's raw file does is one.
    """
    if data[:4] == b"RIFF":
        return "WEBP" if data[8:12] == b"WEBP" else ""
    found = _identify_boxes(data) if data[4:8] == b"ftyp" else ""
    found = found or next((name for start, name in _PHOTOS if data.startswith(start)), "")
    if not found and is_headless_bitmap(data):
        return "BMP"
    if (found in ("", "TIFF") and is_raw(data)) or (found == "TIFF" and PurePath(name).suffix.lower() in RAW_ENDINGS):
        return RAW
    return found


def _identify_boxes(data: bytes) -> str:
    """HEIC or AVIF by how the main picture is coded, whatever the brands; by the brands where none is found."""
    table = read_item_table(data)
    coding = _find_coding(table) if table else b""
    if coding in _CODINGS or coding in _OTHER_CODINGS:
        return _CODINGS.get(coding, "")
    brands = _list_brands(data)
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIC" if brands & _HEIF_BRANDS else ""


def _list_brands(data: bytes) -> set[bytes]:
    end = min(len(data), 256, int.from_bytes(data[:4], "big"))
    return {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}


def _find_coding(table: ItemTable) -> bytes:
    """How the main picture is coded, through a grid's tiles; b"" where it isn't there."""
    at = table.primary
    for _ in range(4):
        item = table.items.get(at)
        if item is None or item.kind not in _DERIVED:
            return item.kind if item else b""
        at = next(iter(table.list_parts(at)), -1)
    return b""


def is_headless_bitmap(data: bytes) -> bool:
    """Whether these are the bytes of a bitmap without its file header, as programs leave it on the clipboard (DIB)."""
    if len(data) < 40 or data[:4] not in (b"\x28\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0"):
        return False
    width, height, planes, bits, packing = struct.unpack_from("<iiHHI", data, 4)
    return (
        0 < width < 1 << 20
        and 0 < abs(height) < 1 << 20
        and planes == 1
        and bits in (1, 4, 8, 16, 24, 32)
        and packing < 4
    )


def brand_avif(data: bytes) -> bytes:
    """An AVIF that its reader takes: it asks for a brand of its own, which one that is called `mif1` may lack."""
    return data if data[4:8] != b"ftyp" or _list_brands(data) & _AVIF_BRANDS else data[:8] + b"avif" + data[12:]


def measure_share(data: bytes, what: str) -> float:
    """The share of a file that is there, as far as its own headers say how long it should be; 1 where they don't."""
    whole = 0
    if what == "WEBP":
        whole = int.from_bytes(data[4:8], "little") + 8
    elif what in ("HEIC", "AVIF") and (table := read_item_table(data)):
        whole = max((sum(extent) for place in table.places.values() for extent in place), default=0)
    return min(1.0, len(data) / whole) if whole else 1.0


def is_cut_short(data: bytes, what: str) -> bool:
    """Whether a file that can't be decoded ends before it should, as its own headers say."""
    if what == "WEBP":
        return measure_share(data, what) < 1
    if what in ("HEIC", "AVIF", "JPEG 2000", "JPEG XL") and data[4:8] in (b"ftyp", b"jP  ", b"JXL "):
        table = read_item_table(data)
        extents = [extent for place in table.places.values() for extent in place] if table else []
        last = max((box.end for box in walk_boxes(data)), default=0)
        return last < len(data) or any(start + length > len(data) for start, length in extents)
    ends = {"JPG": b"\xff\xd9", "PNG": b"IEND", "GIF": b";"}
    return what in ends and ends[what] not in (data[-64:] if what == "GIF" else data)


def refuse_foreign(data: bytes) -> Refusal:
    """The refusal for a file that is no photograph, naming what it is as far as that can be told."""
    for start, what, remedy in _FOREIGN:
        if data.startswith(start):
            return Refusal(f"This is {what}, not a photo.", remedy)
    coding = _find_coding(table) if data[4:8] == b"ftyp" and (table := read_item_table(data)) else b""
    if coding in _OTHER_CODINGS:
        return Refusal(
            f"This HEIF holds its picture as {_OTHER_CODINGS[coding]}, which Stir can't decode.",
            "Open it on the device it comes from, export it as a JPG and add that.",
        )
    if data[:4] == b"RIFF" or data[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        what = "a sound file" if data[8:12] == b"WAVE" else "a video"
        return Refusal(f"This is {what}, not a photo.", "Save one frame of it as a picture and add that.")
    return _refuse_text(data[:4096])


def _refuse_text(start: bytes) -> Refusal:
    """The refusal for text, pages and drawings made of text, and for anything that can't be told at all."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text:
        return Refusal("This is an SVG drawing, not a photo.", "Export it as a PNG and add that.")
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<")):
        return Refusal("This is a web page, not a photo.", "Save the picture itself from the page, then add it.")
    if _reads_as_text(start):
        return Refusal("This is a text file, not a photo.", f"Add a {READS} file.")
    return Refusal("This is not a photo that Stir can recognise.", f"Add a {READS} file.")


def _reads_as_text(start: bytes) -> bool:
    """Whether bytes are UTF-8 without control characters; a last letter that is cut off is let through."""
    try:
        words = getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return bool(words) and all(letter.isprintable() or letter.isspace() for letter in words)


def refuse_damaged(what: str, cut_short: bool, share: float = 1.0) -> Refusal:
    """The refusal for a photograph of a known sort (`what`) that can't be decoded, cut short or otherwise broken.

    `share` of its file is there, 1 where that can't be told.
    """
    if cut_short:
        left = f"{max(1, int(100 * share))}% of the file is there" if share < 1 else "part of the file is missing"
        return Refusal(f"This {what} is cut short: {left}.", "Copy or download it again, then add it.")
    return Refusal(
        f"This {what} is damaged, or of a variety that can't be read.",
        "Open it in a photo editor and export it as a new JPG or PNG.",
    )
