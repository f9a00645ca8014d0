"""What a press costs, in words for the page, and how it is paid: only a price that was shown, after consent.

The sums themselves, the budgets and who agreed to what: spending.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any, Protocol, TypeVar

import msgspec

from studio.nouns import Noun, Short, Shot
from studio.spending import Confirmation, Line, Total, Unconfirmed, format_dollars
from studio.studio import Studio
from studio.ui.hosted_facts import LONG_AGO, MONTH, PAGES, count_days, describe_day
from studio.ui.html_part import Call, make_call

STAND_IN = "A stand-in on this computer imitates the service: nothing is sent elsewhere, nothing is billed."

LEAVES = (
    "The photo as it is cropped, scaled to what the model uses, without its metadata; your words; and the voice, the "
    "film or the last photo that you give with it. Nothing else."
)
WORDS_LEAVE = "Your sentence, and no photo. Nothing else."
PEOPLE = "Send photos and voices of people only with their consent."


class Paid(Noun, frozen=True):
    """What a press may cost at most, as it was shown: dollars, and how many clips' price isn't known; and what was
    agreed to with it, as "service: maker".
    """

    amount: Annotated[float, msgspec.Meta(ge=0.0, le=1e6)] = 0.0
    unknown: Annotated[int, msgspec.Meta(ge=0)] = 0
    agreed: Annotated[tuple[Short, ...], msgspec.Meta(max_length=24)] = ()


class Payable(Protocol):
    """A question whose answer may cost money; `paid` None where no price was shown."""

    @property
    def paid(self) -> Paid | None:
        """What was shown and confirmed."""
        ...


T = TypeVar("T", bound=Payable)


def make_paid_call(
    studio: Studio,
    name: str,
    takes: type[T],
    does: Callable[[T, Confirmation | None], Any],
    verb: str = "Animate",
    leaves: str = LEAVES,
) -> Call:
    """A question that may cost money: where its price wasn't shown yet, or not as it is now, it is answered with the
    price, and nothing is done. `leaves` says what is sent.
    """

    def answer(ask: T) -> Any:
        try:
            return does(ask, take_confirmation(studio, ask.paid))
        except Unconfirmed as refusal:
            return {"price": show_total(studio, refusal.total, verb, leaves)}

    return make_call(name, takes, answer)


def take_confirmation(studio: Studio, paid: Paid | None) -> Confirmation | None:
    """What was confirmed with a press; what was agreed to with it holds from now on."""
    if paid is None:
        return None
    for name in paid.agreed:
        service, _, maker = name.partition(": ")
        studio.spending.agree(service, maker)
    return Confirmation(paid.amount, paid.unknown)


def show_price(studio: Studio, shots: tuple[Shot, ...], verb: str = "Animate") -> dict[str, Any] | None:
    """What shots cost, for the page; None where they cost nothing. Raises `Refusal`."""
    total = studio.spending.quote(shots)
    return show_total(studio, total, verb) if total.lines else None


def show_total(studio: Studio, total: Total, verb: str = "Animate", leaves: str = LEAVES) -> dict[str, Any]:
    """A total for the page: its lines, what was spent, what to agree to first, and why it goes over a budget."""
    titles = list(dict.fromkeys(line.title for line in total.lines))
    stands_in = {one.name for one in studio.hosted.states() if one.is_stand_in}
    first = total.lines[0]
    return {
        "title": f"{verb} with {titles[0] if len(titles) == 1 else f'{len(titles)} models'}", "verb": verb,
        "amount": total.amount, "unknown": total.unknown, "currency": "USD",
        "mark": f"{total.words} {'/'.join(line.way for line in total.lines)}",
        "stand_in": STAND_IN if stands_in & {line.service for line in total.lines} else "",
        "short": [f"at {first.where}", first.basis, describe_reading(first)] if len(total.lines) == 1 else [],
        "lines": list_lines(total), "totals": describe_spent(studio),
        "over": studio.spending.find_excess(total),
        "consents": [
            _show_consent(studio, *party, total, leaves) for party in studio.spending.find_missing_consents(total)
        ],
    }  # fmt: skip


def list_lines(total: Total) -> list[list[str]]:
    """What costs what: a model at a service, how many of its clips, and their price with the day it was read."""
    counts = Counter(total.lines)
    return [[f"{line.title} at {line.where}", _describe_line(line, count)] for line, count in counts.items()]


def _describe_line(line: Line, count: int) -> str:
    if line.amount is None:
        price = f"price unknown: {line.basis}" if line.basis else "price unknown"
    else:
        price = f"about {format_dollars(line.amount)}, {line.basis}"
    many = f"{count} clips, each " if count > 1 else ""
    return ", ".join(filter(None, (many + price, describe_reading(line))))


def describe_reading(line: Line) -> str:
    """When a price was read, and what makes it doubtful: "price read 24 Sep 2026", "price read Apr 2026, 7 months ago",
    "price read 21 Nov 2026 in a third party's list without a date, not verified".
    """
    if not line.read_on:
        return ""
    days = count_days(line.read_on)
    age = f", {int(days / MONTH)} months ago" if days > LONG_AGO else ""
    doubt = "" if line.verified else f" in {line.source}, not verified"
    return f"price read {describe_day(line.read_on)}{age}{doubt}"


def describe_spent(studio: Studio) -> str:
    """What was spent today and in this session, each of its budget: "Today $2.10 of $10.00 · this session $0.90"."""
    spending, day = studio.spending, studio.models.preferences().day_budget
    kinds = [
        ("Today", spending.spent_today(), day),
        ("this session", spending.spent_session(), spending.session_budget),
    ]
    words = []
    for name, spent, budget in kinds:
        more = f" and {spent.unknown} of unknown price" if spent.unknown else ""
        words.append(f"{name} {format_dollars(spent.amount)}{f' of {format_dollars(budget)}' if budget else ''}{more}")
    return " · ".join(words)


def _show_consent(studio: Studio, service: str, maker: str, total: Total, leaves: str) -> dict[str, Any]:
    """What is agreed to once for a service and a maker: what leaves, to whom, how long it is kept, on what terms."""
    state = next(one for one in studio.hosted.states() if one.name == service)
    mine = [line for line in total.lines if (line.service, line.maker) == (service, maker)]
    named = {line.model for line in mine}
    hosted = [card.hosted for card in studio.models.cards if card.hosted and card.id in named]
    names = ", ".join(dict.fromkeys(line.title for line in mine))
    terms = next((one.makers_terms for one in hosted), "")
    pages = [way.page for one in hosted for way in one.ways if way.service == service and way.page]
    rows = [
        ["What leaves", leaves],
        ["To", f"{state.title}, which hands it on to {maker}, who made {names}."],
        ["Kept", f"{state.kept} What {maker} keeps, its own terms say{f': {terms}' if terms else ''}."],
        *([["People", PEOPLE]] if leaves == LEAVES else []),
    ]
    links = [*PAGES[service][2:], *([[f"{names} at {state.title}", pages[0]]] if pages else [])]
    return {"id": f"{service}: {maker}", "title": f"{state.title} and {maker}", "rows": rows, "links": links}
