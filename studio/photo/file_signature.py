"""File signatures: what a file is by its first bytes, never by its name, and the refusal for what is no photograph."""

from __future__ import annotations

from codecs import getincrementaldecoder
from pathlib import PurePath

from studio.nouns import Refusal

READS = "JPG, PNG, WEBP, HEIC, AVIF, TIFF, BMP or GIF"
"""The photographs Stir takes in, in the user's words."""

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
)

_SAVE_AS = "Export it as a JPG or PNG and add that."
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF document", "Export the page you want as a JPG or PNG and add that."),
    (b"%!PS", "a PostScript drawing", _SAVE_AS),
    (b"8BPS", "a Photoshop document", _SAVE_AS),
    (b"gimp xcf", "a GIMP document", _SAVE_AS),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture", _SAVE_AS),
    (b"\xff\x0a", "a JPEG XL picture", _SAVE_AS),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture", _SAVE_AS),
    (b"v/1\x01", "an OpenEXR picture", _SAVE_AS),
    (b"#?RADIANCE", "a Radiance HDR picture", _SAVE_AS),
    (b"\x00\x00\x01\x00", "an icon", _SAVE_AS),
    (b"FUJIFILMCCD-RAW", "a camera raw file", "Develop it first, or use the JPG your camera saved with it."),
    (b"IIRO", "a camera raw file", "Develop it first, or use the JPG your camera saved with it."),
    (b"IIU\x00", "a camera raw file", "Develop it first, or use the JPG your camera saved with it."),
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

_RAW_ENDINGS = {
    ".dng",
    ".nef",
    ".nrw",
    ".cr2",
    ".cr3",
    ".crw",
    ".arw",
    ".srf",
    ".sr2",
    ".orf",
    ".rw2",
    ".raf",
    ".pef",
    ".srw",
}


def identify(data: bytes) -> str:
    """The sort of photograph that these bytes claim to be ("JPG"), or "" when they are none that Stir reads."""
    if data[:4] == b"RIFF":
        return "WEBP" if data[8:12] == b"WEBP" else ""
    if data[4:8] == b"ftyp":
        brands = {
            data[8:12],
            *(data[at : at + 4] for at in range(16, min(len(data), 64, int.from_bytes(data[:4], "big")), 4)),
        }
        if brands & _AVIF_BRANDS:
            return "AVIF"
        return "HEIC" if brands & _HEIF_BRANDS else ""
    return next((name for start, name in _PHOTOS if data.startswith(start)), "")


def refuse_raw(data: bytes, name: str) -> None:
    """Raise `Refusal` for a camera raw file: most are TIFFs whose first picture is only a thumbnail."""
    canon = data[:4] in (b"II*\x00", b"MM\x00*") and data[8:10] == b"CR"
    if canon or PurePath(name).suffix.lower() in _RAW_ENDINGS:
        raise Refusal("This is a camera raw file.", "Develop it first, or use the JPG your camera saved with it.")


def refuse_foreign(data: bytes) -> Refusal:
    """The refusal for a file that is no photograph, naming what it is as far as that can be told."""
    for start, what, remedy in _FOREIGN:
        if data.startswith(start):
            return Refusal(f"This is {what}, not a photo.", remedy)
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


def refuse_damaged(what: str, cut_short: bool) -> Refusal:
    """The refusal for a photograph of a known sort (`what`) that can't be decoded, cut short or otherwise broken."""
    if cut_short:
        return Refusal(
            f"This {what} is cut short: part of the file is missing.", "Copy or download it again, then add it."
        )
    return Refusal(
        f"This {what} is damaged, or of a variety that can't be read.",
        "Open it in a photo editor and export it as a new JPG or PNG.",
    )
