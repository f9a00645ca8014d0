"""Hosted services on the settings tab: tokens, checks, limits, budgets, and what was agreed to.

A token comes in with one call and never goes out again: every answer holds only how it ends and where it is from.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from studio.hosted_services import ServiceState
from studio.nouns import Id, Noun, replace
from studio.studio import Studio
from studio.ui.clip_actions import ById
from studio.ui.hosted_facts import PAGES
from studio.ui.html_part import Call, Nothing, make_call, make_part
from studio.ui.price_words import STAND_IN, describe_spent


class ByService(Noun, frozen=True):
    """A service by its name."""

    service: Id


class TypedToken(ByService, frozen=True):
    """A token as it was typed, and whether the keyring is to keep it."""

    token: Annotated[str, msgspec.Meta(max_length=1000)]
    keyring: bool = False


class Budget(Noun, frozen=True):
    """What hosted clips may cost in a day and in this session, in dollars, 0 for no limit, and how many are made at
    once at a service; None leaves it as it is.
    """

    day: Annotated[float, msgspec.Meta(ge=0.0, le=1e6)] | None = None
    session: Annotated[float, msgspec.Meta(ge=0.0, le=1e6)] | None = None
    at_once: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None


class ServicesPanel:
    """Its part asks when it is first opened, and is answered with the whole after every change."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        self.part = make_part("services_panel", None, calls=self.calls(), local=self.studio.settings.is_local)

    def calls(self) -> list[Call]:
        """What may be asked; a token is taken only from this computer."""
        hosted = self.studio.hosted
        calls = [
            make_call("ask_services", Nothing, lambda _: self.show()),
            make_call("forget_token", ByService, lambda ask: self.change(hosted.forget_token, ask.service)),
            make_call("check_service", ByService, lambda ask: self.check(ask.service)),
            make_call("set_budget", Budget, self.set_budget),
            make_call("withdraw", ById, self.withdraw),
        ]
        if not self.studio.settings.is_local:
            return calls
        return [*calls, make_call("keep_token", TypedToken, self.keep)]

    def keep(self, typed: TypedToken) -> dict[str, Any]:
        """Keep a token that was typed. Raises `Refusal`."""
        return self.change(self.studio.hosted.keep_token, typed.service, typed.token, typed.keyring)

    def change(self, does: Any, *values: Any) -> dict[str, Any]:
        """Do something to a service, and show how all stand then."""
        does(*values)
        return self.show()

    def set_budget(self, wanted: Budget) -> dict[str, Any]:
        """Change what the budget names."""
        named = {"day_budget": wanted.day, "hosted_at_once": wanted.at_once}
        change = {name: value for name, value in named.items() if value is not None}
        if change:
            self.studio.models.alter(lambda now: replace(now, **change))
        if wanted.session is not None:
            self.studio.spending.session_budget = wanted.session
        return self.show()

    def withdraw(self, ask: ById) -> dict[str, Any]:
        """Send no more photos to a service and a maker, "replicate: Kuaishou"."""
        service, _, maker = ask.id.partition(": ")
        return self.change(self.studio.spending.withdraw, service, maker)

    def show(self) -> dict[str, Any]:
        """How the services stand, the budgets, and what was agreed to."""
        states, wanted = self.studio.hosted.states(), self.studio.models.preferences()
        titles = {one.name: one.title for one in states}
        parties = [one.partition(": ") for one in wanted.agreed]
        return {
            "services": [self._show_service(one) for one in states],
            "stand_in": STAND_IN if any(one.is_stand_in for one in states) else "",
            "day": wanted.day_budget, "session": self.studio.spending.session_budget,
            "at_once": wanted.hosted_at_once, "spent": describe_spent(self.studio),
            "agreed": [
                {"id": name, "words": f"Photos may go to {titles.get(service, service)} and {maker}."}
                for name, (service, _, maker) in zip(wanted.agreed, parties, strict=True)
            ],
        }  # fmt: skip

    def _show_service(self, one: ServiceState) -> dict[str, Any]:
        token = {"hint": one.token, "source": one.source} if one.token else None
        return {
            "name": one.name, "title": one.title, "stand_in": one.is_stand_in, "token": token,
            "variable": one.variable, "keyring": self.studio.hosted.has_keyring, "links": PAGES.get(one.name, []),
        }  # fmt: skip

    def check(self, service: str) -> dict[str, Any]:
        """Ask a service whose token it is, and whether its models still take what their cards say. Raises `Refusal`."""
        found = self.studio.hosted.check(service, self.studio.models.cards)
        whose = f"The token belongs to {found.account}. " if found.account else "The token works. "
        line = f"{whose}{found.fit} of {found.fit + len(found.faults)} ways in take what Stir sends."
        return {"line": line, "wrong": [[one.title, one.reason] for one in found.faults]}
