"""Fonts of titles: those that ship (assets/fonts), and of the system's the ones that have signs which they haven't."""

from __future__ import annotations

import os
import sys
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from studio.config import ASSETS
from studio.finish.text_direction import find_levels, order_runs
from studio.finish_nouns import Font
from studio.nouns import Refusal

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

FONTS: dict[Font, str] = {
    "sans": "Inter-Medium.ttf",
    "bold": "Inter-Bold.ttf",
    "serif": "SourceSerif4-SemiBold.ttf",
    "serif_italic": "SourceSerif4-SemiBoldItalic.ttf",
    "condensed": "RobotoCondensed-Bold.ttf",
    "mono": "JetBrainsMono-Medium.ttf",
}
"""The file of each font that ships: Latin, Cyrillic and Greek, under the SIL Open Font License."""

BITMAP_SIZES = (109, 160, 136, 128, 96)
"""Sizes in pixels that colour fonts made of pictures have, as Noto Color Emoji."""

_LIKELY = ("notocoloremoji", "seguiemj", "apple color emoji", "cjk", "noto", "dejavu", "arial unicode", "unifont")
_PROBE = 64


class Face(NamedTuple):
    """A font file, one of a collection by its number, and the one size it has, 0 for any."""

    file: str
    number: int = 0
    only: int = 0


class Run(NamedTuple):
    """Signs that one font has, next to each other, all read in one direction."""

    text: str
    face: Face
    is_leftward: bool = False


KEYCAP, COLOURED, JOINER = "\u20e3", "\ufe0f", "\u200d"


def split_runs(text: str, font: Font, base: int = 0) -> list[Run]:
    """A line in runs from left to right, each with a font that has its signs. `base`: the level of its paragraph, 1 for
    one that is read from right to left. Raises `Refusal` where no font here has a sign."""
    own = Face(str(ASSETS / "fonts" / FONTS[font]))
    runs: list[Run] = []
    levels: list[int] = []
    place, level_of = 0, find_levels(text, base)
    for cluster in split_clusters(text):
        level, before = level_of[place], runs[-1].face if runs else own
        face = _choose_face(cluster, own, before)
        if runs and before == face and levels[-1] == level:
            runs[-1] = runs[-1]._replace(text=runs[-1].text + cluster)
        else:
            runs.append(Run(cluster, face, level % 2 == 1))
            levels.append(level)
        place += len(cluster)
    return [runs[at] for at in order_runs(levels)]


def split_clusters(text: str) -> list[str]:
    """Signs with what belongs to them: accents, joined emoji, skin tones, flags of two letters."""
    made: list[str] = []
    for sign in text:
        joins = bool(made) and (made[-1].endswith(JOINER) or (_is_joiner(sign) and not sign.isspace()))
        if joins or (made and _is_flag_letter(sign) and len(made[-1]) == 1 and _is_flag_letter(made[-1])):
            made[-1] += sign
        else:
            made.append(sign)
    return made


def is_emoji(cluster: str) -> bool:
    """Whether a cluster is meant to be seen as a coloured picture."""
    return ord(cluster[0]) >= 0x1F000 or COLOURED in cluster or KEYCAP in cluster


def _choose_face(cluster: str, own: Face, last: Face) -> Face:
    sign = KEYCAP if KEYCAP in cluster else cluster[0]
    if _is_joiner(sign) and sign != KEYCAP:
        return own if sign.isspace() and _is_coloured(last) else last  # an emoji's blank is as wide as an emoji
    found = find_face(sign) if is_emoji(cluster) else None
    if found and _is_coloured(found):
        return found
    if has_sign(own, sign):
        return own
    if has_sign(last, sign):
        return last
    found = find_face(sign)
    if found is None:
        name = unicodedata.name(sign, f"U+{ord(sign):04X}").lower()
        raise Refusal(
            f"No font on this computer has the sign {sign} ({name}).",
            "Leave it out, or install a font that has it, such as Noto Sans CJK or Noto Color Emoji.",
        )
    return found


def _is_coloured(face: Face) -> bool:
    return bool(face.only) or "emoji" in face.file.lower()


def _is_flag_letter(sign: str) -> bool:
    return 0x1F1E6 <= ord(sign) <= 0x1F1FF


def _is_joiner(sign: str) -> bool:
    """Whether a sign belongs to the one before it: blanks, accents, joiners, variants, skin tones."""
    return sign.isspace() or unicodedata.category(sign) in ("Mn", "Me", "Cf", "Cc") or 0x1F3FB <= ord(sign) <= 0x1F3FF


@lru_cache(64)
def open_face(face: Face, size: int) -> FreeTypeFont:
    """A face at a size in pixels, or at the only size it has. Raises `OSError`."""
    from PIL import ImageFont

    return ImageFont.truetype(face.file, face.only or size, face.number)


@lru_cache(8192)
def has_sign(face: Face, sign: str) -> bool:
    """Whether a face has a sign: it draws it otherwise than what it hasn't."""
    from PIL import ImageFont

    try:
        font = ImageFont.truetype(face.file, face.only or _PROBE, face.number, layout_engine=ImageFont.Layout.BASIC)
        drawn, missing = (bytes(font.getmask(one)) for one in (sign, "\uffff"))
    except (OSError, ValueError):
        return False
    return bool(drawn) and drawn != missing


@lru_cache(1024)
def find_face(sign: str) -> Face | None:
    """A font of the system that has a sign, colour first for emoji; None where none has it."""
    return next((face for face in _list_faces() if has_sign(face, sign)), None)


@cache
def _list_faces() -> tuple[Face, ...]:
    """The system's fonts, those that have many signs first."""
    files = [
        file
        for folder in _list_folders()
        for file in folder.rglob("*")
        if file.suffix.lower() in (".ttf", ".otf", ".ttc")
    ]
    ranks = {file: next((at for at, name in enumerate(_LIKELY) if name in file.name.lower()), 99) for file in files}
    found = []
    for file in sorted(files, key=lambda one: (ranks[one], "regular" not in one.name.lower(), len(one.name), str(one))):
        face = _open_any(str(file))
        if face is not None:
            found.append(face)
    return tuple(found)


def _open_any(file: str) -> Face | None:
    from PIL import ImageFont

    for only in (0, *BITMAP_SIZES):
        try:
            ImageFont.truetype(file, only or _PROBE)
            return Face(file, 0, only)
        except OSError:
            continue
    return None


def _list_folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "win32":
        folders = [
            Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts",
            home / "AppData/Local/Microsoft/Windows/Fonts",
        ]
    elif sys.platform == "darwin":
        folders = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    else:
        folders = [
            Path("/usr/share/fonts"),
            Path("/usr/local/share/fonts"),
            home / ".local/share/fonts",
            home / ".fonts",
        ]
    return [folder for folder in folders if folder.is_dir()]
