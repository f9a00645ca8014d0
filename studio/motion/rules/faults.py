"""What a rule of the prompt check is given and gives, and edits of a sentence that leave a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from studio.cards import ModelCard
from studio.motion.read_prompt import ParsedPrompt
from studio.nouns import Effect

Level = Literal["hurts", "hint"]


class CheckedPrompt(NamedTuple):
    """A sentence to check: as typed, in lower case (spans are the same in both), as read, and what it is for.

    `effects` are those set beside the words; `seconds` is the clip's length.
    """

    text: str
    low: str
    parsed: ParsedPrompt
    effects: tuple[Effect, ...]
    seconds: float
    card: ModelCard | None


class Fault(NamedTuple):
    """What a rule found. `fixed` is the sentence with this mended and nothing else looked at; "" when only the user
    can.
    """

    code: str
    level: Level
    start: int
    end: int
    reason: str
    label: str = ""
    fixed: str = ""
    negative: str = ""


Rule = Callable[[CheckedPrompt], Iterator[Fault]]


_LOOSE_END = re.compile(
    r"(?:[\s,;:–—-]|\b(?:and|but|while|as|then|with|so|yet|plus|whilst|when|because|or|there|please|also)\b)+$", re.I
)
_LOOSE_START = re.compile(r"^(?:[\s,;:–—-]|\b(?:and|but|while|whilst|then|yet|or|also|with)\b)+", re.I)
_STOP = ".!?…"


def cut(text: str, start: int, end: int) -> str:
    """The text without [start, end), its commas, connectives and capitals put right around the gap."""
    left, right = text[:start], text[end:]
    if left.rstrip() and left.rstrip()[-1] not in _STOP:
        left = _LOOSE_END.sub("", left)
    left, right = left.rstrip(), _LOOSE_START.sub("", right)
    if right[:1] in tuple(_STOP) and (not left or left[-1] in _STOP):
        right = right[1:].lstrip()
    if not left or not right or right[0] in _STOP:
        return _capitalise(text, left + right).strip()
    if left[-1] in _STOP:
        return f"{left} {right[0].upper()}{right[1:]}" if text.lstrip()[:1].isupper() else f"{left} {right}"
    return f"{left}, {right}"


def swap(text: str, start: int, end: int, words: str) -> str:
    """The text with [start, end) replaced by `words`, which take over the capital of what they replace."""
    if text[start : start + 1].isupper():
        words = words[:1].upper() + words[1:]
    elif start and not _starts_sentence(text, start):
        words = words[:1].lower() + words[1:]
    return f"{text[:start]}{words}{text[end:]}"


def add(text: str, sentence: str) -> str:
    """The text and one more sentence."""
    before = text.strip().rstrip(",;: ")
    if not before:
        return sentence
    return f"{before} {sentence}" if before[-1] in f"{_STOP}\"'”" else f"{before}. {sentence}"


def _starts_sentence(text: str, place: int) -> bool:
    return not text[:place].strip() or text[:place].rstrip()[-1] in _STOP


def _capitalise(before: str, after: str) -> str:
    """What is left, beginning with a capital where the text did."""
    return after[:1].upper() + after[1:] if before.lstrip()[:1].isupper() else after
