"""Levels of H.264 and HEVC: how large and how fast a picture may be at each, with how many bits a second, and the least
that a film needs.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple


class Level(NamedTuple):
    """A level: its name, the most pixels of a frame, the most pixels a second, the most kilobits a second."""

    name: str
    frame: int
    second: int
    kbps: int


H264 = tuple(
    Level(name, frame * 256, second * 256, round(kbps * 1.25))
    for name, second, frame, kbps in (
        ("1.0", 1485, 99, 64), ("1.1", 3000, 396, 192), ("1.2", 6000, 396, 384), ("1.3", 11880, 396, 768),
        ("2.0", 11880, 396, 2000), ("2.1", 19800, 792, 4000), ("2.2", 20250, 1620, 4000), ("3.0", 40500, 1620, 10_000),
        ("3.1", 108000, 3600, 14_000), ("3.2", 216000, 5120, 20_000), ("4.0", 245760, 8192, 20_000),
        ("4.1", 245760, 8192, 50_000), ("4.2", 522240, 8704, 50_000), ("5.0", 589824, 22080, 135_000),
        ("5.1", 983040, 36864, 240_000), ("5.2", 2073600, 36864, 240_000), ("6.0", 4177920, 139264, 240_000),
    )
)  # fmt: skip
"""ITU-T H.264, table A-1, MaxMBPS and MaxFS, in pixels: a macroblock has 256; MaxBR of the High profile (A.3.3)."""

HEVC = tuple(
    Level(name, frame, second, kbps)
    for name, frame, second, kbps in (
        ("1.0", 36864, 552960, 128), ("2.0", 122880, 3686400, 1500), ("2.1", 245760, 7372800, 3000),
        ("3.0", 552960, 16588800, 6000), ("3.1", 983040, 33177600, 10_000), ("4.0", 2228224, 66846720, 30_000),
        ("4.1", 2228224, 133693440, 50_000), ("5.0", 8912896, 267386880, 100_000), ("5.1", 8912896, 534773760, 160_000),
        ("5.2", 8912896, 1069547520, 240_000), ("6.0", 35651584, 1069547520, 240_000),
    )
)  # fmt: skip
"""ITU-T H.265, tables A.8 and A.9, MaxLumaPs and MaxLumaSr; MaxBR of the high tier from level 4 on."""

LEVELS = {"h264": H264, "hevc": HEVC}


def find_level(codec: str, width: int, height: int, fps: float, mbps: float = 0.0) -> str:
    """The least level of a film of so many pixels and frames a second, and at most so many megabits; "" for a codec
    without levels, or beyond the last.
    """
    frame = ceil(width / 16) * ceil(height / 16) * 256 if codec == "h264" else width * height
    for one in LEVELS.get(codec, ()):
        if frame <= one.frame and frame * fps <= one.second and mbps * 1000 <= one.kbps:
            return one.name
    return ""


def is_within(level: str, most: str) -> bool:
    """Whether a level such as "4.0" is no higher than another; one that isn't known is, and "" bounds nothing."""
    return not level or not most or float(level) <= float(most)
