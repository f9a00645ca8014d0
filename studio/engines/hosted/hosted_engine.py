"""Hosted models as the picker and the queue see them: whether each can be used now, by which way in, at what price.

Nothing here sends anything but `check`, and that only because the user asked. Their jobs run in a lane of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NoReturn

from studio.cards import Forecast, Gauge, ModelCard, ModelState, Quote
from studio.config import Settings
from studio.engines.base import Image, Shelf, Tick
from studio.engines.hosted.card_check import WayCheck, check_way, find_check, keep_checks
from studio.engines.hosted.field_values import find_values
from studio.engines.hosted.price import Price, estimate_price
from studio.engines.hosted.request import write_prompt
from studio.engines.hosted.services import find_service
from studio.engines.hosted.ways import TITLES, choose_way, describe_way, get_ways, has_token
from studio.engines.prepare import Prepared
from studio.frames import Frames
from studio.nouns import Choice, Refusal


class HostedEngine(Shelf):
    """All hosted models of one studio: a `Shelf` on which nothing is loaded or downloaded."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def animate(self, prepared: Prepared, image: Image, end: Image | None, tick: Tick) -> Frames:
        """Raises `Refusal`: a hosted clip is confirmed, sent and fetched by the hosted lane, never made by a worker."""
        raise Refusal(f"{prepared.card.title} runs elsewhere.", "Queue it: it is sent once you agree to its price.")

    def state(self, card: ModelCard) -> ModelState:
        """Whether a token and a way in are there, by what is known here. Quick, and sends nothing."""
        ways = get_ways(card)
        checks = {way.name: find_check(self._settings, card, way) for way in ways}
        stops = [f"{describe_way(way)}: {check.stops}" for way in ways if (check := checks[way.name]) and check.stops]
        alive = [way for way in ways if not ((check := checks[way.name]) and check.stops)]
        able = [way for way in alive if has_token(way.service)]
        titles = " or ".join(dict.fromkeys(TITLES[way.service] for way in alive))
        choices = tuple(
            Choice("check", describe_way(way), says)
            for way in ways
            if (check := checks[way.name])
            for says in ((check.stops,) if check.stops else check.changes or ("as this card says",))
        )
        if not alive:
            reason, remedy = " ".join(stops), "Check it again later, or choose another model."
        elif not able:
            reason = f"it needs your own token for {titles}"
            remedy = "Add a token under Services in Settings."
        else:
            where = " or ".join(describe_way(way) for way in able)
            return ModelState(card.id, "elsewhere", "out", "yes", f"your token is there for {where}", choices=choices)
        lacks: Literal["", "token"] = "token" if alive else ""
        return ModelState(card.id, "elsewhere", "out", "no", reason, remedy, choices=choices, lacks=lacks)

    def check(self, card: ModelCard) -> dict[str, WayCheck]:
        """Hold a card against what its services say now, those with a token; what came of it is kept. Raises `Refusal`
        when a service can't be asked, and without any token.
        """
        ways = [way for way in get_ways(card) if has_token(way.service)]
        if not ways:
            raise Refusal(f"{card.title} can't be checked without a token.", "Add one under Services in Settings.")
        found = {way.name: check_way(card, way, find_service(way.service)) for way in ways}
        keep_checks(self._settings, card, found)
        return found

    def choices(self, prepared: Prepared) -> tuple[Choice, ...]:
        """The way in, the price and the words of a run."""
        shot, card = prepared.shot, prepared.card
        way = choose_way(shot, card)
        found = find_values(shot, card, way)
        price = estimate_price(shot, card, way)
        rules = (Choice(name, str(found.values[name]), why.rstrip(".")) for name, why in found.changed.items())
        prompt = Choice("prompt", write_prompt(shot, way, found), found.words.choice.reason)
        return Choice("service", describe_way(way), _explain_way(way.near)), _describe_price(price), *rules, prompt

    def forecast(self, prepared: Prepared) -> Forecast:
        """The time is the service's, and nobody publishes it; no memory is taken here but for the film."""
        way = choose_way(prepared.shot, prepared.card)
        return Forecast(way.seconds, 0.0, 0)

    def gauge(self) -> Gauge:
        """Nothing of this machine is used."""
        return Gauge()

    def try_kernels(self) -> None:
        """There are none to try."""

    def expect(self, card: ModelCard) -> None:
        """There is nothing to load ahead."""

    def close(self) -> None:
        """There is nothing to let go of."""

    def load(self, card: ModelCard) -> None:
        """Raises `Refusal`, as all that follow: its files are elsewhere."""
        _refuse(card)

    def unload(self, card: ModelCard) -> None:
        """Raises `Refusal`."""
        _refuse(card)

    def quote(self, card: ModelCard) -> Quote:
        """Raises `Refusal`."""
        _refuse(card)

    def download(self, card: ModelCard) -> None:
        """Raises `Refusal`."""
        _refuse(card)

    def stop_download(self, card: ModelCard) -> None:
        """Raises `Refusal`."""
        _refuse(card)

    def convert(self, card: ModelCard) -> None:
        """Raises `Refusal`."""
        _refuse(card)

    def adopt(self, card: ModelCard, folder: Path) -> None:
        """Raises `Refusal`."""
        _refuse(card)

    def delete(self, card: ModelCard) -> int:
        """Raises `Refusal`."""
        _refuse(card)


def _refuse(card: ModelCard) -> NoReturn:
    raise Refusal(f"{card.title} runs on somebody else's machines.", "There is nothing to load, download or delete.")


def _explain_way(near: str) -> str:
    return f"the nearest it has to this model: {near}" if near else "the way in that was chosen, or the cheapest"


def _describe_price(price: Price) -> Choice:
    amount = "unknown" if price.amount is None else f"about ${price.amount:.2f}"
    read = f"; read {price.read_on}{'' if price.verified else ', not verified'}" if price.read_on else ""
    return Choice("price", amount, price.basis + read)
