"""Sentence templates of the prompt builder: one for every camera move and effect, each read back to exactly that."""

from __future__ import annotations

from studio.motion.ambient_effects import EFFECTS
from studio.motion.camera_moves import MOVES, STATIC, is_moving
from studio.nouns import Camera, Effect, Leg, Move, Speed

SUBJECT = "the subject"
"""Whom a camera goes round where nobody is named: the words of the table's sentences."""

PACES: dict[Speed, str] = {"slow": "slowly ", "normal": "", "fast": "quickly "}
LIMITS = (0.34, 0.67)
"""Where amounts are said differently: up to the first, up to the second, and over it."""

EFFECT_AMOUNTS, MOVE_AMOUNTS = (0.3, 0.5, 0.9), (0.3, 0.6, 0.9)
"""What each way of saying how much stands for: gently or slightly, nothing said, strongly or far."""

WAYS = (
    "",
    " down to the right",
    " downwards",
    " down to the left",
    " to the left",
    " up to the left",
    " upwards",
    " up to the right",
)
"""Which way, in steps of 45 degrees clockwise from rightwards, which goes without saying."""

_DRIVEN = (
    0,
    0,
    2,
    4,
    4,
    4,
    2,
    0,
)  # of eight ways, which one of three it takes that falls or rises and is only driven aside


def bucket(amount: float) -> int:
    """Which way an amount is said: 0 a little, 1 plainly, 2 a lot."""
    return sum(amount > limit for limit in LIMITS)


def octant(direction: float) -> int:
    """The nearest of eight ways to a direction in degrees: 0 right, 2 down, 4 left, 6 up."""
    return round(direction / 45) % 8


def say_way(one: Effect) -> str:
    """Which way an effect goes, as it is said: " to the left"; "" for rightwards and for what goes nowhere."""
    row = EFFECTS[one.name]
    if not row.directed:
        return ""
    step = octant(one.direction)
    if row.upright:
        step = _DRIVEN[step]
        return f" {row.upright}" if step == 2 else WAYS[step]
    return WAYS[step]


def pick_moving(camera: Camera | Leg) -> tuple[Move, ...]:
    """The moves that move, of a camera before its legs or of a leg."""
    return tuple(move for move in camera.moves if is_moving(move))


def say_move(one: Move) -> str:
    """One move, after "The camera": "pans slightly left"."""
    row = MOVES[one.name]
    return row.says.format((" slightly", "", row.far)[bucket(one.amount)])


def say_camera(said: Camera, on: str = "") -> str:
    """The camera in one sentence, leg after leg, "" when nothing is said of it.

    `on` is whom or what it is about, if it isn't said elsewhere.
    """
    if not said.moves:
        return ""
    legs = [_describe_leg(leg) for leg in (said, *said.then)]
    if on:
        at = next((at for at, leg in enumerate(legs) if SUBJECT in leg), 0)
        legs[at] = legs[at].replace(SUBJECT, on, 1) if SUBJECT in legs[at] else f"{legs[at]} on {on}"
    if not said.then:
        return f"The camera {legs[0]}."
    return f"First the camera {legs[0]}{''.join(f', then it {leg}' for leg in legs[1:])}."


def _describe_leg(leg: Camera | Leg) -> str:
    """What the camera does at once, after "The camera": "slowly pushes in and tilts up"."""
    verbs = [say_move(one) for one in pick_moving(leg)] or [MOVES[STATIC].says]
    line = verbs[0] if len(verbs) == 1 else f"{', '.join(verbs[:-1])} and {verbs[-1]}"
    return f"{PACES[leg.speed] if pick_moving(leg) else ''}{line}"


def say_effect(one: Effect) -> str:
    """An effect in one sentence."""
    row = EFFECTS[one.name]
    return row.says.format(how=row.hows[bucket(one.amount)], way=say_way(one)) + "."


def _list_said() -> dict[str, Effect]:
    found: dict[str, Effect] = {}
    for name, row in EFFECTS.items():
        for amount in EFFECT_AMOUNTS:
            for step in (0, 4, 2, 6, 1, 3, 5, 7) if row.directed else (0,):
                one = Effect(name, amount, direction=step * 45.0)
                found.setdefault(say_effect(one)[:-1].lower(), one)
    return found


SAID = _list_said()
"""Every sentence about an effect, in lower case and without its full stop, and the effect it is said of."""
