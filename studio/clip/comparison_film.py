"""A comparison as one MP4: a labelled grid of clips on one clock, or a wipe that goes across two of them (MoviePy)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from math import ceil, cos, pi
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from studio.atomic_write import replace_whole
from studio.clip.comparison_tiles import (
    GAP,
    GROUND,
    INK,
    Ending,
    Image,
    Tile,
    TileReader,
    choose_columns,
    choose_text_height,
    draw_label,
    find_font,
    fit_inside,
    measure_label,
    measure_tiles,
    refuse_unreadable,
    wrap,
)
from studio.clip.formats import MP4_MUXER, RGB_TO_BT709
from studio.clip.sound import CODECS
from studio.nouns import Progress

LONGEST_SIDE = 1920
"""The longest side of a film in pixels."""

CORNER = 0.46
"""Of a wipe's width that a label may take; what doesn't fit goes on below."""

SLOWEST = 24.0
"""Frames a second of a film whose clips are all slower: a wipe's line should move smoothly."""


class Film(NamedTuple):
    """How a film is drawn: a frame (height, width, 3) for every moment, its size, its length and the frames a
    second."""

    draw: Callable[[float], Image]
    width: int
    height: int
    seconds: float
    fps: float


Tick = Callable[[Progress], None]


def write_grid(
    tiles: Sequence[Tile],
    dest: Path,
    tick: Tick,
    *,
    columns: int = 0,
    ending: Ending = "hold",
    sound: Path | None = None,
) -> None:
    """Write one MP4 with every tile playing at once, each with its label beneath.

    columns: 0 chooses those that make the film most nearly 16:9. It is as long as the longest clip and as fast as the
    fastest, LONGEST_SIDE at most. sound: the clip whose sound is heard, where it has any. `tick` gets a `Progress` for
    every frame, and what it raises ends the writing. The file is there whole or not at all. Raises `Refusal` for a clip
    that can't be read or a film that can't be written.
    """
    with ExitStack() as opened, refuse_unreadable():
        _write(_lay_out_grid(tiles, columns, ending, opened), dest, sound, tick)


def write_wipe(
    one: Tile, other: Tile, dest: Path, tick: Tick, *, ending: Ending = "hold", sound: Path | None = None
) -> None:
    """Write one MP4 of two clips on one clock, parted by a line that goes from the left edge to the right and back.

    `one` is seen to the left of the line. Everything else is as for `write_grid`.
    """
    with ExitStack() as opened, refuse_unreadable():
        _write(_lay_out_wipe(one, other, ending, opened), dest, sound, tick)


def _open_tiles(tiles: Sequence[Tile], size: tuple[int, int], opened: ExitStack) -> list[TileReader]:
    return [opened.enter_context(closing(TileReader(tile, size))) for tile in tiles]


def _measure_film(readers: Sequence[TileReader]) -> tuple[float, float]:
    """Seconds and frames a second: the longest and the fastest of the clips."""
    return max(reader.seconds for reader in readers) or 1.0, max(SLOWEST, *(reader.fps for reader in readers))


def _lay_out_grid(tiles: Sequence[Tile], columns: int, ending: Ending, opened: ExitStack) -> Film:
    largest = measure_tiles(tiles)
    columns = columns or choose_columns(len(tiles), largest[0] / largest[1])
    rows, lines = ceil(len(tiles) / columns), max(len(tile.lines) for tile in tiles)
    room = ((LONGEST_SIDE + GAP) // columns - GAP, (LONGEST_SIDE + GAP) // rows - GAP)
    width, height = fit_inside(largest, (min(room[0], largest[0]), min(room[1], largest[1])))
    below = measure_label(lines, width)
    while rows * (height + below + GAP) - GAP > LONGEST_SIDE and min(width, height) > 64:
        width, height = round(width * 0.95), round(height * 0.95)
        below = measure_label(lines, width)
    readers = _open_tiles(tiles, (width, height), opened)
    full = (_make_even(columns * (width + GAP) - GAP), _make_even(rows * (height + below + GAP) - GAP))
    ground = np.empty((full[1], full[0], 3), np.uint8)
    ground[:] = GROUND
    places: list[tuple[int, int]] = []
    for number, tile in enumerate(tiles):
        left, top = number % columns * (width + GAP), number // columns * (height + below + GAP)
        places.append((left, top))
        ground[top + height : top + height + below, left : left + width] = draw_label(tile, width, lines)

    def draw(moment: float) -> Image:
        for reader, (left, top) in zip(readers, places, strict=True):
            ground[top : top + height, left : left + width] = reader.find_frame(moment, ending)
        return ground

    return Film(draw, *full, *_measure_film(readers))


def _lay_out_wipe(one: Tile, other: Tile, ending: Ending, opened: ExitStack) -> Film:
    largest = measure_tiles((one, other))
    inner = fit_inside(largest, (min(LONGEST_SIDE, largest[0]), min(LONGEST_SIDE, largest[1])))
    width, height = _make_even(inner[0]), _make_even(inner[1])
    left, right = _open_tiles((one, other), (width, height), opened)
    seconds, fps = _measure_film((left, right))
    corners = [_draw_corner(tile, width) for tile in (one, other)]
    thick = max(2, width // 500)

    def draw(moment: float) -> Image:
        at = round((1 - cos(2 * pi * moment / seconds)) / 2 * width)
        shown = [
            _put_corner(reader.find_frame(moment, ending), *corner)
            for reader, corner in zip((left, right), zip(corners, ("left", "right"), strict=True), strict=True)
        ]
        frame = shown[1]
        frame[:, :at] = shown[0][:, :at]
        frame[:, max(0, at - thick // 2) : at + (thick + 1) // 2] = INK
        return frame

    return Film(draw, width, height, seconds, fps)


def _draw_corner(tile: Tile, width: int) -> Image:
    """A label for a corner of the picture: words on a dark ground."""
    size = choose_text_height(width)
    words = " · ".join(tile.lines)
    font = find_font(words, size)
    lines = wrap(words.split(" · "), " · ", font, width * CORNER)
    wide = max(font.getlength(line) for line in lines)
    label = Pillow.new("RGB", (round(wide + size * 1.2), round(size * (1.4 * len(lines) + 0.6))), GROUND)
    pen = ImageDraw.Draw(label)
    for number, line in enumerate(lines):
        pen.text((size * 0.6, size * (1 + 1.4 * number)), line, INK, font, anchor="lm")
    return np.asarray(label)


def _put_corner(picture: Image, corner: Image, side: str) -> Image:
    """A copy of a picture with a label in its upper left or right corner."""
    made = picture.copy()
    height, width = corner.shape[:2]
    at = GAP if side == "left" else made.shape[1] - width - GAP
    made[GAP : GAP + height, at : at + width] = corner
    return made


def _has_sound(file: Path) -> bool:
    import av

    with av.open(str(file)) as film:
        return bool(film.streams.audio)


def _make_even(side: int) -> int:
    return side + side % 2


def _write(film: Film, dest: Path, sound: Path | None, tick: Tick) -> None:
    """Encode with libx264 at crf 18, BT.709, 4:2:0, the index in front."""
    from moviepy import VideoClip

    total = max(1, round(film.seconds * film.fps))
    done = 0

    def draw(moment: float) -> Image:
        nonlocal done
        picture = film.draw(moment + 0.5 / film.fps)
        done += 1
        tick(Progress("paint", min(done, total), total))
        return picture

    clip: Any = VideoClip(duration=total / film.fps)
    clip.frame_function, clip.size = draw, (film.width, film.height)  # given at once it would be drawn once more
    kept = ["-vf", RGB_TO_BT709, "-crf", "18", *MP4_MUXER]
    heard = f"file:{sound}" if sound is not None and _has_sound(sound) else ""
    if heard:
        kept += ["-map", "0:v", "-map", "1:a", *CODECS["mp4"][1], "-t", f"{total / film.fps:.6f}"]
    with replace_whole(dest) as part, ExitStack() as opened:
        made = part.with_suffix(".mp4")  # MoviePy chooses containers by the ending
        opened.callback(made.unlink, missing_ok=True)
        clip.write_videofile(
            str(made), fps=film.fps, codec="libx264", audio=heard or False, audio_codec="aac", preset="veryfast",
            logger=None, ffmpeg_params=kept,
        )  # fmt: skip
        made.replace(part)
