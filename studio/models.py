"""Every model on offer, how it stands on this machine, and what the user may do about it: load, download, adopt,
delete.

Which engine a card names is in engines/registry.py; where the files lie and what is in memory, in engines/diffusion.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from msgspec import structs

from studio import preferences, presets
from studio.cards import Gauge, ModelCard, ModelState, Quote
from studio.config import Settings
from studio.engines.base import Checker, Engine, Shelf
from studio.engines.hosted.card_check import WayCheck
from studio.engines.hosted.services import is_off
from studio.hung_threads import WorkLock
from studio.nouns import Choice, Refusal
from studio.preferences import Preferences

T = TypeVar("T")

BUILT_IN = "parallax"
"""The engine that every other model's instant drafts are drawn by."""

LOOK_SECONDS = 0.5
"""How often at most the states are compared with those of before; seldomer where that takes long."""

LOOK_SHARE = 10
"""Looking takes at most one part in so many of the time."""


class Models:
    """The models of one studio. Any thread may ask; nothing here waits for a running job.

    `cards` None: those that ship, then the user's own. `make` makes the engine of a card, once for each engine a card
    names. `house`: the models of the house that these are a visitor's view of: trained ones run on its engines, and
    nothing about them is changed from here.
    """

    def __init__(
        self,
        settings: Settings,
        cards: tuple[ModelCard, ...] | None,
        make: Callable[[ModelCard, Settings], Engine],
        house: Models | None = None,
    ) -> None:
        self._house = house
        self._elsewhere: Callable[[str], ModelState | None] = lambda model: None
        self._is_elsewhere = False
        own, wrong = presets.own_cards(settings.card_folders) if cards is None else ((), ())
        on_offer = (*presets.cards(), *own) if cards is None else cards
        self.cards = tuple(card for card in on_offer if not (card.hosted and is_off()))
        self._wrong = wrong
        self._settings = settings
        self._make = make
        self._engines: dict[str, Engine] = {}
        self._making = WorkLock()
        self._closed = False
        self._looking = threading.Lock()
        self._changes = 0
        self._seen: list[ModelState] = []
        self._look_at = 0.0

    def card(self, model: str) -> ModelCard:
        """The card of a model. Raises `Refusal` when there is none."""
        for one in self.cards:
            if one.id == model:
                return one
        known = ", ".join(one.id for one in self.cards)
        raise Refusal(f"There is no model called {model!r}.", f"Choose one of: {known}.")

    def name(self, model: str) -> str:
        """What a model is called; its id when its card has gone."""
        return next((one.title for one in self.cards if one.id == model), model)

    def draft(self, card: ModelCard) -> ModelCard:
        """The card that draws instant drafts for this one: itself where it is built in.

        Raises `Refusal` where the built-in engine isn't on offer.
        """
        if card.is_built_in:
            return card
        for one in self.cards:
            if one.engine == BUILT_IN:
                return one
        raise Refusal(f"{card.title} has no quick preview.", "Animate it to see it.")

    def engine(self, card: ModelCard) -> Engine:
        """The engine that a card runs on, made on first use and kept. Raises `Refusal` when there is none."""
        if self._house and not card.is_built_in:
            return self._house.engine(card)
        if there := self._engines.get(card.engine):
            return there
        with self._making:
            if card.engine not in self._engines:
                if self._closed:
                    raise Refusal("Stir is closing.", "Open it again.")
                self._engines[card.engine] = self._make_engine(card)
            return self._engines[card.engine]

    def _make_engine(self, card: ModelCard) -> Engine:
        try:
            return self._make(card, self._settings)
        except ImportError as error:
            missing = f"{error.name} is missing or broken" if error.name else "a package is missing or broken"
            remedy = "Run: pip install -r requirements.txt"
            raise Refusal(f"{card.title} needs packages that can't be loaded: {missing}.", remedy) from error

    def try_kernels(self) -> None:
        """Begin to try attention kernels in the background, where an engine runs on a GPU."""
        for card in {card.engine: card for card in self.cards}.values():
            with contextlib.suppress(Refusal):
                engine = self.engine(card)
                if isinstance(engine, Shelf):
                    engine.try_kernels()

    def close(self) -> None:
        """Have every engine let go of its memory and threads. Safe to call twice."""
        with self._making:
            self._closed = True
            for engine in {id(one): one for one in self._engines.values()}.values():
                if isinstance(engine, Shelf):
                    engine.close()

    # How they stand ---------------------------------------------------------------------------------------------------

    def states(self) -> tuple[ModelState, ...]:
        """Every model as it stands right now, in the order of the cards. Quick, and never touches the network."""
        return tuple(self._state(card) for card in self.cards)

    def state(self, model: str) -> ModelState:
        """One model as it stands right now. Raises `Refusal` when there is no such model."""
        return self._state(self.card(model))

    def look_elsewhere(self, find: Callable[[str], ModelState | None]) -> None:
        """Clips are made by workers elsewhere too: `find` says how a model stands on the one that suits it best, which
        counts where this computer can't run it.
        """
        self._elsewhere, self._is_elsewhere = find, True

    def _state(self, card: ModelCard) -> ModelState:
        here = self._state_here(card)
        there = self._elsewhere(card.id) if card.checkpoint and not _can_run(here) else None
        return there if there and _can_run(there) else here

    def _state_here(self, card: ModelCard) -> ModelState:
        try:
            engine = self.engine(card)
            state = engine.state(card) if isinstance(engine, Shelf) else _describe_built_in(card)
            return structs.replace(state, folder="") if self._house else state  # where files lie is the owner's to know
        except Refusal as refusal:
            return ModelState(card.id, "missing", "out", "no", refusal.reason, refusal.remedy)

    @property
    def version(self) -> int:
        """A number that changes when a model's state does. Looks only at engines that something has been asked of."""
        if self._house:
            return self._house.version
        now = time.monotonic()
        if now >= self._look_at and self._looking.acquire(blocking=False):
            try:
                seen = [self._state(card) for card in self.cards if isinstance(self._engines.get(card.engine), Shelf)]
                self._changes += seen != self._seen
                self._seen = seen
                self._look_at = now + max(LOOK_SECONDS, LOOK_SHARE * (time.monotonic() - now))
            finally:
                self._looking.release()
        return self._changes

    def problems(self) -> tuple[Choice, ...]:
        """The user's own cards that can't be used: the file's name, and why."""
        return tuple(Choice("card", one.file.name, one.reason) for one in self._wrong)

    def gauge(self) -> Gauge:
        """The device, how much of its memory is in use, and the attention kernels tried on it; empty where nothing
        needs one.
        """
        for card in {card.engine: card for card in self.cards}.values():
            with contextlib.suppress(Refusal):  # its state says why
                engine = self.engine(card)
                if isinstance(engine, Shelf):
                    return engine.gauge()
        return Gauge()

    def require(self, card: ModelCard) -> None:
        """Raises `Refusal` unless this model can run here and now."""
        state = self._state(card)
        if state.fits == "no":
            raise Refusal(f"{card.title} can't run here: {state.reason}", state.remedy or "Choose another model.")
        if state.disk in ("missing", "partly"):
            how = "is only partly on" if state.disk == "partly" else "is not on"
            how = "is still being downloaded to" if state.downloading else how
            remedy = f"Download it on the Models tab, or with: python -m studio models download {card.id}"
            raise Refusal(
                f"{card.title} {how} this computer.", "Wait until it has arrived." if state.downloading else remedy
            )

    # What is done about them ------------------------------------------------------------------------------------------

    def load(self, model: str) -> None:
        """Begin to load a model in the background. Raises `Refusal` when it can't be."""
        if self._is_elsewhere:
            raise Refusal(
                "Workers make the clips now.", "They load a model when its turn comes: nothing is to be done."
            )
        self._ask_shelf(model, lambda shelf, card: shelf.load(card))

    def unload(self, model: str) -> None:
        """Let go of a model's memory. Raises `Refusal` while it is working."""
        self._ask_shelf(model, lambda shelf, card: shelf.unload(card))

    def quote(self, model: str) -> Quote:
        """Ask the hub what a download would take: the network is touched, so only because the user asked. Raises
        `Refusal`.
        """
        return self._ask_shelf(model, lambda shelf, card: shelf.quote(card))

    def download(self, model: str) -> None:
        """Begin or resume a download in the background. Raises `Refusal` when it can't begin."""
        self._ask_shelf(model, lambda shelf, card: shelf.download(card))

    def stop_download(self, model: str) -> None:
        """Stop a download; what has arrived stays."""
        self._ask_shelf(model, lambda shelf, card: shelf.stop_download(card))

    def convert(self, model: str) -> None:
        """Begin to convert weights that are published wider than they run, in the background. Raises `Refusal`."""
        self._ask_shelf(model, lambda shelf, card: shelf.convert(card))

    def adopt(self, model: str, folder: Path) -> None:
        """Use a folder that holds the model's files already. Raises `Refusal` for one that doesn't."""
        self._ask_shelf(model, lambda shelf, card: shelf.adopt(card, folder))

    def delete(self, model: str) -> int:
        """Delete a model's files; never an adopted folder's. Returns the bytes freed. Raises `Refusal`."""
        return self._ask_shelf(model, lambda shelf, card: shelf.delete(card))

    def check(self, model: str) -> dict[str, WayCheck]:
        """Hold a hosted model's card against what its services say now, by way in, and keep what came of it. The
        network is touched, so only because the user asked. Raises `Refusal`.
        """
        card = self.card(model)
        engine = self.engine(card)
        if not isinstance(engine, Checker):
            raise Refusal(f"{card.title} runs on this computer.", "There is no service to ask about it.")
        try:
            return engine.check(card)
        finally:
            self._look_at = 0.0

    def _require_owner(self) -> None:
        """Raises `Refusal` for a visitor: models and preferences are the owner's."""
        if self._house:
            raise Refusal("Only the owner of this Stir may change that.", "Ask whoever runs it.")

    def _ask_shelf(self, model: str, ask: Callable[[Shelf, ModelCard], T]) -> T:
        self._require_owner()
        card = self.card(model)
        engine = self.engine(card)
        if not isinstance(engine, Shelf):
            raise Refusal(
                f"{card.title} is built in.", "It is always here: there is nothing to load, download or delete."
            )
        try:
            return ask(engine, card)
        finally:
            self._look_at = 0.0

    # What the user prefers --------------------------------------------------------------------------------------------

    def preferences(self) -> Preferences:
        """What the user has decided instead of the studio."""
        return preferences.preferences(self._settings)

    def prefer(self, wanted: Preferences) -> None:
        """Keep what the user has decided. Raises `Refusal` when it can't be kept."""
        self.alter(lambda now: wanted)

    def alter(self, change: Callable[[Preferences], Preferences]) -> Preferences:
        """Keep what `change` makes of the present decisions; two changes at once both count. Raises `Refusal`."""
        self._require_owner()
        now = preferences.alter(self._settings, change)
        self._changes += 1
        return now


def _can_run(state: ModelState) -> bool:
    return state.fits != "no" and state.disk not in ("missing", "partly")


def _describe_built_in(card: ModelCard) -> ModelState:
    return ModelState(
        card.id, "built in", "ram", "yes", "it comes with Stir and runs on any computer", basis=card.speed
    )
