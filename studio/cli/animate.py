"""`animate` and `again`: from flags to clips where they were asked for. Everything is checked before work begins."""

from __future__ import annotations

import argparse
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from studio.advice.pace import about
from studio.cli import delivery, request
from studio.cli.place import open_studio
from studio.cli.report import Bar, Failure, clock, complain, say, say_json
from studio.motion.prompt_promise import promise
from studio.nouns import Cancelled, Clip, Done, Failed, Interrupted, Job, Photo, Refusal, Running, Shot

if TYPE_CHECKING:
    from studio.studio import Studio

_LOOK = 0.08  # seconds between looks at a job
_FAREWELL = 5.0  # seconds that stopped work has to notice


def animate(flags: argparse.Namespace) -> None:
    """Make a clip of every photo. Raises `Refusal` before any work begins, `Failure` when a clip could not be made."""
    asked = request.read(flags)
    to = delivery.plan(flags.output, flags.format, len(flags.photos))
    kind = flags.format or (to.format if to else "mp4")
    with closing(open_studio(flags)) as studio:
        photos = [take_in(studio, file, len(flags.photos) > 1) for file in flags.photos]
        depth = request.depth(flags.depth, studio)
        end = take_in(studio, flags.end, True) if flags.end else None
        shots = [request.shot(asked, photo, depth, kind, studio, end) for photo in photos]
        request.require_fitting(shots, studio, flags.force)
        _promise(studio, shots[0])
        make(studio, shots, [file.stem for file in flags.photos], to, flags.json)


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
        to = delivery.plan(flags.output, shot.format, 1)
        make(studio, [shot], [Path(shot.photo.name).stem or "clip"], to, flags.json)


def take_in(studio: Studio, file: Path, one_of_many: bool) -> Photo:
    """The photo of a file, taken in. Raises `Refusal`, which names the file when it is `one_of_many`."""
    if not file.expanduser().exists():
        raise Refusal(f"There is no photo {str(file)!r}.", "Check its name and its folder.")
    try:
        return studio.photos.take_in(file.expanduser(), file.name)
    except Refusal as refusal:
        if one_of_many:  # which one it was
            raise Refusal(f"{file.name}: {refusal.reason}", refusal.remedy) from None
        raise


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
    found = [clip for clip in studio.library.find(limit=100_000) if clip.id.startswith(words)] if words else []
    if len(found) != 1:
        which = "No clip is" if not found else f"{len(found)} clips are"
        raise Refusal(f"{which} called {words!r}.", "Give a file, or an id from: python -m studio library")
    return found[0].shot


def make(studio: Studio, shots: list[Shot], stems: list[str], to: delivery.Delivery | None, as_json: bool) -> None:
    """Submit all, so that a refusal comes before work; then watch and deliver each. One that fails stops no other."""
    jobs = [studio.submit(shot) for shot in shots]
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
    for lost in studio.places(shot).unplaced:
        complain(f"Note: {title}: {lost.says}")
    made, expected = studio.outcome(shot), studio.expected(shot)
    paced = (
        f"{made.num_frames} frames, {made.seconds:.2f} s at {made.fps:.3g} fps"
        if made.num_frames > 1
        else "a still picture"
    )
    words = [f"{made.width}x{made.height}", paced]
    takes = f"; {about(expected)} here" if expected else ""
    if studio.models.card(shot.maker).checkpoint:
        steps, state = studio.plan(shot).steps, studio.models.state(shot.maker)
        words.append("1 step" if steps == 1 else f"{steps} steps")
        takes = f"; a clip takes about {clock(state.expected)} here ({state.basis})" if state.expected else ""
    complain(f"{title}: {', '.join(words)}{takes}.")


def _finish(studio: Studio, job: Job, stem: str, to: delivery.Delivery | None, as_json: bool) -> dict[str, Any]:
    clip = watch(studio, job, stem)
    file = studio.library.file(clip)
    if to:
        file = delivery.deliver(file, to, stem)
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
