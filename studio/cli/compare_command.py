"""`compare`: several clips of one photo that differ in one thing or two, made together; and those made before."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from studio.cli import shot_arguments
from studio.cli.animate_commands import cancel_all, deliver, plan_file, take_in, watch
from studio.cli.arguments import open_studio
from studio.cli.hosted_command import confirm_each, require_payment
from studio.cli.report import Bar, Failure, complain, say, say_json
from studio.compare.axis_values import TITLES
from studio.comparison import Axis, AxisName, Cell, Comparison
from studio.motion.camera_moves import normalise
from studio.nouns import Failed, Refusal

if TYPE_CHECKING:
    from studio.compare.estimate import Estimate
    from studio.studio import Studio


def compare(flags: argparse.Namespace) -> None:
    """Make the clips of a comparison, or show one. Raises `Refusal` before any work, `Failure` when a clip failed."""
    _plan_files(flags)
    with closing(open_studio(flags)) as studio:
        if flags.list is not None:
            _list(studio, " ".join(flags.list), flags.json)
        elif flags.show:
            _show(studio, _find(studio, flags.show), flags)
        elif flags.retry:
            _retry(studio, _find(studio, flags.retry), flags)
        elif flags.photo is None:
            raise Refusal("There is no photo to compare clips of.", "See: python -m studio compare --help")
        else:
            _start(studio, flags)


def _start(studio: Studio, flags: argparse.Namespace) -> None:
    asked, axes = shot_arguments.read_flags(flags), _read_axes(flags, studio)
    photo = take_in(studio, flags.photo, False, flags.open_damaged)
    depth = shot_arguments.read_depth(flags.depth, studio)
    end = take_in(studio, flags.end, True, flags.open_damaged) if flags.end else None
    shot = shot_arguments.build_shot(asked, photo, depth, flags.format or "mp4", studio, end)
    told = studio.comparisons.estimate(shot, axes, paired=flags.pair, baseline=flags.baseline, drafts=flags.drafts)
    if told.clips or flags.estimate:
        _announce(told)
    if flags.estimate:
        if flags.json:
            say_json(told)
        return
    cost = studio.comparisons.quote(shot, axes, paired=flags.pair, baseline=flags.baseline, drafts=flags.drafts)
    one = studio.comparisons.start(
        shot, axes, paired=flags.pair, baseline=flags.baseline, blind=flags.blind, drafts=flags.drafts, name=flags.name,
        confirmation=require_payment(cost, flags.pay),
    )  # fmt: skip
    _make(studio, one, flags)


# Axes -----------------------------------------------------------------------------------------------------------------


def _read_axes(flags: argparse.Namespace, studio: Studio) -> tuple[Axis, ...]:
    """The axes of --models and --axis. Raises `Refusal` for one that isn't NAME=VALUES."""
    models = [Axis("model", tuple(flags.models.split(",")))] if flags.models else []
    axes = (*models, *(_read_axis(words) for words in flags.axis))
    return tuple(
        Axis(axis.name, tuple(shot_arguments.read_depth(value, studio) for value in axis.values))
        if axis.name == "depth"
        else axis
        for axis in axes
    )


def _read_axis(words: str) -> Axis:
    named, sign, values = words.partition("=")
    names: dict[str, AxisName] = {normalise(word): name for name, title in TITLES.items() for word in (name, title)}
    name = names.get(normalise(named))
    if not sign or name is None:
        raise Refusal(f"{words!r} is no axis.", f"Give NAME=A,B; the names are: {', '.join(TITLES)}.")
    return Axis(name, tuple(part.strip() for part in values.split("|" if "|" in values else ",") if part.strip()))


# Making ---------------------------------------------------------------------------------------------------------------


def _announce(plan: Estimate) -> None:
    """What it takes, and what can't be made."""
    from studio.compare.estimate import describe

    complain(f"{describe(plan)}.")
    said: dict[str, list[str]] = {}
    for cell in plan.cells:
        if cell.refusal:
            said.setdefault(" ".join(cell.refusal).strip(), []).append(_label(cell))
    for reason, labels in said.items():
        complain(f"Note: {'; '.join(labels)}: {reason}")


def _label(cell: Cell) -> str:
    values = ", ".join(value for _, value in cell.differs)
    return values or ("baseline" if cell.baseline else "photo" if cell.photo else "added")


def _make(studio: Studio, one: Comparison, flags: argparse.Namespace) -> None:
    """Have the clips of a comparison made, show how far each is, and print where they are, and its files."""
    ids = dict.fromkeys(job for cell in one.cells for job in (*cell.drafts, *cell.jobs[-1:]))
    jobs = sorted((studio.job(job_id) for job_id in ids), key=lambda job: job.place)
    labels = {job: _label(cell) for cell in one.cells for job in cell.jobs}
    labels |= {job: f"draft, {_label(cell)}" for cell in one.cells for job in cell.drafts}
    studio.start(adopt=False)
    failed: dict[str, list[str]] = {}
    try:
        for job in jobs:
            try:
                clip = watch(studio, job, labels[job.id])
                if not flags.json and not job.shot.draft:
                    say(f"{labels[job.id]}\t{studio.library.file(clip)}")
            except Failure as failure:
                state = studio.job(job.id).state
                if isinstance(state, Failed):
                    failed.setdefault(f"{state.reason} {state.remedy}".strip(), []).append(labels[job.id])
                else:
                    failed[str(failure)] = []
    except BaseException:
        cancel_all(studio, jobs)
        raise
    one = studio.comparisons.get(one.id)
    files: dict[str, str] = {}
    try:
        files = _export(studio, one, flags)
    except Refusal as refusal:
        if not failed:  # why there is nothing to write is said below
            raise
        failed[str(refusal)] = []
    if flags.json:
        say_json({**_describe(studio, one), "files": files})
    if failed:
        said = " ".join(f"{'; '.join(names)}: {why}" if names else why for why, names in failed.items())
        raise Failure(f"{said} To make it again: python -m studio compare --retry {one.id[:8]}")


def _retry(studio: Studio, one: Comparison, flags: argparse.Namespace) -> None:
    """Make the cells again that have no clip and aren't on their way, and those that wait for a process that ended."""
    standings = studio.comparisons.stand(one)
    tried = list(studio.comparisons.take_over(one.id))
    states = ("failed", "cancelled", "interrupted", "gone", "refused")
    cells = [cell for cell in one.cells if standings[cell.id].state in states]
    bought = [cell for cell in cells if cell.shot and not (cell.jobs and studio.spending.is_open(cell.jobs[-1]))]
    allowed = confirm_each(studio, [cell.shot for cell in bought if cell.shot], flags.pay)
    payments = dict(zip([cell.id for cell in bought], allowed, strict=True))
    for cell in cells:
        try:
            one = studio.comparisons.retry(one.id, cell.id, confirmation=payments.get(cell.id))
            tried.append(cell.id)
        except Refusal as refusal:
            complain(f"Note: {_label(cell)}: {refusal}")
    if not tried:
        raise Refusal(
            "Nothing in this comparison can be made again.", "See: python -m studio compare --show COMPARISON"
        )
    cells = tuple(msgspec.structs.replace(cell, drafts=()) for cell in one.cells if cell.id in tried)
    _make(studio, msgspec.structs.replace(one, cells=cells), flags)


# One file of all ------------------------------------------------------------------------------------------------------


def _plan_files(flags: argparse.Namespace) -> dict[str, Path]:
    """Where the grid, the wipe and the contact sheet go, as far as they are asked for. Raises `Refusal`."""
    endings = {"grid": ".mp4", "wipe": ".mp4", "sheet": ".png"}
    asked: dict[str, str] = {kind: getattr(flags, kind) for kind in endings if getattr(flags, kind)}
    return {kind: plan_file(output, endings[kind]) for kind, output in asked.items()}


def _export(studio: Studio, one: Comparison, flags: argparse.Namespace) -> dict[str, str]:
    """Write the files that are asked for and print where they are: by what they are."""
    made: dict[str, str] = {}
    for kind, place in _plan_files(flags).items():
        bar = Bar(kind)
        try:
            if kind == "sheet":
                file = studio.exports.export_sheet(one.id)
            else:
                file = studio.exports.export_grid(one.id, layout="wipe" if kind == "wipe" else "grid", tick=bar.draw)
        finally:
            bar.clear()
        made[kind] = str(deliver(file, place))
        if not flags.json:
            say(f"{kind}\t{made[kind]}")
    return made


# Showing --------------------------------------------------------------------------------------------------------------


def _find(studio: Studio, words: str) -> Comparison:
    found = [one for one in studio.comparisons.find(limit=1000) if one.id.startswith(words)]
    if len(found) != 1:
        which = "No comparison is" if not found else f"{len(found)} comparisons are"
        raise Refusal(f"{which} called {words!r}.", "Take an id from: python -m studio compare --list")
    return found[0]


def _list(studio: Studio, words: str, as_json: bool) -> None:
    found = studio.comparisons.find(words, limit=1000)
    if as_json:
        say_json([_describe(studio, one) for one in found])
        return
    for one in found:
        states = [standing.state for standing in studio.comparisons.stand(one).values()]
        say(f"{one.id[:8]}  {states.count('done')} of {len(states)} done  {one.name}")
    if not found:
        say("No comparison has these words." if words else "Nothing is compared yet: python -m studio compare --help")


def _show(studio: Studio, one: Comparison, flags: argparse.Namespace) -> None:
    if flags.json:
        say_json({**_describe(studio, one), "files": _export(studio, one, flags)})
        return
    say(f"{one.name} ({one.id[:8]})")
    for cell in _describe(studio, one)["cells"]:
        mark = "*" if cell["winner"] else " "
        why = f"  {cell['reason']} {cell['remedy']}" if cell["reason"] else ""
        say(f"{mark} {cell['label']}\t{cell['state']}\t{cell['path'] or ''}{why}".rstrip())
    _export(studio, one, flags)


def _describe(studio: Studio, one: Comparison) -> dict[str, Any]:
    """A comparison for scripts: its axes, and each cell with how it stands, where its clip is, and the clip's facts."""
    standings = studio.comparisons.stand(one)
    cells: list[dict[str, Any]] = []
    for cell in one.cells:
        standing = standings[cell.id]
        clip = standing.clip
        cells.append({
            "id": cell.id, "label": _label(cell), "column": cell.column, "row": cell.row, "baseline": cell.baseline,
            "differs": dict(cell.differs), "state": standing.state, "reason": standing.reason,
            "remedy": standing.remedy, "winner": cell.id == one.winner, "attempts": len(cell.jobs),
            "path": str(studio.settings.clips / clip.file) if clip else None,
            "clip": msgspec.to_builtins(clip) if clip else None,
        })  # fmt: skip
    axes = [{"name": axis.name, "title": TITLES[axis.name], "values": axis.values} for axis in one.axes]
    facts = {"id": one.id, "name": one.name, "paired": one.paired, "blind": one.blind, "made_at": one.made_at}
    return {**facts, "axes": axes, "cells": cells}
