"""`batch`: a folder, a ZIP or many photos made into clips together, gone on with after a stop, written to a folder."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.advice.render_time import about
from studio.cli import motion_arguments, shot_arguments
from studio.cli.arguments import open_studio
from studio.cli.hosted_command import require_payment
from studio.cli.report import Bar, Failure, complain, say, say_json
from studio.library import disk
from studio.nouns import Progress, Refusal
from studio.photo import crop

if TYPE_CHECKING:
    from studio.batch.batch_nouns import Batch, BatchEstimate, BatchSettings, RowStanding
    from studio.studio import Studio

_LOOK = 0.2  # seconds between looks at a batch
AGAIN_SECONDS = 10.0
"""How often what is left is estimated anew."""


def batch(flags: argparse.Namespace) -> None:
    """Make the clips of many photos. Raises `Refusal` before any work, `Failure` when a clip failed."""
    with closing(open_studio(flags)) as studio:
        if flags.list:
            _list(studio, flags.json)
            return
        named = flags.resume or flags.show
        one = _find(studio, named) if named else _create(studio, flags)
        if flags.show:
            _report(studio, one, "", flags.json)
            return
        try:
            _go(studio, one, flags)
        except KeyboardInterrupt:
            studio.batches.stop(one.id)
            complain(f"Stopped. To go on: python -m studio batch --resume {one.id[:8]}")
            raise


def _go(studio: Studio, one: Batch, flags: argparse.Namespace) -> None:
    """Read, queue, make and write a batch, and say what came of it."""
    free = not studio.models.card(one.settings.model).hosted
    parent = Path(flags.output or (Path(one.folder).parent if one.folder else "."))
    if not flags.dry_run:
        studio.batches.claim_folder(one.id, parent)  # before any work, and where --resume goes on
    if not flags.resume and not flags.dry_run and free:
        studio.batches.start(one.id)  # rows are queued as they are read
    elif flags.resume:
        studio.batches.resume(one.id) if free else studio.batches.read_on(one.id)
    studio.start(adopt=False)
    if flags.dry_run or not free or flags.mend_all or flags.take_doubtful:
        _wait_until_read(studio, one)
    if flags.mend_all:
        studio.batches.mend_all(one.id)
    if flags.take_doubtful:
        studio.batches.take_anyway(one.id)
    _wait_until_read(studio, one) if flags.mend_all or flags.take_doubtful else None
    if flags.dry_run:
        _report(studio, one, "", flags.json)
        return
    if not free:
        confirmation = require_payment(studio.batches.quote(one.id), flags.pay)
        go = studio.batches.resume if flags.resume else studio.batches.start
        go(one.id, confirmation)
    _watch(studio, one)
    bar = Bar(one.name, unit=" photos")
    try:
        folder = studio.batches.write_out(one.id, parent, bar.draw)
    finally:
        bar.clear()
    _report(studio, one, str(folder), flags.json)


# What is asked for ----------------------------------------------------------------------------------------------------


def _create(studio: Studio, flags: argparse.Namespace) -> Batch:
    from studio.batch.prompt_file import Prompts, read_prompts

    if not flags.photos:
        raise Refusal("There are no photos.", "Give a folder, a ZIP or files; see: python -m studio batch --help")
    prompts = read_prompts(Path(flags.prompts)) if flags.prompts not in ("", "beside") else Prompts()
    one = studio.batches.create(flags.photos, read_settings(flags), name=flags.name, prompts=prompts)
    rows = studio.batches.rows(one.id)
    if unused := prompts.find_unused([(row.name, row.folder) for row in rows]):
        some = "; ".join(words[:60] for words in unused[:3])
        complain(f"Note: prompts of {flags.prompts} without a photo: {len(unused)}, such as {some}")
    if flags.prompts and (bare := sum(not (row.prompt or row.beside or row.refusal) for row in rows)):
        complain(f"Note: photos without a prompt of their own: {bare} of {len(rows)}; they take --prompt.")
    return one


def read_settings(flags: argparse.Namespace) -> BatchSettings:
    """The settings that the flags of `batch` name. Raises `Refusal`."""
    from studio.batch.batch_nouns import BatchSettings
    from studio.batch.posting_plan import find_zone, read_plan

    places = tuple(shot_arguments.find_place(word).id for word in flags.place.split(",")) if flags.place else ()
    zone = flags.zone or find_zone()
    wishes = shot_arguments.read_wishes(flags, None)
    motion = motion_arguments.build_motion(argparse.Namespace(**{**vars(flags), "prompt": ""}))
    return BatchSettings(
        motion, flags.prompt, "each" if flags.choose else "prompts" if flags.prompts else "same",
        platforms=places, aspect=crop.parse_aspect(flags.aspect) if flags.aspect else "photo", model=flags.model,
        draft=flags.draft or "", seed=flags.seed, variations=flags.variations,
        size=crop.parse_size(flags.size) if flags.size else "auto", seconds=flags.seconds or 5.0, fps=flags.fps,
        format=flags.format or "mp4", open_damaged=flags.open_damaged,
        plan=read_plan(flags.plan, datetime.now().astimezone().date(), zone) if flags.plan else None,
        **{name: value for name, value in wishes.items() if name not in ("draft", "platform")},
    )  # fmt: skip


def _find(studio: Studio, words: str) -> Batch:
    found = [one for one in studio.batches.find(limit=1000) if one.id.startswith(words)]
    if len(found) != 1:
        which = "No batch is" if not found else f"{len(found)} batches are"
        raise Refusal(f"{which} called {words!r}.", "Take an id from: python -m studio batch --list")
    return found[0]


# While it runs --------------------------------------------------------------------------------------------------------


def _wait_until_read(studio: Studio, one: Batch) -> None:
    bar = Bar(one.name, unit=" photos")
    total = len(studio.batches.rows(one.id))
    try:
        while left := studio.batches.count_unread(one.id):
            bar.draw(Progress("read", total - left, total))
            time.sleep(_LOOK)
    finally:
        bar.clear()


def _watch(studio: Studio, one: Batch) -> None:
    """Show how far a batch is until nothing of it waits, runs or is unread."""
    bar, began = Bar(one.name, unit=" clips"), time.monotonic()
    told, looked = studio.batches.estimate(one.id), 0.0
    complain(f"{one.name}: {describe(told)}. To go on if this is cut off: python -m studio batch --resume {one.id[:8]}")
    try:
        while True:
            unread, jobs = studio.batches.count_unread(one.id), studio.batches.count_jobs(one.id)
            left = jobs.get("queued", 0) + jobs.get("running", 0)
            if not unread and not left:
                return
            gone = time.monotonic() - began
            if gone > looked + AGAIN_SECONDS:  # corrected as it goes
                told, looked = studio.batches.estimate(one.id), gone
            rest = max(0.0, told.seconds - (gone - looked)) if told.seconds and not told.unknown else None
            ended = sum(jobs.values()) - left
            bar.draw(Progress("paint", ended, max(told.total, ended + left), "", gone, rest))
            time.sleep(_LOOK)
    finally:
        bar.clear()


def describe(told: BatchEstimate) -> str:
    """An estimate in one line: "12 clips, about 40 s; 24 MB of 80 GB that are free; about $0.90"."""
    if not told.clips:
        return "nothing is left to be made"
    clips = "1 clip" if told.clips == 1 else f"{told.clips} clips"
    time_left = about(told.seconds) if not told.unknown else "for a time not known before"
    unread = f" ({told.unread} photos still to be looked at)" if told.unread else ""
    cost = f"; {told.cost.words}" if told.cost.lines else ""
    short = "" if told.bytes + disk.RESERVE < told.free else ": free some space first"
    room = f"{disk.size(told.bytes)} of {disk.size(told.free)} that are free{short}"
    return f"{clips}{unread}, {time_left}; {room}{cost}"


# What came of it ------------------------------------------------------------------------------------------------------


def _report(studio: Studio, one: Batch, folder: str, as_json: bool) -> None:
    """Print every photo with its files, or why it has none. Raises `Failure` when a clip failed."""
    from studio.batch.batch_manifest import list_entries

    rows, standings = studio.batches.rows(one.id), studio.batches.stand(one.id)
    one = studio.batches.get(one.id)
    told = studio.batches.estimate(one.id)
    if as_json:
        say_json({
            "id": one.id, "name": one.name, "folder": folder or one.folder, "estimate": told,
            "photos": [_describe(row) for row in standings], "clips": list_entries(one, rows, standings),
        })  # fmt: skip
    else:
        for row, standing in zip(rows, standings, strict=True):
            files = ", ".join(file.path or f"{file.stem}: {file.reason}" for clip in row.clips for file in clip.files)
            say(f"{row.name}\t{standing.state}\t{files or f'{standing.reason} {standing.remedy}'.strip()}".rstrip())
        complain(f"{describe(told)}." if not folder else f"Written to {folder}")
    counts = Counter(row.state for row in standings)
    if counts["aside"]:
        complain(f"Note: {counts['aside']} doubtful photos are left out; --mend-all or --take-doubtful brings them in.")
    if counts["failed"]:
        raise Failure(f"{counts['failed']} of {len(rows)} failed. Again: python -m studio batch --resume {one.id[:8]}")
    if bare := sum(not file.is_written for row in rows for clip in row.clips for file in clip.files):
        raise Failure(f"Files that couldn't be made: {bare}. Again: python -m studio batch --resume {one.id[:8]}")


def _describe(row: RowStanding) -> dict[str, Any]:
    return {"id": row.id, "state": row.state, "reason": row.reason, "remedy": row.remedy, "offer": row.offer}


def _list(studio: Studio, as_json: bool) -> None:
    found = studio.batches.find(limit=1000)
    if as_json:
        say_json([{"id": one.id, "name": one.name, "made_at": one.made_at, "folder": one.folder} for one in found])
        return
    for one in found:
        states = [row.state for row in studio.batches.stand(one.id)]
        say(f"{one.id[:8]}  {states.count('done')} of {len(states)} done  {one.name}")
    if not found:
        say("There are no batches yet: python -m studio batch --help")
