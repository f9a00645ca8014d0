"""The protocols of an engine: animate a prepared shot; find places for effects; and keep models on the disk and in
memory.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from studio.cards import Forecast, Gauge, ModelCard, ModelState, Quote
from studio.engines.hosted.card_check import WayCheck
from studio.engines.prepare import Prepared
from studio.frames import Frames
from studio.nouns import Choice, EffectName, Noun, Progress, Refusal, Region, Shot

if TYPE_CHECKING:
    from studio.engines.parallax.scene import Scene

Image = NDArray[np.uint8]
Tick = Callable[[Progress], None]
"""Called often by an engine with how far it is. Raises `Stopped` when the user has stopped the job."""


class Stopped(Exception):
    """The user stopped the job. Raised by `tick`, passed on by engines, never caught by them."""


class Engine(Protocol):
    """Turns a photo and a shot into frames."""

    def animate(self, prepared: Prepared, image: Image, end: Image | None, tick: Tick) -> Frames:
        """Animate `image`, the whole mended photo at full resolution ((H, W, 3) uint8 RGB), as `prepared.shot` says.

        `end` is the whole photo of `shot.end` where the card takes an end frame and the shot has one, else None. Size,
        length, rate and the part of the photo that is shown are those of `prepared.plan`; what lies around that part
        may help to understand it. Returns `Frames`, whose iterator may render as it is read, so that memory doesn't
        grow with the clip's length. Raises `Refusal` for a shot this engine can't make and lets `Stopped` from `tick`
        through.
        """
        ...


class Unplaced(Noun, frozen=True):
    """An effect that finds no place in a photo: the region it was to happen in, and why it can't.

    unpainted: it waits for the brush; outside: what was painted lies outside the crop; absent: there is no such thing
    in the crop; vague: something stands out there, but its edge is too soft to part it. `because` is why in a few
    words, `says` one sentence for people.
    """

    effect: EffectName
    region: Region
    why: Literal["unpainted", "outside", "absent", "vague"]
    because: str
    says: str


class Places(Noun, frozen=True):
    """Where the effects of a shot would happen: those that have a place, those that have none, and whether the camera
    moves.
    """

    placed: tuple[EffectName, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    camera: bool = True

    @property
    def moves(self) -> bool:
        """Whether anything at all would move."""
        return self.camera or bool(self.placed)


def require_motion(places: Places) -> None:
    """Raises `Refusal` when nothing at all would move, because what was asked for has no place."""
    if places.unplaced and not places.moves:
        why = " ".join(one.says for one in places.unplaced)
        raise Refusal(f"Nothing would move. {why}", "Paint where it happens, or choose a camera move.", "effects")


@runtime_checkable
class Reader(Protocol):
    """An engine that reads a photo into a scene with depth."""

    def read(self, image: Image, shot: Shot, tick: Tick = ...) -> Scene:
        """The scene of a shot of a photo, (H, W, 3) uint8 RGB; quick when it was read before."""
        ...


@runtime_checkable
class Placer(Protocol):
    """An engine that finds by itself where effects happen."""

    def places(self, image: Image, shot: Shot) -> Places:
        """Where the effects of a shot of a photo, (H, W, 3) uint8 RGB, would happen. Quick where the photo was read
        before.
        """
        ...


@runtime_checkable
class Devices(Protocol):
    """An engine that knows its GPUs: on each, jobs run one at a time, and beside those of the others."""

    @property
    def devices(self) -> tuple[Engine, ...]:
        """For each GPU the engine that runs there, with models of its own; () where models run on the processor."""
        ...


@runtime_checkable
class Checker(Protocol):
    """An engine whose cards can be held against what their services say now."""

    def check(self, card: ModelCard) -> dict[str, WayCheck]:
        """Ask the services of a card that a token is there for; by way in. Touches the network, so only because the
        user asked.
        """
        ...


@runtime_checkable
class Shelf(Protocol):
    """What an engine adds that keeps models on the disk and in memory.

    Any thread may call, and none of these waits for a running job. Each raises `Refusal` when it can't be done.
    """

    def state(self, card: ModelCard) -> ModelState:
        """How a model stands right now. Quick, and never touches the network."""
        ...

    def load(self, card: ModelCard) -> None:
        """Begin to load a model in the background; `state` shows how far it is."""
        ...

    def expect(self, card: ModelCard) -> None:
        """A hint that this card's job comes next: begins to load it in the background where memory allows, or does
        nothing.
        """
        ...

    def unload(self, card: ModelCard) -> None:
        """Let go of a model's memory. Refuses while it is working."""
        ...

    def quote(self, card: ModelCard) -> Quote:
        """Ask the hub what a download would take. Touches the network, so only ever because the user asked."""
        ...

    def download(self, card: ModelCard) -> None:
        """Begin or resume a download in the background, after the checks of `quote`; `state` shows how far it is."""
        ...

    def stop_download(self, card: ModelCard) -> None:
        """Stop a download; what has arrived stays and is resumed by `download`."""
        ...

    def convert(self, card: ModelCard) -> None:
        """Begin, or go on with, keeping weights that are published wider than they run at the dtype they run in.

        In the background, as a download: shown by `state`, stopped by `stop_download`.
        """
        ...

    def adopt(self, card: ModelCard, folder: Path) -> None:
        """Use a folder that already holds the model's files, from now on. Refuses one that doesn't."""
        ...

    def delete(self, card: ModelCard) -> int:
        """Delete a model's files (never an adopted folder's, never those another card needs). Returns bytes freed."""
        ...

    def choices(self, prepared: Prepared) -> tuple[Choice, ...]:
        """The automatic choices a run of this shot would lead to: placement, weights, attention kernel, prompt; each
        says why.
        """
        ...

    def forecast(self, prepared: Prepared) -> Forecast:
        """What a run of this shot will take here: time, and memory as its model would be placed. Quick."""
        ...

    def gauge(self) -> Gauge:
        """The device, how much of its memory is in use, and the attention kernels tried on it with their errors and
        times.
        """
        ...

    def try_kernels(self) -> None:
        """Begin to try attention kernels in the background, once on a device; no job waits for it."""
        ...

    def close(self) -> None:
        """Stop what runs in the background and let go of all memory. Safe to call twice."""
        ...
