"""One after the other: the words that put a camera's moves in sequence, "then", "followed by", "before", "ends with a".

Knows one line of words in lower case, without punctuation. Refuses to know the moves.
"""

from __future__ import annotations

import re

from studio.motion.lexicon import words
from studio.motion.verbs import forms

MOST = 4
"""Legs of a camera's way at most: the first moves and three more."""

_NEXT = re.compile(
    r"\b(?:then|after (?:that|this|which)|afterwards?|thereafter|next|finally|lastly|eventually|followed by|before|later"
    r"|ends? (?:with|on|by|in)|ending (?:with|on|by|in)|finish(?:es|ing)? (?:with|on|by)|to finish|clos(?:es|ing) with"
    r"|second(?:ly)?|third(?:ly)?|at last|at the end|in the end|once there|from there|transition(?:s|ing)? (?:to|into))\b"
)
_LATER = re.compile(r"\b(?:at the end|in the end|at last|afterwards?)$")
_FIRST = re.compile(r"\b(?:start|begin|open)(?:s|ing|ning)? (?:with|on|by)\b|^(?:at )?first(?:ly)?\b")
_OPENERS = {
    "after": words("that this which"), "followed": words("by"), "at": words("last first"), "once": words("there"),
    "from": words("there"), "before": words("it"),
}  # fmt: skip
_BOUNDS = forms("end finish close start begin open")
_WITH = words("with in")
_BEFORE = re.compile(r"^(?:and |but |right |just |shortly )?after (?!that\b|this\b|which\b|wards)")


def later(before: str) -> bool:
    """Whether words between two moves, or before the first of a clause, put what comes after them later."""
    return turn(before, 0, len(before)) >= 0


def turn(line: str, start: int, end: int) -> int:
    """Where, from the character `start` to `end`, a line turns to what comes later; -1 where it doesn't."""
    found = _NEXT.search(line, start, end)
    return found.start() if found else -1


def spans(line: str) -> list[tuple[int, int]]:
    """The characters of a line that only say in which order things happen."""
    return [found.span() for pattern in (_NEXT, _FIRST) for found in pattern.finditer(line)]


def opening(lows: list[str], at: int = 0) -> int:
    """How many words from `at` on are such an order of two words: "followed by"."""
    low, after = lows[at], lows[at + 1] if at + 1 < len(lows) else ""
    return 2 if after in _OPENERS.get(low, ()) or (low in _BOUNDS and after in _WITH) else 0


def bounds(low: str) -> bool:
    """Whether a word says that something begins or ends so, before "with"."""
    return low in _BOUNDS


def closes(after: str) -> bool:
    """Whether words after a move put it last: "orbit left at the end"."""
    return _LATER.search(after) is not None


def precedes(line: str) -> bool:
    """Whether a clause says what comes before that which follows it: "after panning left, push in"."""
    return _BEFORE.match(line) is not None
