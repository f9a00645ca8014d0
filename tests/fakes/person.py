"""A person at a running studio: what they ask of it, and what it has answered, which it may never forget.

An answer that never came (the process was killed) leaves open whether it was done: then both are right, but nothing between.
"""

from __future__ import annotations

import io
import random
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from PIL import Image

from tests.fakes.served_app import GONE, Refused


class Asked(Protocol):
    """A running studio that answers as its page and its endpoints do, or raises one of GONE, or `Refused`."""

    def ask(self, name: str, value: Any) -> Any:
        """What a script of the page asks."""
        ...

    def call(self, endpoint: str, **values: Any) -> Any:
        """What a program asks."""
        ...

    def take_photo(self, data: bytes, name: str) -> str:
        """Have a photo taken in. Its id."""
        ...


SMALL: dict[str, Any] = {"size": "240p", "seconds": 1, "fps": 16}
LONG: dict[str, Any] = {"size": "240p", "seconds": 10, "fps": 30}
"""A clip that is at work for some seconds, so that something can happen meanwhile."""

MOVES = ("slow push in", "orbit left", "slow pull back", "truck right", "the camera rises slowly")


@dataclass
class Ledger:
    """What the studio has said. Changed under `lock`; read once nobody asks any more."""

    photos: list[str] = field(default_factory=list)
    jobs: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    presses: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    stars: dict[str, set[int]] = field(default_factory=dict)
    trashed: dict[str, set[bool]] = field(default_factory=dict)
    emptied: set[str] = field(default_factory=set)
    """Clips that stood in the trash when it was emptied, or may have: they may be gone."""

    unanswered: int = 0
    """Requests for one clip each whose answer never came."""

    refusals: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Person:
    """One pair of hands at the studio; several share a ledger. Each clip is only ever changed by one of them."""

    def __init__(self, app: Asked, ledger: Ledger, seed: int, hand: int = 0, hands: int = 1) -> None:
        self.app, self.ledger, self.chance = app, ledger, random.Random(seed)
        self._hand, self._hands = hand, hands

    def pick_clip(self, trashed: bool | None = False) -> str:
        """A clip that was made and is this hand's; "" for none."""
        with self.ledger.lock:
            mine = [
                clip for clip in sorted(self.ledger.trashed)
                if int(clip[:6], 16) % self._hands == self._hand and clip not in self.ledger.emptied
                and (trashed is None or self.ledger.trashed[clip] == {trashed})
            ]  # fmt: skip
        return self.chance.choice(mine) if mine else ""

    # What they do -----------------------------------------------------------------------------------------------------

    def upload_photo(self) -> None:
        """Upload a photo that is unlike any other, and have it taken in."""
        photo = self._ask(lambda: self.app.take_photo(paint_photo(self.chance), f"photo {self.chance.randrange(10**6)}.jpg"))
        if photo:
            with self.ledger.lock:
                self.ledger.photos.append(photo)

    def submit(self, **shape: Any) -> str:
        """A clip of one of the photos, by the endpoint. Its job; "" where no answer came."""
        with self.ledger.lock:
            photo = self.chance.choice(self.ledger.photos)
        wish = {"photo": photo, "prompt": self.chance.choice(MOVES), "seed": self.chance.randrange(10**6)}
        begun = self._ask(lambda: self.app.call("animate", **wish, **(shape or SMALL)), begins=1)
        return self._note_jobs([begun["id"]])[0] if begun else ""

    def make_again(self) -> str:
        """Another take of a clip, by the page's button; now and then it is pressed twice."""
        clip, press = self.pick_clip(), uuid.UUID(int=self.chance.getrandbits(128)).hex
        if not clip:
            return self.submit()
        how = self.chance.choice(("again_clip", "vary_clip"))
        for _ in range(self.chance.choice((1, 1, 1, 2))):
            begun = self._ask(lambda: self.app.ask(how, {"id": clip, "press": press}), begins=1)
            if begun:
                self._note_jobs([begun["job"]], press)
        return next(iter(self.ledger.presses[press]), "")

    def finish(self) -> None:
        """A clip finished, or two joined, by the endpoint."""
        clips = list(dict.fromkeys(filter(None, (self.pick_clip(), self.pick_clip()))))[: self.chance.choice((1, 2))]
        how = {"loop": "ping_pong"} if len(clips) == 1 else {"join": {"how": "cut"}}
        if clips:
            begun = self._ask(lambda: self.app.call("finish", clips=clips, finish=how), begins=1)
            if begun:
                self._note_jobs([begun["id"]])

    def export(self) -> None:
        """A zip of some clips, or one written for a place."""
        clips = sorted({one for one in (self.pick_clip() for _ in range(4)) if one})
        if clips and self.chance.random() < 0.5:
            self._ask(lambda: self.app.ask("export_clips", {"ids": clips}))
        elif clips:
            self._ask(lambda: self.app.ask("start_delivery", {"ids": clips[:1], "places": ["web"]}))

    def rate(self) -> None:
        """Stars for a clip."""
        clip, stars = self.pick_clip(), self.chance.randint(0, 5)
        if clip:
            self._change(self.ledger.stars[clip], stars, lambda: self.app.ask("rate_clip", {"id": clip, "stars": stars}))

    def trash(self) -> None:
        """A clip into the trash."""
        clip = self.pick_clip()
        if clip:
            self._change(self.ledger.trashed[clip], True, lambda: self.app.ask("trash_clip", {"id": clip}))

    def restore(self) -> None:
        """A clip back from the trash."""
        clip = self.pick_clip(trashed=True)
        if clip:
            self._change(self.ledger.trashed[clip], False, lambda: self.app.ask("restore_clip", {"id": clip}))

    def empty_trash(self) -> None:
        """Delete what is in the trash for good. Nobody else may change clips meanwhile."""
        with self.ledger.lock:
            self.ledger.emptied |= {clip for clip, states in self.ledger.trashed.items() if True in states}
        self._ask(lambda: self.app.ask("empty_trash", {}))

    def stop_job(self, job: str) -> None:
        """Cancel a job, which may have ended by then."""
        with self.ledger.lock:
            self.ledger.stopped.add(job)
        self._ask(lambda: self.app.ask("cancel_job", {"id": job}))

    def resume(self, job: str) -> None:
        """Have a job that was interrupted made after all."""
        self._ask(lambda: self.app.ask("retry_job", {"id": job}))

    def do_anything(self) -> None:
        """One of the things that change something, by chance."""
        often = (self.make_again, self.make_again, self.rate, self.rate, self.trash, self.restore, self.upload_photo)
        self.chance.choice((*often, self.finish, self.export, self.submit))()

    # What is noted ----------------------------------------------------------------------------------------------------

    def note_clips(self, clips: dict[str, tuple[int, bool]], settled: bool = False) -> None:
        """Clips that the library shows, with their stars and whether they are in the trash: known from now on.

        `settled`: what was left open has been looked at, and is as it is here.
        """
        with self.ledger.lock:
            if settled:
                self.ledger.stars, self.ledger.trashed = {}, {}
                self.ledger.emptied -= clips.keys()
            for clip, (stars, trashed) in clips.items():
                self.ledger.stars.setdefault(clip, {stars})
                self.ledger.trashed.setdefault(clip, {trashed})

    def _note_jobs(self, jobs: list[str], press: str = "") -> list[str]:
        with self.ledger.lock:
            self.ledger.jobs.update(jobs)
            if press:
                self.ledger.presses[press].update(jobs)
        return jobs

    def _change(self, held: set[Any], value: Any, does: Callable[[], Any]) -> None:
        """A value that is the new one once the studio has said so, and either while it hasn't."""
        with self.ledger.lock:
            held.add(value)
        if self._ask(does, answer=True):
            with self.ledger.lock:
                held.clear()
                held.add(value)

    def _ask(self, does: Callable[[], Any], begins: int = 0, answer: bool = False) -> Any:
        """The answer; None when none came or it was refused. `answer`: True for any answer."""
        try:
            found = does()
            return True if answer else found
        except GONE:
            with self.ledger.lock:
                self.ledger.unanswered += begins
        except Refused as refused:
            with self.ledger.lock:
                self.ledger.refusals.append(str(refused))
        return None


def paint_photo(chance: random.Random, width: int = 640, height: int = 480) -> bytes:
    """A small JPEG of hills before a sky, unlike any other."""
    across = np.linspace(0, 1, width)
    ridge = 0.55 + sum(0.12 / n * np.sin(2 * np.pi * n * (across + chance.random())) for n in (1, 2, 5))
    down = np.linspace(0, 1, height)[:, None]
    sky, hill = (np.array([chance.randrange(60, 250) for _ in range(3)], np.float32) for _ in range(2))
    image = np.where((down > ridge)[..., None], hill * (1.2 - down[..., None] / 2), sky * (0.7 + down[..., None] / 2))
    grain = np.random.default_rng(chance.getrandbits(32)).normal(0, 4, image.shape)
    file = io.BytesIO()
    Image.fromarray((image + grain).clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=88)
    return file.getvalue()
