"""Presets: model cards, motions, platforms and sample photos, from strict TOML files: an unknown key is an error."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import msgspec

from studio.cards import ModelCard, Text
from studio.config import ASSETS, PRESETS
from studio.nouns import Aspect, Kind, Motion, Noun, Refusal, Use
from studio.platforms import Platform

T = TypeVar("T", bound=Noun)


class Sample(Noun, frozen=True):
    """A sample photograph that ships (assets/samples/credits.toml): its file, who made it, and under what licence."""

    file: str
    title: str
    author: str
    licence: str


class MotionPreset(Noun, frozen=True):
    """A motion to start from (presets/motions/*.toml): the kinds of photo and the uses it is made for, its words,
    camera and effects, and the length, the aspect and the models it goes well with. `still` is its picture in
    assets/motions.

    `any`: it names nothing in particular, and does for whatever photo. `people`: it is about people, who have to be
    there.
    """

    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
    title: Text
    summary: Text
    kinds: tuple[Kind, ...]
    uses: tuple[Use, ...]
    motion: Motion
    seconds: Annotated[float, msgspec.Meta(ge=1.0, le=60.0)]
    aspect: Aspect
    models: tuple[str, ...]
    still: Text
    any: bool = False
    people: bool = False


def load(file: Path, kind: type[T]) -> T:
    """One preset file as a noun. Raises `Refusal` for bad TOML, an unknown or missing key, or a value out of range."""
    try:
        return msgspec.toml.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise Refusal(f"The preset {file.name} can't be used ({error}).", "Correct that line of the file.") from None


def _load_folder(name: str, kind: type[T]) -> tuple[T, ...]:
    return tuple(load(file, kind) for file in sorted((PRESETS / name).glob("*.toml")))


@cache
def cards() -> tuple[ModelCard, ...]:
    """Every model card that ships, in the order of their file names."""
    return _load_folder("models", ModelCard)


class Problem(NamedTuple):
    """A file of the user's that can't be used, and why."""

    file: Path
    reason: str


def own_cards(folders: tuple[Path, ...]) -> tuple[tuple[ModelCard, ...], tuple[Problem, ...]]:
    """The user's cards in these folders (*.toml), checked like those that ship, and what is wrong with the others.

    A card with the id of one that is there already is a problem too: it would hide it.
    """
    known = {card.id for card in cards()}
    found: list[ModelCard] = []
    problems: list[Problem] = []
    for file in [file for folder in folders for file in sorted(folder.glob("*.toml"))]:
        try:
            one = load(file, ModelCard)
        except Refusal as refusal:
            problems.append(Problem(file, str(refusal)))
            continue
        if one.id in known:
            problems.append(Problem(file, f"There is a model called {one.id!r} already. Give this one another id."))
            continue
        known.add(one.id)
        found.append(one)
    return tuple(found), tuple(problems)


@cache
def platforms() -> tuple[Platform, ...]:
    """Every place a clip can go, in the order of their file names."""
    return _load_folder("platforms", Platform)


def platform(place: str) -> Platform | None:
    """The place of this id; None when there is none, as for "" or one that a newer version knows."""
    return next((one for one in platforms() if one.id == place), None)


def explain_silent_track(place: str) -> str:
    """Why a clip that isn't heard gets a silent sound track for the place of this id; "" where it gets none."""
    known = platform(place)
    return known.silent_track if known else ""


@cache
def motions() -> tuple[MotionPreset, ...]:
    """Every motion that ships, in the order of their file names."""
    return _load_folder("motions", MotionPreset)


class _Credits(Noun, frozen=True):
    sample: tuple[Sample, ...]


@cache
def samples() -> tuple[Sample, ...]:
    """The photographs that ship, in the order they are offered."""
    return load(ASSETS / "samples" / "credits.toml", _Credits).sample


def card(model: str) -> ModelCard:
    """The card of a model id. Raises `Refusal` when there is none."""
    for one in cards():
        if one.id == model:
            return one
    known = ", ".join(one.id for one in cards())
    raise Refusal(f"There is no model called {model!r}.", f"Choose one of: {known}.")
