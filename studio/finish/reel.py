"""Several clips as one: laid out one after the other (reel_cuts.py), each brought to one shape (reel_framing.py), their
own sounds joined as their pictures are. MoviePy holds the composition; it is encoded as any other clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.clip.sound import RATE
from studio.finish.clip_frames import ClipFile, Facts, Reader
from studio.finish.reel_cuts import Part, lay_out_reel
from studio.finish.reel_framing import Framing, Size, choose_framing, fill_side, frame_clip
from studio.finish.soundtrack.beats import Beats, find_beats
from studio.finish.soundtrack.mix import MOST_SECONDS, bring_near, resample
from studio.finish.soundtrack.music import EDGE, FindFile, read_track
from studio.frames import Sound
from studio.nouns import LONG_SIDES, Choice, Finish, Refusal, Shot, replace
from studio.photo.crop import RATIOS, SHORT_SIDES, fit_sides
from studio.platforms import Platform
from studio.presets import platform

Bytes = NDArray[np.uint8]


class Layout(NamedTuple):
    """What a reel holds, where each clip is shown in it, and what was chosen."""

    facts: Facts
    parts: tuple[Part, ...]
    choices: tuple[Choice, ...]


class Reel:
    """A source of frames made of several clips. Memory: two decoders at most, however many clips there are. Raises
    `Refusal` for a clip or a music that can't be read, and for what is too long.
    """

    def __init__(self, files: Sequence[Path], shot: Shot, find_file: FindFile) -> None:
        self._clips = [ClipFile(file) for file in files]
        self._shot, self._find_file = shot, find_file
        self._finish = shot.finish or Finish()

    @cached_property
    def layout(self) -> Layout:
        """How the clips follow each other."""
        facts = [clip.facts for clip in self._clips]
        seconds = [one.seconds for one in facts]
        if sum(seconds) > MOST_SECONDS:
            raise Refusal(
                f"These clips last {sum(seconds) / 60:.0f} minutes together.",
                f"Join clips of at most {MOST_SECONDS / 60:.0f} minutes.",
            )
        place = platform(self._shot.platform)
        fps = choose_rate(facts, place)
        parts, choices = lay_out_reel(seconds, self._finish.join, fps, self._find_beats(sum(seconds)))
        size, sized = _choose_frame(facts, self._shot, place)
        return Layout(Facts(*size, parts[-1].end, float(fps)), parts, (*choices, sized))

    def _find_beats(self, seconds: float) -> Beats | None:
        music = self._finish.mix.music
        if self._finish.join.how != "beat" or music is None:
            return None
        heard = read_track(replace(music, fade_in=0.0, fade_out=0.0), seconds, self._find_file)
        return find_beats(Sound(heard, RATE))

    @property
    def facts(self) -> Facts:
        """What it holds."""
        return self.layout.facts

    @property
    def choices(self) -> tuple[Choice, ...]:
        """How it was put together."""
        return self.layout.choices

    @cached_property
    def sound(self) -> Sound | None:
        """The clips' own sounds, equally loud, one after the other; None where none has any."""
        layout = self.layout
        made = np.zeros((2, round(layout.facts.seconds * RATE)), np.float32)
        before = 0
        for part in layout.parts:
            own = self._clips[part.clip].sound
            if own is not None and own.samples.size:
                _lay_sound(made, own, part, before, layout.facts.rate)
            before = part.blend
        return Sound(made, RATE) if made.any() else None

    def open(self) -> ReelReader:
        """A reader with decoders of its own."""
        return ReelReader(self._clips, self.layout, self._framings)

    @cached_property
    def _framings(self) -> dict[int, Framing]:
        """How each clip fills the frame. Clips of another shape are looked at, once."""
        size = self.layout.facts[:2]
        made: dict[int, Framing] = {}
        for number, clip in enumerate(self._clips):
            made[number] = choose_framing(clip.facts, size, lambda one=clip: _read_first(one))
        return made


def _read_first(clip: ClipFile) -> Bytes:
    reader = clip.open()
    try:
        return reader.read(0).copy()
    finally:
        reader.close()


def choose_rate(facts: Sequence[Facts], place: Platform | None) -> int:
    """Frames a second: those that most of the reel has, 60 at most, and no fewer than the platform takes."""
    shares: dict[int, float] = {}
    for one in facts:
        rate = min(60, max(1, round(one.rate)))
        shares[rate] = shares.get(rate, 0.0) + one.seconds
    fps = max(shares, key=lambda rate: (shares[rate], rate))
    return place.fps if place and fps < place.min_fps else fps


def _choose_frame(facts: Sequence[Facts], shot: Shot, place: Platform | None) -> tuple[Size, Choice]:
    """Width and height, and why: the shape that was asked for, the platform's, or the first clip's."""
    aspect = shot.finish.join.aspect if shot.finish else "photo"
    if aspect == "photo" and place:
        aspect = place.aspect
    shape = facts[0].width / facts[0].height if aspect == "photo" else RATIOS[aspect]
    short = max(fill_side(one, shape) for one in facts)
    if shot.size != "auto":
        short = SHORT_SIDES[shot.size]
    elif place:
        short = min(short, SHORT_SIDES.get(place.size, short))
    size = fit_sides(short, shape, LONG_SIDES[shot.format])
    named = "the first clip's shape" if aspect == "photo" else aspect
    return size, Choice("size", f"{size[0]}x{size[1]}", f"one shape for all: {named}")


def _lay_sound(made: NDArray[np.float32], own: Sound, part: Part, before: int, rate: float) -> None:
    """Add a part's sound; over a dissolve it rises and falls with equal power, at a cut within `EDGE`."""
    first, last = (round(frame / rate * RATE) for frame in (part.start, part.end))
    heard = bring_near(resample(own))[:, : last - first]
    heard = np.pad(heard, ((0, 0), (0, last - first - heard.shape[1])))
    for frames, side in ((before, slice(None)), (part.blend, slice(None, None, -1))):
        count = min(heard.shape[1] // 2, max(round(EDGE * RATE), round(frames / rate * RATE)))
        rise = np.sin(np.linspace(0, np.pi / 2, count, dtype=np.float32))
        heard[:, side][:, :count] *= rise
    into = made[:, first:last]
    into += heard[:, : into.shape[1]]


class ReelReader:
    """Reads a reel's frames by their number."""

    def __init__(self, clips: Sequence[ClipFile], layout: Layout, framings: dict[int, Framing]) -> None:
        self._clips, self._layout, self._framings = clips, layout, framings
        self._open: dict[int, Reader] = {}
        self._film = _compose(layout, self._show)

    def read(self, index: int) -> Bytes:
        """One frame, I420, not to be written on."""
        shown = {part.clip for part in self._layout.parts if part.start <= index < part.end}
        for gone in self._open.keys() - shown:
            self._open.pop(gone).close()
        return np.asarray(self._film.get_frame((index + 0.5) / self._layout.facts.rate))

    def close(self) -> None:
        """Let go of decoders and frames."""
        for reader in self._open.values():
            reader.close()
        self._open.clear()

    def _show(self, part: Part, index: int) -> Bytes:
        """A clip's frame at a frame of the reel: the one that is shown at that moment of the clip."""
        clip = self._clips[part.clip]
        if part.clip not in self._open:
            self._open[part.clip] = clip.open()
        moment = int((index - part.start + 0.5) / self._layout.facts.rate * clip.facts.rate + 1e-6)
        frame = self._open[part.clip].read(min(moment, clip.facts.num_frames - 1))
        return frame_clip(frame, self._framings[part.clip])


def _compose(layout: Layout, show: Callable[[Part, int], Bytes]) -> Any:
    """The reel as a MoviePy clip whose frames are I420: stretches of one clip and of two that dissolve, in a chain."""
    from moviepy import VideoClip, concatenate_videoclips

    rate = layout.facts.rate
    made: list[Any] = []
    for shown, frames in groupby(range(layout.facts.num_frames), lambda index: tuple(_list_shown(layout.parts, index))):
        indices = list(frames)

        def draw(moment: float, shown: tuple[Part, ...] = shown, first: int = indices[0]) -> Bytes:
            index = first + int(moment * rate)
            if len(shown) == 1:
                return show(shown[0], index)
            share = (index - shown[1].start + 1) / (shown[0].blend + 1)
            return np.asarray(
                cv2.addWeighted(show(shown[0], index), 1 - share, show(shown[1], index), share, 0), np.uint8
            )

        stretch: Any = VideoClip(duration=len(indices) / rate)
        stretch.frame_function, stretch.size = draw, layout.facts[:2]  # given at once it would be drawn once more
        made.append(stretch)
    return concatenate_videoclips(made, method="chain")


def _list_shown(parts: Sequence[Part], index: int) -> Iterator[Part]:
    for part in parts:
        if part.start <= index < part.end:
            yield part
