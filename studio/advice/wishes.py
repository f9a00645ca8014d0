"""What a user wishes of a model, the picks that answer it, and the rows of the table "which photo, which model"."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from studio.cards import Text
from studio.nouns import Kind, Noun, Use

Priority = Literal["speed", "balance", "quality"]
Stands = Literal["ready", "download", "hosted", "token", "beyond"]
"""Can run here and now; has to be downloaded first; runs on a service that the user has a token of; would after one is
added; is more than this machine can run."""


class Wishes(Noun, frozen=True):
    """What the creator cares about besides the shot: what the clip is for, and what it must have.

    `faces`: they matter, also where none is found. `commercial`: the clip earns money. `offline`: nothing may be
    downloaded or leave this computer. `hosted`: models that run elsewhere are weighed too, not only where none here
    meets every wish.
    """

    use: Use | None = None
    sound: bool = False
    end_frame: bool = False
    faces: bool = False
    priority: Priority = "balance"
    commercial: bool = False
    offline: bool = False
    hosted: bool = False


class Asked(Noun, frozen=True):
    """Everything a model is weighed against: the wishes, and what the shot and its photo ask without saying so.

    `seconds` of clip, `short` its short side in pixels, `words` the first thing that only a model that reads words can
    do ("the person turns her head"; "" for nothing), `camera` whether the camera is told to move. `voice` and `film`:
    a sound or a film is there for the clip to follow.
    """

    kind: Kind | None = None
    use: Use | None = None
    seconds: Annotated[float, msgspec.Meta(gt=0.0)] = 5.0
    short: int = 480
    words: str = ""
    camera: bool = False
    loop: bool = False
    faces: bool = False
    end_frame: bool = False
    sound: bool = False
    priority: Priority = "balance"
    commercial: bool = False
    offline: bool = False
    hosted: bool = False
    voice: bool = False
    film: bool = False


About = Literal[
    "words",
    "end",
    "sound",
    "length",
    "kind",
    "faces",
    "use",
    "camera",
    "size",
    "pace",
    "quality",
    "here",
    "licence",
    "price",
]


class Term(Noun, frozen=True):
    """One reason for a model (a weight over 0) or against it (under 0). `says` goes on after "it": "keeps faces as they
    are".
    """

    about: About
    weight: float
    says: Text


class Pick(Noun, frozen=True):
    """A model that is recommended: why, in one sentence, and what is given up by taking it.

    `stands` is whether it can run here now; `terms` is everything that was weighed, the weightiest first, and `score`
    their sum.
    """

    model: str
    says: Text
    gives_up: str = ""
    stands: Stands = "ready"
    score: float = 0.0
    terms: tuple[Term, ...] = ()


class Suited(Noun, frozen=True):
    """A model in the row of a kind of photo: why it is there, and what to know before choosing it."""

    model: str
    title: Text
    why: Text
    mind: str = ""


class Row(Noun, frozen=True):
    """One row of "which photo, which model": a kind of photo, what that kind asks, and the models for it, the best
    first.
    """

    kind: Kind
    title: Text
    says: Text
    models: tuple[Suited, ...]
