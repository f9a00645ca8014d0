"""The axes of a comparison: what each is called, and what its values, as they are typed, change of a shot.

Values are read by the same words as on the command line; a wrong one is a `Refusal` that names the allowed ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, get_args

from studio.cards import ModelCard, Supports
from studio.comparison import Axis, AxisName
from studio.motion import camera_moves
from studio.motion.ambient_effects import EFFECTS, needs_brush, parse_effect, region_of
from studio.motion.read_prompt import read_motion
from studio.nouns import (
    Camera,
    Effect,
    Leg,
    Motion,
    Move,
    Refusal,
    Region,
    Shot,
    SpeedUp,
    replace,
)
from studio.photo.crop import parse_size

Change = Callable[[Shot], Shot]
FindCard = Callable[[str], ModelCard]
Number = TypeVar("Number", int, float)

TITLES: dict[AxisName, str] = {
    "model": "model", "seed": "seed", "amount": "how far", "move": "camera move", "effect": "effect",
    "prompt": "prompt", "depth": "depth", "steps": "steps", "guidance": "guidance", "strength": "how much moves",
    "size": "size", "speedup": "speed-up",
}  # fmt: skip
"""What people call each axis."""

HINTS: dict[AxisName, str] = {
    "model": "ids, such as parallax", "seed": "whole numbers; 1-4 is a range", "amount": "0 to 1",
    "move": "dolly in; dolly in + tilt up; dolly in then orbit left", "effect": "rain; fog + grain; ripple:sky; none",
    "prompt": "sentences, parted by |", "depth": "auto, builtin, anything, photo, or a depth map",
    "steps": "1 to 200; 10-12 is a range", "guidance": "0 to 30", "strength": "0 to 1",
    "size": "360p, 480p, 720p and so on", "speedup": "first_block_cache; mag_cache + vae_tiling; none",
}  # fmt: skip
"""What values of each axis look like."""

ORDER: tuple[AxisName, ...] = (
    "model", "prompt", "move", "effect", "amount", "seed", "depth", "steps", "guidance", "strength", "size", "speedup",
)  # fmt: skip
"""The order in which values of several axes are applied: the model first, how far after the moves that go."""

NEEDS: dict[AxisName, Supports] = {"strength": "motion_strength", "depth": "depth", "seed": "seed"}
"""What a model has to take for an axis to make any difference, where checks.py doesn't say so."""

AMOUNT = 0.6
"""How far a camera move goes where the shot has none yet."""

MOST_RANGE = 36
"""Values that a range such as 1-9 may stand for."""


@dataclass(frozen=True)
class AxisValue:
    """One value of an axis: as it is shown, and what it changes. `change` raises `Refusal` for a shot it can't."""

    label: str
    change: Change


def parse_axis(axis: Axis, find_card: FindCard) -> tuple[AxisValue, ...]:
    """The values of an axis, each once. Raises `Refusal` for a value that is none, and for an axis without any."""
    readers: dict[AxisName, Callable[[str], AxisValue]] = {
        "model": lambda words: _parse_model(words, find_card),
        "seed": lambda words: _parse_number(words, int, "seed", 0, 2**32 - 1),
        "amount": _parse_amount,
        "move": _parse_moves,
        "effect": _parse_effects,
        "prompt": _parse_prompt,
        "depth": _parse_depth,
        "steps": lambda words: _parse_number(words, int, "steps", 1, 200),
        "guidance": lambda words: _parse_number(words, float, "guidance", 0.0, 30.0),
        "strength": lambda words: _parse_number(words, float, "strength", 0.0, 1.0),
        "size": _parse_size,
        "speedup": _parse_speedups,
    }
    words = [one for value in axis.values for one in _expand_range(axis.name, value.strip()) if one]
    found = {value.label: value for value in (readers[axis.name](one) for one in words)}
    if not found:
        raise Refusal(f"The axis {axis.name!r} has no values.", f"Give some: {axis.name}=first,second")
    return tuple(found.values())


def require_axes(names: tuple[AxisName, ...], card: ModelCard) -> None:
    """Raises `Refusal` for an axis that makes no difference to a model: every clip along it would be the same."""
    for name in names:
        if name in NEEDS and NEEDS[name] not in card.supports:
            raise Refusal(f"{card.title} makes the same clip whatever “{TITLES[name]}” is.", "Choose another model.")


def _expand_range(name: AxisName, words: str) -> list[str]:
    """The whole numbers that a range such as 1-4 stands for; any other words as they are."""
    span = re.fullmatch(r"(\d+)\s*-\s*(\d+)", words)
    if name not in ("seed", "steps") or not span:
        return [words]
    low, high = int(span[1]), int(span[2])
    if not low <= high < low + MOST_RANGE:
        raise Refusal(f"{words!r} is no range of at most {MOST_RANGE} numbers.", "Give one such as 1-4.")
    return [str(number) for number in range(low, high + 1)]


def _read_number(words: str, kind: Callable[[str], Number], what: str, low: Number, high: Number) -> Number:
    remedy = f"Give a number from {_write(low)} to {_write(high)}."
    try:
        number = kind(words)
    except ValueError:
        raise Refusal(f"{words!r} is no {what}.", remedy) from None
    if not low <= number <= high:
        raise Refusal(f"{words} is out of range for {what}.", remedy)
    return number


def _parse_number(words: str, kind: Callable[[str], Number], field: AxisName, low: Number, high: Number) -> AxisValue:
    number = _read_number(words, kind, TITLES[field], low, high)
    return AxisValue(_write(number), lambda shot: replace(shot, **{field: number}))


def _write(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


# The model ------------------------------------------------------------------------------------------------------------


def _parse_model(words: str, find_card: FindCard) -> AxisValue:
    card = find_card(words)
    return AxisValue(card.id, lambda shot: fit_model(shot, card))


def fit_model(shot: Shot, card: ModelCard) -> Shot:
    """The shot on another model: what that one can't be asked is left out, length and rate are brought within its
    reach where it wouldn't do so by itself.
    """
    known = card.checkpoint.speedups if card.checkpoint else ()
    shot = replace(
        shot, model=card.id, draft="", speedups=tuple(one for one in shot.speedups if one in known),
        sound=shot.sound or card.is_built_in,
    )  # fmt: skip
    if not card.is_built_in:
        return shot
    (low, high), (short, long) = card.fps, card.seconds
    return replace(
        shot, steps=None, guidance=None, fps=min(max(shot.fps, low), high), seconds=min(max(shot.seconds, short), long)
    )


# Motion ---------------------------------------------------------------------------------------------------------------


def _with_motion(shot: Shot, **changes: object) -> Shot:
    return replace(shot, motion=replace(shot.motion, **changes))


def _parse_amount(words: str) -> AxisValue:
    amount = _read_number(words, float, "amount", 0.0, 1.0)
    return AxisValue(f"{amount:g}", lambda shot: replace(shot, motion=_set_amount(shot.motion, amount)))


def _set_amount(motion: Motion, amount: float) -> Motion:
    """Every move as far as this; where the camera holds still, every effect as strong. Raises `Refusal` without any."""
    camera = motion.camera
    every = [move for moves in (camera.moves, *(leg.moves for leg in camera.then)) for move in moves]
    if all(move.name == camera_moves.STATIC for move in every):
        if not motion.effects:
            raise Refusal("Nothing in this shot goes any distance.", "Choose a camera move or an effect.", "camera")
        return replace(motion, effects=tuple(replace(one, amount=amount) for one in motion.effects))
    then = tuple(replace(leg, moves=_go(leg.moves, amount)) for leg in camera.then)
    return replace(motion, camera=replace(camera, moves=_go(camera.moves, amount), then=then))


def _go(moves: tuple[Move, ...], amount: float) -> tuple[Move, ...]:
    return tuple(replace(move, amount=amount) for move in moves)


def _parse_moves(words: str) -> AxisValue:
    """Moves joined by "+", one after the other by "then": "dolly in + tilt up then orbit left"."""
    legs = [
        camera_moves.parse_moves([one for one in leg.split("+") if one.strip()] or [leg], AMOUNT)
        for leg in re.split(r"\bthen\b", words)
    ]
    if len(legs) > camera_moves.MOST:
        raise Refusal(f"{words!r} has {len(legs)} legs.", f"The camera goes {camera_moves.MOST} ways at most.")
    label = " then ".join(" + ".join(camera_moves.MOVES[move.name].title.lower() for move in leg) for leg in legs)

    def change(shot: Shot) -> Shot:
        before = shot.motion.camera
        amount = before.moves[0].amount if before.moves else AMOUNT
        first, *rest = (_go(leg, amount) for leg in legs)
        then = tuple(Leg(leg, before.speed) for leg in rest)
        return _with_motion(shot, camera=replace(before, moves=first, then=then))

    return AxisValue(label, change)


def _parse_effects(words: str) -> AxisValue:
    """Effects joined by "+", each NAME or NAME:REGION; "none" for no effect at all."""
    if camera_moves.normalise(words) == "none":
        return AxisValue("none", lambda shot: _with_motion(shot, effects=()))
    asked = tuple(_parse_effect(one) for one in words.split("+"))
    label = " + ".join(one.name if one.region == "auto" else f"{one.name}:{one.region}" for one in asked)
    return AxisValue(label, lambda shot: _with_motion(shot, effects=tuple(_place(one, shot) for one in asked)))


def _parse_effect(words: str) -> Effect:
    named, _, where = words.partition(":")
    regions: dict[str, Region] = {region: region for region in get_args(Region)}
    region = camera_moves.normalise(where) or "auto"
    if region not in regions:
        raise Refusal(f"There is no region called {where!r}.", f"Choose from: {', '.join(regions)}.")
    return Effect(parse_effect(named), region=regions[region])


def _place(effect: Effect, shot: Shot) -> Effect:
    """The effect as the shot has it already, or where the shot's effects are painted. Raises `Refusal` unpainted."""
    for one in shot.motion.effects:
        if one.name == effect.name and effect.region in ("auto", one.region):
            return one
    brush = next((one.brush for one in shot.motion.effects if one.brush), "")
    if region_of(effect) == "brush" and brush:
        return replace(effect, region="brush", brush=brush)
    if needs_brush(effect):
        remedy = f"Paint where it happens, or say where: {effect.name}:background."
        raise Refusal(f"Nothing is painted for {EFFECTS[effect.name].title.lower()}.", remedy, "effects")
    return effect


def _parse_prompt(words: str) -> AxisValue:
    """Another prompt. What it says of the camera or of effects goes before what the shot has."""
    said = read_motion(words)

    def change(shot: Shot) -> Shot:
        own = shot.motion
        camera = _merge(own.camera, said.camera) if said.camera.moves else own.camera
        negative = said.negative_prompt or own.negative_prompt
        effects = said.effects or own.effects
        return replace(shot, motion=replace(said, camera=camera, negative_prompt=negative, effects=effects))

    return AxisValue(" ".join(words.split()), change)


def _merge(own: Camera, said: Camera) -> Camera:
    return replace(said, ease=own.ease, loop=own.loop or said.loop)


# Everything else ------------------------------------------------------------------------------------------------------


def _parse_depth(words: str) -> AxisValue:
    name = words.lower()
    if name not in ("auto", "builtin", "anything", "photo") and not re.fullmatch("[0-9a-f]{64}", name):
        raise Refusal(
            f"There is no depth called {words!r}.", "Choose from: auto, builtin, anything, photo; or a depth map."
        )
    return AxisValue(name, lambda shot: replace(shot, depth=name))


def _parse_size(words: str) -> AxisValue:
    size = parse_size(words)
    return AxisValue(size, lambda shot: replace(shot, size=size))


def _parse_speedups(words: str) -> AxisValue:
    """Speed-ups joined by "+"; "none" for none."""
    known: dict[str, SpeedUp] = {name: name for name in get_args(SpeedUp)}
    names = [camera_moves.normalise(one).replace(" ", "_") for one in words.split("+")]
    if names == ["none"]:
        return AxisValue("none", lambda shot: replace(shot, speedups=()))
    for name in names:
        if name not in known:
            raise Refusal(f"There is no speed-up called {name!r}.", f"Choose from: none, {', '.join(known)}.")
    wanted = tuple(dict.fromkeys(known[name] for name in names))
    return AxisValue(" + ".join(wanted), lambda shot: replace(shot, speedups=wanted))
