"""Presets: strict TOML files into nouns.

Knows where preset files live and that an unknown key is an error. Refuses to know what an engine does with a card.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from studio.cards import ModelCard
from studio.config import ASSETS, PRESETS
from studio.nouns import Noun, Platform, Refusal, Sample

T = TypeVar("T", bound=Noun)


def load(file: Path, kind: type[T]) -> T:
    """One preset file as a noun. Raises `Refusal` for bad TOML, an unknown key, a missing one, or a value out of range."""
    try:
        return msgspec.toml.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise Refusal(f"The preset {file.name} can't be used ({error}).", "Correct that line of the file.") from None


def _folder(name: str, kind: type[T]) -> tuple[T, ...]:
    return tuple(load(file, kind) for file in sorted((PRESETS / name).glob("*.toml")))


@cache
def cards() -> tuple[ModelCard, ...]:
    """Every model card that ships, in the order of their file names."""
    return _folder("models", ModelCard)


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
    return _folder("platforms", Platform)


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
