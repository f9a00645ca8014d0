"""The argument parser: commands, flags and their ranges, their help; the examples are in help_examples.py.

No photo is opened and no studio made before `open_studio` is called, so that --help is quick.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from studio import config, presets
from studio.cards import ModelCard
from studio.cli import farm_arguments
from studio.cli.finish_arguments import add_finish, add_reel
from studio.cli.help_examples import (
    AGAIN_HELP,
    ANIMATE_HELP,
    BACKUP_HELP,
    BATCH_HELP,
    CHECK_HELP,
    COMPARE_HELP,
    COMPOSE_HELP,
    EXPORT_HELP,
    FINISH_HELP,
    HOSTED_DEMO_HELP,
    HOSTED_HELP,
    LIBRARY_HELP,
    LOOK_HELP,
    MACHINE_HELP,
    MODELS_HELP,
    MOTIONS_HELP,
    READ_HELP,
    RECIPE_HELP,
    RECOMMEND_HELP,
    REEL_HELP,
    SCORE_HELP,
    TOP_HELP,
    WORKER_HELP,
)
from studio.cli.number_range import check_between
from studio.compare.axis_values import HINTS, TITLES
from studio.compare.grid import MOST_CELLS
from studio.motion.ambient_effects import EFFECTS
from studio.motion.camera_moves import MOVES
from studio.nouns import Format, MendName, Quality, Refusal, Region, SpeedUp, Use
from studio.photo.intake.file_signature import READS
from studio.platforms import Container

if TYPE_CHECKING:
    from studio.studio import Studio


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


def _compare_help() -> str:
    return COMPARE_HELP.format(
        axes=_format_table([(name, f"{TITLES[name]}: {hint}") for name, hint in HINTS.items()]), most=MOST_CELLS
    )


def _export_help() -> str:
    places = [(one.id, f"{one.title}: {one.aspect}, {one.size}") for one in presets.platforms()]
    return EXPORT_HELP.format(places=_format_table(places))


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
    animate.add_argument("--seconds", metavar="N", type=check_between(float, 1.0, 60.0), help="how long (default: 5)")
    animate.add_argument("--fps", metavar="N", type=check_between(int, 1, 60), help="frames a second (default: 24)")
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
        "--amount", metavar="N", type=check_between(float, 0.0, 1.0), help="how far, 0 to 1 (default: 0.6)"
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
        "--mark",
        metavar="FILE|X,Y",
        help="what the photo is of: a mask, white on black, or a place in it; or photo, the phone's matte, or builtin",
    )


def _add_damaged(command: argparse.ArgumentParser) -> None:
    command.add_argument("--open-damaged", action="store_true", help="open what is there of a photo that is cut short")


def _add_photo(animate: argparse.ArgumentParser) -> None:
    _add_damaged(animate)
    animate.add_argument(
        "--seed",
        metavar="N",
        type=check_between(int, 0, 2**32 - 1),
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
        "--steps", metavar="N", type=check_between(int, 1, 200), help="denoising steps (default: the model's own)"
    )
    animate.add_argument(
        "--guidance", metavar="N", type=check_between(float, 0.0, 30.0), help="how closely the words are followed"
    )
    animate.add_argument(
        "--strength",
        metavar="N",
        type=check_between(float, 0.0, 1.0),
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
    _add_pay(command)


def _add_pay(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--pay",
        metavar="AMOUNT",
        action="append",
        default=[],
        help="for a hosted model: the most that it may cost in dollars, such as 0.90; and unknown",
    )


def _add_hosted(hosted: argparse.ArgumentParser) -> None:
    hosted.add_argument("do", nargs="?", choices=("list", "agree", "budget"), default="list")
    hosted.add_argument("model", metavar="ID", nargs="?", help="a hosted model; for budget: dollars a day, 0 for none")


def build_parser() -> Parser:
    """The whole command line."""
    top = Parser("python -m studio", description=TOP_HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--home", metavar="FOLDER", help="the folder everything is kept in (or STIR_HOME)")
    top.add_argument(
        "--cards", metavar="FOLDER", action="append", default=[], help="a folder with your own model cards too"
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    animate = _add_command(commands, "animate", "make a clip of a photo, or of several", _animate_help())
    animate.add_argument("photos", metavar="PHOTO", nargs="+", type=Path, help=f"photographs: {READS}")
    _add_motion(animate)
    _add_photo(animate)
    _add_shape(animate)
    _add_model(animate)
    animate.add_argument(
        "--force", action="store_true", help="make it even where the place given with --for won't take it"
    )
    _add_output(animate)
    add_finish(_add_command(commands, "finish", "trim, loop, slow, title and sound clips of the library", FINISH_HELP))
    _add_compare(
        _add_command(commands, "compare", "several clips of a photo that differ in one thing or two", _compare_help())
    )
    _add_batch(_add_command(commands, "batch", "many photos, a folder or a ZIP into clips", BATCH_HELP))
    _add_advice_commands(commands)
    _add_models(_add_command(commands, "models", "the models: what each needs, and whether it fits", MODELS_HELP))
    _add_hosted(_add_command(commands, "hosted", "hosted models: tokens, budgets, what was spent", HOSTED_HELP))
    recipe = _add_command(commands, "recipe", "every setting a clip was made with", RECIPE_HELP)
    recipe.add_argument("clip", metavar="CLIP", type=Path)
    again = _add_command(commands, "again", "make a clip again from its recipe", AGAIN_HELP)
    again.add_argument("clip", metavar="CLIP")
    _add_output(again)
    score = _add_command(commands, "score", "how good clips are, and why", SCORE_HELP)
    score.add_argument("clips", metavar="CLIP", nargs="+", help="a file, or a clip's id in the library")
    _add_command(commands, "machine", "what this computer can do, and why", MACHINE_HELP)
    farm_arguments.add_worker(
        _add_command(commands, "worker", "make clips for a studio on another machine", WORKER_HELP)
    )
    _add_library_commands(commands)
    _add_hosted_demo(_add_command(commands, "hosted-demo", "try hosted models without an account", HOSTED_DEMO_HELP))
    return top


def _add_models(models: argparse.ArgumentParser) -> None:
    models.add_argument(
        "do", nargs="?", choices=("list", "check", "quote", "download", "convert", "adopt", "delete"), default="list"
    )
    models.add_argument("model", metavar="ID", nargs="?")
    models.add_argument("folder", metavar="FOLDER", nargs="?", type=Path, help="for adopt: where the files lie")


def _add_compare(compare: argparse.ArgumentParser) -> None:
    farm_arguments.add_ray(compare)
    compare.add_argument("photo", metavar="PHOTO", nargs="?", type=Path)
    _add_motion(compare)
    _add_photo(compare)
    _add_shape(compare)
    _add_model(compare)
    _add_pay(compare)
    compare.add_argument("--models", metavar="ID,ID", help="the same as --axis model=ID,ID")
    compare.add_argument(
        "--axis", metavar="NAME=A,B", action="append", default=[], help="what differs, and its values; one or two"
    )
    compare.add_argument("--pair", action="store_true", help="two axes go together, first with first, not as a grid")
    compare.add_argument("--baseline", action="store_true", help="with the shot as it is, untouched, beside them")
    compare.add_argument("--blind", action="store_true", help="the page hides which is which until one is picked")
    compare.add_argument(
        "--drafts", metavar="ID", default="", help="try each out on this model first, such as parallax"
    )
    compare.add_argument("--name", metavar="WORDS", default="", help="what it is called (default: photo and axes)")
    compare.add_argument("--estimate", action="store_true", help="only say what it would take; nothing is made")
    compare.add_argument("--grid", metavar="FILE.mp4", help="also write all clips as one film, side by side")
    compare.add_argument("--wipe", metavar="FILE.mp4", help="also write a wipe that goes across two of them")
    compare.add_argument("--sheet", metavar="FILE.png", help="also write a contact sheet: three frames of each")
    which = compare.add_mutually_exclusive_group()
    which.add_argument("--list", metavar="WORD", nargs="*", help="the comparisons that have these words, or all")
    which.add_argument("--show", metavar="COMPARISON", help="how each clip of one stands, and where it is")
    which.add_argument("--retry", metavar="COMPARISON", help="make what failed or was cut off in one again")


def _add_batch(batch: argparse.ArgumentParser) -> None:
    batch.add_argument("photos", metavar="FOLDER|ZIP|PHOTO", nargs="*", type=Path)
    farm_arguments.add_ray(batch)
    _add_motion(batch)
    _add_damaged(batch)
    _add_shape(batch)
    _add_model(batch)
    _add_pay(batch)
    seed = check_between(int, 0, 2**32 - 1)
    batch.add_argument("--seed", metavar="N", type=seed, default=0, help="of the first variation; others count up")
    batch.add_argument("--mend", metavar="NAME", action="append", help="mend every photo first: NAME or NAME:AMOUNT")
    how = batch.add_mutually_exclusive_group()
    how.add_argument("--choose", action="store_true", help="choose a motion for each that fits what it is a photo of")
    how.add_argument(
        "--prompts",
        metavar="FILE|beside",
        default="",
        help="photo n with prompt n of a file, or the .txt beside it",
    )
    batch.add_argument("--variations", metavar="N", type=check_between(int, 1, 8), default=1, help="clips of a photo")
    batch.add_argument("--mend-all", action="store_true", help="mend what is doubtful, as its report says")
    batch.add_argument("--take-doubtful", action="store_true", help="take doubtful photos as they are")
    batch.add_argument("--name", metavar="WORDS", default="", help="what it is called (default: the folder)")
    batch.add_argument("--plan", metavar="WORDS", help="when to post: 'three a week to reels from monday, 18:00'")
    batch.add_argument("--zone", metavar="NAME", help="the plan's time zone, such as Europe/Lisbon (default: here)")
    batch.add_argument("-o", "--output", metavar="FOLDER", help="where the batch's folder is made (default: here)")
    batch.add_argument("--dry-run", action="store_true", help="only look at the photos and say what it would take")
    which = batch.add_mutually_exclusive_group()
    which.add_argument("--resume", metavar="BATCH", help="go on with one that was stopped or cut off; retries failures")
    which.add_argument("--show", metavar="BATCH", help="how each photo of one stands")
    which.add_argument("--list", action="store_true", help="the batches that there are")


def _add_advice_commands(commands: Any) -> None:
    """Everything that is said before anything is made."""
    look = _add_command(commands, "look", "what is fine in a photo, what will hurt and what to do", LOOK_HELP)
    look.add_argument("photo", metavar="PHOTO", type=Path)
    _add_damaged(look)
    look.add_argument("--for", dest="place", metavar="PLACE", help="where it goes: reels, or a ratio such as 9:16")
    look.add_argument("--size", metavar="SIZE", help="the clip's short side, such as 1080p")
    check = _add_command(commands, "check", "what is wrong with a prompt, and how to fix it", CHECK_HELP)
    check.add_argument("prompt", metavar="PROMPT")
    check.add_argument(
        "--seconds", metavar="N", type=check_between(float, 1.0, 60.0), help="how long the clip is (default: 5)"
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
    _add_damaged(recommend)
    _add_motion(recommend)
    _add_shape(recommend)
    _add_wishes(recommend)
    unasked = _add_command(
        commands, "motions", "the motions to start from; with a photo, those that fit it first", MOTIONS_HELP
    )
    unasked.add_argument("photo", metavar="PHOTO", nargs="?", type=Path)
    _add_damaged(unasked)


def _add_wishes(recommend: argparse.ArgumentParser) -> None:
    recommend.add_argument("--use", choices=get_args(Use), help="what the clip is for")
    recommend.add_argument("--sound", action="store_true", help="it should have sound")
    recommend.add_argument("--end-frame", action="store_true", help="it should end on another photo")
    recommend.add_argument("--faces", action="store_true", help="faces have to stay themselves")
    recommend.add_argument(
        "--priority", choices=("speed", "balance", "quality"), default="balance", help="(default: balance)"
    )
    recommend.add_argument("--commercial", action="store_true", help="the clip is for commercial use")
    recommend.add_argument("--offline", action="store_true", help="nothing may be downloaded, or leave this computer")
    recommend.add_argument(
        "--hosted", action="store_true", help="weigh hosted models too, with what a clip costs there"
    )
    recommend.set_defaults(
        model="parallax", seed=0, quality="good", steps=None, guidance=None, strength=0.5, no_sound=False, speedup=None,
        may_shrink=False, mend=None, draft="", start_box=None, end_box=None,
    )  # fmt: skip


def _add_library_commands(commands: Any) -> None:
    """What is done with clips that are made."""
    _add_library(_add_command(commands, "library", "the clips that are kept", LIBRARY_HELP))
    backup = _add_command(commands, "backup", "a copy of the library's database, also while Stir runs", BACKUP_HELP)
    backup.add_argument("to", metavar="FILE|FOLDER", type=Path, help="where the copy goes")
    add_reel(_add_command(commands, "reel", "several clips or photos as one, cut to its music", REEL_HELP))
    _add_export(_add_command(commands, "export", "clips made fit for the places they go", _export_help()))


def _add_export(export: argparse.ArgumentParser) -> None:
    export.add_argument("clips", metavar="CLIP", nargs="+", help="a clip's id in the library, or its file there")
    export.add_argument("--platform", metavar="ID,ID", required=True, help="where it goes: reels,shorts")
    export.add_argument("-o", "--output", metavar="FOLDER", default=".", help="where the files go (default: here)")
    export.add_argument("--under", metavar="SIZE", default="", help="the most that a file may take: 500KB")
    export.add_argument(
        "--as", dest="container", choices=get_args(Container), default="", help="of a place that takes one of several"
    )
    export.add_argument(
        "--fit", choices=("crop", "pad", "blur"), default="crop",
        help="a clip of another shape: cropped around its subject, on black, or on a blurred copy of itself",
    )  # fmt: skip


def _add_library(library: argparse.ArgumentParser) -> None:
    library.add_argument("do", nargs="?", choices=("list", "find"), default="list")
    library.add_argument("words", metavar="WORD", nargs="*")
    library.add_argument(
        "--limit", metavar="N", type=check_between(int, 1, 10_000), default=20, help="at most so many (default: 20)"
    )
    library.add_argument("--trash", action="store_true", help="what is in the trash instead")
    sorts = ("newest", "oldest", "longest", "best", "name")
    library.add_argument("--sort", choices=sorts, default="newest", help="what stands first (default: newest)")
    library.add_argument(
        "--stars", metavar="N", type=check_between(int, 1, 5), default=0, help="only clips with N stars or more"
    )


def _add_hosted_demo(demo: argparse.ArgumentParser) -> None:
    demo.add_argument("--port", type=int, default=7860, help="the page's port (default: 7860)")
    demo.add_argument("--open", action="store_true", help="open the page in the browser")
    demo.add_argument("--bare", action="store_true", help="no page: print what the environment has to hold, and serve")
    demo.add_argument(
        "--seconds", metavar="S", type=check_between(float, 0, 600), default=6, help="how long a clip takes (6)"
    )
    demo.add_argument(
        "--faults", metavar="PERCENT", type=check_between(float, 0, 90), default=0, help="so many calls of 100 fail"
    )
    demo.add_argument("--seed", metavar="N", type=int, default=0, help="which calls fail (default: 0)")


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

    cards, ray = [*flags.cards, *flags.more_cards], getattr(flags, "ray", None)
    return Studio(config.read(home=flags.home, cards=cards, ray=ray))
