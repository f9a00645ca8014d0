"""What the endpoints for programs answer with: jobs, comparisons and clips as plain values that become JSON.

Files are Gradio's file values, so that `gradio_client` fetches them and MCP clients get an address.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any, TypedDict

import msgspec

from studio.batch.batch_nouns import Batch, BatchRow, RowStanding
from studio.compare.axis_values import TITLES
from studio.comparison import Cell, Comparison, Standing
from studio.deliveries import Delivery
from studio.nouns import Cancelled, Clip, Done, Failed, Interrupted, Job, Noun, Queued, Refusal, Running
from studio.studio import Studio


class ClipValue(TypedDict):
    """A clip of the library. `fps` in frames a second, `seconds` its length, `made_at` since 1970, `recipe` a Shot."""

    id: str
    title: str
    width: int
    height: int
    fps: float
    seconds: float
    bytes: int
    made_at: float
    rating: int
    file: dict[str, Any]
    poster: dict[str, Any]
    recipe: dict[str, Any]


class Started(TypedDict):
    """What was begun: its `id` is what `status` and `cancel` take. `kind`: job, comparison, batch or export. `photo`:
    the photo's id, which may be given instead of the file from now on. `notes`: what was decided or can't be seen, in
    sentences.
    """

    id: str
    kind: str
    photo: str
    notes: list[str]


class Standings(TypedDict):
    """How something that was begun stands.

    `state`: waiting, running, done, failed, cancelled, interrupted (the studio was closed); of a batch also ready
    (before it is started) or paused; of a cell of a comparison also refused, photo or gone; of a batch's photo also
    unread, ready, aside (doubtful, and left out), refused or paused. `done` of `total` steps of a `stage` (the parts
    that have ended, where it has parts); `elapsed` and `remaining` in seconds, the latter None while unknown. `reason`
    and `remedy` of a failure. `clips` are its finished clips (of a batch the first 60), `parts` how each of its parts
    stands, with the ids of their clips. `files` are what an export has written, each with its `checks`: field, what the
    place wants, what was found, and whether that is met.
    """

    id: str
    kind: str
    label: str
    state: str
    done: int
    total: int
    stage: str
    elapsed: float
    remaining: float | None
    reason: str
    remedy: str
    clips: list[ClipValue]
    parts: list[dict[str, Any]]
    files: list[dict[str, Any]]


IN_PROGRESS = ("waiting", "running", "unread")
MOST_CLIPS = 60
"""Finished clips of a batch that are described whole."""


def describe_file(file: Path, name: str = "") -> dict[str, Any]:
    """A file that is served, as Gradio's clients know files: they fetch it."""
    return {
        "path": str(file), "url": f"/gradio_api/file={file}", "orig_name": name or file.name,
        "size": file.stat().st_size if file.is_file() else 0, "mime_type": mimetypes.guess_type(file.name)[0],
        "is_stream": False, "meta": {"_type": "gradio.FileData"},
    }  # fmt: skip


def describe_clip(studio: Studio, clip: Clip) -> ClipValue:
    """A clip with its file, its poster and its whole recipe."""
    file = studio.library.file(clip)
    stem = Path(clip.shot.photo.name).stem or "clip"
    return {
        "id": clip.id, "title": clip.title, "width": clip.width, "height": clip.height, "fps": clip.fps,
        "seconds": clip.seconds, "bytes": clip.bytes, "made_at": clip.made_at, "rating": clip.rating,
        "file": describe_file(file, f"{stem}{file.suffix}"),
        "poster": describe_file(studio.settings.clips / clip.poster),
        "recipe": msgspec.to_builtins(clip.shot),
    }  # fmt: skip


def _blank(kind: str, identity: str, label: str, state: str) -> Standings:
    return {
        "id": identity, "kind": kind, "label": label, "state": state, "done": 0, "total": 0, "stage": "",
        "elapsed": 0.0, "remaining": None, "reason": "", "remedy": "", "clips": [], "parts": [], "files": [],
    }  # fmt: skip


STATES: dict[type[Noun], str] = {
    Queued: "waiting", Running: "running", Done: "done", Failed: "failed", Cancelled: "cancelled",
    Interrupted: "interrupted",
}  # fmt: skip


def describe_job(studio: Studio, job: Job) -> Standings:
    """How one job stands."""
    value = _blank("job", job.id, job.shot.photo.name, STATES[type(job.state)])
    match job.state:
        case Queued(note):
            value["reason"] = note
        case Running(progress):
            value.update({
                "stage": progress.stage, "done": progress.done, "total": progress.total,
                "elapsed": progress.elapsed, "remaining": progress.remaining,
            })  # fmt: skip
        case Failed(reason, remedy):
            value["reason"], value["remedy"] = reason, remedy
        case Done(clip):
            value["clips"] = _find_clips(studio, clip)
        case _:
            pass
    return value


def _find_clips(studio: Studio, clip_id: str) -> list[ClipValue]:
    try:
        return [describe_clip(studio, studio.library.get(clip_id))]
    except Refusal:
        return []  # it was deleted for good


def describe_comparison(studio: Studio, one: Comparison) -> Standings:
    """How a comparison and each of its cells stand."""
    standings = studio.comparisons.stand(one)
    value = _blank("comparison", one.id, one.name, "done")
    value["parts"] = [{**_describe_cell(studio, cell, standings[cell.id])} for cell in one.cells]
    return sum_up(value)


def _describe_cell(studio: Studio, cell: Cell, standing: Standing) -> Standings:
    label = ", ".join(f"{TITLES[name]} {value}" for name, value in cell.differs)
    value = _blank("cell", cell.id, label or ("photo" if cell.photo else "as it was"), standing.state)
    progress = standing.progress
    value.update({
        "stage": progress.stage if standing.state == "running" else "", "done": progress.done,
        "total": progress.total, "elapsed": progress.elapsed, "remaining": progress.remaining,
        "reason": standing.reason, "remedy": standing.remedy,
        "clips": [describe_clip(studio, standing.clip)] if standing.clip and not standing.draft else [],
    })  # fmt: skip
    return value


def sum_up(value: Standings) -> Standings:
    """Something with parts: running while one of them is in progress, failed when all have ended and none is done."""
    states = [part["state"] for part in value["parts"]]
    busy = [state for state in states if state in IN_PROGRESS]
    value["done"], value["total"] = len(states) - len(busy), len(states)
    if busy:
        value["state"] = "running" if "running" in busy or value["done"] else "waiting"
    elif "done" not in states:
        value["state"] = next((state for state in ("failed", "interrupted", "cancelled") if state in states), "done")
    first = next((part for part in value["parts"] if part["reason"]), None)
    if first and not busy:
        value["reason"], value["remedy"] = first["reason"], first["remedy"]
    value["clips"] = [clip for part in value["parts"] for clip in part["clips"]]
    value["parts"] = [{**part, "clips": [clip["id"] for clip in part["clips"]]} for part in value["parts"]]
    return value


# Batches and exports --------------------------------------------------------------------------------------------------


def describe_batch(studio: Studio, batch: Batch) -> Standings:
    """How a batch and each of its photos stand."""
    rows = studio.batches.rows(batch.id)
    standings = studio.batches.stand(batch.id, rows)
    value = _blank("batch", batch.id, batch.name, "done")
    value["parts"] = [{**_describe_row(row, one)} for row, one in zip(rows, standings, strict=True)]
    value = sum_up(value)
    made = [one.clip for row in standings for one in row.clips if one.clip and not one.is_draft]
    value["clips"] = [describe_clip(studio, clip) for clip in made[:MOST_CLIPS]]
    for part, row in zip(value["parts"], standings, strict=True):
        part["clips"] = [one.clip.id for one in row.clips if one.clip and not one.is_draft]
    if any(part["state"] == "paused" for part in value["parts"]):
        value["state"] = "paused"
    elif not batch.is_started and value["state"] != "done":
        value["state"] = "ready" if all(part["state"] != "unread" for part in value["parts"]) else "waiting"
    return value


def _describe_row(row: BatchRow, one: RowStanding) -> Standings:
    value = _blank("photo", row.id, row.name, one.state)
    remedies = [finding.remedies[0].label for finding in row.findings if finding.remedies]
    value["reason"] = one.reason or next((clip.reason for clip in one.clips if clip.reason), "")
    value["remedy"] = one.remedy or (", ".join(remedies) if one.state == "aside" else "")
    running = next((clip.progress for clip in one.clips if clip.state == "running"), None)
    if running:
        value.update({"stage": running.stage, "done": running.done, "total": running.total})
    return value


EXPORTED = {"working": "running", "refused": "failed", "stopped": "cancelled"}


def describe_delivery(one: Delivery) -> Standings:
    """How an export stands, and the files that it has written."""
    value = _blank("export", one.id, "", "done")
    for item in one.items:
        part = _blank("file", f"{item.clip}-{item.platform}", item.title, EXPORTED.get(item.state, item.state))
        part.update({"done": item.done, "total": item.total, "reason": item.reason, "remedy": item.remedy})
        value["parts"].append({**part, "clips": []})
        for file in item.files:
            checks = [[one.field, one.wanted, one.found, one.is_met] for one in file.checks]
            shown = describe_file(Path(file.path), file.name)
            value["files"].append({"clip": item.clip, "platform": item.platform, "file": shown, "checks": checks})
    return sum_up(value)
