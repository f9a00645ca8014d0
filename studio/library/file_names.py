"""File names for downloads, that every file system takes and that lead nowhere; how names are searched and sorted."""

from __future__ import annotations

import re
import unicodedata

RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(1, 10))}
"""What Windows keeps for itself, with any ending."""

LONGEST = 120
"""Bytes of one part of a name: every file system takes 255 in all, and a browser adds " (1)"."""


def tidy(words: str, longest: int = LONGEST) -> str:
    """Words as part of a file name: letters of any script, digits, spaces and -_(),.'& only; "clip" if none is left."""
    kept = "".join(one if one.isalnum() or one in " -_(),.'&" else " " for one in unicodedata.normalize("NFC", words))
    name = re.sub(r"\s+", " ", kept).strip(" .-")
    while len(name.encode()) > longest:
        name = name[:-1].rstrip(" .-")
    return "clip" if not name or name.split(".")[0].lower() in RESERVED else name


def plain(words: str) -> str:
    """Words as they are searched: lower case, without accents, one space between them."""
    letters = unicodedata.normalize("NFKD", words.casefold())
    return " ".join("".join(one for one in letters if not unicodedata.combining(one)).split())


def sorting(words: str) -> str:
    """Words as they are sorted: plain, and numbers by their size, so that "IMG 9" comes before "IMG 10"."""
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(12), plain(words))


def apart(name: str, taken: set[str]) -> str:
    """The name, or the name with a number before its ending: one that isn't in `taken`, in any case of letters; it is
    added.
    """
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if dot else (name, "")
    found, number = name, 1
    while found.casefold() in taken:
        number += 1
        found = f"{stem} ({number}){ending}"
    taken.add(found.casefold())
    return found


def download(photo: str, camera: str, short_side: int, ending: str) -> str:
    """The name of a download: "harbour, dolly in, 720p.mp4". `photo` loses its own ending; `ending` is one with its
    dot.
    """
    stem = re.sub(r"\.[A-Za-z0-9]{2,5}$", "", photo.strip())
    return f"{tidy(stem)}, {tidy(camera, LONGEST // 2)}, {short_side}p{ending}"
