"""The table of camera moves: title, what the viewer sees, and other words that mean it.

Left, right, in and out are the cinematographer's: the word says where the camera goes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from studio.nouns import Camera, Move, MoveName, Refusal, Shot


class MoveInfo(NamedTuple):
    """A move as the page and the command line show it: title, what the viewer sees, and other words that mean it."""

    title: str
    sees: str
    aliases: tuple[str, ...] = ()


MOVES: dict[MoveName, MoveInfo] = {
    "static": MoveInfo("Static", "the camera holds still", ("still", "locked", "none", "hold")),
    "dolly_in": MoveInfo("Dolly in", "the camera travels in; near things grow faster", ("dolly", "push in", "push")),
    "dolly_out": MoveInfo("Dolly out", "the camera travels back; near things shrink faster", ("pull out", "pull back")),
    "truck_left": MoveInfo("Truck left", "the camera slides left; the picture moves right", ("slide left",)),
    "truck_right": MoveInfo("Truck right", "the camera slides right; the picture moves left", ("truck", "slide right")),
    "crane_up": MoveInfo("Crane up", "the camera rises; the picture moves down", ("crane", "pedestal up", "rise")),
    "crane_down": MoveInfo("Crane down", "the camera sinks; the picture moves up", ("pedestal down", "sink")),
    "pan_left": MoveInfo("Pan left", "the camera turns left; the picture moves right"),
    "pan_right": MoveInfo("Pan right", "the camera turns right; the picture moves left", ("pan",)),
    "tilt_up": MoveInfo("Tilt up", "the camera looks up; the picture moves down", ("tilt",)),
    "tilt_down": MoveInfo("Tilt down", "the camera looks down; the picture moves up"),
    "orbit_left": MoveInfo("Orbit left", "the camera circles left around the subject", ("arc left",)),
    "orbit_right": MoveInfo("Orbit right", "the camera circles right around the subject", ("orbit", "arc", "arc right")),
    "zoom_in": MoveInfo("Zoom in", "the lens closes in; everything grows alike", ("zoom",)),
    "zoom_out": MoveInfo("Zoom out", "the lens opens; everything shrinks alike"),
    "roll_left": MoveInfo("Roll left", "the camera tips left; the picture turns clockwise"),
    "roll_right": MoveInfo("Roll right", "the camera tips right; the picture turns anticlockwise", ("roll",)),
    "dolly_zoom_in": MoveInfo("Dolly zoom in", "the subject keeps its size while the world stretches", ("dolly zoom", "vertigo")),
    "dolly_zoom_out": MoveInfo("Dolly zoom out", "the subject keeps its size while the world closes up"),
    "handheld": MoveInfo("Handheld", "the camera breathes in a hand", ("hand held", "shake")),
    "push_orbit_left": MoveInfo("Push and orbit left", "the camera travels in while circling left"),
    "push_orbit_right": MoveInfo("Push and orbit right", "the camera travels in while circling right", ("push and orbit",)),
}  # fmt: skip


def plain(words: str) -> str:
    """Words as they are compared: lower case, one space between them."""
    return re.sub(r"[\s_\-]+", " ", words.strip().lower())


_NAMES: dict[str, MoveName] = {plain(word): name for name, info in MOVES.items() for word in (name, info.title, *info.aliases)}


def parse(words: str) -> MoveName:
    """The move that a person's words name: "dolly in", "Dolly-In", "push in". Raises `Refusal` listing the moves."""
    name = _NAMES.get(plain(words))
    if name is None:
        known = ", ".join(info.title.lower() for info in MOVES.values())
        raise Refusal(f"There is no camera move called {words!r}.", f"Choose from: {known}.")
    return name


def describe(camera: Camera) -> str:
    """The camera in one short phrase: "dolly in with tilt up, then orbit left, looped"."""
    legs = [
        " with ".join(MOVES[move.name].title.lower() for move in each if moving(move)) or "static"
        for each in (camera.moves, *(leg.moves for leg in camera.then))
    ]
    return ", then ".join(legs) + (", looped" if camera.loop else "")


def moves(words: list[str], amount: float) -> tuple[Move, ...]:
    """Moves from words, all at one amount (0..1). Raises `Refusal` for a word that names none."""
    return tuple(Move(parse(word), amount) for word in words)


def moving(move: Move) -> bool:
    """Whether a move goes anywhere."""
    return move.name != "static" and move.amount > 0


def goes(camera: Camera) -> bool:
    """Whether the camera moves at all, in any of its legs."""
    return any(moving(move) for move in camera.moves) or any(moving(move) for leg in camera.then for move in leg.moves)


def still(shot: Shot) -> bool:
    """Whether nothing in a shot is asked to move: the camera holds and ends where it begins, and there is no effect."""
    return not (goes(shot.motion.camera) or shot.end or any(effect.amount > 0 for effect in shot.motion.effects))
