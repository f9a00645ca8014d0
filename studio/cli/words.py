"""What can be typed, and the help that teaches it.

Knows commands, flags, their ranges and examples. Refuses to do anything: no photo is opened and no studio made here, so
that --help is quick.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

from studio.motion.camera import MOVES
from studio.motion.effects import EFFECTS
from studio.nouns import Format, Refusal, Region
from studio.presets import cards, platforms

T = TypeVar("T", int, float)

TOP = """\
Stir turns photographs into video, on this computer.

  python -m studio animate photo.jpg                     a 5 second dolly in, kept in your library
  python -m studio animate photo.jpg --move "orbit left" --aspect 9:16 -o clip.mp4
  python -m studio recipe clip.mp4                       every setting a clip was made with
  python -m studio machine                               what this computer can do, and why

`python -m studio animate --help` lists every move and effect. The page is `python app.py`."""

ANIMATE = """\
examples:
  python -m studio animate harbour.jpg
      a 5 second dolly in at the photo's own shape; it is kept in the library and its place is printed
  python -m studio animate harbour.jpg --move "dolly in" --move "orbit left" --amount 0.4 -o harbour.mp4
      two moves at once, gently, and a copy as harbour.mp4
  python -m studio animate portrait.jpg --for reels --effect hair
      cropped around the face, sized and timed for that place
  python -m studio animate lake.jpg --move static --effect ripple --brush water.png --loop --format webp
      the camera stands still; what is white in water.png ripples, and the loop has no seam
  python -m studio animate *.jpg -o clips/ --json
      one clip for each photo, and their facts for a script

moves (--move):
{moves}

effects (--effect NAME or NAME:REGION; regions: {regions}):
{effects}

places (--for): {places}
models (--model): {models}

-o never overwrites: if the name is taken, a number is added and the new name printed. A photo that can't be used,
a setting out of range or a folder that can't be written stops everything before any work begins (exit 2)."""

RECIPE = """\
examples:
  python -m studio recipe clip.mp4               in words
  python -m studio recipe clip.webp --json       the recipe itself, as JSON

Reads MP4, WebM, GIF and WebP made by Stir, and the .json beside a clip. Nothing is rendered or changed."""

AGAIN = """\
examples:
  python -m studio again clip.mp4 -o same.mp4    make a clip again from the recipe inside it
  python -m studio again 3f9a2c71                 or by its id in the library (its first letters are enough)

The photo has to be in the library still; the result is the same picture for picture."""

MACHINE = """\
examples:
  python -m studio machine
  python -m studio machine --json | grep encoder"""

LIBRARY = """\
examples:
  python -m studio library                       the newest clips
  python -m studio library list --limit 200 --json
  python -m studio library find dolly harbour    clips that have both words in photo, moves, effects or title
  python -m studio library list --trash"""


class Parser(argparse.ArgumentParser):
    """An argument parser that refuses in one line, like everything else here."""

    def error(self, message: str) -> NoReturn:
        """Raises `Refusal` with argparse's words and where to read more."""
        said = message[:1].upper() + message[1:]
        raise Refusal(f"{said}.", f"See: {self.prog} --help")


def _between(kind: Callable[[str], T], low: T, high: T) -> Callable[[str], T]:
    def check(text: str) -> T:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low} and {high}")
        return value

    return check


def _table(rows: list[tuple[str, str]]) -> str:
    wide = max(len(name) for name, _ in rows) + 2
    return "\n".join(f"  {name:<{wide}}{words}" for name, words in rows)


def _animate_help() -> str:
    return ANIMATE.format(
        moves=_table([(info.title.lower(), info.sees) for info in MOVES.values()]),
        effects=_table([(name, info.sees) for name, info in EFFECTS.items()]),
        regions=", ".join(get_args(Region)),
        places=", ".join(place.id for place in platforms()) or "none",
        models=", ".join(card.id for card in cards()),
    )


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print JSON for scripts")
    common.add_argument(
        "--home", metavar="FOLDER", default=argparse.SUPPRESS, help="the folder everything is kept in (or STIR_HOME)"
    )
    return common


def _shape(animate: argparse.ArgumentParser) -> None:
    animate.add_argument("--aspect", metavar="RATIO", help="9:16, 1:1, 4:5, 3:4, 16:9, 21:9 or photo (default: the photo's own)")
    animate.add_argument(
        "--size", metavar="SIZE", help="the short side: 360p (a draft), 480p, 720p, 1080p, 1440p, 2160p, or auto"
    )
    animate.add_argument("--seconds", metavar="N", type=_between(float, 1.0, 60.0), help="how long (default: 5)")
    animate.add_argument("--fps", metavar="N", type=_between(int, 1, 60), help="frames a second (default: 24)")
    animate.add_argument("--loop", action="store_true", help="end where it began, without a seam")
    animate.add_argument("--format", choices=get_args(Format), help="default: the ending of -o, or mp4")
    animate.add_argument("--for", dest="place", metavar="PLACE", help="shape, size and rate of a place, such as reels")


def _motion(animate: argparse.ArgumentParser) -> None:
    animate.add_argument(
        "--move", metavar="MOVE", action="append", help="a camera move; give several to add them up (default: dolly in)"
    )
    animate.add_argument(
        "--amount", metavar="N", type=_between(float, 0.0, 1.0), default=0.6, help="how far, 0 to 1 (default: 0.6)"
    )
    animate.add_argument("--ease", metavar="EASE", default="smooth", help="smooth, linear, ease in or ease out (default: smooth)")
    animate.add_argument("--effect", metavar="EFFECT", action="append", help="something that moves by itself; give several")
    animate.add_argument("--brush", metavar="FILE", type=Path, help="a picture over the whole photo, white where effects happen")
    animate.add_argument(
        "--seed", metavar="N", type=_between(int, 0, 2**32 - 1), default=0, help="another number, another variation"
    )
    animate.add_argument("--model", metavar="MODEL", default="parallax", help="what makes the clip (default: parallax)")
    animate.add_argument("--depth", metavar="FILE", help="a depth map of the photo, light is near; or builtin, or anything")


def _output(command: argparse.ArgumentParser) -> None:
    command.add_argument("-o", "--output", metavar="PLACE", help="copy the clip to this file or folder as well")


def parser() -> Parser:
    """The whole command line."""
    top = Parser("python -m studio", description=TOP, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--home", metavar="FOLDER", help="the folder everything is kept in (or STIR_HOME)")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    def add(place: Any, name: str, about: str, epilog: str = "") -> argparse.ArgumentParser:
        shape = argparse.RawDescriptionHelpFormatter
        made: argparse.ArgumentParser = place.add_parser(
            name,
            help=about,
            description=f"{about[0].upper()}{about[1:]}.",
            epilog=epilog,
            formatter_class=shape,
            parents=[_common()],
        )
        return made

    animate = add(commands, "animate", "make a clip of a photo, or of several", _animate_help())
    animate.add_argument("photos", metavar="PHOTO", nargs="+", type=Path)
    _motion(animate)
    _shape(animate)
    _output(animate)
    add(commands, "recipe", "every setting a clip was made with", RECIPE).add_argument("clip", metavar="CLIP", type=Path)
    again = add(commands, "again", "make a clip again from its recipe", AGAIN)
    again.add_argument("clip", metavar="CLIP")
    _output(again)
    add(commands, "machine", "what this computer can do, and why", MACHINE)
    library = add(commands, "library", "the clips that are kept", LIBRARY)
    library.add_argument("do", nargs="?", choices=("list", "find"), default="list")
    library.add_argument("words", metavar="WORD", nargs="*")
    library.add_argument("--limit", metavar="N", type=_between(int, 1, 10_000), default=20, help="at most so many (default: 20)")
    library.add_argument("--trash", action="store_true", help="what is in the trash instead")
    return top
