"""The hosted services of one studio, for page and command line: their tokens, and whether cards still fit them.

Nothing here asks a service anything but `check`, which the user presses. How a hosted model stands:
engines/hosted/hosted_engine.py. What is paid, and the budgets: spending.py.
"""

from __future__ import annotations

from typing import NamedTuple

from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.hosted import card_check, services, tokens
from studio.engines.hosted.request import check_request
from studio.engines.hosted.ways import choose_way, describe_way, get_ways
from studio.hosted_cards import Way
from studio.nouns import Refusal, Shot


class ServiceState(NamedTuple):
    """How a service stands. `token` is how its token ends ("…abcd") and `source` where it is from, "" without one;
    `variable` is what the environment calls it. `kept` says how long the service keeps what it is sent.
    """

    name: str
    title: str
    is_stand_in: bool
    token: str
    source: str
    variable: str
    billing_page: str
    kept: str


class CardFault(NamedTuple):
    """A card that a service no longer takes as it is written, and what differs."""

    model: str
    title: str
    reason: str


class ServiceCheck(NamedTuple):
    """What a check found: whose account it is ("" where the service doesn't say), how many ways in fit, and others."""

    account: str
    fit: int
    faults: tuple[CardFault, ...]


class HostedServices:
    """All services; none when they are switched off, or for visitors: their clips would be paid for by the owner. Any
    thread may ask; only `check` waits for a network.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __bool__(self) -> bool:
        return not services.is_off() and not self._settings.visitors

    def states(self) -> tuple[ServiceState, ...]:
        """Every service as it stands."""
        if not self:
            return ()
        found = [(one, tokens.find_token(one.name)) for one in services.services()]
        return tuple(
            ServiceState(
                one.name, one.title, one.is_stand_in, token.hint if token else "", token.source if token else "",
                tokens.VARIABLES[one.name], one.billing_page, one.kept,
            )
            for one, token in found
        )  # fmt: skip

    @property
    def has_keyring(self) -> bool:
        """Whether a token can be kept in this system's keyring."""
        return tokens.has_keyring()

    def keep_token(self, service: str, text: str, in_keyring: bool = False) -> None:
        """Keep a token for this process, or in the keyring. Raises `Refusal` for what can't be one."""
        tokens.keep_token(services.find_service(service).name, text, in_keyring)

    def forget_token(self, service: str) -> None:
        """Forget a token that was typed or is in the keyring. Raises `Refusal` where the keyring keeps it."""
        tokens.forget_token(services.find_service(service).name)

    def explain_way(self, card: ModelCard, way: Way) -> str:
        """Why a way in can't be used here and now, as one sentence; "" where it can."""
        if tokens.find_token(way.service) is None:
            return "It needs a token of your own."
        check = card_check.find_check(self._settings, card, way)
        return check.stops if check else ""

    def find_lack(self, shot: Shot, card: ModelCard) -> Refusal | None:
        """What a hosted shot lacks, or has that its way in doesn't take; None where it can be sent."""
        try:
            check_request(shot, card, choose_way(shot, card))
        except Refusal as refusal:
            return refusal
        return None

    def check(self, name: str, cards: tuple[ModelCard, ...]) -> ServiceCheck:
        """Ask a service whose token it is, and whether it still takes what these cards say. Costs nothing. Raises
        `Refusal` where it can't be asked.
        """
        service = services.find_service(name)
        account = service.account()
        fit, faults = 0, list[CardFault]()
        for card in cards:
            ways = [way for way in get_ways(card) if way.service == name]
            checks = {way.name: card_check.check_way(card, way, service) for way in ways}
            card_check.keep_checks(self._settings, card, checks)
            for way in ways:
                check = checks[way.name]
                said = " ".join(filter(None, (check.stops, *check.changes)))
                fit += not said
                faults += [CardFault(card.id, f"{card.title}, {describe_way(way)}", said)] if said else []
        return ServiceCheck(account.name, fit, tuple(faults))
