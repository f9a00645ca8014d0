"""The optional assistant: a language or vision model of the user's own that may propose a motion or rewrite a prompt.

It is kept loaded between questions; everything else works without it. The model itself runs in engines/assistant.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from studio.models import Models
from studio.nouns import Choice, Mend, Photo, Refusal

if TYPE_CHECKING:
    from studio.engines.assistant import Assistant
    from studio.photo.photo_store import PhotoStore

PATIENCE = 90.0
"""Seconds an answer may take before it is stopped: a slow processor and a large model."""


class Assist:
    """What the page and the command line ask; off until `Preferences.assistant` names a folder."""

    def __init__(self, models: Models, photos: Callable[[], PhotoStore]) -> None:
        self._photos = photos
        self._models = models
        self._opening = threading.Lock()
        self._assistant: Assistant | None = None

    def state(self) -> Choice:
        """Whether there is an assistant, and what it can do. Loads nothing but its config."""
        folder = self._models.preferences().assistant
        if not folder:
            return Choice("assistant", "off", "it is off until a folder with a model of yours is named")
        try:
            sees = self._open().sees
        except Refusal as refusal:
            return Choice("assistant", "off", str(refusal))
        return Choice(
            "assistant",
            "sees" if sees else "writes",
            f"{Path(folder).name}, on the processor; what it writes is checked",
        )

    def propose(self, photo: Photo, mends: tuple[Mend, ...] = ()) -> str:
        """A motion for a photo in words. Raises `Refusal` when there is no assistant that sees, or it fails."""
        return self._open().propose(self._photos().mend(photo, mends), _limit())

    def rewrite(self, prompt: str) -> str:
        """A prompt said better. Raises `Refusal` when there is no assistant, or it fails."""
        return self._open().rewrite(prompt, _limit())

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
        if time.monotonic() > end:
            raise Refusal("The assistant takes too long here.", "Choose a smaller model.")

    return going
