"""Variations of a motion: two to four that differ along one axis (amount, direction, effect or pace) and in nothing
else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

from studio.motion.ambient_effects import EFFECTS
from studio.motion.camera_moves import MOVES, STATIC, is_moving
from studio.motion.compose import plain
from studio.motion.prompt_check import check_prompt
from studio.motion.read_prompt import add_worded_motion
from studio.nouns import Camera, Effect, Motion, Move, MoveName, Noun, Refusal, Speed, replace

Axis = Literal["amount", "direction", "effect", "pace"]
AXES: tuple[Axis, ...] = get_args(Axis)

LEAST, MOST = 2, 4
"""How many variations are shown side by side: fewer is no comparison, more can't be watched at once."""

AMOUNTS = (
    (0.34, 0.3, " slightly", "only a little way"),
    (0.67, 0.6, "", "a fair way"),
    (1.0, 0.9, " far", "a long way"),
)
"""How far the camera goes: the bucket's end, the amount that stands for it, and how it is said in a title and in a
sentence.
"""

PACES: tuple[tuple[Speed, str, str], ...] = (
    ("slow", " slowly", "The camera takes its time."),
    ("normal", "", "The camera moves at an even pace."),
    ("fast", " quickly", "The camera moves briskly."),
)

ANYWHERE = tuple(row.name for row in sorted(EFFECTS.values(), key=lambda row: row.offered) if row.offered)
"""Effects that suit any photo and need nothing painted: what is offered where the words name nothing else."""


class Variation(Noun, frozen=True):
    """One of several motions to compare: a title naming its value on the axis, what differs in a sentence, and the
    motion.
    """

    title: str
    differs: str
    motion: Motion


def vary(motion: Motion, axis: Axis, count: int = 3) -> tuple[Variation, ...]:
    """Two to four motions that differ along `axis` alone; the first is the motion itself.

    `count` is how many are wanted, 2 to 4; an axis with fewer values gives fewer. Each has a sentence of its own and
    none brings in a contradiction. Raises `Refusal` for an axis that the motion doesn't have: see `axes`.
    """
    found = _pick_distinct(motion, _vary_along(motion, axis), max(LEAST, min(count, MOST)))
    if len(found) < LEAST:
        known = ", ".join(list_axes(motion))
        remedy = f"Vary another axis: {known}." if known else "Choose a camera move first."
        raise Refusal(f"There is nothing to vary along {axis!r} in this motion.", remedy)
    return found


def list_axes(motion: Motion) -> tuple[Axis, ...]:
    """The axes along which this motion has at least two values."""
    return tuple(axis for axis in AXES if len(_pick_distinct(motion, _vary_along(motion, axis), LEAST)) >= LEAST)


def _vary_along(motion: Motion, axis: Axis) -> Iterator[Variation]:
    if axis == "amount":
        return _vary_amounts(motion)
    if axis == "direction":
        return _vary_directions(motion)
    return _vary_effects(motion) if axis == "effect" else _vary_paces(motion)


def _pick_distinct(motion: Motion, found: Iterable[Variation], count: int) -> tuple[Variation, ...]:
    """The first `count` that say something the others don't, and nothing that contradicts itself where the motion
    didn't.
    """
    before = _find_faults(motion)
    kept: dict[str, Variation] = {}
    for one in found:
        sentence = plain(one.motion)
        if sentence not in kept and (one.motion == motion or not _find_faults(one.motion) - before):
            kept[sentence] = one
        if len(kept) == count:
            break
    return tuple(kept.values())


def _find_faults(motion: Motion) -> set[str]:
    return {finding.code for finding in check_prompt(motion, seconds=60.0) if finding.level == "hurts"}


def _list_moving(camera: Camera) -> tuple[Move, ...]:
    return tuple(move for move in camera.moves if is_moving(move))


def _name(moves: Iterable[Move], how: str = "") -> str:
    """Moves as a title: "Dolly in slightly", "Dolly in and orbit left"."""
    titles = [MOVES[move.name].title for move in moves]
    together = " and ".join([titles[0], *(title.lower() for title in titles[1:])])
    return f"{together},{how}" if how and titles[1:] else together + how


def _with_camera(motion: Motion, **changes: object) -> Motion:
    return replace(motion, camera=replace(motion.camera, **changes))


def _vary_amounts(motion: Motion) -> Iterator[Variation]:
    """Itself, then the other two amounts, the one farthest away first; last the camera that stands."""
    moves = _list_moving(motion.camera)
    if not moves:
        return
    lead = moves[0].amount
    own = next(bucket for bucket in AMOUNTS if lead <= bucket[0])
    for _, amount, how, far in (own, *sorted(AMOUNTS, key=lambda bucket: -abs(bucket[1] - lead))):
        itself = amount == own[1]
        then = tuple(replace(leg, moves=_scale_moves(leg.moves, amount / lead)) for leg in motion.camera.then)
        changed = motion if itself else _with_camera(motion, moves=_scale_moves(moves, amount / lead), then=then)
        yield Variation(_name(moves, how), f"The camera goes {far}.", changed)
    yield Variation("Static", "The camera holds still; only what is in the picture moves.", _hold_still(motion))


def _scale_moves(moves: tuple[Move, ...], times: float) -> tuple[Move, ...]:
    return tuple(Move(move.name, _scale(move.amount, times) if move.amount else 0.0) for move in moves)


def _scale(amount: float, times: float) -> float:
    return round(min(1.0, max(0.05, amount * times)), 3)


def _hold_still(motion: Motion) -> Motion:
    return _with_camera(motion, moves=(Move(STATIC),), then=())


def _vary_directions(motion: Motion) -> Iterator[Variation]:
    """The first move that has a direction goes the other ways; without one, the first effect that has."""
    moves = motion.camera.moves
    for place, move in enumerate(moves):
        if MOVES[move.name].opposite and move.amount > 0:
            others = {other.name for index, other in enumerate(moves) if index != place}
            for name in (move.name, *_list_others(move.name)):
                if name == move.name or name not in others:
                    turned = (*moves[:place], replace(move, name=name), *moves[place + 1 :])
                    changed = motion if name == move.name else _with_camera(motion, moves=turned)
                    yield Variation(MOVES[name].title, f"{_capital(MOVES[name].sees)}.", changed)
            return
    yield from _vary_aims(motion)


def _list_others(name: MoveName) -> Iterator[MoveName]:
    """The moves that differ from one in direction alone, its opposite first."""
    row = MOVES[name]
    if row.opposite:
        yield row.opposite
    yield from (other.name for other in MOVES.values() if row.beside and other.tile == row.beside)


def _vary_aims(motion: Motion) -> Iterator[Variation]:
    for place, effect in enumerate(motion.effects):
        if EFFECTS[effect.name].directed and effect.amount > 0:
            title = EFFECTS[effect.name].title
            for aim in (effect.direction, (effect.direction + 180) % 360):
                turned = (*motion.effects[:place], replace(effect, direction=aim), *motion.effects[place + 1 :])
                changed = motion if aim == effect.direction else replace(motion, effects=turned)
                way = _describe_direction(aim)
                yield Variation(f"{title} {way}", f"It moves {way} in the picture.", changed)
            return


def _describe_direction(degrees: float) -> str:
    return ("to the right", "downwards", "to the left", "upwards")[round(degrees / 90) % 4]


def _vary_effects(motion: Motion) -> Iterator[Variation]:
    """Itself; each of its effects alone; none; then others, those that the words speak of first."""
    own = [effect for effect in motion.effects if effect.amount > 0]
    yield Variation(_name_effects(own), _say_effects(own), motion)
    if len(own) > 1:
        for effect in own:
            yield Variation(_name_effects([effect]), _say_effects([effect]), replace(motion, effects=(effect,)))
    if own:
        yield Variation(_name_effects([]), _say_effects([]), replace(motion, effects=()))
    told = [effect for effect in add_worded_motion(motion).effects if effect not in motion.effects]
    for effect in (*told, *map(Effect, ANYWHERE)):
        if effect.name not in {one.name for one in own}:
            yield Variation(_name_effects([effect]), _say_effects([effect]), replace(motion, effects=(effect,)))


def _name_effects(effects: list[Effect]) -> str:
    titles = list(dict.fromkeys(EFFECTS[effect.name].title for effect in effects))
    return " and ".join([*titles[:1], *(title.lower() for title in titles[1:])]) or "No effect"


def _say_effects(effects: list[Effect]) -> str:
    seen = list(dict.fromkeys(EFFECTS[effect.name].sees for effect in effects))
    return f"{_capital('; '.join(seen))}." if seen else "Nothing is added to what the words ask for."


def _vary_paces(motion: Motion) -> Iterator[Variation]:
    """Itself, then the other paces, the one farthest away first."""
    moves = _list_moving(motion.camera)
    if not moves:
        return
    order = [speed for speed, _, _ in PACES]
    own = order.index(motion.camera.speed)
    for speed, how, differs in sorted(
        PACES, key=lambda pace: (pace[0] != order[own], -abs(order.index(pace[0]) - own))
    ):
        then = tuple(replace(leg, speed=speed) for leg in motion.camera.then)
        changed = motion if speed == motion.camera.speed else _with_camera(motion, speed=speed, then=then)
        yield Variation(_name(moves, how), differs, changed)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
