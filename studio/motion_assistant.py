"""The optional assistant: a language or vision model of the user's own that may propose a motion or rewrite a prompt.

It is kept loaded between questions; everything else works without it. The model itself runs in engines/assistant.py, or
at a hosted service (engines/hosted/language_models.py), where every question is paid for like a clip.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from studio.hung_threads import show_life
from studio.jobs.deadlines import MODEL_TIMES
from studio.jobs.watched_work import run_watched
from studio.models import Models
from studio.nouns import Choice, Mend, Photo, Refusal
from studio.spending import Confirmation, Spending

if TYPE_CHECKING:
    from studio.engines.assistant import Assistant
    from studio.engines.hosted.language_models import HostedAssistant
    from studio.photo.photo_store import PhotoStore

PATIENCE = 90.0
"""Seconds an answer may take before it is stopped: a slow processor and a large model."""


HOSTED = "hosted:"
"""What `Preferences.assistant` begins with when it names a service ("hosted:fal") and not a folder."""


class Assist:
    """What the page and the command line ask; off until `Preferences.assistant` names a folder or a hosted service.
    `spending` is whom a paid question is settled with; `deadline` the studio's, from which that of a model follows.
    """

    def __init__(
        self, models: Models, photos: Callable[[], PhotoStore], spending: Spending, deadline: float
    ) -> None:  # fmt: skip
        self._seconds = deadline * MODEL_TIMES["load"]
        self._photos = photos
        self._models = models
        self._spending = spending
        self._opening = threading.Lock()
        self._assistant: Assistant | None = None

    def state(self) -> Choice:
        """Whether there is an assistant, and what it can do. Loads nothing but its config."""
        folder = self._models.preferences().assistant
        if not folder:
            return Choice("assistant", "off", "it is off until a folder with a model of yours is named")
        try:
            if folder.startswith(HOSTED):
                return Choice("assistant", "hosted", self._open_hosted(folder).describe())
            sees = self._open().sees
        except Refusal as refusal:
            return Choice("assistant", "off", str(refusal))
        return Choice(
            "assistant",
            "sees" if sees else "writes",
            f"{Path(folder).name}, on the processor; what it writes is checked",
        )

    @property
    def hosted_party(self) -> tuple[str, str] | None:
        """The service and the maker that the words go to; None for a helper on this computer, or none."""
        folder = self._models.preferences().assistant
        if not folder.startswith(HOSTED):
            return None
        model = self._open_hosted(folder).model
        return model.service, model.maker

    def list_hosted(self) -> tuple[Choice, ...]:
        """The hosted helpers that a token is there for: what `Preferences.assistant` has to be, and who it is."""
        from studio.engines.hosted.language_models import LANGUAGE_MODELS
        from studio.engines.hosted.services import services
        from studio.engines.hosted.tokens import find_token

        found = [(one, LANGUAGE_MODELS[one.name]) for one in services() if find_token(one.name)]
        return tuple(Choice("assistant", HOSTED + one.name, f"{model.title} at {one.title}") for one, model in found)

    def propose(self, photo: Photo, mends: tuple[Mend, ...] = ()) -> str:
        """A motion for a photo in words. Raises `Refusal` when there is no assistant that sees, or it fails."""
        if self.hosted_party:
            raise Refusal("A hosted helper isn't shown photos.", "Write a prompt for it to mend.")
        return self._ask(lambda going: self._open().propose(self._photos().mend(photo, mends), going))

    def rewrite(self, prompt: str, confirmation: Confirmation | None = None) -> str:
        """A prompt said better. Raises `Refusal` when there is no assistant, or it fails; `Unconfirmed` where it is
        hosted and its price wasn't confirmed.
        """
        folder = self._models.preferences().assistant
        if not folder.startswith(HOSTED):
            return self._ask(lambda going: self._open().rewrite(prompt, going))
        assistant = self._open_hosted(folder)
        with self._spending.pay_for_words(assistant.model, confirmation):
            return self._ask(lambda going: assistant.rewrite(prompt, going))

    def _ask(self, ask: Callable[[Callable[[], None]], str]) -> str:
        return run_watched("the assistant", lambda tick: ask(_limit()), self._seconds)

    def _open_hosted(self, name: str) -> HostedAssistant:
        from studio.engines.hosted.language_models import HostedAssistant, find_language_model
        from studio.engines.hosted.services import find_service

        model = find_language_model(name.removeprefix(HOSTED))
        return HostedAssistant(model, find_service(model.service))

    def close(self) -> None:
        """Let go of its memory."""
        with self._opening:
            if self._assistant:
                self._assistant.close()
            self._assistant = None

    def _open(self) -> Assistant:
        folder = self._models.preferences().assistant
        if not folder:
            raise Refusal("There is no assistant.", "Name a folder with a small language or vision model in Settings.")
        with self._opening:
            if self._assistant is None or self._assistant.folder != Path(folder):
                from studio.engines.assistant import Assistant

                self._assistant = Assistant(Path(folder))
            return self._assistant


def _limit() -> Callable[[], None]:
    """What is called at every token: it stops an answer that takes too long, counted from the first, when all is
    loaded.
    """
    end = 0.0

    def going() -> None:
        nonlocal end
        end = end or time.monotonic() + PATIENCE
        show_life()
        if time.monotonic() > end:
            raise Refusal("The assistant takes too long here.", "Choose a smaller model.")

    return going
