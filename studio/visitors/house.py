"""A house with visitors: one Studio for each, opened when they come and closed when they are idle, and what is shared.

A visitor's photos, queue, library, comparisons and attachments lie in a home folder of their own, house/visitors/ID:
nothing of one is ever asked of another's Studio. Models and their memory, the turns at the devices and the limits are
the house's.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from studio.atomic_write import write_whole
from studio.cards import ModelCard
from studio.config import Settings
from studio.engines import registry
from studio.engines.base import Engine
from studio.guest import Guest
from studio.jobs.fair_turns import FairTurns, Seat
from studio.library import logbook
from studio.library.database import has_waiting_jobs
from studio.library.logbook import trace
from studio.limits import DiskShare, Limits
from studio.models import Models
from studio.nouns import Queued, Refusal, Running
from studio.studio import Studio
from studio.visitors.signed_cookie import CookieSigner, read_key

IDLE_SECONDS = 600.0
"""How long a Studio that nobody asks anything of, and in which nothing waits or runs, stays open."""

SWEEP_SECONDS = 30.0
"""How often the house looks for Studios that are idle and for files whose time is over."""

AWAY_SECONDS = 60.0
"""How long nothing was asked of a Studio whose page is closed or lies idle behind another: an open one asks twice a
second.
"""

NOTE_SECONDS = 60.0
"""How often at most a visit is noted on the disk."""

GONE = ".gone-"
"""How the name of a home folder begins that is being deleted: what a kill leaves of it goes at the next look."""

SEEN, NAME = "seen", "name.txt"
"""In a visitor's home folder: the file whose time is that of the last visit, and the name they have given."""


@dataclass
class Desk:
    """One visitor's open Studio, when it was last asked something, and when that was last noted on the disk."""

    studio: Studio
    asked: float
    noted: float = 0.0

    def is_idle(self, now: float, seconds: float) -> bool:
        """Whether nothing was asked for so long, and nothing waits or runs. `now` may have been set back."""
        self.asked = min(self.asked, now)
        return now - self.asked > seconds and not _is_busy(self.studio)


class VisitorHouse:
    """Every visitor's Studio. Any thread may ask. `now` tells the time, in seconds since 1970.

    `cards` and `engines` as in `Studio`; hosted models are never a visitor's: they are paid for by the owner.
    """

    def __init__(
        self,
        settings: Settings,
        limits: Limits,
        cards: tuple[ModelCard, ...] | None = None,
        engines: Callable[[ModelCard, Settings], Engine] = registry.make,
        now: Callable[[], float] = time.time,
    ) -> None:
        settings.prepare()
        self.settings, self.limits, self.now = settings, limits, now
        self.log = logbook.open(settings.home / "logs")
        self.folder = settings.home / "visitors"
        self.folder.mkdir(exist_ok=True)
        key = read_key(settings.home / "visitors.key", settings.password)
        self.signer = CookieSigner(key, settings.home / "signed_out.json")
        house = Models(settings, cards, engines)
        self._engines, self._all = engines, house
        on_offer = tuple(card for card in house.cards if self._is_on_offer(house, card))
        self.models = Models(settings, on_offer, engines, house)
        self._turns, self._drawing, self._exporting = FairTurns(), threading.Lock(), threading.Lock()
        self._desks: dict[str, Desk] = {}
        self._leaving: set[str] = set()
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep_on, name="stir-visitors", daemon=True)

    def _is_on_offer(self, house: Models, card: ModelCard) -> bool:
        """A visitor is shown the built-in model, and the trained ones that are on this computer and run on it."""
        if card.is_built_in or card.hosted or (self.limits.models and card.id not in self.limits.models):
            return card.is_built_in
        state = house.state(card.id)
        return state.disk not in ("missing", "partly") and state.fits != "no"

    def start(self) -> None:
        """Begin to close what is idle and to remove files whose time is over; what a restart interrupted goes on."""
        for home in self._list_homes():
            if has_waiting_jobs(home / "stir.db"):
                with suppress(Refusal):
                    self.find(home.name)
        self._sweeper.start()

    def close(self) -> None:
        """Close every Studio and let go of the models. Safe to call twice."""
        self._closing.set()
        with self._lock:
            desks, self._desks = self._desks, {}
        for desk in desks.values():
            desk.studio.close()
        self._all.close()
        logbook.close(self.log)

    # Visitors ---------------------------------------------------------------------------------------------------------

    def find(self, visitor: str) -> Studio:
        """A visitor's Studio, opened if it isn't. Raises `Refusal` where the house is full, and while the visitor's
        files are being deleted.
        """
        with self._lock:
            if self._closing.is_set():
                raise Refusal("Stir is closing.", "Open it again.")
            if visitor in self._leaving:
                raise Refusal("All that is yours here is being deleted.", "Load the page again in a moment.")
            desk = self._desks.get(visitor)
            if desk is None:
                self._make_room(visitor)
                desk = self._desks[visitor] = Desk(self._open(visitor), self.now())
            desk.asked = self.now()
            if desk.asked - desk.noted > NOTE_SECONDS:
                desk.noted = desk.asked
                self._note(visitor, desk.asked)
            return desk.studio

    def _open(self, visitor: str) -> Studio:
        own = replace(self.settings, home=self.folder / visitor, house=self.settings.home, choices=())
        seat = Seat(self._turns, visitor, self.limits.minutes)
        disk = DiskShare(own.home, self.limits.disk_mb)
        guest = Guest(self.models, seat, self.limits, disk, self._drawing, self._exporting)
        studio = Studio(own, self.models.cards, self._engines, guest)
        studio.start()
        return studio

    def _make_room(self, visitor: str) -> None:
        """Close the Studio that was idle longest where as many are open as may be. Raises `Refusal` where none is idle,
        and where as many visitors have files here as may.
        """
        if not (self.folder / visitor).is_dir() and (full := self.find_full()):
            raise full
        if len(self._desks) < self.limits.open:
            return
        now = self.now()
        idle = min(
            ((one.asked, name) for name, one in self._desks.items() if one.is_idle(now, AWAY_SECONDS)), default=None
        )
        if idle is None:
            raise Refusal("Everybody's desk is in use.", "Try again in a few minutes.")
        self._shut(idle[1])

    def find_full(self) -> Refusal | None:
        """Why nobody new can come: as many have files here as may. Strangers who only looked, and are gone, make room
        for whoever comes.
        """
        if len(self._list_homes()) < self.limits.visitors or self._forget_onlookers():
            return None
        return Refusal("As many people are here as there is room for.", "Come back in an hour.")

    def _forget_onlookers(self) -> bool:
        """Whether any stranger without a photo or a clip was away; their homes are gone then."""
        now, gone = self.now(), False
        with self._lock:
            for home in self._list_homes():
                desk = self._desks.get(home.name)
                is_away = desk.is_idle(now, AWAY_SECONDS) if desk else now - _find_last_visit(home) > AWAY_SECONDS
                if is_away and not (home / NAME).exists() and not _has_files(home):
                    self._shut(home.name)
                    _delete(home)
                    gone = True
        return gone

    def _shut(self, visitor: str) -> None:
        """Close a visitor's Studio, which may take seconds: nobody waits for it."""
        desk = self._desks.pop(visitor, None)
        if desk:
            threading.Thread(target=desk.studio.close, name="stir-visitor-closes", daemon=True).start()

    def _note(self, visitor: str, at: float) -> None:
        seen = self.folder / visitor / SEEN
        with suppress(OSError):
            seen.touch()
            os.utime(seen, (at, at))

    def keep_name(self, visitor: str, name: str) -> None:
        """Write down what a person calls themselves."""
        if self.name(visitor) == name:
            return
        home = self.folder / visitor
        home.mkdir(exist_ok=True)
        write_whole(home / NAME, " ".join(name.split())[:60].encode())

    def name(self, visitor: str) -> str:
        """What a person calls themselves; "" for a stranger."""
        with suppress(OSError, UnicodeDecodeError):
            return (self.folder / visitor / NAME).read_text("utf-8")
        return ""

    def forget(self, visitor: str) -> None:
        """Cancel a visitor's jobs, close the Studio and delete every file of theirs."""
        with self._lock:
            desk = self._desks.pop(visitor, None)
            self._leaving.add(visitor)
        try:
            if desk:
                for job in desk.studio.jobs():
                    desk.studio.cancel(job.id)
                desk.studio.close()
            _delete(self.folder / visitor)
        finally:
            self._leaving.discard(visitor)

    # What goes by itself ----------------------------------------------------------------------------------------------

    def _sweep_on(self) -> None:
        while not self._closing.wait(SWEEP_SECONDS):
            try:
                self.sweep()
            except Exception as error:
                self.log.error("visitors can't be looked after: %s", trace(error))

    def sweep(self) -> None:
        """Close the Studios that are idle, and delete the files of visitors whose last visit is too long ago."""
        now = self.now()
        with self._lock:
            for visitor, desk in list(self._desks.items()):
                if desk.is_idle(now, IDLE_SECONDS):
                    self._shut(visitor)
            asked = {visitor: desk.asked for visitor, desk in self._desks.items()}
        for home in self._list_homes() if self.limits.kept_hours else ():
            hours = (now - max(_find_last_visit(home), asked.get(home.name, 0.0))) / 3600
            if hours > self.limits.kept_hours:
                self.forget(home.name)
                self.log.info("a visitor's files went, %.0f hours after the last visit", hours)
        for left in self.folder.glob(f"{GONE}*"):
            shutil.rmtree(left, ignore_errors=True)

    def _list_homes(self) -> list[Path]:
        return [home for home in self.folder.iterdir() if home.is_dir() and not home.name.startswith(GONE)]


def _delete(home: Path) -> None:
    """Delete a home folder, which loses its name first: what a kill leaves of it goes at the next look."""
    gone = home.with_name(f"{GONE}{home.name}-{time.time_ns()}")
    with suppress(OSError):
        home.rename(gone)
    for left in (gone, home):
        shutil.rmtree(left, ignore_errors=True)


def _is_busy(studio: Studio) -> bool:
    return any(isinstance(job.state, Queued | Running) for job in studio.jobs())


def _has_files(home: Path) -> bool:
    """Whether a visitor has brought a photo or made a clip."""
    return any(any((home / name).glob("*")) for name in ("photos", "clips"))


def _find_last_visit(home: Path) -> float:
    """When a visitor was last seen, in seconds since 1970; the folder's own time where that was never noted."""
    for file in (home / SEEN, home):
        with suppress(OSError):
            return file.stat().st_mtime
    return time.time()
