"""How a cell of a comparison stands, from its jobs and clips as the database has them."""

from __future__ import annotations

from collections.abc import Mapping

from studio.comparison import Cell, CellState, Standing
from studio.nouns import Cancelled, Clip, Done, Failed, Interrupted, Job, Queued, Running

IN_PROGRESS: tuple[CellState, ...] = ("waiting", "running")
"""A cell that something is still coming to."""

_INTERRUPTED = ("Stir was closed while this clip was made.", "Make it again.")
_CANCELLED = ("This clip was cancelled.", "Make it again.")
_GONE = ("This clip was deleted.", "Make it again.")


def find_standing(cell: Cell, jobs: Mapping[str, Job], clips: Mapping[str, Clip]) -> Standing:
    """How a cell stands. `jobs` and `clips` are those of its ids that are there; a clip has the id of its job.

    While another attempt is made, the clip of the one before is shown, and before any is made, that of a draft.
    """
    if cell.photo:
        return Standing("photo")
    if cell.refusal:
        return Standing("refused", reason=cell.refusal[0], remedy=cell.refusal[1])
    if cell.clip:
        return (
            Standing("done", clips[cell.clip])
            if cell.clip in clips
            else Standing("gone", None, reason=_GONE[0], remedy=_GONE[1])
        )
    last = cell.jobs[-1] if cell.jobs else ""
    if last in clips:
        return Standing("done", clips[last])
    made = next((clips[job] for job in reversed(cell.jobs) if job in clips), None)
    tried = next((clips[job] for job in reversed(cell.drafts) if job in clips), None)
    shown, draft = made or tried, made is None and tried is not None
    match jobs[last].state if last in jobs else None:
        case Queued():
            return Standing("waiting", shown, draft=draft)
        case Running(progress):
            return Standing("running", shown, progress, draft=draft)
        case Failed(reason, remedy):
            return Standing("failed", shown, reason=reason, remedy=remedy, draft=draft)
        case Cancelled():
            return Standing("cancelled", shown, reason=_CANCELLED[0], remedy=_CANCELLED[1], draft=draft)
        case Interrupted():
            return Standing("interrupted", shown, reason=_INTERRUPTED[0], remedy=_INTERRUPTED[1], draft=draft)
        case Done() | None:
            return Standing("gone", shown, reason=_GONE[0], remedy=_GONE[1], draft=draft)
