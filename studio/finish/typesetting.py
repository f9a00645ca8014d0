"""Titles as pictures: lines broken evenly, set within what a platform leaves uncovered, legible on any picture.

Sizes are shares of the frame's shorter side. Text is shaped by Raqm where Pillow has it: kerning, ligatures, scripts
from right to left.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.finish.overlays import Overlay, make_overlay
from studio.finish.text_direction import find_base
from studio.finish.title_arrangement import MARGIN, Area, Box, Size, arrange, find_width
from studio.finish.title_fonts import Face, Run, is_emoji, open_face, split_clusters, split_runs
from studio.finish_nouns import Spot, TitleKind
from studio.nouns import Refusal, Title

Bytes = NDArray[np.uint8]

SIZES: dict[TitleKind, float] = {"title": 0.094, "caption": 0.05, "date": 0.04, "place": 0.046}
"""How large each kind is by itself; a caption's is what subtitles on phones have."""

SPOTS: dict[TitleKind, Spot] = {"title": "middle", "caption": "bottom", "date": "bottom_left", "place": "bottom_left"}
"""Where each kind stands by itself."""

LEADING = 1.22
"""From one base line to the next, in letter heights."""

GAP, PLATE_GAP = 0.45, 0.9
"""Between two titles, in letter heights: bare ones, and ones that stand on plates."""

SHARES = (1.0, 0.9, 0.8, 0.7, 0.6)
"""Text that doesn't fit is made smaller, to these shares of its size; then it is refused."""

EMOJI_SHARE = 1.15

NOT_FIRST = frozenset("、。，．！？：；」』）》】〕〉・…‥ー々ゝ゛゜ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ")
NOT_LAST = frozenset("「『（《【〔〈")
"""Signs that no line begins with, and that none ends with (JIS X 4051)."""


class Block(NamedTuple):
    """A title as it is set: RGBA, (h, w, 4), with `pad` pixels round its text for shadow or plate; `height` and `width`
    of the text itself, `size` of a letter."""

    picture: Bytes
    pad: int
    width: int
    height: int
    size: int


def set_titles(
    titles: tuple[Title, ...], size: Size, seconds: float, area: Area, logo: Box | None = None
) -> tuple[Overlay, ...]:
    """The titles of a clip of this size (width, height) and length, within `area`, none upon another or upon the
    `logo`. Raises `Refusal` for one that doesn't fit, can't be drawn, or is never seen.
    """
    return tuple(
        make_overlay(
            block.picture, x - block.pad, y - block.pad, start=title.start, end=min(title.end or seconds, seconds),
            fade=title.fade, size=size,
        )
        for title, (block, x, y) in zip(titles, _set_blocks(titles, size, seconds, area, logo), strict=True)
    )  # fmt: skip


def find_titles(
    titles: tuple[Title, ...], size: Size, seconds: float, area: Area, logo: Box | None = None
) -> list[tuple[int, int, int, int]]:
    """Where the text of each stands: x, y, width, height in pixels. Raises `Refusal` as `set_titles` does."""
    return [(x, y, block.width, block.height) for block, x, y in _set_blocks(titles, size, seconds, area, logo)]


def _set_blocks(
    titles: tuple[Title, ...], size: Size, seconds: float, area: Area, logo: Box | None
) -> list[tuple[Block, int, int]]:
    """Each title as a picture, and where its text begins."""
    for title in titles:
        if title.start >= min(title.end or seconds, seconds):
            raise Refusal(
                f"The clip lasts {seconds:.1f} s, and “{title.text[:40]}” would be seen from {title.start:g} s on.",
                "Let it be seen while the clip lasts.",
            )
    for share in SHARES:
        blocks = [set_block(title, size, area, share) for title in titles]
        boxes = [
            Box(
                one.width, one.height, find_spot(title), title.start, min(title.end or seconds, seconds),
                (PLATE_GAP if title.ground == "plate" else GAP) * one.size,
            )
            for one, title in zip(blocks, titles, strict=True)
        ]  # fmt: skip
        places = arrange(boxes, size, area, logo)
        if len(places) == len(titles):
            return [(block, *place) for block, place in zip(blocks, places, strict=True)]
    raise Refusal(
        "These titles don't fit beside each other.", "Make them shorter or smaller, or show one after another."
    )


def find_spot(title: Title) -> Spot:
    """Where a title stands: the spot it was given, else its kind's own."""
    return title.place or SPOTS[title.kind]


# One block -----------------------------------------------------------------------------------------------------------


def set_block(title: Title, size: Size, area: Area, most: float = 1.0) -> Block:
    """One title as a picture, at `most` 0..1 of its size. Raises `Refusal` where it doesn't fit even when it is
    smaller."""
    short = min(size)
    room = (
        find_width(find_spot(title), area) * size[0] - 2 * MARGIN * short,
        (area.bottom - area.top) * size[1] - 2 * MARGIN * short,
    )
    wanted = max(8, round((title.size or SIZES[title.kind]) * short))
    for share in (one for one in SHARES if one <= most):
        letter = max(8, round(wanted * share))
        lines = break_lines(title, letter, room[0])
        width = max(measure_line(line, letter) for line in lines)
        height = letter + (len(lines) - 1) * LEADING * letter
        if width <= room[0] + 1 and height <= room[1]:
            return _draw_block(title, lines, letter, round(width))
    raise Refusal(
        f"“{title.text[:40]}” is too long for the picture.",
        "Make it shorter or smaller, or break it into several titles.",
    )


def break_lines(title: Title, letter: int, room: float) -> list[list[Run]]:
    """The text in lines of at most `room` pixels, all about equally long."""
    lines: list[list[Run]] = []
    for paragraph in title.text.replace("\r\n", "\n").split("\n"):
        base = find_base(paragraph)
        words = _split_words(" ".join(paragraph.split()))
        if not words:
            continue
        fewest = _fill(words, title, letter, room)
        low, high = room / (len(fewest) + 1), room
        for _ in range(9 if len(fewest) > 1 else 0):  # the narrowest that takes no line more
            middle = (low + high) / 2
            if len(_fill(words, title, letter, middle)) > len(fewest):
                low = middle
            else:
                high = middle
        lines += [split_runs(line, title.font, base) for line in _fill(words, title, letter, high)]
    if not lines:
        raise Refusal("A title has no words.", "Write some, or take it away.")
    return lines


def _split_words(text: str) -> list[str]:
    """Words with the blank before them; scripts that are written without blanks, and emoji, may be broken at every
    sign, but for those that begin no line or end none."""
    words: list[str] = []
    before = " "
    for cluster in split_clusters(text):
        is_free = cluster == " " or _is_wide(cluster) or (_is_wide(before) and cluster not in NOT_FIRST)
        if not words or (is_free and cluster not in NOT_FIRST and before not in NOT_LAST):
            words.append(cluster)
        else:
            words[-1] += cluster
        before = cluster
    return words


def _is_wide(cluster: str) -> bool:
    sign = cluster[0]
    cjk = "\u2e80" <= sign <= "\u9fff" or "\uac00" <= sign <= "\ud7af" or "\uf900" <= sign <= "\ufaff"
    return cjk or "\uff00" <= sign <= "\uffef" or is_emoji(cluster)


def _fill(words: list[str], title: Title, letter: int, room: float) -> list[str]:
    lines = [""]
    for word in words:
        wider = lines[-1] + word if lines[-1] else word.lstrip()
        if lines[-1] and measure_line(split_runs(wider, title.font), letter) > room:
            lines.append(word.lstrip())
        else:
            lines[-1] = wider
    return lines


def measure_line(line: list[Run], letter: int) -> float:
    """How wide a line is in pixels."""
    return sum(_measure_run(run, letter) for run in line)


def _measure_run(run: Run, letter: int) -> float:
    length = open_face(run.face, letter).getlength(run.text, direction=find_direction(run))
    return float(length) * _scale(run.face, letter)


def find_direction(run: Run) -> str | None:
    """How Raqm is to read a run; None without Raqm, which alone knows directions."""
    return ("rtl" if run.is_leftward else "ltr") if has_raqm() else None


@cache
def has_raqm() -> bool:
    """Whether Pillow shapes text."""
    from PIL import features

    return bool(features.check("raqm"))


def _scale(face: Face, letter: int) -> float:
    """How much a face's pictures are scaled, that has one size only."""
    return EMOJI_SHARE * letter / face.only if face.only else 1.0


def _draw_block(title: Title, lines: list[list[Run]], letter: int, width: int) -> Block:
    from PIL import Image, ImageDraw

    spot = find_spot(title)
    pad = round(letter * 0.9)
    height = round(letter + (len(lines) - 1) * LEADING * letter)
    canvas = Image.new("RGBA", (width + 2 * pad, height + 2 * pad), (0, 0, 0, 0))
    pen = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        spare = width - measure_line(line, letter)
        x = pad + (0 if "left" in spot else spare if "right" in spot else spare / 2)
        y = (
            pad + number * LEADING * letter + 0.86 * letter
        )  # the base line: ascenders reach 0.73 above it, descenders 0.2
        for run in line:
            _draw_run(canvas, pen, run, (x, y), letter, title.colour)
            x += _measure_run(run, letter)
    ink = np.asarray(canvas)
    return Block(_ground(title, ink, letter, pad), pad, width, height, letter)


def _draw_run(canvas: object, pen: object, run: Run, at: tuple[float, float], letter: int, colour: str) -> None:
    from PIL import Image, ImageDraw

    font = open_face(run.face, letter)
    if not run.face.only:
        way = find_direction(run)
        pen.text(  # type: ignore[attr-defined]
            at, run.text, font=font, fill=colour, anchor="ls", embedded_color=True, direction=way
        )
        return
    wide = max(1, round(font.getlength(run.text)))
    tile = Image.new("RGBA", (wide, round(run.face.only * 1.4)), (0, 0, 0, 0))
    ImageDraw.Draw(tile).text((0, run.face.only), run.text, font=font, anchor="ls", embedded_color=True)
    scale = _scale(run.face, letter)
    tile = tile.resize((max(1, round(wide * scale)), max(1, round(tile.height * scale))), Image.Resampling.LANCZOS)
    corner = (round(at[0]), round(at[1] - run.face.only * scale))
    canvas.alpha_composite(tile, corner)  # type: ignore[attr-defined]


def _ground(title: Title, ink: Bytes, letter: int, pad: int) -> Bytes:
    """The text with what makes it legible behind it: a soft shadow or a plate, dark behind light letters and light
    behind dark ones."""
    if title.ground == "none":
        return ink
    red, green, blue = (int(title.colour[at : at + 2], 16) for at in (1, 3, 5))
    behind = 0.0 if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 96 else 255.0
    alpha = ink[..., 3].astype(np.float32) / 255
    if title.ground == "plate":
        shade = _draw_plate(alpha.shape, pad, letter)
    else:
        near = cv2.GaussianBlur(alpha, (0, 0), max(0.6, 0.035 * letter))
        far = cv2.GaussianBlur(alpha, (0, 0), 0.2 * letter)
        moved = cv2.warpAffine(near, np.float32([[1, 0, 0], [0, 1, 0.03 * letter]]), alpha.shape[::-1])
        shade = 1 - (1 - 0.5 * np.clip(moved, 0, 1)) * (1 - 0.55 * np.clip(1.6 * far, 0, 1))
    over = alpha + shade * (1 - alpha)
    colour = (ink[..., :3] * alpha[..., None] + behind * (shade * (1 - alpha))[..., None]) / np.maximum(over, 1e-6)[
        ..., None
    ]
    return np.dstack([np.rint(colour), np.rint(255 * over)]).clip(0, 255).astype(np.uint8)


def _draw_plate(shape: tuple[int, ...], pad: int, letter: int) -> NDArray[np.float32]:
    """A plate with round corners under the text, 62 % dense."""
    from PIL import Image, ImageDraw

    plate = Image.new("L", (4 * shape[1], 4 * shape[0]), 0)
    side, top = 0.5 * letter, 0.3 * letter
    box = (pad - side, pad - top, shape[1] - pad + side, shape[0] - pad + top)
    ImageDraw.Draw(plate).rounded_rectangle([4 * value for value in box], radius=4 * 0.32 * letter, fill=255)
    small = plate.resize((shape[1], shape[0]), Image.Resampling.BOX)
    return np.asarray(small, np.float32) * np.float32(0.62 / 255)
