"""The camera moves: one row each, read from words/camera_moves.toml, and what can be asked of moves by their names.

Left, right, in and out are the cinematographer's: the word says where the camera goes. What an engine makes of a row's
curve is its own (studio/engines/parallax/path.py).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import msgspec

from studio.nouns import Camera, Motion, Move, MoveName, Noun, Refusal

Axis = Literal["x", "y", "yaw", "pitch", "roll", "lens", "circle", "vertigo", "travel", "hand"]
"""What a move may go along: sideways, down, turned right, turned up, tipped right, zoomed in, round the subject, a dolly that the
lens undoes, a dolly, and the unrest of a hand."""

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
PHRASE_PARTS = _TABLE.parts
STATIC: MoveName = next(row.name for row in _TABLE.moves if not row.curve)
"""The camera that holds still."""


def plain(words: str) -> str:
    """Words as they are compared: lower case, one space between them."""
    return re.sub(r"[\s_\-]+", " ", words.strip().lower())


_NAMES: dict[str, MoveName] = {plain(word): row.name for row in _TABLE.moves for word in (row.name, row.title, *row.aliases)}


def parse_move(words: str) -> MoveName:
    """The move that a person's words name: "dolly in", "Dolly-In", "push in". Raises `Refusal` listing the moves."""
    name = _NAMES.get(plain(words))
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
    return any(is_moving(move) for move in camera.moves) or any(is_moving(move) for leg in camera.then for move in leg.moves)


def is_still(motion: Motion) -> bool:
    """Whether nothing is asked to move: the camera holds, and there is no effect."""
    return not (goes(motion.camera) or any(effect.amount > 0 for effect in motion.effects))
