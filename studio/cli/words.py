"""What can be typed: commands, flags and their ranges.

Knows what each flag means and may be. Refuses to do anything: no photo is opened and no studio made here, so
that --help is quick.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

from studio.cli import lessons
from studio.motion.camera import MOVES
from studio.motion.effects import EFFECTS
from studio.nouns import Format, Quality, Refusal, Region, SpeedUp
from studio.presets import cards, platforms

T = TypeVar("T", int, float)


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
    return lessons.ANIMATE.format(
        moves=_table([(info.title.lower(), info.sees) for info in MOVES.values()]),
        effects=_table([(name, info.sees) for name, info in EFFECTS.items()]),
        regions=", ".join(get_args(Region)),
        places=", ".join(place.id for place in platforms()) or "none",
        models=", ".join(card.id for card in cards()),
        speedups=", ".join(get_args(SpeedUp)),
    )


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print JSON for scripts")
    common.add_argument(
        "--home", metavar="FOLDER", default=argparse.SUPPRESS, help="the folder everything is kept in (or STIR_HOME)"
    )
    common.add_argument(
        "--cards", metavar="FOLDER", dest="more_cards", action="append", default=[], help="a folder with your own model cards too"
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
    animate.add_argument("--depth", metavar="FILE", help="a depth map of the photo, light is near; or builtin, or anything")


def _model(animate: argparse.ArgumentParser) -> None:
    animate.add_argument("--model", metavar="ID", default="parallax", help="what makes the clip (default: parallax)")
    animate.add_argument("--prompt", metavar="WORDS", default="", help="what should move, for models that read words")
    animate.add_argument("--avoid", metavar="WORDS", default="", help="what should not be seen (the negative prompt)")
    animate.add_argument("--quality", choices=get_args(Quality), default="good", help="steps, size and length (default: good)")
    animate.add_argument("--steps", metavar="N", type=_between(int, 1, 200), help="denoising steps (default: the model's own)")
    animate.add_argument("--guidance", metavar="N", type=_between(float, 0.0, 30.0), help="how closely the words are followed")
    animate.add_argument(
        "--strength", metavar="N", type=_between(float, 0.0, 1.0), default=0.5, help="how much moves, 0 to 1 (default: 0.5)"
    )
    animate.add_argument("--end", metavar="PHOTO", type=Path, help="the photo a clip ends on, for models with an end frame")
    animate.add_argument("--speedup", metavar="NAME", action="append", help="trade likeness for time or memory; give several")
    animate.add_argument("--no-sound", action="store_true", help="leave out the sound a model makes")
    animate.add_argument("--may-shrink", action="store_true", help="a smaller or shorter clip will do should memory run out")


def _output(command: argparse.ArgumentParser) -> None:
    command.add_argument("-o", "--output", metavar="PLACE", help="copy the clip to this file or folder as well")


def parser() -> Parser:
    """The whole command line."""
    top = Parser("python -m studio", description=lessons.TOP, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--home", metavar="FOLDER", help="the folder everything is kept in (or STIR_HOME)")
    top.add_argument("--cards", metavar="FOLDER", action="append", default=[], help="a folder with your own model cards too")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    animate = _command(commands, "animate", "make a clip of a photo, or of several", _animate_help())
    animate.add_argument("photos", metavar="PHOTO", nargs="+", type=Path)
    _motion(animate)
    _shape(animate)
    _model(animate)
    _output(animate)
    models = _command(commands, "models", "the models: what each needs, and whether it fits here", lessons.MODELS)
    models.add_argument("do", nargs="?", choices=("list", "quote", "download", "adopt", "delete"), default="list")
    models.add_argument("model", metavar="ID", nargs="?")
    models.add_argument("folder", metavar="FOLDER", nargs="?", type=Path, help="for adopt: where the files lie")
    recipe = _command(commands, "recipe", "every setting a clip was made with", lessons.RECIPE)
    recipe.add_argument("clip", metavar="CLIP", type=Path)
    again = _command(commands, "again", "make a clip again from its recipe", lessons.AGAIN)
    again.add_argument("clip", metavar="CLIP")
    _output(again)
    _command(commands, "machine", "what this computer can do, and why", lessons.MACHINE)
    _library(_command(commands, "library", "the clips that are kept", lessons.LIBRARY))
    return top


def _library(library: argparse.ArgumentParser) -> None:
    library.add_argument("do", nargs="?", choices=("list", "find"), default="list")
    library.add_argument("words", metavar="WORD", nargs="*")
    library.add_argument("--limit", metavar="N", type=_between(int, 1, 10_000), default=20, help="at most so many (default: 20)")
    library.add_argument("--trash", action="store_true", help="what is in the trash instead")


def _command(commands: Any, name: str, about: str, epilog: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[_common()],
    )
    return made
