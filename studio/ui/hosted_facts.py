"""A hosted model's ways in, in words for the page: services, prices with the day they were read, files that it takes,
its own choices.

What a clip costs: `price_words`. How a service stands: panels/services_panel.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

from studio.cards import ModelCard
from studio.hosted_cards import Field, PriceRule, Slot, SlotName, Way
from studio.hosted_services import describe_way
from studio.photo.crop import SHORT_SIDES
from studio.spending import format_dollars
from studio.ui.model_facts import format_bytes, format_time

PAGES = {
    "replicate": [
        ["Get a token", "https://replicate.com/account/api-tokens"],
        ["What was started", "https://replicate.com/predictions"],
        ["Replicate's terms", "https://replicate.com/terms"], ["privacy", "https://replicate.com/privacy"],
    ],
    "fal": [
        ["Get a token", "https://fal.ai/dashboard/keys"], ["What was started", "https://fal.ai/dashboard/requests"],
        ["fal's terms", "https://fal.ai/legal/terms-of-service"],
        ["privacy", "https://fal.ai/legal/privacy-policy"],
    ],
}  # fmt: skip
"""A service's own pages, opened only by a click: for its token and its bill, then its terms."""

TAGS = {"speech": "What is said", "sound": "What is heard"}
"""Wishes that a model reads in marks of its own in the prompt, and what they are called."""

LONG_AGO, MONTH = 90.0, 30.44
"""Days after which a price counts as read long ago; and in a month."""

NEAR = 0.1
"""A model's own size goes by a named one whose short side is at most this share off."""


def describe_ways(card: ModelCard) -> list[dict[str, Any]]:
    """Each way in to a hosted model; none for any other."""
    return [_describe_way(card, way) for way in card.hosted.ways] if card.hosted else []


def _describe_way(card: ModelCard, way: Way) -> dict[str, Any]:
    wishes = [
        {
            "option": name,
            "title": TAGS.get(name, name.capitalize()),
            "kind": "text",
            "help": "",
            "value": "",
            "most": 500,
        }
        for name in way.tags
    ]
    return {
        "name": way.name, "service": way.service, "title": describe_way(way), "near": way.near, "page": way.page,
        "price": describe_prices(way.price), "read": max((one.read_on for one in way.price), default=""),
        "speed": format_time(way.seconds) if way.seconds else "",
        "slots": {name: _describe_slot(name, slot, way) for name, slot in way.slots.items()},
        "fields": wishes + [_describe_field(one) for one in way.fields if one.title],
        "controls": list_way_controls(card, way), "sounds": way.find_field("sound") is not None,
        "follows": bool(way.follows) and way.slots[way.follows].required,
    }  # fmt: skip


def describe_prices(rules: tuple[PriceRule, ...]) -> str:
    """A way's prices as short as a chip, with what makes them doubtful: "$0.30 a clip", "price unknown",
    "$0.10 to $0.15/s (not verified)", "$0.17/s (read Apr 2026)".
    """
    if not rules:
        return "price unknown"
    words = []
    for per, unit in (("second", "/s"), ("clip", " a clip")):
        amounts = sorted({rule.amount for rule in rules if rule.per == per})
        if amounts:
            words.append(" to ".join(map(format_dollars, dict.fromkeys((amounts[0], amounts[-1])))) + unit)
    first = min(rule.read_on for rule in rules)
    doubts = [] if all(rule.verified for rule in rules) else ["not verified"]
    doubts += [f"read {describe_day(first)}"] if count_days(first) > LONG_AGO else []
    return ", ".join(words) + (f" ({', '.join(doubts)})" if doubts else "")


def describe_day(read_on: str) -> str:
    """The day a price was read, as a card has it: "24 Sep 2026", "Apr 2026"."""
    year, *rest = map(int, read_on.split("-"))
    words = str(year) if not rest else f"{date(year, rest[0], 1):%b %Y}"
    return f"{rest[1]} {words}" if len(rest) > 1 else words


def count_days(read_on: str) -> int:
    """How many days ago that was."""
    year, month, day, *_ = *map(int, read_on.split("-")), 1, 1
    return (date.today() - date(year, month, day)).days


def _describe_slot(name: SlotName, slot: Slot, way: Way) -> dict[str, Any]:
    least, most = slot.seconds
    length = f"{least:g} to {most:g} s" if most else ""
    size = f"at most {format_bytes(slot.most_bytes)}" if slot.most_bytes else ""
    words = ", ".join(filter(None, (length, size)))
    if way.follows == name:
        words = " · ".join(filter(None, (words, "the clip is as long as it")))
    return {"required": slot.required, "words": words[:1].upper() + words[1:], "types": slot.types}


def _describe_field(one: Field) -> dict[str, Any]:
    words = [one.names.get(str(value), str(value)).replace("_", " ") for value in one.values]
    values = [[value, word[:1].upper() + word[1:]] for value, word in zip(one.values, words, strict=True)]
    return {
        "option": one.option, "title": one.title, "kind": one.kind, "help": one.help, "values": values,
        "least": one.least, "most": one.most, "value": one.default,
    }  # fmt: skip


def list_way_controls(card: ModelCard, way: Way) -> dict[str, Any]:
    """What the desk may ask of a model on this way: named sizes, lengths in seconds, rates."""
    length = way.find_field("seconds")
    least, most, step = card.seconds[0], card.seconds[1], 0.5
    if way.made_seconds:
        least = most = way.made_seconds
    elif length and not length.title:
        lengths = sorted(float(one) for one in map(str, length.values) if one.isdecimal())
        if lengths:
            least, most = lengths[0], lengths[-1]
            step = min((b - a for a, b in pairwise(lengths)), default=1.0)
        else:
            least, most, step = max(length.least or least, 1.0), length.most or most, 1.0
    usual = str(length.default) if length else ""
    default = usual if usual.isdecimal() else 5.0
    size = way.find_field("size")
    sides = size.sizes.values() if size and not size.title else ()
    sizes = [name for name, side in SHORT_SIDES.items() if any(abs(side - one) <= NEAR * side for one in sides)]
    return {
        "sizes": sizes if len(sizes) > 1 else [],
        "length": {"least": least, "most": most, "step": step, "default": min(max(float(default), least), most)},
        "fps": card.fps if all(card.fps) else (way.made_fps or 24, way.made_fps or 24),
        "steps": None, "guidance": None, "speedups": [],
    }  # fmt: skip
