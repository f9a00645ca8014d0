"""`animate` and `again`: from flags to clips, copied to where -o says and never over something else.

Everything is checked before work begins.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import msgspec

from studio.advice.render_time import about
from studio.atomic_write import replace_whole
from studio.cli import shot_arguments
from studio.cli.arguments import open_studio
from studio.cli.hosted_command import confirm_each
from studio.cli.report import Bar, Failure, complain, format_clock, say, say_json
from studio.motion.prompt_promise import promise
from studio.nouns import FINISH, Cancelled, Clip, Done, Failed, Format, Interrupted, Job, Photo, Refusal, Running, Shot
from studio.photo.crop import SHORT_SIDES
from studio.previews import foretell_silence

if TYPE_CHECKING:
    from studio.studio import Studio

ENDINGS: dict[str, Format] = {f".{kind}": kind for kind in get_args(Format)}
_LOOK = 0.08  # seconds between looks at a job
_FAREWELL = 5.0  # seconds that stopped work has to notice


class Delivery(NamedTuple):
    """A place that can be written: its folder, the file name that was asked for ("" to name it after the photo), its
    format.
    """

    folder: Path
    name: str
    format: Format


def animate(flags: argparse.Namespace) -> None:
    """Make a clip of every photo. Raises `Refusal` before any work begins, `Failure` when a clip could not be made."""
    asked = shot_arguments.read_flags(flags)
    to = plan_delivery(flags.output, flags.format, len(flags.photos))
    kind = flags.format or (to.format if to else "mp4")
    with closing(open_studio(flags)) as studio:
        photos = [take_in(studio, file, len(flags.photos) > 1, flags.open_damaged) for file in flags.photos]
        depth = shot_arguments.read_depth(flags.depth, studio)
        end = take_in(studio, flags.end, True, flags.open_damaged) if flags.end else None
        shots = [shot_arguments.build_shot(asked, photo, depth, kind, studio, end) for photo in photos]
        shot_arguments.require_fitting(shots, studio, flags.force)
        _promise(studio, shots[0])
        make(studio, shots, [file.stem for file in flags.photos], to, flags.json, flags.pay)


def _promise(studio: Studio, shot: Shot) -> None:
    """Say what of the words won't be seen, before any work."""
    card = studio.models.card(shot.maker)
    lost = [one.words for one in promise(shot.motion, card).unseen if one.end > one.start]
    if lost:
        complain(f"Note: {card.title} won't show: {', '.join(lost)}.")


def again(flags: argparse.Namespace) -> None:
    """Make a clip again, from a file or from the library. Raises `Refusal` and `Failure` as `animate` does."""
    with closing(open_studio(flags)) as studio:
        shot = _recipe(studio, flags.clip)
        to = plan_delivery(flags.output, shot.format, 1)
        make(studio, [shot], [Path(shot.photo.name).stem or "clip"], to, flags.json, flags.pay)


def take_in(studio: Studio, file: Path, one_of_many: bool, damaged: bool = False) -> Photo:
    """The photo of a file, taken in, and what is to say of it; `damaged`: what is left of one that is cut short, too.

    Raises `Refusal`, which names the file when it is `one_of_many`.
    """
    if not file.expanduser().exists():
        raise Refusal(f"There is no photo {str(file)!r}.", "Check its name and its folder.")
    try:
        photo = studio.photos.take_in(file.expanduser(), file.name, damaged)
    except Refusal as refusal:
        if one_of_many:  # which one it was
            raise Refusal(f"{file.name}: {refusal.reason}", refusal.remedy, offer=refusal.offer) from None
        raise
    if photo.notes:
        complain(f"{file.name}: {'; '.join(photo.notes)}.")
    return photo


def _recipe(studio: Studio, words: str) -> Shot:
    file = Path(words).expanduser()
    if file.is_file():
        from studio.exports import read_recipe

        shot = read_recipe(file)
        try:
            studio.photos.get(shot.photo.id)
        except Refusal:
            name = shot.photo.name or "PHOTO"
            remedy = f"Give Stir the photo once: python -m studio animate {name}"
            raise Refusal(f"The photo of {file.name} isn't in this library.", remedy) from None
        return shot
    return studio.library.find_id(words).shot


def make(
    studio: Studio, shots: list[Shot], stems: list[str], to: Delivery | None, as_json: bool, pay: Sequence[str] = ()
) -> None:
    """Submit all, so that a refusal comes before work; then watch and deliver each. One that fails stops no other.

    pay: what --pay allows a hosted model to cost.
    """
    allowed = confirm_each(studio, shots, pay)
    jobs = [studio.submit(shot, confirmation=one) for shot, one in zip(shots, allowed, strict=True)]
    for job, stem in zip(jobs, stems, strict=True):
        _announce(studio, job.shot, stem)
    studio.start(adopt=False)
    made: list[dict[str, Any]] = []
    failed: list[str] = []
    try:
        for job, stem in zip(jobs, stems, strict=True):
            try:
                made.append(_finish(studio, job, stem, to, as_json))
            except Failure as failure:
                failed.append(str(failure))
    except BaseException:
        cancel_all(studio, jobs)
        raise
    if as_json:
        say_json(made)
    if failed:
        raise Failure(" ".join(failed))


def _announce(studio: Studio, shot: Shot, title: str) -> None:
    """What the file will really be, which may be other than was asked for, and how long that may take here.

    Before it, what finds no place in the photo and is left out.
    """
    if shot.maker == FINISH:
        made = studio.finishes.plan(shot)
        most = "" if made.is_exact else "at most "
        complain(f"{title}: {made.width}x{made.height}, {most}{made.seconds:.2f} s at {made.fps} fps.")
        return
    for lost in studio.places(shot).unplaced:
        complain(f"Note: {title}: {lost.says}")
    made, expected = studio.outcome(shot), studio.estimate_time(shot)
    paced = (
        f"{made.num_frames} frames, {made.seconds:.2f} s at {made.fps:.3g} fps"
        if made.num_frames > 1
        else "a still picture"
    )
    silent = foretell_silence(shot, studio.models.card(shot.maker))
    words = [f"{made.width}x{made.height}", paced, *(one.value for one in silent)]
    takes = f"; {about(expected)} here" if expected else ""
    if studio.models.card(shot.maker).checkpoint:
        steps, state = studio.plan(shot).steps, studio.models.state(shot.maker)
        words.append("1 step" if steps == 1 else f"{steps} steps")
        takes = f"; a clip takes about {format_clock(state.expected)} here ({state.basis})" if state.expected else ""
    complain(f"{title}: {', '.join(words)}{takes}.")
    for one in silent:
        complain(f"Note: {one.value}: {one.reason}.")
    size = studio.plan(shot).size
    if size and shot.size != "auto" and min(made.width, made.height) < SHORT_SIDES[shot.size]:
        complain(f"Note: {size.value}, less than {shot.size}: {size.reason}.")


def _finish(studio: Studio, job: Job, stem: str, to: Delivery | None, as_json: bool) -> dict[str, Any]:
    clip = watch(studio, job, stem)
    file = studio.library.file(clip)
    if to:
        file = deliver(file, to.folder / (to.name or f"{stem}{file.suffix}"))
        if to.name and file.name != to.name:
            complain(f"{to.name} was there already; this one is {file.name}.")
    if not as_json:
        say(str(file))
    return {"path": str(file), **msgspec.to_builtins(clip)}


def watch(studio: Studio, job: Job, title: str) -> Clip:
    """Show how far a job is until it has ended. Its clip; raises `Failure` when there is none."""
    bar = Bar(title)
    try:
        while True:
            state = studio.job(job.id).state
            match state:
                case Done():
                    return studio.library.get(state.clip)
                case Failed():
                    raise Failure(f"{title}: {state.reason} {state.remedy}".strip())
                case Cancelled():
                    raise Failure(f"{title} was cancelled.")
                case Interrupted():
                    raise Failure(f"{title} was interrupted. Make it again with the same command.")
                case Running():
                    bar.draw(state.progress)
                case _:
                    pass
            time.sleep(_LOOK)
    finally:
        bar.clear()


def cancel_all(studio: Studio, jobs: list[Job]) -> None:
    """Cancel whatever has not ended, and wait for it to let go of its files."""
    for job in jobs:
        studio.cancel(job.id)
    deadline = time.monotonic() + _FAREWELL
    while time.monotonic() < deadline and any(isinstance(studio.job(job.id).state, Running) for job in jobs):
        time.sleep(_LOOK)


# Where -o puts a clip -------------------------------------------------------------------------------------------------


ELSEWHERE = "Choose another place with -o."


def plan_delivery(output: str | None, kind: Format | None, num_photos: int) -> Delivery | None:
    """Where the clips go, or None when they only go to the library.

    Makes the folder and tries it. Raises `Refusal` when it can't be written, when several photos are given one file
    name, or when the ending is none that is made here or not that of --format.
    """
    if not output:
        return None
    place = Path(output).expanduser()
    meant = ENDINGS.get(place.suffix.lower())
    folder = place.is_dir() or output.endswith(("/", os.sep))
    if meant is None and not folder and re.fullmatch(r"\.(?=.*[A-Za-z])\w{2,4}", place.suffix):
        raise Refusal(
            f"Stir makes no {place.suffix} files.", f"End it in {', '.join(ENDINGS)}; or in / if it is a folder."
        )
    if meant is None or folder:
        _require_writable(place, output, ELSEWHERE)
        return Delivery(place, "", kind or "mp4")
    if num_photos > 1:
        raise Refusal(f"{num_photos} photos make {num_photos} clips.", f"Give -o a folder, such as -o {place.stem}/")
    if kind is not None and kind != meant:
        raise Refusal(f"{place.name} doesn't end in .{kind}.", f"Name it {place.stem}.{kind}, or leave out --format.")
    _require_writable(place.parent, output, ELSEWHERE)
    return Delivery(place.parent, place.name, meant)


def plan_file(output: str, ending: str) -> Path:
    """Where one file of this ending goes; its folder is made and tried. Raises `Refusal` when it can't be written."""
    place = Path(output).expanduser()
    if place.suffix.lower() != ending:
        raise Refusal(f"{output} doesn't end in {ending}.", f"Name it {place.stem or 'compared'}{ending}.")
    _require_writable(place.parent, output, "Choose another place.")
    return place


def _require_writable(folder: Path, output: str, remedy: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Refusal(f"{output} can't be written ({why}).", remedy) from None


def deliver(clip: Path, place: Path) -> Path:
    """Copy a kept file to its place, under a name that is free there: harbour.mp4, then harbour-2.mp4.

    Raises `Refusal` when it can't be written; the clip stays in the library.
    """
    number = 1
    while True:
        dest = place if number == 1 else place.with_name(f"{place.stem}-{number}{place.suffix}")
        try:
            with dest.open("xb"):
                break  # the name is ours now, whoever else is writing here
        except FileExistsError:
            number += 1
        except OSError as error:
            raise _refuse_kept(dest, error) from None
    try:
        with replace_whole(dest) as part:
            shutil.copyfile(clip, part)
    except BaseException as error:
        dest.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _refuse_kept(dest, error) from None
        raise
    return dest


def _refuse_kept(dest: Path, error: OSError) -> Refusal:
    why = error.strerror or type(error).__name__
    return Refusal(
        f"{dest.name} can't be written ({why}).", "The clip is in the library; make room or choose another place."
    )
