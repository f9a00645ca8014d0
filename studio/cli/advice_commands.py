"""`look`, `check`, `read`, `compose`, `recommend` and `motions`: directing a clip before any of it is made.

Nothing is kept: `look` reads the photo and leaves no copy.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

import msgspec

from studio.cards import ModelCard
from studio.cli import motion_arguments, shot_arguments
from studio.cli.arguments import find_card, open_studio
from studio.cli.report import say, say_json
from studio.motion.compose import compose as written
from studio.motion.compose import plain
from studio.motion.prompt_check import check_prompt as checked
from studio.motion.prompt_promise import promise
from studio.motion.read_prompt import read_motion as understood
from studio.nouns import Camera, Crop, Leg, Refusal
from studio.photo.crop import parse_size


def look(flags: argparse.Namespace) -> None:
    """Print what is fine in a photo, what will hurt, and what to do. Raises `Refusal` for a file that is no photo."""
    from studio.photo import auto_crop, inspection, photo_store
    from studio.photo.auxiliaries.auxiliary_store import find_brought

    file = _file(flags.photo)
    photo, image = photo_store.read_photo(file, flags.photo.name, flags.open_damaged)
    aspect, size = shot_arguments.read_target(flags.place or "photo")
    size = parse_size(flags.size) if flags.size else size
    crop = Crop() if aspect == "photo" else auto_crop.suggest_crop(image, photo, aspect).crop
    report = inspection.inspect_photo(image, photo, crop, size)
    if flags.json:
        say_json(report)
        return
    say(f"{photo.name}, {photo.width}x{photo.height}{f', {report.kind}' if report.kind else ''}")
    for note in photo.notes:
        say(f"  {note}")
    for note in (*photo.notes, *find_brought(file.read_bytes(), image).notes):
        say(f"  {note}")
    for finding in report.findings:
        mark = {"mend": "!", "mind": "-", "fine": " "}[finding.level]
        say(f"{mark} {finding.says} ({finding.why})")
        for remedy in finding.remedies:
            say(f"    {remedy.label}")


def check(flags: argparse.Namespace) -> None:
    """Print what is wrong with a prompt, where, why, how it reads once fixed, and what of it the model will show."""
    findings = checked(flags.prompt, seconds=flags.seconds or 5.0, card=_find_named_card(flags))
    if flags.json:
        say_json(findings)
        return
    for finding in findings:
        marked = flags.prompt[finding.start : finding.end]
        say(f"{finding.code}{f' “{marked}”' if marked else ''}: {finding.reason}")
        if finding.fix:
            say(f"    {finding.label}: {finding.fix}")
    one = _find_named_card(flags) or find_card(flags, "parallax")
    told = promise(understood(flags.prompt), one, flags.prompt)
    if not findings and not told.unseen:
        say("This reads well.")
    if told.seen:
        say(f"You'll see: {', '.join(told.seen)}.")
    elif told.told:
        say(f"{one.title} is told all of it{', but for this' if told.unseen else ''}.")
    if told.unseen:
        say(f"{one.title} won't show: {', '.join(thing.words for thing in told.unseen)}.")
    if told.kept:
        say(f"As in the photo: {', '.join(told.kept)}.")


def read(flags: argparse.Namespace) -> None:
    """Print a prompt as the Motion it means."""
    motion = understood(flags.prompt)
    if flags.json:
        say_json(motion)
        return
    said = msgspec.to_builtins(motion)
    legs = [_describe_leg(motion.camera), *(_describe_leg(leg) for leg in motion.camera.then)]
    effects = [f"{effect['name']} {effect['amount']:g}" for effect in said["effects"]]
    filmed = ", ".join(filter(None, [", then ".join(legs), "loop" if motion.camera.loop else ""]))
    lines = {
        "subject": motion.subject, "action": motion.action, "around it": motion.environment, "light": motion.light,
        "still": motion.still, "camera": filmed, "effects": ", ".join(effects), "also": motion.prompt,
        "avoid": motion.negative_prompt,
    }  # fmt: skip
    for name, words in lines.items():
        if words:
            say(f"{name:<11}{words}")


def _describe_leg(leg: Camera | Leg) -> str:
    moves = [f"{move.name} {move.amount:g}" for move in leg.moves]
    return ", ".join([*moves, *([] if leg.speed == "normal" or not moves else [leg.speed])])


def compose(flags: argparse.Namespace) -> None:
    """Print a motion in the words of a model's own dialect, and what that model can't obey."""
    one = _find_named_card(flags)
    motion = motion_arguments.build_motion(flags)
    if one is None:
        say_json({"prompt": plain(motion), "negative": motion.negative_prompt}) if flags.json else say(plain(motion))
        return
    words = written(motion, one)
    if flags.json:
        say_json(words._asdict())
        return
    lines = {"": words.prompt, "avoid: ": words.negative, "camera control: ": words.control}
    for name, value in lines.items():
        if value:
            say(f"{name}{value}")
    for note in words.notes:
        say(f"- {note}")


def recommend(flags: argparse.Namespace) -> None:
    """Print two or three models for a photo and what is asked of them, each with its reason and what is given up."""
    from studio.advice.wishes import Wishes

    asked = shot_arguments.read_flags(flags)
    wishes = Wishes(
        flags.use, flags.sound, flags.end_frame, flags.faces, flags.priority, flags.commercial, flags.offline,
        flags.hosted,
    )  # fmt: skip
    with closing(open_studio(flags)) as studio:
        photo = studio.photos.take_in(_file(flags.photo), flags.photo.name, flags.open_damaged)
        picks = studio.advice.recommend(shot_arguments.build_shot(asked, photo, "auto", "mp4", studio), wishes)
        titles = {one.id: one.title for one in studio.models.cards}
    if flags.json:
        say_json(picks)
        return
    for place, pick in enumerate(picks, 1):
        say(f"{place}. {titles[pick.model]} ({pick.model}): {pick.says}")
        if pick.gives_up:
            say(f"   {pick.gives_up}")


def motions(flags: argparse.Namespace) -> None:
    """Print every motion to start from; with a photo, those that fit it first."""
    from studio import presets

    found = presets.motions()
    if flags.photo:
        with closing(open_studio(flags)) as studio:
            found = studio.advice.motions(
                studio.photos.take_in(_file(flags.photo), flags.photo.name, flags.open_damaged)
            )
    if flags.json:
        say_json(found)
        return
    wide = max(len(one.id) for one in found) + 2
    for one in found:
        say(f"{one.id:<{wide}}{one.summary}")


def _file(file: Path) -> Path:
    if not file.expanduser().exists():
        raise Refusal(f"There is no photo {str(file)!r}.", "Check its name and its folder.")
    return file.expanduser()


def _find_named_card(flags: argparse.Namespace) -> ModelCard | None:
    return find_card(flags, flags.model) if flags.model else None
