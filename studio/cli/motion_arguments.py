"""Words and flags into a Motion: a flag wins, then the words, then the motion started from, then a dolly in."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeVar, get_args

from studio.cli.report import complain
from studio.motion import ambient_effects, camera_moves
from studio.motion.ambient_effects import needs_brush
from studio.motion.read_prompt import join_negatives, read_motion
from studio.nouns import Camera, Ease, Effect, Leg, Motion, Move, Refusal, Region, Speed, replace
from studio.presets import MotionPreset, motions

T = TypeVar("T", bound=str)

_SEEN = 8 / 255  # what is darker everywhere marks nothing, as on the page
_AMOUNT = 0.6  # how far a move goes when nobody says


def find_preset(words: str) -> MotionPreset:
    """The motion that ships under this id or title. Raises `Refusal` listing them."""
    asked = camera_moves.normalise(words)
    for one in motions():
        if asked in (camera_moves.normalise(one.id), camera_moves.normalise(one.title)):
            return one
    raise Refusal(f"There is no motion called {words!r}.", "See them all: python -m studio motions")


def build_motion(flags: argparse.Namespace) -> Motion:
    """The motion that the flags of `animate` or `compose` ask for. Raises `Refusal`."""
    start = find_preset(flags.motion).motion if flags.motion else Motion(camera=Camera(moves=()))
    said = read_motion(flags.prompt)
    brush = read_brush(flags.brush) if flags.brush else ""
    given = tuple(_read_effect(words, brush) for words in flags.effect or ())
    merged = {one.name: one for one in (*start.effects, *said.effects, *given)}
    placed = tuple(_place(one, brush) for one in merged.values())
    if brush and not any(one.brush for one in placed):
        raise Refusal("--brush says where effects happen, and there is none.", "Add one, such as --effect ripple.")
    slots = ("prompt", "subject", "action", "environment", "light", "still")
    words = {
        name: getattr(flags, name, "") or getattr(said, name) or getattr(start, name)
        for name in slots
        if name != "prompt"
    }
    avoided = join_negatives(start.negative_prompt, said.negative_prompt, flags.avoid)
    return replace(
        Motion(said.prompt or start.prompt, avoided, _read_camera(flags, said.camera, start.camera), placed, **words)
    )  # checks it


def _read_camera(flags: argparse.Namespace, said: Camera, start: Camera) -> Camera:
    """The camera of the flags, else of the words, else of the motion started from, else a dolly in."""
    base = said if said.moves else start if start.moves else Camera()
    eases: dict[str, Ease] = {ease: ease for ease in get_args(Ease)}
    speeds: dict[str, Speed] = {speed: speed for speed in get_args(Speed)}
    ease = _choose_from(eases, flags.ease, "easing") if flags.ease else base.ease
    speed = _choose_from(speeds, flags.speed, "speed") if flags.speed else base.speed
    if flags.move:
        moves = camera_moves.parse_moves(flags.move, _AMOUNT if flags.amount is None else flags.amount)
    else:
        moves = base.moves if flags.amount is None else tuple(Move(move.name, flags.amount) for move in base.moves)
    then = tuple(_read_leg(words, flags) for words in flags.then or ()) or (() if flags.move else base.then)
    if flags.amount is not None and not flags.then:
        then = tuple(replace(leg, moves=tuple(Move(move.name, flags.amount) for move in leg.moves)) for leg in then)
    return replace(Camera(moves, ease, flags.loop or base.loop or said.loop, speed), then=then)


def _read_leg(words: str, flags: argparse.Namespace) -> Leg:
    """A leg from words: moves joined by "and", a pace before them: "slow orbit left and tilt up"."""
    pace, _, rest = camera_moves.normalise(words).partition(" ")
    speed = next((one for one in get_args(Speed) if one == pace), None)
    named = (rest if speed else camera_moves.normalise(words)).split(" and ")
    return Leg(camera_moves.parse_moves(named, _AMOUNT if flags.amount is None else flags.amount), speed or "normal")


def _choose_from(known: dict[str, T], words: str, what: str) -> T:
    name = camera_moves.normalise(words).replace(" ", "_")
    if name not in known:
        raise Refusal(f"There is no {what} called {words!r}.", f"Choose from: {', '.join(known)}.")
    return known[name]


def _read_effect(words: str, brush: str) -> Effect:
    """An effect from NAME or NAME:REGION, in what is painted where no region is named."""
    named, _, where = words.partition(":")
    name = ambient_effects.parse_effect(named)
    regions: dict[str, Region] = {region: region for region in get_args(Region)}
    where = camera_moves.normalise(where) if where else "brush" if brush else "auto"
    if where not in regions:
        raise Refusal(f"There is no region called {where!r}.", f"Choose from: {', '.join(regions)}.")
    if where == "brush" and not brush:
        raise Refusal(f"Nothing is painted for {name}.", "Add --brush FILE, a picture that is white where it happens.")
    return Effect(name, region=regions[where], brush=brush if where == "brush" else "")


def _place(effect: Effect, brush: str) -> Effect:
    """What waits for painting, with what is painted. Without that it happens behind the subject, and says so."""
    if not needs_brush(effect):
        return effect
    if brush:
        return replace(effect, region="brush", brush=brush)
    complain(
        f"Note: {effect.name} moves everything behind the subject;"
        " --brush FILE, white on black, says where the water is."
    )
    return replace(effect, region="background")


def read_brush(file: Path, what: str = "brush", means: str = "white where things move") -> str:
    """A picture file as a brush: grey, at most 256 px. Raises `Refusal` when it can't be used."""
    from studio.photo.brush_mask import encode_brush
    from studio.photo.intake.grey_picture import open_grey

    brush = encode_brush(open_grey(file, what, means), _SEEN)
    if not brush:
        raise Refusal(f"{file.name} is black all over, so it marks nothing.", "Paint what it should mark in white.")
    if len(brush) > 65_536:
        raise Refusal(f"{file.name} has too much detail for a {what}.", "Paint plain white on plain black.")
    return brush
