"""Words that name a camera move, and words that put moves in sequence: "push in", "then", "followed by", "ends with a".

For one line in lower case without punctuation; whether it is about the camera is for `camera_clause`. Where no side is named
it is the one `camera_moves.parse_move` takes: "orbit" is to the right, "tilt" is up.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from studio.motion.camera_moves import MOVES, PHRASE_PARTS, has_circle
from studio.motion.vocabulary import forms, inflected, words
from studio.nouns import MoveName

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


class Found(NamedTuple):
    """A move that a line names, and where: the characters from `start` to `end`."""

    name: MoveName
    start: int
    end: int


def _expand(phrase: str) -> str:
    """A phrase of the table as a pattern: <LEFT> is one of its parts, <push pull> any form of these verbs."""
    return _GAP.sub(lambda gap: _expand(PHRASE_PARTS[gap[1]]) if gap[1].isupper() else _any_form(gap[1]), phrase)


_GAP = re.compile(r"<([A-Z_]+|[a-z ]+)>")


def _any_form(verbs: str) -> str:
    return "(?:" + "|".join(dict.fromkeys(form for verb in verbs.split() for form in inflected(verb))) + ")"


Patterns = tuple[tuple[MoveName, re.Pattern[str]], ...]


@cache
def patterns(weak: bool) -> Patterns:
    """What names a move wherever it stands, or (weak) only where the camera is spoken of. Compiled on first use: that takes long.

    Tried in their order: what is read by one is not read by those after it.
    """
    ranked = [(rank, row.name, phrase) for row in MOVES.values() for rank, phrase in (row.spoken if weak else row.phrases)]
    return tuple((name, re.compile(rf"\b(?:{_expand(phrase)})(?![\w'])")) for _, name, phrase in sorted(ranked))


_AGAIN = re.compile(
    r"\b(?:and then|and|then) (?:back )?(?:to the )?(left|right|up|down|upwards?|downwards?|forwards?|back|in|out)\b(?! (?:the|a"
    r"|of)\b)"
)
_SIDE = re.compile(r"\b(left|right|up|down|clockwise|anti ?clockwise|counter ?clockwise)(?:ward|wards)?(?: \w+)? $")
_SIDED = re.compile(r"\b(?:left|right|up|down|clockwise)")
_LEFTWARDS = re.compile(rf"\b(?:{_expand('<FROM_RIGHT>|left|leftwards?|<CLOCKWISE>')})(?! to (?:the )?right)\b")


def again(name: MoveName, way: str) -> MoveName | None:
    """The move that goes on another way than `name` did, None when it can't: "pan left, then right"."""
    group, said = MOVES[name].group, way.removesuffix("s").removesuffix("ward")
    return next((row.name for row in MOVES.values() if group and row.group == group and said in row.again), None)


def more_ways(line: str, found: list[Found]) -> list[Found]:
    """Further ways that the moves of a line go: "moves up and to the right"."""
    more: list[Found] = []
    for match in _AGAIN.finditer(line):
        before = [one for one in found if one.end <= match.start() + 1]
        if before and not any(one.start < match.end() and match.start(1) < one.end for one in found):
            name = again(before[-1].name, match[1])
            more += [Found(name, match.start(1), match.end())] if name else []
    return more


def sided(one: Found, line: str, unread: str, part: str) -> MoveName:
    """A move with its side, where that is said elsewhere than right after it: "circles her clockwise", "a leftward pan".

    unread: the line with what names moves blotted out. part: what of the line is said of this move.
    """
    row = MOVES[one.name]
    other = row.opposite if row.sided and row.opposite else row.name
    circles = row.sided and has_circle(row.name)
    if circles and _LEFTWARDS.search(part):
        return other
    side = None if _SIDED.search(line[one.start : one.end]) else _SIDE.search(unread[: one.start])
    if side is None:
        return row.name
    way = side[1]
    turned = way in ("left", "down")
    if way.endswith("clockwise"):  # seen from above a clockwise orbit goes left; seen from behind a clockwise roll goes right
        turned = (way == "clockwise") == circles
    return other if turned else row.name
