"""How a prepared shot becomes an encoded file: its photo is animated, the frames encoded, the memory measured.

It needs no database, queue or library: a worker on another machine renders with it as the studio does.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from studio.cards import ModelCard, Plan
from studio.engines.base import Devices, Engine, Image, Shelf, Tick
from studio.engines.peak_memory import PeakMemory
from studio.engines.prepare import Prepared
from studio.frames import Frames
from studio.library import disk
from studio.nouns import Attachment, Choice, Refusal, Shot
from studio.presets import explain_silent_track
from studio.system_errors import explain_system_error

if TYPE_CHECKING:
    from studio.clip.encode import Encoded

BYTES_PER_PIXEL = {"mp4": 0.25, "webm": 0.25, "gif": 1.0, "webp": 0.5}
"""A generous clip: libx264 at crf 19 takes about 0.02 for a slow move over a photograph, twice over while it is
written.
"""


class Rendered(NamedTuple):
    """An encoded clip, what was chosen on the way, and the most memory its making took, in bytes."""

    encoded: Encoded
    choices: tuple[Choice, ...]
    memory: int


def refuse_attachment(given: Attachment) -> Path:
    """Where no attachments are kept, as on another machine. Raises `Refusal`."""
    raise Refusal(f"{given.name} isn't on the machine that makes this clip.", "Finish the clip once it is made.")


class ClipRenderer:
    """Renders shots on the engines that `find_engine` makes; `find_file` says where an attachment lies. Any thread may
    call."""

    def __init__(
        self, find_engine: Callable[[ModelCard], Engine], find_file: Callable[[Attachment], Path] = refuse_attachment
    ) -> None:
        self._find_engine, self._find_file = find_engine, find_file
        self._used: dict[tuple[str, int], ModelCard] = {}
        self._counting = threading.Lock()

    def engine(self, card: ModelCard, device: int = 0) -> Engine:
        """The engine of a card on one device, counted from 0. Raises `Refusal` when there is none."""
        engine = self._find_engine(card)
        devices = engine.devices if isinstance(engine, Devices) else ()
        return devices[device] if device < len(devices) else engine

    def render(
        self, prepared: Prepared, image: Image, end: Image | None, folder: Path, tick: Tick, device: int = 0
    ) -> Rendered:
        """Animate the mended photo `image`, (H, W, 3) uint8 RGB, and encode the frames in `folder`. Raises `Refusal`
        or `Stopped`.
        """
        from studio.clip.encode import encode

        shot, card = prepared.shot, prepared.card
        with self._measure(card, device) as peak:
            frames = self.engine(card, device).animate(prepared, image, end, tick)
            if prepared.recipe.finish:
                frames = self._finish_live(frames, prepared.recipe, folder, tick)
            file, silence = folder / f"clip.{shot.format}", explain_silent_track(shot.platform)
            encoded = encode(frames, file, prepared.recipe, tick, silence)
        return Rendered(encoded, _merge_choices(prepared.plan, frames, encoded), peak.bytes)

    def finish(self, files: Sequence[Path], shot: Shot, wraps: bool, folder: Path, tick: Tick) -> Rendered:
        """Finish kept clips, and encode the frames in `folder`: no model is loaded. wraps: the last frame of the one
        clip is followed by its first. Raises `Refusal` or `Stopped`.
        """
        from studio.clip.encode import encode
        from studio.finish.apply_finish import Tools, apply_finish
        from studio.finish.open_clips import open_clips

        with PeakMemory(0, has_model=False, device=None) as peak:
            source = open_clips(files, shot, self._find_file)
            frames = apply_finish(source, shot, Tools(folder, self._find_file, tick), wraps)
            disk.require(folder, round(frames.width * frames.height * frames.num_frames * BYTES_PER_PIXEL[shot.format]))
            encoded = encode(frames, folder / f"clip.{shot.format}", shot, tick, explain_silent_track(shot.platform))
        return Rendered(encoded, tuple(dict.fromkeys(encoded.choices)), peak.bytes)

    def _finish_live(self, frames: Frames, shot: Shot, folder: Path, tick: Tick) -> Frames:
        """The frames of an engine at work, finished; what it chose stands first."""
        from studio.finish.apply_finish import Tools, apply_finish
        from studio.finish.clip_frames import LiveFrames

        live = LiveFrames(frames)
        try:
            made = apply_finish(live, shot, Tools(folder, self._find_file, tick), shot.motion.camera.loop)
        except BaseException:
            live.close()  # an engine holds on to its model until then
            raise
        said: list[Choice] = []

        def paint() -> Iterator[Image]:
            yield from made.images
            said.extend((*frames.choices, *made.choices))  # the engine's are whole only now

        return dataclasses.replace(made, images=paint(), choices=said)

    def expect(self, card: ModelCard, device: int = 0) -> None:
        """Tell a model's engine that its job comes next."""
        engine = self.engine(card, device)
        if isinstance(engine, Shelf):
            self._note_use(card, device)
            engine.expect(card)

    def _note_use(self, card: ModelCard, device: int) -> list[tuple[int, ModelCard]]:
        """Note that a model is used here. Returns the others that were, with their devices."""
        with self._counting:
            self._used[card.id, device] = card
            return [(at, other) for (name, at), other in self._used.items() if (name, at) != (card.id, device)]

    def _measure(self, card: ModelCard, device: int) -> PeakMemory:
        """What measures the memory of a run of this model, without what others hold that have run or loaded here."""
        others = 0
        for at, other in self._note_use(card, device):
            engine = self.engine(other, at)
            if isinstance(engine, Shelf):
                others += engine.state(other).held
        return PeakMemory(others, has_model=card.checkpoint is not None, device=device if card.checkpoint else None)


def require_room(plan: Plan, shot: Shot, folder: Path) -> None:
    """Raises `Refusal` where the disk of `folder` has no room for the clip of a plan."""
    disk.require(folder, round(plan.width * plan.height * plan.num_frames * BYTES_PER_PIXEL[shot.format]))


def explain_error(error: Exception) -> Refusal | None:
    """Why a clip wasn't made, in the user's words; None for what nobody foresaw."""
    if isinstance(error, Refusal):
        return error
    return explain_system_error(error)


def _merge_choices(planned: Plan, frames: Frames, encoded: Encoded) -> tuple[Choice, ...]:
    """What was planned, as far as it came true and the engine doesn't say it better, then what engine and encoder
    chose.
    """
    if (planned.width, planned.height) != (frames.width, frames.height):
        planned = structs.replace(planned, size=None)
    if (planned.num_frames, planned.fps) != (frames.num_frames, frames.fps):
        planned = structs.replace(planned, length=None)
    told = {choice.what for choice in frames.choices}
    return tuple(dict.fromkeys((*(choice for choice in planned.choices if choice.what not in told), *encoded.choices)))
