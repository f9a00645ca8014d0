"""The argument parser: commands, flags and their ranges, and the --help text that teaches each command by examples.

No photo is opened and no studio made before `open_studio` is called, so that --help is quick.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, get_args

from studio import config, presets
from studio.cards import ModelCard
from studio.motion.ambient_effects import EFFECTS
from studio.motion.camera_moves import MOVES
from studio.nouns import Format, MendName, Quality, Refusal, Region, SpeedUp, Use

if TYPE_CHECKING:
    from studio.studio import Studio

T = TypeVar("T", int, float)

SLOTS = {
    "subject": "what moves", "action": "what it does", "environment": "what moves around it",
    "light": "what the light does", "still": "what stays still",
}  # fmt: skip
"""The words of a motion, each a flag of `compose`."""


class Parser(argparse.ArgumentParser):
    """An argument parser that refuses in one line, like everything else here."""

    def error(self, message: str) -> NoReturn:
        """Raises `Refusal` with argparse's words and where to read more."""
        said = message[:1].upper() + message[1:]
        raise Refusal(f"{said}.", f"See: {self.prog} --help")


def _check_between(kind: Callable[[str], T], low: T, high: T) -> Callable[[str], T]:
    def check(text: str) -> T:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low} and {high}")
        return value

    return check


def _format_table(rows: list[tuple[str, str]]) -> str:
    wide = max(len(name) for name, _ in rows) + 2
    return "\n".join(f"  {name:<{wide}}{words}" for name, words in rows)


def _animate_help() -> str:
    return ANIMATE_HELP.format(
        moves=_format_table([(info.title.lower(), info.sees) for info in MOVES.values()]),
        effects=_format_table([(name, info.sees) for name, info in EFFECTS.items()]),
        regions=", ".join(get_args(Region)),
        places=", ".join(place.id for place in presets.platforms()) or "none",
        models=", ".join(card.id for card in presets.cards()),
        speedups=", ".join(get_args(SpeedUp)),
        mends=", ".join(get_args(MendName)),
    )


def _build_common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print JSON for scripts")
    common.add_argument(
        "--home", metavar="FOLDER", default=argparse.SUPPRESS, help="the folder everything is kept in (or STIR_HOME)"
    )
    common.add_argument(
        "--cards",
        metavar="FOLDER",
        dest="more_cards",
        action="append",
        default=[],
        help="a folder with your own model cards too",
    )
    return common


def _add_shape(animate: argparse.ArgumentParser) -> None:
    animate.add_argument(
        "--aspect", metavar="RATIO", help="9:16, 1:1, 4:5, 3:4, 16:9, 21:9 or photo (default: the photo's own)"
    )
    animate.add_argument(
        "--size", metavar="SIZE", help="the short side: 360p (a draft), 480p, 720p, 1080p, 1440p, 2160p, or auto"
    )
    animate.add_argument("--seconds", metavar="N", type=_check_between(float, 1.0, 60.0), help="how long (default: 5)")
    animate.add_argument("--fps", metavar="N", type=_check_between(int, 1, 60), help="frames a second (default: 24)")
    animate.add_argument("--loop", action="store_true", help="end where it began, without a seam")
    animate.add_argument("--format", choices=get_args(Format), help="default: the ending of -o, or mp4")
    animate.add_argument("--for", dest="place", metavar="PLACE", help="shape, size and rate of a place, such as reels")


def _add_motion(animate: argparse.ArgumentParser) -> None:
    animate.add_argument("--motion", metavar="ID", help="start from a motion; python -m studio motions lists them")
    animate.add_argument(
        "--prompt", metavar="WORDS", default="", help="what should move and how the camera behaves, in words"
    )
    animate.add_argument("--avoid", metavar="WORDS", default="", help="what should not be seen (the negative prompt)")
    animate.add_argument(
        "--move", metavar="MOVE", action="append", help="a camera move; give several to add them up (default: dolly in)"
    )
    animate.add_argument(
        "--then",
        metavar="MOVE",
        action="append",
        help="what the camera does next, such as 'slow orbit left'; up to three",
    )
    animate.add_argument(
        "--amount", metavar="N", type=_check_between(float, 0.0, 1.0), help="how far, 0 to 1 (default: 0.6)"
    )
    animate.add_argument("--speed", metavar="SPEED", help="slow, normal or fast (default: normal)")
    animate.add_argument("--ease", metavar="EASE", help="smooth, linear, ease in or ease out (default: smooth)")
    animate.add_argument(
        "--effect", metavar="EFFECT", action="append", help="something that moves by itself; give several"
    )
    animate.add_argument(
        "--brush", metavar="FILE", type=Path, help="a picture over the whole photo, white where effects happen"
    )
    animate.add_argument(
        "--mark", metavar="FILE|X,Y", help="what the photo is of: a mask, white on black, or a place in it"
    )


def _add_photo(animate: argparse.ArgumentParser) -> None:
    animate.add_argument(
        "--seed",
        metavar="N",
        type=_check_between(int, 0, 2**32 - 1),
        default=0,
        help="another number, another variation",
    )
    animate.add_argument(
        "--depth", metavar="FILE", help="a depth map of the photo, light is near; or builtin, anything, photo"
    )
    animate.add_argument(
        "--mend",
        metavar="NAME",
        action="append",
        help="mend the photo first: NAME or NAME:AMOUNT; `look` says which and why",
    )


def _add_model(animate: argparse.ArgumentParser) -> None:
    animate.add_argument("--model", metavar="ID", default="parallax", help="what makes the clip (default: parallax)")
    animate.add_argument("--draft", metavar="ID", help="only try it out, on this model, such as parallax")
    animate.add_argument(
        "--quality", choices=get_args(Quality), default="good", help="steps, size and length (default: good)"
    )
    animate.add_argument(
        "--steps", metavar="N", type=_check_between(int, 1, 200), help="denoising steps (default: the model's own)"
    )
    animate.add_argument(
        "--guidance", metavar="N", type=_check_between(float, 0.0, 30.0), help="how closely the words are followed"
    )
    animate.add_argument(
        "--strength",
        metavar="N",
        type=_check_between(float, 0.0, 1.0),
        default=0.5,
        help="how much moves, 0 to 1 (default: 0.5)",
    )
    box = "of the photo, in fractions from its left and top: X,Y,WIDTH,HEIGHT"
    animate.add_argument("--start-box", metavar="BOX", help=f"the part {box} (default: what matters in it)")
    animate.add_argument(
        "--end-box", metavar="BOX", help="a second such part: the clip goes from one exactly to the other"
    )
    animate.add_argument(
        "--end", metavar="PHOTO", type=Path, help="the photo a clip ends on, for models with an end frame"
    )
    animate.add_argument(
        "--speedup", metavar="NAME", action="append", help="trade likeness for time or memory; give several"
    )
    animate.add_argument("--no-sound", action="store_true", help="leave out the sound a model makes")
    animate.add_argument(
        "--may-shrink", action="store_true", help="a smaller or shorter clip will do should memory run out"
    )


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument("-o", "--output", metavar="PLACE", help="copy the clip to this file or folder as well")


def build_parser() -> Parser:
    """The whole command line."""
    top = Parser("python -m studio", description=TOP_HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--home", metavar="FOLDER", help="the folder everything is kept in (or STIR_HOME)")
    top.add_argument(
        "--cards", metavar="FOLDER", action="append", default=[], help="a folder with your own model cards too"
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    animate = _add_command(commands, "animate", "make a clip of a photo, or of several", _animate_help())
    animate.add_argument("photos", metavar="PHOTO", nargs="+", type=Path)
    _add_motion(animate)
    _add_photo(animate)
    _add_shape(animate)
    _add_model(animate)
    animate.add_argument(
        "--force", action="store_true", help="make it even where the place given with --for won't take it"
    )
    _add_output(animate)
    _add_advice_commands(commands)
    models = _add_command(commands, "models", "the models: what each needs, and whether it fits here", MODELS_HELP)
    models.add_argument("do", nargs="?", choices=("list", "quote", "download", "adopt", "delete"), default="list")
    models.add_argument("model", metavar="ID", nargs="?")
    models.add_argument("folder", metavar="FOLDER", nargs="?", type=Path, help="for adopt: where the files lie")
    recipe = _add_command(commands, "recipe", "every setting a clip was made with", RECIPE_HELP)
    recipe.add_argument("clip", metavar="CLIP", type=Path)
    again = _add_command(commands, "again", "make a clip again from its recipe", AGAIN_HELP)
    again.add_argument("clip", metavar="CLIP")
    _add_output(again)
    _add_command(commands, "machine", "what this computer can do, and why", MACHINE_HELP)
    _add_library(_add_command(commands, "library", "the clips that are kept", LIBRARY_HELP))
    return top


def _add_advice_commands(commands: Any) -> None:
    """Everything that is said before anything is made."""
    look = _add_command(commands, "look", "what is fine in a photo, what will hurt and what to do", LOOK_HELP)
    look.add_argument("photo", metavar="PHOTO", type=Path)
    look.add_argument("--for", dest="place", metavar="PLACE", help="where it goes: reels, or a ratio such as 9:16")
    look.add_argument("--size", metavar="SIZE", help="the clip's short side, such as 1080p")
    check = _add_command(commands, "check", "what is wrong with a prompt, and how to fix it", CHECK_HELP)
    check.add_argument("prompt", metavar="PROMPT")
    check.add_argument(
        "--seconds", metavar="N", type=_check_between(float, 1.0, 60.0), help="how long the clip is (default: 5)"
    )
    check.add_argument("--model", metavar="ID", help="the model it is for")
    read = _add_command(commands, "read", "what a prompt means: subject, camera, effects", READ_HELP)
    read.add_argument("prompt", metavar="PROMPT")
    compose = _add_command(commands, "compose", "a motion in a model's own words", COMPOSE_HELP)
    compose.add_argument("prompt", metavar="PROMPT", nargs="?", default=argparse.SUPPRESS, help="the same as --prompt")
    _add_motion(compose)
    for name, about in SLOTS.items():
        compose.add_argument(f"--{name}", metavar="WORDS", default="", help=about)
    compose.add_argument("--loop", action="store_true", help="end where it began")
    compose.add_argument("--model", metavar="ID", help="the model it is for (default: plain words)")
    recommend = _add_command(commands, "recommend", "which model for this photo, and why", RECOMMEND_HELP)
    recommend.add_argument("photo", metavar="PHOTO", type=Path)
    _add_motion(recommend)
    _add_shape(recommend)
    _add_wishes(recommend)
    unasked = _add_command(
        commands, "motions", "the motions to start from; with a photo, those that fit it first", MOTIONS_HELP
    )
    unasked.add_argument("photo", metavar="PHOTO", nargs="?", type=Path)


def _add_wishes(recommend: argparse.ArgumentParser) -> None:
    recommend.add_argument("--use", choices=get_args(Use), help="what the clip is for")
    recommend.add_argument("--sound", action="store_true", help="it should have sound")
    recommend.add_argument("--end-frame", action="store_true", help="it should end on another photo")
    recommend.add_argument("--faces", action="store_true", help="faces have to stay themselves")
    recommend.add_argument(
        "--priority", choices=("speed", "balance", "quality"), default="balance", help="(default: balance)"
    )
    recommend.add_argument("--commercial", action="store_true", help="the clip is for commercial use")
    recommend.add_argument("--offline", action="store_true", help="nothing may be downloaded")
    recommend.set_defaults(
        model="parallax", seed=0, quality="good", steps=None, guidance=None, strength=0.5, no_sound=False, speedup=None,
        may_shrink=False, mend=None, draft="", start_box=None, end_box=None,
    )  # fmt: skip


def _add_library(library: argparse.ArgumentParser) -> None:
    library.add_argument("do", nargs="?", choices=("list", "find"), default="list")
    library.add_argument("words", metavar="WORD", nargs="*")
    library.add_argument(
        "--limit", metavar="N", type=_check_between(int, 1, 10_000), default=20, help="at most so many (default: 20)"
    )
    library.add_argument("--trash", action="store_true", help="what is in the trash instead")
    sorts = ("newest", "oldest", "longest", "best", "name")
    library.add_argument("--sort", choices=sorts, default="newest", help="what stands first (default: newest)")
    library.add_argument(
        "--stars", metavar="N", type=_check_between(int, 1, 5), default=0, help="only clips with N stars or more"
    )


def _add_command(commands: Any, name: str, about: str, epilog: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[_build_common()],
    )
    return made


# What --home and --cards name -----------------------------------------------------------------------------------------


def find_card(flags: argparse.Namespace, model: str) -> ModelCard:
    """The card of a model, of those that ship or in the folders that flags name. Needs no studio. Raises `Refusal`."""
    settings = config.read(home=flags.home, cards=[*flags.cards, *flags.more_cards])
    own, _ = presets.own_cards(settings.card_folders)
    found = next((one for one in own if one.id == model), None)
    return found or presets.card(model)


def open_studio(flags: argparse.Namespace) -> Studio:
    """A studio on the home folder and the card folders that the flags name; close it. Raises `Refusal`."""
    from studio.studio import Studio

    return Studio(config.read(home=flags.home, cards=[*flags.cards, *flags.more_cards]))


# Examples -------------------------------------------------------------------------------------------------------------

TOP_HELP = """\
Stir turns photographs into video, on this computer.

  python -m studio animate photo.jpg                     a 5 second dolly in, kept in your library
  python -m studio animate photo.jpg --move "orbit left" --aspect 9:16 -o clip.mp4
  python -m studio look photo.jpg --for reels            what is fine in the photo, what will hurt and what to do
  python -m studio check "camera pans left and right"    what is wrong with a prompt, and how to fix it
  python -m studio recommend photo.jpg --sound           which model, and why
  python -m studio models                                every model: what it needs, and whether it fits here
  python -m studio recipe clip.mp4                       every setting a clip was made with
  python -m studio machine                               what this computer can do, and why

`python -m studio animate --help` lists every move and effect. The page is `python app.py`."""

ANIMATE_HELP = """\
examples:
  python -m studio animate harbour.jpg
      a 5 second dolly in at the photo's own shape; it is kept in the library and its place is printed
  python -m studio animate harbour.jpg --move "dolly in" --move "orbit left" --amount 0.4 -o harbour.mp4
      two moves at once, gently, and a copy as harbour.mp4
  python -m studio animate tower.jpg --move "dolly in" --speed fast --then "slow orbit left"
      one after the other, eased through the joint
  python -m studio animate portrait.jpg --for reels --effect hair
      cropped around the face, sized and timed for that place
  python -m studio animate lake.jpg --move static --effect ripple --brush water.png --loop --format webp
      the camera stands still; what is white in water.png ripples, and the loop has no seam
  python -m studio animate *.jpg -o clips/ --json
      one clip for each photo, and their facts for a script
  python -m studio animate dusk.jpg --model wan22-ti2v-5b --prompt "gulls cross the sky" --quality draft --seed 3
      on a model that denoises: what moves is said in words; `python -m studio models` lists them
  python -m studio animate dusk.jpg --prompt "camera slowly pans left, clouds drift to the right" --mend denoise
      the words set the camera and the effects, and the photo's noise is taken out first

moves (--move):
{moves}

effects (--effect NAME or NAME:REGION; regions: {regions}):
{effects}

places (--for): {places}
models (--model): {models}
mends (--mend NAME or NAME:AMOUNT): {mends}
speed-ups (--speedup), which trade likeness for time or memory: {speedups}

-o never overwrites: if the name is taken, a number is added and the new name printed. A photo that can't be used,
a setting out of range or a folder that can't be written stops everything before any work begins (exit 2)."""

LOOK_HELP = """\
examples:
  python -m studio look dusk.jpg                          what will hurt first, then what is fine
  python -m studio look dusk.jpg --for 9:16 --size 1080p --json

The photo is only read: nothing of it is kept. The remedies are flags of `animate`: --mend, --aspect, --size."""

CHECK_HELP = """\
examples:
  python -m studio check "make it move"
  python -m studio check "she turns, waves, sits down and pours tea" --seconds 5 --model wan22-ti2v-5b --json

Each finding names its words, says why, and gives the whole prompt as it reads once fixed. Then comes what the \
model will show
of it and what it won't; without --model that is Parallax."""

READ_HELP = """\
examples:
  python -m studio read "camera slowly pushes in, leaves rustle, light stays constant" --json"""

COMPOSE_HELP = """\
examples:
  python -m studio compose --subject "the woman" --action "turns her head" --move "push in" --speed slow \
--model wan22-ti2v-5b
  python -m studio compose --motion portrait-slow-push --model ltx-2 --json
  python -m studio compose "slow pan left, waves roll in" --still "the pier"

Without --model it is written in plain words, as the page does."""

RECOMMEND_HELP = """\
examples:
  python -m studio recommend portrait.jpg --prompt "she turns and smiles" --faces
  python -m studio recommend shoe.jpg --use product --commercial --seconds 8 --json"""

MOTIONS_HELP = """\
examples:
  python -m studio motions                       every motion to start from
  python -m studio motions harbour.jpg           those that fit the photo first
  python -m studio animate harbour.jpg --motion ID"""

RECIPE_HELP = """\
examples:
  python -m studio recipe clip.mp4               in words
  python -m studio recipe clip.webp --json       the recipe itself, as JSON

Reads MP4, WebM, GIF and WebP made by Stir, and the .json beside a clip. Nothing is rendered or changed."""

AGAIN_HELP = """\
examples:
  python -m studio again clip.mp4 -o same.mp4    make a clip again from the recipe inside it
  python -m studio again 3f9a2c71                 or by its id in the library (its first letters are enough)

The photo has to be in the library still; the result is the same picture for picture."""

MACHINE_HELP = """\
examples:
  python -m studio machine
  python -m studio machine --json | grep encoder"""

LIBRARY_HELP = """\
examples:
  python -m studio library                       the newest clips
  python -m studio library list --limit 200 --json
  python -m studio library find dolly harbour    clips that have both words in photo, moves, effects or title
  python -m studio library find dolly --stars 4 --sort longest
  python -m studio library list --trash"""

MODELS_HELP = """\
examples:
  python -m studio models                        every model: licence, what it needs, whether it fits here and why
  python -m studio models --json --cards mine/   for scripts, with your own model cards as well
  python -m studio models quote wan22-ti2v-5b    what a download would take; asks the hub, fetches nothing
  python -m studio models download wan22-ti2v-5b
      fetch it; Ctrl+C stops, and the same command goes on from there
  python -m studio models adopt wan22-ti2v-5b /disk/Wan2.2-TI2V-5B-Diffusers
      use a folder that holds the files already; nothing is copied or fetched
  python -m studio models delete wan22-ti2v-5b   delete its files (never an adopted folder's)

A model card is a TOML file; your own are read from the folder cards/ of the home folder and wherever --cards says."""
