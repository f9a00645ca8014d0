"""PNG chunks: those that say nothing of the picture are left out, so that no metadata can keep it from opening.

Pillow refuses a PNG for 1 MB of text or profile once it is unpacked, and for a time or a size in metres that is cut
short; browsers don't read them at all (W3C PNG, third edition, section 13.2: unknown ancillary chunks are skipped).
"""

from __future__ import annotations

import zlib

from PIL import Image as Pillow

_SEEN = {b"tRNS", b"iCCP", b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"eXIf", b"acTL", b"fcTL", b"fdAT"}
"""Ancillary chunks that a picture is shown by; the name of one that may be skipped begins with a small letter."""
_DEPTH = 24
"""Where a PNG's header says how many bits a sample has."""
MOST_PROFILE = 16_000_000
"""Bytes of an unpacked profile: a printer's tables take up to some 4 MB."""


def drop_metadata(data: bytes, notes: list[str]) -> bytes:
    """The PNG without what it isn't shown by, empty chunks too; a profile over `MOST_PROFILE` goes with a note."""
    parts = [data[:8]]
    at = 8
    kept = 8  # everything before is in `parts`
    while at + 12 <= len(data):
        kind = data[at + 4 : at + 8]
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            break
        too_long = kind == b"iCCP" and _is_too_long(data[at + 8 : end - 4])
        if too_long:
            notes.append("its colour profile is too large and was left aside")
        useless = kind[:1].islower() and (kind not in _SEEN or end - at == 12)
        if too_long or useless:
            parts.append(data[kept:at])
            kept = end
        at = end
    return data if kept == 8 else b"".join([*parts, data[kept:]])


def _is_too_long(chunk: bytes) -> bool:
    packed = chunk[chunk.find(b"\0") + 2 :]
    try:
        unpacker = zlib.decompressobj()
        return len(unpacker.decompress(packed, MOST_PROFILE)) == MOST_PROFILE
    except zlib.error:
        return False


def scale_grey_key(picture: Pillow.Image, data: bytes) -> None:
    """Bring the grey that a PNG of 1, 2 or 4 bits calls transparent (tRNS) to 8 bits, as Pillow does the others."""
    key = picture.info.get("transparency")
    if picture.mode in ("1", "L") and isinstance(key, int) and data[_DEPTH] in (1, 2, 4):
        top = (1 << data[_DEPTH]) - 1
        picture.info["transparency"] = (key & top) * 255 // top
