"""What the worker asks of the rest of the studio when a job starts, and not before: some of it is slow to load.

Knows questions. Refuses to know who answers them.
"""

from __future__ import annotations

from typing import Protocol

from studio.cards import ModelCard
from studio.engines.base import Engine, Image
from studio.nouns import Mend, Photo


class Photos(Protocol):
    """Where the pixels of a photo come from."""

    def pixels(self, photo: Photo) -> Image:
        """The whole photo: (H, W, 3) uint8 RGB. Raises `Refusal` when it isn't here any more."""
        ...

    def mended(self, photo: Photo, mends: tuple[Mend, ...]) -> Image:
        """The whole photo with its mends done. Raises `Refusal` when it isn't here any more."""
        ...


class Rooms(Protocol):
    """The doors a job goes through."""

    @property
    def photos(self) -> Photos:
        """The photos taken in."""
        ...

    def card(self, model: str) -> ModelCard:
        """The card of a model id. Raises `Refusal`."""
        ...

    def engine(self, card: ModelCard) -> Engine:
        """The engine a card runs on. Raises `Refusal`."""
        ...
