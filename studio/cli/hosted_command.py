"""`hosted`: the services, what was agreed to, spent and lost; and the price that --pay has to cover before a clip."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from studio.cli.arguments import open_studio
from studio.cli.report import complain, say, say_json
from studio.nouns import Refusal, Shot, replace

if TYPE_CHECKING:
    from studio.library.paid_jobs import Spent
    from studio.spending import Confirmation, Total
    from studio.studio import Studio


def read_payment(words: Sequence[str]) -> Confirmation | None:
    """What --pay allows: an amount in dollars, and with "unknown" clips whose price nobody says. None without it."""
    from studio.spending import Confirmation

    if not words:
        return None
    amounts = [one for one in words if one != "unknown"]
    try:
        amount = max((float(one.removeprefix("$")) for one in amounts), default=0.0)
        return replace(Confirmation(), amount=amount, unknown=1000 if "unknown" in words else 0)
    except ValueError:
        raise Refusal(f"--pay {amounts[0]!r} is no amount.", "Give dollars, such as --pay 0.90, or unknown.") from None


def require_payment(total: Total, words: Sequence[str]) -> Confirmation | None:
    """What may be paid, after the price was said; None for what costs nothing. Raises `Refusal` where --pay doesn't
    cover it.
    """
    from studio.spending import Confirmation

    if not total.lines:
        return None
    for line in dict.fromkeys(_describe(total)):
        complain(line)
    given = read_payment(words)
    needed = [f"--pay {total.amount:.2f}"] if total.amount or not total.unknown else []
    needed += ["--pay unknown"] if total.unknown else []
    remedy = f"To pay at most that: {' '.join(needed)}"
    if given is None:
        raise Refusal(f"This costs {total.words}.", remedy)
    if total.amount > given.amount + 0.005 or (total.unknown and not given.unknown):
        raise Refusal(f"This costs {total.words}, more than --pay allows.", remedy)
    return Confirmation(total.amount, total.unknown)


def confirm_each(studio: Studio, shots: Sequence[Shot], words: Sequence[str]) -> list[Confirmation | None]:
    """What may be paid for each of these shots, which --pay has to cover together."""
    from studio.spending import Confirmation

    require_payment(studio.spending.quote(shots), words)
    each = (studio.spending.quote([shot]) for shot in shots)
    return [Confirmation(one.amount, one.unknown) if one.lines else None for one in each]


def _describe(total: Total) -> list[str]:
    from studio.spending import format_dollars

    lines = []
    for line in total.lines:
        price = "price unknown" if line.amount is None else f"about {format_dollars(line.amount)}"
        read = (
            f", price read {line.read_on} by {line.source}{'' if line.verified else ', not verified'}"
            if line.read_on
            else ""
        )
        lines.append(f"{line.title} at {line.where}: {price} ({line.basis}{read}).")
    return lines


# The command ----------------------------------------------------------------------------------------------------------


def hosted(flags: argparse.Namespace) -> None:
    """Say how the services stand, agree to one, or set the day's budget. Raises `Refusal`."""
    with closing(open_studio(flags)) as studio:
        {"list": _list, "agree": _agree, "budget": _budget}[flags.do](studio, flags)


def _list(studio: Studio, flags: argparse.Namespace) -> None:
    from studio.engines.hosted.services import services
    from studio.engines.hosted.tokens import find_token
    from studio.spending import format_dollars

    spending = studio.spending
    tokens = {one.name: find_token(one.name) for one in services()}
    open_rows = spending.paid.find("sending", "sent", "uncertain")
    today, all_time, budget = spending.spent_today(), spending.paid.sum_up(), studio.models.preferences().day_budget
    if flags.json:
        found: list[dict[str, Any]] = [
            {"name": one.name, "title": one.title, "stand_in": one.is_stand_in,
             "token": token.hint if token else "", "source": token.source if token else ""}
            for one in services() for token in (tokens[one.name],)
        ]  # fmt: skip
        jobs = [
            {"job": row.job, "service": row.service, "ref": row.ref, "state": row.state, "note": row.note}
            for row in open_rows
        ]
        agreed = studio.models.preferences().agreed
        say_json({"services": found, "spent_today": today._asdict(), "spent": all_time._asdict(),
                  "day_budget": budget, "agreed": agreed, "jobs": jobs})  # fmt: skip
        return
    if not tokens:
        say("Hosted models are switched off here (STIR_NO_HOSTED).")
    for one in services():
        token = tokens[one.name]
        say(f"{one.title}: {f'token {token.hint} from the {token.source}' if token else 'no token'}")
    limit = f" of {format_dollars(budget)}" if budget else ""
    say(f"spent today: {_say(today)}{limit}; in all: {_say(all_time)}")
    for row in open_rows:
        how = "may have been billed" if row.state in ("sending", "uncertain") else "under way"
        say(f"{row.job[:8]}: {row.ref} at {row.service}, {how}. {row.note}".rstrip())


def _say(spent: Spent) -> str:
    from studio.spending import format_dollars

    return format_dollars(spent.amount) + (f" and {spent.unknown} of unknown price" if spent.unknown else "")


def _agree(studio: Studio, flags: argparse.Namespace) -> None:
    """Say what leaves this computer for a model, and that it may."""
    from studio.engines.hosted.services import find_service

    card = studio.models.card(flags.model or "")
    if not card.hosted:
        raise Refusal(f"{card.title} sends nothing anywhere.", "Name a hosted model: python -m studio models")
    for name in dict.fromkeys(way.service for way in card.hosted.ways):
        service = find_service(name)
        say(f"{service.title} and {card.hosted.maker} get the photo, cropped and without metadata, and the words.")
        say(f"{service.kept} {card.hosted.makers_terms}".strip())
        studio.spending.agree(name, card.hosted.maker)


def _budget(studio: Studio, flags: argparse.Namespace) -> None:
    from studio.spending import format_dollars

    payment = read_payment([flags.model or ""])
    amount = payment.amount if payment else 0.0
    studio.models.alter(lambda now: replace(now, day_budget=amount))
    say(f"Hosted models may cost {format_dollars(amount)} a day." if amount else "There is no budget for a day.")
