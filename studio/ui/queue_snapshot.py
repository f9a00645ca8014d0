"""The queue and the newest clips as one snapshot for the page: jobs and clips in words, with their files."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import msgspec

from studio.motion.ambient_effects import EFFECTS
from studio.motion.camera_moves import describe_camera
from studio.nouns import (
    Cancelled,
    Clip,
    Done,
    Failed,
    Interrupted,
    Job,
    Progress,
    Queued,
    Refusal,
    Running,
    Shot,
    Stage,
)
from studio.photo.crop import find_ratio
from studio.studio import Studio
from studio.ui.finish_words import describe_finish
from studio.ui.model_facts import format_bytes
from studio.ui.model_status import name_model
from studio.ui.price_words import describe_spent
from studio.ui.thumbnails import make_clip_thumb, make_photo_thumb

STAGES: dict[Stage, str] = {
    "wait": "Waiting",
    "load": "Getting ready",
    "read": "Reading the photo",
    "denoise": "Denoising",
    "decode": "Decoding",
    "paint": "Painting frames",
    "encode": "Encoding",
    "keep": "Keeping the clip",
}
TRAINED: dict[Stage, str] = {"load": "Loading the model", "read": "Reading the prompt"}
"""What two of the stages are called where a model was trained rather than built in."""

PICTURE = re.compile(r"data:image/(webp|png|jpeg);base64,[A-Za-z0-9+/=]{1,400000}")
"""A live preview as the page may show it."""

RECENT = 12
"""Clips on the Create page: one row at 1440 px."""

BLIND = {"motion": "blind until you pick", "model": "blind until you pick"}
"""What is said of a clip of a blind comparison before somebody has won it."""

PATIENCE = 0.3
"""Seconds one look may spend on small pictures that are missing, after the cache was emptied for instance."""


def describe_motion(shot: Shot) -> str:
    """What moves, in one line: "dolly in with orbit left, looped · water ripple"; of a reel, how many clips it has."""
    if shot.finish and len(shot.finish.clips) > 1:
        return describe_finish(shot.finish)
    effects = [EFFECTS[effect.name].title.lower() for effect in shot.motion.effects]
    finished = [describe_finish(shot.finish)] if shot.finish else []
    return " · ".join([describe_camera(shot.motion.camera), *effects, *finished])


def name_photo(shot: Shot) -> str:
    """What the photo is called: its file name without the ending."""
    return Path(shot.photo.name).stem or "Photo"


def show_clips(studio: Studio, clips: tuple[Clip, ...]) -> list[dict[str, Any]]:
    """Clips as the page shows them. It never waits long for small pictures: those still missing come with the next
    look.
    """
    return _show_clips(studio, clips, studio.comparisons.list_hidden())


def _show_clips(studio: Studio, clips: tuple[Clip, ...], hidden: frozenset[str]) -> list[dict[str, Any]]:
    until = time.monotonic() + PATIENCE
    shown = [show_clip(studio, clip, time.monotonic() < until) for clip in clips]
    return [card | BLIND if card["id"] in hidden else card for card in shown]


def show_clip(studio: Studio, clip: Clip, make_thumb: bool = True) -> dict[str, Any]:
    """A clip as the page shows it."""
    folder = studio.settings.clips
    shot = clip.shot
    return {
        "id": clip.id, "title": clip.title or name_photo(shot), "motion": describe_motion(shot),
        "file": str(folder / clip.file), "poster": str(folder / clip.poster),
        "thumb": str(make_clip_thumb(studio, clip, make_thumb)), "format": shot.format,
        "width": clip.width, "height": clip.height, "fps": clip.fps, "frames": clip.num_frames, "seconds": clip.seconds,
        "draft": bool(shot.draft), "model": name_model(studio, shot.model),
        "bytes": clip.bytes, "made_at": clip.made_at, "took": clip.took, "rating": clip.rating, "trashed": clip.trashed,
    }  # fmt: skip


def show_job(studio: Studio, job: Job) -> dict[str, Any]:
    """A job as the page shows it: the state in words, how far it is, and what went wrong."""
    state = job.state
    shot = job.shot
    card: dict[str, Any] = {
        "id": job.id, "state": type(state).__name__.lower(), "title": name_photo(shot), "motion": describe_motion(shot),
        "thumb": _find_thumb(studio, shot), "crop": msgspec.to_builtins(shot.crop),
        "ratio": find_ratio(shot.photo, shot.crop.aspect), "group": job.group, "place": job.place,
        "comparison": studio.comparisons.name(job.group),
        "seconds": shot.seconds, "fps": shot.fps, "model": _name_models(studio, shot),
    }  # fmt: skip
    match state:
        case Queued(note):
            card |= {"note": note}
        case Cancelled():
            pass
        case Running(progress):
            card |= {**msgspec.to_builtins(progress), **show_progress(studio, shot, progress)}
        case Done(clip):
            card |= {"clip": clip}
        case Failed(reason, remedy):
            card |= {"reason": reason, "remedy": remedy}
        case Interrupted():
            card |= {
                "reason": "The studio closed while this was being made.",
                "remedy": "Resume makes it from the start.",
            }
    return card


def show_progress(studio: Studio, shot: Shot, progress: Progress) -> dict[str, Any]:
    """How far a job is, in words ("Step 12 of 40"), its pace ("2.3 s a step"), and its live picture with the clip's
    ratio.
    """
    card = next((card for card in studio.models.cards if card.id == shot.maker), None)
    if card and card.hosted:
        return _show_hosted_progress(progress)
    trained = card is not None and not card.is_built_in
    stage = progress.stage
    words = TRAINED.get(stage, STAGES[stage]) if trained else STAGES[stage]
    words = progress.note or words if stage == "keep" else words  # why it stands still
    pace = progress.note if stage == "denoise" else ""
    if stage == "denoise" and not pace and progress.remaining and progress.total > progress.done:
        pace = f"{progress.remaining / (progress.total - progress.done):.1f} s a step"
    live: dict[str, Any] = {"preview": ""}
    if PICTURE.fullmatch(progress.preview):
        plan = studio.plan(shot)
        live = {"preview": progress.preview, "shape": plan.width / plan.height}
    return {"words": words, "line": _describe_progress(progress, words, trained), "pace": pace, **live}


def _show_hosted_progress(progress: Progress) -> dict[str, Any]:
    """How far a job at a service is: "Waiting at fal", "Running at fal · 40 %", "Fetching the clip · 12 %"."""
    words = f"Running at {progress.note}" if progress.stage == "denoise" else progress.note or STAGES[progress.stage]
    share = f"{100 * progress.done // progress.total} %" if progress.total > 1 else ""
    line = " · ".join(filter(None, (words, share)))
    return {"words": words, "line": line, "pace": "", "preview": "", "hosted": True}


def _describe_progress(progress: Progress, words: str, trained: bool) -> str:
    """A stage and how far it is: "Step 12 of 40", "Loading the text encoder · 3.1 GB of 24.2 GB"."""
    counted = f"{progress.done} of {progress.total}" if progress.total > 1 else ""
    if progress.stage == "denoise" and counted:
        return f"Step {counted}"
    if trained and progress.stage == "load" and counted:
        counted = f"{format_bytes(progress.done * 1e6)} of {format_bytes(progress.total * 1e6)}"
    return " · ".join(filter(None, [progress.note or words, counted]))


def _name_models(studio: Studio, shot: Shot) -> str:
    """What makes a clip, and for what, where it is only a draft."""
    model = name_model(studio, shot.model)
    return f"{name_model(studio, shot.draft)}, a draft for {model}" if shot.draft else model


def _find_thumb(studio: Studio, shot: Shot) -> str:
    try:
        return str(make_photo_thumb(studio, shot.photo))
    except Refusal:
        return ""


def take_snapshot(studio: Studio) -> dict[str, Any]:
    """The whole snapshot: jobs in their order, the newest clips, a mark that changes when the library does, and which
    entries could not be read and were set aside.
    """
    hidden = studio.comparisons.list_hidden()
    recent = _show_clips(studio, studio.library.find(limit=RECENT), hidden)
    kept, trashed = studio.library.count(), studio.library.count(trashed=True)
    jobs = [show_job(studio, job) | (BLIND if job.id in hidden else {}) for job in studio.jobs()]
    return {
        "jobs": jobs,
        "recent": recent,
        "kept": kept,
        "trashed": trashed,
        "aside": [{"at": one.at, "title": one.title} for one in studio.library.list_damaged()],
        "spent": describe_spent(studio) if studio.hosted else "",
    }
