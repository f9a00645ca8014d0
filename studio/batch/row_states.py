"""How the rows of a batch and their clips stand, from their jobs and the library."""

from __future__ import annotations

from collections.abc import Mapping

from studio.batch.batch_nouns import Batch, BatchClip, BatchRow, ClipStanding, RowStanding, RowState
from studio.library.queue import state_name
from studio.nouns import Clip, Done, Failed, Job, Running

ORDER: tuple[RowState, ...] = (
    "failed", "interrupted", "cancelled", "gone", "running", "waiting", "paused", "ready", "refused", "done",
)  # fmt: skip
"""The states of a row's clips, the one that its row has first."""

AGAIN: tuple[RowState, ...] = ("failed", "interrupted", "cancelled", "gone")
"""States of clips that can be made again."""


def stand_row(batch: Batch, row: BatchRow, jobs: Mapping[str, Job], clips: Mapping[str, Clip]) -> RowStanding:
    """How one row stands; `jobs` and `clips` hold those that its clips name."""
    if row.refusal:
        return RowStanding(row.id, "refused", row.refusal.reason, row.refusal.remedy, row.refusal.offer)
    if not row.is_read:
        return RowStanding(row.id, "unread")
    each = tuple(stand_clip(batch, clip, jobs, clips) for clip in row.clips)
    if row.aside and not any(clip.job for clip in row.clips):
        return RowStanding(row.id, "aside", row.findings[0].says if row.findings else "", clips=each)
    first = min(each, key=lambda one: ORDER.index(one.state), default=None)
    if first is None:
        return RowStanding(row.id, "ready")
    return RowStanding(row.id, first.state, first.reason, first.remedy, clips=each)


def stand_clip(batch: Batch, clip: BatchClip, jobs: Mapping[str, Job], clips: Mapping[str, Clip]) -> ClipStanding:
    """How one clip stands."""
    made, draft = clips.get(clip.job), clips.get(clip.draft)
    if made:
        return ClipStanding(clip.key, "done", made)
    if not clip.job and clip.refusal:
        return ClipStanding(clip.key, "refused", reason=clip.refusal.reason, remedy=clip.refusal.remedy)
    state = find_state(batch, clip, jobs)
    job = jobs.get(clip.job)
    failure = job.state if job and isinstance(job.state, Failed) else Failed("")
    progress = job.state.progress if job and isinstance(job.state, Running) else ClipStanding("", "ready").progress
    return ClipStanding(clip.key, state, draft, draft is not None, progress, failure.reason, failure.remedy)


def find_state(batch: Batch, clip: BatchClip, jobs: Mapping[str, Job]) -> RowState:
    """The state of a clip that isn't in the library."""
    job = jobs.get(clip.job)
    if not clip.job:
        return "ready"
    if job is None or isinstance(job.state, Done):
        return "gone"
    named = state_name(job.state)
    if named == "queued":
        return "paused" if batch.is_paused else "waiting"
    states: dict[str, RowState] = {
        "running": "running", "failed": "failed", "cancelled": "cancelled", "interrupted": "interrupted",
    }  # fmt: skip
    return states[named]
