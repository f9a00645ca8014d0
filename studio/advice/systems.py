"""The table of systems, made from the cards: each model with its ways in, sizes, lengths, sound, last frame, price."""

from __future__ import annotations

from collections.abc import Sequence

from studio.cards import ModelCard
from studio.engines.hosted.ways import describe_way
from studio.hosted_cards import PriceRule, Way
from studio.nouns import Noun

FREE = "free, on your own computer"
UNKNOWN = "unknown"


class System(Noun, frozen=True):
    """A row of the table, in words: one for each way in."""

    title: str
    way: str
    sizes: str
    lengths: str
    sound: str
    end_frame: str
    price: str


def list_systems(cards: Sequence[ModelCard]) -> tuple[System, ...]:
    """The rows in the order of the cards: those of this computer, then each way in to a hosted model."""
    found: list[System] = []
    for card in cards:
        if card.hosted:
            found += [_describe_hosted(card, way) for way in card.hosted.ways]
        else:
            sizes, lengths = _list_own_sizes(card), f"{card.seconds[0]:.3g} to {card.seconds[1]:.3g} s"
            sound, end = ("yes" if name in card.supports else "no" for name in ("sound", "end_frame"))
            found.append(System(card.title, card.where, sizes, lengths, sound, end, FREE))
    return tuple(found)


def _list_own_sizes(card: ModelCard) -> str:
    if card.checkpoint is None:
        return "up to 2160p"
    if card.checkpoint.sizes.rule == "bucket":
        return f"about {card.checkpoint.sizes.bucket} × {card.checkpoint.sizes.bucket}, as the photo's shape"
    return ", ".join(f"{width} × {height}" for width, height in card.checkpoint.sizes.native)


def _describe_hosted(card: ModelCard, way: Way) -> System:
    return System(
        card.title,
        f"hosted: {describe_way(way)}",
        _list_sizes(way),
        _list_lengths(way),
        _describe_sound(card, way),
        "yes" if "last_frame" in way.slots else "no",
        _list_prices(way),
    )


def _list_sizes(way: Way) -> str:
    field = next((one for one in way.fields if one.sizes), None)
    if field:
        named = {field.names.get(value, value).lower(): side for value, side in field.sizes.items()}
        return ", ".join(name if name[0].isdigit() else f"{name} {side}p" for name, side in named.items())
    aspect = next((one for one in way.fields if one.pixels), None)
    if aspect:
        return ", ".join(f"{width} × {height}" for width, height in aspect.pixels.values())
    return f"{way.made_side}p" if way.made_side else UNKNOWN


def _list_lengths(way: Way) -> str:
    if way.follows and way.slots[way.follows].required:
        return "as long as the voice" if way.follows == "audio" else "as long as the film"
    if field := way.find_field("seconds"):
        if field.values:
            counts = [str(value) for value in field.values]
            return f"{counts[0]} to {counts[-1]} s" if len(counts) > 3 else f"{', '.join(counts)} s"
        return f"{field.least:g} to {field.most:g} s"
    if (frames := way.find_field("frames")) and (rate := way.find_field("fps")) and frames.least and frames.most:
        fps = float(str(rate.default))
        return f"{frames.least / fps:.3g} to {frames.most / fps:.3g} s"
    return f"about {way.made_seconds:g} s" if way.made_seconds else UNKNOWN


def _describe_sound(card: ModelCard, way: Way) -> str:
    own = "audio" in way.slots
    if own and way.slots["audio"].required:
        return "the voice you give"
    if "motion_video" in way.slots:
        return "the film's"
    makes = "sound" in card.supports
    return "its own, or to yours" if makes and own else "yes" if makes else "to yours" if own else "no"


def _list_prices(way: Way) -> str:
    """From the lowest to the highest, each day of reading once; "unknown" where nothing was found."""
    if not way.price:
        return UNKNOWN
    amounts = sorted({rule.amount for rule in way.price})
    read = " and ".join(sorted({rule.read_on for rule in way.price}))
    span = " to ".join(dict.fromkeys(map(_format_amount, (amounts[0], amounts[-1]))))
    return f"{span} a {_name_basis(way.price)}, read {read}{_doubt(way.price)}"


def describe_least_price(card: ModelCard) -> str:
    """What a hosted model costs at least, where, and when that was read: "from $0.05 a second at Replicate, read …"."""
    known = [(rule.amount, rule, way) for way in (card.hosted.ways if card.hosted else ()) for rule in way.price]
    if not known:
        return "price not known"
    amount, rule, way = min(known, key=lambda one: one[0])
    return f"from {_format_amount(amount)} a {rule.per} at {describe_way(way)}, read {rule.read_on}{_doubt((rule,))}"


def _doubt(rules: tuple[PriceRule, ...]) -> str:
    return "" if all(rule.verified for rule in rules) else ", not verified"


def _format_amount(amount: float) -> str:
    """Dollars with two places at least: "$0.10", "$0.0316"."""
    return f"${amount:.2f}" if round(amount, 2) == amount else f"${amount:g}"


def _name_basis(rules: tuple[PriceRule, ...]) -> str:
    return " or ".join(sorted({rule.per for rule in rules}))
