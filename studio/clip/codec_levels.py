"""Levels of H.264 and HEVC: how large and how fast a picture may be at each, and the least that a film needs."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple


class Level(NamedTuple):
    """A level: its name, the most pixels of a frame, and the most pixels a second."""

    name: str
    frame: int
    second: int


H264 = tuple(
    Level(name, frame * 256, second * 256)
    for name, second, frame in (
        ("1.0", 1485, 99), ("1.1", 3000, 396), ("1.2", 6000, 396), ("1.3", 11880, 396), ("2.0", 11880, 396),
        ("2.1", 19800, 792), ("2.2", 20250, 1620), ("3.0", 40500, 1620), ("3.1", 108000, 3600), ("3.2", 216000, 5120),
        ("4.0", 245760, 8192), ("4.1", 245760, 8192), ("4.2", 522240, 8704), ("5.0", 589824, 22080),
        ("5.1", 983040, 36864), ("5.2", 2073600, 36864), ("6.0", 4177920, 139264),
    )
)  # fmt: skip
"""ITU-T H.264, table A-1, MaxMBPS and MaxFS, in pixels: a macroblock has 256."""

HEVC = tuple(
    Level(name, frame, second)
    for name, frame, second in (
        ("1.0", 36864, 552960), ("2.0", 122880, 3686400), ("2.1", 245760, 7372800), ("3.0", 552960, 16588800),
        ("3.1", 983040, 33177600), ("4.0", 2228224, 66846720), ("4.1", 2228224, 133693440), ("5.0", 8912896, 267386880),
        ("5.1", 8912896, 534773760), ("5.2", 8912896, 1069547520), ("6.0", 35651584, 1069547520),
    )
)  # fmt: skip
"""ITU-T H.265, tables A.8 and A.9, MaxLumaPs and MaxLumaSr."""

LEVELS = {"h264": H264, "hevc": HEVC}


def find_level(codec: str, width: int, height: int, fps: float) -> str:
    """The least level of a film of so many pixels and frames a second; "" for a codec without, or beyond the last."""
    frame = ceil(width / 16) * ceil(height / 16) * 256 if codec == "h264" else width * height
    fitting = (one for one in LEVELS.get(codec, ()) if frame <= one.frame and frame * fps <= one.second)
    return next((one.name for one in fitting), "")


def is_within(level: str, most: str) -> bool:
    """Whether a level such as "4.0" is no higher than another; one that isn't known is, and "" bounds nothing."""
    return not level or not most or float(level) <= float(most)
