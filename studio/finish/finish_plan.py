"""What a finish makes of clips, foretold by arithmetic alone: size, rate, frames, and each choice with its reason.

What can't be done with the clips at hand is refused here, before anything is decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from studio.finish.clip_frames import Facts
from studio.finish.logo_image import keeps_clear, measure_logo
from studio.finish.time_map import Timeline, close_loop, lay_out
from studio.finish.title_arrangement import Area, Box, Size
from studio.finish.typesetting import find_titles, set_titles
from studio.nouns import Attachment, Choice, Finish, Refusal, Shot
from studio.platforms import Cover, Platform

FindFile = Callable[[Attachment], Path]

LOOPS = {
    "cut": "cut where two frames are most alike", "dissolve": "its end dissolves into its beginning",
    "flow": "its end is carried into its beginning by motion, where the two are alike; else it dissolves",
    "ping_pong": "forwards, then backwards",
}  # fmt: skip
WIDE = 0.5
"""The share of a frame's width or height that is covered, from which the whole edge counts as covered."""


class FinishPlan(NamedTuple):
    """What will be made: pixels, frames a second, frames, seconds. With a loop whose seam is still to be found, frames
    and seconds are the most that it may be; `is_exact` is False."""

    width: int
    height: int
    fps: int
    num_frames: int
    seconds: float
    choices: tuple[Choice, ...]
    is_exact: bool


class Stand(NamedTuple):
    """A part of a frame: its left, top, width and height in shares of it."""

    x: float
    y: float
    w: float
    h: float


def plan_finish(
    shot: Shot, facts: Facts, wraps: bool = False, place: Platform | None = None, find_file: FindFile | None = None
) -> FinishPlan:
    """What the shot's finish makes of one clip, or of several joined. Raises `Refusal` for what can't be done with it.

    wraps: the clip's last frame is followed by its first one. place: what it covers of the frame keeps no title.
    find_file: where the logo's file is; without it titles don't give way to the logo.
    """
    finish = shot.finish or Finish()
    line = close_loop(lay_out(finish, facts, wraps), finish)
    _check_cover(finish, line)
    size = (facts.width, facts.height)
    logo = find_logo(finish, size, line.seconds, find_file) if find_file else None
    set_titles(finish.titles, size, line.seconds, find_area(place, facts), logo)
    is_exact = finish.loop in ("", "ping_pong")
    return FinishPlan(
        facts.width, facts.height, line.fps, len(line.at), line.seconds, list_choices(finish, facts, line), is_exact
    )


def find_logo(finish: Finish, size: Size, seconds: float, find_file: FindFile) -> Box | None:
    """The room of the logo that titles keep clear of; None where they needn't. Raises `Refusal`."""
    logo = finish.logo
    return measure_logo(find_file(logo.attachment), logo, size, seconds) if logo and keeps_clear(logo) else None


def _check_cover(finish: Finish, line: Timeline) -> None:
    if isinstance(finish.cover, float | int) and finish.cover >= line.seconds:
        raise Refusal(
            f"The finished clip lasts {line.seconds:.1f} s: there is no frame at {finish.cover:g} s.",
            "Pick a cover within it.",
        )


def list_choices(finish: Finish, facts: Facts, line: Timeline, loop: str = "") -> tuple[Choice, ...]:
    """What was done to the clip, in words. loop: what became of its loop."""
    said: list[Choice] = []
    if finish.trim or finish.speed or finish.reverse or finish.hold:
        steps = [
            "trimmed" if finish.trim else "", "reversed" if finish.reverse else "",
            "its speed changed" if finish.speed else "",
            f"its last frame held for {finish.hold:g} s" if finish.hold else "",
        ]  # fmt: skip
        said.append(Choice("length", f"{line.seconds:.2f} s of {facts.seconds:.2f}", ", ".join(filter(None, steps))))
    if finish.loop:
        said.append(Choice("loop", finish.loop.replace("_", "-"), loop or LOOPS[finish.loop]))
    if line.between:
        share = f"{line.between} of {len(line.at)} frames are motion-interpolated"
        said.append(Choice("frame rate", f"{line.fps} fps", f"{share}: computed from their neighbours, not rendered"))
    elif facts.rate != line.fps:
        said.append(
            Choice("frame rate", f"{line.fps} fps", f"the clip's own {facts.rate:.4g} can't be written as such")
        )
    for name, amount, why in (
        ("deflicker", finish.deflicker, "brightness held steady from frame to frame"),
        ("colour", finish.keep_colour, "light and colour held to the first frame, which is the photo"),
        ("grain", finish.grain, "fine noise in the brightness, another on every frame"),
    ):
        if amount:
            said.append(Choice(name, f"{amount:.0%}", why))
    return tuple(said)


def place_titles(shot: Shot, plan: FinishPlan, place: Platform | None, find_file: FindFile) -> list[Stand]:
    """Where the words of each title will stand in the finished frame. Raises `Refusal`."""
    finish, size = shot.finish or Finish(), (plan.width, plan.height)
    area = find_area(place, Facts(*size, plan.num_frames, plan.fps))
    found = find_titles(finish.titles, size, plan.seconds, area, find_logo(finish, size, plan.seconds, find_file))
    return [Stand(x / size[0], y / size[1], w / size[0], h / size[1]) for x, y, w, h in found]


def find_area(place: Platform | None, facts: Facts) -> Area:
    """The part of a frame that a place leaves uncovered; all of it for a frame of another shape than the place's."""
    if place is None or not place.covers or place.aspect == "photo":
        return Area()
    across, down = (int(part) for part in place.aspect.split(":"))
    if abs(facts.width / facts.height - across / down) > 0.1 * across / down:
        return Area()
    return leave_uncovered(place.covers)


def leave_uncovered(covers: Sequence[Cover]) -> Area:
    """The frame without the edges that are covered, (left, top, right, bottom)."""
    left, top, right, bottom = 0.0, 0.0, 1.0, 1.0
    for one in covers:
        if one.w >= WIDE and one.y < 0.5 and one.y + one.h <= 0.6:
            top = max(top, one.y + one.h)
        elif one.w >= WIDE and one.y >= 0.5:
            bottom = min(bottom, one.y)
        elif one.w < WIDE and one.x >= 0.5:
            right = min(right, one.x)
        elif one.w < WIDE and one.x + one.w <= 0.5:
            left = max(left, one.x + one.w)
    return Area(left, top, right, bottom)
