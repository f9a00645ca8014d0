"""JPEG 2000: the colour profile of a JP2 file, which Pillow leaves unread (ISO/IEC 15444-1, annex I)."""

from __future__ import annotations

from studio.photo.isobmff import walk_boxes

_ANY_PROFILE = (2, 3)
"""Methods of a `colr` box that hold an ICC profile: restricted, and any (JPX)."""


def read_colour_profile(data: bytes) -> bytes | None:
    """The ICC profile in a JP2's header; None for a bare codestream and where a number names the colours."""
    for header in walk_boxes(data):
        if header.kind != b"jp2h":
            continue
        for box in walk_boxes(data, header.start, header.end):
            if box.kind == b"colr" and box.start < box.end and data[box.start] in _ANY_PROFILE:
                return data[box.start + 3 : box.end]
    return None
