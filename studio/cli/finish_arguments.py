"""The flags of `finish`, and the Finish they ask for: pictures first, then sound, in the order it is done."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from studio.cli.number_range import check_between
from studio.finish_nouns import AmbienceKind, Font, Loop, Spot, TitleKind
from studio.nouns import (
    Ambience,
    Attachment,
    Finish,
    Format,
    Logo,
    Mix,
    Refusal,
    SpeedPoint,
    Title,
    Track,
    Trim,
    replace,
)
from studio.presets import platforms

if TYPE_CHECKING:
    from studio.studio import Studio

KINDS: tuple[TitleKind, ...] = ("title", "caption", "place", "date")
"""In this order they stand below each other."""
LOOPS = tuple(kind for kind in get_args(Loop) if kind)


_share = check_between(float, 0.0, 1.0)


def add_finish(finish: argparse.ArgumentParser) -> None:
    """Everything that `finish` takes."""
    finish.add_argument("clips", metavar="CLIP", nargs="+", help="a clip of the library: its id or the beginning of it")
    finish.add_argument("--like", metavar="CLIP", help="do what was done to this clip, whatever else is asked")
    add_finish_flags(finish)
    add_sound_flags(finish)
    finish.add_argument(
        "--format",
        choices=get_args(Format),
        help="(default: the clip's own, or MP4 for sound)",
    )
    finish.add_argument("-o", "--output", metavar="PLACE", help="copy the clip to this file or folder as well")


def add_reel(reel: argparse.ArgumentParser) -> None:
    """Everything that `reel` takes."""
    reel.add_argument("clips", metavar="CLIP", nargs="+", help="clips of the library, or photos, in their order")
    reel.add_argument("--cut", choices=("beat", "dissolve", "cut"), help="(default: beat with music, else dissolve)")
    reel.add_argument(
        "--dissolve",
        metavar="S",
        type=check_between(float, 0, 3),
        default=0.5,
        help="seconds of a dissolve (default: 0.5)",
    )
    reel.add_argument("--aspect", metavar="RATIO", help="one shape for all (default: the place's, else the first's)")
    reel.add_argument("--size", metavar="SIZE", help="its short side (default: what its clips fill)")
    reel.add_argument(
        "--seconds", metavar="N", type=check_between(float, 1, 60), default=3.0, help="of each photo (default: 3)"
    )
    add_finish_flags(reel)
    add_sound_flags(reel)
    reel.add_argument("--format", choices=get_args(Format), help="(default: the ending of -o, or mp4)")
    reel.add_argument("-o", "--output", metavar="PLACE", help="copy the reel to this file or folder as well")


def add_finish_flags(finish: argparse.ArgumentParser) -> None:
    """Every flag but those of sound."""
    add = finish.add_argument
    add("--trim", metavar="START-END", help="seconds of the clip that are used, such as 0.5-4 or 1-")
    add("--reverse", action="store_true", help="play it backwards")
    add("--speed", metavar="RAMP", help="0.5 is half as fast; 1,0.25 slows down; 0:1,0.5:0.3,1:1 through points")
    add("--loop", nargs="?", const="dissolve", choices=LOOPS, help="let the end run into the beginning (dissolve)")
    add(
        "--blend",
        metavar="S",
        type=check_between(float, 0.1, 3),
        help="seconds over which a loop is blended (default: 0.5)",
    )
    add("--hold", metavar="S", type=check_between(float, 0, 10), help="keep the last frame for so many seconds more")
    add("--fps", metavar="N", type=check_between(int, 8, 60), help="frames a second, up to 60, by motion interpolation")
    add("--deflicker", metavar="N", nargs="?", const=1.0, type=_share, help="hold the brightness steady, 0 to 1")
    add("--keep-colour", metavar="N", nargs="?", const=0.7, type=_share, help="hold light and colour to the photo's")
    add("--grain", metavar="N", nargs="?", const=0.3, type=_share, help="film grain, 0 to 1")
    for kind in KINDS:
        add(
            f"--{kind}", metavar="WORDS", action="append", default=[], help=f"a {kind} drawn upon it; \\n is a new line"
        )
    add("--font", choices=get_args(Font), default="sans", help="of titles (default: sans)")
    add("--at", choices=get_args(Spot), default="", help="where titles stand (default: by their kind)")
    add("--logo", metavar="FILE", type=Path, help="an image with transparency laid upon it")
    add("--logo-at", choices=get_args(Spot), default="top_right", help="(default: top_right)")
    add("--cover", metavar="S", help="which second stands for it, or sharpest")
    places = ", ".join(place.id for place in platforms())
    add("--platform", metavar="ID", help=f"the place it is for: {places}")


def add_sound_flags(finish: argparse.ArgumentParser) -> None:
    """The flags of a mix."""
    add = finish.add_argument
    add("--music", metavar="FILE", type=Path, help="music under it: WAV, MP3, M4A, FLAC or OGG")
    add("--voice", metavar="FILE", type=Path, help="a voice over it; all else steps back while it speaks")
    for track in ("music", "voice"):
        add(
            f"--{track}-start",
            metavar="S",
            type=check_between(float, 0, 3600),
            default=0.0,
            help=f"the second of the {track} to begin with",
        )
        add(
            f"--{track}-gain",
            metavar="DB",
            type=check_between(float, -40, 20),
            default=0.0,
            help="louder or softer, in decibels",
        )
        add(f"--{track}-fade", metavar="IN,OUT", help="seconds to rise and to fall (default: 0,1)")
    add("--duck", metavar="N", type=_share, help="how far all else steps back under the voice, 0 to 1 (default: 0.5)")
    add("--ambience", metavar="KIND", action="append", default=[],
        help="a sound made here, free of rights: water, wind, rain, fire, room; or KIND:AMOUNT")  # fmt: skip
    add("--no-own-sound", action="store_true", help="leave out the sound it has already")
    add("--no-loudness", action="store_true", help="leave it as loud as it comes out")


def read_finish(flags: argparse.Namespace, studio: Studio) -> Finish:
    """The finish that the flags ask for, its files taken in; of no clip yet. Raises `Refusal`."""
    given: dict[str, Any] = {
        name: getattr(flags, name)
        for name in ("loop", "blend", "hold", "fps", "deflicker", "keep_colour", "grain")
        if getattr(flags, name) is not None
    }
    for kind in KINDS:
        if not all(1 <= len(words) <= 400 for words in getattr(flags, kind)):
            raise Refusal(f"--{kind} takes 1 to 400 signs.", f"Write them, or leave out --{kind}.")
    titles = tuple(
        replace(Title(text=words.replace("\\n", "\n"), kind=kind, font=flags.font, place=flags.at))
        for kind in KINDS
        for words in getattr(flags, kind)
    )
    logo = take_attachment(studio, flags.logo, "image") if flags.logo else None
    return replace(
        Finish(), **given, trim=_read_trim(flags.trim) if flags.trim else None, reverse=flags.reverse,
        speed=_read_speed(flags.speed) if flags.speed else (), titles=titles,
        logo=Logo(logo, flags.logo_at) if logo else None, cover=_read_cover(flags.cover), mix=read_mix(flags, studio),
    )  # fmt: skip


def read_mix(flags: argparse.Namespace, studio: Studio) -> Mix:
    """The sound that the flags ask for. Raises `Refusal`."""
    for name in ("music", "voice"):
        alone = next((what for what in ("start", "gain", "fade") if getattr(flags, f"{name}_{what}")), None)
        if alone and not getattr(flags, name):
            raise Refusal(f"--{name}-{alone} is given, and no {name}.", f"Give --{name} FILE too.")
    tracks = {name: _read_track(flags, name, studio) for name in ("music", "voice") if getattr(flags, name)}
    ambience = tuple(_read_ambience(words) for words in flags.ambience)
    duck = {} if flags.duck is None else {"duck": flags.duck}
    return replace(
        Mix(), keep=not flags.no_own_sound, loudness=not flags.no_loudness, ambience=ambience, **tracks, **duck
    )


def take_attachment(studio: Studio, file: Path, kind: Literal["audio", "image"]) -> Attachment:
    """A file taken in. Raises `Refusal` where there is none, or it is no such file."""
    place = file.expanduser()
    if not place.is_file():
        raise Refusal(f"There is no file {str(file)!r}.", "Check its name and its folder.")
    return studio.attachments.take_in(place, file.name, kind)


def _read_track(flags: argparse.Namespace, name: str, studio: Studio) -> Track:
    fades = getattr(flags, f"{name}_fade")
    rise, fall = _read_numbers(fades, f"--{name}-fade", 2) if fades else (0.0, 1.0)
    if not all(0 <= seconds <= 10 for seconds in (rise, fall)):
        raise Refusal(f"--{name}-fade {fades} is out of range.", "Each of the two takes 0 to 10 seconds.")
    given, start = take_attachment(studio, getattr(flags, name), "audio"), getattr(flags, f"{name}_start")
    if 0 < given.seconds <= start:
        raise Refusal(
            f"{given.name} lasts {given.seconds:.1f} s: there is nothing at {start:g} s.",
            f"Give --{name}-start an earlier second.",
        )
    track = Track(given, start, rise, fall, getattr(flags, f"{name}_gain"), name == "music")
    return replace(track)  # checks it


def _read_ambience(words: str) -> Ambience:
    kind, _, amount = words.partition(":")
    share = _read_numbers(amount, "--ambience", 1)[0] if amount else 0.5
    known = get_args(AmbienceKind)
    if kind not in known or not 0 <= share <= 1:
        raise Refusal(
            f"{words!r} is no ambience.",
            f"Choose from: {', '.join(known)}; with an amount from 0 to 1 where wanted, such as {known[0]}:0.3.",
        )
    return replace(Ambience(kind=kind, amount=share))


def _read_trim(words: str) -> Trim:
    start, dash, end = words.partition("-")
    if not dash:
        raise Refusal(f"--trim {words} names no end.", "Give both, such as 0.5-4; 1- is from second 1 to the end.")
    numbers = [_read_numbers(part, "--trim", 1)[0] if part else 0.0 for part in (start, end)]
    return replace(Trim(start=numbers[0], end=numbers[1]))


def _read_speed(words: str) -> tuple[SpeedPoint, ...]:
    """The points of a ramp: factors spread evenly over the clip, or each with its place."""
    parts = words.split(",")
    points = []
    for number, part in enumerate(parts):
        place, colon, factor = part.rpartition(":")
        even = number / (len(parts) - 1) if len(parts) > 1 else 0.0
        at = _read_numbers(place, "--speed", 1)[0] if colon else even
        speed = _read_numbers(factor, "--speed", 1)[0]
        if not (0 <= at <= 1 and 0.1 <= speed <= 8):
            raise Refusal(
                f"--speed {part!r} is out of range.", "A speed is from 0.1 to 8, and its place in the clip from 0 to 1."
            )
        points.append(replace(SpeedPoint(at=at, factor=speed)))
    return tuple(points)


def _read_cover(words: str | None) -> float | Literal["sharpest"] | None:
    return None if words is None else "sharpest" if words == "sharpest" else _read_numbers(words, "--cover", 1)[0]


def _read_numbers(words: str, flag: str, count: int) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in words.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count:
        raise Refusal(f"{flag} takes {'a number' if count == 1 else f'{count} numbers'}, not {words!r}.", "See: --help")
    return numbers
