"""What a hosted clip costs, by its card's price rules: an estimate with the day the price was read, or "unknown"."""

from __future__ import annotations

from typing import NamedTuple

from studio.cards import ModelCard
from studio.engines.hosted.field_values import (
    FieldValues,
    find_attachment,
    find_seconds,
    find_values,
    holds,
    list_slots,
)
from studio.hosted_cards import PriceRule, Way
from studio.nouns import Shot


class Price(NamedTuple):
    """What a clip costs: `amount` None where that isn't known. `basis` says how it comes about, `read_on` when the
    price was read ("" where there is none), `source` by whom, `verified` whether there."""

    amount: float | None
    currency: str = "USD"
    basis: str = ""
    read_on: str = ""
    source: str = ""
    verified: bool = True


UNKNOWN = Price(None, basis="nobody says what it costs")


def estimate_price(shot: Shot, card: ModelCard, way: Way) -> Price:
    """What a shot costs on one way in. Raises `Refusal` for a choice that the model doesn't take."""
    found = find_values(shot, card, way)
    rule = find_rule(shot, way, found)
    if rule is None:
        return UNKNOWN
    if rule.per == "clip":
        return Price(rule.amount, rule.currency, "a clip", rule.read_on, rule.source, rule.verified)
    given = find_attachment(shot, way.follows)
    seconds = given.seconds if given else None if _waits_for_file(way) else find_seconds(way, found.values)
    each = f"${rule.amount:.4g} a second"
    if seconds is None:
        unknown = f"{each}; how long the clip is isn't known"
        return Price(None, rule.currency, unknown, rule.read_on, rule.source, rule.verified)
    amount, basis = round(seconds * rule.amount, 4), f"{seconds:.3g} s at {each}"
    return Price(amount, rule.currency, basis, rule.read_on, rule.source, rule.verified)


def find_rule(shot: Shot, way: Way, found: FieldValues) -> PriceRule | None:
    """The first price of a way that holds for a shot; None where none does."""
    filled = list_slots(shot, way)
    return next((rule for rule in way.price if holds(rule.when, found.values, filled)), None)


def _waits_for_file(way: Way) -> bool:
    return bool(way.follows) and way.slots[way.follows].required
