"""Prompts for the photos of a batch, from a text or CSV file: photo n with prompt n, or by the photo's name."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from studio.batch.batch_nouns import MOST_PHOTOS
from studio.batch.photo_sources import LONGEST_WORDS, decode_text
from studio.nouns import Refusal

MOST_BYTES = 4 * LONGEST_WORDS * MOST_PHOTOS
NAMES = ("photo", "file", "name", "image")
WORDS = ("prompt", "motion", "words", "caption")


class Prompts(NamedTuple):
    """Prompts in their order, and those that name a photo, by its name (or FOLDER/NAME) in small letters."""

    ordered: tuple[str, ...] = ()
    named: dict[str, str] | None = None

    def find(self, at: int, name: str, folder: str = "") -> str:
        """The prompt of photo number `at` (from 0) called `name` in `folder`; "" without one."""
        if self.named is not None:
            return next((words for key in _list_keys(name, folder) if (words := self.named.get(key))), "")
        return self.ordered[at] if at < len(self.ordered) else ""

    def find_unused(self, photos: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """What has a prompt and no photo: names, or the prompts after the last photo. photos: (name, folder) of each,
        in their order.
        """
        if self.named is None:
            return tuple(filter(None, self.ordered[len(photos) :]))
        known = {key for name, folder in photos for key in _list_keys(name, folder)}
        return tuple(name for name, words in self.named.items() if words and name not in known)


def _list_keys(name: str, folder: str) -> tuple[str, ...]:
    """What may stand for a photo in a file of prompts, the most exact first."""
    low = _fold(name)
    stem = Path(low).stem
    return (f"{_fold(folder)}/{low}", f"{_fold(folder)}/{stem}", low, stem)


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def read_prompts(file: Path) -> Prompts:
    """The prompts of a text file, one a line and an empty one for a photo without; or of a CSV file.

    A CSV file with a heading has its prompts under prompt, motion, words or caption, and under photo, file, name or
    image whose each is; without one its first column is read. Raises `Refusal` for what can't be read.
    """
    try:
        data = file.expanduser().read_bytes()[: MOST_BYTES + 1]
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Refusal(f"{file.name} can't be read ({why}).", "Give a text or a CSV file.") from None
    if len(data) > MOST_BYTES:
        raise Refusal(f"{file.name} is too long for a file of prompts.", "Write one a line.")
    return parse_prompts(data, called=file.name)


def parse_prompts(data: bytes, *, called: str) -> Prompts:
    """The same from the file's bytes; `called` NAME.csv or NAME.tsv it is a table."""
    try:
        text = decode_text(data)
    except UnicodeDecodeError:
        raise Refusal(f"{called} isn't a text in UTF-8.", "Save it as plain text, UTF-8.") from None
    if not called.lower().endswith((".csv", ".tsv")):
        return Prompts(tuple(_tidy(line) for line in text.splitlines()))
    rows = _read_rows(text, called)
    head = [cell.strip().casefold() for cell in rows[0]] if rows else []
    words, photo = _find_column(head, WORDS), _find_column(head, NAMES)
    if words is None:
        return Prompts(tuple(_tidy(row[0]) if row else "" for row in rows))
    if photo is None:
        return Prompts(tuple(_get(row, words) for row in rows[1:]))
    return Prompts(named={_fold(_get(row, photo)): _get(row, words) for row in rows[1:]})


def _read_rows(text: str, called: str) -> list[list[str]]:
    """Rows of cells, between commas, or what stands most often in the first line of those, semicolons and tabs."""
    first = text.lstrip().partition("\n")[0]
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count)))
    except csv.Error as error:
        raise Refusal(f"{called} isn't a CSV file ({error}).", "Save it again, or write one prompt a line.") from None


def _find_column(head: Sequence[str], names: Sequence[str]) -> int | None:
    return next((at for at, cell in enumerate(head) if cell in names), None)


def _get(row: Sequence[str], at: int) -> str:
    return _tidy(row[at]) if at < len(row) else ""


def _tidy(words: str) -> str:
    return " ".join(words.split())[:LONGEST_WORDS]
