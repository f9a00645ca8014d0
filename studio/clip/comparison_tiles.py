"""Tiles of a side-by-side film or contact sheet: a clip's frames at a tile's size, and its label drawn beneath."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from studio.clip.formats import read_outcome
from studio.nouns import Refusal
from studio.system_errors import raise_known

Image = NDArray[np.uint8]
Ending = Literal["hold", "loop"]
"""What a clip that is shorter than the longest does: it holds its last frame, or begins again."""

GROUND, PANEL, INK, QUIET, ACCENT = (16, 17, 19), (31, 33, 37), (236, 232, 225), (166, 160, 150), (255, 138, 60)
"""Colours of the dark page (assets/css/look.css), sRGB."""

CLIPS = (".mp4", ".webm", ".gif", ".webp")

GAP = 8
"""Pixels between two tiles."""

ALIKE = 0.02
"""How much two shapes (the logarithm of width over height) may differ before one tile's shape is between them."""

FONTS = (
    "DejaVuSans.ttf", "Arial.ttf", "arial.ttf", "Helvetica.ttc", "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc", "msyh.ttc", "PingFang.ttc", "Hiragino Sans GB.ttc", "NotoSansArabic-Regular.ttf",
)  # fmt: skip
"""Fonts that Debian, Windows and macOS bring, in the order they are tried; without any Pillow's own Latin one."""

MISSING = "\U0010fffd"
"""A character that no font draws: what stands for those it hasn't got."""


class Tile(NamedTuple):
    """One place of a comparison. `file` is a clip (MP4, WebM, GIF, WebP) or a still picture, None where nothing was
    made; `lines` is its label, the first line stands out; `note` is written where there is no picture; `picked` marks
    the winner."""

    file: Path | None
    lines: tuple[str, ...] = ()
    note: str = ""
    picked: bool = False


class TileReader:
    """The frames of one tile at `size` (width, height), letterboxed: uint8 RGB (height, width, 3). Close it.

    MoviePy reads MP4 and WebM, Pillow GIF, WebP and still pictures. Frames are counted in the file, because MoviePy's
    own count may be one short, and asked for by the middle of each. Raises `OSError`, `ValueError` for what can't be
    read.
    """

    def __init__(self, tile: Tile, size: tuple[int, int]) -> None:
        self.size = size
        self.num_frames, self.fps = 1, 0.0
        self._video: Any = None
        self._picture: Pillow.Image | None = None
        self._shown: tuple[int, Image] | None = None
        self._blank = _draw_note(tile.note, size)
        if tile.file is not None:
            self._open(tile.file)

    def _open(self, file: Path) -> None:
        if file.suffix.lower() in (".mp4", ".webm"):
            from moviepy import VideoFileClip

            made = read_outcome(file)
            self.num_frames, self.fps = made.num_frames, made.fps
            inner = fit_inside((made.width, made.height), self.size)
            self._video = VideoFileClip(str(file), audio=False, target_resolution=inner)
            return
        self._picture = Pillow.open(file)
        if getattr(self._picture, "n_frames", 1) > 1:
            made = read_outcome(file)
            self.num_frames, self.fps = made.num_frames, made.fps

    @property
    def seconds(self) -> float:
        """How long the clip is; 0 for a still picture."""
        return self.num_frames / self.fps if self.fps else 0.0

    def find_frame(self, moment: float, ending: Ending) -> Image:
        """The frame shown at `moment` (seconds from 0); beyond the clip's end as `ending` says."""
        index = int(moment * self.fps + 1e-6)
        return self.read_frame(index % self.num_frames if ending == "loop" else index)

    def read_frame(self, index: int) -> Image:
        """Frame `index`, from 0; beyond the last it is the last."""
        index = min(index, self.num_frames - 1)
        if self._shown is None or self._shown[0] != index:
            self._shown = (index, self._read(index))
        return self._shown[1]

    def _read(self, index: int) -> Image:
        if self._video is not None:
            return letterbox(self._video.get_frame((index + 0.5) / self.fps), self.size)
        if self._picture is None:
            return self._blank
        self._picture.seek(index)
        picture = self._picture.convert("RGB")
        inner = fit_inside(picture.size, self.size)
        return letterbox(np.asarray(picture.resize(inner, Pillow.Resampling.LANCZOS)), self.size)

    def close(self) -> None:
        """End the decoder. Safe to call twice."""
        for reader in (self._video, self._picture):
            if reader is not None:
                with suppress(OSError):
                    reader.close()


@contextmanager
def refuse_unreadable() -> Iterator[None]:
    """What MoviePy, Pillow and PyAV raise for a file they can't read, or a folder that can't be written, as a
    `Refusal`."""
    try:
        yield
    except (OSError, ValueError, LookupError) as error:
        raise_known(error)
        raise Refusal(
            "This comparison can't be written as one file.",
            "Check that its clips still play and that the folder can be written, then try again.",
        ) from error


def fit_inside(inner: tuple[int, int], outer: tuple[int, int]) -> tuple[int, int]:
    """The largest size of `inner`'s shape that fits in `outer`, in whole pixels of at least 2; a side short of it by
    less than a hundredth fills it, so that rounding leaves no line at an edge."""
    scale = min(outer[0] / inner[0], outer[1] / inner[1])
    width, height = (max(2, round(side * scale)) for side in inner)
    return outer[0] if width > 0.99 * outer[0] else width, outer[1] if height > 0.99 * outer[1] else height


def letterbox(picture: Image, size: tuple[int, int]) -> Image:
    """A picture in the middle of a tile's ground; it must not be larger than the tile."""
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    tile = np.empty((size[1], size[0], 3), np.uint8)
    tile[:] = GROUND
    top, left = (size[1] - height) // 2, (size[0] - width) // 2
    tile[top : top + height, left : left + width] = picture
    return tile


# Labels -----------------------------------------------------------------------------------------------------------


def find_font(words: str, height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font of this height in pixels that has every character of `words`, as far as one on this computer has."""
    found = [font for name in FONTS if (font := _load_font(name, height))] or [_load_own(height)]
    return next((font for font in found if _has_all(font, words)), found[0])


@lru_cache(maxsize=64)
def _load_font(name: str, height: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(name, height)
    except OSError:
        return None


@lru_cache(maxsize=8)
def _load_own(height: int) -> Any:
    return ImageFont.load_default(height)


def _has_all(font: Any, words: str) -> bool:
    """Whether no character of `words` is drawn as a missing one."""
    missing = bytes(font.getmask(MISSING))
    return all(bytes(font.getmask(one)) != missing for one in set(words) if not one.isspace())


def shorten(words: str, font: Any, width: float) -> str:
    """Words that fit in `width` pixels: cut at the end with an ellipsis where they don't."""
    if font.getlength(words) <= width:
        return words
    while words and font.getlength(words + "…") > width:
        words = words[:-1].rstrip()
    return words + "…"


def choose_text_height(width: int) -> int:
    """The height of a label's text in pixels for a tile this wide: 3 % of it, 15 to 34."""
    return min(34, max(15, round(width * 0.03)))


def measure_label(lines: int, width: int) -> int:
    """How high a label of so many lines is under a tile this wide, in pixels."""
    return round(choose_text_height(width) * (1.45 * lines + 0.9)) if lines else 0


def draw_label(tile: Tile, width: int, lines: int) -> Image:
    """A tile's label, (`measure_label(lines, width)`, width, 3): the first line bright, the others quiet."""
    size = choose_text_height(width)
    label = Pillow.new("RGB", (width, measure_label(lines, width)), GROUND)
    pen = ImageDraw.Draw(label)
    left = 2
    if tile.picked:
        pen.rounded_rectangle((left, size * 0.62, left + size * 0.28, size * 1.72), size * 0.14, ACCENT)
        left += round(size * 0.7)
    for number, words in enumerate(tile.lines[:lines]):
        font = find_font(words, size)
        written = shorten(words, font, width - left)
        pen.text((left, size * (0.55 + 1.45 * number)), written, INK if number == 0 else QUIET, font)
    return np.asarray(label)


def _draw_note(note: str, size: tuple[int, int]) -> Image:
    """A tile without a picture: why there is none, in the middle."""
    tile = Pillow.new("RGB", size, PANEL)
    pen, height = ImageDraw.Draw(tile), choose_text_height(size[0])
    font = find_font(note, height)
    lines = wrap(note.split(), " ", font, size[0] * 0.84)[: max(1, int(size[1] * 0.8 / (height * 1.45)))]
    top = (size[1] - len(lines) * height * 1.45) / 2
    for number, words in enumerate(lines):
        pen.text((size[0] / 2, top + number * height * 1.45), words, QUIET, font, anchor="ma")
    return np.asarray(tile)


def wrap(parts: Sequence[str], joint: str, font: Any, width: float) -> list[str]:
    """Lines of at most `width` pixels, each of as many parts as fit, joined; a part that doesn't is cut."""
    lines: list[str] = []
    for word in parts:
        joined = f"{lines[-1]}{joint}{word}" if lines else word
        if lines and font.getlength(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(shorten(word, font, width))
    return lines


def choose_columns(count: int, shape: float) -> int:
    """How many columns make a grid of `count` tiles of this shape (width over height) most nearly 16:9, without a row
    left empty; the more of two that are as near."""
    fits = [columns for columns in range(1, count + 1) if ceil(count / ceil(count / columns)) == columns]
    off = {columns: abs(np.log(columns * shape / ceil(count / columns) / (16 / 9))) for columns in fits}
    return min(fits, key=lambda columns: (round(off[columns], 6), -columns))


def measure_tiles(tiles: Sequence[Tile]) -> tuple[int, int]:
    """The size in pixels of the largest clip among tiles, of the largest still picture where there is no clip, else
    1280x720; where their shapes differ, as large but of the mean shape. Raises `OSError`, `ValueError`."""
    found = [(_measure_picture(tile.file), tile.file.suffix.lower()) for tile in tiles if tile.file is not None]
    sizes = [size for size, ending in found if ending in CLIPS] or [size for size, _ in found]
    width, height = max(sizes, key=lambda size: size[0] * size[1], default=(1280, 720))
    shape = float(np.exp(np.mean([np.log(wide / high) for wide, high in sizes or [(width, height)]])))
    if abs(np.log(shape * height / width)) < ALIKE:
        return width, height
    return round((width * height * shape) ** 0.5), round((width * height / shape) ** 0.5)


def _measure_picture(file: Path) -> tuple[int, int]:
    if file.suffix.lower() in (".mp4", ".webm"):
        made = read_outcome(file)
        return made.width, made.height
    with Pillow.open(file) as picture:
        return picture.size
