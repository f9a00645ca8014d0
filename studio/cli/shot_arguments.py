"""Words and flags into shots: a flag wins, then the platform's preset, then the default."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from studio.cli import motion_arguments
from studio.cli.report import complain
from studio.motion import camera_moves
from studio.nouns import (
    Aspect,
    Crop,
    Format,
    Mend,
    MendName,
    Motion,
    Photo,
    Refusal,
    Shot,
    Size,
    SpeedUp,
    Still,
    replace,
)
from studio.photo import crop
from studio.platforms import Platform

if TYPE_CHECKING:
    from studio.studio import Studio


class Asked(NamedTuple):
    """Everything that is the same for every photo of one command; `wishes` are fields of a Shot for models that
    denoise.

    `subject` is a mask of what was marked, or a place in fractions at which it lies.
    """

    motion: Motion
    aspect: Aspect
    size: Size
    seconds: float
    fps: int
    seed: int
    model: str
    wishes: dict[str, Any]
    subject: str | tuple[float, float] = ""
    start_box: Crop | None = None
    end_box: Crop | None = None


def read_flags(flags: argparse.Namespace) -> Asked:
    """The flags of `animate`, checked as far as they can be without a photo. Raises `Refusal`."""
    place = find_place(flags.place) if flags.place else None
    aspect = crop.parse_aspect(flags.aspect) if flags.aspect else place.aspect if place else "photo"
    size = (
        crop.parse_size(flags.size) if flags.size else "auto"
    )  # which is the place's own, as far as the crop has the pixels
    fps = flags.fps or (place.fps if place else 24)
    seconds = flags.seconds or (min(max(5.0, place.min_seconds), place.max_seconds) if place else 5.0)
    subject = _read_subject(flags.mark) if getattr(flags, "mark", None) else ""
    start, end = (_read_box(words, aspect) if words else None for words in (flags.start_box, flags.end_box))
    if end and getattr(flags, "end", None):
        raise Refusal(
            "A clip ends either on a box of its own photo or on another photo.", "Leave out --end-box or --end."
        )
    wishes = read_wishes(flags, place)
    return Asked(
        motion_arguments.build_motion(flags),
        aspect,
        size,
        seconds,
        fps,
        flags.seed,
        flags.model,
        wishes,
        subject,
        start,
        end,
    )


def _read_box(words: str, aspect: Aspect) -> Crop:
    """A part of the photo from X,Y,WIDTH,HEIGHT. Raises `Refusal`."""
    try:
        x, y, w, h = (float(part) for part in words.split(","))
        return replace(Crop(x, y, w, h, aspect))
    except (ValueError, Refusal):
        remedy = "Give four fractions from 0 to 1, such as 0.25,0.1,0.5,0.5."
        raise Refusal(f"{words!r} is not a part of a photo.", remedy) from None


def read_wishes(flags: argparse.Namespace, place: Platform | None) -> dict[str, Any]:
    """What is wished of the model and of the photo, as fields of a `Shot`. Raises `Refusal`."""
    known: dict[str, SpeedUp] = {name: name for name in get_args(SpeedUp)}
    speedups = tuple(dict.fromkeys(camera_moves.normalise(words).replace(" ", "_") for words in flags.speedup or ()))
    for name in speedups:
        if name not in known:
            raise Refusal(f"There is no speed-up called {name!r}.", f"Choose from: {', '.join(known)}.")
    return {
        "quality": flags.quality, "steps": flags.steps, "guidance": flags.guidance, "strength": flags.strength,
        "sound": not flags.no_sound, "speedups": speedups, "may_shrink": flags.may_shrink,
        "mends": tuple(_read_mend(words) for words in flags.mend or ()), "draft": flags.draft or "",
        "platform": place.id if place else "",
    }  # fmt: skip


def _read_mend(words: str) -> Mend:
    """A mend from NAME or NAME:AMOUNT."""
    named, _, amount = words.partition(":")
    known: dict[str, MendName] = {name: name for name in get_args(MendName)}
    name = camera_moves.normalise(named)
    if name not in known:
        raise Refusal(f"There is no mend called {named!r}.", f"Choose from: {', '.join(known)}.")
    try:
        return replace(Mend(known[name], float(amount) if amount else 0.5))
    except ValueError:
        raise Refusal(f"{amount!r} is not an amount.", "Give a number from 0 to 1.") from None


def build_shot(
    asked: Asked, photo: Photo, depth_id: str, kind: Format, studio: Studio, end: Photo | None = None
) -> Shot:
    """The shot of a photo, cropped around what matters in it; `end` is cropped to the same aspect. Raises `Refusal`."""
    mends = asked.wishes.get("mends", ())
    subject = asked.subject if isinstance(asked.subject, str) else studio.advice.pick(photo, mends, *asked.subject)
    last = (
        Still(end, _crop(end, asked.aspect, studio)) if end else Still(photo, asked.end_box) if asked.end_box else None
    )
    start = asked.start_box or _crop(photo, asked.aspect, studio, subject)
    return Shot(
        photo, start, asked.motion, asked.model, asked.size, asked.seconds, asked.fps, asked.seed, depth_id, kind,
        end=last, subject=subject, **asked.wishes,
    )  # fmt: skip


def require_fitting(shots: list[Shot], studio: Studio, force: bool) -> None:
    """Raises `Refusal` for shots that the place they are made for doesn't take, naming the flags that meet it.

    With `force` it is only said.
    """
    for shot in shots:
        found = studio.misfits(shot)
        if not found:
            continue
        says = " ".join(one.says for one in found)
        flags = " ".join(f"--{one.field} {_format_value(one.change)}" for one in found if one.change is not None)
        remedy = " ".join(one.remedy for one in found if one.remedy)
        if not force:
            give = f"Give {flags}, or --force to make it anyway." if flags else "Give --force to make it anyway."
            raise Refusal(says, f"{remedy} {give}".strip())
        complain(f"Note: {says}")
        return


def _format_value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _crop(photo: Photo, aspect: Aspect, studio: Studio, subject: str = "") -> Crop:
    return Crop() if aspect == "photo" else studio.advice.suggest_crop(photo, aspect, subject).crop


def _read_subject(words: str) -> str | tuple[float, float]:
    """What --mark names: a mask, a place in fractions of the photo, or who finds it. Raises `Refusal`."""
    if words in ("auto", "builtin", "photo"):
        return "" if words == "auto" else words
    across, comma, down = words.partition(",")
    try:
        place = float(across), float(down)
    except ValueError:
        return motion_arguments.read_brush(Path(words).expanduser(), "mask", "white on the subject")
    if not comma or not all(0 <= value <= 1 for value in place):
        raise Refusal(
            f"{words!r} is no place in a photo.", "Give two fractions of its width and height, such as 0.5,0.4."
        )
    return place


def read_depth(words: str | None, studio: Studio) -> str:
    """The depth source that --depth names: a word, or a file that is taken in. Raises `Refusal`."""
    if words is None or words in ("auto", "builtin", "anything", "photo"):
        return words or "auto"
    file = Path(words).expanduser()
    if not file.is_file():
        raise Refusal(
            f"There is no depth map {words!r}.", "Give a picture file, or one of: auto, builtin, anything, photo."
        )
    return studio.depths.adopt(file)


def read_target(words: str) -> tuple[Aspect, Size]:
    """What --for names: a place ("reels"), with its aspect and size, or an aspect alone ("9:16"). Raises `Refusal`."""
    try:
        return crop.parse_aspect(words), "auto"
    except Refusal:
        place = find_place(words)
        return place.aspect, place.size


def find_place(words: str) -> Platform:
    """The place of this id or title. Raises `Refusal` listing them."""
    from studio.presets import platforms

    asked = camera_moves.normalise(words)
    for one in platforms():
        if asked in (camera_moves.normalise(one.id), camera_moves.normalise(one.title)):
            return one
    known = ", ".join(one.id for one in platforms())
    raise Refusal(f"There is no place called {words!r}.", f"Choose from: {known}.")
