"""A finish done: frames of a clip in, finished frames out, one after the other, in memory that doesn't grow with it.

The order is fixed, and each step sees what the one before has made: trim, reverse, speed and rate (which moments are
shown: time_map.py), loop (loop_seam.py), hold; then for each shown frame: interpolation (motion_interpolation.py),
light and colour (light_and_colour.py), the blend over the loop's seam, grain (film_grain.py), logo and titles
(overlays.py, typesetting.py). The clip's own sound follows the same moments (own_sound.py) before anything is mixed
with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.clip.sound import CODECS
from studio.finish.clip_frames import Facts, LiveFrames, Reader, Source
from studio.finish.clip_survey import Survey, list_needed, survey_clip
from studio.finish.film_grain import Grain
from studio.finish.finish_plan import find_area, find_logo, list_choices, plan_finish
from studio.finish.light_and_colour import Correction, correct_frame, measure_course, plan_correction
from studio.finish.logo_image import place_logo
from studio.finish.loop_seam import find_seam
from studio.finish.motion_interpolation import FLOW_AREA, Motion, find_motion, interpolate
from studio.finish.overlays import Overlay, lay_over
from studio.finish.own_sound import blend_sounds, follow_frames
from studio.finish.scratch_film import keep_scratch
from studio.finish.soundtrack.mix import Mixed, mix_sound
from studio.finish.time_map import Timeline, close_loop, count_blend, lay_out
from studio.finish.typesetting import set_titles
from studio.frames import Frames
from studio.nouns import Attachment, Finish, Progress, Shot
from studio.presets import platform

Bytes = NDArray[np.uint8]
Tick = Callable[[Progress], None]


class Tools(NamedTuple):
    """Where a scratch film may lie, where the files of attachments are, who is told how far it is, and at how many
    pixels motion is looked for."""

    folder: Path
    find_file: Callable[[Attachment], Path]
    tick: Tick
    flow_area: int = FLOW_AREA


class Timed(NamedTuple):
    """What is shown when: the timeline, what was seen of the clip (None where nothing had to be looked at), and what
    is to say of the loop."""

    line: Timeline
    survey: Survey | None
    loop: str


def apply_finish(source: Source, shot: Shot, tools: Tools, wraps: bool = False) -> Frames:
    """The finished frames of a clip, I420, made as they are read. Raises `Refusal` for what can't be done with it.

    wraps: the clip's last frame is followed by its first one.
    """
    finish = shot.finish or Finish()
    plan_finish(shot, source.facts, wraps, platform(shot.platform), tools.find_file)
    if isinstance(source, LiveFrames) and not _can_stream(finish, source.facts, wraps):
        source = keep_scratch(source, tools.folder / "scratch.mp4", tools.tick)
    facts = source.facts
    timed = _time_clip(source, finish, tools.tick, wraps)
    line = timed.line
    correction = None
    if timed.survey is not None and (finish.deflicker or finish.keep_colour):
        course = measure_course(timed.survey)
        correction = plan_correction(course, facts.rate, timed.survey.first, finish.deflicker, finish.keep_colour)
    painter = _Painter(source, line, correction, finish, tools.flow_area)
    overlays = _lay_out_overlays(shot, facts, line, tools)
    grain = Grain(finish.grain, facts.width, facts.height, shot.seed) if finish.grain else None
    heard = _mix(source, shot, line, tools)
    choices = (*source.choices, *list_choices(finish, facts, line, timed.loop), *heard.choices)
    return Frames(
        images=painter.paint(overlays, grain), width=facts.width, height=facts.height, fps=line.fps,
        num_frames=len(line.at), pixels="yuv420p", choices=choices, sound=heard.sound,
        poster=_choose_cover(finish, timed),
    )  # fmt: skip


def _can_stream(finish: Finish, facts: Facts, wraps: bool) -> bool:
    """Whether the clip's frames are needed in their order, each once, and none beforehand."""
    looks = finish.deflicker or finish.keep_colour or finish.cover == "sharpest" or finish.loop
    return not looks and lay_out(finish, facts, wraps).is_forward


def _time_clip(source: Source, finish: Finish, tick: Tick, wraps: bool) -> Timed:
    facts = source.facts
    line = lay_out(finish, facts, wraps)
    seeks = finish.loop in ("cut", "dissolve", "flow")
    survey = None
    if seeks or finish.deflicker or finish.keep_colour or finish.cover == "sharpest":
        which = range(facts.num_frames) if wraps else list_needed(line.at)
        reader = source.open()
        try:
            survey = survey_clip(
                reader, which, lambda done: tick(Progress("read", done, len(which), "Looking through the clip"))
            )
        finally:
            reader.close()
    if not seeks or survey is None:
        return Timed(close_loop(line, finish), survey, "")
    shown = np.rint(line.at).astype(int) % facts.num_frames - survey.first
    seam = find_seam(survey.luma[shown], count_blend(finish, len(line.at), line.fps))
    says = (
        f"from {seam.last / line.fps:.2f} s back to {seam.first / line.fps:.2f} s: {seam.apart:.1f} grey levels apart,"
        f" {seam.whole:.1f} from the last frame to the first, {seam.step:.1f} from any frame to the next"
    )
    return Timed(close_loop(line, finish, (seam.first, seam.last)), survey, says)


def _choose_cover(finish: Finish, timed: Timed) -> int:
    """Which frame stands for the clip: the one that was picked, the sharpest, or the clip's first one, the photo."""
    line = timed.line
    if isinstance(finish.cover, float | int):
        return min(round(finish.cover * line.fps), len(line.at) - 1)
    if finish.cover == "sharpest" and timed.survey is not None:
        seen = (np.rint(line.at).astype(int) - timed.survey.first) % len(timed.survey.sharpness)
        return int(np.argmax(np.where(line.share > 0, 0.0, timed.survey.sharpness[seen])))
    return int(np.argmin(line.at + 1e6 * (line.share > 0)))


def _lay_out_overlays(shot: Shot, facts: Facts, line: Timeline, tools: Tools) -> tuple[Overlay, ...]:
    finish, size = shot.finish or Finish(), (facts.width, facts.height)
    area = find_area(platform(shot.platform), facts)
    box = find_logo(finish, size, line.seconds, tools.find_file)
    titles = set_titles(finish.titles, size, line.seconds, area, box)
    if finish.loop:  # what is seen all the time doesn't come and go with every round
        titles = tuple(one._replace(fade=0.0) if one.start <= 0 and one.end >= line.seconds else one for one in titles)
    if finish.logo is None:
        return titles
    file = tools.find_file(finish.logo.attachment)
    return (place_logo(file, finish.logo, size, area, line.seconds), *titles)


def _mix(source: Source, shot: Shot, line: Timeline, tools: Tools) -> Mixed:
    """What the finished clip sounds like: its own sound, following its frames, with what the finish adds."""
    finish, own = shot.finish or Finish(), None
    if shot.format not in CODECS:
        return Mixed(None)
    if finish.mix.keep and shot.sound and (sound := source.sound) and sound.samples.size:
        own = follow_frames(sound, line.at, source.facts.rate, line.fps)
        if line.share.any():
            other = follow_frames(sound, line.to, source.facts.rate, line.fps)
            own = blend_sounds(own, other, line.share, line.fps)
    return mix_sound(
        finish.mix, line.seconds, own, find_file=tools.find_file, platform=platform(shot.platform),
        loops=bool(finish.loop), seed=shot.seed, kind=shot.format,
    )  # fmt: skip


class _Painter:
    """Makes the shown frames of one clip."""

    def __init__(
        self, source: Source, line: Timeline, correction: Correction | None, finish: Finish, area: int
    ) -> None:
        self._source, self._line, self._correction = source, line, correction
        self._flows, self._area = finish.loop == "flow", area
        self._count = source.facts.num_frames
        self._motion: tuple[tuple[int, int], Motion] | None = None

    def paint(self, overlays: tuple[Overlay, ...], grain: Grain | None) -> Iterator[Bytes]:
        """Every frame, in order."""
        line = self._line
        main = self._source.open()
        other = self._source.open() if line.share.any() else main
        try:
            for number, (at, to, share) in enumerate(zip(line.at, line.to, line.share, strict=True)):
                frame = self._show(main, float(at))
                if share:
                    frame = self._blend(frame, self._show(other, float(to)), float(share))
                frame = grain.add(frame, number) if grain else frame
                yield lay_over(frame, overlays, number / line.fps)
        finally:
            main.close()
            other.close()

    def _show(self, reader: Reader, at: float) -> Bytes:
        """The frame of a moment, its light and colour corrected."""
        low = int(at)
        frame = reader.read(low)
        if at > low:
            after = (low + 1) % self._count
            second = reader.read(after)
            if self._motion is None or self._motion[0] != (low, after):
                self._motion = (low, after), find_motion(frame, second, self._area)
            frame = interpolate(frame, second, self._motion[1], at - low)
        return correct_frame(frame, self._correction, at) if self._correction else frame

    def _blend(self, frame: Bytes, other: Bytes, share: float) -> Bytes:
        """A frame of the loop's end, on its way into the beginning."""
        if self._flows:
            return interpolate(frame, other, find_motion(frame, other, self._area), share, dissolves=True)
        return dissolve(frame, other, share)


def dissolve(frame: Bytes, other: Bytes, share: float) -> Bytes:
    """Two frames mixed, `share` 0..1 of the other one."""
    import cv2

    return np.asarray(cv2.addWeighted(frame, 1 - share, other, share, 0), np.uint8)
