"""Which way in a shot takes to a hosted model: the one it names, or the cheapest that a token is there for."""

from __future__ import annotations

import math
from collections.abc import Callable

from studio.cards import ModelCard
from studio.engines.hosted.price import estimate_price
from studio.engines.hosted.tokens import find_token
from studio.hosted_cards import Way
from studio.nouns import Refusal, Shot, replace

TITLES = {"replicate": "Replicate", "fal": "fal"}
"""What the services are called."""


def get_ways(card: ModelCard) -> tuple[Way, ...]:
    """The ways in to a hosted model; () for any other."""
    return card.hosted.ways if card.hosted else ()


def has_token(service: str) -> bool:
    """Whether there is a token of a service."""
    return find_token(service) is not None


def choose_way(shot: Shot, card: ModelCard, is_open: Callable[[str], bool] = has_token) -> Way:
    """The way in that a shot names; without one, of those that take its end frame and its files the cheapest with a
    token. The model itself goes before one that is near it, and a known price before an unknown one.

    Raises `Refusal` for a way that isn't there or can't be told where to end.
    """
    ways = get_ways(card)
    if shot.service:
        found = next((way for way in ways if way.name == shot.service), None)
        if found is None:
            names = ", ".join(way.name for way in ways)
            raise Refusal(f"There is no way in to {card.title} called {shot.service!r}.", f"Choose one of: {names}.")
        ways = (found,)
    able = [way for way in ways if shot.end is None or "last_frame" in way.slots]
    if not able:
        where = describe_way(ways[0])
        raise Refusal(f"{card.title} can't be told where to end at {where}.", "Take the end away, or choose another.")
    return min(able, key=lambda way: _rank(shot, card, way, is_open))


def settle_way(shot: Shot, card: ModelCard) -> Shot:
    """The shot with its way in named: what is shown, priced and confirmed is then what is run."""
    return replace(shot, service=choose_way(shot, card).name)


def describe_way(way: Way) -> str:
    """A way in for people: "Replicate", "fal, as Wan 2.5 preview", "fal (pro)"."""
    title = TITLES[way.service]
    if way.near:
        return f"{title}, as {way.near}"
    return title if way.name == way.service else f"{title} ({way.name.removeprefix(f'{way.service}-')})"


def _rank(shot: Shot, card: ModelCard, way: Way, is_open: Callable[[str], bool]) -> tuple[bool, int, bool, float]:
    lost = sum(
        slot not in way.slots
        for slot, given in (("audio", shot.audio), ("motion_video", shot.motion_video))
        if given is not None
    )
    try:
        amount = estimate_price(shot, card, way).amount
    except Refusal:
        amount = None
    return not is_open(way.service), lost, bool(way.near), math.inf if amount is None else amount
