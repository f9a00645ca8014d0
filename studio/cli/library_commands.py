"""`recipe`, `machine`, `library` and `backup`: a clip's settings, this computer, the clips kept and a copy of their
database, in words or as JSON.
"""

from __future__ import annotations

import argparse
import time
from contextlib import closing
from pathlib import Path

import msgspec

from studio.cli.arguments import open_studio
from studio.cli.report import say, say_json
from studio.motion import camera_moves
from studio.motion.ambient_effects import EFFECTS
from studio.nouns import Camera, Clip, Leg, Refusal, Shot
from studio.presets import platform


def recipe(flags: argparse.Namespace) -> None:
    """Print what a clip was made with. Raises `Refusal` when the file has no recipe. Needs no home folder."""
    from studio.exports import read_recipe

    shot = read_recipe(flags.clip.expanduser())
    if flags.json:
        say_json(shot)
        return
    for name, value in _describe_shot(shot):
        say(f"{name:<10}{value}")


def _describe_shot(shot: Shot) -> list[tuple[str, str]]:
    box = shot.crop
    ambient = ", ".join(
        f"{EFFECTS[one.name].title.lower()} {one.amount:g} ({one.region})" for one in shot.motion.effects
    )
    lines = [
        ("photo", f"{shot.photo.name or 'unnamed'}, {shot.photo.width}x{shot.photo.height}, {shot.photo.id[:12]}"),
        ("crop", f"{box.aspect}, from {box.x:.3f} {box.y:.3f}, {box.w:.3f} wide, {box.h:.3f} high"),
        ("camera", _describe_camera(shot.motion.camera)),
        ("effects", ambient),
        *(
            (name, getattr(shot.motion, name))
            for name in ("subject", "action", "environment", "light", "still", "prompt")
        ),
        ("avoid", shot.motion.negative_prompt),
        ("mends", ", ".join(f"{mend.name} {mend.amount:g}" for mend in shot.mends)),
        ("model", f"{shot.model}, drafted on {shot.draft}" if shot.draft else shot.model),
        ("quality", _describe_quality(shot)),
        ("end", _describe_end(shot)),
        ("clip", f"{shot.size}, {shot.seconds:g} s, {shot.fps} fps, {shot.format}"),
        ("made for", _describe_place(shot)),
        ("seed", str(shot.seed)),
        ("depth", shot.depth),
    ]
    return [(name, " ".join(value.split())) for name, value in lines if value]


def _describe_place(shot: Shot) -> str:
    place = platform(shot.platform)
    return place.title if place else shot.platform


def _describe_end(shot: Shot) -> str:
    if not shot.end:
        return ""
    if shot.end.photo.id != shot.photo.id:
        return shot.end.photo.name or shot.end.photo.id[:12]
    box = shot.end.crop
    return f"the same photo, from {box.x:.3f} {box.y:.3f}, {box.w:.3f} wide, {box.h:.3f} high"


def _describe_camera(of: Camera) -> str:
    legs = "; then ".join(_describe_leg(one) for one in (of, *of.then))
    return f"{legs}; {of.ease.replace('_', ' ')}{'; looped' if of.loop else ''}"


def _describe_leg(of: Camera | Leg) -> str:
    moves = (
        ", ".join(f"{camera_moves.MOVES[move.name].title.lower()} {move.amount:g}" for move in of.moves) or "not said"
    )
    return moves if of.speed == "normal" else f"{moves}, {of.speed}"


def _describe_quality(shot: Shot) -> str:
    """What was asked of a model that denoises; "" where nothing was."""
    asked = [
        "" if shot.quality == "good" else shot.quality,
        "" if shot.steps is None else f"{shot.steps} steps",
        "" if shot.guidance is None else f"guidance {shot.guidance:g}",
        "" if shot.strength == 0.5 else f"strength {shot.strength:g}",
        *shot.speedups,
        "" if shot.sound else "no sound",
    ]
    return ", ".join(one for one in asked if one)


def machine(flags: argparse.Namespace) -> None:
    """Print what this computer can do, and why."""
    with closing(open_studio(flags)) as studio:
        choices = studio.machine()
    if flags.json:
        say_json(choices)
        return
    wide = max(len(choice.what) for choice in choices) + 2
    for choice in choices:
        say(f"{choice.what:<{wide}}{choice.value}: {choice.reason}")


def backup(flags: argparse.Namespace) -> None:
    """Copy the database of the home folder, also while Stir runs there, and print where the copy is."""
    from studio import config
    from studio.library.backup import back_up

    made = back_up(config.read(getattr(flags, "home", None)).database, flags.to.expanduser().resolve())
    say_json({"path": str(made)}) if flags.json else say(str(made))


def library(flags: argparse.Namespace) -> None:
    """Print the clips that are kept, newest first or as --sort says. Raises `Refusal` for `find` without words or
    stars.
    """
    if flags.do == "find" and not flags.words and not flags.stars:
        raise Refusal("There is nothing to find.", "Add words: python -m studio library find dolly harbour")
    if flags.do == "list" and flags.words:
        raise Refusal("list takes no words.", f"Use: python -m studio library find {' '.join(flags.words)}")
    with closing(open_studio(flags)) as studio:
        words = " ".join(flags.words)
        clips = studio.library.find(words, flags.trash, flags.limit, 0, flags.sort, flags.stars)
        count = studio.library.count(words, flags.trash, flags.stars)
        paths = [studio.settings.clips / clip.file for clip in clips]
    if flags.json:
        say_json([{"path": str(path), **msgspec.to_builtins(clip)} for clip, path in zip(clips, paths, strict=True)])
        return
    for clip, path in zip(clips, paths, strict=True):
        say(_describe_clip(clip, path))
    if count > len(clips):
        say(f"{count - len(clips)} more; --limit {count} shows them all")
    if not count:
        say(_explain_nothing(bool(words), flags.stars))


def _explain_nothing(words: bool, stars: int) -> str:
    if words:
        return "No clip has these words."
    return (
        "No clip has so many stars."
        if stars
        else "Nothing is here yet. Make a clip: python -m studio animate photo.jpg"
    )


def _describe_clip(clip: Clip, path: Path) -> str:
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(clip.made_at))
    title = " ".join((clip.title or clip.shot.photo.name or "unnamed").split())
    what = f"{title}, {camera_moves.describe_camera(clip.shot.motion.camera)}"
    length = "still" if clip.num_frames == 1 else f"{clip.seconds:g} s"
    return f"{clip.id[:8]}  {made}  {clip.width}x{clip.height} {length}  {'*' * clip.rating:<5}  {what}  {path}"
