"""Motion Photos: a picture with a few seconds of video behind it, which a clip isn't made of.

In a JPEG the MP4 stands behind the picture (https://developer.android.com/media/platform/motion-photo-format; Samsung
puts a block's name before it and a trailer behind), in a HEIC it is the content of an `mpvd` box at the end.
"""

from __future__ import annotations

from studio.photo.intake.isobmff import walk_boxes
from studio.photo.intake.jpeg_markers import read_jpeg_markers

VIDEO_NOTE = "with a video behind it, which isn't used"

_OF_VIDEO = {
    b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"moof", b"mfra", b"sidx", b"meta", b"udta", b"styp",
    b"pdin", b"emsg",
}  # fmt: skip
"""Boxes that an MP4 has at its top level (ISO/IEC 14496-12)."""

_MOST_STARTS = 50


def find_video(data: bytes, kind: str) -> tuple[int, int] | None:
    """Where the video in the file of a photo lies, its start and end; None without one."""
    if kind == "HEIC":
        boxes = [box for box in walk_boxes(data) if box.kind == b"mpvd"]
        return (boxes[-1].start - 8, boxes[-1].end) if boxes else None
    if kind != "JPG" or data.endswith(b"\xff\xd9"):
        return None
    at = read_jpeg_markers(data).end
    for _ in range(_MOST_STARTS if at else 0):
        at = data.find(b"ftyp", at + 4)
        if at < 0:
            return None
        end = _find_end(data, at - 4)
        if end:
            return at - 4, end
    return None


def _find_end(data: bytes, start: int) -> int:
    """Where the MP4 that begins at `start` ends; 0 where none does: it would have a film's index or its samples."""
    kinds: set[bytes] = set()
    end = 0
    for box in walk_boxes(data, start):
        if box.kind not in _OF_VIDEO or (kinds and box.kind == b"ftyp"):
            break
        kinds.add(box.kind)
        end = box.end
    return end if kinds & {b"moov", b"mdat"} else 0


def drop_video(data: bytes, kind: str, video: tuple[int, int] | None) -> bytes:
    """The file without its video, to keep; a HEIC's only where it is the last thing, as offsets would move."""
    if video is None or (kind == "HEIC" and video[1] != len(data)):
        return data
    return data[: video[0]] + data[video[1] :]
