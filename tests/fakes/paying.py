"""A studio on the imitation of the hosted services, and shots there that cost money: what tests of paid jobs share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from studio import presets
from studio.cards import ModelCard
from studio.config import ROOT, Settings
from studio.hosted_demo.stand_in import StandIn
from studio.nouns import Job, Motion, Shot, replace
from studio.spending import Confirmation
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, photograph

CHEAP = presets.card("p-video")
"""$0.02 a second at Replicate, and nowhere else."""

LISTLESS = presets.card("kling-v3")
"""At fal too, which has no list of requests."""

CARDS = (CARD, CHEAP, LISTLESS)
SECOND = 0.02


def open_studio(settings: Settings, pace: float = 0.0, start: bool = True) -> Studio:
    """A studio with a local stand-in and hosted models, which agrees to send photos anywhere."""
    from studio.engines import registry

    def find(card: ModelCard, given: Settings):
        return registry.make(card, given) if card.hosted else Gradient(pace)

    studio = Studio(settings, CARDS, find)
    for card in CARDS[1:]:
        assert card.hosted
        for way in card.hosted.ways:
            studio.spending.agree(way.service, card.hosted.maker)
    if start:
        studio.start(score=False)
    return studio


def ask_for(studio: Studio, card: ModelCard = CHEAP, words: str = "the boat rocks", **changes: object) -> Shot:
    """The shortest and smallest shot of a hosted model."""
    photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
    service = "fal" if card is LISTLESS else ""
    seconds = 3.0 if card is LISTLESS else 1.0
    shot = Shot(photo, motion=Motion(prompt=words), model=card.id, seconds=seconds, service=service)
    shot = replace(shot, options={"mode": "standard"}) if card is LISTLESS else shot
    return replace(shot, **changes)


def buy(studio: Studio, shot: Shot) -> Job:
    """Queue a shot, its price confirmed."""
    total = studio.spending.quote([shot])
    return studio.submit(shot, confirmation=studio.spending.confirm([shot], total))


def confirm(studio: Studio, *shots: Shot) -> Confirmation:
    """The confirmation of what shots cost."""
    return studio.spending.confirm(shots, studio.spending.quote(shots))


PROCESS = """
import os, signal, sys, time
from pathlib import Path
from studio.config import Settings
from tests.fakes.paying import ask_for, buy, open_studio
studio = open_studio(Settings(Path(sys.argv[1])), start=False)
job = buy(studio, ask_for(studio))
print(job.id, flush=True)
if sys.argv[2] == "lost":
    from studio.engines.hosted.replicate import Replicate
    create = Replicate.create
    def die(self, *given):
        create(self, *given)
        os.kill(os.getpid(), signal.SIGKILL)
    Replicate.create = die
studio.start()
time.sleep(60)
"""


class Killed:
    """Another process that buys one clip and is killed (kill -9): when its request is "sent", or "lost": right after
    the service has it and before that is known here."""

    def __init__(self, home: Path, when: str, is_sent: Callable[[str], bool]) -> None:
        command = [sys.executable, "-c", PROCESS, str(home), when]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        assert process.stdout
        self.job = process.stdout.readline().strip()
        end = time.monotonic() + 40
        while when == "sent" and not is_sent(self.job) and time.monotonic() < end:
            time.sleep(0.02)
        if when == "sent":
            process.kill()
        assert process.wait(40) == -signal.SIGKILL
        process.stdout.close()


def count_creates(stand_in: StandIn) -> int:
    """How often a paid request came in."""
    return len(stand_in.list_calls("create"))
