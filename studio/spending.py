"""What hosted clips cost: the quote before, the consent and the confirmation without which none is queued, the budgets.

Whatever queues shots goes through `put`: the page, the command line, comparisons. Dollars; a price is an estimate by
the card's rules, and the services say no other.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Annotated
from uuid import uuid4

import msgspec

from studio.cards import ModelCard
from studio.engines.hosted.language_models import LanguageModel
from studio.engines.hosted.price import estimate_price
from studio.engines.hosted.service import ServiceRefusal
from studio.engines.hosted.services import find_service
from studio.engines.hosted.tokens import find_token
from studio.engines.hosted.ways import choose_way, describe_way, settle_way
from studio.library.database import Database
from studio.library.paid_jobs import PaidJob, PaidJobs, Spent
from studio.library.queue import RESUMABLE, Queue, state_name
from studio.models import Models
from studio.nouns import FINISH, Job, Noun, Refusal, Shot, replace

Amount = Annotated[float, msgspec.Meta(ge=0.0, le=1e6)]
NEAR = 0.005
"""Half a cent: amounts that differ by less are the same."""


class Line(Noun, frozen=True):
    """What one clip costs: by which model of which maker, where (`way` as the card calls it, `where` for people), and
    how that comes about. `amount` in dollars, None where nobody says. `ref` is the model's name at the service.
    """

    model: str
    title: str
    maker: str
    service: str
    way: str
    where: str
    ref: str
    amount: float | None
    basis: str
    read_on: str
    source: str
    verified: bool = True


class Confirmation(Noun, frozen=True):
    """What the user has agreed to pay for one press: at most `amount` dollars, and `unknown` clips whose price nobody
    says.
    """

    amount: Amount = 0.0
    unknown: Annotated[int, msgspec.Meta(ge=0)] = 0


class Total(Noun, frozen=True):
    """What several clips cost together: a line for each that costs money."""

    lines: tuple[Line, ...] = ()

    @property
    def amount(self) -> float:
        """The sum of what is known, in dollars."""
        return round(sum(line.amount or 0.0 for line in self.lines), 4)

    @property
    def unknown(self) -> int:
        """How many clips' price isn't known."""
        return sum(line.amount is None for line in self.lines)

    @property
    def parties(self) -> tuple[tuple[str, str], ...]:
        """Whom the photo is sent to: each service and maker once."""
        return tuple(dict.fromkeys((line.service, line.maker) for line in self.lines))

    @property
    def words(self) -> str:
        """ "about $0.90", "about $0.90 and 2 clips of unknown price"."""
        known = f"about {format_dollars(self.amount)}" if self.amount or not self.unknown else ""
        clips = "1 clip of unknown price" if self.unknown == 1 else f"{self.unknown} clips of unknown price"
        return " and ".join(filter(None, (known, clips if self.unknown else "")))


class Unconfirmed(Refusal):
    """A press that costs money and whose price wasn't confirmed, or not all of it; `total` is what it costs now."""

    def __init__(self, reason: str, remedy: str, total: Total) -> None:
        super().__init__(reason, remedy)
        self.total = total


class Spending:
    """The money of one home folder. `session` is this process's token; `session_budget` in dollars, 0 for no limit."""

    def __init__(self, database: Database, queue: Queue, paid: PaidJobs, models: Models, session: str) -> None:
        self._database, self._queue, self._models, self._session = database, queue, models, session
        self.paid = paid
        self.session_budget = 0.0

    # Before a press ---------------------------------------------------------------------------------------------------

    def settle(self, shot: Shot) -> Shot:
        """The shot with its way in named, so that what is priced is what is run; any other than hosted as it is."""
        if shot.maker == FINISH:
            return shot
        card = self._models.card(shot.maker)
        return settle_way(shot, card) if card.hosted else shot

    def quote(self, shots: Sequence[Shot]) -> Total:
        """What these shots cost together; those that are made here cost nothing. Raises `Refusal`."""
        cards = ((shot, self._models.card(shot.maker)) for shot in shots if shot.maker != FINISH)
        return Total(tuple(_describe_line(shot, card) for shot, card in cards if card.hosted))

    def confirm(self, shots: Sequence[Shot], total: Total) -> Confirmation:
        """That the user has seen this total of these shots and agrees. Raises `Unconfirmed` where it costs more now."""
        seen = Confirmation(total.amount, total.unknown)
        self.require_covered(self.quote(shots), seen)
        return seen

    def find_missing_consents(self, total: Total) -> tuple[tuple[str, str], ...]:
        """The services and makers among these that no photo may be sent to yet."""
        agreed = self._models.preferences().agreed
        return tuple((service, maker) for service, maker in total.parties if _name(service, maker) not in agreed)

    def agree(self, service: str, maker: str) -> None:
        """Photos may be sent to this service and this maker from now on."""
        name = _name(service, maker)
        self._models.alter(lambda now: replace(now, agreed=tuple(dict.fromkeys((*now.agreed, name)))))

    def withdraw(self, service: str, maker: str) -> None:
        """No photo may be sent there any more; what was sent stays sent."""
        name = _name(service, maker)
        self._models.alter(lambda now: replace(now, agreed=tuple(one for one in now.agreed if one != name)))

    # A press ----------------------------------------------------------------------------------------------------------

    def put(
        self, shots: tuple[Shot, ...], group: str = "", press: str = "", confirmation: Confirmation | None = None
    ) -> tuple[Job, ...]:
        """Queue shots, with what each may cost, in one transaction. Raises `Refusal` before any is queued: unconfirmed,
        without consent, without a token, over a budget.
        """
        with self._database.write():
            if before := self._queue.find_press(press):
                return tuple(before)
            total = self.quote(shots)
            if total.lines:
                self._require(total, confirmation)
            jobs = self._queue.submit_all(shots, group, press)
            lines = iter(total.lines)
            for job in jobs:
                if job.shot.maker != FINISH and self._models.card(job.shot.maker).hosted:
                    line = next(lines)
                    self.paid.add(
                        job.id, line.service, line.way, line.ref, line.amount, currency="USD", session=self._session
                    )
        return jobs

    @contextmanager
    def pay_for_words(self, model: LanguageModel, seen: Confirmation | None) -> Generator[None]:
        """Round one question to a hosted language model: as a clip it is confirmed, agreed to, within the budgets, and
        on the disk before it leaves. Raises `Refusal`, `Unconfirmed` among them, before anything is sent.
        """
        where, job = find_service(model.service).title, f"words-{uuid4().hex}"
        line = Line(
            model.ref, model.title, model.maker, model.service, model.service, where, model.ref, None,
            "paid by the token", "", model.page,
        )  # fmt: skip
        if seen is None:
            says = f"An answer of {model.title} at {where} is paid for, at a price that isn't known."
            raise Unconfirmed(says, "Confirm that first.", Total((line,)))
        with self._database.write():
            self._require(Total((line,)), seen, "Your words")
            self.paid.add(job, model.service, model.service, model.ref, None, currency="USD", session=self._session)
        self.paid.change(job, durable=True, state="uncertain")
        try:
            yield
        except ServiceRefusal as refused:
            if refused.kind not in ("uncertain", "service"):
                self.paid.change(job, state="failed")
            raise
        self.paid.change(job, state="arrived")

    def is_open(self, job_id: str) -> bool:
        """Whether a paid job is at its service, or may be: it is looked for there, and costs nothing more."""
        row = self.paid.get(job_id)
        return row is not None and row.state in ("sending", "sent", "uncertain")

    def is_over(self, job: Job) -> bool:
        """Whether a job that has ended cost money, or would: to make it again is a new one, with a new confirmation."""
        return state_name(job.state) in RESUMABLE and self.paid.get(job.id) is not None and not self.is_open(job.id)

    def _require(self, total: Total, confirmation: Confirmation | None, what: str = "The photo") -> None:
        self.require_covered(total, confirmation)
        for line in total.lines:
            if find_token(line.service) is None:
                raise Refusal(f"There is no token for {find_service(line.service).title}.", "Give yours in Settings.")
        for service, maker in self.find_missing_consents(total):
            where = find_service(service).title
            raise Refusal(
                f"{what} would leave this computer: to {where} and {maker}.",
                f"Agree to that first, or with: python -m studio hosted agree {total.lines[0].model}"
                if what == "The photo"
                else "Agree to that first.",
            )
        if over := self.find_excess(total):
            raise Refusal(over, "Raise the budget in Settings, or wait.")

    def require_covered(self, total: Total, seen: Confirmation | None) -> None:
        """Raises `Unconfirmed` unless a confirmation covers a total."""
        if seen is None:
            where = ", ".join(dict.fromkeys(line.where for line in total.lines))
            raise Unconfirmed(f"This costs {total.words} ({where}).", "Confirm its price first.", total)
        if total.amount > seen.amount + NEAR or total.unknown > seen.unknown:
            less = _guess(seen).words
            raise Unconfirmed(f"This costs {total.words}, and {less} was confirmed.", "Confirm its price anew.", total)

    # Budgets ----------------------------------------------------------------------------------------------------------

    def find_excess(self, total: Total) -> str:
        """Why a total would be over a budget, as a sentence; "" where it isn't."""
        return self._find_excess(total.amount, waiting=True)

    def find_hold(self, row: PaidJob) -> str:
        """Why a confirmed job isn't sent now, as a sentence: a budget was lowered or is used up, or a token has gone;
        "" where it may be.
        """
        if find_token(row.service) is None:
            return f"It waits for a token for {find_service(row.service).title}."
        over = self._find_excess(row.price or 0.0, waiting=False, session=row.session == self._session)
        return f"It waits: {over[0].lower()}{over[1:]}" if over else ""

    def _find_excess(self, amount: float, waiting: bool, session: bool = True) -> str:
        day = self._models.preferences().day_budget
        kinds = [("today's", day, find_midnight(), "")]
        kinds += [("this session's", self.session_budget, 0.0, self._session)] if session else []
        for name, budget, since, token in kinds:
            spent = self.paid.sum_up(since, token, waiting).amount
            if budget and spent + amount > budget + NEAR:
                gone = f"{format_dollars(spent)} of it are spent{' or waiting' if waiting else ''}"
                return f"{name.capitalize()} budget is {format_dollars(budget)}, and {gone}."
        return ""

    def spent_today(self) -> Spent:
        """What was sent since midnight, here and in other processes."""
        return self.paid.sum_up(find_midnight())

    def spent_session(self) -> Spent:
        """What was sent of what was confirmed in this process."""
        return self.paid.sum_up(session=self._session)


def find_midnight() -> float:
    """When today began where this computer is, seconds since 1970."""
    now = time.localtime()
    return time.mktime((now.tm_year, now.tm_mon, now.tm_mday, 0, 0, 0, 0, 0, -1))


def format_dollars(amount: float) -> str:
    """An amount: "$0.90"; below ten cents to a tenth of one, where that is something: "$0.056"."""
    return f"${amount:.3f}" if 0 < amount < 0.0995 and round(amount * 1000) % 10 else f"${amount:.2f}"


def _name(service: str, maker: str) -> str:
    return f"{service}: {maker}"


def _guess(seen: Confirmation) -> Total:
    """A total that would need this confirmation, for its words."""
    blank = Line("", "", "", "", "", "", "", None, "", "", "")
    return Total((replace(blank, amount=seen.amount), *[blank] * seen.unknown))


def _describe_line(shot: Shot, card: ModelCard) -> Line:
    way = choose_way(shot, card)
    price = estimate_price(shot, card, way)
    known = price.amount if price.currency == "USD" else None
    maker = card.hosted.maker if card.hosted else ""
    return Line(
        card.id, card.title, maker, way.service, way.name, describe_way(way), way.ref, known, price.basis,
        price.read_on, price.source, price.verified,
    )  # fmt: skip
