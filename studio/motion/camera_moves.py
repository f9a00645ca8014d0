"""The camera moves: one row each, read from words/camera_moves.toml, and where a line of a prompt names one or the next
one.

Left, right, in and out are the cinematographer's: the word says where the camera goes. What an engine makes of a row's
curve is its own (studio/engines/parallax/camera_path.py).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from studio.motion.vocabulary import forms, inflect
from studio.nouns import Camera, Motion, Move, MoveName, Noun, Refusal

Axis = Literal["x", "y", "yaw", "pitch", "roll", "lens", "circle", "vertigo", "travel", "hand"]
"""What a move may go along: sideways, down, turned right, turned up, tipped right, zoomed in, round the subject, a
dolly that the lens undoes, a dolly, and the unrest of a hand."""

Curve = dict[Axis, float]
Phrase = tuple[int, str]


class CameraMove(Noun, frozen=True):
    """A row of the table, which explains its fields: words/camera_moves.toml."""

    name: MoveName
    title: str
    sees: str
    says: str
    tile: str
    place: int
    scene: tuple[float, float, float, float, float, float, float]
    mark: str
    aliases: tuple[str, ...] = ()
    far: str = " far"
    called: str = ""
    way: str = ""
    opposite: MoveName | None = None
    beside: str = ""
    curve: Curve = msgspec.field(default_factory=dict)
    sided: bool = False
    group: str = ""
    again: tuple[str, ...] = ()
    aims: bool = False
    passes: bool = False
    phrases: tuple[Phrase, ...] = ()
    spoken: tuple[Phrase, ...] = ()


class _Table(Noun, frozen=True):
    """The file: the parts that phrases are made of, and the rows in the order in which moves are listed."""

    parts: dict[str, str]
    moves: tuple[CameraMove, ...]


_TABLE = msgspec.toml.decode((Path(__file__).parent / "words/camera_moves.toml").read_bytes(), type=_Table)
MOVES: dict[MoveName, CameraMove] = {row.name: row for row in _TABLE.moves}
STATIC: MoveName = next(row.name for row in _TABLE.moves if not row.curve)
"""The camera that holds still."""


def normalise(words: str) -> str:
    """Words as they are compared: lower case, one space between them."""
    return re.sub(r"[\s_\-]+", " ", words.strip().lower())


_NAMES: dict[str, MoveName] = {
    normalise(word): row.name for row in _TABLE.moves for word in (row.name, row.title, *row.aliases)
}


def parse_move(words: str) -> MoveName:
    """The move that a person's words name: "dolly in", "Dolly-In", "push in". Raises `Refusal` listing the moves."""
    name = _NAMES.get(normalise(words))
    if name is None:
        known = ", ".join(row.title.lower() for row in _TABLE.moves)
        raise Refusal(f"There is no camera move called {words!r}.", f"Choose from: {known}.")
    return name


def parse_moves(words: list[str], amount: float) -> tuple[Move, ...]:
    """Moves from words, all at one amount (0..1). Raises `Refusal` for a word that names none."""
    return tuple(Move(parse_move(word), amount) for word in words)


def describe_camera(camera: Camera) -> str:
    """The camera in one short phrase: "dolly in with tilt up, then orbit left, looped"."""
    legs = [
        " with ".join(MOVES[move.name].title.lower() for move in each if is_moving(move)) or MOVES[STATIC].title.lower()
        for each in (camera.moves, *(leg.moves for leg in camera.then))
    ]
    return ", then ".join(legs) + (", looped" if camera.loop else "")


def name_move(name: MoveName) -> str:
    """What a move is called in a sentence: "push in"."""
    return MOVES[name].called or MOVES[name].title.lower()


def is_shaken(name: MoveName) -> bool:
    """Whether a move is a hand's unrest."""
    return "hand" in MOVES[name].curve


def has_circle(name: MoveName) -> bool:
    """Whether a move goes round the subject."""
    return "circle" in MOVES[name].curve


def is_moving(move: Move) -> bool:
    """Whether a move goes anywhere."""
    return move.name != STATIC and move.amount > 0


def goes(camera: Camera) -> bool:
    """Whether the camera moves at all, in any of its legs."""
    return any(is_moving(move) for move in camera.moves) or any(
        is_moving(move) for leg in camera.then for move in leg.moves
    )


def is_still(motion: Motion) -> bool:
    """Whether nothing is asked to move: the camera holds, and there is no effect."""
    return not (goes(motion.camera) or any(effect.amount > 0 for effect in motion.effects))


# Words that name a move, and words that put moves in sequence ---------------------------------------------------------

MOST = 4
"""Legs of a camera's way at most: the first moves and three more."""

_NEXT = re.compile(
    r"\b(?:then|after (?:that|this|which)|afterwards?|thereafter|next|finally|lastly|eventually|followed by|before"
    r"|later|ends? (?:with|on|by|in)|ending (?:with|on|by|in)|finish(?:es|ing)? (?:with|on|by)|to finish"
    r"|clos(?:es|ing) with|second(?:ly)?|third(?:ly)?|at last|at the end|in the end|once there|from there"
    r"|transition(?:s|ing)? (?:to|into))\b"
)
_LATER = re.compile(r"\b(?:at the end|in the end|at last|afterwards?)$")
_FIRST = re.compile(r"\b(?:start|begin|open)(?:s|ing|ning)? (?:with|on|by)\b|^(?:at )?first(?:ly)?\b")
_OPENERS = {
    "after": ("that", "this", "which"), "followed": ("by",), "at": ("last", "first"), "once": ("there",),
    "from": ("there",), "before": ("it",),
}  # fmt: skip
_BOUNDS = forms("end finish close start begin open")
_WITH = frozenset({"with", "in"})
_BEFORE = re.compile(r"^(?:and |but |right |just |shortly )?after (?!that\b|this\b|which\b|wards)")


def is_later(before: str) -> bool:
    """Whether words between two moves, or before the first of a clause, put what comes after them later."""
    return find_turn(before, 0, len(before)) >= 0


def find_turn(line: str, start: int, end: int) -> int:
    """Where, from the character `start` to `end`, a line turns to what comes later; -1 where it doesn't."""
    found = _NEXT.search(line, start, end)
    return found.start() if found else -1


def find_order_words(line: str) -> list[tuple[int, int]]:
    """The characters of a line that only say in which order things happen."""
    return [found.span() for pattern in (_NEXT, _FIRST) for found in pattern.finditer(line)]


def count_opener(lows: list[str], at: int = 0) -> int:
    """How many words from `at` on are such an order of two words: "followed by"."""
    low, after = lows[at], lows[at + 1] if at + 1 < len(lows) else ""
    return 2 if after in _OPENERS.get(low, ()) or (low in _BOUNDS and after in _WITH) else 0


def is_bound(low: str) -> bool:
    """Whether a word says that something begins or ends so, before "with"."""
    return low in _BOUNDS


def is_last(after: str) -> bool:
    """Whether words after a move put it last: "orbit left at the end"."""
    return _LATER.search(after) is not None


def is_before(line: str) -> bool:
    """Whether a clause says what comes before that which follows it: "after panning left, push in"."""
    return _BEFORE.match(line) is not None


class NamedMove(NamedTuple):
    """A move that a line names, and where: the characters from `start` to `end`."""

    name: MoveName
    start: int
    end: int


def _expand(phrase: str) -> str:
    """A phrase of the table as a pattern: <LEFT> is one of its parts, <push pull> any form of these verbs."""
    return _GAP.sub(lambda gap: _expand(_TABLE.parts[gap[1]]) if gap[1].isupper() else _match_any_form(gap[1]), phrase)


_GAP = re.compile(r"<([A-Z_]+|[a-z ]+)>")


def _match_any_form(verbs: str) -> str:
    return "(?:" + "|".join(dict.fromkeys(form for verb in verbs.split() for form in inflect(verb))) + ")"


Patterns = tuple[tuple[MoveName, re.Pattern[str]], ...]


@cache
def compile_patterns(weak: bool) -> Patterns:
    """What names a move wherever it stands, or (weak) only where the camera is spoken of. Compiled on first use: that
    takes long.

    Tried in their order: what is read by one is not read by those after it.
    """
    ranked = [
        (rank, row.name, phrase) for row in MOVES.values() for rank, phrase in (row.spoken if weak else row.phrases)
    ]
    return tuple((name, re.compile(rf"\b(?:{_expand(phrase)})(?![\w'])")) for _, name, phrase in sorted(ranked))


_AGAIN = re.compile(
    r"\b(?:and then|and|then) (?:back )?(?:to the )?(left|right|up|down|upwards?|downwards?|forwards?|back|in|out)\b"
    r"(?! (?:the|a|of)\b)"
)
_SIDE = re.compile(r"\b(left|right|up|down|clockwise|anti ?clockwise|counter ?clockwise)(?:ward|wards)?(?: \w+)? $")
_SIDED = re.compile(r"\b(?:left|right|up|down|clockwise)")
_LEFTWARDS = re.compile(rf"\b(?:{_expand('<FROM_RIGHT>|left|leftwards?|<CLOCKWISE>')})(?! to (?:the )?right)\b")


def find_next_move(name: MoveName, way: str) -> MoveName | None:
    """The move that goes on another way than `name` did, None when it can't: "pan left, then right"."""
    group, said = MOVES[name].group, way.removesuffix("s").removesuffix("ward")
    return next((row.name for row in MOVES.values() if group and row.group == group and said in row.again), None)


def find_more_moves(line: str, found: list[NamedMove]) -> list[NamedMove]:
    """Further ways that the moves of a line go: "moves up and to the right"."""
    more: list[NamedMove] = []
    for match in _AGAIN.finditer(line):
        before = [one for one in found if one.end <= match.start() + 1]
        if before and not any(one.start < match.end() and match.start(1) < one.end for one in found):
            name = find_next_move(before[-1].name, match[1])
            more += [NamedMove(name, match.start(1), match.end())] if name else []
    return more


def resolve_side(one: NamedMove, line: str, unread: str, part: str) -> MoveName:
    """A move with its side, where that is said elsewhere than right after it: "circles her clockwise", "a leftward
    pan".

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
    if way.endswith(
        "clockwise"
    ):  # seen from above a clockwise orbit goes left; seen from behind a clockwise roll goes right
        turned = (way == "clockwise") == circles
    return other if turned else row.name
