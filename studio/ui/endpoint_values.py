"""What the endpoints for programs answer with: jobs, comparisons and clips as plain values that become JSON.

Files are Gradio's file values, so that `gradio_client` fetches them and MCP clients get an address.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any, TypedDict

import msgspec

from studio.compare.axis_values import TITLES
from studio.comparison import Cell, Comparison, Standing
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
    """What was begun: its `id` is what `status` and `cancel` take. `kind`: job or comparison. `photo`: the photo's id,
    which may be given instead of the file from now on. `notes`: what was decided or can't be seen, in sentences.
    """

    id: str
    kind: str
    photo: str
    notes: list[str]


class Standings(TypedDict):
    """How something that was begun stands.

    `state`: waiting, running, done, failed, cancelled, interrupted (the studio was closed), for a cell of a comparison
    also refused, photo or gone. `done` of `total` steps of a `stage` (the parts that have ended, where it has parts);
    `elapsed` and `remaining` in seconds, the latter None while unknown. `reason` and `remedy` of a failure. `clips` are
    its finished clips, `parts` how each of its parts stands, with the ids of their clips.
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


IN_PROGRESS = ("waiting", "running")


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
        "elapsed": 0.0, "remaining": None, "reason": "", "remedy": "", "clips": [], "parts": [],
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
