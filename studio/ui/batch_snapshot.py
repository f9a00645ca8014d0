"""A batch as the page shows it: its line, its counts, and a window of its rows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Literal

import msgspec

from studio import presets
from studio.batch.batch_nouns import Batch, BatchClip, BatchRow, BatchSettings, ClipStanding, RowStanding, RowState
from studio.motion.compose import plain
from studio.nouns import Refusal, Shot
from studio.photo.crop import find_ratio
from studio.studio import Studio
from studio.ui.price_words import show_total
from studio.ui.queue_snapshot import describe_motion, show_clip, show_progress
from studio.ui.thumbnails import make_photo_thumb

Show = Literal["all", "aside", "going", "failed", "done"]
GROUPS: dict[Show, tuple[RowState, ...]] = {
    "aside": ("aside", "refused"),
    "going": ("unread", "ready", "waiting", "paused", "running"),
    "failed": ("failed", "cancelled", "interrupted", "gone"),
    "done": ("done",),
}
"""Rows that are shown together."""

MOST_SHOWN = 80
"""Rows in one answer."""


def show_card(studio: Studio, batch: Batch) -> dict[str, Any]:
    """A batch in the list of them."""
    rows = studio.batches.rows(batch.id)
    return {"id": batch.id, "name": batch.name, "count": len(rows), "made_at": batch.made_at}


def show_batch(studio: Studio, batch: Batch, show: Show, offset: int) -> dict[str, Any]:
    """A batch, how many of its rows stand how, and the rows of one group from `offset` on."""
    rows = studio.batches.rows(batch.id)
    standings = studio.batches.stand(batch.id, rows)
    counts = Counter(standing.state for standing in standings)
    clips = [one for standing in standings for one in standing.clips if standing.state not in ("aside", "refused")]
    done = sum(one.state == "done" for one in clips)
    pairs = [
        (at, row, standing)
        for at, (row, standing) in enumerate(zip(rows, standings, strict=True))
        if show == "all" or standing.state in GROUPS[show]
    ]
    sheet = Path(batch.folder) / "contact-sheet.png"
    is_written = bool(batch.folder) and sheet.is_file()
    return {
        "sheet": str(studio.exports.serve(sheet, batch.id)) if is_written else "",
        "id": batch.id, "name": batch.name, "stage": _find_stage(batch, standings), "ignored": batch.ignored,
        "folder": batch.folder if is_written else "", "writing": studio.batches.find_writing(batch.id),
        "unwritten": [
            f"{file.stem}: {file.reason}" for row in rows for clip in row.clips for file in clip.files if file.reason
        ],
        "stopped": counts["cancelled"], "revision": batch.revision, "settings": show_settings(batch.settings),
        "counts": {"all": len(rows), **{name: sum(counts[one] for one in states) for name, states in GROUPS.items()}},
        "unread": counts["unread"], "mendable": sum(map(_is_mendable, rows, standings)),
        "clips": {"done": done, "all": len(clips), "part": done + sum(map(_find_part, clips))},
        "offset": offset, "shown": len(pairs),
        "rows": [show_row(studio, batch, *pair) for pair in pairs[offset : offset + MOST_SHOWN]],
    }  # fmt: skip


def _find_stage(batch: Batch, standings: tuple[RowStanding, ...]) -> str:
    """What the batch is at: "new", "going", "paused", "stopped", or "done" when nothing is left to be made."""
    if not batch.is_started:
        return "new"
    states = {standing.state for standing in standings}
    if batch.is_paused and states & {"paused", "running", "waiting", "unread"}:
        return "paused"
    if batch.is_stopped:
        return "stopped"
    if states & {"waiting", "running", "unread", "paused"}:
        return "going"
    return "new" if "ready" in states else "done"


def _is_mendable(row: BatchRow, standing: RowStanding) -> bool:
    """Whether one press helps a row that isn't made as it is."""
    if standing.state == "refused":
        return bool(row.refusal and row.refusal.offer)
    return standing.state == "aside"


def _find_part(one: ClipStanding) -> float:
    """How far a clip that is made right now is, 0..1."""
    return one.progress.done / one.progress.total if one.state == "running" and one.progress.total else 0.0


def show_row(studio: Studio, batch: Batch, at: int, row: BatchRow, standing: RowStanding) -> dict[str, Any]:
    """One row: its photo, its motion, how it and its clips stand, and what would help."""
    first = row.clips[0].shot if row.clips else None
    running = next((one for one in standing.clips if one.state == "running"), None)
    shot = next((clip.shot for clip in row.clips if running and clip.key == running.key), None)
    finished = next((one.clip for one in standing.clips if one.clip), None)
    return {
        "id": row.id, "at": at, "name": row.name, "state": standing.state, "reason": standing.reason,
        "remedy": standing.remedy, "offer": standing.offer, "thumb": _find_thumb(studio, row),
        "ratio": row.photo.width / row.photo.height if row.photo else 1.5,
        "motion": describe_motion(first) if first else "", "sentence": plain(first.motion) if first else "",
        "preset": _name_preset(row.preset), "own": bool(row.preset or row.prompt or row.motion),
        "seconds": first.seconds if first else row.seconds or batch.settings.seconds,
        "findings": [finding.says for finding in row.findings],
        "remedies": [finding.remedies[0].label for finding in row.findings if finding.remedies],
        "mends": [mend.name for mend in row.mends], "edit": _show_edit(studio, row),
        "progress": show_progress(studio, shot, running.progress) if running and shot else None,
        "part": _find_part(running) if running else 0.0,
        "clip": show_clip(studio, finished) if finished else None,
        "clips": [_show_clip(clip, one) for clip, one in zip(row.clips, standing.clips, strict=False)],
    }  # fmt: skip


def _show_clip(clip: BatchClip, one: ClipStanding) -> dict[str, Any]:
    places = [place.label for name in clip.platforms if (place := presets.platform(name))]
    refusal = clip.refusal
    return {
        "key": clip.key, "aspect": clip.shot.crop.aspect, "places": places, "state": one.state,
        "crop": [clip.shot.crop.x, clip.shot.crop.y, clip.shot.crop.w, clip.shot.crop.h],
        "shape": _find_shape(clip.shot), "seed": clip.shot.seed,
        "reason": f"{refusal.reason} {refusal.remedy}".strip() if refusal else one.reason,
        "file": one.clip.file if one.clip and not one.is_draft else "",
    }  # fmt: skip


def _find_shape(shot: Shot) -> float:
    return (shot.photo.width * shot.crop.w) / (shot.photo.height * shot.crop.h)


def _show_edit(studio: Studio, row: BatchRow) -> dict[str, Any]:
    """What of a row is its own, as the sheet that changes it begins."""
    return {
        "words": row.prompt, "beside": row.beside, "preset": row.preset, "seconds": row.seconds, "seed": row.seed,
        "subject": row.subject, "light": row.light, "place": row.place,
        "view": str(studio.photos.view(row.photo)) if row.photo else "",
        "crops": [
            {**msgspec.to_builtins(crop), "ratio": find_ratio(row.photo, crop.aspect)}
            for crop in row.crops if row.photo
        ],
    }  # fmt: skip


def _find_thumb(studio: Studio, row: BatchRow) -> str:
    if row.photo is None:
        return ""
    try:
        return str(make_photo_thumb(studio, row.photo))
    except Refusal:
        return ""


def _name_preset(preset: str) -> str:
    return next((one.title for one in presets.motions() if one.id == preset), "")


def show_settings(settings: BatchSettings) -> dict[str, Any]:
    """What is the same for every photo, as the form shows it."""
    plan = settings.plan
    return {
        "choose": settings.choose, "preset": settings.preset, "words": settings.sentence,
        "platforms": list(settings.platforms), "aspect": settings.aspect, "model": settings.model,
        "draft": bool(settings.draft), "seed": settings.seed, "variations": settings.variations,
        "size": settings.size, "seconds": settings.seconds, "format": settings.format, "quality": settings.quality,
        "plan": plan and {"days": plan.days, "start": plan.start, "time": plan.times[0], "zone": plan.zone},
    }  # fmt: skip


def show_estimate(studio: Studio, batch_id: str) -> dict[str, Any]:
    """What is left of a batch takes: clips, time, disk and cost."""
    told = studio.batches.estimate(batch_id)
    return {
        "clips": told.clips, "total": told.total, "seconds": told.seconds, "bytes": told.bytes, "free": told.free,
        "unread": told.unread, "unknown": [studio.models.name(model) for model in told.unknown],
        "measured": told.measured,
        "price": show_total(studio, told.cost, "Make them") if told.cost.lines else None,
    }  # fmt: skip
